/* Activations as functions of a tensor, made of other ops. The layers of the same names call these. */
#include <math.h>

#include "optable/compose.h"
#include "optable/rules.h"

NL_ATTRS(leaky_relu, negative_slope)
NL_ATTRS(celu, alpha)
NL_ATTRS(gelu, approximate)
NL_ATTRS(hardtanh, min_val, max_val)
NL_ATTRS(shrink, lambd)
NL_ATTRS(threshold, threshold, value)
NL_ATTRS(glu, dim)
NL_ATTRS(softmin, dim)
NL_ATTRS(gumbel_softmax, tau, hard, dim)

static nl_tensor *clamped(nl_build *b, nl_tensor *x, double lo, double hi) {
  return nl_b_do(b, op_clamp_between(), "tnn", x, lo, hi);
}
static nl_tensor *above(nl_build *b, nl_tensor *x, double k) {
  return b_gt(b, x, nl_b_number(b, k));
}

NL_COMPOSE(leaky_relu) {
  nl_give(c, b_where(b, above(b, x, 0), x, b_times(b, x, c->attr[leaky_relu_negative_slope].number)));
}
/* One slope, or one for each channel (dim 2). */
NL_COMPOSE(prelu) {
  nl_tensor *w = c->in[1];
  if (w->numel != 1) {
    int64_t shape[NL_MAX_DIM];
    if (x->ndim < 2 || w->ndim != 1 || w->numel != x->shape[1]) {
      nl_b_fail(b, "the weight must have one element, or as many as dim 2 of the input (shape %s), but its shape is %s",
                nl_tensor_shape_string(x).s, nl_tensor_shape_string(w).s);
      return;
    }
    for (int d = 0; d < x->ndim; d++) {
      shape[d] = d == 1 ? w->numel : 1;
    }
    w = nl_b_reshape(b, w, x->ndim, shape);
  } else {
    w = nl_b_reshape(b, w, 0, NULL);
  }
  nl_give(c, b_where(b, above(b, x, 0), x, b_mul(b, x, w)));
}
NL_COMPOSE(relu6) {
  nl_give(c, clamped(b, x, 0, 6));
}
NL_COMPOSE(selu) {
  nl_give(c, b_times(b, nl_b_do(b, op_elu(), "tn", x, 1.6732632423543772), 1.0507009873554805));
}
NL_COMPOSE(celu) {
  double alpha = c->attr[celu_alpha].number;
  want_scale(b, "alpha", alpha, nl_tensor_dtype(x));
  nl_give(c, b_times(b, nl_b_do(b, op_elu(), "tn", b_times(b, x, 1 / alpha), 1.0), alpha));
}
NL_COMPOSE(gelu) {
  if (c->attr[gelu_approximate].i == 0) {
    nl_give(c, b_gelu_erf(b, x));
    return;
  }
  nl_tensor *cube = b_mul(b, x, b_square(b, x));
  nl_tensor *t = b_tanh(b, b_times(b, b_add(b, x, b_times(b, cube, 0.044715)), M_2_SQRTPI * M_SQRT1_2));
  nl_give(c, b_mul(b, x, b_times(b, b_plus(b, t, 1), 0.5)));
}
NL_COMPOSE(silu) {
  nl_give(c, b_mul(b, x, b_sigmoid(b, x)));
}
NL_COMPOSE(mish) {
  nl_give(c, b_mul(b, x, b_tanh(b, b_softplus(b, x))));
}
NL_COMPOSE(softsign) {
  nl_give(c, b_div(b, x, b_plus(b, b_abs(b, x), 1)));
}
NL_COMPOSE(hardtanh) {
  const nl_attr *lo = &c->attr[hardtanh_min_val], *hi = &c->attr[hardtanh_max_val];
  if (x->dtype == NL_I64 && lo->number == floor(lo->number) && hi->number == floor(hi->number)) { /* all digits */
    nl_give(c, nl_b_do(b, op_clamp(), "ttt", x, nl_b_int(b, nl_attr_whole(lo)), nl_b_int(b, nl_attr_whole(hi))));
    return;
  }
  nl_give(c, clamped(b, x, lo->number, hi->number));
}
NL_COMPOSE(hardsigmoid) {
  nl_give(c, b_times(b, clamped(b, b_plus(b, x, 3), 0, 6), 1.0 / 6));
}
NL_COMPOSE(hardswish) {
  nl_give(c, b_mul(b, x, b_times(b, clamped(b, b_plus(b, x, 3), 0, 6), 1.0 / 6)));
}
NL_COMPOSE(tanhshrink) {
  nl_give(c, b_sub(b, x, b_tanh(b, x)));
}
/* x where |x| > lambda, less lambda if it is soft; else 0 */
NL_COMPOSE(shrink) {
  double lambda = c->attr[shrink_lambd].number, less = c->op->variant == 0 ? lambda : 0;
  nl_tensor *low = b_where(b, b_lt(b, x, nl_b_number(b, -lambda)), b_plus(b, x, less), b_times(b, x, 0));
  nl_give(c, b_where(b, above(b, x, lambda), b_plus(b, x, -less), low));
}
NL_COMPOSE(threshold) {
  /* the other way round, so that nan stays */
  nl_tensor *low = b_le(b, x, nl_b_number(b, c->attr[threshold_threshold].number));
  nl_give(c, b_where(b, low, nl_b_number(b, c->attr[threshold_value].number), x));
}
NL_COMPOSE(glu) {
  int dim = dim_at(b, c->attr[glu_dim].i, x->ndim);
  int64_t n = size_at(x, dim);
  if (n % 2) {
    nl_b_fail(b, "dim %d of shape %s must have an even number of elements: half of them gate the others", dim + 1,
              nl_tensor_shape_string(x).s);
  }
  nl_tensor *gate = b_sigmoid(b, b_narrow(b, x, dim + 1, n / 2 + 1, n / 2));
  nl_give(c, b_mul(b, b_narrow(b, x, dim + 1, 1, n / 2), gate));
}
NL_COMPOSE(logsigmoid) {
  nl_give(c, b_neg(b, b_softplus(b, b_neg(b, x))));
}
NL_COMPOSE(softmin) {
  nl_give(c, b_softmax(b, b_neg(b, x), c->attr[softmin_dim].i));
}

/* Jang, Gu & Poole 2017; Maddison, Mnih & Teh 2017: softmax((logits + g) / tau), g from Gumbel's distribution. Hard:
   one-hot forward, with the soft one's gradient. */
NL_COMPOSE(gumbel_softmax) {
  double tau = c->attr[gumbel_softmax_tau].number;
  int64_t dim = c->attr[gumbel_softmax_dim].i;
  want_scale(b, "tau", tau, nl_tensor_dtype(x));
  nl_call r;
  nl_call_init(&r, op_rand_like(), 1, NULL);
  r.in[0] = x;
  r.generator = c->generator;
  nl_tensor *u = clamped(b, nl_b_call(b, &r), 1e-20, 1);
  nl_tensor *e = clamped(b, b_neg(b, b_log(b, u)), 1e-20, INFINITY);
  nl_tensor *y = b_softmax(b, b_times(b, b_sub(b, x, b_log(b, e)), 1 / tau), dim);
  if (c->attr[gumbel_softmax_hard].b) {
    nl_tensor *largest = nl_b_do(b, op_argmax(), "tib", y, dim, 1);
    nl_tensor *zeros = nl_b_do(b, op_zeros_like(), "t", y);
    nl_tensor *one = b_ones_like(b, largest, nl_tensor_dtype(x));
    nl_tensor *hot = b_scatter_add(b, zeros, dim, largest, one);
    nl_tensor *soft = b_sub(b, y, nl_b_do(b, op_stop_gradient(), "t", y));
    y = b_add(b, hot, soft); /* soft is 0, but has y's gradient */
  }
  nl_give(c, y);
}

#define SOME "nn.tensor {-2.0, -0.5, 0.0, 1.5}"

static const nl_op ops[] = {
    {
        .name = "leaky_relu",
        .args = "x: tensor, negative_slope: number = 0.01",
        .attrs = leaky_relu_attrs,
        .returns = "tensor",
        .doc = "x for x > 0, else negative_slope x: Maas, Hannun & Ng 2013.",
        .compose = compose_leaky_relu,
        .flags = NL_OP_INPLACE,
        .example = "nn.leaky_relu(" SOME ")",
    },
    {
        .name = "prelu",
        .args = "x: tensor, weight: tensor",
        .returns = "tensor",
        .doc = "x for x > 0, else weight x, with one weight or one a channel (dim 2): He et al. 2015.",
        .compose = compose_prelu,
        .flags = NL_OP_INPLACE,
        .example = "nn.prelu(" SOME ", nn.tensor {0.25})",
    },
    {
        .name = "relu6",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "min(max(0, x), 6).",
        .compose = compose_relu6,
        .flags = NL_OP_INPLACE,
        .example = "nn.relu6(nn.tensor {-1.0, 3.0, 8.0})",
    },
    {
        .name = "selu",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "1.0507 elu(x, 1.6733), which keeps mean 0 and variance 1: Klambauer et al. 2017.",
        .compose = compose_selu,
        .flags = NL_OP_INPLACE,
        .example = "nn.selu(" SOME ")",
    },
    {
        .name = "celu",
        .args = "x: tensor, alpha: number = 1",
        .attrs = celu_attrs,
        .returns = "tensor",
        .doc = "alpha elu(x / alpha), smooth for every alpha: Barron 2017.",
        .compose = compose_celu,
        .flags = NL_OP_INPLACE,
        .example = "nn.celu(" SOME ", 0.5)",
    },
    {
        .name = "gelu",
        .args = "x: tensor, approximate: choice = none|tanh",
        .attrs = gelu_attrs,
        .returns = "tensor",
        .doc = "x times the normal distribution's area up to x: Hendrycks & Gimpel 2016.",
        .compose = compose_gelu,
        .flags = NL_OP_INPLACE,
        .example = "nn.gelu(" SOME ")",
    },
    {
        .name = "silu",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x sigmoid(x): Elfwing, Uchibe & Doya 2017; also called swish.",
        .compose = compose_silu,
        .flags = NL_OP_INPLACE,
        .example = "nn.silu(" SOME ")",
    },
    {
        .name = "mish",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x tanh(softplus(x)): Misra 2019.",
        .compose = compose_mish,
        .flags = NL_OP_INPLACE,
        .example = "nn.mish(" SOME ")",
    },
    {
        .name = "softsign",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x / (1 + |x|).",
        .compose = compose_softsign,
        .flags = NL_OP_INPLACE,
        .example = "nn.softsign(" SOME ")",
    },
    {
        .name = "hardtanh",
        .args = "x: tensor, min_val: number = -1, max_val: number = 1",
        .attrs = hardtanh_attrs,
        .returns = "tensor",
        .doc = "x limited to [min_val, max_val].",
        .compose = compose_hardtanh,
        .flags = NL_OP_INPLACE,
        .example = "nn.hardtanh(" SOME ")",
    },
    {
        .name = "hardsigmoid",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "relu6(x + 3) / 6.",
        .compose = compose_hardsigmoid,
        .flags = NL_OP_INPLACE,
        .example = "nn.hardsigmoid(" SOME ")",
    },
    {
        .name = "hardswish",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x relu6(x + 3) / 6: Howard et al. 2019.",
        .compose = compose_hardswish,
        .flags = NL_OP_INPLACE,
        .example = "nn.hardswish(" SOME ")",
    },
    {
        .name = "tanhshrink",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "x - tanh(x).",
        .compose = compose_tanhshrink,
        .flags = NL_OP_INPLACE,
        .example = "nn.tanhshrink(" SOME ")",
    },
    {
        .name = "softshrink",
        .args = "x: tensor, lambd: number = 0.5",
        .attrs = shrink_attrs,
        .returns = "tensor",
        .doc = "x moved towards 0 by lambd, and 0 where it is nearer.",
        .compose = compose_shrink,
        .flags = NL_OP_INPLACE,
        .example = "nn.softshrink(" SOME ")",
    },
    {.name = "hardshrink",
     .args = "x: tensor, lambd: number = 0.5",
     .attrs = shrink_attrs,
     .returns = "tensor",
     .doc = "x where |x| > lambd, else 0.",
     .example = "nn.hardshrink(" SOME ")",
     .compose = compose_shrink,
     .flags = NL_OP_INPLACE,
     .variant = 1},
    {
        .name = "threshold",
        .args = "x: tensor, threshold: number, value: number",
        .attrs = threshold_attrs,
        .returns = "tensor",
        .doc = "x where it is above the threshold, else value.",
        .compose = compose_threshold,
        .flags = NL_OP_INPLACE,
        .example = "nn.threshold(" SOME ", 0.1, 20)",
    },
    {.name = "glu",
     .args = "x: tensor, dim: dim = -1",
     .attrs = glu_attrs,
     .returns = "tensor",
     .doc = "The first half along a dim times sigmoid of the second: Dauphin et al. 2016.",
     .example = "nn.glu(nn.tensor {1.0, 2.0, 0.0, 3.0})",
     .compose = compose_glu},
    {
        .name = "logsigmoid",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "log(sigmoid(x)), exact on both sides.",
        .compose = compose_logsigmoid,
        .flags = NL_OP_INPLACE,
        .example = "nn.logsigmoid(" SOME ")",
    },
    {.name = "softmin",
     .args = "x: tensor, dim: dim = -1",
     .attrs = softmin_attrs,
     .returns = "tensor",
     .doc = "softmax(-x) along a dim.",
     .example = "nn.softmin(" SOME ")",
     .compose = compose_softmin},
    {.name = "gumbel_softmax",
     .args = "logits: tensor, tau: number = 1, hard: bool = false, dim: dim = -1",
     .attrs = gumbel_softmax_attrs,
     .returns = "tensor",
     .doc = "A random draw, near one-hot for small tau, through which gradients flow: Jang, Gu & Poole 2017.",
     .example = "nn.gumbel_softmax(nn.tensor {0.0, 5.0}, 0.5, true, {generator = nn.Generator(1)})",
     .compose = compose_gumbel_softmax,
     .flags = NL_OP_RANDOM},
};

NL_FAMILY(activation, ops);
