/* A 64-bit hash of bytes, to tell whether things are the ones from before: weights, a cache's
 * items. Words of 8 bytes, some GB a second; not for cryptography, not for files of enemies.
 *
 *     uint64_t h = vl_hash(0, caption, strlen(caption));
 *     h = vl_hash(h, name, strlen(name));               // goes on from what was hashed before
 */
#ifndef VL_BASE_HASH_H
#define VL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/rng.h"

static inline uint64_t vl_hash(uint64_t h, const void *data, size_t n)
{
    const char *bytes = data;
    uint64_t word;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&word, bytes + i, 8);
        h = (h ^ word) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    if (i < n) { /* the length tells "a" from "a\0" */
        word = 0;
        memcpy(&word, bytes + i, n - i);
        h = ((h ^ word) * 0x9E3779B97F4A7C15u) ^ (n - i);
    }
    return vl_rng_mix64(h);
}

/* Of a string, for tables in memory: FNV-1a 64, mixed. Byte by byte, so harder to find collisions
 * of than vl_hash's. */
static inline uint64_t vl_hash_string(const char *s, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)s[i]) * 0x100000001b3u;
    return vl_rng_mix64(h);
}

#endif
