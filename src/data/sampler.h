/* The order of training samples, as a pure function of integers.
 *
 *     vl_order o = vl_order_init(seed, epoch, part, n);
 *     size_t record = vl_order_at(&o, position);          // position 0 .. n-1, each record once
 *
 * A keyed permutation (a Feistel network over the next even number of bits, walked until it falls
 * inside n), so nothing is stored, any position is O(1), and a run resumes by its position alone.
 *
 * A plan orders whole batches over several parts: one part after the other as the reference does,
 * or mixed, every batch from one part, parts in proportion to their size, shuffled each epoch.
 *
 *     vl_plan p;
 *     status = vl_plan_init(&p, seed, epoch, VL_PLAN_MIXED, n_batches, n_parts);
 *     vl_plan_at(&part, &batch, &p, step);                // step 0 .. p.n-1
 */
#ifndef VL_DATA_SAMPLER_H
#define VL_DATA_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vl_order {
    uint64_t key, n;
    int half_bits; /* 0: in file order */
} vl_order;

vl_order vl_order_init(uint64_t seed, uint64_t epoch, uint64_t part, uint64_t n);
vl_order vl_order_plain(uint64_t n); /* file order, for validation */
uint64_t vl_order_at(const vl_order *o, uint64_t position);

#define VL_PLAN_MAX_PARTS 64

typedef enum vl_plan_kind { VL_PLAN_SEQUENTIAL, VL_PLAN_MIXED } vl_plan_kind;

typedef struct vl_plan {
    vl_order order; /* of all batches */
    int n_parts;
    uint64_t n, first[VL_PLAN_MAX_PARTS + 1]; /* batches in all; where each part's begin */
} vl_plan;

violet_status vl_plan_init(vl_plan *p, uint64_t seed, uint64_t epoch, vl_plan_kind kind,
                           const uint64_t *n_batches, int n_parts);
/* Which batch of which part comes at a step. Mixed: a part's batches come in no order. */
void vl_plan_at(int *part, uint64_t *batch, const vl_plan *p, uint64_t step);

#endif
