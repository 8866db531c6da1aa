/* The families that cases.c lists; each says what dim, flags and p of its cases mean. */
#ifndef TESTS_OPS_FAMILIES_H
#define TESTS_OPS_FAMILIES_H

#include "ops/cases.h"

/* families_simple.c */
extern const op_family op_fill, op_move, op_accumulate, op_add, op_sum_squares, op_gather,
    op_patches, op_adamw, op_xent;

/* families_dense.c */
extern const op_family op_linear, op_act, op_layernorm, op_residual, op_residual_in_place;

/* families_conv.c */
extern const op_family op_conv2d, op_maxpool, op_pixels;

/* families_pool.c */
extern const op_family op_mean, op_unit;

/* families_vae.c */
extern const op_family op_gumbel, op_kl_uniform, op_logit_laplace;

/* families_attention.c */
extern const op_family op_relbias, op_attention, op_received;

#endif
