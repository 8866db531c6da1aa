/* See tensor_values.h. */
#include "task/tensor_values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "model/load_values.h"

enum { PIECE = 4096 };

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Memory for one piece of a tensor. */
typedef struct piece {
    double x[PIECE];
    union {
        float f[PIECE];
        double d[PIECE];
        int64_t i[PIECE];
        uint64_t u[PIECE];
    } raw;
} piece;

static bool is_wide(vl_dtype t)
{
    return t == VL_DT_F64 || t == VL_DT_I64 || t == VL_DT_U64 || t == VL_DT_I32 || t == VL_DT_U32;
}

/* Elements first .. first + n - 1 as double, exactly but for 64-bit integers past 2^53. */
static violet_status read_piece(piece *p, const vl_tensors *f, const vl_stored *t, size_t first,
                                size_t n)
{
    if (!is_wide(t->dtype)) {
        violet_status status = vl_tensors_read(p->raw.f, f, t, first, n);
        for (size_t i = 0; i < n && status == VIOLET_OK; i++) p->x[i] = p->raw.f[i];
        return status;
    }
    vl_stored_bytes(&p->raw, t, first, n);
    const int32_t *narrow = (const int32_t *)(const void *)&p->raw;
    for (size_t i = 0; i < n; i++)
        switch (t->dtype) {
        case VL_DT_I64: p->x[i] = (double)p->raw.i[i]; break;
        case VL_DT_U64: p->x[i] = (double)p->raw.u[i]; break;
        case VL_DT_I32: p->x[i] = narrow[i]; break;
        case VL_DT_U32: p->x[i] = (uint32_t)narrow[i]; break;
        default: p->x[i] = p->raw.d[i]; break;
        }
    return VIOLET_OK;
}

static size_t piece_at(const vl_stored *t, size_t at)
{
    return t->n - at < PIECE ? t->n - at : PIECE;
}

/* ---- statistics ------------------------------------------------------------------------------ */

typedef struct moments {
    double n, mean, squares; /* squares: sum of (x - mean)^2 */
} moments;

/* Of two sets together (Chan, Golub, LeVeque 1979): no large sums whose difference is small. */
static void join(moments *m, const moments *more)
{
    double n = m->n + more->n, apart = more->mean - m->mean;
    if (more->n == 0) return;
    m->squares += more->squares + apart * apart * (m->n * more->n / n);
    m->mean += apart * (more->n / n);
    m->n = n;
}

static void take_in(vl_tensor_statistics *s, moments *m, const double *x, size_t n)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    moments here = {0};
    size_t finite = 0, zeros = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) continue;
        finite++;
        zeros += x[i] == 0;
        sum += x[i];
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    s->not_finite += n - finite;
    if (finite == 0) return;
    here.n = (double)finite;
    here.mean = sum / here.n;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) here.squares += (x[i] - here.mean) * (x[i] - here.mean);
    join(m, &here);
    if (s->finite == 0 || least < s->least) s->least = least;
    if (s->finite == 0 || most > s->most) s->most = most;
    s->finite += finite;
    s->zeros += zeros;
}

violet_status vl_tensor_look(vl_tensor_statistics *out, const vl_tensors *f, const vl_stored *t)
{
    moments m = {0};
    *out = (vl_tensor_statistics){0};
    piece *p = malloc(sizeof *p);
    violet_status status = p ? VIOLET_OK : vl_err_nomem();
    for (size_t at = 0; at < t->n && status == VIOLET_OK; at += PIECE) {
        status = read_piece(p, f, t, at, piece_at(t, at));
        if (status == VIOLET_OK) take_in(out, &m, p->x, piece_at(t, at));
    }
    free(p);
    out->mean = m.mean;
    out->deviation = m.n > 0 ? sqrt(m.squares / m.n) : 0;
    return status;
}

/* ---- differences ----------------------------------------------------------------------------- */

/* Two tensors in their files. */
typedef struct pair {
    const vl_tensors *in_a, *in_b;
    const vl_stored *a, *b;
    piece *x, *y;
} pair;

typedef struct squares {
    double a, apart;
} squares;

static void compare(vl_tensor_difference *d, squares *s, const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i])) {
            d->not_finite += !(a[i] == b[i] || (isnan(a[i]) && isnan(b[i])));
            continue;
        }
        double apart = fabs(a[i] - b[i]);
        d->largest = apart > d->largest ? apart : d->largest;
        s->apart += apart * apart;
        s->a += a[i] * a[i];
    }
}

static violet_status measure(vl_tensor_difference *out, const pair *p)
{
    squares s = {0};
    violet_status status = VIOLET_OK;
    for (size_t at = 0; at < p->a->n && status == VIOLET_OK; at += PIECE) {
        size_t n = piece_at(p->a, at);
        status = read_piece(p->x, p->in_a, p->a, at, n);
        if (status == VIOLET_OK) status = read_piece(p->y, p->in_b, p->b, at, n);
        if (status == VIOLET_OK) compare(out, &s, p->x->x, p->y->x, n);
    }
    if (s.apart > 0) out->relative = sqrt(s.apart / s.a); /* infinite where a is zero */
    return status;
}

violet_status vl_tensor_compare(vl_tensor_difference *out, const vl_tensors *in_a,
                                const vl_stored *a, const vl_tensors *in_b, const vl_stored *b)
{
    *out = (vl_tensor_difference){0};
    piece *x = malloc(2 * sizeof *x);
    if (!x) return vl_err_nomem();
    const pair p = {in_a, in_b, a, b, x, x + 1};
    violet_status status = vl_values_same(&out->same_bits, in_a, a, in_b, b);
    if (status == VIOLET_OK && !out->same_bits) status = measure(out, &p);
    free(x);
    return status;
}
