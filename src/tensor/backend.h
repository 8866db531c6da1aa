/* The table of operations: one struct of function pointers, and the comment on each slot is its
 * specification. A backend fills every slot; there is no registry and no fallback.
 *
 * Conventions, for every slot:
 *  - device first, outputs before inputs before dimensions; the backward stands under its forward
 *    with the same order.
 *  - A matrix (rows, cols) is row-major and contiguous, unless a leading dimension `ld` (elements
 *    from row to row) is given. All pointers are 64-byte aligned unless an `ld` goes with them
 *    (then aligned to an element).
 *  - Outputs do not alias inputs unless the slot says so. Outputs need not be initialised.
 *  - Gradients: dX has the shape of X. Parameter gradients (dw, db, dbias, dtable) are always added
 *    to (+=). Activation gradients take `acc`: 0 writes, 1 adds. A NULL gradient is not wanted.
 *  - `real` is float; the library compiles as double too (CONFIG=double), for gradient checks.
 *  - The same call on the same inputs with the same thread count gives the same bits.
 *  - Nothing here fails or allocates after the first call of a shape: the tape has checked shapes.
 */
#ifndef VL_TENSOR_BACKEND_H
#define VL_TENSOR_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifndef VL_REAL
#define VL_REAL float
#endif
typedef VL_REAL real;

/* An activation applied to the input of a matrix product, or alone. gelu is the exact one,
 * x * Phi(x) = x/2 (1 + erf(x / sqrt 2)). */
typedef enum vl_act { VL_ACT_NONE, VL_ACT_GELU, VL_ACT_RELU } vl_act;

/* Dropout: element i is dropped if vl_rng_u32(key, i) < p * 2^32, else multiplied by 1/(1-p).
 * p = 0: off (key is ignored). vl_drop_scale() in tensor/drop.h is the formula. */
typedef struct vl_drop {
    double p;
    uint64_t key;
} vl_drop;

/* The shape of one attention call; see attention_fwd.
 *
 * Sequence s = sample * n_win + window. Token i of it stands in row
 *     sample * rows_per_sample + rows[window * n + i]     (rows != NULL; n = n_q or n_k)
 *     s * n + i                                           (rows == NULL)
 * of q/o (rows_q) or of k/v (rows_k). A rows table is injective. */
typedef struct vl_attention {
    int n_seq;               /* sequences: samples * windows */
    int n_q, n_k;            /* tokens of a sequence that ask, that answer */
    int heads, head_dim;     /* head h owns columns [h * head_dim, (h+1) * head_dim) */
    real scale;              /* scores are scale * q k^T */
    int n_win;               /* windows a sample; 1 if there are none */
    int rows_per_sample_q, rows_per_sample_k;
    const int *rows_q, *rows_k; /* (n_win, n_q), (n_win, n_k) or NULL */
    const int *region;       /* (n_win, n_k) or NULL; then n_q == n_k, and a pair whose regions
                              * differ gets region_penalty added to its score */
    real region_penalty;     /* -100 as in Swin */
    const uint8_t *key_mask; /* (n_seq, n_k), 0: the key is not seen at all; NULL: all are seen.
                              * A row whose keys are all masked gives zeros. */
    vl_drop drop;            /* on probabilities, element ((s * heads + h) * n_q + i) * n_k + j */
} vl_attention;

typedef struct vl_device vl_device; /* a backend's own state: threads, scratch, caches */

typedef struct vl_backend {
    const char *name;

    /* ---- device ---------------------------------------------------------------------------- */

    /* What it computes with on this machine, such as "AVX-512". NULL: this machine is not for it
     * (the message is set). */
    const char *(*isa)(void);
    /* Opens a device with `threads` threads (0: as many as the machine has). NULL: out of memory
     * (the message is set). A device is used by one thread at a time. */
    vl_device *(*open)(int threads);
    void (*close)(vl_device *d);
    /* 1 if an operation had no memory for its scratch, and so did nothing, since this was last
     * asked: the tape asks. */
    int (*failed)(vl_device *d);
    /* The most FLOP/s this device does, measured in some tenths of a second; 0: not known. */
    double (*peak_flops)(vl_device *d);

    /* ---- copies and sums --------------------------------------------------------------------- */

    /* x[i] = value */
    void (*fill)(vl_device *d, real *x, real value, size_t n);
    /* y = x, n elements that may overlap */
    void (*move)(vl_device *d, real *y, const real *x, size_t n);
    /* y = scale * x, or y += scale * x with acc */
    void (*accumulate)(vl_device *d, real *y, const real *x, real scale, size_t n, int acc);
    /* y = a + b; y may be a or b */
    void (*add)(vl_device *d, real *y, const real *a, const real *b, size_t n);
    /* Sum of squares, added up in double in an order that does not depend on threads. */
    double (*sum_squares)(vl_device *d, const real *x, size_t n);

    /* ---- rows by a table --------------------------------------------------------------------- */

    /* y[i] = table[i] < 0 ? 0 : table[i] < a_rows ? a[table[i]] : b[table[i] - a_rows]
     * y (rows, cols), a (a_rows, cols), b NULL if the table never reaches it. */
    void (*gather_fwd)(vl_device *d, real *y, const real *a, const real *b, const int *table,
                       int rows, int cols, int a_rows);
    /* The way back to one source: dx[table[i] - first] += dy[i] for every i with
     * first <= table[i] < first + x_rows; dx (x_rows, cols) is zeroed before unless acc. Rows may
     * repeat. `back` (x_rows) is NULL, or the inverse of an injective table: the only i with
     * table[i] - first = j, or -1; the result is the same, faster. */
    void (*gather_bwd)(vl_device *d, real *dx, const real *dy, const int *table, const int *back,
                       int rows, int cols, int first, int x_rows, int acc);

    /* ---- pictures ---------------------------------------------------------------------------- */

    /* The patches that patch embedding multiplies (the im2col of a 3-D convolution with kernel
     * (2,4,4) and stride (1,4,4)): y (B*T*h*w, 3*2*4*4), columns in the order channel, dt, dy, dx;
     * h = ceil(H/4), w = ceil(W/4). image (B,T,3,H,W) holds 0..255; value = (v/255 - mean[c]) /
     * deviation[c]; beyond the picture and for the frame after the last, 0. No backward. */
    void (*patches)(vl_device *d, real *y, const uint8_t *image, const real mean[3],
                    const real deviation[3], int B, int T, int H, int W);
    /* image (B,3,H,W) of 0..255 to rows: y (B*H*W, 3) = scale * v/255 + shift, each step rounded
     * to float: vl_pixel() in tensor/pixel.h is the formula. No backward. */
    void (*pixels)(vl_device *d, real *y, const uint8_t *image, double scale, double shift, int B,
                   int H, int W);

    /* ---- linear ------------------------------------------------------------------------------ */

    /* y = act(x) w^T + b.   y (m,n), x (m,k) before the activation, w (n,k), b (n) or NULL */
    void (*linear_fwd)(vl_device *d, real *y, const real *x, const real *w, const real *b, int m,
                       int n, int k, vl_act act);
    /* dx = act'(x) * (dy w) [acc], dw += dy^T act(x), db += column sums of dy. Each may be NULL. */
    void (*linear_bwd)(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int m, int n, int k, vl_act act, int acc);

    /* y = act(x), and dx = act'(x) dy [acc] */
    void (*act_fwd)(vl_device *d, real *y, const real *x, size_t n, vl_act act);
    void (*act_bwd)(vl_device *d, real *dx, const real *dy, const real *x, size_t n, vl_act act,
                    int acc);

    /* ---- convolution ------------------------------------------------------------------------- */

    /* Pictures are matrices (B*H*W, channels), row = (b, y, x). */

    /* y = w * act(x) + b: k x k (k odd), stride 1, (k-1)/2 zeros around act(x).
     * y (B*H*W, n), x (B*H*W, c) before the activation, w (n, c*k*k) with columns in the order
     * channel, ky, kx, b (n) or NULL */
    void (*conv2d_fwd)(vl_device *d, real *y, const real *x, const real *w, const real *b, int B,
                       int H, int W, int n, int c, int k, vl_act act);
    /* dx [acc], dw +=, db += (column sums of dy). Each may be NULL. */
    void (*conv2d_bwd)(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int B, int H, int W, int n, int c, int k, vl_act act,
                       int acc);

    /* y = the largest of each 2 x 2 pixels. y (B*H/2*W/2, c), x (B*H*W, c); H and W even. */
    void (*maxpool_fwd)(vl_device *d, real *y, const real *x, int B, int H, int W, int c);
    /* dx = dy where x was the largest (the first of equals, row by row), 0 elsewhere [acc] */
    void (*maxpool_bwd)(vl_device *d, real *dx, const real *dy, const real *x, int B, int H, int W,
                        int c, int acc);

    /* ---- normalisation and residuals --------------------------------------------------------- */

    /* y = (x - mean) / sqrt(variance + eps) * w + b over the columns of each row (variance with
     * 1/cols). stats (rows, 2) keeps mean and 1/sqrt(variance + eps). */
    void (*layernorm_fwd)(vl_device *d, real *y, real *stats, const real *x, const real *w,
                          const real *b, int rows, int cols, real eps);
    void (*layernorm_bwd)(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                          const real *stats, const real *x, const real *w, int rows, int cols,
                          int acc);

    /* y = x + s * r.  s is the product of `elem` (dropout, element = row * cols + col) and `path`
     * (drop path, element = row / rows_per_sample: one draw a sample). x may be NULL: y = s * r.
     * y may be x or r. */
    void (*residual_fwd)(vl_device *d, real *y, const real *x, const real *r, vl_drop elem,
                         vl_drop path, int rows_per_sample, int rows, int cols);
    /* dr = s * dy [acc]; x's gradient is dy itself, which the tape sees to. dr may be dy
     * if !acc. */
    void (*residual_bwd)(vl_device *d, real *dr, const real *dy, vl_drop elem, vl_drop path,
                         int rows_per_sample, int rows, int cols, int acc);

    /* ---- pooling ----------------------------------------------------------------------------- */

    /* Mean of the rows of each sequence: y[s] = mean over i with mask[s][i] != 0 of x[s * n + i],
     * zeros if there is none. y (n_seq, cols), x (n_seq*n, cols), mask (n_seq, n) or NULL: all. */
    void (*mean_fwd)(vl_device *d, real *y, const real *x, const uint8_t *mask, int n_seq, int n,
                     int cols);
    /* dx[s * n + i] = dy[s] / rows that count, 0 where the mask is 0 [acc] */
    void (*mean_bwd)(vl_device *d, real *dx, const real *dy, const uint8_t *mask, int n_seq, int n,
                     int cols, int acc);

    /* Rows of length 1: y = x / |x|, norm (rows) = |x|, for the backward. A row of zeros stays. */
    void (*unit_fwd)(vl_device *d, real *y, real *norm, const real *x, int rows, int cols);
    /* dx = (dy - y (y . dy)) / norm [acc]; 0 where norm is */
    void (*unit_bwd)(vl_device *d, real *dx, const real *dy, const real *y, const real *norm,
                     int rows, int cols, int acc);

    /* ---- attention --------------------------------------------------------------------------- */

    /* Relative position bias: bias[h][i] = table[index[i]][h], bias (heads, n), table (m, heads),
     * index (n) in [0, m). */
    void (*relbias_fwd)(vl_device *d, real *bias, const real *table, const int *index, int heads,
                        int n, int m);
    void (*relbias_bwd)(vl_device *d, real *dtable, const real *dbias, const int *index, int heads,
                        int n, int m);

    /* o = dropout(softmax(scale q k^T + bias + region penalty, masked keys out)) v, head by head.
     * q, o: ldq, ldo elements from row to row, k and v both ldkv; a packed (rows, 3C) q|k|v is
     * q = x, k = x + C, v = x + 2C with ld 3C. bias (heads, n_q, n_k) or NULL.
     * lse (n_seq, heads, n_q) keeps log sum exp of the scores (before dropout), for the
     * backward. */
    void (*attention_fwd)(vl_device *d, real *o, real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s);
    /* dq [acc_q], dk and dv [acc_kv]; leading dimensions as q, k, v. Rows that no token stands in
     * are left alone. dbias (heads, n_q, n_k) is added to (+=), NULL if not wanted. dq, dk and dv
     * may be the packed gradient of one matrix. do_ (ld as o) and o are what forward's o was. */
    void (*attention_bwd)(vl_device *d, real *dq, real *dk, real *dv, real *dbias, const real *do_,
                          const real *o, const real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s, int acc_q, int acc_kv);
    /* Attention received: received[s][j] += mean over heads, sum over queries i with
     * query_mask[s][i] != 0 (NULL: all), of the probability (no dropout) that i gives to j.
     * received (n_seq, n_k). No backward. */
    void (*attention_received)(vl_device *d, real *received, const real *q, const real *k,
                               const real *bias, int ldq, int ldkv, const uint8_t *query_mask,
                               const vl_attention *s);

    /* ---- loss -------------------------------------------------------------------------------- */

    /* Cross-entropy of softmax(scale * logits) against target (m) in [0,n), or -1: ignored.
     * loss (1) = mean over the rows that count, 0 if none does. lse (m) is kept for the backward;
     * best (m) = index of the largest logit (the first of equals). logits (m,n). */
    void (*xent_fwd)(vl_device *d, real *loss, real *lse, int *best, const real *logits,
                     const int *target, int m, int n, real scale);
    /* dlogits = dloss[0] * scale * (softmax - one-hot) / count [acc]; ignored rows: 0. */
    void (*xent_bwd)(vl_device *d, real *dlogits, const real *dloss, const real *lse,
                     const real *logits, const int *target, int m, int n, real scale, int acc);

    /* Gumbel-softmax: y = softmax((logits + g) / tau) of each row, g = -log(-log(u)) with
     * u = (vl_rng_u32(key, element) + 1/2) / 2^32, element = row * cols + col. */
    void (*gumbel_fwd)(vl_device *d, real *y, const real *logits, uint64_t key, real tau, int rows,
                       int cols);
    /* dlogits = y (dy - sum over the row of y dy) / tau [acc] */
    void (*gumbel_bwd)(vl_device *d, real *dlogits, const real *dy, const real *y, real tau,
                       int rows, int cols, int acc);

    /* KL divergence of p = softmax(logits) from the uniform distribution, mean over rows:
     * loss (1) = mean of log cols + sum of p log p. stats (rows, 2) keeps log sum exp and
     * sum of p log p. */
    void (*kl_uniform_fwd)(vl_device *d, real *loss, real *stats, const real *logits, int rows,
                           int cols);
    /* dlogits = dloss[0] / rows * p (log p - sum of p log p) [acc] */
    void (*kl_uniform_bwd)(vl_device *d, real *dlogits, const real *dloss, const real *stats,
                           const real *logits, int rows, int cols, int acc);

    /* Negative log likelihood of x (rows, 3), within (0, 1), under logit-Laplace distributions
     * (Ramesh et al. 2021, A.3): y (rows, 6) is three means mu, then three log scales s;
     * loss (1) = mean over rows and channels of log 2 + s + log(x (1-x)) + |logit(x) - mu| e^-s */
    void (*logit_laplace_fwd)(vl_device *d, real *loss, const real *y, const real *x, int rows);
    /* dmu = -sign(logit(x) - mu) e^-s, ds = 1 - |logit(x) - mu| e^-s, times dloss[0] / (3 rows)
     * [acc] */
    void (*logit_laplace_bwd)(vl_device *d, real *dy, const real *dloss, const real *y,
                              const real *x, int rows, int acc);

    /* ---- optimiser --------------------------------------------------------------------------- */

    /* AdamW (Loshchilov and Hutter 2019), step counted from 1 in the bias corrections
     * c1 = 1 - beta1^step, c2 = 1 - beta2^step; g' = gscale * g:
     *   p -= lr * decay * p;  m = beta1 m + (1-beta1) g';  v = beta2 v + (1-beta2) g'^2;
     *   p -= lr * (m / c1) / (sqrt(v / c2) + eps) */
    void (*adamw)(vl_device *d, real *p, real *m, real *v, const real *g, size_t n, double gscale,
                  double lr, double beta1, double beta2, double eps, double decay, double c1,
                  double c2);
} vl_backend;

/* The backends. ref: plain loops, the oracle for the others. fast: the CPU in earnest (in
 * CONFIG=double it is ref). count: computes nothing, adds up FLOPs (see tensor/count.h). */
const vl_backend *vl_backend_ref(void);
const vl_backend *vl_backend_fast(void);
const vl_backend *vl_backend_count(void);

#endif
