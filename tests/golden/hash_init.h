/* Parameters rebuilt from their names: the rule of the golden files, which ship no weights.
 *
 *     h = FNV-1a 64 of the name; splitmix64 from state h + seed gives z_0, z_1, ...
 *     value i = (float)(a + b * ((z_i >> 40) * 2^-23 - 1)), a and b by the kind of parameter */
#ifndef GOLDEN_HASH_INIT_H
#define GOLDEN_HASH_INIT_H

#include <stddef.h>
#include <stdint.h>

#include "tensor/backend.h"

/* x (n); columns: product of the shape but its first dimension. */
void golden_hash_init(real *x, size_t n, const char *name, size_t columns, uint64_t seed);

/* The raw stream of a name, for made batches: state = golden_hash_state(...), then z_0, z_1, ... */
uint64_t golden_hash_state(const char *name, uint64_t seed);
uint64_t golden_hash_next(uint64_t *state);

#endif
