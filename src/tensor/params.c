/* The parameter registry; see params.h. */
#include "tensor/params.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/signals.h"
#include "base/rng.h"

violet_status vl_params_init(vl_params *p, int trainable, size_t limit)
{
    memset(p, 0, sizeof *p);
    p->trainable = trainable;
    violet_status status = vl_arena_init(&p->weights, limit);
    if (trainable) {
        if (status == VIOLET_OK) status = vl_arena_init(&p->grads, limit);
        if (status == VIOLET_OK) status = vl_arena_init(&p->m, limit);
        if (status == VIOLET_OK) status = vl_arena_init(&p->v, limit);
    }
    if (status != VIOLET_OK) vl_params_release(p);
    return status;
}

void vl_params_release(vl_params *p)
{
    for (int i = 0; i < p->n; i++) free(p->list[i].name);
    free(p->list);
    vl_arena_release(&p->weights);
    vl_arena_release(&p->grads);
    vl_arena_release(&p->m);
    vl_arena_release(&p->v);
    memset(p, 0, sizeof *p);
}

static violet_status grow(vl_params *p)
{
    if (p->n < p->cap) return VIOLET_OK;
    int cap = p->cap ? 2 * p->cap : 256;
    vl_param *list = realloc(p->list, cap * sizeof *list);
    if (!list) return vl_err_nomem();
    p->list = list;
    p->cap = cap;
    return VIOLET_OK;
}

/* Elements of a shape, 0 if it is absurd. */
static size_t count_of(int n_dims, const int *shape)
{
    size_t n = 1;
    for (int i = 0; i < n_dims; i++) {
        if (shape[i] < 1 || n > ((size_t)1 << 40) / (size_t)shape[i]) return 0;
        n *= shape[i];
    }
    return n;
}

/* Notes a parameter whose memory starts at element `first`. */
static void note(vl_params *p, vl_init init, int fan, int n_dims, const int *shape, size_t first,
                 const char *name)
{
    if (p->status != VIOLET_OK || (p->status = grow(p)) != VIOLET_OK) return;
    vl_param e = {.n_dims = n_dims, .init = init, .fan = fan, .first = first};
    e.count = count_of(n_dims, shape);
    e.is_matrix = n_dims > 1;
    memcpy(e.shape, shape, n_dims * sizeof *shape);
    e.name = strdup(name);
    if (!e.name)
        p->status = vl_err_nomem();
    else
        p->list[p->n++] = e;
}

/* Memory for `count` elements in every block, as a matrix of `rows` rows. */
static vl_tensor take(vl_params *p, size_t count, int rows, const char *name)
{
    vl_tensor t = {.rows = rows, .is_param = 1, .wants_grad = p->trainable};
    if (p->status != VIOLET_OK) return t;
    t.x = count ? vl_arena_take(&p->weights, count * sizeof(real)) : NULL;
    if (p->trainable && t.x) {
        t.g = vl_arena_take(&p->grads, count * sizeof(real));
        if (!t.g || !vl_arena_take(&p->m, count * sizeof(real)) ||
            !vl_arena_take(&p->v, count * sizeof(real)))
            t.x = NULL;
    }
    if (!t.x) p->status = vl_err(VIOLET_ENOMEM, "parameter '%s' does not fit in memory", name);
    t.cols = (int)(count / rows);
    return t;
}

vl_tensor vl_params_add(vl_params *p, vl_init init, int fan, int n_dims, const int *shape,
                        const char *format, ...)
{
    char name[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    int skip = 0; /* leading ones, as in (1, 197, D) */
    while (skip < n_dims - 2 && shape[skip] == 1) skip++;
    vl_tensor t = take(p, count_of(n_dims, shape), n_dims == 1 ? 1 : shape[skip], name);
    if (p->status == VIOLET_OK)
        note(p, init, fan, n_dims, shape, t.x - (real *)p->weights.base, name);
    return t;
}

vl_tensor vl_params_pack(vl_params *p, vl_init init, int rows, int cols, const char *prefix,
                         const char *const *names, int n)
{
    int shape[2] = {rows, cols}, n_dims = cols ? 2 : 1;
    size_t each = count_of(n_dims, shape);
    vl_tensor t = take(p, n * each, cols ? n * rows : 1, prefix);
    for (int i = 0; i < n && p->status == VIOLET_OK; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        note(p, init, 0, n_dims, shape, t.x - (real *)p->weights.base + i * each, name);
    }
    return t;
}

vl_tensor vl_params_vector(vl_params *p, vl_init init, int fan, int n, const char *prefix,
                           const char *name)
{
    return vl_params_add(p, init, fan, 1, &n, "%s%s", prefix, name);
}

vl_tensor vl_params_matrix(vl_params *p, vl_init init, int fan, int rows, int cols,
                           const char *prefix, const char *name)
{
    int shape[2] = {rows, cols};
    return vl_params_add(p, init, fan, 2, shape, "%s%s", prefix, name);
}

void vl_params_linear(vl_params *p, vl_tensor *w, vl_tensor *b, int n, int k, const char *prefix,
                      const char *name)
{
    int shape[2] = {n, k};
    *w = vl_params_add(p, VL_INIT_NORMAL, 0, 2, shape, "%s%s.weight", prefix, name);
    if (b) *b = vl_params_add(p, VL_INIT_ZERO, 0, 1, &n, "%s%s.bias", prefix, name);
}

void vl_params_norm(vl_params *p, vl_tensor *w, vl_tensor *b, int n, const char *prefix,
                    const char *name)
{
    *w = vl_params_add(p, VL_INIT_ONE, 0, 1, &n, "%s%s.weight", prefix, name);
    *b = vl_params_add(p, VL_INIT_ZERO, 0, 1, &n, "%s%s.bias", prefix, name);
}

size_t vl_params_size(const vl_params *p)
{
    return p->weights.used / sizeof(real);
}

size_t vl_params_count(const vl_params *p)
{
    size_t n = 0;
    for (int i = 0; i < p->n; i++) n += p->list[i].count;
    return n;
}

const vl_param *vl_params_find(const vl_params *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->list[i].name, name) == 0) return &p->list[i];
    return NULL;
}

real *vl_param_weights(const vl_params *p, const vl_param *e)
{
    return (real *)p->weights.base + e->first;
}

real *vl_param_grads(const vl_params *p, const vl_param *e)
{
    return (real *)p->grads.base + e->first;
}

uint64_t vl_params_hash(const vl_params *p)
{
    return vl_hash(0, p->weights.base, p->weights.used);
}

uint64_t vl_params_hash_of(const vl_params *p, const char *prefix)
{
    uint64_t h = 0;
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        if (strncmp(e->name, prefix, strlen(prefix)) != 0) continue;
        h = vl_hash(h, e->name, strlen(e->name));
        h = vl_hash(h, vl_param_weights(p, e), e->count * sizeof(real));
    }
    return h;
}

/* ---- initial values ------------------------------------------------------------------------- */

static uint64_t hash_name(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a 64 */
    for (; *s; s++) h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return h;
}

/* A standard normal cut at two deviations, by Box-Muller and rejection. */
static double normal_cut(uint64_t key, uint64_t i)
{
    for (uint64_t attempt = 0;; attempt++) {
        uint64_t at = i * 64 + attempt % 32 * 2;
        double u = vl_rng_uniform(key + attempt / 32, at) + 0x1p-33;
        double w = vl_rng_uniform(key + attempt / 32, at + 1);
        double z = sqrt(-2 * log(u)) * cos(6.283185307179586 * w);
        if (fabs(z) <= 2) return z;
    }
}

void vl_param_draw(vl_params *p, const vl_param *e, uint64_t seed)
{
    real *x = vl_param_weights(p, e);
    uint64_t key = vl_rng_key(seed, 0, hash_name(e->name));
    size_t row = e->count / e->shape[0];
    double bound = e->fan > 0 ? 1 / sqrt(e->fan) : 0;
    for (size_t i = 0; i < e->count; i++)
        switch (e->init) {
        case VL_INIT_ZERO: x[i] = 0; break;
        case VL_INIT_ONE: x[i] = 1; break;
        case VL_INIT_NORMAL: x[i] = (real)(0.02 * normal_cut(key, i)); break;
        case VL_INIT_EMBEDDING: x[i] = i < row ? 0 : (real)(0.02 * normal_cut(key, i)); break;
        case VL_INIT_UNIFORM: x[i] = (real)(bound * (2 * vl_rng_uniform(key, i) - 1)); break;
        }
}

void vl_params_draw(vl_params *p, uint64_t seed)
{
    sigset_t was;
    vl_signals_hold(&was);
#pragma omp parallel for schedule(dynamic)
    for (int i = 0; i < p->n; i++) vl_param_draw(p, &p->list[i], seed);
    vl_signals_release(&was);
}
