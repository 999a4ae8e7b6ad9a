#include "kernels/lapack.h"

#include <pthread.h>
#include <string.h>

#include "kernels/gemm.h"

/* LAPACK's own names and arguments: all by reference, sizes as int, the lengths of strings at the end. */
typedef struct lapack {
  void (*geqrf)(const int *, const int *, double *, const int *, double *, double *, const int *, int *);
  void (*orgqr)(const int *, const int *, const int *, double *, const int *, const double *, double *, const int *,
                int *);
  void (*gesdd)(const char *, const int *, const int *, double *, const int *, double *, double *, const int *,
                double *, const int *, double *, const int *, int *, int *, size_t);
  void (*syevd)(const char *, const char *, const int *, double *, const int *, double *, double *, const int *, int *,
                const int *, int *, size_t, size_t);
  void (*potrf)(const char *, const int *, double *, const int *, int *, size_t);
  void (*gesv)(const int *, const int *, double *, const int *, int *, double *, const int *, int *);
  void (*getrf)(const int *, const int *, double *, const int *, int *, int *);
  void (*trtrs)(const char *, const char *, const char *, const int *, const int *, const double *, const int *,
                double *, const int *, int *, size_t, size_t, size_t);
  void (*geev)(const char *, const char *, const int *, double *, const int *, double *, double *, double *,
               const int *, double *, const int *, double *, const int *, int *, size_t, size_t);
} lapack;

static lapack library;

static void load_lapack(void) {
  *(void **)&library.orgqr = nl_blas_symbol("dorgqr_");
  *(void **)&library.gesdd = nl_blas_symbol("dgesdd_");
  *(void **)&library.syevd = nl_blas_symbol("dsyevd_");
  *(void **)&library.potrf = nl_blas_symbol("dpotrf_");
  *(void **)&library.gesv = nl_blas_symbol("dgesv_");
  *(void **)&library.getrf = nl_blas_symbol("dgetrf_");
  *(void **)&library.trtrs = nl_blas_symbol("dtrtrs_");
  *(void **)&library.geev = nl_blas_symbol("dgeev_");
  if (library.getrf && library.trtrs && library.geev && library.orgqr && library.gesdd && library.syevd &&
      library.potrf && library.gesv) {
    *(void **)&library.geqrf = nl_blas_symbol("dgeqrf_");
  }
}

/* geqrf is there only when all are. What failed for want of memory may succeed later. */
bool nl_lapack_ready(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (!library.geqrf) {
    load_lapack();
  }
  bool there = library.geqrf != NULL;
  pthread_mutex_unlock(&lock);
  return there;
}

static int smaller(int a, int b) {
  return a < b ? a : b;
}
static int larger(int a, int b) {
  return a > b ? a : b;
}

/* Room for blocks of 64, and for tau or pivots at the front. */
size_t nl_lapack_work(int m, int n) {
  size_t low = (size_t)smaller(m, n), high = (size_t)larger(m, n);
  return low + 64 * (high + low) + 8 * high + 64;
}

/* Divide and conquer keeps matrices of its own: 4 k^2 + 7 k for svd, 1 + 6 n + 2 n^2 for eigh; its integers stand in
   front, 8 k of them, and 3 + 5 n. */
size_t nl_lapack_divide_work(int m, int n) {
  size_t low = (size_t)smaller(m, n);
  return nl_lapack_work(m, n) + 4 * low * low + 16 * low + 8;
}

static int clipped(size_t n) {
  return n < INT_MAX ? (int)n : INT_MAX;
}
static int room_behind(int m, int n, int front) {
  return clipped(nl_lapack_work(m, n) - (size_t)front);
}

/* A call, with what any of them needs. */
typedef struct job {
  int m, n, k;
  bool upper, transpose, unit;
  double *a, *b, *c, *d, *work;
  const double *t;
  int *pivots;
  int info;
} job;

/* From this many multiplications on (some milliseconds) a call goes apart. */
static const double long_call = 4e6;

static int call_library(void (*fn)(void *), job *j, double cost, const nl_keeper *keeper) {
  if (cost < long_call) {
    fn(j);
  } else if (!nl_run_apart(fn, j, sizeof *j, keeper)) {
    return NL_LAPACK_LEFT;
  }
  return j->info;
}

static double cost_of(int m, int n) {
  return (double)m * n * smaller(m, n);
}

static void do_qr(void *ctx) {
  job *j = ctx;
  int m = j->m, n = j->n, k = smaller(m, n), lead = larger(1, m), rest = room_behind(m, n, k);
  library.geqrf(&m, &n, j->a, &lead, j->work, j->work + k, &rest, &j->info);
  if (j->info != 0) {
    return;
  }
  for (int col = 0; col < n; col++) {
    for (int i = 0; i < k; i++) {
      j->b[(size_t)col * k + i] = i <= col ? j->a[(size_t)col * m + i] : 0;
    }
  }
  library.orgqr(&m, &k, &k, j->a, &lead, j->work, j->work + k, &rest, &j->info);
}
int nl_lapack_qr(const nl_keeper *keeper, int m, int n, double *a, double *r, double *work) {
  job j = {.m = m, .n = n, .a = a, .b = r, .work = work};
  return smaller(m, n) == 0 ? 0 : call_library(do_qr, &j, cost_of(m, n), keeper);
}

static void do_svd(void *ctx) {
  job *j = ctx;
  int k = smaller(j->m, j->n), lead = larger(1, j->m), leadv = larger(1, k);
  size_t integers = 4 * (size_t)k;
  int rest = clipped(nl_lapack_divide_work(j->m, j->n) - integers);
  library.gesdd("S", &j->m, &j->n, j->a, &lead, j->c, j->b, &lead, j->d, &leadv, j->work + integers, &rest,
                (int *)(void *)j->work, &j->info, 1);
}
int nl_lapack_svd(const nl_keeper *keeper, int m, int n, double *a, double *u, double *s, double *vt, double *work) {
  job j = {.m = m, .n = n, .a = a, .b = u, .c = s, .d = vt, .work = work};
  return smaller(m, n) == 0 ? 0 : call_library(do_svd, &j, 4 * cost_of(m, n), keeper);
}

static void do_eigh(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n), numbers = 3 + 5 * j->n;
  size_t integers = (size_t)numbers / 2 + 1;
  int rest = clipped(nl_lapack_divide_work(j->n, j->n) - integers);
  library.syevd("V", "L", &j->n, j->a, &lead, j->b, j->work + integers, &rest, (int *)(void *)j->work, &numbers,
                &j->info, 1, 1);
}
int nl_lapack_eigh(const nl_keeper *keeper, int n, double *a, double *values, double *work) {
  job j = {.n = n, .a = a, .b = values, .work = work};
  return n == 0 ? 0 : call_library(do_eigh, &j, 4 * cost_of(n, n), keeper);
}

static void do_cholesky(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n);
  library.potrf("L", &j->n, j->a, &lead, &j->info, 1);
}
int nl_lapack_cholesky(const nl_keeper *keeper, int n, double *a) {
  job j = {.n = n, .a = a};
  return call_library(do_cholesky, &j, cost_of(n, n) / 3, keeper);
}

static void do_solve(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n);
  library.gesv(&j->n, &j->k, j->a, &lead, j->pivots, j->b, &lead, &j->info);
}
int nl_lapack_solve(const nl_keeper *keeper, int n, int k, double *a, double *b, double *work) {
  job j = {.n = n, .k = k, .a = a, .b = b, .pivots = (int *)(void *)work}; /* n pivots fit: a double is two ints */
  return n == 0 || k == 0 ? 0 : call_library(do_solve, &j, (double)n * n * (n + k), keeper);
}

static void do_lu(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n);
  library.getrf(&j->n, &j->n, j->a, &lead, j->pivots, &j->info);
}
int nl_lapack_lu(const nl_keeper *keeper, int n, double *a, int *pivots) {
  job j = {.n = n, .a = a, .pivots = pivots};
  return call_library(do_lu, &j, cost_of(n, n), keeper);
}

static void do_triangular(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n);
  library.trtrs(j->upper ? "U" : "L", j->transpose ? "T" : "N", j->unit ? "U" : "N", &j->n, &j->k, j->t, &lead, j->b,
                &lead, &j->info, 1, 1, 1);
}
int nl_lapack_triangular(const nl_keeper *keeper, int n, int k, bool upper, bool transpose, bool unit, const double *t,
                         double *b) {
  job j = {.n = n, .k = k, .upper = upper, .transpose = transpose, .unit = unit, .t = t, .b = b};
  return n == 0 || k == 0 ? 0 : call_library(do_triangular, &j, (double)n * n * k, keeper);
}

static void do_eig(void *ctx) {
  job *j = ctx;
  int lead = larger(1, j->n), one = 1, rest = room_behind(j->n, j->n, 0);
  double none;
  library.geev("N", "V", &j->n, j->a, &lead, j->b, j->c, &none, &one, j->d, &lead, j->work, &rest, &j->info, 1, 1);
}
int nl_lapack_eig(const nl_keeper *keeper, int n, double *a, double *re, double *im, double *vectors, double *work) {
  job j = {.n = n, .a = a, .b = re, .c = im, .d = vectors, .work = work};
  return n == 0 ? 0 : call_library(do_eig, &j, 10 * cost_of(n, n), keeper);
}
