/* What KANN (attractivechaos/kann) has of the workloads: feed-forward nets with SGD, momentum as a loop over its flat
   parameters. Built by run.lua from a copy of KANN's source, with CBLAS. Protocol: see peer_torch.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kann.h"

typedef struct work {
  const char *name;
  int inputs, hidden, layers, outputs, batch, cost, act;
  int widths[2];
  float lr, momentum;
  kann_t *net;
  float *x, *y, *buffer;
} work;

enum { TANH, RELU };

static work works[] = {
    {.name = "W1",
     .inputs = 2,
     .layers = 1,
     .widths = {8},
     .outputs = 1,
     .batch = 4,
     .cost = KANN_C_CEB,
     .act = TANH,
     .lr = 0.1f},
    {.name = "W2",
     .inputs = 784,
     .layers = 2,
     .widths = {256, 128},
     .outputs = 10,
     .batch = 128,
     .cost = KANN_C_CEM,
     .act = RELU,
     .lr = 0.01f,
     .momentum = 0.9f},
    {.name = "W4",
     .inputs = 1024,
     .layers = 2,
     .widths = {4096, 4096},
     .outputs = 10,
     .batch = 512,
     .cost = KANN_C_CEM,
     .act = RELU,
     .lr = 0.01f,
     .momentum = 0.9f},
    {.name = "W5",
     .inputs = 64,
     .layers = 31,
     .hidden = 64,
     .outputs = 64,
     .batch = 32,
     .cost = KANN_C_MSE,
     .act = TANH,
     .lr = 0.01f},
    {.name = "W7", .inputs = 64, .layers = 0, .outputs = 1, .batch = 32, .cost = KANN_C_CEB, .lr = 0.1f},
};

static void make(work *w) {
  kad_node_t *t = kann_layer_input(w->inputs);
  for (int i = 0; i < w->layers; i++) {
    t = kann_layer_dense(t, w->hidden ? w->hidden : w->widths[i]);
    t = w->act == TANH ? kad_tanh(t) : kad_relu(t);
  }
  w->net = kann_new(kann_layer_cost(t, w->outputs, w->cost), 0);
  w->x = calloc((size_t)w->batch * w->inputs, sizeof(float));
  w->y = calloc((size_t)w->batch * w->outputs, sizeof(float));
  w->buffer = calloc((size_t)kann_size_var(w->net), sizeof(float));
  for (int i = 0; i < w->batch * w->inputs; i++) {
    w->x[i] = (float)kad_drand_normal(NULL);
  }
  for (int i = 0; i < w->batch; i++) {
    w->y[i * w->outputs + i % w->outputs] = w->outputs > 1 || i % 2 ? 1 : 0;
  }
  kann_set_batch_size(w->net, w->batch);
  kann_switch(w->net, 1);
}

static void step(work *w) {
  kann_feed_bind(w->net, KANN_F_IN, 0, &w->x);
  kann_feed_bind(w->net, KANN_F_TRUTH, 0, &w->y);
  kann_cost(w->net, 0, 1);
  int n = kann_size_var(w->net);
  float *p = w->net->x, *g = w->net->g, *b = w->buffer;
  if (w->momentum == 0) {
    for (int i = 0; i < n; i++) {
      p[i] -= w->lr * g[i];
    }
  } else {
    for (int i = 0; i < n; i++) {
      b[i] = w->momentum * b[i] + g[i];
      p[i] -= w->lr * b[i];
    }
  }
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(void) {
  char name[64];
  int count;
  printf("ready KANN %s\n", KANN_VERSION);
  fflush(stdout);
  while (scanf("%63s %d", name, &count) == 2) {
    work *w = NULL;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
      w = strcmp(works[i].name, name) == 0 ? &works[i] : w;
    }
    if (!w) {
      puts("-");
    } else {
      if (!w->net) {
        make(w);
        step(w);
      }
      double from = now();
      for (int i = 0; i < count; i++) {
        step(w);
      }
      printf("%.4f\n", (now() - from) / count);
    }
    fflush(stdout);
  }
}
