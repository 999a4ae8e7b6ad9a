#include "io/npy.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "core/allowed.h"
#include "core/interrupt.h"
#include "core/memory.h"
#include "io/file.h"
#include "optable/iterate.h"

enum { CHUNK = 1 << 16, MAX_HEADER = 1 << 20 };

static const char *const codes[NL_EL_COUNT] = {"b1", "u1", "i1", "u2", "i2", "u4", "i4",
                                               "u8", "i8", "f2", "?",  "f4", "f8"};

nl_element nl_element_of(nl_dtype dtype) {
  static const unsigned char own[NL_DTYPE_COUNT] = {NL_EL_BOOL, NL_EL_U8, NL_EL_I64, NL_EL_F32, NL_EL_F64};
  return (nl_element)own[dtype];
}

/* ---- where bytes come from ---- */

typedef struct source {
  const char *name; /* for errors */
  uint64_t left;    /* bytes that may still be there */
  int fd;
  zip_file_t *zip; /* or NULL */
} source;

static nl_status take_bytes(source *s, void *to, uint64_t n) {
  char *p = to;
  if (n > s->left) {
    return nl_fail("%s: truncated", s->name);
  }
  s->left -= n;
  while (n > 0) {
    size_t want = n < (1u << 30) ? (size_t)n : 1u << 30;
    int64_t got = s->zip ? zip_fread(s->zip, p, want) : read(s->fd, p, want);
    if (got < 0 && !s->zip && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return nl_fail("%s: %s", s->name,
                     got == 0 ? "truncated" : (s->zip ? zip_file_strerror(s->zip) : strerror(errno)));
    }
    p += got;
    n -= (uint64_t)got;
  }
  return NL_OK;
}

/* ---- the header: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } ---- */

typedef struct header {
  nl_element type;
  bool swap, fortran;
  int ndim;
  int64_t shape[NL_MAX_DIM];
} header;

static const char *skip_space(const char *p) {
  while (isspace((unsigned char)*p)) {
    p++;
  }
  return p;
}

/* The text behind 'key': , or NULL. */
static const char *header_value(const char *text, const char *key) {
  size_t n = strlen(key);
  for (const char *p = strpbrk(text, "'\""); p; p = strpbrk(p + 1, "'\"")) {
    if (strncmp(p + 1, key, n) == 0 && p[n + 1] == *p) {
      p = skip_space(p + n + 2);
      return *p == ':' ? skip_space(p + 1) : NULL;
    }
  }
  return NULL;
}

static nl_status parse_type(const source *s, const char *p, header *h) {
  if (*p != '\'' && *p != '"') {
    return nl_fail("%s: holds records, which are not supported; save one array for each field", s->name);
  }
  char quote = *p++, order = *p;
  if (strchr("<>|=", order) && order) {
    p++;
  }
  size_t n = strcspn(p, "'\"");
  int e = 0;
  while (e < NL_EL_COUNT && (strlen(codes[e]) != n || memcmp(codes[e], p, n) != 0)) {
    e++;
  }
  if (e == NL_EL_COUNT || p[n] != quote) {
    return nl_fail("%s: has dtype %.*s, which is not supported%s", s->name, (int)(n < 16 ? n : 16), p,
                   *p == 'O' ? ": Python objects could run code" : " (bool, integers and floats of 16 to 64 bits are)");
  }
  h->type = (nl_element)e;
  h->swap = order == '>' && nl_element_size(h->type) > 1;
  return NL_OK;
}

static nl_status parse_shape(const source *s, const char *p, header *h) {
  if (*p != '(') {
    return nl_fail("%s: its header has no shape", s->name);
  }
  p = skip_space(p + 1);
  while (*p != ')') {
    char *end;
    errno = 0;
    long long v = strtoll(p, &end, 10);
    if (end == p || errno || v < 0 || h->ndim == NL_MAX_DIM) {
      return nl_fail("%s: its header has a shape that is not made of sizes", s->name);
    }
    h->shape[h->ndim++] = v;
    p = skip_space(*end == 'L' ? end + 1 : end); /* Python 2 wrote 3L */
    if (*p == ',') {
      p = skip_space(p + 1);
    } else if (*p != ')') {
      return nl_fail("%s: its header is damaged", s->name);
    }
  }
  return NL_OK;
}

static nl_status read_header(source *s, header *h) {
  unsigned char head[12];
  nl_status status = take_bytes(s, head, 10);
  if (status != NL_OK || memcmp(head, "\x93NUMPY", 6) != 0) {
    return status != NL_OK ? status : nl_fail("%s: is not a .npy file", s->name);
  }
  uint64_t length = head[8] | (uint64_t)head[9] << 8;
  if (head[6] < 1 || head[6] > 3) {
    return nl_fail("%s: has format version %d.%d; 1 to 3 are known", s->name, head[6], head[7]);
  }
  if (head[6] >= 2) {
    status = take_bytes(s, head + 10, 2);
    length |= (uint64_t)head[10] << 16 | (uint64_t)head[11] << 24;
  }
  if (status == NL_OK && (length > s->left || length > MAX_HEADER)) {
    status = nl_fail("%s: its header claims %llu bytes", s->name, (unsigned long long)length);
  }
  char *text = status == NL_OK ? calloc(1, (size_t)length + 1) : NULL;
  if (status == NL_OK && !text) {
    return nl_fail_memory((size_t)length);
  }
  status = status == NL_OK ? take_bytes(s, text, length) : status;
  if (status == NL_OK) {
    const char *type = header_value(text, "descr"), *order = header_value(text, "fortran_order"),
               *shape = header_value(text, "shape");
    if (!type || !order || !shape) {
      status = nl_fail("%s: its header lacks descr, fortran_order or shape", s->name);
    } else {
      h->fortran = strncmp(order, "True", 4) == 0;
      status = parse_type(s, type, h);
      status = status == NL_OK ? parse_shape(s, shape, h) : status;
    }
  }
  free(text);
  return status;
}

static nl_status read_array(source *s, nl_tensor **out) {
  header h = {0};
  *out = NULL;
  nl_status status = read_header(s, &h);
  if (status != NL_OK) {
    return status;
  }
  int64_t shape[NL_MAX_DIM], numel = nl_shape_numel(h.ndim, h.shape), bytes;
  size_t size = nl_element_size(h.type);
  if (numel < 0 || __builtin_mul_overflow(numel, (int64_t)size, &bytes) || (uint64_t)bytes > s->left) {
    return nl_fail("%s: its header claims shape %s, more than the file holds", s->name,
                   nl_shape_string(h.ndim, h.shape).s);
  }
  for (int d = 0; d < h.ndim; d++) { /* Fortran's order is C's of the reversed shape */
    shape[d] = h.fortran ? h.shape[h.ndim - 1 - d] : h.shape[d];
  }
  nl_tensor *t;
  status = nl_tensor_new(nl_element_dtype(h.type), h.ndim, shape, &t);
  unsigned char chunk[CHUNK];
  int64_t per = CHUNK / (int64_t)size;
  for (int64_t i = 0; i < numel && status == NL_OK; i += per) {
    int64_t n = numel - i < per ? numel - i : per;
    status = take_bytes(s, chunk, (uint64_t)n * size);
    char *to = status == NL_OK ? (char *)nl_tensor_data(t) + (size_t)i * nl_dtype_size(nl_tensor_dtype(t)) : NULL;
    if (to && !nl_elements_read(h.type, h.swap, n, chunk, to)) {
      status = nl_fail("%s: holds an unsigned number beyond int64", s->name);
    }
  }
  if (status == NL_OK && h.fortran && h.ndim > 1) {
    int64_t strides[NL_MAX_DIM];
    for (int d = 0; d < h.ndim; d++) {
      strides[d] = t->strides[h.ndim - 1 - d];
    }
    nl_tensor *view, *copy = NULL;
    status = nl_tensor_view(t, h.ndim, h.shape, strides, 0, &view);
    status = status == NL_OK ? nl_tensor_new(nl_tensor_dtype(t), h.ndim, h.shape, &copy) : status;
    if (status == NL_OK) {
      nl_copy_values(copy, view);
    }
    nl_tensor_unref(view);
    nl_tensor_unref(t);
    t = copy;
  }
  if (status != NL_OK) {
    nl_tensor_unref(t);
    return status;
  }
  *out = t;
  return NL_OK;
}

nl_status nl_npy_read(const char *path, nl_tensor **out) {
  *out = NULL;
  if (nl_may_read(path) != NL_OK) {
    return NL_ERROR;
  }
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) {
    nl_status status = nl_fail("%s: %s", path, strerror(errno));
    if (fd >= 0) {
      close(fd);
    }
    return status;
  }
  source s = {.name = path, .left = info.st_size > 0 ? (uint64_t)info.st_size : 0, .fd = fd};
  nl_status status = S_ISREG(info.st_mode) ? read_array(&s, out) : nl_fail("%s: is not a file", path);
  close(fd);
  return status;
}

/* ---- writing ---- */

/* Magic, version and dict, padded so that the data begins at a multiple of 64. Returns the length. */
static size_t npy_header(const nl_tensor *t, nl_element type, char text[1024]) {
  char dict[900];
  int n = snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                   nl_element_size(type) > 1 ? '<' : '|', codes[type]);
  for (int d = 0; d < t->ndim; d++) {
    n += snprintf(dict + n, sizeof dict - (size_t)n, d ? " %lld," : "%lld,", (long long)t->shape[d]);
  }
  if (t->ndim > 1) {
    n--; /* one dim keeps its comma: it makes the tuple */
  }
  n += snprintf(dict + n, sizeof dict - (size_t)n, "), }");
  size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64, length = total - 10;
  memset(text, ' ', total);
  memcpy(text, "\x93NUMPY\x01\x00", 8);
  text[8] = (char)(length & 0xff);
  text[9] = (char)(length >> 8);
  memcpy(text + 10, dict, (size_t)n);
  text[total - 1] = '\n';
  return total;
}

typedef struct array {
  nl_tensor *t; /* contiguous */
  nl_element type;
} array;

static nl_status write_array(int fd, const char *path, void *ctx) {
  const array *a = ctx;
  char head[1024];
  unsigned char chunk[CHUNK];
  size_t size = nl_element_size(a->type), own = nl_dtype_size(nl_tensor_dtype(a->t));
  nl_status status = nl_write_all(fd, path, head, npy_header(a->t, a->type, head));
  int64_t per = CHUNK / 8;
  for (int64_t i = 0; i < a->t->numel && status == NL_OK; i += per) {
    int64_t n = a->t->numel - i < per ? a->t->numel - i : per;
    nl_elements_write(a->type, nl_tensor_dtype(a->t), n, (const char *)nl_tensor_data(a->t) + (size_t)i * own, chunk);
    status = nl_write_all(fd, path, chunk, (size_t)n * size);
  }
  return status;
}

/* t itself, or a contiguous copy: a reference either way. */
static nl_status contiguous(nl_tensor *t, nl_tensor **out) {
  if (t->contiguous) {
    *out = nl_tensor_ref(t);
    return NL_OK;
  }
  nl_status status = nl_tensor_new(nl_tensor_dtype(t), t->ndim, t->shape, out);
  if (status == NL_OK) {
    nl_copy_values(*out, t);
  }
  return status;
}

nl_status nl_npy_write(const char *path, nl_tensor *t, nl_element type) {
  array a = {.type = type};
  nl_status status = contiguous(t, &a.t);
  if (status == NL_OK) {
    status = nl_write_file(path, write_array, &a);
    nl_tensor_unref(a.t);
  }
  return status;
}

/* ---- archives ---- */

static nl_status zip_problem(const char *name, zip_error_t *e) {
  int code = zip_error_code_zip(e);
  return code == ZIP_ER_MEMORY || code == ZIP_ER_OK ? nl_fail("%s: not enough memory for the archive", name)
                                                    : nl_fail("%s: %s", name, zip_error_strerror(e));
}

/* libzip calls an archive none where its own memory runs out on the way. */
static bool begins_as_archive(const char *path) {
  char head[2] = "";
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool so = fd >= 0 && read(fd, head, 2) == 2 && head[0] == 'P' && head[1] == 'K';
  if (fd >= 0) {
    close(fd);
  }
  return so;
}

/* Of opening. */
static nl_status zip_failure(const char *path, int code) {
  if (code == ZIP_ER_NOZIP && begins_as_archive(path)) {
    return nl_fail("%s: cannot be read as an archive: it is damaged, or there is not enough memory", path);
  }
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  nl_status status = zip_problem(path, &error);
  zip_error_fini(&error);
  return status;
}

static nl_status read_member(zip_t *zip, const char *path, zip_int64_t i, nl_named_tensor *out) {
  zip_stat_t info;
  char name[600];
  if (zip_stat_index(zip, (zip_uint64_t)i, 0, &info) != 0 || !(info.valid & ZIP_STAT_NAME) ||
      !(info.valid & ZIP_STAT_SIZE) || !(info.valid & ZIP_STAT_COMP_SIZE)) {
    return nl_fail("%s: member %lld: %s", path, (long long)i + 1, zip_strerror(zip));
  }
  snprintf(name, sizeof name, "%.300s: %.200s", path, info.name);
  /* deflate makes at most 1032 bytes of one: a size beyond that is a lie, told before memory is taken */
  if (info.size / 1040 > info.comp_size + 64) {
    return nl_fail("%s: claims %llu bytes out of %llu", name, (unsigned long long)info.size,
                   (unsigned long long)info.comp_size);
  }
  zip_file_t *file = zip_fopen_index(zip, (zip_uint64_t)i, 0);
  if (!file) {
    return zip_problem(name, zip_get_error(zip));
  }
  source s = {.name = name, .left = info.size, .fd = -1, .zip = file};
  nl_status status = read_array(&s, &out->tensor);
  char rest[4096]; /* behind the array; the end is where the checksum is compared */
  zip_int64_t got = status == NL_OK ? 1 : 0;
  while (got > 0) {
    got = zip_fread(file, rest, sizeof rest);
  }
  if (got < 0) {
    status = zip_problem(name, zip_file_get_error(file));
    nl_tensor_unref(out->tensor);
    out->tensor = NULL;
  }
  zip_fclose(file);
  size_t n = strlen(info.name);
  out->name = strndup(info.name, n >= 4 && strcmp(info.name + n - 4, ".npy") == 0 ? n - 4 : n);
  return status == NL_OK && !out->name ? nl_fail_memory(n) : status;
}

nl_status nl_npz_read(const char *path, nl_tensor_file *out) {
  *out = (nl_tensor_file){0, NULL, NULL};
  if (nl_may_read(path) != NL_OK) {
    return NL_ERROR;
  }
  int code = 0;
  zip_t *zip = zip_open(path, ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!zip) {
    return zip_failure(path, code);
  }
  zip_int64_t n = zip_get_num_entries(zip, 0);
  nl_status status = NL_OK;
  out->entries = n < 1 << 24 ? nl_new(((size_t)n + 1) * sizeof *out->entries) : NULL;
  if (!out->entries) {
    status = NL_NOMEM;
  }
  for (zip_int64_t i = 0; i < n && status == NL_OK; i++) {
    out->count++;
    status = read_member(zip, path, i, &out->entries[i]);
  }
  zip_discard(zip);
  if (status != NL_OK) {
    nl_tensor_file_free(out);
  }
  return status;
}

/* One member, whole in memory, to be freed when the archive is closed: libzip does not always say what it has freed. */
static nl_status add_member(zip_t *zip, const char *path, const nl_named_tensor *e, bool compress, char **held) {
  nl_tensor *t;
  nl_element type = nl_element_of(nl_tensor_dtype(e->tensor));
  nl_status status = contiguous(e->tensor, &t);
  if (status != NL_OK) {
    return status;
  }
  enum { MOST_BYTES = 65535 }; /* of a name in an archive */
  if (strlen(e->name) + sizeof ".npy" > MOST_BYTES) {
    nl_tensor_unref(t);
    return nl_fail("%s: the name '%.40s...' has %zu bytes; an archive takes %d", path, e->name, strlen(e->name),
                   MOST_BYTES - (int)sizeof ".npy");
  }
  char head[1024];
  size_t n = npy_header(t, type, head), bytes = (size_t)t->numel * nl_dtype_size(nl_tensor_dtype(t));
  char *all = *held = malloc(n + bytes);
  if (all) {
    memcpy(all, head, n);
    memcpy(all + n, nl_tensor_data(t), bytes);
  }
  nl_tensor_unref(t);
  if (!all) {
    return nl_fail_memory(n + bytes);
  }
  size_t room = strlen(e->name) + sizeof ".npy";
  char *name = nl_new(room);
  if (!name) {
    return NL_NOMEM;
  }
  snprintf(name, room, "%s.npy", e->name);
  zip_source_t *s = zip_source_buffer(zip, all, n + bytes, 0);
  zip_int64_t at = s ? zip_file_add(zip, name, s, ZIP_FL_ENC_UTF_8) : -1;
  nl_delete(name);
  enum { FIRST_OF_1980 = 1 << 5 | 1 }; /* a date, as NumPy writes it: the same tensors give the same file */
  if (at < 0 || zip_set_file_compression(zip, (zip_uint64_t)at, compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(zip, (zip_uint64_t)at, 0, FIRST_OF_1980, 0) != 0) {
    if (at < 0 && s) {
      zip_source_free(s);
    }
    return zip_problem(path, zip_get_error(zip));
  }
  return NL_OK;
}

static int is_cancelled(zip_t *zip, void *unused) {
  (void)zip;
  (void)unused;
  return nl_interrupt_pending();
}

nl_status nl_npz_write(const char *path, const nl_tensor_file *f, bool compress) {
  if (nl_may_replace(path) != NL_OK) {
    return NL_ERROR;
  }
  char *temp = nl_temporary_name(path), **held = calloc((size_t)f->count + 1, sizeof *held);
  if (!temp || !held) {
    free(temp);
    free(held);
    return nl_fail_memory(((size_t)f->count + 1) * sizeof *held);
  }
  int code = 0;
  zip_t *zip = zip_open(temp, ZIP_CREATE | ZIP_TRUNCATE, &code);
  nl_status status = zip ? NL_OK : zip_failure(path, code);
  if (zip) {
    zip_register_cancel_callback_with_state(zip, is_cancelled, NULL, NULL); /* compressing takes long */
  }
  for (int i = 0; i < f->count && status == NL_OK; i++) {
    status = add_member(zip, path, &f->entries[i], compress, &held[i]);
  }
  if (status == NL_OK && f->count == 0) {
    status = nl_fail("%s: there is nothing to write", path);
  }
  if (status == NL_OK && zip_close(zip) != 0) {
    bool interrupted = zip_error_code_zip(zip_get_error(zip)) == ZIP_ER_CANCELLED;
    status = interrupted ? nl_fail_interrupted() : zip_problem(path, zip_get_error(zip));
  } else if (status == NL_OK) {
    zip = NULL;
  }
  if (zip) {
    zip_discard(zip);
  }
  for (int i = 0; i < f->count; i++) {
    free(held[i]);
  }
  free(held);
  if (status == NL_OK) {
    status = nl_replace_file(temp, path);
  } else {
    unlink(temp);
  }
  free(temp);
  return status;
}
