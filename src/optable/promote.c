/* NumPy and PyTorch convert 300 to uint8 as 44 and nan to int64 as any number; here that is an error. */
#include "optable/promote.h"

#include <math.h>
#include <stdio.h>

#include "kernels/holds.h"

static int category(nl_dtype t) {
  return t == NL_BOOL ? 0 : (nl_dtype_is_float(t) ? 2 : 1);
}

nl_dtype nl_promote(int n, nl_tensor *const t[]) {
  /* three classes: tensors with dims, 0-dim tensors, numbers */
  int highest[3] = {-1, -1, -1};
  for (int i = 0; i < n; i++) {
    if (t[i]) {
      int rank = t[i]->wrapped_number ? 2 : (t[i]->ndim == 0 ? 1 : 0);
      /* a Lua float is as wide as whatever it meets: it only says "float" */
      int dtype = rank == 2 && t[i]->dtype == NL_F64 ? NL_DEFAULT_FLOAT : t[i]->dtype;
      highest[rank] = dtype > highest[rank] ? dtype : highest[rank];
    }
  }
  int result = highest[0];
  for (int rank = 1; rank < 3; rank++) {
    if (highest[rank] >= 0 && (result < 0 || category((nl_dtype)highest[rank]) > category((nl_dtype)result))) {
      result = highest[rank];
    }
  }
  return result < 0 ? NL_DEFAULT_FLOAT : (nl_dtype)result;
}

/* The position of the first value that is lost, in the order of rows, or -1. */
static int64_t find_lost(const nl_tensor *t, nl_dtype to) {
  enum { RUN = 256 };
  const char *data = nl_tensor_data(t);
  nl_dtype from = nl_tensor_dtype(t);
  if (t->contiguous) {
    return nl_first_lost(to, from, t->numel, data);
  }
  int last = t->ndim - 1;
  int64_t index[NL_MAX_DIM] = {0}, columns = t->shape[last], stride = t->strides[last];
  for (int64_t begin = 0; begin < t->numel; begin += columns) {
    int64_t at = 0;
    for (int d = 0; d < last; d++) {
      at += index[d] * t->strides[d];
    }
    for (int64_t c = 0; c < columns; c += RUN) {
      int64_t n = columns - c < RUN ? columns - c : RUN, lost;
      if (from == NL_F32) {
        float run[RUN];
        for (int64_t i = 0; i < n; i++) {
          run[i] = ((const float *)data)[at + (c + i) * stride];
        }
        lost = nl_first_lost(to, from, n, run);
      } else { /* of 8 bytes, whichever they are */
        int64_t run[RUN];
        for (int64_t i = 0; i < n; i++) {
          run[i] = ((const int64_t *)data)[at + (c + i) * stride];
        }
        lost = nl_first_lost(to, from, n, run);
      }
      if (lost >= 0) {
        return begin + c + lost;
      }
    }
    for (int d = last - 1; d >= 0 && ++index[d] == t->shape[d]; d--) {
      index[d] = 0;
    }
  }
  return -1;
}

/* "(2, 3)" of a position from 0 */
static void write_place(const nl_tensor *t, int64_t position, char *text, size_t size) {
  int64_t index[NL_MAX_DIM];
  for (int d = t->ndim - 1; d >= 0; d--) {
    index[d] = position % t->shape[d] + 1;
    position /= t->shape[d];
  }
  size_t used = (size_t)snprintf(text, size, t->ndim == 1 ? "" : "(");
  for (int d = 0; d < t->ndim && used < size; d++) {
    used += (size_t)snprintf(text + used, size - used, d == 0 ? "%lld" : ", %lld", (long long)index[d]);
  }
  if (t->ndim != 1 && used < size) {
    snprintf(text + used, size - used, ")");
  }
}

static const char *range_of(nl_dtype t) {
  return t == NL_U8 ? "uint8 (0 to 255)" : "int64";
}

nl_status nl_rule_element(double number, nl_dtype to, const char *what) {
  if (!nl_may_lose(to, NL_F64)) {
    return NL_OK;
  }
  if (nl_first_lost(to, NL_F64, 1, &number) == 0) {
    char value[32] = "nan"; /* without a sign */
    if (number == number) {
      snprintf(value, sizeof value, "%.17g", number);
    }
    return nl_fail("%s %s, which does not fit into %s", what, value, range_of(to));
  }
  if (number != floor(number)) {
    return nl_fail("%s %.14g, which is no whole number, but the dtype is %s; round it first, e.g. math.floor(v + 0.5), "
                   "or use \"float32\"",
                   what, number, nl_dtype_name(to));
  }
  return NL_OK;
}

static nl_status fail_lost(const nl_tensor *t, nl_dtype to, int64_t position) {
  const char *holds = range_of(to);
  char value[48], place[96];
  double number = nl_tensor_get_double(t, position);
  if (t->dtype == NL_I64) {
    snprintf(value, sizeof value, "%lld", (long long)nl_tensor_get_int(t, position));
  } else {
    snprintf(value, sizeof value, number != number ? "nan" : t->dtype == NL_F32 ? "%.9g" : "%.17g", number);
  }
  if (t->ndim == 0) {
    return nl_fail("%s does not fit into %s%s", value, holds,
                   t->dtype == NL_I64 ? "; convert the tensor first, e.g. x:to(\"int64\")" : "");
  }
  write_place(t, position, place, sizeof place);
  return nl_fail("element %s is %s, which %s cannot hold; %s", place, value, holds,
                 number != number ? "replace it first, e.g. with x:nan_to_num()"
                 : to == NL_U8    ? "bring all into the range first, e.g. with x:clamp(0, 255)"
                                  : "bring all into the range first, e.g. with x:clamp(-2^53, 2^53)");
}

nl_status nl_rule_holds(nl_call *c, const nl_tensor *t, nl_dtype to) {
  nl_dtype from = nl_tensor_dtype(t);
  if (!nl_may_lose(to, from)) {
    return NL_OK;
  }
  c->checks = true;
  int64_t lost = t->numel > 0 ? find_lost(t, to) : -1;
  if (lost >= 0) {
    return fail_lost(t, to, lost);
  }
  double number = t->wrapped_number && from == NL_F64 ? nl_tensor_get_double(t, 0) : 0;
  if (number != floor(number)) {
    return nl_fail("%.14g is no whole number, and the tensor is %s; round it first (math.floor(v + 0.5)), or convert "
                   "the tensor with x:to(\"float32\")",
                   number, nl_dtype_name(to));
  }
  return NL_OK;
}

nl_status nl_rule_hold_all(nl_call *c, int n, nl_tensor *const t[]) {
  nl_status status = NL_OK;
  for (int i = 0; i < n && c->dtype == NL_U8 && status == NL_OK; i++) {
    status = t[i] ? nl_rule_holds(c, t[i], NL_U8) : NL_OK;
  }
  return status;
}

nl_status nl_rule_promote(nl_call *c, int n, nl_tensor *const t[]) {
  c->dtype = nl_promote(n, t);
  return nl_rule_hold_all(c, n, t);
}

/* A Lua float without a fraction, which int64 holds. */
static bool is_whole(const nl_tensor *t) {
  double v = t->wrapped_number && t->dtype == NL_F64 ? nl_tensor_get_double(t, 0) : NAN;
  return v == floor(v) && v >= -0x1p63 && v < 0x1p63;
}

void nl_rule_comparable(nl_call *c, int n, nl_tensor *const t[]) {
  c->dtype = nl_promote(n, t);
  bool long_ones = false, floats = false;
  for (int i = 0; i < n; i++) {
    long_ones = long_ones || t[i]->dtype == NL_I64;
    floats = floats || (nl_dtype_is_float(nl_tensor_dtype(t[i])) && !is_whole(t[i]));
  }
  if (long_ones) {
    c->dtype = floats ? NL_F64 : NL_I64;
  }
}
