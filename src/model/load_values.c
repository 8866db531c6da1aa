/* Values of a file into memory; see load_values.h. */
#include "model/load_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/status.h"

enum {
    PIECE = 1 << 16, /* elements of a piece: 256 KiB */
    SMALL = 4096,    /* of what is converted on the stack */
};

bool vl_values_fit(const vl_param *e, const vl_stored *t)
{
    if (e->n_dims != t->n_dim) return false;
    for (int i = 0; i < e->n_dims; i++)
        if (e->shape[i] != t->shape[i]) return false;
    return true;
}

violet_status vl_values_add(vl_values *v, real *to, const vl_stored *t)
{
    for (size_t at = 0; at < t->n; at += PIECE) {
        violet_status status = vl_grow(&v->list, &v->cap, v->n, sizeof *v->list, 1024);
        if (status != VIOLET_OK) return status;
        v->list[v->n++] = (vl_values_piece){to ? to + at : NULL, t, at,
                                        t->n - at < PIECE ? t->n - at : PIECE};
    }
    return VIOLET_OK;
}

void vl_values_free(vl_values *v)
{
    free(v->list);
    *v = (vl_values){0};
}

/* Whether all are finite: an exponent of ones carries into the sign when one more is added. */
static bool all_finite(const float *x, size_t n)
{
    uint32_t over = 0;
#pragma omp simd reduction(| : over)
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        over |= (bits & 0x7fffffffu) + 0x00800000u;
    }
    return over >> 31 == 0;
}

static violet_status check(const float *x, size_t n, const char *name, size_t first)
{
    if (all_finite(x, n)) return VIOLET_OK;
    size_t i = 0;
    while (i + 1 < n && isfinite(x[i])) i++;
    return vl_err(VIOLET_EFORMAT, "tensor '%s': value %zu is %f", name, first + i, (double)x[i]);
}

violet_status vl_values_check(const float *x, size_t n, const char *name)
{
    return check(x, n, name, 0);
}

/* A little at a time. In the double configuration what is stored as float64 comes as it is.
 * to: NULL, nothing is kept. */
static violet_status read_slowly(real *to, const vl_tensors *f, const vl_stored *t, size_t first,
                               size_t n)
{
    float x[SMALL];
    for (size_t at = 0; at < n; at += SMALL) {
        size_t some = n - at < SMALL ? n - at : SMALL;
        violet_status status = vl_tensors_read(x, f, t, first + at, some);
        if (status == VIOLET_OK) status = check(x, some, t->name, first + at);
        if (status != VIOLET_OK) return status;
        for (size_t i = 0; to && i < some; i++) to[at + i] = (real)x[i];
    }
    if (to && t->dtype == VL_DT_F64) vl_stored_bytes(to, t, first, n);
    return VIOLET_OK;
}

static violet_status read_piece(const vl_values_piece *p, const vl_tensors *f)
{
    if (p->to) vl_memory_populate(p->to, p->n * sizeof *p->to);
    if (!p->to || sizeof(real) != sizeof(float))
        return read_slowly(p->to, f, p->from, p->first, p->n);
    float *to = (float *)(void *)p->to;
    violet_status status = vl_tensors_read(to, f, p->from, p->first, p->n);
    return status == VIOLET_OK ? check(to, p->n, p->from->name, p->first) : status;
}

violet_status vl_values_read(const vl_values *v, const vl_tensors *f)
{
    violet_status status = VIOLET_OK;
    size_t failed = v->n;
    char message[1024] = ""; /* an error's is its thread's, and to be told by this one */
    sigset_t was;
    vl_signals_hold(&was);
#pragma omp parallel for schedule(dynamic)
    for (size_t i = 0; i < v->n; i++) {
        size_t least;
#pragma omp atomic read
        least = failed;
        if (i > least) continue;
        violet_status s = read_piece(&v->list[i], f);
        if (s == VIOLET_OK) continue;
#pragma omp critical(vl_values)
        if (i < failed) {
#pragma omp atomic write
            failed = i;
            status = s;
            snprintf(message, sizeof message, "%s", violet_error());
        }
    }
    vl_signals_release(&was);
    return status == VIOLET_OK ? status : vl_err(status, "%s", message);
}

/* ---- two of them ----------------------------------------------------------------------------- */

typedef union raw {
    float f[SMALL];
    double d[SMALL];
} raw; /* any type's bytes */

/* float32 by the way that keeps no map in memory. */
static violet_status read_raw(raw *to, const vl_tensors *f, const vl_stored *t, size_t first,
                              size_t n)
{
    if (t->dtype == VL_DT_F32) return vl_tensors_read(to->f, f, t, first, n);
    vl_stored_bytes(to, t, first, n);
    return VIOLET_OK;
}

violet_status vl_values_same(bool *same, const vl_tensors *in_a, const vl_stored *a,
                             const vl_tensors *in_b, const vl_stored *b)
{
    raw x, y;
    size_t each = vl_dtype_bytes(a->dtype);
    *same = a->dtype == b->dtype && a->n == b->n && a->n_dim == b->n_dim &&
            memcmp(a->shape, b->shape, (size_t)a->n_dim * sizeof *a->shape) == 0;
    for (size_t at = 0; *same && at < a->n; at += SMALL) {
        size_t n = a->n - at < SMALL ? a->n - at : SMALL;
        violet_status status = read_raw(&x, in_a, a, at, n);
        if (status == VIOLET_OK) status = read_raw(&y, in_b, b, at, n);
        if (status != VIOLET_OK) return status;
        *same = memcmp(&x, &y, n * each) == 0;
    }
    return VIOLET_OK;
}
