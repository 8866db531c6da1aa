/* The counting backend; see count.h. Slots stand in the order of backend.h. */
#include "tensor/count.h"

#include <stdlib.h>

#include "base/status.h"

struct vl_device {
    vl_count count;
};

enum { LINEAR = VL_COUNT_LINEAR, ATTENTION = VL_COUNT_ATTENTION, OTHER = VL_COUNT_OTHER };
enum { FORWARD = VL_COUNT_FORWARD, BACKWARD = VL_COUNT_BACKWARD };

/* Slots have the parameters that the table gives them; most say nothing about the cost. */
#define UNUSED5(a, b, c, d, e) (void)(a), (void)(b), (void)(c), (void)(d), (void)(e)

static void note(vl_device *d, int family, int direction, double flops, double elements)
{
    d->count.flops[family][direction] += flops;
    d->count.bytes[family][direction] += elements * sizeof(real);
    d->count.calls[family][direction] += 1;
}

static vl_device *count_open(int threads)
{
    (void)threads;
    vl_device *d = calloc(1, sizeof *d);
    if (!d) vl_err_nomem();
    return d;
}

static double count_peak_flops(vl_device *d)
{
    (void)d;
    return 0;
}

static int count_failed(vl_device *d)
{
    (void)d;
    return 0;
}

static void count_close(vl_device *d)
{
    free(d);
}

/* ---- copies and sums ------------------------------------------------------------------------ */

static void count_fill(vl_device *d, real *x, real value, size_t n)
{
    (void)x, (void)value;
    note(d, OTHER, FORWARD, 0, (double)n);
}

static void count_move(vl_device *d, real *y, const real *x, size_t n)
{
    (void)y, (void)x;
    note(d, OTHER, FORWARD, 0, 2.0 * (double)n);
}

static void count_accumulate(vl_device *d, real *y, const real *x, real scale, size_t n, int acc)
{
    (void)y, (void)x, (void)scale;
    note(d, OTHER, BACKWARD, (double)n, (2.0 + acc) * (double)n);
}

static void count_add(vl_device *d, real *y, const real *a, const real *b, size_t n)
{
    (void)y, (void)a, (void)b;
    note(d, OTHER, FORWARD, (double)n, 3.0 * (double)n);
}

static double count_sum_squares(vl_device *d, const real *x, size_t n)
{
    (void)x;
    note(d, OTHER, BACKWARD, 2.0 * (double)n, (double)n);
    return 1; /* a gradient norm that is finite and never clipped to nothing */
}

/* ---- rows by a table, pictures --------------------------------------------------------------- */

static void count_gather_fwd(vl_device *d, real *y, const real *a, const real *b, const int *table,
                             int rows, int cols, int a_rows)
{
    UNUSED5(y, a, b, table, a_rows);
    note(d, OTHER, FORWARD, 0, 2.0 * rows * cols);
}

static void count_gather_bwd(vl_device *d, real *dx, const real *dy, const int *table,
                             const int *back, int rows, int cols, int first, int x_rows, int acc)
{
    UNUSED5(dx, dy, table, back, first);
    note(d, OTHER, BACKWARD, (double)rows * cols,
         (double)rows * cols + (1.0 + acc) * x_rows * cols);
}

static void count_patches(vl_device *d, real *y, const uint8_t *image, const real mean[3],
                          const real deviation[3], int B, int T, int H, int W)
{
    UNUSED5(y, image, mean, deviation, d);
    double n = 96.0 * B * T * ((H + 3) / 4) * ((W + 3) / 4);
    note(d, OTHER, FORWARD, 2 * n, n + n / 4); /* reads a byte an element */
}

static void count_pixels(vl_device *d, real *y, const uint8_t *image, double scale, double shift,
                         int B, int H, int W)
{
    UNUSED5(y, image, scale, shift, d);
    double n = 3.0 * B * H * W;
    note(d, OTHER, FORWARD, 2 * n, n + n / 4);
}

/* ---- linear and convolution ------------------------------------------------------------------ */

static void count_linear_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b,
                             int m, int n, int k, vl_act act)
{
    UNUSED5(y, x, w, b, act);
    double M = m, N = n, K = k;
    note(d, LINEAR, FORWARD, 2 * M * N * K, M * K + N * K + M * N);
}

static void count_linear_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                             const real *x, const real *w, int m, int n, int k, vl_act act, int acc)
{
    UNUSED5(db, dy, x, w, act);
    double M = m, N = n, K = k;
    double products = (dx ? 1 : 0) + (dw ? 1 : 0);
    double elements = 0;
    if (dx) elements += M * N + N * K + (1.0 + acc) * M * K;
    if (dw) elements += M * N + M * K + 2 * N * K;
    note(d, LINEAR, BACKWARD, products * 2 * M * N * K, elements);
}

static void count_act_fwd(vl_device *d, real *y, const real *x, size_t n, vl_act act)
{
    (void)y, (void)x, (void)act;
    note(d, OTHER, FORWARD, 8.0 * (double)n, 2.0 * (double)n);
}

static void count_act_bwd(vl_device *d, real *dx, const real *dy, const real *x, size_t n,
                          vl_act act, int acc)
{
    (void)dx, (void)dy, (void)x, (void)act;
    note(d, OTHER, BACKWARD, 10.0 * (double)n, (3.0 + acc) * (double)n);
}

static void count_conv2d_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b,
                             int B, int H, int W, int n, int c, int k, vl_act act)
{
    UNUSED5(y, x, w, b, act);
    double M = (double)B * H * W, N = n, C = c, kk = (double)k * k;
    note(d, LINEAR, FORWARD, 2 * M * N * C * kk, M * C + N * C * kk + M * N);
}

static void count_conv2d_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                             const real *x, const real *w, int B, int H, int W, int n, int c,
                             int k, vl_act act, int acc)
{
    UNUSED5(db, dy, x, w, act);
    double M = (double)B * H * W, N = n, C = c, kk = (double)k * k;
    double products = (dx ? 1 : 0) + (dw ? 1 : 0);
    double elements = 0;
    if (dx) elements += M * N + N * C * kk + (1.0 + acc) * M * C;
    if (dw) elements += M * N + M * C + 2 * N * C * kk;
    note(d, LINEAR, BACKWARD, products * 2 * M * N * C * kk, elements);
}

static void count_maxpool_fwd(vl_device *d, real *y, const real *x, int B, int H, int W, int c)
{
    (void)y, (void)x;
    double n = (double)B * H * W * c;
    note(d, OTHER, FORWARD, n, n + n / 4);
}

static void count_maxpool_bwd(vl_device *d, real *dx, const real *dy, const real *x, int B, int H,
                              int W, int c, int acc)
{
    (void)dx, (void)dy, (void)x;
    double n = (double)B * H * W * c;
    note(d, OTHER, BACKWARD, n, n + n / 4 + (1.0 + acc) * n);
}

/* ---- normalisation and residuals ------------------------------------------------------------- */

static void count_layernorm_fwd(vl_device *d, real *y, real *stats, const real *x, const real *w,
                                const real *b, int rows, int cols, real eps)
{
    UNUSED5(y, stats, x, w, b);
    (void)eps;
    note(d, OTHER, FORWARD, 8.0 * rows * cols, 2.0 * rows * cols);
}

static void count_layernorm_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                                const real *stats, const real *x, const real *w, int rows, int cols,
                                int acc)
{
    UNUSED5(dx, dw, db, dy, stats);
    (void)x, (void)w;
    note(d, OTHER, BACKWARD, 14.0 * rows * cols, (3.0 + acc) * rows * cols);
}

static void count_residual_fwd(vl_device *d, real *y, const real *x, const real *r, vl_drop elem,
                               vl_drop path, int rows_per_sample, int rows, int cols)
{
    UNUSED5(y, r, rows_per_sample, elem.p, path.p);
    note(d, OTHER, FORWARD, 2.0 * rows * cols, (x ? 3.0 : 2.0) * rows * cols);
}

static void count_residual_bwd(vl_device *d, real *dr, const real *dy, vl_drop elem, vl_drop path,
                               int rows_per_sample, int rows, int cols, int acc)
{
    UNUSED5(dr, dy, rows_per_sample, elem.p, path.p);
    note(d, OTHER, BACKWARD, 1.0 * rows * cols, (2.0 + acc) * rows * cols);
}

/* ---- pooling --------------------------------------------------------------------------------- */

static void count_mean_fwd(vl_device *d, real *y, const real *x, const uint8_t *mask, int n_seq,
                           int n, int cols)
{
    (void)y, (void)x, (void)mask;
    double rows = (double)n_seq * n;
    note(d, OTHER, FORWARD, rows * cols, (rows + n_seq) * cols);
}

static void count_mean_bwd(vl_device *d, real *dx, const real *dy, const uint8_t *mask, int n_seq,
                           int n, int cols, int acc)
{
    (void)dx, (void)dy, (void)mask;
    double rows = (double)n_seq * n;
    note(d, OTHER, BACKWARD, rows * cols, ((1.0 + acc) * rows + n_seq) * cols);
}

static void count_unit_fwd(vl_device *d, real *y, real *norm, const real *x, int rows, int cols)
{
    (void)y, (void)norm, (void)x;
    note(d, OTHER, FORWARD, 3.0 * rows * cols, 2.0 * rows * cols);
}

static void count_unit_bwd(vl_device *d, real *dx, const real *dy, const real *y, const real *norm,
                           int rows, int cols, int acc)
{
    UNUSED5(dx, dy, y, norm, d);
    note(d, OTHER, BACKWARD, 5.0 * rows * cols, (3.0 + acc) * rows * cols);
}

/* ---- attention ------------------------------------------------------------------------------- */

static void count_relbias_fwd(vl_device *d, real *bias, const real *table, const int *index,
                              int heads, int n, int m)
{
    UNUSED5(bias, table, index, m, d);
    note(d, OTHER, FORWARD, 0, 2.0 * heads * n);
}

static void count_relbias_bwd(vl_device *d, real *dtable, const real *dbias, const int *index,
                              int heads, int n, int m)
{
    UNUSED5(dtable, dbias, index, m, d);
    note(d, OTHER, BACKWARD, 1.0 * heads * n, 2.0 * heads * n);
}

/* One product of the size of q k^T, over all sequences and heads. */
static double one_product(const vl_attention *s)
{
    return 2.0 * s->n_seq * s->heads * s->head_dim * s->n_q * s->n_k;
}

/* Elements of q (or o) and of k (or v). */
static double asking(const vl_attention *s)
{
    return (double)s->n_seq * s->n_q * s->heads * s->head_dim;
}

static double answering(const vl_attention *s)
{
    return (double)s->n_seq * s->n_k * s->heads * s->head_dim;
}

static void count_attention_fwd(vl_device *d, real *o, real *lse, const real *q, const real *k,
                                const real *v, const real *bias, int ldo, int ldq, int ldkv,
                                const vl_attention *s)
{
    UNUSED5(o, lse, q, k, v);
    UNUSED5(bias, ldo, ldq, ldkv, s);
    note(d, ATTENTION, FORWARD, 2 * one_product(s), 2 * asking(s) + 2 * answering(s));
}

static void count_attention_bwd(vl_device *d, real *dq, real *dk, real *dv, real *dbias,
                                const real *do_, const real *o, const real *lse, const real *q,
                                const real *k, const real *v, const real *bias, int ldo, int ldq,
                                int ldkv, const vl_attention *s, int acc_q, int acc_kv)
{
    UNUSED5(dq, dk, dv, dbias, do_);
    UNUSED5(o, lse, q, k, v);
    UNUSED5(bias, ldo, ldq, ldkv, s);
    note(d, ATTENTION, BACKWARD, 4 * one_product(s),
         (4.0 + acc_q) * asking(s) + (4.0 + 2 * acc_kv) * answering(s));
}

static void count_attention_received(vl_device *d, real *received, const real *q, const real *k,
                                     const real *bias, int ldq, int ldkv, const uint8_t *query_mask,
                                     const vl_attention *s)
{
    UNUSED5(received, q, k, bias, ldq);
    (void)ldkv, (void)query_mask;
    note(d, ATTENTION, FORWARD, one_product(s), asking(s) + answering(s));
}

/* ---- loss and optimiser ---------------------------------------------------------------------- */

static void count_xent_fwd(vl_device *d, real *loss, real *lse, int *best, const real *logits,
                           const int *target, int m, int n, real scale)
{
    UNUSED5(loss, lse, best, logits, target);
    (void)scale;
    note(d, OTHER, FORWARD, 4.0 * m * n, 1.0 * m * n);
}

static void count_xent_bwd(vl_device *d, real *dlogits, const real *dloss, const real *lse,
                           const real *logits, const int *target, int m, int n, real scale, int acc)
{
    UNUSED5(dlogits, dloss, lse, logits, target);
    (void)scale;
    note(d, OTHER, BACKWARD, 4.0 * m * n, (2.0 + acc) * m * n);
}

static void count_gumbel_fwd(vl_device *d, real *y, const real *logits, uint64_t key, real tau,
                             int rows, int cols)
{
    UNUSED5(y, logits, key, tau, d);
    note(d, OTHER, FORWARD, 30.0 * rows * cols, 2.0 * rows * cols);
}

static void count_gumbel_bwd(vl_device *d, real *dlogits, const real *dy, const real *y, real tau,
                             int rows, int cols, int acc)
{
    UNUSED5(dlogits, dy, y, tau, d);
    note(d, OTHER, BACKWARD, 5.0 * rows * cols, (3.0 + acc) * rows * cols);
}

static void count_kl_uniform_fwd(vl_device *d, real *loss, real *stats, const real *logits,
                                 int rows, int cols)
{
    UNUSED5(loss, stats, logits, rows, d);
    note(d, OTHER, FORWARD, 6.0 * rows * cols, 1.0 * rows * cols);
}

static void count_kl_uniform_bwd(vl_device *d, real *dlogits, const real *dloss, const real *stats,
                                 const real *logits, int rows, int cols, int acc)
{
    UNUSED5(dlogits, dloss, stats, logits, d);
    note(d, OTHER, BACKWARD, 6.0 * rows * cols, (2.0 + acc) * rows * cols);
}

static void count_logit_laplace_fwd(vl_device *d, real *loss, const real *y, const real *x,
                                    int rows)
{
    (void)loss, (void)y, (void)x;
    note(d, OTHER, FORWARD, 90.0 * rows, 9.0 * rows);
}

static void count_logit_laplace_bwd(vl_device *d, real *dy, const real *dloss, const real *y,
                                    const real *x, int rows, int acc)
{
    UNUSED5(dy, dloss, y, x, d);
    note(d, OTHER, BACKWARD, 60.0 * rows, (15.0 + 6 * acc) * rows);
}

static void count_adamw(vl_device *d, real *p, real *m, real *v, const real *g, size_t n,
                        double gscale, double lr, double beta1, double beta2, double eps,
                        double decay, double c1, double c2)
{
    UNUSED5(p, m, v, g, gscale);
    UNUSED5(lr, beta1, beta2, eps, decay);
    (void)c1, (void)c2;
    note(d, OTHER, BACKWARD, 14.0 * (double)n, 7.0 * (double)n);
}

/* ---- the table, and what it counted ---------------------------------------------------------- */

static const char *count_isa(void)
{
    return "nothing";
}

static const vl_backend count_backend = {
    .name = "count",
    .isa = count_isa,
    .open = count_open,
    .close = count_close,
    .failed = count_failed,
    .peak_flops = count_peak_flops,
    .fill = count_fill,
    .move = count_move,
    .accumulate = count_accumulate,
    .add = count_add,
    .sum_squares = count_sum_squares,
    .gather_fwd = count_gather_fwd,
    .gather_bwd = count_gather_bwd,
    .patches = count_patches,
    .pixels = count_pixels,
    .linear_fwd = count_linear_fwd,
    .linear_bwd = count_linear_bwd,
    .act_fwd = count_act_fwd,
    .act_bwd = count_act_bwd,
    .conv2d_fwd = count_conv2d_fwd,
    .conv2d_bwd = count_conv2d_bwd,
    .maxpool_fwd = count_maxpool_fwd,
    .maxpool_bwd = count_maxpool_bwd,
    .layernorm_fwd = count_layernorm_fwd,
    .layernorm_bwd = count_layernorm_bwd,
    .residual_fwd = count_residual_fwd,
    .residual_bwd = count_residual_bwd,
    .mean_fwd = count_mean_fwd,
    .mean_bwd = count_mean_bwd,
    .unit_fwd = count_unit_fwd,
    .unit_bwd = count_unit_bwd,
    .relbias_fwd = count_relbias_fwd,
    .relbias_bwd = count_relbias_bwd,
    .attention_fwd = count_attention_fwd,
    .attention_bwd = count_attention_bwd,
    .attention_received = count_attention_received,
    .xent_fwd = count_xent_fwd,
    .xent_bwd = count_xent_bwd,
    .gumbel_fwd = count_gumbel_fwd,
    .gumbel_bwd = count_gumbel_bwd,
    .kl_uniform_fwd = count_kl_uniform_fwd,
    .kl_uniform_bwd = count_kl_uniform_bwd,
    .logit_laplace_fwd = count_logit_laplace_fwd,
    .logit_laplace_bwd = count_logit_laplace_bwd,
    .adamw = count_adamw,
};

const vl_backend *vl_backend_count(void)
{
    return &count_backend;
}

vl_count vl_count_get(const vl_device *d)
{
    return d->count;
}

vl_count vl_count_between(const vl_count *before, const vl_count *after)
{
    vl_count c = *after;
    for (int f = 0; f < VL_COUNT_FAMILIES; f++)
        for (int i = 0; i < VL_COUNT_DIRECTIONS; i++) {
            c.flops[f][i] -= before->flops[f][i];
            c.bytes[f][i] -= before->bytes[f][i];
            c.calls[f][i] -= before->calls[f][i];
        }
    return c;
}

double vl_count_products(const vl_count *c, int direction)
{
    return c->flops[LINEAR][direction] + c->flops[ATTENTION][direction];
}
