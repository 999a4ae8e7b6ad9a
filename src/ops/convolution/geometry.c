#include "ops/convolution/geometry.h"

#include <limits.h>

nl_status nl_read_sizes(const nl_call *c, int attr, int dims, const char *name, int64_t least, int64_t otherwise,
                        int64_t other, int64_t *to) {
  int count;
  const int64_t *v = nl_call_list(c, attr, &count);
  if (count > 1 && count != dims) {
    return nl_fail("%s has %d numbers, but there are %d dims behind batch and channels", name, count, dims);
  }
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int at = d - (NL_CONV_DIMS - dims);
    to[d] = at < 0 ? other : (count == 0 ? otherwise : v[count == 1 ? 0 : at]);
    if (to[d] < least) {
      return nl_fail("%s must be at least %lld, but is %lld", name, (long long)least, (long long)to[d]);
    }
    if (to[d] > INT_MAX) {
      return nl_fail("%s can be %d at most, but is %lld", name, INT_MAX, (long long)to[d]);
    }
  }
  return NL_OK;
}

void nl_set_sizes(int64_t *to, const nl_tensor *t, int dims) {
  for (int d = 0; d < NL_CONV_DIMS; d++) {
    int at = d - (NL_CONV_DIMS - dims);
    to[d] = at < 0 ? 1 : t->shape[at + 2];
  }
}

const char *nl_dims_words(int dims) {
  static const char *const words[] = {"one to three dims", "length", "height x width", "depth x height x width"};
  return words[dims >= 1 && dims <= NL_CONV_DIMS ? dims : 0];
}

void nl_take_geometry(nl_call *k, const nl_tensor *t, const nl_call *from, int first, int plain) {
  int to = 0;
  if (t) {
    nl_call_set_list(k, to++, t->ndim - 2, t->shape + 2);
  }
  for (int i = 0; i < 3; i++) {
    int count;
    const int64_t *v = nl_call_list(from, first + i, &count);
    if (count > 0) {
      nl_call_set_list(k, to + i, count, v);
    }
  }
  for (int i = 3; i < 3 + plain; i++) {
    k->attr[to + i] = from->attr[first + i];
  }
}
