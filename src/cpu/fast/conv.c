/* Convolution as a product with patches: for a block of pixels that stays in cache, the k x k pixels
 * around each (activated, zeros beyond the picture) are laid side by side, tap by tap with all
 * channels of a tap together, and multiplied with the weights, laid in the same order. */
#include <string.h>

#include "fast.h"

typedef struct conv {
    const vl_device *d;
    float *to;
    const float *from;
    int H, W, n, c, k;
    size_t first, rows; /* the block of pixels */
    size_t all;         /* pixels */
    vl_act act;
    int acc;
} conv;

static size_t taps(const conv *s) { return (size_t)s->k * (size_t)s->k; }

/* How many pixels to take at a time: patches of 2 MB a thread, but at least 256. */
static size_t block_of(const vl_device *d, const conv *s)
{
    size_t most = ((size_t)d->threads << 19) / (taps(s) * (size_t)s->c);
    if (most < 256) most = 256;
    size_t blocks = (s->all + most - 1) / most;
    return blocks ? (s->all + blocks - 1) / blocks : 1;
}

/* The pixel that a tap of pixel `row` sees; `sign` -1: by which it is seen. -1: none. */
static long seen(const conv *s, size_t row, int tap, int sign)
{
    int r = s->k / 2, W = s->W, H = s->H;
    int x = (int)(row % (size_t)W) + sign * (tap % s->k - r);
    int y = (int)(row / (size_t)W % (size_t)H) + sign * (tap / s->k - r);
    if (x < 0 || x >= W || y < 0 || y >= H) return -1;
    return (long)(row / (size_t)W / (size_t)H) * H * W + (long)y * W + x;
}

/* to (rows, taps, c) = the patches of the block */
static void patches_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, c = (size_t)s->c;
    vlf_range(s->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        for (size_t tap = 0; tap < taps(s); tap++) {
            float *a = s->to + (i * taps(s) + tap) * c;
            long at = seen(s, s->first + i, (int)tap, 1);
            if (at < 0)
                memset(a, 0, c * sizeof *a);
            else
                s->d->k->act(a, s->from + (size_t)at * c, c, s->act);
        }
}

/* to (n, taps, c) = w (n, c, taps) */
static void tap_major_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, c = (size_t)s->c, kk = taps(s);
    vlf_range((size_t)s->n, 1, part, parts, &from, &to);
    for (size_t j = from; j < to; j++)
        for (size_t i = 0; i < c; i++)
            for (size_t tap = 0; tap < kk; tap++)
                s->to[(j * kk + tap) * c + i] = s->from[(j * c + i) * kk + tap];
}

/* to (n, c, taps) += from (n, taps, c) */
static void tap_minor_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, c = (size_t)s->c, kk = taps(s);
    vlf_range((size_t)s->n, 1, part, parts, &from, &to);
    for (size_t j = from; j < to; j++)
        for (size_t i = 0; i < c; i++)
            for (size_t tap = 0; tap < kk; tap++)
                s->to[(j * c + i) * kk + tap] += s->from[(j * kk + tap) * c + i];
}

static void bias_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, n = (size_t)s->n;
    vlf_range(s->rows, 1, part, parts, &from, &to);
    s->d->k->add_bias(s->to + from * n, s->from, (int)(to - from), s->n, s->n);
}

/* The call with other arrays, on as many threads as it is worth. */
static void run(vl_device *d, conv s, vlf_task task, float *to, const float *from)
{
    s.to = to;
    s.from = from;
    vlf_run(d, d->threads, task, &s);
}

void vlf_conv2d_fwd(vl_device *d, float *y, const float *x, const float *w, const float *b, int B,
                    int H, int W, int n, int c, int k, vl_act act)
{
    conv s = {.d = d, .H = H, .W = W, .n = n, .c = c, .k = k, .act = act,
              .all = (size_t)B * (size_t)H * (size_t)W};
    if (k == 1) {
        vlf_linear_fwd(d, y, x, w, b, (int)s.all, n, c, act);
        return;
    }
    size_t K = taps(&s) * (size_t)c, block = block_of(d, &s);
    float *weights = vlf_scratch(d, ((size_t)n + block) * K * sizeof *weights);
    if (!weights) return;
    float *patches = weights + (size_t)n * K;
    run(d, s, tap_major_part, weights, w);
    for (s.first = 0; s.first < s.all; s.first += block) {
        s.rows = s.all - s.first < block ? s.all - s.first : block;
        float *to = y + s.first * (size_t)n;
        run(d, s, patches_part, patches, x);
        vlf_gemm(d, false, true, (int)s.rows, n, (int)K, patches, (int)K, weights, (int)K, 0, to,
                 n);
        if (b) run(d, s, bias_part, to, b);
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* to = act'(x) * sum over taps of the patches' gradients (all pixels, taps, c), where x was seen */
typedef struct collect {
    conv s;
    const float *x;
} collect;

static void collect_part(void *context, int part, int parts)
{
    const collect *g = context;
    const conv *s = &g->s;
    size_t from, to, c = (size_t)s->c;
    vlf_range(s->all, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        for (size_t tap = 0, first = 1; tap < taps(s); tap++) {
            long at = seen(s, i, (int)tap, -1);
            if (at < 0) continue;
            const float *da = s->from + ((size_t)at * taps(s) + tap) * c;
            s->d->k->act_grad(s->to + i * c, da, g->x + i * c, c, s->act, s->acc || !first);
            first = 0;
        }
}

static void grad_x(vl_device *d, float *dx, const float *dy, const float *x, const float *w,
                   conv s)
{
    size_t K = taps(&s) * (size_t)s.c;
    float *weights = vlf_scratch(d, ((size_t)s.n + s.all) * K * sizeof *weights);
    if (!weights) return;
    float *patches = weights + (size_t)s.n * K;
    run(d, s, tap_major_part, weights, w);
    vlf_gemm(d, false, false, (int)s.all, (int)K, s.n, dy, s.n, weights, (int)K, 0, patches,
             (int)K);
    collect g = {s, x};
    g.s.to = dx;
    g.s.from = patches;
    vlf_run(d, d->threads, collect_part, &g);
}

static void grad_w(vl_device *d, float *dw, const float *dy, const float *x, conv s)
{
    size_t K = taps(&s) * (size_t)s.c, block = block_of(d, &s);
    float *sum = vlf_scratch(d, ((size_t)s.n + block) * K * sizeof *sum);
    if (!sum) return;
    float *patches = sum + (size_t)s.n * K;
    for (s.first = 0; s.first < s.all; s.first += block) {
        s.rows = s.all - s.first < block ? s.all - s.first : block;
        run(d, s, patches_part, patches, x);
        vlf_gemm(d, true, false, s.n, (int)K, (int)s.rows, dy + s.first * (size_t)s.n, s.n,
                 patches, (int)K, s.first ? 1 : 0, sum, (int)K);
    }
    run(d, s, tap_minor_part, dw, sum);
}

void vlf_conv2d_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy, const float *x,
                    const float *w, int B, int H, int W, int n, int c, int k, vl_act act, int acc)
{
    conv s = {.d = d, .H = H, .W = W, .n = n, .c = c, .k = k, .act = act, .acc = acc,
              .all = (size_t)B * (size_t)H * (size_t)W};
    if (k == 1) {
        vlf_linear_bwd(d, dx, dw, db, dy, x, w, (int)s.all, n, c, act, acc);
        return;
    }
    if (db) vlf_linear_bwd(d, NULL, NULL, db, dy, x, w, (int)s.all, n, c, act, 0);
    if (dw) grad_w(d, dw, dy, x, s);
    if (dx) grad_x(d, dx, dy, x, w, s);
}
