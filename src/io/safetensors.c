/* The header goes through jansson; the data is copied as it stands (little-endian machines only). */
#include "io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/allowed.h"
#include "core/memory.h"
#include "io/elements.h"
#include "io/file.h"
#include "io/json.h"
#include "optable/iterate.h"

#define MAX_HEADER ((uint64_t)100 << 20) /* the format's own limit */

static const char *const codes[NL_DTYPE_COUNT] = {"BOOL", "U8", "I64", "F32", "F64"};

/* What else is read. */
static const char *const read_codes[NL_EL_COUNT] = {"BOOL", "U8",  "I8",  "U16",  "I16", "U32", "I32",
                                                    "U64",  "I64", "F16", "BF16", "F32", "F64"};

void nl_tensor_file_free(nl_tensor_file *f) {
  for (int i = 0; i < f->count; i++) {
    free(f->entries[i].name);
    nl_tensor_unref(f->entries[i].tensor);
  }
  nl_delete(f->entries);
  free(f->note);
  *f = (nl_tensor_file){0, NULL, NULL};
}

/* ---- reading ---- */

typedef struct reader {
  const char *path;
  int fd;
  uint64_t data_at, data_size;
} reader;

static nl_status read_at(const reader *r, void *to, uint64_t n, uint64_t at) {
  char *p = to;
  while (n > 0) {
    ssize_t got = pread(r->fd, p, n < (1u << 30) ? (size_t)n : 1u << 30, (off_t)at);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return nl_fail("%s: %s", r->path, got < 0 ? strerror(errno) : "truncated");
    }
    p += got;
    n -= (uint64_t)got;
    at += (uint64_t)got;
  }
  return NL_OK;
}

/* The bytes of one tensor. */
typedef struct byte_span {
  uint64_t begin, end;
} byte_span;

static int compare_spans(const void *a, const void *b) {
  const byte_span *x = a, *y = b;
  return x->begin != y->begin ? (x->begin < y->begin ? -1 : 1) : (x->end > y->end) - (x->end < y->end);
}

/* One entry of the header, checked in full before memory is taken. */
static nl_status read_entry(const reader *r, const char *name, const json_t *entry, nl_named_tensor *out,
                            byte_span *bytes) {
  const char *code = json_string_value(json_object_get(entry, "dtype"));
  const json_t *dims = json_object_get(entry, "shape"), *span = json_object_get(entry, "data_offsets");
  if (!code || !json_is_array(dims) || !json_is_array(span) || json_array_size(span) != 2 ||
      json_array_size(dims) > NL_MAX_DIM) {
    return nl_fail("%s: tensor '%.80s' lacks dtype, shape or data_offsets", r->path, name);
  }
  int type = 0;
  while (type < NL_EL_COUNT && strcmp(read_codes[type], code) != 0) {
    type++;
  }
  if (type == NL_EL_COUNT) {
    return nl_fail(
        "%s: tensor '%.80s' has dtype %.16s, which is not supported (BOOL, integers, F16, BF16, F32, F64 are)", r->path,
        name, code);
  }
  nl_dtype dtype = nl_element_dtype((nl_element)type);
  size_t size = nl_element_size((nl_element)type);
  int ndim = (int)json_array_size(dims);
  int64_t shape[NL_MAX_DIM];
  for (int d = 0; d < ndim; d++) {
    const json_t *n = json_array_get(dims, (size_t)d);
    shape[d] = json_is_integer(n) ? json_integer_value(n) : -1;
    if (shape[d] < 0) {
      return nl_fail("%s: tensor '%.80s' has a shape that is not made of sizes", r->path, name);
    }
  }
  const json_t *first = json_array_get(span, 0), *last = json_array_get(span, 1);
  int64_t begin = json_is_integer(first) ? json_integer_value(first) : -1;
  int64_t end = json_is_integer(last) ? json_integer_value(last) : -1;
  int64_t numel = nl_shape_numel(ndim, shape);
  if (begin < 0 || end < begin || (uint64_t)end > r->data_size || numel < 0 || (uint64_t)numel > r->data_size ||
      (uint64_t)(end - begin) != (uint64_t)numel * size) {
    return nl_fail("%s: tensor '%.80s' (%s, shape %s) claims bytes %" PRId64 " to %" PRId64 " of %" PRIu64, r->path,
                   name, code, nl_shape_string(ndim, shape).s, begin, end, r->data_size);
  }
  *bytes = (byte_span){(uint64_t)begin, (uint64_t)end};
  nl_status status = nl_tensor_new(dtype, ndim, shape, &out->tensor);
  if (status != NL_OK) {
    return status;
  }
  out->name = strdup(name);
  if (!out->name) {
    return nl_fail_memory(strlen(name));
  }
  unsigned char *data = nl_tensor_data(out->tensor);
  if (nl_dtype_size(dtype) == size && dtype != NL_BOOL && type != NL_EL_U64) { /* as it stands */
    return read_at(r, data, (uint64_t)(end - begin), r->data_at + (uint64_t)begin);
  }
  unsigned char chunk[4096];
  int64_t per = (int64_t)(sizeof chunk / size);
  for (int64_t i = 0; i < numel && status == NL_OK; i += per) {
    int64_t n = numel - i < per ? numel - i : per;
    status = read_at(r, chunk, (uint64_t)n * size, r->data_at + (uint64_t)begin + (uint64_t)i * size);
    if (status == NL_OK &&
        !nl_elements_read((nl_element)type, false, n, chunk, data + (size_t)i * nl_dtype_size(dtype))) {
      status = nl_fail("%s: tensor '%.80s' holds an unsigned number beyond int64", r->path, name);
    }
  }
  return status;
}

/* Tensors lie one behind another and fill the data. */
static nl_status check_spans(const reader *r, byte_span *spans, int n) {
  uint64_t at = 0;
  qsort(spans, (size_t)n, sizeof *spans, compare_spans);
  for (int i = 0; i < n; i++) {
    if (spans[i].begin != at) {
      return nl_fail("%s: its tensors %s at byte %" PRIu64 " of its data", r->path,
                     spans[i].begin < at ? "overlap" : "leave a gap", spans[i].begin < at ? spans[i].begin : at);
    }
    at = spans[i].end;
  }
  return at == r->data_size
             ? NL_OK
             : nl_fail("%s: its tensors claim %" PRIu64 " bytes, but it holds %" PRIu64, r->path, at, r->data_size);
}

static nl_status read_all_entries(const reader *r, json_t *header, nl_tensor_file *out, byte_span *spans) {
  out->entries = nl_new((json_object_size(header) + 1) * sizeof *out->entries);
  if (!out->entries) {
    return NL_NOMEM;
  }
  const char *name;
  json_t *entry;
  json_object_foreach(header, name, entry) {
    if (strcmp(name, "__metadata__") == 0) {
      const char *note = json_string_value(json_object_get(entry, "nnlua"));
      out->note = note ? strdup(note) : NULL;
      if (note && !out->note) {
        return nl_fail_memory(strlen(note));
      }
      continue;
    }
    out->count++;
    nl_status status = read_entry(r, name, entry, &out->entries[out->count - 1], &spans[out->count - 1]);
    if (status != NL_OK) {
      return status;
    }
  }
  return check_spans(r, spans, out->count);
}

static nl_status read_entries(const reader *r, json_t *header, nl_tensor_file *out) {
  byte_span *spans = nl_new((json_object_size(header) + 1) * sizeof *spans);
  nl_status status = spans ? read_all_entries(r, header, out, spans) : NL_NOMEM;
  nl_delete(spans);
  return status;
}

static nl_status read_safetensors(reader *r, uint64_t size, nl_tensor_file *out) {
  unsigned char head[8];
  if (size < 8) {
    return nl_fail("%s: not a safetensors file: it has %" PRIu64 " bytes", r->path, size);
  }
  nl_status status = read_at(r, head, 8, 0);
  if (status != NL_OK) {
    return status;
  }
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) {
    length = length << 8 | head[i];
  }
  if (memcmp(head, "PK\3\4", 4) == 0) {
    return nl_fail("%s: not a safetensors file but an archive, as torch.save and numpy.savez write them. A state of "
                   "PyTorch's: write it there with safetensors.torch.save_file(model.state_dict(), path), or with "
                   "numpy.savez and read it by nn.io.npz(path)",
                   r->path);
  }
  if (memcmp(head, "\x93NUMPY", 6) == 0) {
    return nl_fail("%s: not a safetensors file but one of NumPy's arrays: read it by nn.io.npy(path)", r->path);
  }
  if (memcmp(head, "\x89PNG", 4) == 0 || memcmp(head, "\xff\xd8\xff", 3) == 0) {
    return nl_fail("%s: not a safetensors file but a picture: read it by nn.io.image(path)", r->path);
  }
  if (length > size - 8 || length > MAX_HEADER) {
    return nl_fail("%s: not a safetensors file, or truncated: it claims a header of %" PRIu64 " bytes, but has %" PRIu64
                   " in all",
                   r->path, length, size);
  }
  r->data_at = 8 + length;
  r->data_size = size - r->data_at;
  char *text = nl_new((size_t)length + 1);
  if (!text) {
    return NL_NOMEM;
  }
  status = read_at(r, text, length, 8);
  json_t *header = NULL;
  if (status == NL_OK) {
    status = nl_json_read(text, (size_t)length, JSON_REJECT_DUPLICATES, &header);
    if (status != NL_OK) {
      nl_error_prefix("%s: its header is not a JSON object", r->path);
    } else if (!json_is_object(header)) {
      status = nl_fail("%s: its header is not a JSON object: another type", r->path);
    }
  }
  nl_delete(text);
  status = status == NL_OK ? read_entries(r, header, out) : status;
  json_decref(header);
  return status;
}

nl_status nl_safetensors_read(const char *path, nl_tensor_file *out) {
  *out = (nl_tensor_file){0, NULL, NULL};
  if (nl_may_read(path) != NL_OK) {
    return NL_ERROR;
  }
  reader r = {.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
  struct stat st;
  if (r.fd < 0 || fstat(r.fd, &st) != 0) {
    nl_status status = nl_fail("%s: %s", path, strerror(errno));
    if (r.fd >= 0) {
      close(r.fd);
    }
    return status;
  }
  nl_status status =
      S_ISREG(st.st_mode) ? read_safetensors(&r, (uint64_t)st.st_size, out) : nl_fail("%s: not a regular file", path);
  close(r.fd);
  if (status != NL_OK) {
    nl_tensor_file_free(out);
  }
  return status;
}

/* ---- writing ---- */

/* The header's text, padded with spaces so that the data starts at a multiple of 8. */
static char *safetensors_header(const nl_tensor_file *f) {
  json_t *header = json_object();
  uint64_t at = 0;
  bool ok = header != NULL;
  if (f->note) { /* jansson takes NULL for what could not be made, and gives an error then */
    ok = ok && json_object_set_new(header, "__metadata__", json_pack("{s:s}", "nnlua", f->note)) == 0;
  }
  for (int i = 0; i < f->count && ok; i++) {
    const nl_tensor *t = f->entries[i].tensor;
    json_t *shape = json_array();
    for (int d = 0; d < t->ndim && ok; d++) {
      ok = json_array_append_new(shape, json_integer(t->shape[d])) == 0;
    }
    uint64_t end = at + (uint64_t)t->numel * nl_dtype_size(nl_tensor_dtype(t));
    json_t *entry = json_pack("{s:s, s:O, s:[I,I]}", "dtype", codes[t->dtype], "shape", shape, "data_offsets",
                              (json_int_t)at, (json_int_t)end);
    json_decref(shape);
    json_t *name = json_string(f->entries[i].name);
    bool spelled = name || !ok || !entry;
    ok = json_object_set_new(header, f->entries[i].name, entry) == 0 && name && ok;
    json_decref(name);
    if (!spelled && !nl_json_is_utf8(f->entries[i].name, strlen(f->entries[i].name))) {
      nl_fail("the name '%.80s' cannot be written: names must be UTF-8", f->entries[i].name);
      json_decref(header);
      return NULL;
    }
    at = end;
  }
  char *text = NULL;
  if (!ok) {
    nl_fail_memory(sizeof(void *));
  } else {
    nl_json_write(header, JSON_COMPACT, &text);
  }
  json_decref(header);
  if (!text) {
    return NULL;
  }
  size_t n = strlen(text), padded = (n + 7) / 8 * 8;
  char *full = malloc(padded + 1);
  if (full) {
    memcpy(full, text, n);
    memset(full + n, ' ', padded - n);
    full[padded] = 0;
  } else {
    nl_fail_memory(padded);
  }
  free(text);
  return full;
}

static nl_status write_tensor(int fd, const char *path, nl_tensor *t) {
  size_t bytes = (size_t)t->numel * nl_dtype_size(nl_tensor_dtype(t));
  if (t->contiguous) {
    return nl_write_all(fd, path, nl_tensor_data(t), bytes);
  }
  nl_tensor *copy;
  nl_status status = nl_tensor_new(nl_tensor_dtype(t), t->ndim, t->shape, &copy);
  if (status == NL_OK) {
    nl_copy_values(copy, t);
    status = nl_write_all(fd, path, nl_tensor_data(copy), bytes);
    nl_tensor_unref(copy);
  }
  return status;
}

static nl_status write_contents(int fd, const char *path, void *ctx) {
  const nl_tensor_file *f = ctx;
  char *header = safetensors_header(f);
  if (!header) {
    return NL_ERROR;
  }
  uint64_t length = strlen(header);
  unsigned char head[8];
  for (int i = 0; i < 8; i++) {
    head[i] = (unsigned char)(length >> (8 * i));
  }
  nl_status status = nl_write_all(fd, path, head, 8);
  status = status == NL_OK ? nl_write_all(fd, path, header, (size_t)length) : status;
  free(header);
  for (int i = 0; i < f->count && status == NL_OK; i++) {
    status = write_tensor(fd, path, f->entries[i].tensor);
  }
  return status;
}

nl_status nl_safetensors_write(const char *path, const nl_tensor_file *f) {
  nl_tensor_file copy = *f;
  return nl_write_file(path, write_contents, &copy);
}
