/* Reference: cross-entropy, and what a discrete VAE is trained with. */
#include <math.h>

#include "base/rng.h"
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

/* ---- discrete VAE --------------------------------------------------------------------------- */

void vl_ref_gumbel_fwd(vl_device *d, real *y, const real *logits, uint64_t key, real tau, int rows,
                       int cols)
{
    double *z = vl_ref_scratch(d, (size_t)cols); // (cols)
    if (!z) return;
    for (int i = 0; i < rows; i++) {
        double most = -INFINITY, sum = 0;
        for (int j = 0; j < cols; j++) {
            size_t at = (size_t)i * cols + j;
            double u = (vl_rng_u32(key, at) + 0.5) * 0x1p-32;
            z[j] = (logits[at] - log(-log(u))) / (double)tau;
            most = fmax(most, z[j]);
        }
        for (int j = 0; j < cols; j++) sum += exp(z[j] - most);
        for (int j = 0; j < cols; j++) y[(size_t)i * cols + j] = (real)(exp(z[j] - most) / sum);
    }
}

void vl_ref_gumbel_bwd(vl_device *d, real *dlogits, const real *dy, const real *y, real tau,
                       int rows, int cols, int acc)
{
    (void)d;
    for (int i = 0; i < rows; i++) {
        size_t at = (size_t)i * cols;
        double mean = 0;
        for (int j = 0; j < cols; j++) mean += (double)y[at + j] * dy[at + j];
        for (int j = 0; j < cols; j++)
            vl_ref_put(&dlogits[at + j], y[at + j] * (dy[at + j] - mean) / (double)tau, acc);
    }
}

void vl_ref_kl_uniform_fwd(vl_device *d, real *loss, real *stats, const real *logits, int rows,
                           int cols)
{
    (void)d;
    double total = 0;
    for (int i = 0; i < rows; i++) {
        const real *z = logits + (size_t)i * cols; // (cols)
        double most = -INFINITY, sum = 0, plogp = 0;
        for (int j = 0; j < cols; j++) most = fmax(most, z[j]);
        for (int j = 0; j < cols; j++) sum += exp(z[j] - most);
        double lse = most + log(sum);
        for (int j = 0; j < cols; j++) plogp += exp(z[j] - lse) * (z[j] - lse);
        stats[2 * i] = (real)lse;
        stats[2 * i + 1] = (real)plogp;
        total += log(cols) + plogp;
    }
    loss[0] = (real)(total / rows);
}

void vl_ref_kl_uniform_bwd(vl_device *d, real *dlogits, const real *dloss, const real *stats,
                           const real *logits, int rows, int cols, int acc)
{
    (void)d;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++) {
            size_t at = (size_t)i * cols + j;
            double logp = (double)logits[at] - stats[2 * i];
            double g = (double)dloss[0] / rows * exp(logp) * (logp - stats[2 * i + 1]);
            vl_ref_put(&dlogits[at], g, acc);
        }
}

void vl_ref_logit_laplace_fwd(vl_device *d, real *loss, const real *y, const real *x, int rows)
{
    (void)d;
    double sum = 0;
    for (size_t i = 0; i < (size_t)rows * 3; i++) {
        double v = x[i], mu = y[i / 3 * 6 + i % 3], s = y[i / 3 * 6 + 3 + i % 3];
        sum += log(2) + s + log(v * (1 - v)) + fabs(log(v / (1 - v)) - mu) * exp(-s);
    }
    loss[0] = (real)(sum / (3.0 * rows));
}

void vl_ref_logit_laplace_bwd(vl_device *d, real *dy, const real *dloss, const real *y,
                              const real *x, int rows, int acc)
{
    (void)d;
    double factor = dloss[0] / (3.0 * rows);
    for (size_t i = 0; i < (size_t)rows * 3; i++) {
        size_t at = i / 3 * 6 + i % 3;
        double v = x[i], mu = y[at], over = exp(-(double)y[at + 3]), z = log(v / (1 - v)) - mu;
        vl_ref_put(&dy[at], factor * (z < 0 ? over : z > 0 ? -over : 0), acc);
        vl_ref_put(&dy[at + 3], factor * (1 - fabs(z) * over), acc);
    }
}
