/* Keyed permutations; see sampler.h. */
#include "data/sampler.h"

#include <string.h>

#include "base/rng.h"

#define SITE_ORDER 0x6f72646572u /* "order": apart from all other draws of the seed */
#define SITE_PLAN 0x706c616eu
#define ROUNDS 6

static vl_order keyed(uint64_t key, uint64_t n)
{
    vl_order o = {key, n, 1};
    while (o.half_bits < 32 && (uint64_t)1 << 2 * o.half_bits < n) o.half_bits++;
    return o;
}

vl_order vl_order_init(uint64_t seed, uint64_t epoch, uint64_t part, uint64_t n)
{
    return keyed(vl_rng_key(seed, epoch, vl_rng_mix64(SITE_ORDER) + part), n);
}

vl_order vl_order_plain(uint64_t n)
{
    return (vl_order){0, n, 0};
}

static uint64_t permute(const vl_order *o, uint64_t x)
{
    uint64_t mask = ((uint64_t)1 << o->half_bits) - 1, left = x >> o->half_bits, right = x & mask;
    for (uint64_t r = 0; r < ROUNDS; r++) {
        uint64_t next = left ^ (vl_rng_u32(o->key, right << 3 | r) & mask);
        left = right;
        right = next;
    }
    return left << o->half_bits | right;
}

/* The network permutes 4^k >= n numbers; following it from inside n until inside n again permutes
 * those below n. 4^k < 4n (or 4), so four steps are expected at most. */
uint64_t vl_order_at(const vl_order *o, uint64_t position)
{
    uint64_t x = position;
    if (!o->half_bits || position >= o->n) return position;
    do x = permute(o, x);
    while (x >= o->n);
    return x;
}

violet_status vl_plan_init(vl_plan *p, uint64_t seed, uint64_t epoch, vl_plan_kind kind,
                           const uint64_t *n_batches, int n_parts)
{
    memset(p, 0, sizeof *p);
    if (n_parts < 1 || n_parts > VL_PLAN_MAX_PARTS)
        return vl_err(VIOLET_EINVAL, "%d parts, expected 1 to %d", n_parts, VL_PLAN_MAX_PARTS);
    p->n_parts = n_parts;
    for (int i = 0; i < n_parts; i++) p->first[i + 1] = p->n += n_batches[i];
    p->order = kind == VL_PLAN_MIXED ? keyed(vl_rng_key(seed, epoch, SITE_PLAN), p->n)
                                     : vl_order_plain(p->n);
    return VIOLET_OK;
}

void vl_plan_at(int *part, uint64_t *batch, const vl_plan *p, uint64_t step)
{
    uint64_t x = vl_order_at(&p->order, step);
    int i = 0;
    while (i + 1 < p->n_parts && x >= p->first[i + 1]) i++;
    *part = i;
    *batch = x - p->first[i];
}
