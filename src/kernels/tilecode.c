/* The room is one range of addresses, reserved at the first product; memory is taken page by page as code comes. The
   first half is a ring for code in passing: new code takes the place of the oldest that nobody holds. The second half
   is the same for code that compiled steps hold. libxsmm's own registry never frees anything (650 MB after 131,000
   shapes) and refuses when it is full, after which the same shape would give other bits. */
#include "kernels/tilecode.h"

#include <string.h>

#ifdef NL_HAVE_XSMM
#include <libxsmm_cpuid.h>
#include <libxsmm_generator.h>
#include <pthread.h>
#include <sys/mman.h>

#include "core/cpu.h"

enum { PAGE = 4096, PAGES = 16384, HALF = PAGES / 2, BUCKETS = 16384, LONGEST = 1 << 17 };

/* Code, named by the number of its first page. */
typedef struct piece {
  nl_tilecode_shape shape;
  int32_t users, pages;
  int32_t next; /* in its bucket: number + 1 */
} piece;

/* What the generator has no code for is remembered, too, by a few shapes. */
enum { REFUSED = 64 };

static struct {
  pthread_mutex_t lock;
  char *base; /* NULL: no room */
  int arch;
  int32_t next[2];      /* where the next code goes, in each half */
  int32_t first[PAGES]; /* of the code on this page: its number + 1, or 0 */
  int32_t bucket[BUCKETS];
  piece pieces[PAGES];
  nl_tilecode_shape refused[REFUSED];
  int refusals;
  nl_tilecode_state state;
  char draft[LONGEST];
} store = {.lock = PTHREAD_MUTEX_INITIALIZER, .next = {0, HALF}};

static void prepare_once(void) {
  static const int most[] = {LIBXSMM_X86_SSE4, LIBXSMM_X86_AVX2, LIBXSMM_X86_ALLFEAT};
  int found = libxsmm_cpuid();
  store.arch = found < most[nl_cpu_isa()] ? found : most[nl_cpu_isa()];
  if (nl_cpu_isa() == NL_ISA_PLAIN) {
    return;
  }
  void *p = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  store.base = p == MAP_FAILED ? NULL : p;
}

bool nl_tilecode_ready(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, prepare_once);
  return store.base != NULL;
}

const char *nl_tilecode_target(void) {
  return nl_tilecode_ready() ? libxsmm_cpuid_name(store.arch) : "none";
}

static uint32_t bucket_of(const nl_tilecode_shape *s) {
  uint32_t words[sizeof *s / 4], h = 2166136261u;
  memcpy(words, s, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    h = (h ^ words[i]) * 2654435761u;
    h ^= h >> 15;
  }
  return h % BUCKETS;
}

static nl_tilecode code_at(int32_t number) {
  nl_tilecode code;
  *(void **)&code.any = store.base + (size_t)number * PAGE;
  return code;
}

/* The number of this shape's code, or -1; with `keep` only such as may be held. */
static int32_t find(const nl_tilecode_shape *s, bool keep) {
  for (int32_t n = store.bucket[bucket_of(s)]; n; n = store.pieces[n - 1].next) {
    if (memcmp(&store.pieces[n - 1].shape, s, sizeof *s) == 0 && (!keep || n - 1 >= HALF)) {
      return n - 1;
    }
  }
  return -1;
}

static void remove_piece(int32_t number) {
  piece *p = &store.pieces[number];
  int32_t *link = &store.bucket[bucket_of(&p->shape)];
  while (*link != number + 1) {
    link = &store.pieces[*link - 1].next;
  }
  *link = p->next;
  store.state.bytes -= (int64_t)p->pages * PAGE;
  memset(&store.first[number], 0, (size_t)p->pages * sizeof *store.first);
}

/* Frees `pages` pages in a half, from where the last code ended on; -1 where what is held leaves no such place. */
static int32_t make_place(int32_t pages, bool keep) {
  int32_t begin = keep ? HALF : 0, end = begin + HALF, at = store.next[keep];
  for (int32_t seen = 0; seen < 2 * HALF;) {
    if (at + pages > end) {
      seen += end - at;
      at = begin;
    }
    int32_t busy = -1; /* the last page that must stay */
    for (int32_t i = at; i < at + pages; i++) {
      int32_t owner = store.first[i];
      if (owner && store.pieces[owner - 1].users > 0) {
        busy = owner - 1 + store.pieces[owner - 1].pages - 1;
      }
    }
    if (busy < 0) {
      for (int32_t i = at; i < at + pages; i++) {
        if (store.first[i]) {
          remove_piece(store.first[i] - 1);
        }
      }
      store.next[keep] = at + pages;
      return at;
    }
    seen += busy + 1 - at;
    at = busy + 1;
  }
  return -1;
}

/* Bytes of code in the draft, 0 where the generator has none. libxsmm is column-major: our row-major C = A B is its
   C^T = B^T A^T, so A and B change places. */
static size_t write_draft(const nl_tilecode_shape *s) {
  libxsmm_descriptor_blob blob;
  int flags = s->a_transposed ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE;
  const libxsmm_gemm_descriptor *d =
      s->dtype == NL_F32 ? libxsmm_sgemm_descriptor_init(&blob, s->n, s->m, s->k, s->ldb, s->lda, s->ldc, 1,
                                                         s->accumulate ? 1.0F : 0.0F, flags, LIBXSMM_GEMM_PREFETCH_NONE)
                         : libxsmm_dgemm_descriptor_init(&blob, s->n, s->m, s->k, s->ldb, s->lda, s->ldc, 1,
                                                         s->accumulate ? 1 : 0, flags, LIBXSMM_GEMM_PREFETCH_NONE);
  if (!d) {
    return 0;
  }
  /* as libxsmm's own registry does: AVX-512 is not worth it where a side has at most 16 elements */
  bool narrow = s->m * (int64_t)s->n <= 16 || s->m * (int64_t)s->k <= 16 || s->n * (int64_t)s->k <= 16;
  libxsmm_generated_code code = {
      .generated_code = store.draft,
      .buffer_size = sizeof store.draft,
      .code_type = 2,
      .arch = (unsigned)(narrow && store.arch > LIBXSMM_X86_AVX2 ? LIBXSMM_X86_AVX2 : store.arch)};
  libxsmm_generator_gemm_kernel(&code, d);
  return code.last_error ? 0 : code.code_size;
}

/* The number of newly written code, or -1. Pages are writable or executable, never both. */
static int32_t write_code(const nl_tilecode_shape *s, bool keep, bool *full) {
  size_t bytes = write_draft(s);
  int32_t pages = (int32_t)((bytes + PAGE - 1) / PAGE);
  if (pages == 0) {
    store.refused[store.refusals++ % REFUSED] = *s;
    return -1;
  }
  int32_t at = make_place(pages, keep);
  char *to = store.base + (size_t)(at < 0 ? 0 : at) * PAGE;
  if (at < 0 || mprotect(to, (size_t)pages * PAGE, PROT_READ | PROT_WRITE) != 0) {
    *full = true;
    return -1;
  }
  memcpy(to, store.draft, bytes);
  if (mprotect(to, (size_t)pages * PAGE, PROT_READ | PROT_EXEC) != 0) {
    *full = true;
    return -1;
  }
  int32_t *bucket = &store.bucket[bucket_of(s)];
  store.pieces[at] = (piece){.shape = *s, .pages = pages, .next = *bucket};
  *bucket = at + 1;
  for (int32_t i = at; i < at + pages; i++) {
    store.first[i] = at + 1;
  }
  store.state.bytes += (int64_t)pages * PAGE;
  store.state.written++;
  return at;
}

static bool is_refused(const nl_tilecode_shape *s) {
  for (int i = 0; i < REFUSED && i < store.refusals; i++) {
    if (memcmp(&store.refused[i], s, sizeof *s) == 0) {
      return true;
    }
  }
  return false;
}

nl_tilecode nl_tilecode_take(const nl_tilecode_shape *s, bool keep, bool *full) {
  nl_tilecode code = {NULL};
  pthread_mutex_lock(&store.lock);
  int32_t number = find(s, keep);
  if (number < 0 && !is_refused(s)) {
    number = write_code(s, keep, full);
  }
  if (number >= 0) {
    store.state.held += store.pieces[number].users++ == 0;
    code = code_at(number);
  }
  pthread_mutex_unlock(&store.lock);
  return code;
}

void nl_tilecode_drop(nl_tilecode code) {
  if (!code.any) {
    return;
  }
  void *p = *(void **)&code.any;
  int32_t number = (int32_t)(((char *)p - store.base) / PAGE);
  pthread_mutex_lock(&store.lock);
  store.state.held -= --store.pieces[number].users == 0;
  pthread_mutex_unlock(&store.lock);
}

nl_tilecode_state nl_tilecode_look(void) {
  pthread_mutex_lock(&store.lock);
  nl_tilecode_state s = store.state;
  pthread_mutex_unlock(&store.lock);
  return s;
}

#else

bool nl_tilecode_ready(void) {
  return false;
}

const char *nl_tilecode_target(void) {
  return "none";
}

nl_tilecode nl_tilecode_take(const nl_tilecode_shape *s, bool keep, bool *full) {
  (void)s, (void)keep, (void)full;
  return (nl_tilecode){NULL};
}

void nl_tilecode_drop(nl_tilecode code) {
  (void)code;
}

nl_tilecode_state nl_tilecode_look(void) {
  return (nl_tilecode_state){0};
}
#endif
