/* zlib's gz functions read plain files too, so one path serves both. */
#include "io/idx.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "core/allowed.h"

enum { MAX_IDX_DIM = 8, DEFLATE_RATIO = 1032 };

typedef struct element {
  int code, size;
  nl_dtype dtype;
} element;

static const element elements[] = {{0x08, 1, NL_U8},  {0x09, 1, NL_I64}, {0x0b, 2, NL_I64},
                                   {0x0c, 4, NL_I64}, {0x0d, 4, NL_F32}, {0x0e, 8, NL_F64}};

static nl_status read_all(gzFile f, const char *path, void *to, uint64_t n, const char *what) {
  char *p = to;
  while (n > 0) {
    unsigned piece = n < (1u << 24) ? (unsigned)n : 1u << 24;
    int got = gzread(f, p, piece);
    if (got < 0) {
      int code;
      return nl_fail("%s: damaged: %s", path, gzerror(f, &code));
    }
    if (got == 0) {
      return nl_fail("%s: truncated: the file ends inside its %s", path, what);
    }
    p += got;
    n -= (uint64_t)got;
  }
  return NL_OK;
}

static uint64_t big_endian(const unsigned char *p, int n) {
  uint64_t v = 0;
  for (int i = 0; i < n; i++) {
    v = v << 8 | p[i];
  }
  return v;
}

static void store_elements(nl_tensor *t, int64_t i, const element *e, const unsigned char *p) {
  uint64_t bits = big_endian(p, e->size);
  if (e->dtype == NL_F32) {
    uint32_t low = (uint32_t)bits;
    memcpy((float *)nl_tensor_data(t) + i, &low, sizeof low);
  } else if (e->dtype == NL_F64) {
    memcpy((double *)nl_tensor_data(t) + i, &bits, sizeof bits);
  } else {
    int shift = 64 - 8 * e->size;
    ((int64_t *)nl_tensor_data(t))[i] = (int64_t)(bits << shift) >> shift;
  }
}

static nl_status read_values(gzFile f, const char *path, const element *e, nl_tensor *t) {
  if (e->dtype == NL_U8) {
    return read_all(f, path, nl_tensor_data(t), (uint64_t)t->numel, "data");
  }
  unsigned char buffer[4096];
  int64_t per = (int64_t)sizeof buffer / e->size;
  for (int64_t i = 0; i < t->numel; i += per) {
    int64_t n = t->numel - i < per ? t->numel - i : per;
    nl_status status = read_all(f, path, buffer, (uint64_t)(n * e->size), "data");
    if (status != NL_OK) {
      return status;
    }
    for (int64_t k = 0; k < n; k++) {
      store_elements(t, i + k, e, buffer + k * e->size);
    }
  }
  return NL_OK;
}

static nl_status read_idx(gzFile f, const char *path, uint64_t file_size, nl_tensor **out) {
  unsigned char head[4 + 4 * MAX_IDX_DIM];
  nl_status status = read_all(f, path, head, 4, "header");
  if (status != NL_OK) {
    return status;
  }
  const element *e = NULL;
  for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
    e = head[2] == elements[i].code ? &elements[i] : e;
  }
  int ndim = head[3];
  if (head[0] || head[1] || !e || ndim < 1 || ndim > MAX_IDX_DIM) {
    return nl_fail("%s: not an IDX file: its first four bytes are %02x %02x %02x %02x", path, head[0], head[1], head[2],
                   head[3]);
  }
  status = read_all(f, path, head, (uint64_t)(4 * ndim), "header");
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[MAX_IDX_DIM];
  double bytes = e->size;
  for (int d = 0; d < ndim; d++) {
    shape[d] = (int64_t)big_endian(head + 4 * d, 4);
    bytes *= (double)shape[d];
  }
  double most = gzdirect(f) ? (double)file_size : (double)file_size * DEFLATE_RATIO;
  if (bytes > most) {
    return nl_fail("%s: claims shape %s (%.0f bytes), which a file of %llu bytes cannot hold", path,
                   nl_shape_string(ndim, shape).s, bytes, (unsigned long long)file_size);
  }
  status = nl_tensor_new(e->dtype, ndim, shape, out);
  status = status == NL_OK ? read_values(f, path, e, *out) : status;
  int more = status == NL_OK ? gzread(f, head, 1) : 0; /* also makes zlib compare its checksum */
  if (more > 0) {
    status = nl_fail("%s: holds more data than its header says (shape %s)", path, nl_shape_string(ndim, shape).s);
  } else if (more < 0) {
    int code;
    status = nl_fail("%s: damaged: %s", path, gzerror(f, &code));
  }
  if (status != NL_OK) {
    nl_tensor_unref(*out);
    *out = NULL;
  }
  return status;
}

nl_status nl_idx_read(const char *path, nl_tensor **out) {
  *out = NULL;
  struct stat st;
  if (nl_may_read(path) != NL_OK) {
    return NL_ERROR;
  }
  if (stat(path, &st) != 0) {
    return nl_fail("%s: %s", path, strerror(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return nl_fail("%s: not a regular file", path);
  }
  gzFile f = gzopen(path, "rb");
  if (!f) {
    return nl_fail("%s: %s", path, strerror(errno));
  }
  gzbuffer(f, 1 << 17);
  nl_status status = read_idx(f, path, (uint64_t)st.st_size, out);
  int closed = gzclose(f);
  if (status == NL_OK && closed == Z_BUF_ERROR) { /* the compressed stream has no end */
    status = nl_fail("%s: truncated: the compressed data has no end", path);
    nl_tensor_unref(*out);
    *out = NULL;
  }
  return status;
}
