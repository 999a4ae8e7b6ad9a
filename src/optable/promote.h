/* The dtype in which operands meet, and whether it can hold their values. */
#ifndef NL_OPTABLE_PROMOTE_H
#define NL_OPTABLE_PROMOTE_H

#include "optable/op.h"

/* The dtype of a result of several operands, as PyTorch decides it: among tensors with dims the highest of bool <
   uint8 < int64 < float32 < float64; 0-dim tensors and then plain numbers count only where their category (bool,
   integer, float) is higher. NULL operands are skipped. */
nl_dtype nl_promote(int n, nl_tensor *const t[]);

/* An error that names the first value of t which `to` cannot hold: of a conversion to whole numbers what is nan or
   beyond their range, of a number that was written in Lua also a fraction. Replays of the call look again. */
nl_status nl_rule_holds(nl_call *, const nl_tensor *t, nl_dtype to);

/* An error where a number that is to become an element does not fit; `what` begins its sentence ("the table holds"). */
nl_status nl_rule_element(double number, nl_dtype to, const char *what);

/* An error where call->dtype is uint8 and one of the tensors has what that cannot hold. */
nl_status nl_rule_hold_all(nl_call *, int n, nl_tensor *const t[]);

/* call->dtype = nl_promote(n, t), or an error where that cannot hold one of them (a number or a 0-dim tensor of higher
   rank within a category). Arithmetic in that dtype may still wrap around. */
nl_status nl_rule_promote(nl_call *, int n, nl_tensor *const t[]);

/* call->dtype = one in which the operands can be compared: as nl_promote says, but wider where digits would be lost. */
void nl_rule_comparable(nl_call *, int n, nl_tensor *const t[]);

#endif
