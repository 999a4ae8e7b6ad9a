/* A program as text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/fuse.h"
#include "compile/program.h"
#include "compile/replay.h"

static void size_text(char *s, size_t n, double bytes) {
  static const char *const units[] = {"B", "kB", "MB", "GB"};
  int u = 0;
  while (bytes >= 1000 && u < 3) {
    bytes /= 1000;
    u++;
  }
  snprintf(s, n, u && bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
}

static void count_text(char *s, size_t n, double count) {
  static const char *const units[] = {"", "k", "M", "G"};
  int u = 0;
  while (count >= 1000 && u < 3) {
    count /= 1000;
    u++;
  }
  snprintf(s, n, u ? "%.3g %s" : "%.0f%s", count, units[u]);
}

/* "t3[128x256]": the buffer's letter and number, and the value's shape. */
static void value_text(const nl_program *p, int value, char *s, size_t n) {
  static const char letters[] = "pcxgte"; /* in the order of nl_location */
  const nl_value *v = &p->values[value];
  const nl_buffer *b = &p->buffers[v->buffer];
  if (b->location == NL_CONSTANT && v->t->numel == 1) {
    snprintf(s, n, "%.6g", nl_tensor_get_double(v->t, 0));
    return;
  }
  int number = b->location == NL_ARGUMENT ? b->number + 1 : v->buffer;
  snprintf(s, n, "%c%d[%s]", letters[b->location], number, nl_tensor_shape_string(v->t).s);
}

static void write_instr(FILE *f, const nl_program *p, int i, bool times) {
  const nl_instr *n = &p->instrs[i];
  char text[160], flops[32];
  if (times) {
    double us = n->calls ? (double)n->nanoseconds / (double)n->calls / 1e3 : 0;
    double all = p->runs ? (double)p->run_nanoseconds / (double)p->runs / 1e3 : 0;
    fprintf(f, "%9.2f us %5.1f%% ", us, all > 0 ? 100 * us / all : 0);
    fprintf(f, us > 0 ? "%7.2f Gop/s " : "              ", us > 0 ? n->flops / us / 1e3 : 0);
  }
  fprintf(f, "%4d  ", i + 1);
  const char *gap = "";
  for (int k = 0; k < n->nwrites && !n->effect; k++) {
    if (n->workspace >= 0 && p->values[n->writes[k]].buffer == n->workspace) {
      continue;
    }
    value_text(p, n->writes[k], text, sizeof text);
    fprintf(f, "%s%s", gap, text);
    gap = ", ";
  }
  char names[256];
  if (n->fused) {
    nl_fused_names(n->fused, names, sizeof names);
  }
  fprintf(f, n->effect ? "%s(" : (n->fused ? " = {%s}(" : " = %s("), n->fused ? names : n->name);
  gap = "";
  int most = n->effect ? 4 : n->nreads;
  for (int k = 0; k < n->nreads && k < most; k++) {
    value_text(p, n->reads[k], text, sizeof text);
    fprintf(f, "%s%s", gap, text);
    gap = ", ";
  }
  count_text(flops, sizeof flops, n->flops);
  fprintf(f, "%s)", n->nreads > most ? ", ..." : "");
  const char *where = n->step >= 0 ? p->trace->steps[n->step].where : "";
  fprintf(f, "  -- %s%s%s\n", flops, *where ? ", " : "", where);
}

char *nl_program_format(const nl_program *p, bool times) {
  char *text = NULL;
  size_t size;
  FILE *f = open_memstream(&text, &size);
  if (!f) {
    return NULL;
  }
  double flops = 0;
  for (int i = 0; i < p->ninstrs; i++) {
    flops += p->instrs[i].flops;
  }
  char arena[32], unshared[32], total[32];
  size_text(arena, sizeof arena, (double)p->arena_bytes);
  size_text(unshared, sizeof unshared, (double)p->unshared_bytes);
  count_text(total, sizeof total, flops);
  fprintf(f, "%d instruction%s from %d ops (%d constant, %d without use, %d computed twice), %sflop\n", p->ninstrs,
          p->ninstrs == 1 ? "" : "s", p->ops, p->folded, p->dropped, p->shared, total);
  if (p->unshared_bytes) {
    fprintf(f, "temporaries: %s in %s\n", unshared, arena);
  }
  for (int i = 0; i < p->ninstrs; i++) {
    write_instr(f, p, i, times);
  }
  if (times && p->runs) {
    double all = (double)p->run_nanoseconds / (double)p->runs / 1e3;
    fprintf(f, "%9.2f us a run, %" PRId64 " runs\n", all, p->runs);
  }
  fprintf(f, "x: argument  p: external  c: constant  g: gradient slot at entry  t: temporary  e: escaping\n");
  return fclose(f) == 0 ? text : NULL;
}
