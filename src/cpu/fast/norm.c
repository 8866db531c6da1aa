/* Layer norm and cross-entropy: rows are shared out among threads, and what is summed over rows is
 * summed by each thread on its own first, then added up in the order of the threads. */
#include <math.h>
#include <string.h>

#include "fast.h"

typedef struct norm {
    const vl_device *d;
    float *y, *stats_out, *dw, *db, *sums;
    const float *dy, *stats, *x, *w, *b;
    int rows, cols, acc;
    float eps;
} norm;

static void layernorm_part(void *context, int part, int parts)
{
    const norm *c = context;
    size_t from, to, cols = (size_t)c->cols;
    vlf_range((size_t)c->rows, 1, part, parts, &from, &to);
    c->d->k->layernorm(c->y + from * cols, c->stats_out + from * 2, c->x + from * cols, c->w, c->b,
                       (int)(to - from), c->cols, c->eps);
}

void vlf_layernorm_fwd(vl_device *d, float *y, float *stats, const float *x, const float *w,
                       const float *b, int rows, int cols, float eps)
{
    norm c = {.d = d, .y = y, .stats_out = stats, .x = x, .w = w, .b = b, .rows = rows,
              .cols = cols, .eps = eps};
    vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)cols), layernorm_part, &c);
}

/* Rows summed at a stretch before the sum is added to the thread's: rounding errors grow with the
 * number of stretches, not of rows. */
enum { STRETCH = 128 };

/* sums: for each part, the stretch's dw and db, then the part's (4, cols) */
static void layernorm_grad_part(void *context, int part, int parts)
{
    const norm *c = context;
    size_t from, to, cols = (size_t)c->cols;
    float *stretch = c->sums + (size_t)part * 4 * cols, *total = stretch + 2 * cols;
    vlf_range((size_t)c->rows, 1, part, parts, &from, &to);
    memset(total, 0, 2 * cols * sizeof *total);
    for (size_t r = from; r < to; r += STRETCH) {
        size_t count = to - r < STRETCH ? to - r : STRETCH;
        memset(stretch, 0, 2 * cols * sizeof *stretch);
        c->d->k->layernorm_grad(c->y ? c->y + r * cols : NULL, c->dw ? stretch : NULL,
                                c->db ? stretch + cols : NULL, c->dy + r * cols, c->stats + 2 * r,
                                c->x + r * cols, c->w, (int)count, c->cols, c->acc);
        c->d->k->add(total, total, stretch, 2 * cols);
    }
}

void vlf_layernorm_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy,
                       const float *stats, const float *x, const float *w, int rows, int cols,
                       int acc)
{
    int parts = vlf_parts(d, (size_t)rows * (size_t)cols);
    size_t n = (size_t)cols;
    float *sums = vlf_scratch(d, (size_t)parts * 4 * n * sizeof *sums);
    if (!sums) return;
    norm c = {.d = d, .y = dx, .dw = dw, .db = db, .sums = sums, .dy = dy, .stats = stats, .x = x,
              .w = w, .rows = rows, .cols = cols, .acc = acc};
    vlf_run(d, parts, layernorm_grad_part, &c);
    for (int p = 0; p < parts; p++) {
        const float *total = sums + ((size_t)p * 4 + 2) * n;
        if (dw) d->k->scale(dw, total, 1, n, 1);
        if (db) d->k->scale(db, total + n, 1, n, 1);
    }
}

/* ---- cross-entropy --------------------------------------------------------------------------- */

typedef struct xent {
    const vl_device *d;
    float *lse_out, *dlogits;
    int *best;
    const float *lse, *logits;
    const int *target;
    int m, n, acc;
    float scale, factor;
    double *losses; /* (m) */
} xent;

static int count_targets(const int *target, int m)
{
    int count = 0;
    for (int i = 0; i < m; i++) count += target[i] >= 0;
    return count;
}

static void xent_part(void *context, int part, int parts)
{
    const xent *c = context;
    size_t from, to;
    vlf_range((size_t)c->m, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++) {
        const float *x = c->logits + i * (size_t)c->n;
        vlf_softmax row;
        c->d->k->softmax_stats(&row, x, c->n, c->scale);
        c->lse_out[i] = (float)((double)c->scale * (double)row.most + log(row.sum));
        c->best[i] = row.best;
        /* a confident row's loss is small beside its lse: no detour through that */
        if (c->target[i] >= 0)
            c->losses[i] = log(row.sum) +
                           (double)c->scale * ((double)row.most - (double)x[c->target[i]]);
    }
}

void vlf_xent_fwd(vl_device *d, float *loss, float *lse, int *best, const float *logits,
                  const int *target, int m, int n, float scale)
{
    xent c = {.d = d, .lse_out = lse, .best = best, .logits = logits, .target = target, .m = m,
              .n = n, .scale = scale};
    c.losses = vlf_scratch(d, (size_t)m * sizeof *c.losses);
    if (!c.losses) return;
    vlf_run(d, vlf_parts(d, (size_t)m * (size_t)n), xent_part, &c);
    double sum = 0;
    for (int i = 0; i < m; i++)
        if (target[i] >= 0) sum += c.losses[i];
    int count = count_targets(target, m);
    *loss = count ? (float)(sum / count) : 0;
}

static void xent_grad_part(void *context, int part, int parts)
{
    const xent *c = context;
    size_t from, to, n = (size_t)c->n;
    vlf_range((size_t)c->m, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++) {
        float *g = c->dlogits + i * n;
        if (c->target[i] >= 0) {
            c->d->k->softmax_grad(g, c->logits + i * n, c->n, c->scale, c->lse[i], c->factor,
                                  c->acc);
            g[c->target[i]] -= c->factor;
        } else if (!c->acc) {
            memset(g, 0, n * sizeof *g);
        }
    }
}

void vlf_xent_bwd(vl_device *d, float *dlogits, const float *dloss, const float *lse,
                  const float *logits, const int *target, int m, int n, float scale, int acc)
{
    int count = count_targets(target, m);
    xent c = {.d = d, .dlogits = dlogits, .lse = lse, .logits = logits, .target = target, .m = m,
              .n = n, .acc = acc, .scale = scale};
    c.factor = count ? *dloss * scale / (float)count : 0;
    vlf_run(d, vlf_parts(d, (size_t)m * (size_t)n), xent_grad_part, &c);
}
