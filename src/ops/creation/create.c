/* Ops that make tensors from nothing. */
#include <math.h>
#include <string.h>

#include "core/interrupt.h"
#include "core/pool.h"
#include "optable/build.h"
#include "optable/iterate.h"
#include "optable/promote.h"
#include "optable/rules.h"

NL_ATTRS(arange, start, end, step, dtype)
NL_ATTRS(linspace, start, end, steps, dtype)
NL_ATTRS(eye, n, m, dtype)

/* ---- constants and ramps ---- */

static void run_empty(nl_call *c) {
  (void)c;
}

static void run_constant(nl_call *c) {
  nl_tensor *out = c->out[0];
  if (c->op->variant == 0) {
    memset(nl_tensor_data(out), 0, out->storage->bytes);
    return;
  }
  nl_tensor one = {.storage = &(nl_storage){.data = &(double){1}}, .dtype = NL_F64, .numel = 1, .contiguous = true};
  nl_copy_values(out, &one);
}

/* The value comes as a tensor so that a Lua integer stays one. */
static nl_status infer_full(nl_call *c) {
  nl_tensor *value = c->in[0];
  if (value->numel != 1) {
    return nl_fail("the fill value must be one number, but has shape %s", nl_tensor_shape_string(value).s);
  }
  int count;
  const int64_t *shape = nl_call_list(c, nl_made_shape, &count);
  nl_dtype dtype = nl_rule_dtype(c, nl_made_dtype, nl_promote(1, c->in));
  nl_status status = nl_rule_holds(c, value, dtype);
  return status == NL_OK ? nl_rule_made(c, count, shape, dtype) : status;
}
static nl_status infer_full_like(nl_call *c) {
  if (c->in[1]->numel != 1) {
    return nl_fail("the fill value must be one number, but has shape %s", nl_tensor_shape_string(c->in[1]).s);
  }
  nl_status status = nl_infer_like(c);
  return status == NL_OK ? nl_rule_holds(c, c->in[1], c->desc[0].dtype) : status;
}
static void run_full(nl_call *c) {
  nl_tensor flat = *c->rin[c->nin - 1];
  flat.ndim = 0;
  nl_copy_values(c->out[0], &flat);
}

/* [start, end) by step, start first: element i is start + i * step, computed in double */
/* Whole numbers, whose distances double may not hold. */
static bool is_exact_range(const nl_call *c) {
  bool exact = true;
  for (int i = arange_start; i <= arange_step; i++) {
    const nl_attr *a = &c->attr[i];
    exact = exact && (a->is_whole || (a->number == floor(a->number) && fabs(a->number) < 0x1p63));
  }
  return exact;
}

static int64_t whole_count(const nl_call *c) {
  __int128 start = nl_attr_whole(&c->attr[arange_start]), end = nl_attr_whole(&c->attr[arange_end]);
  __int128 step = nl_attr_whole(&c->attr[arange_step]);
  __int128 count = step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step;
  return count < 0 ? 0 : (count > INT64_MAX ? INT64_MAX : (int64_t)count);
}

static nl_status infer_arange(nl_call *c) {
  double start = c->attr[arange_start].number, end = c->attr[arange_end].number, step = c->attr[arange_step].number;
  if (!c->attr[arange_end].set) { /* one number: it is the end */
    c->attr[arange_end] = c->attr[arange_start];
    c->attr[arange_start] = (nl_attr){.set = true, .number = 0, .is_whole = true};
    end = start;
    start = 0;
  }
  if (step == 0 || step != step) {
    return nl_fail("step must not be %s", step == 0 ? "0" : "nan");
  }
  double count = is_exact_range(c) ? (double)whole_count(c) : ceil((end - start) / step);
  if (!(count < 1e15)) {
    return nl_fail("from %g to %g by %g is not a finite number of elements", start, end, step);
  }
  bool whole = start == floor(start) && end == floor(end) && step == floor(step);
  int64_t n = is_exact_range(c) ? whole_count(c) : (count > 0 ? (int64_t)count : 0);
  nl_dtype dtype = nl_rule_dtype(c, arange_dtype, whole ? NL_I64 : NL_DEFAULT_FLOAT);
  bool cut = dtype == NL_U8 || (dtype == NL_I64 && !is_exact_range(c));
  nl_status status = n > 0 && cut ? nl_rule_element(start, dtype, "start is") : NL_OK;
  if (status == NL_OK && n > 1 && cut) {
    status = nl_rule_element(step, NL_I64, "step is");
    status = status == NL_OK ? nl_rule_element(start + (double)(n - 1) * step, dtype, "the last element is") : status;
  }
  return status == NL_OK ? nl_rule_made(c, 1, &n, dtype) : status;
}
static nl_status infer_linspace(nl_call *c) {
  int64_t n = c->attr[linspace_steps].i;
  if (n < 0) {
    return nl_fail("steps must be 0 or more, not %lld", (long long)n);
  }
  nl_dtype dtype = nl_rule_dtype(c, linspace_dtype, NL_DEFAULT_FLOAT);
  nl_status status = n > 0 ? nl_rule_element(trunc(c->attr[linspace_start].number), dtype, "start is") : NL_OK;
  status = status == NL_OK && n > 1 ? nl_rule_element(trunc(c->attr[linspace_end].number), dtype, "end is") : status;
  return status == NL_OK ? nl_rule_made(c, 1, &n, dtype) : status;
}
static nl_status infer_eye(nl_call *c) {
  int64_t n = c->attr[eye_n].i, m = c->attr[eye_m].set ? c->attr[eye_m].i : n;
  return nl_rule_made(c, 2, (int64_t[]){n, m}, nl_rule_dtype(c, eye_dtype, NL_DEFAULT_FLOAT));
}
static void run_ramp(nl_call *c) {
  bool linspace = c->op->variant == 1;
  double start = c->attr[arange_start].number, end = c->attr[arange_end].number;
  int64_t n = c->out[0]->numel;
  if (!linspace && c->out[0]->dtype == NL_I64 && is_exact_range(c)) {
    uint64_t first = (uint64_t)nl_attr_whole(&c->attr[arange_start]);
    uint64_t by = (uint64_t)nl_attr_whole(&c->attr[arange_step]), *to = nl_tensor_data(c->out[0]);
    for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
      to[i] = first + (uint64_t)i * by;
    }
    return;
  }
  double step = linspace ? (n > 1 ? (end - start) / (double)(n - 1) : 0) : c->attr[arange_step].number;
  for (int64_t i = 0; i < n && !nl_interrupted_at(i); i++) {
    /* from the nearer end, so that the last element is exact */
    double v = linspace && i >= n / 2 && n > 1 ? end - (double)(n - 1 - i) * step : start + (double)i * step;
    nl_tensor_set_double(c->out[0], i, v);
  }
}
static void run_eye(nl_call *c) {
  nl_tensor *out = c->out[0];
  memset(nl_tensor_data(out), 0, out->storage->bytes);
  for (int64_t i = 0; i < out->shape[0] && i < out->shape[1]; i++) {
    nl_tensor_set_int(out, i * out->shape[1] + i, 1);
  }
}

#define CREATE(n, a, set, text, i, r, k, e)                                                                            \
  {                                                                                                                    \
    .name = n, .args = a, .attrs = set##_attrs, .returns = "tensor", .doc = text, .example = e, .infer = i, .run = r,  \
    .flags = NL_OP_CREATE, .variant = k                                                                                \
  }
static const nl_op ops[] = {
    CREATE("zeros", "shape: shape, dtype: dtype?", nl_made, "A tensor of zeros.", nl_infer_shape_dtype, run_constant, 0,
           "nn.zeros(2, 3)"),
    CREATE("ones", "shape: shape, dtype: dtype?", nl_made, "A tensor of ones.", nl_infer_shape_dtype, run_constant, 1,
           "nn.ones(2, {dtype = \"int64\"})"),
    CREATE("empty", "shape: shape, dtype: dtype?", nl_made, "A tensor whose elements are whatever the memory held.",
           nl_infer_shape_dtype, run_empty, 0, "nn.empty(2, 3).shape"),
    CREATE("full", "shape: shape, fill_value: operand, dtype: dtype?", nl_made,
           "A tensor filled with one value: full({2, 3}, 7).", infer_full, run_full, 0, "nn.full({2}, 7)"),
    CREATE("zeros_like", "x: tensor, dtype: dtype?", nl_like, "Zeros with the shape and dtype of x.", nl_infer_like,
           run_constant, 0, "nn.zeros_like(nn.tensor {-1.0, 0.0, 2.0})"),
    CREATE("ones_like", "x: tensor, dtype: dtype?", nl_like, "Ones with the shape and dtype of x.", nl_infer_like,
           run_constant, 1, "nn.ones_like(nn.tensor {-1.0, 0.0, 2.0})"),
    CREATE("empty_like", "x: tensor, dtype: dtype?", nl_like, "Uninitialized, with the shape and dtype of x.",
           nl_infer_like, run_empty, 0, "nn.empty_like(nn.tensor {-1.0, 0.0, 2.0}).shape"),
    CREATE("full_like", "x: tensor, fill_value: operand, dtype: dtype?", nl_like,
           "One value, with the shape and dtype of x.", infer_full_like, run_full, 0,
           "nn.full_like(nn.tensor {-1.0, 0.0, 2.0}, 7)"),
    CREATE("arange", "start: number, end: number?, step: number = 1, dtype: dtype?", arange,
           "start, start + step, ... below end; with one number, 0, 1, ... below it.", infer_arange, run_ramp, 0,
           "nn.arange(5)"),
    CREATE("linspace", "start: number, end: number, steps: int, dtype: dtype?", linspace,
           "steps numbers, evenly spaced from start to end, both included.", infer_linspace, run_ramp, 1,
           "nn.linspace(0, 1, 5)"),
    CREATE("eye", "n: int, m: int?, dtype: dtype?", eye, "The n x m matrix with ones on its diagonal.", infer_eye,
           run_eye, 0, "nn.eye(2)"),
};
NL_FAMILY(create, ops);
