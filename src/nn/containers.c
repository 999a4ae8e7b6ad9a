/* Layers that hold others. How they are filled is written in Lua (lua/stdlib/nn/layers/containers.lua); what runs is in
   C. */
#include "nn/layer.h"

static const nl_layer_entry entries[] = {
    {.name = "Sequential",
     .made_of = "...",
     .inputs = "x",
     .doc =
         "Layers one after another, given in order or as a list; functions of a tensor are layers, too. net[1] is the "
         "first, #net their number, net:add(layer) appends, net[2] = nn.Tanh() replaces.",
     .formula = "y = f_n(... f_2(f_1(x)))",
     .example = "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))"},
    {.name = "ModuleList",
     .made_of = "...",
     .doc =
         "A list of layers, for a forward of your own to go through: list[1], #list, ipairs(list), list:add(layer). "
         "Their parameters belong to the module that holds the list. (In a field, a plain table does the same; here a "
         "change is counted, and what is no layer is refused.)",
     .example = "nn.ModuleList {nn.Linear(4, 4), nn.Linear(4, 2)}"},
    {.name = "ModuleDict",
     .made_of = "...",
     .doc =
         "Layers by name, for a forward of your own: dict.name, dict:keys(). Made of {name = layer}, which is put in "
         "the order of the names, or of {{name, layer}, ...}, in this order.",
     .example = "nn.ModuleDict {left = nn.Linear(4, 2), right = nn.Tanh()}"},
    {.name = "ParameterList",
     .made_of = "...",
     .doc = "A list of parameters that belong to the module which holds it: list[1], #list, list:add(p).",
     .example = "nn.ParameterList {nn.Parameter(nn.ones(3))}"},
};

NL_LAYERS(containers, entries);
