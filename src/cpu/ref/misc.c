/* Reference: copies and sums, rows by a table, pictures, AdamW. */
#include <math.h>

#include <string.h>

#include "cpu/ref/ref.h"

void vl_ref_fill(vl_device *d, real *x, real value, size_t n)
{
    (void)d;
    for (size_t i = 0; i < n; i++) x[i] = value;
}

void vl_ref_move(vl_device *d, real *y, const real *x, size_t n)
{
    (void)d;
    memmove(y, x, n * sizeof *y);
}

void vl_ref_accumulate(vl_device *d, real *y, const real *x, real scale, size_t n, int acc)
{
    (void)d;
    for (size_t i = 0; i < n; i++) vl_ref_put(&y[i], (double)scale * x[i], acc);
}

void vl_ref_add(vl_device *d, real *y, const real *a, const real *b, size_t n)
{
    (void)d;
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

double vl_ref_sum_squares(vl_device *d, const real *x, size_t n)
{
    (void)d;
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sum;
}

void vl_ref_gather_fwd(vl_device *d, real *y, const real *a, const real *b, const int *table,
                       int rows, int cols, int a_rows)
{
    (void)d;
    for (int i = 0; i < rows; i++) {
        int from = table[i];
        for (int c = 0; c < cols; c++) {
            real v = 0;
            if (from >= a_rows) v = b[(size_t)(from - a_rows) * cols + c];
            else if (from >= 0) v = a[(size_t)from * cols + c];
            y[(size_t)i * cols + c] = v;
        }
    }
}

/* Does without `back`, which only says the same in another way. */
void vl_ref_gather_bwd(vl_device *d, real *dx, const real *dy, const int *table, const int *back,
                       int rows, int cols, int first, int x_rows, int acc)
{
    (void)back;
    size_t n = (size_t)x_rows * cols;
    double *sum = vl_ref_scratch(d, n); // (x_rows, cols)
    if (!sum) return;
    for (size_t i = 0; i < n; i++) sum[i] = 0;
    for (int i = 0; i < rows; i++) {
        int to = table[i] - first;
        if (table[i] < 0 || to < 0 || to >= x_rows) continue;
        for (int c = 0; c < cols; c++) sum[(size_t)to * cols + c] += dy[(size_t)i * cols + c];
    }
    for (size_t i = 0; i < n; i++) vl_ref_put(&dx[i], sum[i], acc);
}

void vl_ref_patches(vl_device *d, real *y, const uint8_t *image, const real mean[3],
                    const real deviation[3], int B, int T, int H, int W)
{
    (void)d;
    int h = (H + 3) / 4, w = (W + 3) / 4;
    for (int row = 0; row < B * T * h * w; row++) {
        int px = row % w, py = row / w % h, t = row / w / h % T, b = row / w / h / T;
        for (int col = 0; col < 96; col++) {
            int dx = col % 4, dy = col / 4 % 4, dt = col / 16 % 2, c = col / 32;
            int X = px * 4 + dx, Y = py * 4 + dy, frame = t + dt;
            double v = 0;
            if (frame < T && Y < H && X < W) {
                size_t at = ((((size_t)b * T + frame) * 3 + c) * H + Y) * W + X;
                v = (image[at] / 255.0 - mean[c]) / deviation[c];
            }
            y[(size_t)row * 96 + col] = (real)v;
        }
    }
}

void vl_ref_pixels(vl_device *d, real *y, const uint8_t *image, double scale, double shift, int B,
                   int H, int W)
{
    (void)d;
    size_t plane = (size_t)H * W;
    for (size_t row = 0; row < B * plane; row++)
        for (size_t c = 0; c < 3; c++) {
            size_t at = (row / plane * 3 + c) * plane + row % plane;
            y[row * 3 + c] = vl_pixel(image[at], (float)scale, (float)shift);
        }
}

void vl_ref_adamw(vl_device *d, real *p, real *m, real *v, const real *g, size_t n, double gscale,
                  double lr, double beta1, double beta2, double eps, double decay, double c1,
                  double c2)
{
    (void)d;
    for (size_t i = 0; i < n; i++) {
        double gi = gscale * g[i];
        double mi = beta1 * m[i] + (1 - beta1) * gi;
        double vi = beta2 * v[i] + (1 - beta2) * gi * gi;
        double pi = p[i] - lr * decay * p[i];
        m[i] = (real)mi;
        v[i] = (real)vi;
        p[i] = (real)(pi - lr * (mi / c1) / (sqrt(vi / c2) + eps));
    }
}
