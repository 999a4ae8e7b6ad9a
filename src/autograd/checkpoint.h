/* Checkpoints: memory for time (Chen et al. 2016, "Training deep nets with sublinear memory cost"). What a function
   computes is recorded as always, but inside its region the nodes save shapes and slots in place of values that were
   made there. When a way back first needs one, the function is called again and the values it would save this time fill
   the slots. The graph itself is the real one, so gradients of any order, for any inputs, need nothing special.

   The second call must do what the first did. Random numbers are drawn again from the states they were drawn from;
   tensors from outside that the function wrote to (running averages) are as they were before it wrote, and as they are
   now again when it is over; one that it only read and that has changed since is an error, and so is a call that takes
   another course, which the sums of both courses tell. */
#ifndef NL_AUTOGRAD_CHECKPOINT_H
#define NL_AUTOGRAD_CHECKPOINT_H

#include "autograd/anchor.h"
#include "optable/op.h"

typedef struct nl_region nl_region;

/* Where a value is computed again. */
typedef struct nl_slot {
  nl_region *region; /* a reference; NULL: the value is kept where it is needed */
  int at;
} nl_slot;

/* Calls the host's function again. */
typedef nl_status (*nl_again_fn)(nl_anchor *function, int nargs, nl_tensor *const args[]);

/* Opens a region for a call with tensors `args`, before it; the innermost open one is where values are saved. Error:
   memory. */
nl_status nl_region_open(nl_anchor *function, nl_again_fn again, int nargs, nl_tensor *const args[], nl_region **out);

/* After the call, however it ended. The status is that of what went on unseen: memory. */
nl_status nl_region_close(nl_region *);
void nl_region_unref(nl_region *);

/* The region in which nodes save now, or NULL. */
nl_region *nl_region_recording(void);

/* What its nodes need of the host. */
nl_anchor *nl_region_anchor(const nl_region *);

/* A node saves t: says whether it is to keep a shape (slot->region) or the value. Error: memory. */
nl_status nl_region_save(nl_tensor *t, nl_slot *slot);

/* The value of a slot, computed again where it is not there. Errors: see above, and those of the function. */
nl_status nl_slot_take(const nl_slot *, nl_tensor **t, uint32_t *version);
void nl_slot_drop(nl_slot *);

/* True if t was there before the innermost region was entered. */
bool nl_region_outside(const nl_tensor *t);

/* Each call passes here before it runs. */
nl_status nl_region_sees(const nl_call *);

/* Lets go of values that were computed again and not taken; at the end of a backward. */
void nl_regions_forget(void);

#endif
