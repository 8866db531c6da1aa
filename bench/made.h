/* What the benchmarks compute on: weights and inputs from the golden values' hash streams, which
 * the PyTorch peer (peer/violet_torch.py) makes alike. */
#ifndef BENCH_MADE_H
#define BENCH_MADE_H

#include <jansson.h>

#include "golden/hash_init.h"
#include "model/config.h"
#include "tensor/params.h"

enum { BENCH_PAD = 0, BENCH_UNK = 100, BENCH_CLS = 101, BENCH_SEP = 102, BENCH_MASK = 103 };
enum { BENCH_FIRST_WORD = 104, BENCH_PATCH = 32 };

void bench_draw_weights(const vl_params *p, uint64_t seed);

/* Whole numbers in [least, limit), in the order of the peer's draws of that name. */
typedef struct bench_stream {
    uint64_t state;
    int least, limit;
} bench_stream;

bench_stream bench_stream_open(const char *name, uint64_t seed, int least, int limit);
int bench_draw(bench_stream *s);

/* preset: a name, an object of sizes, or NULL: violet1. */
violet_status bench_read_config(vl_config *c, const json_t *preset);

#endif
