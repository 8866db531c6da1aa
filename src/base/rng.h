/* Counter-based random numbers: a draw is a pure function of (seed, step, site, element), so it is
 * the same on every backend and thread count, and can be computed again instead of being stored.
 *
 *     uint64_t key = vl_rng_key(seed, step, site);     one a tensor, a shuffle, a sample ...
 *     uint32_t bits = vl_rng_u32(key, i);              element i
 *
 * The key is splitmix64's finaliser over the three numbers; an element is two keyed rounds of a
 * 32-bit multiply-xorshift mixer, plain 32-bit arithmetic so that compilers vectorise it. Good for
 * dropout, masks, shuffles and initial weights; not for cryptography. */
#ifndef VL_BASE_RNG_H
#define VL_BASE_RNG_H

#include <stdint.h>

static inline uint64_t vl_rng_mix64(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t vl_rng_key(uint64_t seed, uint64_t step, uint64_t site)
{
    return vl_rng_mix64(vl_rng_mix64(vl_rng_mix64(seed) ^ step) ^ site);
}

/* One 32-bit word of element i. */
static inline uint32_t vl_rng_u32(uint64_t key, uint64_t i)
{
    uint32_t x = (uint32_t)i * 0x9E3779B9u + (uint32_t)key;
    x ^= (uint32_t)(i >> 32) * 0x85EBCA6Bu;
    x ^= x >> 16;
    x *= 0x7FEB352Du;
    x ^= x >> 15;
    x += (uint32_t)(key >> 32);
    x *= 0x846CA68Bu;
    x ^= x >> 16;
    x *= 0x9E3779B1u;
    x ^= x >> 15;
    return x;
}

/* Uniform in [0, 1), 32 bits of it. */
static inline double vl_rng_uniform(uint64_t key, uint64_t i)
{
    return vl_rng_u32(key, i) * 0x1p-32;
}

/* Uniform integer in [0, n), n >= 1; the bias of at most n / 2^32 is below notice here. */
static inline uint32_t vl_rng_below(uint64_t key, uint64_t i, uint32_t n)
{
    return (uint32_t)(((uint64_t)vl_rng_u32(key, i) * n) >> 32);
}

#endif
