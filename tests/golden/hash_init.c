/* See hash_init.h. */
#include "golden/hash_init.h"

#include <math.h>
#include <string.h>
#include <strings.h>

static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* "(norm|norm<digit>|layernorm).weight", whatever the case, the part being whole */
static int is_norm_weight(const char *name)
{
    size_t n = strlen(name), tail = strlen(".weight");
    if (!ends_with(name, ".weight")) return 0;
    const char *end = name + n - tail, *part = end;
    while (part > name && part[-1] != '.') part--;
    size_t length = end - part;
    if (length == 9 && strncasecmp(part, "LayerNorm", 9) == 0) return 1;
    if (length < 4 || strncasecmp(part, "norm", 4) != 0) return 0;
    return length == 4 || (length == 5 && part[4] >= '0' && part[4] <= '9');
}

static int is_embedding(const char *name)
{
    const char *last = strrchr(name, '.');
    last = last ? last + 1 : name;
    return strstr(name, "relative_position_bias_table") || strstr(name, "embeddings") ||
           strcasestr(last, "emb");
}

uint64_t golden_hash_state(const char *name, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *s = name; *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h + seed;
}

uint64_t golden_hash_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void golden_hash_init(real *x, size_t n, const char *name, size_t columns, uint64_t seed)
{
    uint64_t state = golden_hash_state(name, seed);
    double a = 0, b;
    if (is_norm_weight(name))
        a = 1, b = 0.1;
    else if (ends_with(name, "bias") || ends_with(name, ".b"))
        b = 0.1;
    else if (is_embedding(name))
        b = 0.5;
    else
        b = sqrt(3.0 / (double)columns);
    for (size_t i = 0; i < n; i++) {
        double u = (double)(golden_hash_next(&state) >> 40) * 0x1p-23 - 1;
        x[i] = (float)(a + b * u);
    }
}
