/* Reference: layer norm, and residuals with dropout and drop path. */
#include <math.h>

#include "cpu/ref/ref.h"

void vl_ref_layernorm_fwd(vl_device *d, real *y, real *stats, const real *x, const real *w,
                          const real *b, int rows, int cols, real eps)
{
    (void)d;
    for (int r = 0; r < rows; r++) {
        const real *xr = x + (size_t)r * cols;
        double mean = 0, variance = 0;
        for (int c = 0; c < cols; c++) mean += xr[c];
        mean /= cols;
        for (int c = 0; c < cols; c++) variance += (xr[c] - mean) * (xr[c] - mean);
        variance /= cols;
        double inv = 1 / sqrt(variance + eps);
        for (int c = 0; c < cols; c++)
            y[(size_t)r * cols + c] = (real)((xr[c] - mean) * inv * w[c] + b[c]);
        stats[2 * (size_t)r] = (real)mean;
        stats[2 * (size_t)r + 1] = (real)inv;
    }
}

/* With n = (x - mean) * inv and g = dy * w:
 *     dx = inv * (g - mean(g) - n * mean(g n)),  dw = sum over rows of dy n,  db = sum of dy. */
void vl_ref_layernorm_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                          const real *stats, const real *x, const real *w, int rows, int cols,
                          int acc)
{
    (void)d;
    for (int r = 0; dx && r < rows; r++) {
        const real *xr = x + (size_t)r * cols, *dyr = dy + (size_t)r * cols;
        double mean = stats[2 * (size_t)r], inv = stats[2 * (size_t)r + 1];
        double g_mean = 0, gn_mean = 0;
        for (int c = 0; c < cols; c++) {
            double g = (double)dyr[c] * w[c];
            g_mean += g / cols;
            gn_mean += g * (xr[c] - mean) * inv / cols;
        }
        for (int c = 0; c < cols; c++) {
            double g = (double)dyr[c] * w[c], n = (xr[c] - mean) * inv;
            vl_ref_put(&dx[(size_t)r * cols + c], inv * (g - g_mean - n * gn_mean), acc);
        }
    }
    for (int c = 0; c < cols; c++) {
        double w_sum = 0, b_sum = 0;
        for (int r = 0; r < rows; r++) {
            size_t at = (size_t)r * cols + c;
            w_sum += dy[at] * ((double)x[at] - stats[2 * (size_t)r]) * stats[2 * (size_t)r + 1];
            b_sum += dy[at];
        }
        if (dw) vl_ref_put(&dw[c], w_sum, 1);
        if (db) vl_ref_put(&db[c], b_sum, 1);
    }
}

static double residual_scale(vl_drop elem, vl_drop path, int rows_per_sample, int cols, size_t at)
{
    double s = vl_drop_scale(elem, at);
    return s * vl_drop_scale(path, at / cols / (size_t)rows_per_sample);
}

void vl_ref_residual_fwd(vl_device *d, real *y, const real *x, const real *r, vl_drop elem,
                         vl_drop path, int rows_per_sample, int rows, int cols)
{
    (void)d;
    for (size_t i = 0; i < (size_t)rows * cols; i++) {
        double s = residual_scale(elem, path, rows_per_sample, cols, i);
        y[i] = (real)((x ? x[i] : 0) + s * r[i]);
    }
}

void vl_ref_residual_bwd(vl_device *d, real *dr, const real *dy, vl_drop elem, vl_drop path,
                         int rows_per_sample, int rows, int cols, int acc)
{
    (void)d;
    for (size_t i = 0; i < (size_t)rows * cols; i++) {
        double s = residual_scale(elem, path, rows_per_sample, cols, i);
        vl_ref_put(&dr[i], s * dy[i], acc);
    }
}
