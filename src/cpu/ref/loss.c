/* Reference: cross-entropy. */
#include <math.h>

#include "cpu/ref/ref.h"

static int count_targets(const int *target, int m)
{
    int count = 0;
    for (int i = 0; i < m; i++) count += target[i] >= 0;
    return count;
}

/* lse and best are there for every row, the ignored ones too. */
void vl_ref_xent_fwd(vl_device *d, real *loss, real *lse, int *best, const real *logits,
                     const int *target, int m, int n, real scale)
{
    (void)d;
    int count = count_targets(target, m);
    double total = 0;
    for (int i = 0; i < m; i++) {
        const real *z = logits + (size_t)i * n; // (n)
        double most = -INFINITY, sum = 0;
        best[i] = 0;
        for (int j = 0; j < n; j++) {
            most = fmax(most, (double)scale * z[j]);
            if (z[j] > z[best[i]]) best[i] = j;
        }
        for (int j = 0; j < n; j++) sum += exp((double)scale * z[j] - most);
        double row_lse = most + log(sum);
        if (target[i] >= 0) total += row_lse - (double)scale * z[target[i]];
        lse[i] = (real)row_lse;
    }
    loss[0] = (real)(count ? total / count : 0);
}

void vl_ref_xent_bwd(vl_device *d, real *dlogits, const real *dloss, const real *lse,
                     const real *logits, const int *target, int m, int n, real scale, int acc)
{
    (void)d;
    int count = count_targets(target, m);
    for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
            size_t at = (size_t)i * n + j;
            double g = 0;
            if (target[i] >= 0) {
                double p = exp((double)scale * logits[at] - lse[i]);
                g = (double)dloss[0] * scale * (p - (j == target[i])) / count;
            }
            vl_ref_put(&dlogits[at], g, acc);
        }
    }
}
