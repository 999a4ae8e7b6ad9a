#include "kernels/lapack.h"

#include <pthread.h>
#include <string.h>

#include "kernels/gemm.h"

/* LAPACK's own names and arguments: all by reference, sizes as int, the lengths of strings at the end. */
typedef struct lapack {
  void (*geqrf)(const int *, const int *, double *, const int *, double *, double *, const int *, int *);
  void (*orgqr)(const int *, const int *, const int *, double *, const int *, const double *, double *, const int *,
                int *);
  void (*gesvd)(const char *, const char *, const int *, const int *, double *, const int *, double *, double *,
                const int *, double *, const int *, double *, const int *, int *, size_t, size_t);
  void (*syev)(const char *, const char *, const int *, double *, const int *, double *, double *, const int *, int *,
               size_t, size_t);
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
  *(void **)&library.gesvd = nl_blas_symbol("dgesvd_");
  *(void **)&library.syev = nl_blas_symbol("dsyev_");
  *(void **)&library.potrf = nl_blas_symbol("dpotrf_");
  *(void **)&library.gesv = nl_blas_symbol("dgesv_");
  *(void **)&library.getrf = nl_blas_symbol("dgetrf_");
  *(void **)&library.trtrs = nl_blas_symbol("dtrtrs_");
  *(void **)&library.geev = nl_blas_symbol("dgeev_");
  if (library.getrf && library.trtrs && library.geev && library.orgqr && library.gesvd && library.syev &&
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

/* Room for blocks of 64 in qr, for the bidiagonal form in svd, and for tau or pivots at the front. */
size_t nl_lapack_work(int m, int n) {
  size_t low = (size_t)smaller(m, n), high = (size_t)larger(m, n);
  return low + 64 * (high + low) + 8 * high + 64;
}

static int room_behind(int m, int n, int front) {
  return (int)(nl_lapack_work(m, n) - (size_t)front);
}

int nl_lapack_qr(int m, int n, double *a, double *r, double *work) {
  int k = smaller(m, n), info = 0, lead = larger(1, m), rest = room_behind(m, n, k);
  if (k == 0) {
    return 0;
  }
  library.geqrf(&m, &n, a, &lead, work, work + k, &rest, &info);
  if (info != 0) {
    return info;
  }
  for (int j = 0; j < n; j++) {
    for (int i = 0; i < k; i++) {
      r[(size_t)j * k + i] = i <= j ? a[(size_t)j * m + i] : 0;
    }
  }
  library.orgqr(&m, &k, &k, a, &lead, work, work + k, &rest, &info);
  return info;
}

int nl_lapack_svd(int m, int n, double *a, double *u, double *s, double *vt, double *work) {
  int k = smaller(m, n), info = 0, lead = larger(1, m), leadv = larger(1, k), rest = room_behind(m, n, 0);
  if (k == 0) {
    return 0;
  }
  library.gesvd("S", "S", &m, &n, a, &lead, s, u, &lead, vt, &leadv, work, &rest, &info, 1, 1);
  return info;
}

int nl_lapack_eigh(int n, double *a, double *values, double *work) {
  int info = 0, lead = larger(1, n), rest = room_behind(n, n, 0);
  if (n > 0) {
    library.syev("V", "L", &n, a, &lead, values, work, &rest, &info, 1, 1);
  }
  return info;
}

int nl_lapack_cholesky(int n, double *a) {
  int info = 0, lead = larger(1, n);
  library.potrf("L", &n, a, &lead, &info, 1);
  return info;
}

int nl_lapack_solve(int n, int k, double *a, double *b, double *work) {
  int info = 0, lead = larger(1, n);
  if (n > 0 && k > 0) {
    library.gesv(&n, &k, a, &lead, (int *)(void *)work, b, &lead, &info); /* n pivots fit: a double is two ints */
  }
  return info;
}

int nl_lapack_lu(int n, double *a, int *pivots) {
  int info = 0, lead = larger(1, n);
  library.getrf(&n, &n, a, &lead, pivots, &info);
  return info;
}

int nl_lapack_triangular(int n, int k, bool upper, bool transpose, bool unit, const double *t, double *b) {
  int info = 0, lead = larger(1, n);
  if (n > 0 && k > 0) {
    library.trtrs(upper ? "U" : "L", transpose ? "T" : "N", unit ? "U" : "N", &n, &k, t, &lead, b, &lead, &info, 1, 1,
                  1);
  }
  return info;
}

int nl_lapack_eig(int n, double *a, double *re, double *im, double *vectors, double *work) {
  int info = 0, lead = larger(1, n), one = 1, rest = room_behind(n, n, 0);
  double none;
  if (n > 0) {
    library.geev("N", "V", &n, a, &lead, re, im, &none, &one, vectors, &lead, work, &rest, &info, 1, 1);
  }
  return info;
}
