/* Reference: matrix products and activations. */
#include <math.h>

#include "cpu/ref/ref.h"

double vl_ref_act(double x, vl_act act)
{
    switch (act) {
    case VL_ACT_NONE: return x;
    case VL_ACT_GELU: return x / 2 * (1 + erf(x / sqrt(2)));
    case VL_ACT_RELU: return x > 0 ? x : 0;
    }
    return x;
}

double vl_ref_act_slope(double x, vl_act act)
{
    const double pi = 3.14159265358979323846;
    switch (act) {
    case VL_ACT_NONE: return 1;
    case VL_ACT_GELU: return (1 + erf(x / sqrt(2))) / 2 + x * exp(-x * x / 2) / sqrt(2 * pi);
    case VL_ACT_RELU: return x > 0;
    }
    return 1;
}

void vl_ref_linear_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b, int m,
                       int n, int k, vl_act act)
{
    double *a = vl_ref_scratch(d, k); // (k), one row of act(x)
    if (!a) return;
    for (int i = 0; i < m; i++) {
        for (int p = 0; p < k; p++) a[p] = vl_ref_act(x[(size_t)i * k + p], act);
        for (int j = 0; j < n; j++) {
            double sum = b ? b[j] : 0;
            for (int p = 0; p < k; p++) sum += a[p] * w[(size_t)j * k + p];
            y[(size_t)i * n + j] = (real)sum;
        }
    }
}

static void linear_dx(vl_device *d, real *dx, const real *dy, const real *x, const real *w, int m,
                      int n, int k, vl_act act, int acc)
{
    double *sum = vl_ref_scratch(d, k); // (k)
    if (!sum) return;
    for (int i = 0; i < m; i++) {
        for (int p = 0; p < k; p++) sum[p] = 0;
        for (int j = 0; j < n; j++) {
            double g = dy[(size_t)i * n + j];
            for (int p = 0; p < k; p++) sum[p] += g * w[(size_t)j * k + p];
        }
        for (int p = 0; p < k; p++) {
            size_t at = (size_t)i * k + p;
            /* x is not read, and may be NULL, where the slope does not depend on it */
            double slope = act == VL_ACT_NONE ? 1 : vl_ref_act_slope(x[at], act);
            vl_ref_put(&dx[at], slope * sum[p], acc);
        }
    }
}

static void linear_dw(vl_device *d, real *dw, const real *dy, const real *x, int m, int n, int k,
                      vl_act act)
{
    double *a = vl_ref_scratch(d, (size_t)(m + 1) * k); // (m, k), act(x)
    if (!a) return;
    double *sum = a + (size_t)m * k; // (k)
    for (size_t i = 0; i < (size_t)m * k; i++) a[i] = vl_ref_act(x[i], act);
    for (int j = 0; j < n; j++) {
        for (int p = 0; p < k; p++) sum[p] = 0;
        for (int i = 0; i < m; i++) {
            double g = dy[(size_t)i * n + j];
            for (int p = 0; p < k; p++) sum[p] += g * a[(size_t)i * k + p];
        }
        for (int p = 0; p < k; p++) vl_ref_put(&dw[(size_t)j * k + p], sum[p], 1);
    }
}

void vl_ref_linear_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int m, int n, int k, vl_act act, int acc)
{
    if (dx) linear_dx(d, dx, dy, x, w, m, n, k, act, acc);
    if (dw) linear_dw(d, dw, dy, x, m, n, k, act);
    for (int j = 0; db && j < n; j++) {
        double sum = 0;
        for (int i = 0; i < m; i++) sum += dy[(size_t)i * n + j];
        vl_ref_put(&db[j], sum, 1);
    }
}

void vl_ref_act_fwd(vl_device *d, real *y, const real *x, size_t n, vl_act act)
{
    (void)d;
    for (size_t i = 0; i < n; i++) y[i] = (real)vl_ref_act(x[i], act);
}

void vl_ref_act_bwd(vl_device *d, real *dx, const real *dy, const real *x, size_t n, vl_act act,
                    int acc)
{
    (void)d;
    for (size_t i = 0; i < n; i++) vl_ref_put(&dx[i], vl_ref_act_slope(x[i], act) * dy[i], acc);
}
