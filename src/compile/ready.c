/* The last pass: what each run has to look at, found out once. */
#include "compile/passes.h"
#include "core/memory.h"

/* The first instruction, in the order in which they run, that changes what was there before. */
static void find_whole(nl_program *p) {
  for (p->whole_from = 0; p->whole_from < p->ninstrs; p->whole_from++) {
    const nl_instr *n = &p->instrs[p->whole_from];
    for (int k = 0; k < n->nwrites; k++) {
      nl_location location = p->buffers[p->values[n->writes[k]].buffer].location;
      if (location == NL_ARGUMENT || location == NL_EXTERNAL || n->effect) {
        return;
      }
    }
  }
}

/* The buffers that each run has to look at. */
static nl_status list_buffers(nl_program *p) {
  p->bound = nl_new((2 * (size_t)p->nbuffers + 1) * sizeof *p->bound);
  p->bumped = p->bound ? p->bound + p->nbuffers : NULL;
  for (int i = 0; p->bound && i < p->nbuffers; i++) {
    const nl_buffer *b = &p->buffers[i];
    if (b->location == NL_ESCAPING || b->location == NL_ARGUMENT) {
      p->bound[p->nbound++] = i;
    } else if ((b->location == NL_EXTERNAL || b->location == NL_SLOT_ENTRY) && b->written) {
      p->bumped[p->nbumped++] = i;
    }
  }
  return p->bound ? NL_OK : NL_NOMEM;
}

static nl_status prepare_ops(nl_program *p) {
  for (int i = 0; i < p->ninstrs; i++) {
    nl_call *c = p->instrs[i].call;
    if (c && c->op->prepare) {
      void *prepared = nl_new(c->op->prepared_bytes);
      if (!prepared) {
        return NL_NOMEM;
      }
      if (c->op->prepare(c, prepared)) {
        c->prepared = prepared;
      } else {
        nl_delete(prepared);
      }
    }
  }
  return NL_OK;
}

nl_status nl_pass_make_ready(nl_program *p) {
  find_whole(p);
  nl_status status = list_buffers(p);
  return status == NL_OK ? prepare_ops(p) : status;
}
