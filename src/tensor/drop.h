/* The dropout formula that all backends share; see vl_drop in backend.h. */
#ifndef VL_TENSOR_DROP_H
#define VL_TENSOR_DROP_H

#include "base/rng.h"
#include "tensor/backend.h"

/* Below this, a draw drops. */
static inline uint32_t vl_drop_threshold(vl_drop drop)
{
    return (uint32_t)(drop.p * 0x1p32);
}

/* 0 or 1/(1-p) for element i; 1 where dropout is off. */
static inline real vl_drop_scale(vl_drop drop, uint64_t i)
{
    if (drop.p <= 0) return 1;
    return vl_rng_u32(drop.key, i) < vl_drop_threshold(drop) ? 0 : (real)(1 / (1 - drop.p));
}

#endif
