/* One table for each instruction set, and the choice among them. Compiled once for each instruction set. */
#include "kernels/kernels.h"

extern const nl_elementwise_kernels NL_ISA(nl_elementwise_kernels);
extern const nl_math_kernels NL_ISA(nl_math_kernels);
extern const nl_reduce_kernels NL_ISA(nl_reduce_kernels);
extern const nl_softmax_kernels NL_ISA(nl_softmax_kernels);
extern const nl_softmax_columns_kernels NL_ISA(nl_softmax_columns_kernels);
extern const nl_random_kernels NL_ISA(nl_random_kernels);
extern const nl_optim_kernels NL_ISA(nl_optim_kernels);
extern const nl_transpose_kernels NL_ISA(nl_transpose_kernels);
extern const nl_norm_kernels NL_ISA(nl_norm_kernels);
extern const nl_scores_kernels NL_ISA(nl_scores_kernels);
extern const nl_gates_kernels NL_ISA(nl_gates_kernels);
extern const nl_product_kernels NL_ISA(nl_product_kernels);
extern const nl_places_kernels NL_ISA(nl_places_kernels);
extern const nl_panel_kernels NL_ISA(nl_panel_kernels);
extern const nl_window_kernels NL_ISA(nl_window_kernels);
extern const nl_taps_kernels NL_ISA(nl_taps_kernels);
extern const nl_taps_channels_kernels NL_ISA(nl_taps_channels_kernels);
extern const nl_kernels NL_ISA(nl_kernels);

const nl_kernels NL_ISA(nl_kernels) = {
    .elementwise = &NL_ISA(nl_elementwise_kernels),
    .math = &NL_ISA(nl_math_kernels),
    .reduce = &NL_ISA(nl_reduce_kernels),
    .softmax = &NL_ISA(nl_softmax_kernels),
    .softmax_columns = &NL_ISA(nl_softmax_columns_kernels),
    .random = &NL_ISA(nl_random_kernels),
    .optim = &NL_ISA(nl_optim_kernels),
    .transpose = &NL_ISA(nl_transpose_kernels),
    .norm = &NL_ISA(nl_norm_kernels),
    .scores = &NL_ISA(nl_scores_kernels),
    .gates = &NL_ISA(nl_gates_kernels),
    .product = &NL_ISA(nl_product_kernels),
    .places = &NL_ISA(nl_places_kernels),
    .panel = &NL_ISA(nl_panel_kernels),
    .window = &NL_ISA(nl_window_kernels),
    .taps = &NL_ISA(nl_taps_kernels),
    .taps_channels = &NL_ISA(nl_taps_channels_kernels),
};
