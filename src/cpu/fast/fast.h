/* The fast CPU backend: what its files share.
 *
 *     backend.c      the table, the device, threads, scratch memory
 *     element.c      copies, sums, gathers, patches, activations, residuals, optimiser
 *     norm.c         layer norm, cross-entropy
 *     linear.c       matrix products; gemm.c is the only file that knows oneDNN
 *     conv.c         convolution, in tiles of our own (oneDNN 2.6's reach 65 to 80 % of the peak
 *                    on AVX2, these 75 to 90 %); picture.c pooling and pixels
 *     vae.c          what a discrete VAE is trained with
 *     attention.c    attention and relative position bias
 *
 * Those files are plain C: they cut the work into parts and hand each part to a kernel. The kernels
 * (*.inc) are written once in the words of simd_*.h and compiled twice, by kernels_avx2.c and
 * kernels_avx512.c; vl_device.k points at the table for this machine.
 *
 * Same bits for the same thread count: a part is a function of (shape, threads) alone, and sums
 * over parts are added up in the order of the parts. */
#ifndef VL_CPU_FAST_H
#define VL_CPU_FAST_H

#include <stdbool.h>

#include "tensor/backend.h"
#include "tensor/drop.h"

/* All arguments of an attention call, as its kernels want them. */
typedef struct vlf_attention {
    float *o, *lse_out, *dq, *dk, *dv, *dbias;
    const float *lse, *q, *k, *v, *bias, *do_; /* lse: the forward's, for the backward */
    int ldo, ldq, ldkv, acc_q, acc_kv;
    const uint8_t *query_mask;
    const vl_attention *s;
} vlf_attention;

/* A few pixels of a convolution for the next conv_cols output channels; see conv.c. */
typedef struct vlf_conv_tiles {
    float *y;       /* (pixels, ldy), at the first of the channels */
    const float *x; /* a chunk of channels of the padded pictures */
    const float *w; /* (k, run, conv_cols) */
    const float *b; /* (cols) or NULL: 0 */
    const size_t *at; /* (pixels) where the taps of each begin in x */
    size_t ldy, row_step, run; /* run: floats in a row of taps; row_step: from one to the next */
    int pixels, cols, k;
    int acc;        /* start from y instead of b */
} vlf_conv_tiles;

/* What a row of logits x comes to under softmax(scale * x). */
typedef struct vlf_softmax {
    float most; /* the x of the largest scale * x */
    int best;   /* index of the first of the largest x */
    double sum; /* of exp(scale * (x - most)) */
} vlf_softmax;

/* The kernels: each works on the part it is given, on the calling thread. */
typedef struct vlf_kernels {
    const char *isa;
    int width; /* floats in a vector */
    int conv_pixels, conv_cols; /* the tile of conv_tiles */

    void (*fill)(float *x, float value, size_t n);
    void (*scale)(float *y, const float *x, float scale, size_t n, int acc);
    void (*add)(float *y, const float *a, const float *b, size_t n);
    double (*sum_squares)(const float *x, size_t n);
    void (*act)(float *y, const float *x, size_t n, vl_act act);
    void (*act_grad)(float *dx, const float *dy, const float *x, size_t n, vl_act act, int acc);
    /* y = x + scale * draw * r; x NULL: 0; elements first, first + 1, ... of `drop` */
    void (*residual)(float *y, const float *x, const float *r, size_t n, float scale, vl_drop drop,
                     uint64_t first);
    /* `n` patches' worth of one picture row: y[patch * ldy + 0..3] from pixels 4 patch .. */
    void (*patch_row)(float *y, size_t ldy, const uint8_t *pixels, int n, float scale, float shift);
    /* y = the largest of the pixels at x, x + right, x + down, x + down + right, n channels each */
    void (*max_of_four)(float *y, const float *x, size_t right, size_t down, size_t n);
    void (*max_of_four_grad)(float *dx, const float *dy, const float *x, size_t right, size_t down,
                             size_t n, int acc);
    void (*adamw)(float *p, float *m, float *v, const float *g, size_t n, const float *coef);
    void (*lookup)(float *y, const float *table, int stride, const int *index, int n);

    /* rows of a matrix (rows, cols) with leading dimension ld */
    void (*add_bias)(float *y, const float *b, int rows, int cols, int ld);
    void (*col_sums)(float *sum, const float *x, int rows, int cols, int ld); /* sum += */
    void (*layernorm)(float *y, float *stats, const float *x, const float *w, const float *b,
                      int rows, int cols, float eps);
    void (*layernorm_grad)(float *dx, float *dw, float *db, const float *dy, const float *stats,
                           const float *x, const float *w, int rows, int cols, int acc);
    void (*softmax_stats)(vlf_softmax *stats, const float *x, int n, float scale);
    /* d = factor * exp(scale * x - lse) [acc] */
    void (*softmax_grad)(float *d, const float *x, int n, float scale, float lse, float factor,
                         int acc);
    /* dx = factor * y (dy - sum of y dy) [acc] */
    void (*softmax_back)(float *dx, const float *dy, const float *y, int n, float factor, int acc);
    /* y = softmax(over_tau (x + gumbel)), draws first, first + 1, ... of key */
    void (*gumbel_softmax)(float *y, const float *x, int n, uint64_t key, uint64_t first,
                           float over_tau);
    double (*exp_dot)(const float *x, int n, float most); /* sum of exp(x - most) (x - most) */
    /* dx = factor * p (log p - mean), log p = x - lse [acc] */
    void (*kl_grad)(float *dx, const float *x, int n, float lse, float mean, float factor, int acc);

    void (*conv_tiles)(const vlf_conv_tiles *t);

    /* One head of one sequence. `scratch` has attention_scratch() floats. dbias_sum (n_q, n_k) is
     * added to, NULL if not wanted; received (n_k) is written. */
    size_t (*attention_scratch)(const vl_attention *s);
    void (*attention)(const vlf_attention *a, int seq, int head, float *scratch);
    void (*attention_grad)(const vlf_attention *a, int seq, int head, float *dbias_sum,
                           float *scratch);
    void (*attention_received)(const vlf_attention *a, int seq, int head, float *received,
                               float *scratch);
} vlf_kernels;

extern const vlf_kernels vlf_kernels_avx2, vlf_kernels_avx512;

struct vl_device {
    int threads;
    const vlf_kernels *k;
    char *scratch; /* 64-byte aligned, grown by vlf_scratch() */
    size_t scratch_bytes;
    int failed; /* there was no memory for it */
};

/* Work below this many elements is not worth waking threads for. */
enum { FAST_SMALL = 32768 };

/* How many parts `work` elements should be cut into. */
static inline int vlf_parts(const vl_device *d, size_t work)
{
    return work < FAST_SMALL ? 1 : d->threads;
}

/* Part `part` of `parts` of [0, n), cut at multiples of `grain`. */
static inline void vlf_range(size_t n, size_t grain, int part, int parts, size_t *from, size_t *to)
{
    size_t grains = (n + grain - 1) / grain;
    *from = grains * (size_t)part / (size_t)parts * grain;
    *to = grains * (size_t)(part + 1) / (size_t)parts * grain;
    if (*from > n) *from = n;
    if (*to > n) *to = n;
}

/* Calls task(context, 0..parts-1, parts), each part on a thread of its own where there are as many.
 * The one place that starts threads. */
typedef void (*vlf_task)(void *context, int part, int parts);
void vlf_run(vl_device *d, int parts, vlf_task task, void *context);

/* At least `bytes` of scratch, contents undefined, valid until the next call. NULL: out of memory
 * (the device notes that, the operation does nothing). Grows on the first call of a shape only. */
void *vlf_scratch(vl_device *d, size_t bytes);

/* c (m,n) = op(a) op(b) + beta c, row-major; ta, tb: a is (k,m), b is (n,k) instead. On all threads
 * of the device, or on the calling thread if it is inside vlf_run(). */
void vlf_gemm(const vl_device *d, bool ta, bool tb, int m, int n, int k, const float *a, int lda,
               const float *b, int ldb, float beta, float *c, int ldc);

/* The slots; backend.c puts them in the table. Specified in tensor/backend.h. */
void vlf_fill(vl_device *d, float *x, float value, size_t n);
void vlf_move(vl_device *d, float *y, const float *x, size_t n);
void vlf_accumulate(vl_device *d, float *y, const float *x, float scale, size_t n, int acc);
void vlf_add(vl_device *d, float *y, const float *a, const float *b, size_t n);
double vlf_sum_squares(vl_device *d, const float *x, size_t n);
void vlf_gather_fwd(vl_device *d, float *y, const float *a, const float *b, const int *table,
                     int rows, int cols, int a_rows);
void vlf_gather_bwd(vl_device *d, float *dx, const float *dy, const int *table, const int *back,
                     int rows, int cols, int first, int x_rows, int acc);
void vlf_patches(vl_device *d, float *y, const uint8_t *image, const float mean[3],
                  const float deviation[3], int B, int T, int H, int W);
void vlf_pixels(vl_device *d, float *y, const uint8_t *image, double scale, double shift, int B,
                 int H, int W);
void vlf_linear_fwd(vl_device *d, float *y, const float *x, const float *w, const float *b, int m,
                     int n, int k, vl_act act);
void vlf_linear_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy, const float *x,
                     const float *w, int m, int n, int k, vl_act act, int acc);
void vlf_act_fwd(vl_device *d, float *y, const float *x, size_t n, vl_act act);
void vlf_act_bwd(vl_device *d, float *dx, const float *dy, const float *x, size_t n, vl_act act,
                  int acc);
void vlf_conv2d_fwd(vl_device *d, float *y, const float *x, const float *w, const float *b, int B,
                     int H, int W, int n, int c, int k, vl_act act);
void vlf_conv2d_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy, const float *x,
                     const float *w, int B, int H, int W, int n, int c, int k, vl_act act,
                     int acc);
void vlf_maxpool_fwd(vl_device *d, float *y, const float *x, int B, int H, int W, int c);
void vlf_maxpool_bwd(vl_device *d, float *dx, const float *dy, const float *x, int B, int H, int W,
                      int c, int acc);
void vlf_layernorm_fwd(vl_device *d, float *y, float *stats, const float *x, const float *w,
                        const float *b, int rows, int cols, float eps);
void vlf_layernorm_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy,
                        const float *stats, const float *x, const float *w, int rows, int cols,
                        int acc);
void vlf_residual_fwd(vl_device *d, float *y, const float *x, const float *r, vl_drop elem,
                       vl_drop path, int rows_per_sample, int rows, int cols);
void vlf_residual_bwd(vl_device *d, float *dr, const float *dy, vl_drop elem, vl_drop path,
                       int rows_per_sample, int rows, int cols, int acc);
void vlf_mean_fwd(vl_device *d, float *y, const float *x, const uint8_t *mask, int n_seq, int n,
                     int cols);
void vlf_mean_bwd(vl_device *d, float *dx, const float *dy, const uint8_t *mask, int n_seq, int n,
                     int cols, int acc);
void vlf_unit_fwd(vl_device *d, float *y, float *norm, const float *x, int rows, int cols);
void vlf_unit_bwd(vl_device *d, float *dx, const float *dy, const float *y, const float *norm,
                     int rows, int cols, int acc);
void vlf_relbias_fwd(vl_device *d, float *bias, const float *table, const int *index, int heads,
                      int n, int m);
void vlf_relbias_bwd(vl_device *d, float *dtable, const float *dbias, const int *index, int heads,
                      int n, int m);
void vlf_attention_fwd(vl_device *d, float *o, float *lse, const float *q, const float *k,
                        const float *v, const float *bias, int ldo, int ldq, int ldkv,
                        const vl_attention *s);
void vlf_attention_bwd(vl_device *d, float *dq, float *dk, float *dv, float *dbias,
                        const float *do_, const float *o, const float *lse, const float *q,
                        const float *k, const float *v, const float *bias, int ldo, int ldq,
                        int ldkv, const vl_attention *s, int acc_q, int acc_kv);
void vlf_attention_received(vl_device *d, float *received, const float *q, const float *k,
                             const float *bias, int ldq, int ldkv, const uint8_t *query_mask,
                             const vl_attention *s);
void vlf_xent_fwd(vl_device *d, float *loss, float *lse, int *best, const float *logits,
                   const int *target, int m, int n, float scale);
void vlf_xent_bwd(vl_device *d, float *dlogits, const float *dloss, const float *lse,
                   const float *logits, const int *target, int m, int n, float scale, int acc);
void vlf_gumbel_fwd(vl_device *d, float *y, const float *logits, uint64_t key, float tau, int rows,
                     int cols);
void vlf_gumbel_bwd(vl_device *d, float *dlogits, const float *dy, const float *y, float tau,
                     int rows, int cols, int acc);
void vlf_kl_uniform_fwd(vl_device *d, float *loss, float *stats, const float *logits, int rows,
                         int cols);
void vlf_kl_uniform_bwd(vl_device *d, float *dlogits, const float *dloss, const float *stats,
                         const float *logits, int rows, int cols, int acc);
void vlf_logit_laplace_fwd(vl_device *d, float *loss, const float *y, const float *x, int rows);
void vlf_logit_laplace_bwd(vl_device *d, float *dy, const float *dloss, const float *y,
                            const float *x, int rows, int acc);
void vlf_adamw(vl_device *d, float *p, float *m, float *v, const float *g, size_t n, double gscale,
                double lr, double beta1, double beta2, double eps, double decay, double c1,
                double c2);

#endif
