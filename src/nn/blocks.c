/* Blocks with a way around: gates and shortcuts, along which gradients pass unchanged. */
#include <stdio.h>

#include "nn/pass.h"

NL_FIELDS(highway, features, activation, gate_bias, init, transform, gate)

static void make_highway(nl_making *m) {
  int64_t n = made_int(m, highway_features);
  double sizes[2] = {(double)n, (double)n};
  m->part(m, highway_transform, "Linear", 2, sizes, m->initializer, NULL);
  nl_tensor *bias = m->part(m, highway_gate, "Linear", 2, sizes, NULL, "bias");
  if (m->build.status == NL_OK) {
    nl_b_into(&m->build, op_copy_(), bias, nl_made_full(m, 1, &n, made_number(m, highway_gate_bias)));
  }
  if (!m->layer->value[highway_activation].set) {
    m->part(m, highway_activation, "ReLU", 0, NULL, NULL, NULL);
  }
}

NL_FORWARD(highway) {
  nl_tensor *t = b_sigmoid(b, p->host->call(p, highway_gate, x));
  nl_tensor *h = p->host->call(p, highway_transform, x);
  h = b_mul(b, p->host->call(p, highway_activation, h), t);
  return b_add(b, h, b_mul(b, x, b_minus_from(b, 1, t)));
}

NL_FIELDS(residual, body, projection)

NL_FORWARD(residual) {
  nl_tensor *y = p->host->call(p, residual_body, x);
  nl_tensor *around = is_set(p, residual_projection) ? p->host->call(p, residual_projection, x) : x;
  if (b->status == NL_OK && !nl_shape_equal(y, around)) {
    return nl_b_fail(b,
                     "Residual: f(x) has shape %s, but the shortcut %s; give it a layer: {projection = nn.Linear(...)}",
                     nl_tensor_shape_string(y).s, nl_tensor_shape_string(around).s);
  }
  return b_add(b, around, y);
}

static const nl_layer_entry entries[] = {
    {.name = "Highway",
     .settings = "features: int in 1.. fixed | activation: layer?, gate_bias: number = -1 fixed, init: initializer?",
     .makes = "transform: part, gate: part",
     .fields = highway_fields,
     .inputs = "x",
     .accepts = "... x features",
     .doc = "A layer with a gate that decides what of it, and what of the input, goes on. The gate's bias starts at "
            "-1, so that a deep stack starts as (nearly) the identity. activation is a ReLU unless it is given.",
     .formula = "y = H(x) T(x) + x (1 - T(x)) with H(x) = activation(W x + b), T(x) = sigmoid(W_T x + b_T)",
     .source = "Srivastava, Greff & Schmidhuber 2015",
     .example = "nn.Highway(8, {activation = nn.Tanh()})",
     .make = make_highway,
     .forward = forward_highway},
    {.name = "Residual",
     .settings = "body: layers | projection: layer?",
     .fields = residual_fields,
     .inputs = "x",
     .doc = "Layers with a shortcut around them, which {projection = layer} gives a layer of its own.",
     .formula = "y = x + f(x), or projection(x) + f(x)",
     .source = "He et al. 2016",
     .example = "nn.Residual(nn.Linear(8, 8), nn.ReLU())",
     .forward = forward_residual},
};

NL_LAYERS(blocks, entries);
