/* Layers that hold others. How they are filled is written in Lua (lua/stdlib/nn/layers); what runs is in C. */
#include "nn/layer.h"

static const nl_layer_entry entries[] = {
    {.name = "Sequential",
     .inputs = "x",
     .doc =
         "Layers one after another, given in order or as a list; functions of a tensor are layers, too. net[1] is the "
         "first, #net their number, net:add(layer) appends, net[2] = nn.Tanh() replaces.",
     .formula = "y = f_n(... f_2(f_1(x)))",
     .example = "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))"},
};

NL_LAYERS(containers, entries);
