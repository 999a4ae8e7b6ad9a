/* Kernels against plain C in double, on every instruction set this processor has. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/cpu.h"
#include "core/pool.h"
#include "core/random.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/sort.h"
#include "kernels/tilecode.h"
#include "kernels/vmath.h"

extern const nl_kernels nl_kernels_plain;
#if defined(__x86_64__)
extern const nl_kernels nl_kernels_avx2, nl_kernels_avx512;
#endif

static const nl_kernels *tables[3] = {&nl_kernels_plain};
static int table_count = 1;

static void find_tables(void) {
#if defined(__x86_64__)
  if (nl_cpu_isa() >= NL_ISA_AVX2) {
    tables[table_count++] = &nl_kernels_avx2;
  }
  if (nl_cpu_isa() >= NL_ISA_AVX512) {
    tables[table_count++] = &nl_kernels_avx512;
  }
#endif
}

/* ---- elementary functions: units in the last place of the float result ---- */

static double ulps(float got, double want) {
  if (isnan(want) || isinf((float)want)) {
    return isnan(want) ? !isnan(got) : got != (float)want;
  }
  double unit = fmax(ldexp(1, ilogb(want == 0 ? 1e-45 : want) - 23), 1.4013e-45);
  return fabs((double)got - want) / unit;
}

typedef struct function {
  const char *name;
  int id;
  double (*want)(double);
  double lo, hi, bound; /* bound as stated in kernels/vmath.h */
} function;

static double sigmoid(double x) {
  return 1 / (1 + exp(-x));
}
static double softplus(double x) {
  return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static void test_functions(void) {
  static const function functions[] = {{"exp", NL_UN_EXP, exp, -104, 89, 2},
                                       {"log", NL_UN_LOG, log, 0, 1e6, 2},
                                       {"log, small", NL_UN_LOG, log, 0, 2, 2},
                                       {"log1p", NL_UN_LOG1P, log1p, -0.999, 10, 3},
                                       {"tanh", NL_UN_TANH, tanh, -12, 12, 3},
                                       {"tanh, small", NL_UN_TANH, tanh, -0.7, 0.7, 3},
                                       {"sigmoid", NL_UN_SIGMOID, sigmoid, -90, 90, 3},
                                       {"softplus", NL_UN_SOFTPLUS, softplus, -80, 80, 4}};
  enum { COUNT = 200000 };
  float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
  for (int t = 0; t < table_count; t++) {
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
      const function *fn = &functions[f];
      for (int i = 0; i < COUNT; i++) {
        x[i] = (float)(fn->lo + (fn->hi - fn->lo) * i / (COUNT - 1));
      }
      tables[t]->elementwise->unary[fn->id][NL_F32](COUNT, y, x);
      double worst = 0;
      float at = 0;
      for (int i = 0; i < COUNT; i++) {
        double u = ulps(y[i], fn->want((double)x[i]));
        if (u > worst) {
          worst = u;
          at = x[i];
        }
      }
      CHECK(worst <= fn->bound, "%s, table %d: %.2f ulp at %g, stated %.0f", fn->name, t, worst, (double)at, fn->bound);
    }
    enum { STEPS = 100000 };
    double worst = 0;
    for (int i = 0; i < STEPS; i++) {
      float v = -20.0f * (float)i / STEPS, got;
      tables[t]->elementwise->elu[NL_F32](1, &got, &v, 1);
      double u = ulps(got, expm1((double)v));
      worst = u > worst ? u : worst;
    }
    CHECK(worst <= 5, "elu, table %d: %.2f ulp, stated 5", t, worst);
    float special[] = {INFINITY, -INFINITY, NAN, 0.0f, 1e-40f, -1e-40f, 1e38f, -1e38f}, out[8];
    tables[t]->elementwise->unary[NL_UN_EXP][NL_F32](8, out, special);
    CHECK(isinf(out[0]) && out[1] == 0 && isnan(out[2]) && out[3] == 1 && isinf(out[6]) && out[7] == 0, "exp, special");
    tables[t]->elementwise->unary[NL_UN_TANH][NL_F32](8, out, special);
    CHECK(out[0] == 1 && out[1] == -1 && isnan(out[2]) && out[4] == 1e-40f, "tanh, special");
    tables[t]->elementwise->unary[NL_UN_LOG][NL_F32](8, out, special);
    CHECK(isinf(out[0]) && isnan(out[1]) && isnan(out[2]) && isinf(out[3]) && fabsf(out[4] + 92.1034f) < 1e-3f,
          "log, special");
  }
  free(x);
  free(y);
}

/* ---- sums ---- */

static void test_sums(void) {
  enum { COUNT = 1000003 };
  float *x = malloc(COUNT * sizeof *x);
  double want = 0;
  for (int i = 0; i < COUNT; i++) {
    x[i] = (float)(0.1 + 1e-3 * (i % 17));
    want += (double)x[i];
  }
  for (int t = 0; t < table_count; t++) {
    float got;
    tables[t]->reduce->reduce[NL_RED_SUM][NL_F32](COUNT, 1, 0, 1, x, &got);
    CHECK(fabs((double)got - want) / want < 1e-6, "a pairwise sum of a million: %.8g, want %.8g", (double)got, want);
    float columns[7], first[7];
    tables[t]->reduce->reduce[NL_RED_SUM][NL_F32](COUNT / 7, 7, 0, 7, x, columns);
    double sum = 0;
    for (int i = 0; i < 7; i++) {
      sum += (double)columns[i];
      tables[t]->reduce->reduce[NL_RED_SUM][NL_F32](COUNT / 7, 7, i, i + 1, x, first);
      CHECK(first[i] == columns[i], "column %d alone: %.9g, with the others %.9g", i, (double)first[i],
            (double)columns[i]);
    }
    CHECK(fabs(sum - want) / want < 1e-5, "sums of columns: %.8g, want %.8g", sum, want);
  }
  free(x);
}

/* ---- products ---- */

static void test_gemm(void) {
  static const int sizes[][3] = {{1, 1, 1},       {4, 8, 2},   {8, 2, 4},      {16, 3, 5},     {6, 1, 8},
                                 {4, 1, 8},       {3, 5, 7},   {16, 10, 33},   {32, 64, 64},   {128, 10, 128},
                                 {1, 70, 50},     {70, 1, 50}, {33, 65, 17},   {100, 300, 70}, {40, 40, 600},
                                 {130, 33, 1030}, {17, 16, 0}, {257, 129, 65}, {300, 300, 300}};
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
    int m = sizes[s][0], n = sizes[s][1], k = sizes[s][2];
    double *a = malloc(sizeof *a * (size_t)(m * k + 1)), *b = malloc(sizeof *b * (size_t)(k * n + 1)),
           *want = malloc(sizeof *want * (size_t)(m * n));
    float *fa = malloc(sizeof *fa * (size_t)(m * k + 1)), *fb = malloc(sizeof *fb * (size_t)(k * n + 1)),
          *fc = malloc(sizeof *fc * (size_t)(m * n));
    double *dc = malloc(sizeof *dc * (size_t)(m * n));
    for (int mode = 0; mode < 12; mode++) {
      int ta = mode & 1, tb = mode >> 1 & 1, accumulate = mode >> 2 == 1, biased = mode >> 2 == 2 && k > 0;
      float *fbias = biased ? fb : NULL; /* some numbers */
      double *dbias = biased ? b : NULL;
      for (int i = 0; i < m * k; i++) {
        fa[i] = (float)(a[i] = (i * 7 % 13) / 8.0 - 0.7);
      }
      for (int i = 0; i < k * n; i++) {
        fb[i] = (float)(b[i] = (i * 5 % 11) / 8.0 - 0.6);
      }
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = accumulate ? 1 : (biased ? (double)fb[j] : 0);
          for (int q = 0; q < k; q++) {
            sum += (double)fa[ta ? q * m + i : i * k + q] * (double)fb[tb ? j * k + q : q * n + j];
          }
          want[i * n + j] = sum;
          fc[i * n + j] = accumulate ? 1 : NAN; /* what was there must not matter */
          dc[i * n + j] = accumulate ? 1 : (double)NAN;
        }
      }
      nl_gemm_args g = {.dtype = NL_F32,
                        .m = m,
                        .n = n,
                        .k = k,
                        .a = fa,
                        .a_row = ta ? 1 : k,
                        .a_col = ta ? m : 1,
                        .b = fb,
                        .b_row = tb ? 1 : n,
                        .b_col = tb ? k : 1,
                        .c = fc,
                        .c_row = n,
                        .accumulate = accumulate,
                        .bias = fbias};
      nl_gemm(&g);
      double worst = 0;
      for (int i = 0; i < m * n; i++) {
        double d = fabs((double)fc[i] - want[i]);
        worst = d <= worst ? worst : (isnan(d) ? INFINITY : d);
      }
      CHECK(worst <= 1e-5 * (k + 10), "float32 %dx%dx%d mode %d: %g", m, n, k, mode, worst);
      for (int i = 0; i < m * k; i++) {
        a[i] = (double)fa[i];
      }
      for (int i = 0; i < k * n; i++) {
        b[i] = (double)fb[i];
      }
      g.dtype = NL_F64;
      g.a = a;
      g.b = b;
      g.c = dc;
      g.bias = dbias;
      nl_gemm(&g);
      worst = 0;
      for (int i = 0; i < m * n; i++) {
        double d = fabs(dc[i] - want[i]);
        worst = d <= worst ? worst : (isnan(d) ? INFINITY : d);
      }
      CHECK(worst <= 1e-13 * (k + 10), "float64 %dx%dx%d mode %d: %g", m, n, k, mode, worst);
    }
    free(a);
    free(b);
    free(want);
    free(fa);
    free(fb);
    free(fc);
    free(dc);
  }
}

/* The same bits for any number of threads. */
static void test_gemm_threads(void) {
  enum { M = 300, N_ = 500, K = 200 };
  float *a = malloc(sizeof *a * M * K), *b = malloc(sizeof *b * K * N_), *c = malloc(sizeof *c * M * N_),
        *first = malloc(sizeof *first * M * N_);
  for (int i = 0; i < M * K; i++) {
    a[i] = sinf((float)i);
  }
  for (int i = 0; i < K * N_; i++) {
    b[i] = cosf((float)i);
  }
  for (int threads = 1; threads <= 4; threads++) {
    nl_pool_set_threads(threads);
    nl_gemm(&(nl_gemm_args){NL_F32, M, N_, K, a, K, 1, b, N_, 1, threads == 1 ? first : c, N_, false, NULL});
    CHECK(threads == 1 || memcmp(c, first, sizeof *c * M * N_) == 0, "%d threads", threads);
  }
  free(a);
  free(b);
  free(c);
  free(first);
}

/* ---- code for tiles ---- */

static void product_by(nl_tilecode code, int m, int n, int k, float *c) {
  static float a[64 * 64], b[64 * 64];
  for (int i = 0; i < m * k || i < k * n; i++) {
    a[i] = (float)sin(i);
    b[i] = (float)cos(3 * i);
  }
  code.f32(b, a, c);
}

/* More shapes than there is room for, while some are held. */
static void test_tilecode(void) {
  if (!nl_tilecode_ready()) {
    return;
  }
  enum { M = 5, N_ = 48, K = 33 };
  nl_tilecode_shape shape = {.dtype = NL_F32, .m = M, .n = N_, .k = K, .lda = K, .ldb = N_, .ldc = N_};
  bool full = false;
  nl_tilecode_state before = nl_tilecode_look();
  nl_tilecode passing = nl_tilecode_take(&shape, false, &full), kept = nl_tilecode_take(&shape, true, &full);
  CHECK(passing.any && kept.any && passing.any != kept.any && !full, "two copies");
  static float first[M * N_], later[M * N_];
  product_by(passing, M, N_, K, first);
  int64_t most = 0;
  for (int i = 0; i < 20000; i++) {
    nl_tilecode_shape other = shape;
    other.lda = K + 1 + i;
    nl_tilecode code = nl_tilecode_take(&other, false, &full);
    if (!code.any || full) {
      CHECK(false, "no code at shape %d", i);
      break;
    }
    nl_tilecode_drop(code);
    int64_t bytes = nl_tilecode_look().bytes;
    most = bytes > most ? bytes : most;
  }
  CHECK(most > 16 << 20 && most <= (32 << 20) + before.bytes + (1 << 14), "%lld bytes of code", (long long)most);
  nl_tilecode_state after = nl_tilecode_look();
  CHECK(after.written - before.written == 20002, "each was written once");
  product_by(passing, M, N_, K, later);
  CHECK(memcmp(first, later, sizeof first) == 0, "what is held stays");
  product_by(kept, M, N_, K, later);
  CHECK(memcmp(first, later, sizeof first) == 0, "what is held stays");
  nl_tilecode_drop(passing);
  nl_tilecode_drop(kept);
  CHECK(nl_tilecode_look().held == before.held, "nothing is held any more");

  /* the room for what is held is bounded, and its end is told */
  static nl_tilecode held[10000];
  int n = 0;
  for (; n < 10000 && !full; n++) {
    shape.lda = K + n;
    held[n] = nl_tilecode_take(&shape, true, &full);
  }
  CHECK(full && !held[n - 1].any && n > 2000, "held: %d", n);
  full = false;
  nl_tilecode other = nl_tilecode_take(&shape, false, &full);
  CHECK(other.any && !full, "there is room for what passes");
  nl_tilecode_drop(other);
  for (int i = 0; i < n; i++) {
    nl_tilecode_drop(held[i]);
  }
  shape.lda = K + 30000;
  other = nl_tilecode_take(&shape, true, &full);
  CHECK(other.any && !full, "and again for what is held");
  nl_tilecode_drop(other);
}

/* ---- random numbers ---- */

static void test_random(void) {
  enum { COUNT = 10001 };
  static float f[3][COUNT];
  static double d[3][COUNT];
  for (int kind = 0; kind < 2; kind++) {
    for (int t = 0; t < table_count; t++) {
      const nl_random_kernels *k = tables[t]->random;
      (kind ? k->normal_f32 : k->uniform_f32)(42, 5, 0, COUNT, 0, 1, f[t]);
      (kind ? k->normal_f64 : k->uniform_f64)(42, 5, 0, COUNT, 0, 1, d[t]);
      CHECK(memcmp(f[t], f[0], sizeof f[0]) == 0 && memcmp(d[t], d[0], sizeof d[0]) == 0,
            "table %d draws the same bits as the plain one (kind %d)", t, kind);
    }
    double mean[2] = {0, 0}, square[2] = {0, 0};
    for (int i = 0; i < COUNT; i++) {
      mean[0] += (double)f[0][i] / COUNT;
      mean[1] += d[0][i] / COUNT;
      square[0] += (double)f[0][i] * (double)f[0][i] / COUNT;
      square[1] += d[0][i] * d[0][i] / COUNT;
    }
    for (int w = 0; w < 2; w++) { /* five standard errors */
      double m = kind ? 0 : 0.5, s = kind ? 1 : 1 / 3.0;
      CHECK(fabs(mean[w] - m) < 5.0 / sqrt(COUNT) && fabs(square[w] - s) < 10.0 / sqrt(COUNT), "moments: %g %g",
            mean[w], square[w]);
    }
  }
  float parts[COUNT];
  tables[0]->random->normal_f32(42, 5, 0, 64 * 50, 0, 1, parts);
  tables[0]->random->normal_f32(42, 5, 64 * 50, COUNT, 0, 1, parts);
  CHECK(memcmp(parts, f[0], sizeof parts) == 0, "a draw in two parts is the same draw");
  /* the wide form agrees with the plain generator: element 4b + l is word l of block b */
  nl_generator g;
  nl_generator_seed(&g, 42);
  nl_generator_take(&g, 5);
  tables[0]->random->uniform_f32(42, 5, 0, 64, 0, 1, parts);
  CHECK(parts[0] == (float)((uint32_t)nl_generator_next(&g) >> 8) * 0x1p-24f, "the stream is Philox's");
}

/* ---- sorting ---- */

static void test_sort(void) {
  enum { COUNT = 2000 };
  static float x[COUNT], v[COUNT];
  static int64_t at[COUNT];
  for (int i = 0; i < COUNT; i++) {
    x[i] = (float)(i * 7919 % 503 - 250) / 3;
  }
  x[17] = NAN;
  x[33] = -INFINITY;
  void *workspace = malloc(nl_sort_workspace(COUNT));
  for (int descending = 0; descending < 2; descending++) {
    nl_sort_row(&(nl_sort){.dtype = NL_F32,
                           .descending = descending,
                           .n = COUNT,
                           .step = 1,
                           .keep = COUNT,
                           .to_step = 1,
                           .x = x,
                           .values = v,
                           .positions = at,
                           .workspace = workspace});
    int wrong = 0;
    for (int i = 1; i < COUNT; i++) {
      bool in_order = descending ? (isnan(v[i - 1]) || v[i - 1] >= v[i]) : (isnan(v[i]) || v[i - 1] <= v[i]);
      wrong += !in_order || (v[i - 1] == v[i] && at[i - 1] > at[i]);
    }
    CHECK(wrong == 0, "%d pairs out of order", wrong);
    CHECK(isnan(v[descending ? 0 : COUNT - 1]), "nan is largest");
  }
  free(workspace);
}

int main(void) {
  nl_kernels_init();
  find_tables();
  test_functions();
  test_sums();
  test_gemm();
  test_gemm_threads();
  test_tilecode();
  test_random();
  test_sort();
  return finish();
}
