/* Images in another size, and their windows as columns: composed of picking and adding along single dims. */
#include <math.h>
#include <string.h>

#include "ops/convolution/geometry.h"
#include "optable/compose.h"

NL_ATTRS(adaptive, output_size)
NL_ATTRS(adaptive_pooled, output_size, return_indices)
NL_ATTRS(interpolate, size, scale_factor, mode, align_corners)
NL_ATTRS(im2col, kernel_size, dilation, padding, stride)
NL_ATTRS(col2im, output_size, kernel_size, dilation, padding, stride)

/* Images of `dims` dims behind batch and channels; false where x is none. */
static bool want_planes(nl_build *b, const nl_tensor *x, int dims) {
  if (!nl_dtype_is_float(nl_tensor_dtype(x)) || x->ndim != dims + 2) {
    nl_b_fail(b, "the input must be floats, batch x channels x %s, but is %s of shape %s", nl_dims_words(dims),
              nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
    return false;
  }
  return true;
}

/* int64 positions, counted from 1, given by f from 0 on; a constant of compiled steps. */
static nl_tensor *positions(nl_build *b, int64_t n, int64_t (*f)(const void *, int64_t), const void *ctx) {
  nl_tensor *t = NULL;
  if (b->status == NL_OK) {
    b->status = nl_tensor_new(NL_I64, 1, &n, &t);
    nl_b_own(b, t);
  }
  for (int64_t i = 0; t && i < n; i++) {
    ((int64_t *)nl_tensor_data(t))[i] = f(ctx, i) + 1;
  }
  return t;
}

/* ---- adaptive pooling: window k of n is floor(k size / n) .. ceil((k + 1) size / n) ---- */

typedef struct parts_of {
  int64_t size, n, wide; /* wide: of the widest window */
} parts_of;

static int64_t part_begin(parts_of p, int64_t k) {
  return k * p.size / p.n;
}
static int64_t part_end(parts_of p, int64_t k) {
  return ((k + 1) * p.size + p.n - 1) / p.n;
}

/* The windows one after another, each as wide as the widest: its last element is repeated. */
static int64_t widened(const void *ctx, int64_t i) {
  const parts_of *p = ctx;
  int64_t k = i / p->wide, at = part_begin(*p, k) + i % p->wide, last = part_end(*p, k) - 1;
  return at < last ? at : last;
}

/* The sizes asked for; a single one is for all dims. */
static bool read_output(nl_call *c, nl_build *b, const nl_tensor *x, int dims, int64_t *n, bool *even) {
  int count;
  const int64_t *v = nl_call_list(c, adaptive_output_size, &count);
  *even = true;
  if (count != 1 && count != dims) {
    nl_b_fail(b, "output_size must have one number or %d, but has %d", dims, count);
    return false;
  }
  for (int d = 0; d < dims; d++) {
    n[d] = v[count == 1 ? 0 : d];
    if (n[d] < 1 || n[d] > (int64_t)1 << 20 || x->shape[d + 2] < 1) {
      nl_b_fail(b, "output_size must be from 1 to 2^20 and the input not empty, but they are %lld and %s",
                (long long)n[d], nl_tensor_shape_string(x).s);
      return false;
    }
    *even = *even && x->shape[d + 2] % n[d] == 0;
  }
  return true;
}

NL_COMPOSE(adaptive_avg) {
  int dims = c->op->variant;
  int64_t n[NL_CONV_DIMS], each[NL_CONV_DIMS];
  bool even;
  if (!want_planes(b, x, dims) || !read_output(c, b, x, dims, n, &even)) {
    return;
  }
  bool whole = true; /* one part: the mean of all, which is no window */
  for (int d = 0; d < dims; d++) {
    whole = whole && n[d] == 1;
  }
  if (whole) {
    nl_give(c, nl_b_do(b, op_mean(), "tlb", x, dims, (int64_t[]){3, 4, 5}, true));
    return;
  }
  if (even) {
    for (int d = 0; d < dims; d++) {
      each[d] = x->shape[d + 2] / n[d];
    }
    nl_give(c, nl_b_do(b, op_avg_pool(), "tl", x, dims, each));
    return;
  }
  for (int d = 0; d < dims && b->status == NL_OK; d++) { /* one dim after another: the mean of a box is one of means */
    parts_of p = {x->shape[d + 2], n[d], 0};
    nl_parts parts = {0};
    for (int64_t k = 0; k < n[d] && b->status == NL_OK; k++) {
      int64_t first = part_begin(p, k), dim = d + 3;
      nl_tensor *window = b_narrow(b, x, dim, first + 1, part_end(p, k) - first);
      nl_parts_add(b, &parts, nl_b_do(b, op_mean(), "tlb", window, 1, &dim, true));
    }
    x = nl_parts_join(b, &parts, op_cat(), d + 3);
  }
  nl_give(c, x);
}

NL_COMPOSE(adaptive_max) {
  int dims = c->op->variant;
  int64_t n[NL_CONV_DIMS], wide[NL_CONV_DIMS];
  nl_tensor *at[NL_CONV_DIMS], *whole = x;
  bool even;
  if (!want_planes(b, x, dims) || !read_output(c, b, x, dims, n, &even)) {
    return;
  }
  for (int d = 0; d < dims && b->status == NL_OK; d++) {
    parts_of p = {whole->shape[d + 2], n[d], 1};
    for (int64_t k = 0; k < n[d]; k++) {
      int64_t own = part_end(p, k) - part_begin(p, k);
      p.wide = own > p.wide ? own : p.wide;
    }
    wide[d] = p.wide;
    at[d] = positions(b, n[d] * p.wide, widened, &p);
    x = even ? x : b_index_select(b, x, d + 3, at[d]);
  }
  if (b->status != NL_OK) {
    return;
  }
  nl_call k;
  nl_call_init(&k, op_max_pool(), 1, (nl_tensor *[]){x});
  nl_call_set_list(&k, 0, dims, wide);
  nl_tensor *y = nl_b_call(b, &k), *place = even ? k.out[1] : NULL;
  if (!even && b->status == NL_OK) { /* places in the widened plane to places in the plane, from the last dim on */
    nl_tensor *rest = b_sub(b, k.out[1], nl_b_int(b, 1));
    int64_t step = 1;
    for (int d = dims - 1; d >= 0 && b->status == NL_OK; d--) {
      nl_tensor *size = nl_b_int(b, n[d] * wide[d]), *above = b_floor_divide(b, rest, size);
      nl_tensor *here = b_add(b, b_sub(b, rest, b_mul(b, above, size)), nl_b_int(b, 1));
      here = b_index_select(b, at[d], 1, nl_b_reshape(b, here, 1, (int64_t[]){-1}));
      here = b_sub(b, nl_b_reshape(b, here, rest ? rest->ndim : 0, rest ? rest->shape : NULL), nl_b_int(b, 1));
      here = b_mul(b, here, nl_b_int(b, step));
      place = place ? b_add(b, place, here) : here;
      rest = above;
      step *= whole->shape[d + 2];
    }
    place = b_add(b, place, nl_b_int(b, 1));
  }
  nl_give2(c, y, place);
}

/* ---- other sizes ---- */

/* One dim: `in` elements become `out`; scale: elements of the input for one of the result. */
typedef struct stretch {
  int64_t in, out;
  double scale;
  double factor; /* 0: sizes say all */
  bool align;
  int mode;
  int tap; /* which element, from that to the left of the centre on */
} stretch;

/* floor(i in / out), in whole numbers where `out` is what a factor made exactly. */
static int64_t nearest_at(const void *ctx, int64_t i) {
  const stretch *s = ctx;
  int64_t at = s->factor > 0 ? (int64_t)floor((double)i / s->factor) : (int64_t)((__int128)i * s->in / s->out);
  return at < s->in - 1 ? at : s->in - 1;
}
enum { NEAREST, LINEAR, BILINEAR, TRILINEAR, BICUBIC, AREA };

/* Where the centre of element i lies (or, aligned, with the corners one on another). */
static double centre_of(const stretch *s, int64_t i) {
  double at = s->align ? (double)i * s->scale : ((double)i + 0.5) * s->scale - 0.5;
  return at < 0 && s->mode != BICUBIC ? 0 : at;
}
static int64_t tap_at(const void *ctx, int64_t i) {
  const stretch *s = ctx;
  int64_t at = (int64_t)floor(centre_of(s, i)) + s->tap;
  return at < 0 ? 0 : (at < s->in - 1 ? at : s->in - 1);
}

/* How much of a tap is taken, where the centre lies `share` to the right of tap 0. Cubic: Keys 1981, with a = -3/4. */
static double weight_of(const stretch *s, double share) {
  if (s->mode != BICUBIC) {
    return s->tap ? share : 1 - share;
  }
  const double a = -0.75, d = fabs(share - s->tap);
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

/* The weights of a tap, shaped to broadcast over dim d. */
static nl_tensor *weights_at(nl_build *b, const stretch *s, const nl_tensor *x, int d) {
  nl_tensor *t = NULL;
  int64_t shape[NL_MAX_DIM];
  for (int k = 0; k < x->ndim; k++) {
    shape[k] = k == d ? s->out : 1;
  }
  if (b->status == NL_OK) {
    b->status = nl_tensor_new(nl_tensor_dtype(x), x->ndim, shape, &t);
    nl_b_own(b, t);
  }
  for (int64_t i = 0; t && i < s->out; i++) {
    double at = centre_of(s, i), share = at - floor(at);
    bool beyond = s->mode != BICUBIC && floor(at) >= (double)(s->in - 1);
    nl_tensor_set_double(t, i, weight_of(s, beyond ? 0 : share));
  }
  return t;
}

static nl_tensor *stretch_dim(nl_build *b, nl_tensor *x, int d, stretch s) {
  if (s.mode == NEAREST) {
    return b_index_select(b, x, d + 1, positions(b, s.out, nearest_at, &s));
  }
  nl_tensor *sum = NULL;
  int last = s.mode == BICUBIC ? 2 : 1;
  for (s.tap = s.mode == BICUBIC ? -1 : 0; s.tap <= last && b->status == NL_OK; s.tap++) {
    nl_tensor *part = b_index_select(b, x, d + 1, positions(b, s.out, tap_at, &s));
    part = b_mul(b, part, weights_at(b, &s, x, d));
    sum = sum ? b_add(b, sum, part) : part;
  }
  return sum;
}

/* The mean of what an element stands for. */
static nl_tensor *averaged(nl_build *b, nl_tensor *x, int dims, const int64_t *out) {
  const nl_op *ops[] = {op_adaptive_avg_pool1d(), op_adaptive_avg_pool2d(), op_adaptive_avg_pool3d()};
  return nl_b_do(b, ops[dims - 1], "tl", x, dims, out);
}

NL_COMPOSE(interpolate) {
  int dims = x->ndim - 2, nsize;
  const int64_t *size = nl_call_list(c, interpolate_size, &nsize);
  int mode = (int)c->attr[interpolate_mode].i,
      of = mode == BICUBIC ? 2 : (mode == NEAREST || mode == AREA ? dims : mode);
  bool align = c->attr[interpolate_align_corners].b, scaled = c->attr[interpolate_scale_factor].set;
  int nfactors = scaled ? c->attr[interpolate_scale_factor].list.count : 0;
  if (dims < 1 || dims > NL_CONV_DIMS) {
    nl_b_fail(b, "the input must be batch x channels x one to three dims, but has shape %s",
              nl_tensor_shape_string(x).s);
  } else if (!want_planes(b, x, dims)) {
    return;
  } else if ((nsize > 0) == scaled) {
    nl_b_fail(b, "takes either size or scale_factor%s", scaled ? ", not both" : "");
  } else if (of != dims) {
    static const char *const names[] = {"\"linear\"", "\"bilinear\" or \"bicubic\"", "\"trilinear\""};
    nl_b_fail(b, "of %d dims behind batch and channels the mode is called %s", dims, names[dims - 1]);
  } else if (nsize > 1 && nsize != dims) {
    nl_b_fail(b, "size must have one number or %d, but has %d", dims, nsize);
  } else if (nfactors > 1 && nfactors != dims) {
    nl_b_fail(b, "scale_factor must have one number or %d, but has %d", dims, nfactors);
  } else if (align && (mode == NEAREST || mode == AREA)) {
    nl_b_fail(b, "align_corners is for the linear modes, and the cubic one");
  }
  bool same = true;
  stretch all[NL_CONV_DIMS];
  int64_t out[NL_CONV_DIMS] = {0};
  for (int d = 0; d < dims && b->status == NL_OK; d++) {
    double factor = scaled ? nl_call_number(c, interpolate_scale_factor, nfactors == 1 ? 0 : d) : 0;
    if (scaled && !(factor > 0 && factor < 1e6)) {
      nl_b_fail(b, "scale_factor must be above 0 (and below 1e6), but is %g", factor);
      return;
    }
    stretch s = {.in = x->shape[d + 2], .align = align, .mode = mode};
    s.out = scaled ? (int64_t)floor((double)s.in * factor) : size[nsize == 1 ? 0 : d];
    if (s.in < 1 || s.out < 1 || s.out > INT32_MAX) {
      nl_b_fail(b, "%lld elements cannot become %lld (dim %d of shape %s)", (long long)s.in, (long long)s.out, d + 3,
                nl_tensor_shape_string(x).s);
      return;
    }
    s.factor = scaled && (double)s.in * factor != (double)s.out ? factor : 0;
    s.scale = align ? (s.out > 1 ? (double)(s.in - 1) / (double)(s.out - 1) : 0)
                    : (scaled ? 1 / factor : (double)s.in / (double)s.out);
    same = same && s.in == s.out;
    all[d] = s;
    out[d] = s.out;
  }
  if (mode == AREA && b->status == NL_OK) {
    x = averaged(b, x, dims, out);
  }
  bool linear = mode == LINEAR || mode == BILINEAR || mode == TRILINEAR;
  for (int d = 0; d < dims && b->status == NL_OK && mode != AREA; d++) {
    if (!linear || all[d].in != all[d].out) { /* as PyTorch has it, whatever the factor */
      x = stretch_dim(b, x, d + 2, all[d]);
    }
  }
  nl_give(c, same && linear ? b_clone(b, x) : x);
}

/* ---- windows as columns ---- */

/* The two dims of images: windows of `kernel` steps, `out` of them along each dim of the padded image. */
typedef struct columns {
  int64_t in[2], out[2], kernel[2], dilation[2], padding[2], stride[2];
} columns;

static bool read_columns(nl_call *c, nl_build *b, int first, const nl_tensor *x, columns *g) {
  int64_t list[4][NL_CONV_DIMS];
  static const char *const names[] = {"kernel_size", "dilation", "padding", "stride"};
  int count;
  nl_call_list(c, first, &count);
  if (count == 0) {
    nl_b_fail(b, "kernel_size is missing");
  }
  for (int i = 0; i < 4 && b->status == NL_OK; i++) {
    b->status = nl_read_sizes(c, first + i, 2, names[i], i == 2 ? 0 : 1, i == 2 ? 0 : 1, 1, list[i]);
  }
  for (int d = 0; d < 2 && b->status == NL_OK; d++) {
    g->kernel[d] = list[0][d + 1];
    g->dilation[d] = list[1][d + 1];
    g->padding[d] = list[2][d + 1];
    g->stride[d] = list[3][d + 1];
    int64_t free = g->in[d] + 2 * g->padding[d] - g->dilation[d] * (g->kernel[d] - 1) - 1;
    if (free < 0) {
      nl_b_fail(b, "the window does not fit into the padded image (shape %s)", nl_tensor_shape_string(x).s);
    }
    g->out[d] = free / g->stride[d] + 1;
  }
  return b->status == NL_OK;
}

/* Of the columns' element i (kernel rows x kernel columns x windows) its place in the padded plane. */
static int64_t column_at(const void *ctx, int64_t i) {
  const columns *g = ctx;
  int64_t windows = g->out[0] * g->out[1], w = i % windows, tap = i / windows;
  int64_t row = w / g->out[1] * g->stride[0] + tap / g->kernel[1] * g->dilation[0];
  int64_t col = w % g->out[1] * g->stride[1] + tap % g->kernel[1] * g->dilation[1];
  return row * (g->in[1] + 2 * g->padding[1]) + col;
}

static bool few_columns(nl_build *b, const columns *g, int64_t *all) {
  double n = (double)g->kernel[0] * (double)g->kernel[1] * (double)g->out[0] * (double)g->out[1];
  *all = n < 1e12 ? (int64_t)n : 0;
  if (n >= 1e12) {
    nl_b_fail(b, "there are too many windows");
  }
  return n < 1e12;
}

NL_COMPOSE(im2col) {
  columns g;
  int64_t all;
  if (!want_planes(b, x, 2)) {
    return;
  }
  g.in[0] = x->shape[2];
  g.in[1] = x->shape[3];
  if (!read_columns(c, b, im2col_kernel_size, x, &g) || !few_columns(b, &g, &all)) {
    return;
  }
  int64_t n = x->shape[0], channels = x->shape[1], taps = g.kernel[0] * g.kernel[1];
  nl_tensor *padded =
      nl_b_do(b, op_pad(), "tl", x, 4, (int64_t[]){g.padding[1], g.padding[1], g.padding[0], g.padding[0]});
  padded =
      nl_b_reshape(b, padded, 3, (int64_t[]){n, channels, (g.in[0] + 2 * g.padding[0]) * (g.in[1] + 2 * g.padding[1])});
  nl_tensor *y = b_index_select(b, padded, 3, positions(b, all, column_at, &g));
  nl_give(c, nl_b_reshape(b, y, 3, (int64_t[]){n, channels * taps, g.out[0] * g.out[1]}));
}

NL_COMPOSE(col2im) {
  columns g;
  int64_t all, in[NL_CONV_DIMS];
  int count;
  nl_call_list(c, col2im_output_size, &count);
  if (!nl_dtype_is_float(nl_tensor_dtype(x)) || x->ndim != 3 || count == 0) {
    nl_b_fail(b, "takes floats, batch x (channels * kernel) x windows, and output_size, but got %s of shape %s",
              nl_dtype_name(nl_tensor_dtype(x)), nl_tensor_shape_string(x).s);
    return;
  }
  b->status = nl_read_sizes(c, col2im_output_size, 2, "output_size", 1, 1, 1, in);
  g.in[0] = in[1];
  g.in[1] = in[2];
  if (b->status != NL_OK || !read_columns(c, b, col2im_kernel_size, x, &g) || !few_columns(b, &g, &all)) {
    return;
  }
  int64_t n = x->shape[0], taps = g.kernel[0] * g.kernel[1], windows = g.out[0] * g.out[1];
  int64_t height = g.in[0] + 2 * g.padding[0], width = g.in[1] + 2 * g.padding[1];
  if (x->shape[1] % taps || x->shape[2] != windows) {
    nl_b_fail(b, "the columns (shape %s) do not go with this geometry: it has %lld windows of %lld elements a channel",
              nl_tensor_shape_string(x).s, (long long)windows, (long long)taps);
    return;
  }
  int64_t channels = x->shape[1] / taps;
  nl_tensor *flat = nl_b_reshape(b, x, 3, (int64_t[]){n, channels, taps * windows});
  nl_tensor *plane = nl_b_zeros(b, nl_tensor_dtype(x), 3, (int64_t[]){n, channels, height * width});
  plane = nl_b_do(b, op_index_add(), "ttti", plane, positions(b, all, column_at, &g), flat, (int64_t)3);
  plane = nl_b_reshape(b, plane, 4, (int64_t[]){n, channels, height, width});
  plane = b_narrow(b, plane, 3, g.padding[0] + 1, g.in[0]);
  nl_give(c, b_narrow(b, plane, 4, g.padding[1] + 1, g.in[1]));
}

/* ---- the table ---- */

static bool wants_indices(const nl_call *c) {
  return c->attr[adaptive_pooled_return_indices].b;
}

#define ADAPTIVE(op_name, dims, words, shown)                                                                          \
  {                                                                                                                    \
    .name = op_name, .args = "x: tensor, output_size: shape", .attrs = adaptive_attrs, .returns = "tensor",            \
    .doc = "The mean of each of output_size parts of batch x channels x " words ", which are as equal as can be.",     \
    .example = shown, .compose = compose_adaptive_avg, .variant = dims                                                 \
  }
#define ADAPTIVE_MAX(op_name, dims, words, shown)                                                                      \
  {                                                                                                                    \
    .name = op_name, .args = "x: tensor, output_size: shape, return_indices: bool = false",                            \
    .attrs = adaptive_pooled_attrs, .returns = "tensor, tensor",                                                       \
    .doc = "The largest value of each of output_size parts of batch x channels x " words                               \
           ", which are as equal as can be; with return_indices also its place in the channel, counted from 1.",       \
    .example = shown, .compose = compose_adaptive_max, .variant = dims, .visible = 1, .all_visible = wants_indices     \
  }
#define LINE "(nn.tensor {{{1.0, 5.0, 2.0, 3.0, 4.0}}}, {2})"
#define IMAGE "height x width"
#define VOLUME "depth x height x width"

static const nl_op ops[] = {
    ADAPTIVE("adaptive_avg_pool1d", 1, "length", "nn.adaptive_avg_pool1d" LINE),
    ADAPTIVE("adaptive_avg_pool2d", 2, IMAGE, "nn.adaptive_avg_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape"),
    ADAPTIVE("adaptive_avg_pool3d", 3, VOLUME, "nn.adaptive_avg_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape"),
    ADAPTIVE_MAX("adaptive_max_pool1d", 1, "length", "nn.adaptive_max_pool1d" LINE),
    ADAPTIVE_MAX("adaptive_max_pool2d", 2, IMAGE, "nn.adaptive_max_pool2d(nn.ones(1, 1, 5, 7), {2, 3}).shape"),
    ADAPTIVE_MAX("adaptive_max_pool3d", 3, VOLUME, "nn.adaptive_max_pool3d(nn.ones(1, 1, 4, 4, 4), {2}).shape"),
    {.name = "interpolate",
     .args = "x: tensor, size: shape?, scale_factor: numbers?, mode: choice = "
             "nearest|linear|bilinear|trilinear|bicubic|area, align_corners: bool = false",
     .attrs = interpolate_attrs,
     .returns = "tensor",
     .doc = "Images (batch x channels x one to three dims) in another size, which size or scale_factor says (a number, "
            "or one for each dim): the nearest element, or a mean of those around, weighted by their nearness (linear, "
            "bilinear, trilinear for one, two, three dims; bicubic: of "
            "sixteen), or of all that it stands for (area). align_corners puts the outermost elements one on another.",
     .example = "nn.interpolate(nn.tensor {{{1.0, 2.0}}}, {scale_factor = 2, mode = \"linear\"})",
     .compose = compose_interpolate},
    {.name = "im2col",
     .args = "x: tensor, kernel_size: shape, dilation: shape?, padding: shape?, stride: shape?",
     .attrs = im2col_attrs,
     .returns = "tensor",
     .doc = "The windows of batch x channels x height x width as columns: batch x (channels * kernel) x windows. What "
            "PyTorch calls functional.unfold.",
     .example = "nn.im2col(nn.arange(9):float():reshape(1, 1, 3, 3), {2})",
     .compose = compose_im2col},
    {.name = "col2im",
     .args = "x: tensor, output_size: shape, kernel_size: shape, dilation: shape?, padding: shape?, stride: shape?",
     .attrs = col2im_attrs,
     .returns = "tensor",
     .doc =
         "Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size: the gradient "
         "of im2col. What PyTorch calls functional.fold.",
     .example = "nn.col2im(nn.ones(1, 4, 4), {3, 3}, {2})",
     .compose = compose_col2im},
};

NL_FAMILY(resample, ops);
