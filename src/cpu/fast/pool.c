/* Means over the rows of sequences, shared out among threads by sequence; rows of length 1, of
 * which there are a few a batch: plain loops. */
#include <math.h>
#include <string.h>

#include "fast.h"

typedef struct pool {
    const vl_device *d;
    float *y;
    const float *x;
    const uint8_t *mask;
    int n_seq, n, cols, acc;
} pool;

static int count_seen(const uint8_t *mask, int n)
{
    int seen = 0;
    for (int i = 0; i < n; i++) seen += !mask || mask[i];
    return seen;
}

static void mean_one(const pool *p, float *y, const float *x, const uint8_t *mask)
{
    size_t cols = (size_t)p->cols;
    memset(y, 0, cols * sizeof *y);
    for (int i = 0, end; i < p->n; i = end) {
        for (; mask && i < p->n && !mask[i]; i++) continue;
        for (end = i; end < p->n && (!mask || mask[end]); end++) continue;
        p->d->k->col_sums(y, x + (size_t)i * cols, end - i, p->cols, p->cols);
    }
    int seen = count_seen(mask, p->n);
    if (seen) p->d->k->scale(y, y, 1 / (float)seen, cols, 0);
}

static void mean_part(void *context, int part, int parts)
{
    const pool *p = context;
    size_t from, to, n = (size_t)p->n, cols = (size_t)p->cols;
    vlf_range((size_t)p->n_seq, 1, part, parts, &from, &to);
    for (size_t s = from; s < to; s++)
        mean_one(p, p->y + s * cols, p->x + s * n * cols, p->mask ? p->mask + s * n : NULL);
}

void vlf_mean_fwd(vl_device *d, float *y, const float *x, const uint8_t *mask, int n_seq, int n,
                  int cols)
{
    pool p = {.d = d, .y = y, .x = x, .mask = mask, .n_seq = n_seq, .n = n, .cols = cols};
    vlf_run(d, vlf_parts(d, (size_t)n_seq * (size_t)n * (size_t)cols), mean_part, &p);
}

static void mean_grad_part(void *context, int part, int parts)
{
    const pool *p = context;
    size_t from, to, n = (size_t)p->n, cols = (size_t)p->cols;
    vlf_range((size_t)p->n_seq, 1, part, parts, &from, &to);
    for (size_t s = from; s < to; s++) {
        const uint8_t *mask = p->mask ? p->mask + s * n : NULL;
        float *dx = p->y + s * n * cols, share = 1 / (float)count_seen(mask, p->n);
        for (size_t i = 0; i < n; i++, dx += cols) {
            if (!mask || mask[i])
                p->d->k->scale(dx, p->x + s * cols, share, cols, p->acc);
            else if (!p->acc)
                memset(dx, 0, cols * sizeof *dx);
        }
    }
}

void vlf_mean_bwd(vl_device *d, float *dx, const float *dy, const uint8_t *mask, int n_seq, int n,
                  int cols, int acc)
{
    pool p = {.d = d, .y = dx, .x = dy, .mask = mask, .n_seq = n_seq, .n = n, .cols = cols,
              .acc = acc};
    vlf_run(d, vlf_parts(d, (size_t)n_seq * (size_t)n * (size_t)cols), mean_grad_part, &p);
}

void vlf_unit_fwd(vl_device *d, float *y, float *norm, const float *x, int rows, int cols)
{
    size_t n = (size_t)cols;
    for (int r = 0; r < rows; r++, x += n, y += n) {
        double length = sqrt(d->k->sum_squares(x, n));
        norm[r] = (float)length;
        for (size_t c = 0; c < n; c++) y[c] = length > 0 ? (float)((double)x[c] / length) : 0;
    }
}

void vlf_unit_bwd(vl_device *d, float *dx, const float *dy, const float *y, const float *norm,
                  int rows, int cols, int acc)
{
    size_t n = (size_t)cols;
    (void)d;
    for (int r = 0; r < rows; r++, dx += n, dy += n, y += n) {
        double dot = 0, by = norm[r] > 0 ? 1 / (double)norm[r] : 0;
        for (size_t c = 0; c < n; c++) dot += (double)y[c] * (double)dy[c];
        for (size_t c = 0; c < n; c++) {
            double g = ((double)dy[c] - (double)y[c] * dot) * by;
            dx[c] = (float)(acc ? (double)dx[c] + g : g);
        }
    }
}
