/* Images in another size, with a margin, as columns; channels as pixels. */
#include "nn/pass.h"

/* ---- channels as pixels ---- */

enum { shuffle_factor }; /* of either layer */

NL_FORWARD(pixel_shuffle) {
  int64_t r = int_of(p, shuffle_factor), channels = x->shape[1] / (r * r);
  if (x->shape[1] % (r * r)) {
    return nl_pass_fail(p, "the channels must be a multiple of %lld, but the input has shape %s", (long long)(r * r),
                        nl_tensor_shape_string(x).s);
  }
  int64_t n = x->shape[0], height = x->shape[2], width = x->shape[3];
  nl_tensor *parts = nl_b_reshape(b, x, 6, (int64_t[]){n, channels, r, r, height, width});
  parts = b_permute(b, parts, (int64_t[]){1, 2, 5, 3, 6, 4});
  return nl_b_reshape(b, parts, 4, (int64_t[]){n, channels, height * r, width * r});
}

NL_FORWARD(pixel_unshuffle) {
  int64_t r = int_of(p, shuffle_factor), n = x->shape[0], channels = x->shape[1];
  int64_t height = x->shape[2] / r, width = x->shape[3] / r;
  if (x->shape[2] % r || x->shape[3] % r) {
    return nl_pass_fail(p, "height and width must be multiples of %lld, but the input has shape %s", (long long)r,
                        nl_tensor_shape_string(x).s);
  }
  nl_tensor *parts = nl_b_reshape(b, x, 6, (int64_t[]){n, channels, height, r, width, r});
  parts = b_permute(b, parts, (int64_t[]){1, 2, 4, 6, 3, 5});
  return nl_b_reshape(b, parts, 4, (int64_t[]){n, channels * r * r, height, width});
}

/* ---- other sizes ---- */

NL_FIELDS(upsample, size, scale_factor, mode, align_corners)

static const char *refuse_upsample(const nl_layer *l) {
  return (l->value[upsample_size].set ? 1 : 0) + (l->value[upsample_scale_factor].set ? 1 : 0) != 1
             ? "takes either size or scale_factor"
             : NULL;
}

NL_FORWARD(upsample) {
  int64_t mode = int_of(p, upsample_mode);
  bool align = flag_of(p, upsample_align_corners);
  int n;
  const int64_t *size = sizes_of(p->layer, upsample_size, &n);
  if (is_set(p, upsample_scale_factor)) {
    int64_t factor; /* the bits of the number, as lists have them */
    memcpy(&factor, &p->layer->value[upsample_scale_factor].number, sizeof factor);
    return nl_b_do(b, op_interpolate(), "t-lib", x, 1, &factor, mode, align);
  }
  return nl_b_do(b, op_interpolate(), "tl-ib", x, n, size, mode, align);
}

/* ---- margins ---- */

NL_FIELDS(margin, padding, value)
enum { ZEROS, REFLECTED, REPLICATED, ROUND, MODES = 8 };

/* variant: dims + MODES times the mode */
static nl_tensor *with_margin(nl_pass *p, nl_tensor *x, double value) {
  int dims = p->layer->entry->variant % MODES, mode = p->layer->entry->variant / MODES, n;
  const int64_t *given = sizes_of(p->layer, margin_padding, &n);
  if (n != 1 && n != 2 * dims) {
    return nl_pass_fail(p, "padding must be one number or %d: {left, right%s}, but has %d", 2 * dims,
                        dims > 1 ? ", top, bottom, ..." : "", n);
  }
  int64_t by[6];
  for (int i = 0; i < 2 * dims; i++) {
    by[i] = given[n == 1 ? 0 : i];
  }
  return nl_b_do(&p->build, op_pad(), "tlin", x, 2 * dims, by, (int64_t)mode, value);
}
NL_FORWARD(margin) {
  (void)b;
  return with_margin(p, x, 0);
}
NL_FORWARD(constant_margin) {
  (void)b;
  return with_margin(p, x, number_of(p, margin_value));
}

/* ---- windows as columns ---- */

NL_FIELDS(unfold, kernel_size, dilation, padding, stride)
NL_FIELDS(fold, output_size, kernel_size, dilation, padding, stride)

typedef struct column_sizes {
  const int64_t *at[5];
  int n[5];
} column_sizes;
static column_sizes all_sizes(const nl_layer *l, int count) {
  column_sizes s;
  for (int i = 0; i < count; i++) {
    s.at[i] = sizes_of(l, i, &s.n[i]);
  }
  return s;
}

NL_FORWARD(unfold) {
  column_sizes s = all_sizes(p->layer, 4);
  return nl_b_do(b, op_im2col(), "tllll", x, s.n[0], s.at[0], s.n[1], s.at[1], s.n[2], s.at[2], s.n[3], s.at[3]);
}
NL_FORWARD(fold) {
  column_sizes s = all_sizes(p->layer, 5);
  return nl_b_do(b, op_col2im(), "tlllll", x, s.n[0], s.at[0], s.n[1], s.at[1], s.n[2], s.at[2], s.n[3], s.at[3],
                 s.n[4], s.at[4]);
}

/* ---- the table ---- */

#define LENGTH "batch x channels x length"
#define IMAGE "batch x channels x height x width"
#define VOLUME "batch x channels x depth x height x width"
#define MARGIN(layer, dims, mode, shape, what, shown)                                                                  \
  {                                                                                                                    \
    .name = layer, .settings = "padding: sizes", .fields = margin_only_fields, .inputs = "x", .accepts = shape,        \
    .doc = "Puts a margin around the last dims, filled with " what                                                     \
           ". padding is one number, or {left, right, top, bottom, ...} from the last dim on; negative numbers cut.",  \
    .example = shown, .forward = forward_margin, .variant = dims + MODES * mode                                        \
  }
#define CONSTANT(layer, dims, shape, shown)                                                                            \
  {                                                                                                                    \
    .name = layer, .settings = "padding: sizes, value: number", .fields = margin_fields, .inputs = "x",                \
    .accepts = shape,                                                                                                  \
    .doc = "Puts a margin of a value around the last dims. padding is one number, or {left, right, top, bottom, ...} " \
           "from the last dim on; negative numbers cut.",                                                              \
    .example = shown, .forward = forward_constant_margin, .variant = dims                                              \
  }
#define ONE "nn.tensor {{{1.0, 2.0, 3.0}}}"
#define TWO "nn.ones(1, 1, 3, 3)"
#define THREE "nn.ones(1, 1, 3, 3, 3)"

NL_FIELDS(margin_only, padding)

static const nl_layer_entry entries[] = {
    {.name = "PixelShuffle",
     .function = "pixel_shuffle",
     .settings = "upscale_factor: int in 1..1024",
     .inputs = "x",
     .accepts = IMAGE,
     .doc = "Makes of r x r channels one that is r times as high and as wide, r being the upscale_factor.",
     .source = "Shi et al. 2016",
     .example = "nn.PixelShuffle(2)(nn.arange(4):reshape(1, 4, 1, 1))",
     .forward = forward_pixel_shuffle},
    {.name = "PixelUnshuffle",
     .function = "pixel_unshuffle",
     .settings = "downscale_factor: int in 1..1024",
     .inputs = "x",
     .accepts = IMAGE,
     .doc = "The way back from nn.PixelShuffle: makes of each channel r x r, which are r times less high and wide.",
     .source = "Shi et al. 2016",
     .example = "nn.PixelUnshuffle(2)(nn.arange(4):reshape(1, 1, 2, 2)).shape",
     .forward = forward_pixel_unshuffle},
    {.name = "Upsample",
     .settings = "size: sizes? in 1.., scale_factor: number? in 0<.., mode: choice = "
                 "nearest|linear|bilinear|trilinear|bicubic|area, align_corners: bool = false",
     .fields = upsample_fields,
     .inputs = "x",
     .accepts = "batch x channels x length x ...",
     .doc =
         "Images in another size, size or scale_factor times as large: by the nearest element, or by a mean of those "
         "around (linear, bilinear, trilinear for one, two, three dims; bicubic: of sixteen; area: of all that it "
         "stands for).",
     .example = "nn.Upsample {scale_factor = 2}(" ONE ")",
     .refuse = refuse_upsample,
     .forward = forward_upsample},
    MARGIN("ZeroPad1d", 1, ZEROS, LENGTH, "zeros", "nn.ZeroPad1d(1)(" ONE ")"),
    MARGIN("ZeroPad2d", 2, ZEROS, IMAGE, "zeros", "nn.ZeroPad2d({1, 2, 0, 0})(" TWO ").shape"),
    MARGIN("ZeroPad3d", 3, ZEROS, VOLUME, "zeros", "nn.ZeroPad3d(1)(" THREE ").shape"),
    CONSTANT("ConstantPad1d", 1, LENGTH, "nn.ConstantPad1d(1, 9)(" ONE ")"),
    CONSTANT("ConstantPad2d", 2, IMAGE, "nn.ConstantPad2d({1, 2, 0, 0}, 9)(" TWO ").shape"),
    CONSTANT("ConstantPad3d", 3, VOLUME, "nn.ConstantPad3d(1, 9)(" THREE ").shape"),
    MARGIN("ReflectionPad1d", 1, REFLECTED, LENGTH, "the mirrored input (its edge once)",
           "nn.ReflectionPad1d(2)(" ONE ")"),
    MARGIN("ReflectionPad2d", 2, REFLECTED, IMAGE, "the mirrored input (its edge once)",
           "nn.ReflectionPad2d(1)(" TWO ").shape"),
    MARGIN("ReflectionPad3d", 3, REFLECTED, VOLUME, "the mirrored input (its edge once)",
           "nn.ReflectionPad3d(1)(" THREE ").shape"),
    MARGIN("ReplicationPad1d", 1, REPLICATED, LENGTH, "the nearest element", "nn.ReplicationPad1d(2)(" ONE ")"),
    MARGIN("ReplicationPad2d", 2, REPLICATED, IMAGE, "the nearest element", "nn.ReplicationPad2d(1)(" TWO ").shape"),
    MARGIN("ReplicationPad3d", 3, REPLICATED, VOLUME, "the nearest element", "nn.ReplicationPad3d(1)(" THREE ").shape"),
    MARGIN("CircularPad1d", 1, ROUND, LENGTH, "the other end", "nn.CircularPad1d(1)(" ONE ")"),
    MARGIN("CircularPad2d", 2, ROUND, IMAGE, "the other end", "nn.CircularPad2d(1)(" TWO ").shape"),
    MARGIN("CircularPad3d", 3, ROUND, VOLUME, "the other end", "nn.CircularPad3d(1)(" THREE ").shape"),
    {.name = "Unfold",
     .settings = "kernel_size: sizes(2) in 1.., dilation: sizes(2) = 1 in 1.., padding: sizes(2) = 0 in 0.., "
                 "stride: sizes(2) = 1 in 1..",
     .fields = unfold_fields,
     .inputs = "x",
     .accepts = IMAGE,
     .doc = "The windows of images as columns: batch x (channels * kernel) x windows.",
     .example = "nn.Unfold(2)(" TWO ").shape",
     .forward = forward_unfold},
    {.name = "Fold",
     .settings = "output_size: sizes(2) in 1.., kernel_size: sizes(2) in 1.., dilation: sizes(2) = 1 in 1.., "
                 "padding: sizes(2) = 0 in 0.., stride: sizes(2) = 1 in 1..",
     .fields = fold_fields,
     .inputs = "x",
     .accepts = "batch x columns x windows",
     .doc = "Columns, batch x (channels * kernel) x windows, added where they lie in images of output_size.",
     .example = "nn.Fold(3, 2)(nn.ones(1, 4, 4))",
     .forward = forward_fold},
};

NL_LAYERS(resample, entries);
