/* Times the one door for matrix products against OpenBLAS, on the shapes small and medium nets have, in turn.
   Run: build/gcc/tests/bench_gemm [rounds]. GFLOP/s, best of the rounds, and the ratio of times. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cpu.h"
#include "core/pool.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

void openblas_set_num_threads(int);

typedef struct shape {
  int m, n, k, ta, tb;
} shape;

static const shape shapes[] = {
    {128, 256, 784, 0, 1},    {256, 784, 128, 1, 0},   {128, 128, 256, 0, 1},   {128, 256, 128, 0, 0},
    {128, 256, 128, 1, 0},    {128, 10, 128, 0, 1},    {128, 128, 10, 0, 0},    {10, 128, 128, 1, 0},
    {32, 64, 64, 0, 1},       {32, 64, 64, 0, 0},      {64, 64, 32, 1, 0},      {4, 8, 2, 0, 1},
    {8, 2, 4, 1, 0},          {512, 512, 512, 0, 0},   {512, 512, 512, 0, 1},   {512, 512, 512, 1, 0},
    {1024, 1024, 1024, 0, 0}, {4096, 256, 256, 0, 1},  {4096, 256, 256, 0, 0},  {256, 256, 512, 1, 0},
    {256, 256, 4096, 1, 0},   {512, 4096, 1024, 0, 1}, {4096, 1024, 512, 1, 0}, {512, 4096, 4096, 0, 1}};

static void ours(const shape *s, const float *a, const float *b, float *c) {
  nl_gemm(&(nl_gemm_args){.dtype = NL_F32,
                          .m = s->m,
                          .n = s->n,
                          .k = s->k,
                          .a = a,
                          .a_row = s->ta ? 1 : s->k,
                          .a_col = s->ta ? s->m : 1,
                          .b = b,
                          .b_row = s->tb ? 1 : s->n,
                          .b_col = s->tb ? s->k : 1,
                          .c = c,
                          .c_row = s->n});
}

static void theirs(const shape *s, const float *a, const float *b, float *c) {
  cblas_sgemm(CblasRowMajor, s->ta ? CblasTrans : CblasNoTrans, s->tb ? CblasTrans : CblasNoTrans, s->m, s->n, s->k, 1,
              a, s->ta ? s->m : s->k, b, s->tb ? s->k : s->n, 0, c, s->n);
}

static double time_one(void (*f)(const shape *, const float *, const float *, float *), const shape *s, const float *a,
                       const float *b, float *c, int count) {
  double began = nl_clock();
  for (int i = 0; i < count; i++) {
    f(s, a, b, c);
  }
  return (nl_clock() - began) / count;
}

int main(int argc, char **argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 10;
  nl_kernels_init();
  nl_pool_set_threads(1);
  openblas_set_num_threads(1);
  printf("%s\n%-22s %10s %10s %8s\n", nl_gemm_backends(), "m x n x k", "nl_gemm", "OpenBLAS", "ratio");
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const shape *s = &shapes[i];
    float *a = aligned_alloc(64, (size_t)s->m * (size_t)s->k * 4 + 64),
          *b = aligned_alloc(64, (size_t)s->n * (size_t)s->k * 4 + 64);
    float *c = aligned_alloc(64, (size_t)s->m * (size_t)s->n * 4 + 64);
    if (!a || !b || !c) {
      return 1;
    }
    for (int j = 0; j < s->m * s->k; j++) {
      a[j] = (float)(j % 7) - 3;
    }
    for (int j = 0; j < s->n * s->k; j++) {
      b[j] = (float)(j % 5) - 2;
    }
    double flops = 2.0 * s->m * s->n * s->k, best[2] = {1e9, 1e9};
    int count = (int)(2e7 / (flops + 2000)) + 1;
    for (int r = 0; r < rounds; r++) {
      for (int w = 0; w < 2; w++) {
        double t = time_one(w ? theirs : ours, s, a, b, c, count);
        best[w] = t < best[w] ? t : best[w];
      }
    }
    printf("%4d x %4d x %4d %c%c  %10.1f %10.1f %8.2f\n", s->m, s->n, s->k, s->ta ? 'T' : 'N', s->tb ? 'T' : 'N',
           flops / best[0] * 1e-9, flops / best[1] * 1e-9, best[0] / best[1]);
    free(a);
    free(b);
    free(c);
  }
  return 0;
}
