/* The formats are read and written by libpng and libjpeg-turbo, which are loaded when a picture is first asked for: who
   reads none needs neither. What is declared of them here is their stable interface: png_image of libpng 1.6 ("the
   simplified API") and the functions of TurboJPEG. The anymaps are a header and plain bytes. */
#include "io/picture.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/file.h"

enum { MOST_SIDE = 1 << 20, MOST_BYTES = INT_MAX };

/* ---- the libraries ---- */

typedef struct png_image {
  void *opaque;
  uint32_t version, width, height, format, flags, colormap_entries, warning_or_error;
  char message[64];
} png_image;
typedef struct png_color {
  unsigned char red, green, blue;
} png_color;
enum { PNG_VERSION_1 = 1, PNG_OPACITY = 1, PNG_COLOR = 2, PNG_16_BITS_NOT_LINEAR = 4 };

static struct {
  int (*begin)(png_image *, const void *, size_t);
  int (*finish)(png_image *, const png_color *, void *, int32_t, void *);
  int (*write)(png_image *, void *, size_t *, int, const void *, int32_t, const void *);
  void (*release)(png_image *);
} png;

enum { JPEG_RGB = 0, JPEG_GRAY = 6, JPEG_COLORS_GRAY = 2, JPEG_COLORS_CMYK = 3, JPEG_SAMP_420 = 2, JPEG_SAMP_GRAY = 3 };
enum { JPEG_ACCURATE = 4096, JPEG_WARNING = 0 };
static struct {
  void *(*reader)(void);
  void *(*writer)(void);
  int (*header)(void *, const unsigned char *, unsigned long, int *, int *, int *, int *);
  int (*decompress)(void *, const unsigned char *, unsigned long, unsigned char *, int, int, int, int, int);
  int (*compress)(void *, const unsigned char *, int, int, int, int, unsigned char **, unsigned long *, int, int, int);
  char *(*why)(void *);
  int (*code)(void *);
  void (*release)(unsigned char *);
  int (*destroy)(void *);
} jpeg;

/* All of the functions, or none. */
static bool load_functions(const char *file, int count, const char *const names[], void *const to[]) {
  void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  void *found[9];
  for (int i = 0; i < count; i++) {
    found[i] = handle ? dlsym(handle, names[i]) : NULL;
    if (!found[i]) {
      return false;
    }
  }
  for (int i = 0; i < count; i++) {
    memcpy(to[i], &found[i], sizeof found[i]);
  }
  return true;
}

static bool has_png, has_jpeg;
static void load_once(void) {
  static const char *const png_names[] = {"png_image_begin_read_from_memory", "png_image_finish_read",
                                          "png_image_write_to_memory", "png_image_free"};
  static const char *const jpeg_names[] = {"tjInitDecompress", "tjInitCompress", "tjDecompressHeader3",
                                           "tjDecompress2",    "tjCompress2",    "tjGetErrorStr2",
                                           "tjGetErrorCode",   "tjFree",         "tjDestroy"};
  has_png =
      load_functions("libpng16.so.16", 4, png_names, (void *[]){&png.begin, &png.finish, &png.write, &png.release});
  has_jpeg = load_functions("libturbojpeg.so.0", 9, jpeg_names,
                            (void *[]){&jpeg.reader, &jpeg.writer, &jpeg.header, &jpeg.decompress, &jpeg.compress,
                                       &jpeg.why, &jpeg.code, &jpeg.release, &jpeg.destroy});
}

void nl_picture_load(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, load_once);
}

static nl_status want_library(nl_picture_kind kind) {
  nl_picture_load();
  if (kind == NL_PICTURE_PNG && !has_png) {
    return nl_fail("PNG pictures need libpng; install it with: sudo apt install libpng16-16");
  } else if (kind == NL_PICTURE_JPEG && !has_jpeg) {
    return nl_fail("JPEG pictures need libjpeg-turbo; install it with: sudo apt install libturbojpeg0");
  }
  return NL_OK;
}

/* ---- planes ---- */

/* Pixels one behind another, channels side by side, and back. */
typedef struct pixels {
  int64_t height, width;
  int channels;
  unsigned char *data;
} pixels;

static nl_status make_pixels(pixels *p, uint64_t width, uint64_t height, int channels) {
  if (width < 1 || height < 1 || width > MOST_SIDE || height > MOST_SIDE ||
      width * height > MOST_BYTES / (uint64_t)channels) {
    return nl_fail("a picture of %llu x %llu pixels is too large", (unsigned long long)width,
                   (unsigned long long)height);
  }
  *p = (pixels){(int64_t)height, (int64_t)width, channels, nl_new((size_t)(width * height) * (size_t)channels)};
  return p->data ? NL_OK : NL_NOMEM;
}

static nl_status to_planes(const pixels *p, nl_tensor **out) {
  int64_t n = p->height * p->width;
  nl_status status = nl_tensor_new(NL_U8, 3, (int64_t[]){p->channels, p->height, p->width}, out);
  unsigned char *to = status == NL_OK ? nl_tensor_data(*out) : NULL;
  for (int c = 0; to && c < p->channels; c++) {
    for (int64_t i = 0; i < n; i++) {
      to[c * n + i] = p->data[i * p->channels + c];
    }
  }
  return status;
}

static nl_status of_planes(const nl_tensor *t, pixels *p) {
  nl_status status = make_pixels(p, (uint64_t)t->shape[2], (uint64_t)t->shape[1], (int)t->shape[0]);
  const unsigned char *from = nl_tensor_data(t);
  int64_t n = status == NL_OK ? p->height * p->width : 0;
  for (int c = 0; c < p->channels; c++) {
    for (int64_t i = 0; i < n; i++) {
      p->data[i * p->channels + c] = from[c * n + i];
    }
  }
  return status;
}

/* ---- PNG ---- */

static nl_status read_png(const unsigned char *bytes, size_t n, int channels, pixels *p) {
  static const png_color white = {255, 255, 255};
  static const uint32_t formats[] = {0, 0, PNG_OPACITY, PNG_COLOR, PNG_COLOR | PNG_OPACITY};
  png_image image = {.version = PNG_VERSION_1};
  if (!png.begin(&image, bytes, n)) {
    nl_status status = nl_fail("a damaged PNG: %.63s", image.message);
    png.release(&image);
    return status;
  }
  bool color = image.format & PNG_COLOR, opacity = image.format & PNG_OPACITY;
  enum { DEPTH = 24, INTERLACED = 28 };
  if (n > INTERLACED && bytes[DEPTH] == 16 && bytes[INTERLACED]) { /* libpng 1.6.39 gives wrong rows of these */
    png.release(&image);
    return nl_fail("an interlaced PNG of 16 bits a channel is not read; save it without interlacing, or with 8 bits");
  }
  channels = channels ? channels : (color ? 3 : 1) + opacity;
  image.format = formats[channels];
  image.flags |= PNG_16_BITS_NOT_LINEAR; /* files that do not say otherwise are like those of 8 bits */
  nl_status status = make_pixels(p, image.width, image.height, channels);
  if (status == NL_OK && !png.finish(&image, &white, p->data, 0, NULL)) {
    status = nl_fail("a damaged PNG: %.63s", image.message);
  }
  png.release(&image);
  return status;
}

static nl_status make_png(const pixels *p, unsigned char **bytes, size_t *n) {
  static const uint32_t formats[] = {0, 0, PNG_OPACITY, PNG_COLOR, PNG_COLOR | PNG_OPACITY};
  png_image image = {.version = PNG_VERSION_1,
                     .width = (uint32_t)p->width,
                     .height = (uint32_t)p->height,
                     .format = formats[p->channels]};
  *n = 0;
  bool made = png.write(&image, NULL, n, 0, p->data, 0, NULL);
  *bytes = made ? nl_new(*n) : NULL;
  nl_status status = made && !*bytes ? NL_NOMEM : NL_OK;
  if (!made || (*bytes && !png.write(&image, *bytes, n, 0, p->data, 0, NULL))) {
    status = nl_fail("%.63s", image.message);
  }
  png.release(&image);
  return status;
}

/* ---- JPEG ---- */

static nl_status read_jpeg(const unsigned char *bytes, size_t n, int channels, pixels *p) {
  void *reader = jpeg.reader();
  int width = 0, height = 0, samples = 0, colors = 0;
  nl_status status = reader ? NL_OK : NL_NOMEM;
  if (status == NL_OK && jpeg.header(reader, bytes, n, &width, &height, &samples, &colors)) {
    status = nl_fail("a damaged JPEG: %.150s", jpeg.why(reader));
  } else if (status == NL_OK && colors >= JPEG_COLORS_CMYK) {
    status = nl_fail("a JPEG of cyan, magenta, yellow and black is not read; convert it to red, green and blue first");
  } else if (status == NL_OK && (channels == 2 || channels == 4)) {
    status = nl_fail("a JPEG has no opacity: channels can be 1 or 3, not %d", channels);
  }
  channels = channels ? channels : (colors == JPEG_COLORS_GRAY ? 1 : 3);
  status = status == NL_OK ? make_pixels(p, (uint64_t)width, (uint64_t)height, channels) : status;
  bool failed = status == NL_OK && jpeg.decompress(reader, bytes, n, p->data, width, 0, height,
                                                   channels == 1 ? JPEG_GRAY : JPEG_RGB, JPEG_ACCURATE);
  /* warnings are of odds and ends between the parts, unless the end is missing */
  if (failed && (jpeg.code(reader) != JPEG_WARNING || strstr(jpeg.why(reader), "remature"))) {
    status = nl_fail("a damaged JPEG: %.150s", jpeg.why(reader));
  }
  if (reader) {
    jpeg.destroy(reader);
  }
  return status;
}

static nl_status make_jpeg(const pixels *p, int quality, unsigned char **bytes, unsigned long *n) {
  void *writer = jpeg.writer();
  nl_status status = writer ? NL_OK : NL_NOMEM;
  bool gray = p->channels == 1;
  if (writer && jpeg.compress(writer, p->data, (int)p->width, 0, (int)p->height, gray ? JPEG_GRAY : JPEG_RGB, bytes, n,
                              gray ? JPEG_SAMP_GRAY : JPEG_SAMP_420, quality, JPEG_ACCURATE)) {
    status = nl_fail("%.150s", jpeg.why(writer));
  }
  if (writer) {
    jpeg.destroy(writer);
  }
  return status;
}

/* ---- anymaps ---- */

typedef struct cursor {
  const unsigned char *at, *end;
} cursor;

/* The next number of a header or of a text picture; comments go to the end of their line. -1: there is none. */
static long next_number(cursor *c) {
  while (c->at < c->end && (strchr(" \t\r\n\v\f", *c->at) || *c->at == '#') && *c->at) {
    if (*c->at == '#') {
      while (c->at < c->end && *c->at != '\n') {
        c->at++;
      }
    } else {
      c->at++;
    }
  }
  long v = c->at < c->end && *c->at >= '0' && *c->at <= '9' ? 0 : -1;
  for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
    v = v < 100000000 ? 10 * v + (*c->at - '0') : v;
  }
  return v;
}

static nl_status read_pnm(const unsigned char *bytes, size_t n, int channels, pixels *p) {
  cursor c = {bytes + 2, bytes + n};
  bool text = bytes[1] == '2' || bytes[1] == '3';
  int has = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1;
  long width = next_number(&c), height = next_number(&c), most = next_number(&c);
  if (width < 1 || height < 1 || most < 1 || most > 65535) {
    return nl_fail("a damaged anymap: its header must say width, height and the largest value (1 to 65535)");
  } else if (channels == 2 || channels == 4) {
    return nl_fail("an anymap has no opacity: channels can be 1 or 3, not %d", channels);
  }
  channels = channels ? channels : has;
  nl_status status = make_pixels(p, (uint64_t)width, (uint64_t)height, channels);
  int size = most > 255 ? 2 : 1;
  int64_t count = (int64_t)width * height;
  if (status == NL_OK && !text && (c.at == c.end || (int64_t)(c.end - c.at - 1) < count * has * size)) {
    return nl_fail("a truncated anymap: %lld bytes of pixels are needed, but it has %lld",
                   (long long)(count * has * size), (long long)(c.end - c.at) - 1);
  }
  c.at += !text; /* one space ends the header */
  for (int64_t i = 0; i < count && status == NL_OK; i++) {
    long v[3];
    for (int k = 0; k < has && status == NL_OK; k++) {
      v[k] = text ? next_number(&c) : size == 2 ? c.at[0] * 256 + c.at[1] : c.at[0];
      c.at += text ? 0 : size;
      if (v[k] < 0 || v[k] > most) {
        status = nl_fail(v[k] < 0 ? "a truncated anymap" : "a damaged anymap: the value %ld is above the largest, %ld",
                         v[k], most);
      }
      v[k] = most == 255 ? v[k] : (v[k] * 255 + most / 2) / most;
    }
    for (int k = 0; k < channels && status == NL_OK; k++) {
      long gray = has == 3 && channels == 1 ? (299 * v[0] + 587 * v[1] + 114 * v[2] + 500) / 1000 : v[0];
      p->data[i * channels + k] = (unsigned char)(channels == 1 ? gray : v[has == 3 ? k : 0]);
    }
  }
  return status;
}

/* ---- reading and writing ---- */

nl_status nl_picture_decode(const unsigned char *bytes, size_t n, int channels, nl_tensor **out) {
  pixels p = {0};
  nl_status status;
  if (n > MOST_BYTES) {
    return nl_fail("a file of %zu bytes is too large for a picture", n);
  } else if (n >= 8 && memcmp(bytes, "\x89PNG", 4) == 0) {
    status = want_library(NL_PICTURE_PNG);
    status = status == NL_OK ? read_png(bytes, n, channels, &p) : status;
  } else if (n >= 4 && memcmp(bytes, "\xff\xd8\xff", 3) == 0) {
    status = want_library(NL_PICTURE_JPEG);
    status = status == NL_OK ? read_jpeg(bytes, n, channels, &p) : status;
  } else if (n >= 8 && bytes[0] == 'P' && memchr("2356", bytes[1], 4)) {
    status = read_pnm(bytes, n, channels, &p);
  } else {
    status = nl_fail("no picture that is known here: PNG, JPEG, or PPM and PGM");
  }
  status = status == NL_OK ? to_planes(&p, out) : status;
  nl_delete(p.data);
  return status;
}

typedef struct encoded {
  char head[64];
  const unsigned char *data;
  size_t n;
} encoded;

static nl_status write_encoded(int fd, const char *path, void *ctx) {
  const encoded *e = ctx;
  nl_status status = nl_write_all(fd, path, e->head, strlen(e->head));
  return status == NL_OK ? nl_write_all(fd, path, e->data, e->n) : status;
}

nl_status nl_picture_write(const char *path, const nl_tensor *t, nl_picture_kind kind, int quality) {
  nl_status status = want_library(kind);
  pixels p = {0};
  status = status == NL_OK ? of_planes(t, &p) : status;
  unsigned char *made = NULL;
  unsigned long length = 0;
  encoded e = {.data = p.data};
  if (status == NL_OK && kind == NL_PICTURE_PNG) {
    status = make_png(&p, &made, &e.n);
    e.data = made;
  } else if (status == NL_OK && kind == NL_PICTURE_JPEG) {
    status = make_jpeg(&p, quality, &made, &length);
    e.data = made, e.n = length;
  } else if (status == NL_OK) {
    e.n = (size_t)(p.height * p.width) * (size_t)p.channels;
    snprintf(e.head, sizeof e.head, "P%d\n%lld %lld\n255\n", p.channels == 1 ? 5 : 6, (long long)p.width,
             (long long)p.height);
  }
  status = status == NL_OK ? nl_write_file(path, write_encoded, &e) : status;
  if (kind == NL_PICTURE_JPEG && made) {
    jpeg.release(made);
  } else {
    nl_delete(made);
  }
  nl_delete(p.data);
  return status;
}
