/* Reference: convolution and pooling.
 *
 * A convolution is a matrix product with patches: the patch of a pixel is act(x) of the k x k
 * pixels around it, in the order of w's columns (channel, ky, kx), zeros beyond the picture. */
#include "cpu/ref/ref.h"

typedef struct conv {
    int H, W, c, k;
} conv;

/* Row of the pixel that tap (ky, kx) of pixel `row` sees; -1: beyond the picture. */
static long seen(const conv *s, size_t row, int ky, int kx)
{
    int x = (int)(row % s->W) + kx - s->k / 2, y = (int)(row / s->W % s->H) + ky - s->k / 2;
    if (x < 0 || x >= s->W || y < 0 || y >= s->H) return -1;
    return (long)(row / s->W / s->H) * s->H * s->W + (long)y * s->W + x;
}

/* a (c*k*k), the patch of pixel `row` */
static void patch_of(double *a, const real *x, const conv *s, size_t row, vl_act act)
{
    int kk = s->k * s->k;
    for (int tap = 0; tap < kk; tap++) {
        long from = seen(s, row, tap / s->k, tap % s->k);
        for (int c = 0; c < s->c; c++)
            a[c * kk + tap] = from < 0 ? 0 : vl_ref_act(x[(size_t)from * s->c + c], act);
    }
}

void vl_ref_conv2d_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b, int B,
                       int H, int W, int n, int c, int k, vl_act act)
{
    const conv s = {H, W, c, k};
    size_t rows = (size_t)B * H * W, K = (size_t)c * k * k;
    double *a = vl_ref_scratch(d, K); // (c*k*k)
    if (!a) return;
    for (size_t i = 0; i < rows; i++) {
        patch_of(a, x, &s, i, act);
        for (int j = 0; j < n; j++) {
            double sum = b ? b[j] : 0;
            for (size_t p = 0; p < K; p++) sum += a[p] * w[j * K + p];
            y[i * n + j] = (real)sum;
        }
    }
}

/* sum (rows, c) = dy w, patch by patch, each value where it was seen */
static void conv2d_dx(vl_device *d, real *dx, const real *dy, const real *x, const real *w,
                      size_t rows, int n, const conv *s, vl_act act, int acc)
{
    int kk = s->k * s->k;
    size_t K = (size_t)s->c * kk, size = rows * s->c;
    double *sum = vl_ref_scratch(d, size + K); // (rows, c)
    if (!sum) return;
    double *da = sum + size; // (c*k*k), the gradient of a patch
    for (size_t i = 0; i < size; i++) sum[i] = 0;
    for (size_t i = 0; i < rows; i++) {
        for (size_t p = 0; p < K; p++) da[p] = 0;
        for (int j = 0; j < n; j++) {
            double g = dy[i * n + j];
            for (size_t p = 0; p < K; p++) da[p] += g * w[j * K + p];
        }
        for (int tap = 0; tap < kk; tap++) {
            long to = seen(s, i, tap / s->k, tap % s->k);
            for (int c = 0; to >= 0 && c < s->c; c++) sum[to * s->c + c] += da[c * kk + tap];
        }
    }
    for (size_t i = 0; i < size; i++) vl_ref_put(&dx[i], vl_ref_act_slope(x[i], act) * sum[i], acc);
}

static void conv2d_dw(vl_device *d, real *dw, const real *dy, const real *x, size_t rows, int n,
                      const conv *s, vl_act act)
{
    size_t K = (size_t)s->c * s->k * s->k;
    double *sum = vl_ref_scratch(d, (n + 1) * K); // (n, c*k*k)
    if (!sum) return;
    double *a = sum + n * K; // (c*k*k)
    for (size_t i = 0; i < n * K; i++) sum[i] = 0;
    for (size_t i = 0; i < rows; i++) {
        patch_of(a, x, s, i, act);
        for (int j = 0; j < n; j++) {
            double g = dy[i * n + j];
            for (size_t p = 0; p < K; p++) sum[j * K + p] += g * a[p];
        }
    }
    for (size_t i = 0; i < n * K; i++) vl_ref_put(&dw[i], sum[i], 1);
}

void vl_ref_conv2d_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int B, int H, int W, int n, int c, int k, vl_act act,
                       int acc)
{
    const conv s = {H, W, c, k};
    size_t rows = (size_t)B * H * W;
    if (dx) conv2d_dx(d, dx, dy, x, w, rows, n, &s, act, acc);
    if (dw) conv2d_dw(d, dw, dy, x, rows, n, &s, act);
    for (int j = 0; db && j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < rows; i++) sum += dy[i * n + j];
        vl_ref_put(&db[j], sum, 1);
    }
}

/* ---- pooling -------------------------------------------------------------------------------- */

/* The first of the four pixels under pixel `row` of the small picture where channel c is largest */
static size_t largest(const real *x, size_t row, int H, int W, int n, int c)
{
    size_t w = W / 2, h = H / 2;
    size_t first = (row / w / h * H + row / w % h * 2) * W + row % w * 2;
    const size_t four[] = {first, first + 1, first + W, first + W + 1};
    size_t best = first;
    for (int i = 1; i < 4; i++)
        if (x[four[i] * n + c] > x[best * n + c]) best = four[i];
    return best;
}

void vl_ref_maxpool_fwd(vl_device *d, real *y, const real *x, int B, int H, int W, int c)
{
    (void)d;
    for (size_t row = 0; row < (size_t)B * (H / 2) * (W / 2); row++)
        for (int j = 0; j < c; j++) y[row * c + j] = x[largest(x, row, H, W, c, j) * c + j];
}

void vl_ref_maxpool_bwd(vl_device *d, real *dx, const real *dy, const real *x, int B, int H, int W,
                        int c, int acc)
{
    (void)d;
    for (size_t i = 0; !acc && i < (size_t)B * H * W * c; i++) dx[i] = 0;
    for (size_t row = 0; row < (size_t)B * (H / 2) * (W / 2); row++)
        for (int j = 0; j < c; j++) dx[largest(x, row, H, W, c, j) * c + j] += dy[row * c + j];
}
