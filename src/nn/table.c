/* The table: families in order, the lookup by name, the parser of settings, and a layer's settings as text. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/layer.h"

enum { MAX_LAYERS = 256 };

static const nl_layer_entry *entries[MAX_LAYERS];
static const char *layer_families[MAX_LAYERS];
static nl_fields fields[MAX_LAYERS];
static int layer_count;

/* An entry written wrong: seen by the first test that runs. */
static void refuse_entry(const nl_layer_entry *e, const char *what) {
  fprintf(stderr, "nnlua: the layer %s: %s\n", e->name, what);
  abort();
}

/* ---- the parser ---- */

static const struct {
  const char *name;
  nl_field_kind kind;
} kind_names[] = {{"int", NL_FIELD_INT},
                  {"number", NL_FIELD_NUMBER},
                  {"bool", NL_FIELD_BOOL},
                  {"choice", NL_FIELD_CHOICE},
                  {"name", NL_FIELD_NAME},
                  {"dtype", NL_FIELD_DTYPE},
                  {"initializer", NL_FIELD_INITIALIZER},
                  {"sizes", NL_FIELD_SIZES},
                  {"tensor", NL_FIELD_TENSOR},
                  {"layer", NL_FIELD_LAYER},
                  {"layers", NL_FIELD_LAYERS},
                  {"parameter", NL_FIELD_PARAMETER},
                  {"buffer", NL_FIELD_BUFFER},
                  {"part", NL_FIELD_PART}};

static void parse_field_kind(const nl_layer_entry *e, nl_field *f, const char *s, size_t n) {
  for (size_t k = 0; k < sizeof kind_names / sizeof *kind_names; k++) {
    if (strlen(kind_names[k].name) == n && memcmp(kind_names[k].name, s, n) == 0) {
      f->kind = kind_names[k].kind;
      return;
    }
  }
  refuse_entry(e, "a field of a kind that is not there");
}

static const char *after_spaces(const char *s) {
  return s + strspn(s, " ");
}

/* "-1.." , "0..1", "0<..<1": from low to high */
static const char *parse_range(nl_field *f, const char *s) {
  char *end;
  if (*s != '.' && *s != '<') {
    f->low = strtod(s, &end);
    s = end;
    if (*s == '.' && end[-1] == '.') { /* strtod takes the first dot of "1.." */
      s--;
    }
  }
  f->above = *s == '<';
  s += f->above;
  s += strspn(s, ".");
  f->below = *s == '<';
  s += f->below;
  if (*s && *s != ',' && *s != ' ') {
    f->high = strtod(s, &end);
    s = end;
  }
  return s;
}

static const char *parse_default(nl_field *f, const char *s) {
  f->has_default = f->optional = true;
  f->words = s;
  f->nwords = (int)strcspn(s, ", ");
  bool word = isalpha((unsigned char)*s) && strncmp(s, "inf", 3) != 0;
  f->number = strncmp(s, "true", 4) == 0 ? 1 : (word ? 0 : strtod(s, NULL));
  return s + f->nwords;
}

static void parse_fields(const nl_layer_entry *e, nl_fields *out, const char *s, bool parts) {
  bool by_name = false;
  for (s = after_spaces(s); *s; s = after_spaces(s)) {
    if (*s == '|') {
      by_name = true;
      s = after_spaces(s + 1);
    }
    nl_field *f = &out->field[out->count];
    size_t n = strcspn(s, ":");
    if (out->count == NL_MAX_FIELDS || n >= sizeof f->name) {
      refuse_entry(e, "too many fields, or a name that is too long");
    }
    *f = (nl_field){.low = -INFINITY, .high = INFINITY, .by_name = by_name, .stored = true};
    memcpy(f->name, s, n);
    s = after_spaces(s + n + 1);
    n = 0;
    while (isalpha((unsigned char)s[n])) {
      n++;
    }
    parse_field_kind(e, f, s, n);
    s += n;
    if (*s == '(') {
      f->count = atoi(s + 1);
      s += strcspn(s, ")") + 1;
    }
    if (*s == '?') {
      f->optional = true;
      s++;
    }
    s = after_spaces(s);
    if (strncmp(s, "or ", 3) == 0) {
      f->word = s + 3;
      f->nword = (int)strcspn(f->word, ", ");
      s = after_spaces(f->word + f->nword);
    }
    if (*s == '=') {
      s = after_spaces(parse_default(f, after_spaces(s + 1)));
    }
    if (strncmp(s, "in ", 3) == 0) {
      s = after_spaces(parse_range(f, s + 3));
    }
    if (strncmp(s, "fixed", 5) == 0) {
      f->fixed = true;
      s = after_spaces(s + 5);
    }
    f->stored = f->kind != NL_FIELD_DTYPE && f->kind != NL_FIELD_INITIALIZER;
    out->count++;
    out->settings += !parts;
    out->positional += !parts && !by_name;
    if (*s == ',') {
      s++;
    } else if (*s && *s != '|') {
      refuse_entry(e, s);
    }
  }
}

/* The words between " x " of each alternative, which " or " parts. */
static void parse_accepts(const nl_layer_entry *e, nl_fields *out) {
  const char *s = e->accepts;
  while (s && *s) {
    if (out->rules == NL_MAX_RULES) {
      refuse_entry(e, "accepts more shapes than there is room for");
    }
    nl_shape_rule *r = &out->rule[out->rules++];
    for (bool more = true; more;) {
      size_t n = strcspn(s, " ");
      if (n == 3 && memcmp(s, "...", 3) == 0) {
        *(r->n == 0 ? &r->dots_before : &r->dots_behind) = true;
      } else if (r->n < NL_MAX_DIM) {
        int field = -1;
        for (int i = 0; i < out->settings; i++) {
          bool same = strlen(out->field[i].name) == n && memcmp(out->field[i].name, s, n) == 0;
          field = same ? i : field;
        }
        r->word[r->n].field = (int16_t)field;
        r->word[r->n].at = (int16_t)(s - e->accepts);
        r->word[r->n++].size = (int16_t)n;
      }
      s += n;
      more = strncmp(s, " x ", 3) == 0;
      s += more ? 3 : (strncmp(s, " or ", 4) == 0 ? 4 : 0);
    }
  }
}

/* "x, h?, c? | mask?, need_weights: bool = true", "x | output_size: sizes" */
static void parse_inputs(const nl_layer_entry *e, nl_fields *out) {
  int flags = 0;
  bool by_name = false;
  for (const char *s = e->inputs; s && *s; s = after_spaces(s)) {
    if (*s == '|') {
      by_name = true;
      s = after_spaces(s + 1);
    }
    size_t n = strcspn(s, ",:?| ");
    bool list = strncmp(s + n, ": sizes", 7) == 0, flag = s[n] == ':' && !list;
    if (flag || list ? flags == NL_PASS_FLAGS || !by_name : out->tensors == NL_PASS_IN) {
      refuse_entry(e, "too many inputs, or flags that are not given by name");
    }
    nl_input *in = &out->input[out->given++];
    *in = (nl_input){.name = s,
                     .size = (int)n,
                     .by_name = by_name,
                     .flag = flag,
                     .list = list,
                     .optional = flag || list || s[n] == '?'};
    in->slot = flag ? flags++ : (list ? 0 : out->tensors++);
    out->inputs += !by_name;
    out->needed += !in->optional;
    if (flag) {
      s = after_spaces(s + n + 1);
      if (strncmp(s, "bool = ", 7) != 0) {
        refuse_entry(e, "an input that is neither a tensor nor a flag");
      }
      in->value = s[7] == 't';
      s += 7;
    }
    s += strcspn(s, ",|");
    s += *s == ',';
  }
}

/* The names that C code has for the fields are those of the signatures, in their order. */
static void check_field_names(const nl_layer_entry *e, const nl_fields *f) {
  const char *s = e->fields ? e->fields : "";
  for (int i = 0; *s; i++) {
    size_t n = strcspn(s, ",");
    bool free = n == 1 && *s == '_';
    if (i >= f->count || (!free && (strlen(f->field[i].name) != n || memcmp(f->field[i].name, s, n) != 0))) {
      refuse_entry(e, "NL_FIELDS are not its settings and what it makes");
    }
    s += n;
    s += strspn(s, ", ");
  }
}

static void fill_layers(void) {
#define FAMILY(name) {#name, &nl_layers_##name},
  static const struct {
    const char *name;
    const nl_layer_family_entries *family;
  } families[] = {NL_LAYER_FAMILIES(FAMILY)};
#undef FAMILY
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    for (int i = 0; i < families[f].family->count; i++) {
      const nl_layer_entry *e = &families[f].family->entries[i];
      if (layer_count == MAX_LAYERS) {
        refuse_entry(e, "the table is full");
      }
      nl_fields *out = &fields[layer_count];
      layer_families[layer_count] = families[f].name;
      entries[layer_count++] = e;
      parse_fields(e, out, e->settings ? e->settings : "", false);
      parse_fields(e, out, e->makes ? e->makes : "", true);
      for (int k = 0; k < out->settings; k++) { /* "bias: bool" says whether there is a bias */
        for (int part = out->settings; part < out->count; part++) {
          out->field[k].stored = out->field[k].stored && strcmp(out->field[k].name, out->field[part].name) != 0;
        }
      }
      check_field_names(e, out);
      parse_accepts(e, out);
      parse_inputs(e, out);
      out->op = e->op ? nl_op_find(e->op) : NULL;
      if (e->op && !out->op) {
        refuse_entry(e, "there is no such op");
      }
    }
  }
}

int nl_layer_count(void) {
  if (layer_count == 0) {
    fill_layers();
  }
  return layer_count;
}

const nl_layer_entry *nl_layer_at(int i) {
  return i >= 0 && i < nl_layer_count() ? entries[i] : NULL;
}

const char *nl_layer_family(int i) {
  return i >= 0 && i < nl_layer_count() ? layer_families[i] : NULL;
}

static int place_of(const nl_layer_entry *e) {
  for (int i = 0; i < nl_layer_count(); i++) {
    if (entries[i] == e) {
      return i;
    }
  }
  return -1;
}

const nl_layer_entry *nl_layer_find(const char *name) {
  for (int i = 0; i < nl_layer_count(); i++) {
    if (strcmp(entries[i]->name, name) == 0) {
      return entries[i];
    }
  }
  return NULL;
}

const nl_fields *nl_layer_fields(const nl_layer_entry *e) {
  return &fields[place_of(e)];
}

/* ---- text ---- */

const char *nl_choice_word(const nl_field *f, int64_t i, int *n) {
  const char *s = f->words, *end = f->words + f->nwords;
  for (;; s += *n + 1) {
    if (!s || s >= end) {
      return NULL;
    }
    *n = (int)strcspn(s, "|, ");
    if (i-- == 0) {
      return s;
    }
  }
}

/* What a value looks like where it is written in a script. */
static void write_value(char *s, size_t size, const nl_layer *l, const nl_field *f, const nl_value *v) {
  int n = 0;
  switch (f->kind) {
  case NL_FIELD_INT:
    snprintf(s, size, "%lld", (long long)v->i);
    break;
  case NL_FIELD_NUMBER:
    snprintf(s, size, "%.14g", v->number);
    break;
  case NL_FIELD_BOOL:
    snprintf(s, size, "%s", v->b ? "true" : "false");
    break;
  case NL_FIELD_CHOICE: {
    const char *word = nl_choice_word(f, v->i, &n);
    snprintf(s, size, "\"%.*s\"", n, word);
    break;
  }
  case NL_FIELD_NAME:
    snprintf(s, size, "\"%.60s\"", v->name);
    break;
  case NL_FIELD_SIZES: {
    const int64_t *x = l->ints + v->list.at;
    bool same = true;
    if (v->list.count < 0) {
      snprintf(s, size, "\"%.*s\"", f->nword, f->word);
      break;
    }
    for (int i = 1; i < v->list.count; i++) {
      same = same && x[i] == x[0] && f->count > 0;
    }
    if (same && v->list.count > 0) {
      snprintf(s, size, "%lld", (long long)x[0]);
      break;
    }
    snprintf(s, size, "{");
    for (int i = 0; i < v->list.count; i++) {
      size_t used = strlen(s);
      snprintf(s + used, size - used, i ? ", %lld" : "%lld", (long long)x[i]);
    }
    size_t used = strlen(s);
    snprintf(s + used, size - used, "}");
    break;
  }
  case NL_FIELD_TENSOR: {
    const nl_tensor *t = *v->tensor;
    snprintf(s, size, "a tensor of shape %s", t ? nl_tensor_shape_string(t).s : "?");
    break;
  }
  default:
    *s = 0;
  }
}

/* Whether a setting is what it is without being given. */
static bool is_default(const nl_layer *l, const nl_field *f, const nl_value *v) {
  if (!f->has_default) {
    return !v->set;
  }
  switch (f->kind) {
  case NL_FIELD_INT:
    return (double)v->i == f->number;
  case NL_FIELD_NUMBER:
    return v->number == f->number;
  case NL_FIELD_BOOL:
    return v->b == (f->number != 0);
  case NL_FIELD_CHOICE:
    return v->i == 0;
  case NL_FIELD_NAME:
    return v->name && strlen(v->name) == (size_t)f->nwords && memcmp(v->name, f->words, (size_t)f->nwords) == 0;
  case NL_FIELD_SIZES:
    for (int i = 0; i < v->list.count; i++) {
      if ((double)l->ints[v->list.at + i] != f->number) {
        return false;
      }
    }
    return v->list.count >= 0;
  default:
    return true;
  }
}

nl_layer_text nl_layer_describe(const nl_layer *l) {
  nl_layer_text text = {""};
  const nl_fields *all = l->fields;
  bool in_order = true; /* what is written so far can be read by position */
  for (int i = 0; i < all->settings; i++) {
    const nl_field *f = &all->field[i];
    bool is_layer = f->kind == NL_FIELD_LAYER || f->kind == NL_FIELD_LAYERS;
    if (f->stored && !is_layer && !f->optional && !l->value[i].set) {
      return text; /* never made */
    }
  }
  for (int i = 0; i < all->settings; i++) {
    const nl_field *f = &all->field[i];
    const nl_value *v = &l->value[i];
    nl_value part = {.set = true};
    bool kept = f->stored;
    if (!kept && f->kind == NL_FIELD_BOOL) { /* bias: bool, where the bias is a part */
      int k = nl_field_find_part(l->entry, f->name);
      part.b = k >= 0 && l->value[k].set;
      v = &part;
      kept = true;
    }
    if (!kept || !v->set || f->kind == NL_FIELD_LAYER || f->kind == NL_FIELD_LAYERS || f->kind == NL_FIELD_PART) {
      continue;
    }
    if (is_default(l, f, v) && !(!f->optional && v->set)) {
      in_order = false;
      continue;
    }
    char shown[120];
    write_value(shown, sizeof shown, l, f, v);
    size_t used = strlen(text.s);
    bool bare = in_order && !f->by_name && (!f->optional || (i == 0 && f->kind == NL_FIELD_NUMBER));
    snprintf(text.s + used, sizeof text.s - used, bare ? "%s%.0s%s" : "%s%s = %s", used ? ", " : "", f->name, shown);
  }
  return text;
}

int nl_field_find(const nl_layer_entry *e, const char *name) {
  const nl_fields *all = nl_layer_fields(e);
  for (int i = 0; i < all->count; i++) {
    if (strcmp(all->field[i].name, name) == 0) {
      return i;
    }
  }
  return -1;
}

int nl_field_find_part(const nl_layer_entry *e, const char *name) {
  const nl_fields *all = nl_layer_fields(e);
  for (int i = all->settings; i < all->count; i++) {
    if (strcmp(all->field[i].name, name) == 0) {
      return i;
    }
  }
  return -1;
}
