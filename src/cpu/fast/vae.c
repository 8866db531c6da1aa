/* What a discrete VAE is trained with: Gumbel-softmax, divergence from the uniform distribution,
 * logit-Laplace likelihood. Rows are shared out among threads; losses are summed in double, row by
 * row or by each part first, then in order. */
#include <math.h>

#include "fast.h"

typedef struct vae {
    const vl_device *d;
    float *out, *stats_out;
    const float *dy, *y, *x, *stats;
    double *sums;
    uint64_t key;
    float factor;
    size_t rows, cols;
    int acc;
} vae;

static void gumbel_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to, n = v->cols;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        v->d->k->gumbel_softmax(v->out + i * n, v->x + i * n, (int)n, v->key, i * n, v->factor);
}

void vlf_gumbel_fwd(vl_device *d, float *y, const float *logits, uint64_t key, float tau, int rows,
                    int cols)
{
    vae v = {.d = d, .out = y, .x = logits, .key = key, .factor = 1 / tau, .rows = (size_t)rows,
             .cols = (size_t)cols};
    vlf_run(d, vlf_parts(d, v.rows * v.cols), gumbel_part, &v);
}

static void gumbel_grad_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to, n = v->cols;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        v->d->k->softmax_back(v->out + i * n, v->dy + i * n, v->y + i * n, (int)n, v->factor,
                              v->acc);
}

void vlf_gumbel_bwd(vl_device *d, float *dlogits, const float *dy, const float *y, float tau,
                    int rows, int cols, int acc)
{
    vae v = {.d = d, .out = dlogits, .dy = dy, .y = y, .factor = 1 / tau, .rows = (size_t)rows,
             .cols = (size_t)cols, .acc = acc};
    vlf_run(d, vlf_parts(d, v.rows * v.cols), gumbel_grad_part, &v);
}

/* ---- divergence ------------------------------------------------------------------------------ */

static void kl_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to, n = v->cols;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++) {
        const float *x = v->x + i * n;
        vlf_softmax row;
        v->d->k->softmax_stats(&row, x, (int)n, 1);
        double plogp = v->d->k->exp_dot(x, (int)n, row.most) / row.sum - log(row.sum);
        v->stats_out[2 * i] = (float)((double)row.most + log(row.sum));
        v->stats_out[2 * i + 1] = (float)plogp;
        v->sums[i] = log((double)n) + plogp;
    }
}

void vlf_kl_uniform_fwd(vl_device *d, float *loss, float *stats, const float *logits, int rows,
                        int cols)
{
    vae v = {.d = d, .stats_out = stats, .x = logits, .rows = (size_t)rows, .cols = (size_t)cols};
    v.sums = vlf_scratch(d, v.rows * sizeof *v.sums);
    if (!v.sums) return;
    vlf_run(d, vlf_parts(d, v.rows * v.cols), kl_part, &v);
    double sum = 0;
    for (size_t i = 0; i < v.rows; i++) sum += v.sums[i];
    *loss = (float)(sum / rows);
}

static void kl_grad_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to, n = v->cols;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        v->d->k->kl_grad(v->out + i * n, v->x + i * n, (int)n, v->stats[2 * i],
                         v->stats[2 * i + 1], v->factor, v->acc);
}

void vlf_kl_uniform_bwd(vl_device *d, float *dlogits, const float *dloss, const float *stats,
                        const float *logits, int rows, int cols, int acc)
{
    vae v = {.d = d, .out = dlogits, .stats = stats, .x = logits, .factor = *dloss / (float)rows,
             .rows = (size_t)rows, .cols = (size_t)cols, .acc = acc};
    vlf_run(d, vlf_parts(d, v.rows * v.cols), kl_grad_part, &v);
}

/* ---- likelihood ------------------------------------------------------------------------------ */

static void laplace_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to;
    double sum = 0;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        for (size_t c = 0; c < 3; c++) {
            float x = v->x[i * 3 + c], mu = v->y[i * 6 + c], s = v->y[i * 6 + 3 + c];
            float z = logf(x / (1 - x)) - mu;
            sum += (double)(s + logf(x * (1 - x)) + fabsf(z) * expf(-s));
        }
    v->sums[part] = sum;
}

void vlf_logit_laplace_fwd(vl_device *d, float *loss, const float *y, const float *x, int rows)
{
    vae v = {.y = y, .x = x, .rows = (size_t)rows};
    int parts = vlf_parts(d, v.rows * 64); /* a row is worth many elements of memory traffic */
    v.sums = vlf_scratch(d, (size_t)parts * sizeof *v.sums);
    if (!v.sums) return;
    vlf_run(d, parts, laplace_part, &v);
    double sum = 0;
    for (int p = 0; p < parts; p++) sum += v.sums[p];
    *loss = (float)(sum / (3.0 * rows) + log(2));
}

static void laplace_grad_part(void *context, int part, int parts)
{
    const vae *v = context;
    size_t from, to;
    vlf_range(v->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        for (size_t c = 0; c < 3; c++) {
            float x = v->x[i * 3 + c], mu = v->y[i * 6 + c], s = v->y[i * 6 + 3 + c];
            float z = logf(x / (1 - x)) - mu, over = expf(-s);
            float dmu = v->factor * (z < 0 ? over : z > 0 ? -over : 0);
            float ds = v->factor * (1 - fabsf(z) * over);
            float *to_mu = v->out + i * 6 + c, *to_s = to_mu + 3;
            *to_mu = v->acc ? *to_mu + dmu : dmu;
            *to_s = v->acc ? *to_s + ds : ds;
        }
}

void vlf_logit_laplace_bwd(vl_device *d, float *dy, const float *dloss, const float *y,
                           const float *x, int rows, int acc)
{
    vae v = {.out = dy, .y = y, .x = x, .factor = *dloss / (3 * (float)rows),
             .rows = (size_t)rows, .acc = acc};
    vlf_run(d, vlf_parts(d, v.rows * 64), laplace_grad_part, &v);
}
