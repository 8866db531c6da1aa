/* Reference: means over the rows of sequences, rows of length 1. */
#include <math.h>

#include "cpu/ref/ref.h"

static int count_seen(const uint8_t *mask, int n)
{
    int seen = 0;
    for (int i = 0; i < n; i++) seen += !mask || mask[i];
    return seen;
}

void vl_ref_mean_fwd(vl_device *d, real *y, const real *x, const uint8_t *mask, int n_seq, int n,
                     int cols)
{
    (void)d;
    for (int s = 0; s < n_seq; s++) {
        const uint8_t *m = mask ? mask + (size_t)s * n : NULL;
        int seen = count_seen(m, n);
        for (int c = 0; c < cols; c++) {
            double sum = 0;
            for (int i = 0; i < n; i++)
                if (!m || m[i]) sum += x[((size_t)s * n + i) * cols + c];
            y[(size_t)s * cols + c] = (real)(seen ? sum / seen : 0);
        }
    }
}

void vl_ref_mean_bwd(vl_device *d, real *dx, const real *dy, const uint8_t *mask, int n_seq, int n,
                     int cols, int acc)
{
    (void)d;
    for (int s = 0; s < n_seq; s++) {
        const uint8_t *m = mask ? mask + (size_t)s * n : NULL;
        int seen = count_seen(m, n);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < cols; c++) {
                double g = !m || m[i] ? dy[(size_t)s * cols + c] / (double)seen : 0;
                vl_ref_put(&dx[((size_t)s * n + i) * cols + c], g, acc);
            }
    }
}

void vl_ref_unit_fwd(vl_device *d, real *y, real *norm, const real *x, int rows, int cols)
{
    (void)d;
    for (int r = 0; r < rows; r++) {
        const real *xr = x + (size_t)r * cols;
        double sum = 0;
        for (int c = 0; c < cols; c++) sum += (double)xr[c] * xr[c];
        double length = sqrt(sum);
        norm[r] = (real)length;
        for (int c = 0; c < cols; c++)
            y[(size_t)r * cols + c] = (real)(length > 0 ? xr[c] / length : 0);
    }
}

void vl_ref_unit_bwd(vl_device *d, real *dx, const real *dy, const real *y, const real *norm,
                     int rows, int cols, int acc)
{
    (void)d;
    for (int r = 0; r < rows; r++) {
        size_t first = (size_t)r * cols;
        double dot = 0;
        for (int c = 0; c < cols; c++) dot += (double)y[first + c] * dy[first + c];
        for (int c = 0; c < cols; c++) {
            double g = norm[r] > 0 ? (dy[first + c] - y[first + c] * dot) / norm[r] : 0;
            vl_ref_put(&dx[first + c], g, acc);
        }
    }
}
