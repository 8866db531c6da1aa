/* The reference backend's own header: see backend.c for what the backend is. The functions below
 * fill the slots of the same name in tensor/backend.h, where they are specified. */
#ifndef VL_CPU_REF_H
#define VL_CPU_REF_H

#include "tensor/backend.h"
#include "tensor/drop.h"
#include "tensor/pixel.h"

/* At least n doubles, not cleared, valid until the next call. NULL: out of memory (the message is
 * set); the op then returns and leaves its outputs alone, there being no way to report it. */
double *vl_ref_scratch(vl_device *d, size_t n);

double vl_ref_act(double x, vl_act act);
double vl_ref_act_slope(double x, vl_act act);

/* y = v, or y += v with acc */
static inline void vl_ref_put(real *y, double v, int acc)
{
    *y = (real)(acc ? *y + v : v);
}

/* misc.c: copies, sums, rows by a table, pictures, optimiser */
void vl_ref_fill(vl_device *d, real *x, real value, size_t n);
void vl_ref_move(vl_device *d, real *y, const real *x, size_t n);
void vl_ref_accumulate(vl_device *d, real *y, const real *x, real scale, size_t n, int acc);
void vl_ref_add(vl_device *d, real *y, const real *a, const real *b, size_t n);
double vl_ref_sum_squares(vl_device *d, const real *x, size_t n);
void vl_ref_gather_fwd(vl_device *d, real *y, const real *a, const real *b, const int *table,
                       int rows, int cols, int a_rows);
void vl_ref_gather_bwd(vl_device *d, real *dx, const real *dy, const int *table, const int *back,
                       int rows, int cols, int first, int x_rows, int acc);
void vl_ref_patches(vl_device *d, real *y, const uint8_t *image, const real mean[3],
                    const real deviation[3], int B, int T, int H, int W);
void vl_ref_pixels(vl_device *d, real *y, const uint8_t *image, double scale, double shift, int B,
                   int H, int W);
void vl_ref_adamw(vl_device *d, real *p, real *m, real *v, const real *g, size_t n, double gscale,
                  double lr, double beta1, double beta2, double eps, double decay, double c1,
                  double c2);

/* linear.c */
void vl_ref_linear_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b, int m,
                       int n, int k, vl_act act);
void vl_ref_linear_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int m, int n, int k, vl_act act, int acc);
void vl_ref_act_fwd(vl_device *d, real *y, const real *x, size_t n, vl_act act);
void vl_ref_act_bwd(vl_device *d, real *dx, const real *dy, const real *x, size_t n, vl_act act,
                    int acc);

/* conv.c */
void vl_ref_conv2d_fwd(vl_device *d, real *y, const real *x, const real *w, const real *b, int B,
                       int H, int W, int n, int c, int k, vl_act act);
void vl_ref_conv2d_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy, const real *x,
                       const real *w, int B, int H, int W, int n, int c, int k, vl_act act,
                       int acc);
void vl_ref_maxpool_fwd(vl_device *d, real *y, const real *x, int B, int H, int W, int c);
void vl_ref_maxpool_bwd(vl_device *d, real *dx, const real *dy, const real *x, int B, int H, int W,
                        int c, int acc);

/* norm.c */
void vl_ref_layernorm_fwd(vl_device *d, real *y, real *stats, const real *x, const real *w,
                          const real *b, int rows, int cols, real eps);
void vl_ref_layernorm_bwd(vl_device *d, real *dx, real *dw, real *db, const real *dy,
                          const real *stats, const real *x, const real *w, int rows, int cols,
                          int acc);
void vl_ref_residual_fwd(vl_device *d, real *y, const real *x, const real *r, vl_drop elem,
                         vl_drop path, int rows_per_sample, int rows, int cols);
void vl_ref_residual_bwd(vl_device *d, real *dr, const real *dy, vl_drop elem, vl_drop path,
                         int rows_per_sample, int rows, int cols, int acc);

/* pool.c: means over rows, rows of length 1 */
void vl_ref_mean_fwd(vl_device *d, real *y, const real *x, const uint8_t *mask, int n_seq, int n,
                     int cols);
void vl_ref_mean_bwd(vl_device *d, real *dx, const real *dy, const uint8_t *mask, int n_seq, int n,
                     int cols, int acc);
void vl_ref_unit_fwd(vl_device *d, real *y, real *norm, const real *x, int rows, int cols);
void vl_ref_unit_bwd(vl_device *d, real *dx, const real *dy, const real *y, const real *norm,
                     int rows, int cols, int acc);

/* attention.c */
void vl_ref_relbias_fwd(vl_device *d, real *bias, const real *table, const int *index, int heads,
                        int n, int m);
void vl_ref_relbias_bwd(vl_device *d, real *dtable, const real *dbias, const int *index, int heads,
                        int n, int m);
void vl_ref_attention_fwd(vl_device *d, real *o, real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s);
void vl_ref_attention_bwd(vl_device *d, real *dq, real *dk, real *dv, real *dbias, const real *do_,
                          const real *o, const real *lse, const real *q, const real *k,
                          const real *v, const real *bias, int ldo, int ldq, int ldkv,
                          const vl_attention *s, int acc_q, int acc_kv);
void vl_ref_attention_received(vl_device *d, real *received, const real *q, const real *k,
                               const real *bias, int ldq, int ldkv, const uint8_t *query_mask,
                               const vl_attention *s);

/* loss.c */
void vl_ref_xent_fwd(vl_device *d, real *loss, real *lse, int *best, const real *logits,
                     const int *target, int m, int n, real scale);
void vl_ref_xent_bwd(vl_device *d, real *dlogits, const real *dloss, const real *lse,
                     const real *logits, const int *target, int m, int n, real scale, int acc);
void vl_ref_gumbel_fwd(vl_device *d, real *y, const real *logits, uint64_t key, real tau, int rows,
                       int cols);
void vl_ref_gumbel_bwd(vl_device *d, real *dlogits, const real *dy, const real *y, real tau,
                       int rows, int cols, int acc);
void vl_ref_kl_uniform_fwd(vl_device *d, real *loss, real *stats, const real *logits, int rows,
                           int cols);
void vl_ref_kl_uniform_bwd(vl_device *d, real *dlogits, const real *dloss, const real *stats,
                           const real *logits, int rows, int cols, int acc);
void vl_ref_logit_laplace_fwd(vl_device *d, real *loss, const real *y, const real *x, int rows);
void vl_ref_logit_laplace_bwd(vl_device *d, real *dy, const real *dloss, const real *y,
                              const real *x, int rows, int acc);

#endif
