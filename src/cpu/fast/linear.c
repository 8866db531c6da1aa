/* y = act(x) w^T + b and its backward, on the matrix products of gemm.c.
 *
 * x is kept from before the activation, so act(x) is computed again wherever it is multiplied: for
 * a block of rows that stays in cache, not for the whole matrix. Bias and act' are applied to the
 * block just multiplied for the same reason, and db is summed over the block of dy that is
 * multiplied next. The blocks are large, because oneDNN packs w anew for each: measured, blocks of
 * 85 rows cost a third of its speed, blocks of 700 next to nothing. */
#include "fast.h"

/* How many rows to take at a time so that a block of the widest matrix (rows, cols) has 4 MB a
 * thread, but at least 512 rows; the blocks are of about equal size. */
static int block_rows(const vl_device *d, int rows, int cols)
{
    size_t most = ((size_t)d->threads << 20) / (size_t)(cols > 0 ? cols : 1);
    if (most < 512) most = 512;
    size_t blocks = ((size_t)rows + most - 1) / most;
    return blocks ? (int)(((size_t)rows + blocks - 1) / blocks) : 1;
}

typedef struct rows_call {
    const vl_device *d;
    float *y, *sum;
    const float *x, *z;
    int rows, cols, acc;
    vl_act act;
} rows_call;

static void act_part(void *context, int part, int parts)
{
    const rows_call *c = context;
    size_t n = (size_t)c->rows * (size_t)c->cols, from, to;
    vlf_range(n, 64, part, parts, &from, &to);
    c->d->k->act(c->y + from, c->x + from, to - from, c->act);
}

static void act_grad_part(void *context, int part, int parts)
{
    const rows_call *c = context;
    size_t n = (size_t)c->rows * (size_t)c->cols, from, to;
    vlf_range(n, 64, part, parts, &from, &to);
    c->d->k->act_grad(c->y + from, c->z + from, c->x + from, to - from, c->act, c->acc);
}

static void bias_part(void *context, int part, int parts)
{
    const rows_call *c = context;
    size_t from, to;
    vlf_range((size_t)c->rows, 1, part, parts, &from, &to);
    c->d->k->add_bias(c->y + from * (size_t)c->cols, c->x, (int)(to - from), c->cols, c->cols);
}

/* each part owns columns, so that nothing has to be added up afterwards */
static void col_sums_part(void *context, int part, int parts)
{
    const rows_call *c = context;
    size_t from, to;
    vlf_range((size_t)c->cols, 64, part, parts, &from, &to);
    if (from == to) return;
    for (int r = 0; r < c->rows; r += 64) { /* sums of sums: rounding grows with the blocks only */
        int count = c->rows - r < 64 ? c->rows - r : 64;
        c->d->k->col_sums(c->sum + from, c->x + (size_t)r * (size_t)c->cols + from, count,
                          (int)(to - from), c->cols);
    }
}

static void activate(vl_device *d, float *y, const float *x, int rows, int cols, vl_act act)
{
    rows_call c = {.d = d, .y = y, .x = x, .rows = rows, .cols = cols, .act = act};
    vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)cols), act_part, &c);
}

void vlf_linear_fwd(vl_device *d, float *y, const float *x, const float *w, const float *b, int m,
                    int n, int k, vl_act act)
{
    if (m <= 0 || n <= 0) return;
    int block = act == VL_ACT_NONE && !b ? m : block_rows(d, m, k > n ? k : n);
    float *active = NULL;
    if (act != VL_ACT_NONE) {
        active = vlf_scratch(d, (size_t)block * (size_t)k * sizeof *active);
        if (!active) return;
    }
    for (int i = 0; i < m; i += block) {
        int rows = m - i < block ? m - i : block;
        const float *from = x + (size_t)i * (size_t)k;
        float *to = y + (size_t)i * (size_t)n;
        if (active) activate(d, active, from, rows, k, act);
        vlf_gemm(d, false, true, rows, n, k, active ? active : from, k, w, k, 0, to, n);
        if (!b) continue;
        rows_call c = {.d = d, .y = to, .x = b, .rows = rows, .cols = n};
        vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)n), bias_part, &c);
    }
}

/* dx = act'(x) * (dy w) [acc] */
static void grad_x(vl_device *d, float *dx, const float *dy, const float *x, const float *w, int m,
                   int n, int k, vl_act act, int acc)
{
    if (act == VL_ACT_NONE) {
        vlf_gemm(d, false, false, m, k, n, dy, n, w, k, acc ? 1 : 0, dx, k);
        return;
    }
    int block = block_rows(d, m, k > n ? k : n);
    float *product = acc ? vlf_scratch(d, (size_t)block * (size_t)k * sizeof *product) : NULL;
    if (acc && !product) return;
    for (int i = 0; i < m; i += block) {
        int rows = m - i < block ? m - i : block;
        size_t at = (size_t)i * (size_t)k;
        float *to = acc ? product : dx + at;
        vlf_gemm(d, false, false, rows, k, n, dy + (size_t)i * (size_t)n, n, w, k, 0, to, k);
        rows_call c = {.d = d, .y = dx + at, .z = to, .x = x + at, .rows = rows, .cols = k,
                       .acc = acc, .act = act};
        vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)k), act_grad_part, &c);
    }
}

/* dw += dy^T act(x), db += column sums of dy */
static void grad_w(vl_device *d, float *dw, float *db, const float *dy, const float *x, int m,
                   int n, int k, vl_act act)
{
    int block = block_rows(d, m, k > n ? k : n);
    float *active = NULL;
    if (act != VL_ACT_NONE && dw) {
        active = vlf_scratch(d, (size_t)block * (size_t)k * sizeof *active);
        if (!active) return;
    }
    for (int i = 0; i < m; i += block) {
        int rows = m - i < block ? m - i : block;
        const float *from = x + (size_t)i * (size_t)k, *grad = dy + (size_t)i * (size_t)n;
        rows_call c = {.d = d, .sum = db, .x = grad, .rows = rows, .cols = n};
        if (db) vlf_run(d, vlf_parts(d, (size_t)rows * (size_t)n), col_sums_part, &c);
        if (!dw) continue;
        if (active) activate(d, active, from, rows, k, act);
        vlf_gemm(d, true, false, n, k, rows, grad, n, active ? active : from, k, 1, dw, k);
    }
}

void vlf_linear_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy, const float *x,
                    const float *w, int m, int n, int k, vl_act act, int acc)
{
    if (m <= 0 || n <= 0) return;
    if (dw || db) grad_w(d, dw, db, dy, x, m, n, k, act);
    if (dx) grad_x(d, dx, dy, x, w, m, n, k, act, acc);
}

void vlf_act_fwd(vl_device *d, float *y, const float *x, size_t n, vl_act act)
{
    size_t most = (size_t)1 << 30; /* rows_call counts in int */
    for (size_t i = 0; i < n; i += most)
        activate(d, y + i, x + i, 1, (int)(n - i < most ? n - i : most), act);
}

void vlf_act_bwd(vl_device *d, float *dx, const float *dy, const float *x, size_t n, vl_act act,
                 int acc)
{
    size_t most = (size_t)1 << 30;
    for (size_t i = 0; i < n; i += most) {
        rows_call c = {.d = d, .y = dx + i, .z = dy + i, .x = x + i, .rows = 1,
                       .cols = (int)(n - i < most ? n - i : most), .acc = acc, .act = act};
        vlf_run(d, vlf_parts(d, n), act_grad_part, &c);
    }
}
