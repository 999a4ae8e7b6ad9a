/* Elementwise ops beyond those that nets are made of: exponentials and logarithms, trigonometry, special functions,
   rounding, questions, division with remainder, bits. */
#include <float.h>
#include <math.h>

#include "ops/elementwise/elementwise.h"
#include "optable/compose.h"
#include "optable/rules.h"

NL_ATTRS(logit, eps)
NL_ATTRS(addc, value)
NL_ATTRS(nan_to_num, nan, posinf, neginf)
NL_ATTRS(isclose, rtol, atol, equal_nan)
NL_ATTRS(softclip, limit)

/* ---- gradients, with x the input, y the output and g the gradient that comes in ---- */

#define SLOPE(name, formula)                                                                                           \
  static nl_status vjp_##name(nl_call *c, nl_vjp *v) {                                                                 \
    nl_build *b = v->build;                                                                                            \
    nl_tensor *x = c->in[0], *y = c->out[0], *g = v->gout[0];                                                          \
    (void)x;                                                                                                           \
    (void)y;                                                                                                           \
    v->gin[0] = formula;                                                                                               \
    return b->status;                                                                                                  \
  }
/* of two inputs, x and y */
#define SLOPES(name, formula_x, formula_y)                                                                             \
  static nl_status vjp_##name(nl_call *c, nl_vjp *v) {                                                                 \
    nl_build *b = v->build;                                                                                            \
    nl_tensor *x = c->in[0], *y = c->in[1], *g = v->gout[0];                                                           \
    (void)x;                                                                                                           \
    (void)y;                                                                                                           \
    if (v->need[0]) {                                                                                                  \
      v->gin[0] = formula_x;                                                                                           \
    }                                                                                                                  \
    if (v->need[1]) {                                                                                                  \
      v->gin[1] = formula_y;                                                                                           \
    }                                                                                                                  \
    return b->status;                                                                                                  \
  }

static nl_tensor *zero_like(nl_build *b, const nl_tensor *t) {
  return nl_b_zeros(b, nl_dtype_is_float(nl_tensor_dtype(t)) ? nl_tensor_dtype(t) : NL_DEFAULT_FLOAT, t->ndim,
                    t->shape);
}

SLOPE(exp2, b_mul(b, g, b_times(b, y, M_LN2)))
SLOPE(expm1, b_mul(b, g, b_plus(b, y, 1)))
SLOPE(log2, b_div(b, g, b_times(b, x, M_LN2)))
SLOPE(log10, b_div(b, g, b_times(b, x, M_LN10)))
SLOPE(cbrt, b_div(b, g, b_times(b, b_square(b, y), 3)))
SLOPE(tan, b_mul(b, g, b_plus(b, b_square(b, y), 1)))
SLOPE(asin, b_mul(b, g, b_rsqrt(b, b_minus_from(b, 1, b_square(b, x)))))
SLOPE(acos, b_neg(b, b_mul(b, g, b_rsqrt(b, b_minus_from(b, 1, b_square(b, x))))))
SLOPE(atan, b_div(b, g, b_plus(b, b_square(b, x), 1)))
SLOPE(sinh, b_mul(b, g, b_cosh(b, x)))
SLOPE(cosh, b_mul(b, g, b_sinh(b, x)))
SLOPE(asinh, b_mul(b, g, b_rsqrt(b, b_plus(b, b_square(b, x), 1))))
SLOPE(acosh, b_mul(b, g, b_rsqrt(b, b_plus(b, b_square(b, x), -1))))
SLOPE(atanh, b_div(b, g, b_minus_from(b, 1, b_square(b, x))))
SLOPE(erfc, b_mul(b, g, b_times(b, b_exp(b, b_neg(b, b_square(b, x))), -M_2_SQRTPI)))
SLOPE(rsqrt, b_mul(b, g, b_times(b, b_mul(b, y, b_square(b, y)), -0.5)))
SLOPE(reciprocal, b_neg(b, b_mul(b, g, b_square(b, y))))
SLOPE(erfinv, b_mul(b, g, b_times(b, b_exp(b, b_square(b, y)), 1 / M_2_SQRTPI)))
SLOPE(lgamma, b_mul(b, g, b_digamma(b, x)))
SLOPE(digamma, b_mul(b, g, b_polygamma(b, nl_b_int(b, 1), x)))
/* (cos(pi x) - sinc(x)) / x, and 0 at 0 */
SLOPE(sinc, b_mul(b, g,
                  b_where(b, b_eq(b, x, nl_b_number(b, 0)), nl_b_number(b, 0),
                          b_div(b, b_sub(b, b_cos(b, b_times(b, x, M_PI)), y), x))))
SLOPE(frac, g)
/* the area up to x, plus x times the density at x */
SLOPE(gelu_erf,
      b_mul(b, g,
            b_add(b, b_ndtr(b, x),
                  b_mul(b, x, b_times(b, b_exp(b, b_times(b, b_square(b, x), -0.5)), 0.5 * M_2_SQRTPI * M_SQRT1_2)))))

/* Of both, squares are never formed: they overflow where the gradient is an ordinary number. */
SLOPES(hypot, b_mul(b, g, b_div(b, x, b_hypot(b, x, y))), b_mul(b, g, b_div(b, y, b_hypot(b, x, y))))
/* x is the ordinate, y the abscissa */
SLOPES(atan2, b_mul(b, g, b_div(b, b_div(b, y, b_hypot(b, x, y)), b_hypot(b, x, y))),
       b_neg(b, b_mul(b, g, b_div(b, b_div(b, x, b_hypot(b, x, y)), b_hypot(b, x, y)))))
SLOPES(fmod, g, b_neg(b, b_mul(b, g, b_trunc(b, b_div(b, x, y)))))
SLOPES(remainder, g, b_neg(b, b_mul(b, g, b_floor(b, b_div(b, x, y)))))
SLOPES(logaddexp, b_mul(b, g, b_sigmoid(b, b_sub(b, x, y))), b_mul(b, g, b_sigmoid(b, b_sub(b, y, x))))
SLOPES(logaddexp2, b_mul(b, g, b_sigmoid(b, b_times(b, b_sub(b, x, y), M_LN2))),
       b_mul(b, g, b_sigmoid(b, b_times(b, b_sub(b, y, x), M_LN2))))
SLOPES(xlogy, b_mul(b, g, b_log(b, y)), b_mul(b, g, b_div(b, x, y)))
SLOPES(xlog1py, b_mul(b, g, b_log1p(b, y)), b_mul(b, g, b_div(b, x, b_plus(b, y, 1))))
/* 1 or -1 as the sign is kept or turned */
SLOPES(copysign, b_mul(b, g, b_mul(b, b_sign(b, x), b_copysign(b, nl_b_number(b, 1), y))), zero_like(b, y))
SLOPES(fmax, b_where(b, b_logical_or(b, b_ge(b, x, y), b_isnan(b, y)), g, nl_b_number(b, 0)),
       b_where(b, b_logical_or(b, b_ge(b, x, y), b_isnan(b, y)), nl_b_number(b, 0), g))
SLOPES(fmin, b_where(b, b_logical_or(b, b_le(b, x, y), b_isnan(b, y)), g, nl_b_number(b, 0)),
       b_where(b, b_logical_or(b, b_le(b, x, y), b_isnan(b, y)), nl_b_number(b, 0), g))
static nl_status vjp_polygamma(nl_call *c, nl_vjp *v) {
  nl_build *b = v->build;
  if (v->need[1]) {
    v->gin[1] = b_mul(b, v->gout[0], b_polygamma(b, b_add(b, c->in[0], nl_b_int(b, 1)), c->in[1]));
  }
  return b->status;
}

/* ---- ops made of ops ---- */

/* Whether a bound is the same as a double, which the fast way takes. */
static bool is_double(const nl_tensor *x, const nl_tensor *bound) {
  if (!bound || x->dtype != NL_I64 || bound->dtype != NL_I64) {
    return true;
  }
  int64_t v = nl_tensor_get_int(bound, 0);
  return v >= -((int64_t)1 << 53) && v <= (int64_t)1 << 53;
}

NL_COMPOSE(clamp) {
  nl_tensor *lo = c->in[1], *hi = c->in[2];
  if (!lo && !hi) {
    nl_b_fail(b, "min, max or both are needed, e.g. x:clamp{min = 0}");
    return;
  }
  bool numbers = (!lo || lo->wrapped_number) && (!hi || hi->wrapped_number);
  if (numbers && is_double(x, lo) && is_double(x, hi)) {
    const char *format = !lo ? "t-n" : (!hi ? "tn" : "tnn");
    double l = lo ? nl_tensor_get_double(lo, 0) : 0, h = hi ? nl_tensor_get_double(hi, 0) : 0;
    nl_give(c, lo ? nl_b_do(b, op_clamp_between(), format, x, l, h) : nl_b_do(b, op_clamp_between(), format, x, h));
    return;
  }
  nl_tensor *t = lo ? b_maximum(b, x, lo) : x;
  nl_give(c, hi ? b_minimum(b, t, hi) : t);
}
NL_COMPOSE(logit) {
  if (c->attr[logit_eps].set) {
    double eps = c->attr[logit_eps].number;
    x = nl_b_do(b, op_clamp_between(), "tnn", x, eps, 1 - eps);
  }
  nl_give(c, b_sub(b, b_log(b, x), b_log1p(b, b_neg(b, x))));
}
NL_COMPOSE(deg2rad) {
  nl_give(c, b_times(b, x, M_PI / 180));
}
NL_COMPOSE(rad2deg) {
  nl_give(c, b_times(b, x, 180 / M_PI));
}
NL_COMPOSE(lerp) {
  nl_give(c, b_add(b, x, b_mul(b, c->in[2], b_sub(b, b_wide(b, c->in[1]), x))));
}
/* Whole numbers stay whole where the factor is. */
NL_COMPOSE(addcmul) {
  const nl_attr *value = &c->attr[addc_value];
  bool fits = value->number == floor(value->number) && fabs(value->number) < 0x1p63;
  nl_tensor *product =
      b_mul(b, fits ? c->in[1] : b_float(b, c->in[1]), c->in[2]); /* bytes times a fraction do not wrap */
  bool whole = product && !nl_dtype_is_float(nl_tensor_dtype(product)) && fits;
  product = whole ? b_mul(b, product, nl_b_int(b, nl_attr_whole(value))) : b_times(b, product, value->number);
  nl_give(c, b_add(b, x, product));
}
NL_COMPOSE(addcdiv) {
  nl_give(c, b_add(b, x, b_times(b, b_div(b, c->in[1], c->in[2]), c->attr[addc_value].number)));
}
NL_COMPOSE(nan_to_num) {
  if (!nl_dtype_is_float(nl_tensor_dtype(x))) {
    nl_give(c, b_clone(b, x));
    return;
  }
  double most = x->dtype == NL_F32 ? FLT_MAX : DBL_MAX;
  nl_tensor *t = b_where(b, b_isnan(b, x), nl_b_number(b, c->attr[nan_to_num_nan].number), x);
  t = b_where(b, b_isposinf(b, x),
              nl_b_number(b, c->attr[nan_to_num_posinf].set ? c->attr[nan_to_num_posinf].number : most), t);
  nl_give(c, b_where(b, b_isneginf(b, x),
                     nl_b_number(b, c->attr[nan_to_num_neginf].set ? c->attr[nan_to_num_neginf].number : -most), t));
}
/* |x - y| <= atol + rtol |y|, and what is equal (two infinities too) */
NL_COMPOSE(isclose) { /* whole numbers are equal, or as near as float64 tells: differences could wrap around */
  bool wholes = !nl_dtype_is_float(nl_tensor_dtype(x)) && !nl_dtype_is_float(nl_tensor_dtype(c->in[1]));
  nl_tensor *equal = b_eq(b, x, c->in[1]), *y = wholes ? nl_b_cast(b, c->in[1], NL_F64) : b_wide(b, c->in[1]);
  x = wholes ? nl_b_cast(b, x, NL_F64) : b_wide(b, x);
  nl_tensor *bound = b_plus(b, b_times(b, b_abs(b, y), c->attr[isclose_rtol].number), c->attr[isclose_atol].number);
  nl_tensor *distance = b_abs(b, b_sub(b, x, y)); /* inf or nan where one of them is infinite */
  nl_tensor *near = b_logical_and(b, b_le(b, distance, bound), b_lt(b, distance, nl_b_number(b, INFINITY)));
  near = b_logical_or(b, near, equal);
  if (c->attr[isclose_equal_nan].b) {
    near = b_logical_or(b, near, b_logical_and(b, b_isnan(b, x), b_isnan(b, y)));
  }
  nl_give(c, near);
}
NL_COMPOSE(float_power) {
  nl_tensor *y = nl_b_cast(b, c->in[1], NL_F64);
  nl_give(c, b_pow(b, nl_b_cast(b, x, NL_F64), y));
}
NL_COMPOSE(ldexp) {
  nl_tensor *y = c->in[1];
  y = nl_dtype_is_float(nl_tensor_dtype(y)) ? y : nl_b_cast(b, y, nl_tensor_dtype(x) == NL_F64 ? NL_F64 : NL_F32);
  nl_give(c, b_mul(b, x, b_exp2(b, y)));
}
/* -x log x, 0 at 0, -inf below */
NL_COMPOSE(entr) {
  nl_give(c, b_where(b, b_lt(b, x, nl_b_number(b, 0)), nl_b_number(b, -INFINITY), b_neg(b, b_xlogy(b, x, x))));
}
NL_COMPOSE(ndtr) {
  nl_give(c, b_times(b, b_erfc(b, b_times(b, x, -M_SQRT1_2)), 0.5));
}
NL_COMPOSE(softclip) {
  double limit = c->attr[softclip_limit].number;
  want_scale(b, "limit", limit, nl_tensor_dtype(x));
  nl_give(c, b_times(b, b_tanh(b, b_div(b, x, nl_b_number(b, limit))), limit));
}

/* ---- the ops ---- */

#define E (NL_OP_ELEMENTWISE | NL_OP_PROMOTE | NL_OP_INPLACE)
#define XY "x: operand, y: operand"
#define UNARY(n, id, text, v, s, e)                                                                                    \
  {                                                                                                                    \
    .name = n, .args = "x: tensor", .returns = "tensor", .doc = text, .infer = nl_infer_unary, .run = nl_run_strip,    \
    .strip = nl_strip_unary, .vjp = v, .flags = E, .save = s, .kernel = id, .example = e                               \
  }
#define QUESTION(n, id, text, e)                                                                                       \
  {                                                                                                                    \
    .name = n, .args = "x: tensor", .returns = "tensor", .doc = text, .infer = nl_infer_unary, .run = nl_run_strip,    \
    .strip = nl_strip_unary, .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE, .kernel = id, .example = e                    \
  }
#define BINARY(n, id, text, v, s, e)                                                                                   \
  {                                                                                                                    \
    .name = n, .args = XY, .returns = "tensor", .doc = text, .infer = nl_infer_binary, .run = nl_run_strip,            \
    .strip = nl_strip_binary, .vjp = v, .flags = E | NL_OP_BROADCAST, .save = s, .kernel = id, .example = e            \
  }
#define X NL_SAVE_IN(0)
#define Y NL_SAVE_OUT(0)
#define FEW "nn.tensor {0.25, 1.0, 4.0}"
#define ANGLES "nn.tensor {0.0, 0.5, 1.0}"
#define HALVES "nn.tensor {-1.5, -0.5, 0.5, 1.5, 2.5}"
#define ODD "nn.tensor {1.0, 0/0, 1/0, -1/0}"

static const nl_op ops[] = {
    UNARY("exp2", NL_UN_EXP2, "2 to the power of each element.", vjp_exp2, Y, "nn.exp2(" FEW ")"),
    UNARY("expm1", NL_UN_EXPM1, "exp(x) - 1, exact for small x.", vjp_expm1, Y, "nn.expm1(nn.tensor {1e-6, 1.0})"),
    UNARY("log2", NL_UN_LOG2, "The logarithm to base 2.", vjp_log2, X, "nn.log2(" FEW ")"),
    UNARY("log10", NL_UN_LOG10, "The logarithm to base 10.", vjp_log10, X, "nn.log10(nn.tensor {0.1, 1.0, 100.0})"),
    UNARY("cbrt", NL_UN_CBRT, "The cube root, of negative numbers too.", vjp_cbrt, Y,
          "nn.cbrt(nn.tensor {-8.0, 27.0})"),
    UNARY("tan", NL_UN_TAN, "The tangent, of radians.", vjp_tan, Y, "nn.tan(" ANGLES ")"),
    UNARY("asin", NL_UN_ASIN, "The angle whose sine is x; nan outside [-1, 1].", vjp_asin, X, "nn.asin(" ANGLES ")"),
    UNARY("acos", NL_UN_ACOS, "The angle whose cosine is x; nan outside [-1, 1].", vjp_acos, X, "nn.acos(" ANGLES ")"),
    UNARY("atan", NL_UN_ATAN, "The angle whose tangent is x.", vjp_atan, X, "nn.atan(" ANGLES ")"),
    UNARY("sinh", NL_UN_SINH, "The hyperbolic sine.", vjp_sinh, X, "nn.sinh(" ANGLES ")"),
    UNARY("cosh", NL_UN_COSH, "The hyperbolic cosine.", vjp_cosh, X, "nn.cosh(" ANGLES ")"),
    UNARY("asinh", NL_UN_ASINH, "The inverse of sinh.", vjp_asinh, X, "nn.asinh(" ANGLES ")"),
    UNARY("acosh", NL_UN_ACOSH, "The inverse of cosh; nan below 1.", vjp_acosh, X, "nn.acosh(nn.tensor {1.0, 2.0})"),
    UNARY("atanh", NL_UN_ATANH, "The inverse of tanh; nan outside [-1, 1].", vjp_atanh, X, "nn.atanh(" ANGLES ")"),
    UNARY("erfc", NL_UN_ERFC, "1 - erf(x), exact where that is small.", vjp_erfc, X,
          "nn.erfc(nn.tensor {0.0, 1.0, 5.0})"),
    UNARY("rsqrt", NL_UN_RSQRT, "1 / sqrt(x).", vjp_rsqrt, Y, "nn.rsqrt(" FEW ")"),
    UNARY("reciprocal", NL_UN_RECIPROCAL, "1 / x.", vjp_reciprocal, Y, "nn.reciprocal(" FEW ")"),
    UNARY("erfinv", NL_UN_ERFINV, "The inverse of erf; inf at 1, nan outside [-1, 1].", vjp_erfinv, Y,
          "nn.erfinv(nn.tensor {0.0, 0.5, 1.0})"),
    UNARY("lgamma", NL_UN_LGAMMA, "The logarithm of |gamma(x)|.", vjp_lgamma, X,
          "nn.lgamma(nn.tensor {0.5, 1.0, 5.0})"),
    UNARY("digamma", NL_UN_DIGAMMA, "The derivative of lgamma; nan at -1, -2, ...", vjp_digamma, X,
          "nn.digamma(nn.tensor {0.5, 1.0, 5.0})"),
    UNARY("sinc", NL_UN_SINC, "sin(pi x) / (pi x), and 1 at 0.", vjp_sinc, X | Y, "nn.sinc(nn.tensor {0.0, 0.5, 1.0})"),
    UNARY("ceil", NL_UN_CEIL, "The smallest whole number that is not below. Its gradient is 0.", nl_vjp_zero, 0,
          "nn.ceil(" HALVES ")"),
    UNARY("round", NL_UN_ROUND, "The nearest whole number; halves go to the even one. Its gradient is 0.", nl_vjp_zero,
          0, "nn.round(" HALVES ")"),
    UNARY("trunc", NL_UN_TRUNC, "The whole part, rounded towards 0. Its gradient is 0.", nl_vjp_zero, 0,
          "nn.trunc(" HALVES ")"),
    UNARY("frac", NL_UN_FRAC, "x - trunc(x): what stands behind the point, with x's sign.", vjp_frac, 0,
          "nn.frac(" HALVES ")"),
    {.name = "gelu_erf",
     .args = "x: tensor",
     .returns = "tensor",
     .doc = "x times the normal distribution's area up to x: what gelu is.",
     .infer = nl_infer_unary,
     .run = nl_run_strip,
     .strip = nl_strip_unary,
     .vjp = vjp_gelu_erf,
     .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE | NL_OP_INTERNAL,
     .save = X,
     .kernel = NL_UN_GELU},
    UNARY("spacing", NL_UN_SPACING, "The distance to the next float away from 0, with the sign of x.", NULL, 0,
          "nn.spacing(nn.tensor {1.0, 1e10}) * 2^23"),
    QUESTION("isnan", NL_UN_ISNAN, "True where an element is nan.", "nn.isnan(" ODD ")"),
    QUESTION("isinf", NL_UN_ISINF, "True where an element is inf or -inf.", "nn.isinf(" ODD ")"),
    QUESTION("isfinite", NL_UN_ISFINITE, "True where an element is neither nan nor infinite.", "nn.isfinite(" ODD ")"),
    QUESTION("isposinf", NL_UN_ISPOSINF, "True where an element is inf.", "nn.isposinf(" ODD ")"),
    QUESTION("isneginf", NL_UN_ISNEGINF, "True where an element is -inf.", "nn.isneginf(" ODD ")"),
    QUESTION("signbit", NL_UN_SIGNBIT, "True where the sign is set: of -0 too.",
             "nn.signbit(nn.tensor {1.0, -0.0, -2.0})"),
    UNARY("bitwise_not", NL_UN_BITNOT, "All bits turned; of bools, not. The operator ~x.", NULL, 0,
          "nn.bitwise_not(nn.tensor {0, 5})"),
    BINARY("atan2", NL_BIN_ATAN2, "The angle of the point with ordinate x and abscissa y, from -pi to pi.", vjp_atan2,
           NL_SAVE_ALL_IN, "nn.atan2(nn.tensor {1.0, -1.0}, nn.tensor {1.0, -1.0})"),
    BINARY("hypot", NL_BIN_HYPOT, "sqrt(x^2 + y^2) without overflow.", vjp_hypot, NL_SAVE_ALL_IN,
           "nn.hypot(nn.tensor {3.0, 3e30}, nn.tensor {4.0, 4e30})"),
    BINARY("fmod", NL_BIN_FMOD,
           "The remainder of x / y with the sign of x, as C has it; of whole numbers by 0 it is 0.", vjp_fmod,
           NL_SAVE_ALL_IN, "nn.fmod(nn.tensor {-5, 5}, 3)"),
    BINARY("remainder", NL_BIN_REMAINDER,
           "The remainder of x / y with the sign of y, as Lua's % has it; of whole numbers by 0 it is 0. The operator "
           "x % y.",
           vjp_remainder, NL_SAVE_ALL_IN, "nn.remainder(nn.tensor {-5, 5}, 3)"),
    BINARY("floor_divide", NL_BIN_FLOOR_DIVIDE,
           "x / y rounded down, whole for whole numbers; those divided by 0 give 0. The operator x // y.", NULL, 0,
           "nn.floor_divide(nn.tensor {-5, 5}, 3)"),
    BINARY("logaddexp", NL_BIN_LOGADDEXP, "log(exp(x) + exp(y)) without overflow.", vjp_logaddexp, NL_SAVE_ALL_IN,
           "nn.logaddexp(nn.tensor {1000.0, 0.0}, nn.tensor {1000.0, 1.0})"),
    BINARY("logaddexp2", NL_BIN_LOGADDEXP2, "log2(2^x + 2^y) without overflow.", vjp_logaddexp2, NL_SAVE_ALL_IN,
           "nn.logaddexp2(nn.tensor {3.0, 0.0}, nn.tensor {3.0, 1.0})"),
    BINARY("xlogy", NL_BIN_XLOGY, "x log(y), and 0 where x is 0.", vjp_xlogy, NL_SAVE_ALL_IN,
           "nn.xlogy(nn.tensor {0.0, 2.0}, nn.tensor {0.0, 3.0})"),
    BINARY("xlog1py", NL_BIN_XLOG1PY, "x log(1 + y), and 0 where x is 0.", vjp_xlog1py, NL_SAVE_ALL_IN,
           "nn.xlog1py(nn.tensor {0.0, 2.0}, nn.tensor {-1.0, 3.0})"),
    BINARY("copysign", NL_BIN_COPYSIGN, "|x| with the sign of y.", vjp_copysign, NL_SAVE_ALL_IN,
           "nn.copysign(nn.tensor {1.0, 2.0}, nn.tensor {-3.0, 3.0})"),
    BINARY("nextafter", NL_BIN_NEXTAFTER, "The next number that a float can hold, from x towards y.", NULL, 0,
           "nn.nextafter(nn.tensor {1.0}, 2) - 1"),
    BINARY("fmax", NL_BIN_FMAX, "The larger of x and y; where one is nan, the other.", vjp_fmax, NL_SAVE_ALL_IN,
           "nn.fmax(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})"),
    BINARY("fmin", NL_BIN_FMIN, "The smaller of x and y; where one is nan, the other.", vjp_fmin, NL_SAVE_ALL_IN,
           "nn.fmin(nn.tensor {1.0, 0/0}, nn.tensor {2.0, 3.0})"),
    BINARY("heaviside", NL_BIN_HEAVISIDE, "0 for negative x, 1 for positive, and y where x is 0.", NULL, 0,
           "nn.heaviside(nn.tensor {-2.0, 0.0, 3.0}, 0.5)"),
    BINARY("gcd", NL_BIN_GCD, "The greatest common divisor of whole numbers.", NULL, 0,
           "nn.gcd(nn.tensor {12, 18}, 8)"),
    BINARY("lcm", NL_BIN_LCM, "The least common multiple of whole numbers.", NULL, 0, "nn.lcm(nn.tensor {4, 6}, 10)"),
    BINARY("bitwise_and", NL_BIN_BITAND, "The bits set in both; of bools, and. The operator x & y.", NULL, 0,
           "nn.bitwise_and(nn.tensor {12, 10}, 6)"),
    BINARY("bitwise_or", NL_BIN_BITOR, "The bits set in one or both; of bools, or. The operator x | y.", NULL, 0,
           "nn.bitwise_or(nn.tensor {12, 10}, 6)"),
    BINARY("bitwise_xor", NL_BIN_BITXOR, "The bits set in exactly one. The operator x ~ y.", NULL, 0,
           "nn.bitwise_xor(nn.tensor {12, 10}, 6)"),
    BINARY("bitwise_left_shift", NL_BIN_SHL,
           "x times 2^y, bits that leave at the top lost; 0 for y beyond the width or negative. The operator x << y.",
           NULL, 0, "nn.bitwise_left_shift(nn.tensor {1, 5}, 3)"),
    BINARY("bitwise_right_shift", NL_BIN_SHR,
           "x / 2^y rounded down; 0 (-1 for negative x) for y beyond the width or negative. The operator x >> y.", NULL,
           0, "nn.bitwise_right_shift(nn.tensor {16, -16}, 3)"),
    {.name = "polygamma",
     .args = "n: operand, x: operand",
     .returns = "tensor",
     .doc = "The n-th derivative of digamma, for x > 0.",
     .example = "nn.polygamma(1, nn.tensor {0.5, 1.0})",
     .infer = nl_infer_binary,
     .run = nl_run_strip,
     .strip = nl_strip_binary,
     .vjp = vjp_polygamma,
     .flags = NL_OP_ELEMENTWISE | NL_OP_PROMOTE | NL_OP_BROADCAST,
     .save = NL_SAVE_ALL_IN,
     .kernel = NL_BIN_POLYGAMMA},
    {
        .name = "clamp",
        .args = "x: tensor, min: operand?, max: operand?",
        .returns = "tensor",
        .doc = "Limits each element to [min, max], numbers or tensors; either may be left out.",
        .compose = compose_clamp,
        .flags = NL_OP_INPLACE,
        .example = "nn.clamp(nn.tensor {-2.0, 0.5, 3.0}, -1, 1)",
    },
    {
        .name = "logit",
        .args = "x: tensor, eps: number?",
        .attrs = logit_attrs,
        .returns = "tensor",
        .doc = "log(x / (1 - x)), the inverse of sigmoid; eps first limits x to [eps, 1 - eps].",
        .compose = compose_logit,
        .flags = NL_OP_INPLACE,
        .example = "nn.logit(nn.tensor {0.25, 0.5, 0.75})",
    },
    {
        .name = "deg2rad",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "Degrees to radians.",
        .compose = compose_deg2rad,
        .flags = NL_OP_INPLACE,
        .example = "nn.deg2rad(nn.tensor {0.0, 90.0, 180.0})",
    },
    {
        .name = "rad2deg",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "Radians to degrees.",
        .compose = compose_rad2deg,
        .flags = NL_OP_INPLACE,
        .example = "nn.rad2deg(nn.tensor {0.0, 1.0, math.pi})",
    },
    {
        .name = "lerp",
        .args = "x: tensor, end: tensor, weight: operand",
        .returns = "tensor",
        .doc = "x + weight (end - x).",
        .compose = compose_lerp,
        .flags = NL_OP_INPLACE,
        .example = "nn.lerp(nn.tensor {0.0, 10.0}, nn.tensor {1.0, 20.0}, 0.25)",
    },
    {
        .name = "addcmul",
        .args = "x: tensor, y: operand, z: operand, value: number = 1",
        .attrs = addc_attrs,
        .returns = "tensor",
        .doc = "x + value y z.",
        .compose = compose_addcmul,
        .flags = NL_OP_INPLACE,
        .example = "nn.addcmul(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {3.0}, 0.5)",
    },
    {
        .name = "addcdiv",
        .args = "x: tensor, y: operand, z: operand, value: number = 1",
        .attrs = addc_attrs,
        .returns = "tensor",
        .doc = "x + value y / z.",
        .compose = compose_addcdiv,
        .flags = NL_OP_INPLACE,
        .example = "nn.addcdiv(nn.tensor {1.0}, nn.tensor {2.0}, nn.tensor {4.0}, 0.5)",
    },
    {
        .name = "nan_to_num",
        .args = "x: tensor, nan: number = 0, posinf: number?, neginf: number?",
        .attrs = nan_to_num_attrs,
        .returns = "tensor",
        .doc = "nan, inf and -inf replaced: by 0, the largest and the smallest float, unless said otherwise.",
        .compose = compose_nan_to_num,
        .flags = NL_OP_INPLACE,
        .example = "nn.nan_to_num(" ODD ", 0, 9, -9)",
    },
    {.name = "isclose",
     .args = "x: operand, y: operand, rtol: number = 1e-5, atol: number = 1e-8, equal_nan: bool = false",
     .attrs = isclose_attrs,
     .returns = "tensor",
     .doc = "True where |x - y| <= atol + rtol |y|; x:allclose(y) says it of all.",
     .compose = compose_isclose,
     .flags = NL_OP_NO_GRAD,
     .example = "nn.isclose(nn.tensor {1.0, 1.0}, nn.tensor {1.0 + 1e-6, 1.1})"},
    {.name = "float_power",
     .args = "x: tensor, y: operand",
     .returns = "tensor",
     .doc = "x to the power y in float64.",
     .compose = compose_float_power,
     .example = "nn.float_power(nn.tensor {2, 3}, -1)"},
    {
        .name = "ldexp",
        .args = "x: tensor, y: operand",
        .returns = "tensor",
        .doc = "x times 2^y.",
        .compose = compose_ldexp,
        .flags = NL_OP_INPLACE,
        .example = "nn.ldexp(nn.tensor {1.0, 3.0}, nn.tensor {4, -1})",
    },
    {
        .name = "entr",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "-x log(x), the summand of entropy: 0 at 0, -inf below.",
        .compose = compose_entr,
        .flags = NL_OP_INPLACE,
        .example = "nn.entr(nn.tensor {0.0, 0.5, 1.0})",
    },
    {
        .name = "ndtr",
        .args = "x: tensor",
        .returns = "tensor",
        .doc = "The area under the standard normal curve up to x.",
        .compose = compose_ndtr,
        .flags = NL_OP_INPLACE,
        .example = "nn.ndtr(nn.tensor {-1.96, 0.0, 1.96})",
    },
    {
        .name = "softclip",
        .args = "x: tensor, limit: number = 1",
        .attrs = softclip_attrs,
        .returns = "tensor",
        .doc = "limit tanh(x / limit): x near 0, bent smoothly to stay between -limit and limit (logit soft-capping).",
        .compose = compose_softclip,
        .flags = NL_OP_INPLACE,
        .example = "nn.softclip(nn.tensor {-10.0, 0.5, 3.0}, 2)",
    },
};

NL_FAMILY(math, ops);
