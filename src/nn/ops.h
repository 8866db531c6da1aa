/* The ops, on the tape: each computes at once through the tape's backend, notes its backward, and
 * returns a new tensor that lives until the tape is reset. Shapes are checked here, nowhere below.
 * Each backward stands under its forward in ops.c, ops_attention.c, ops_conv.c, ops_pool.c and
 * ops_vae.c.
 *
 *     x = vl_residual(t, x, vl_linear(t, y, &p->fc2_w, &p->fc2_b, VL_ACT_GELU), ...);
 */
#ifndef VL_NN_OPS_H
#define VL_NN_OPS_H

#include "tensor/tape.h"

/* Inputs are const because an op does not change them now; the backward adds to the gradients of
 * those that want one. */

/* act(x) w^T + b.  x (m,k), w (n,k), a parameter or not, b (1,n) or NULL -> (m,n) */
vl_tensor *vl_linear(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b,
                     vl_act act);

/* act(x), same shape */
vl_tensor *vl_activation(vl_tape *t, const vl_tensor *x, vl_act act);

/* a + b, same shape */
vl_tensor *vl_add(vl_tape *t, const vl_tensor *a, const vl_tensor *b);

/* a + s * b, same shape */
vl_tensor *vl_add_scaled(vl_tape *t, const vl_tensor *a, const vl_tensor *b, real s);

/* A table for vl_gather. Output row i is the concatenation of `group` source rows
 * to[i * group] ... Entries: -1 a zero row, [0, a.rows) of a, beyond that of b. */
typedef struct vl_index {
    const int *to;   /* (rows * group) */
    const int *back; /* NULL, or for injective tables with one source: its inverse, (a.rows) */
    int rows, group;
} vl_index;

/* Rows of a (and of b, NULL if not reached) by a table -> (index.rows, group * cols). The tables
 * must live until the backward. */
vl_tensor *vl_gather(vl_tape *t, const vl_tensor *a, const vl_tensor *b, vl_index index);

/* Embedding look-up: rows ids (n) of table -> (n, cols). Row `pad` gets no gradient (-1: none
 * such); ids must lie in the table, which is checked. ids are copied. */
vl_tensor *vl_embedding(vl_tape *t, const vl_tensor *table, const int *ids, int n, int pad);

/* Layer norm over columns; w, b (1, cols). */
vl_tensor *vl_layernorm(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b,
                        real eps);

/* The mean of each sequence's n rows, those with mask (sequences, n) != 0 (NULL: all), which must
 * live until the backward -> (x.rows / n, cols). */
vl_tensor *vl_mean(vl_tape *t, const vl_tensor *x, const uint8_t *mask, int n);

/* Rows of length 1: x / |x| -> same shape */
vl_tensor *vl_unit(vl_tape *t, const vl_tensor *x);

/* x + drop_path(dropout(r)): dropout with probability p_drop on elements, drop path with p_path on
 * samples of rows_per_sample rows each. Off unless t->training. */
vl_tensor *vl_residual(vl_tape *t, const vl_tensor *x, const vl_tensor *r, double p_drop,
                       double p_path, int rows_per_sample);
/* Dropout alone; x itself when it is off. */
vl_tensor *vl_dropout(vl_tape *t, const vl_tensor *x, double p);

/* Patches of image (B,T,3,H,W) for the video encoder's 3-D convolution -> (B*T*h*w, 96), h = H/4
 * rounded up. No gradient. */
vl_tensor *vl_patches(vl_tape *t, const uint8_t *image, const real mean[3], const real deviation[3],
                      int B, int T, int H, int W);

/* Relative position bias: table (m, heads) by index (n) -> (heads, n). index must outlive it. */
vl_tensor *vl_relative_bias(vl_tape *t, const vl_tensor *table, const int *index, int n);

/* Attention over a packed q|k|v (rows, 3C) -> (rows, C); bias (heads, n_q*n_k) or NULL. The tables
 * in `s` must live until the backward; s->drop.p is the probability, the key is drawn here. Rows
 * where no token stands are zero. */
vl_tensor *vl_attention_packed(vl_tape *t, const vl_tensor *qkv, const vl_tensor *bias,
                               vl_attention s);
/* The same with queries q (rows, C) of their own, and k|v (rows, 2C). */
vl_tensor *vl_attention_cross(vl_tape *t, const vl_tensor *q, const vl_tensor *kv,
                              const vl_tensor *bias, vl_attention s);
/* Attention of one query a sequence, q (n_seq, C), to rows of x (n_seq * n_k, C) whose keys and
 * values are x kv_w^T + kv_b, kv_w (2C, C) -> (n_seq, C). No key and no value is made: a query goes
 * through its head's key weights, and weighted sums of x through the value weights, which for one
 * query is heads / C of the arithmetic. s->n_q is 1, no tables, no dropout. No gradient. */
vl_tensor *vl_attention_one(vl_tape *t, const vl_tensor *q, const vl_tensor *x,
                            const vl_tensor *kv_w, const vl_tensor *kv_b, vl_attention s);
/* received (n_seq, n_k) += attention received, from a packed q|k|v; no gradient. */
void vl_attention_received(vl_tape *t, vl_tensor *received, const vl_tensor *qkv,
                           const uint8_t *query_mask, vl_attention s);

/* Mean cross-entropy of softmax(scale * logits) against target (rows), -1 ignored -> (1,1).
 * best (rows), if not NULL, gets the largest logit's index. target is copied. */
vl_tensor *vl_xent(vl_tape *t, const vl_tensor *logits, const int *target, real scale, int *best);

/* ---- pictures: rows (b, y, x), B pictures of H x W ------------------------------------------- */

/* image (B,3,H,W) of 0..255 as rows scale * v/255 + shift -> (B*H*W, 3). No gradient. */
vl_tensor *vl_pixels(vl_tape *t, const uint8_t *image, double scale, double shift, int B, int H,
                     int W);
/* k x k convolution of act(x), zeros around it, size kept. x (B*H*W, c), w (n, c*k*k) in the order
 * channel, ky, kx, b (1,n) or NULL -> (B*H*W, n) */
vl_tensor *vl_conv2d(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b, int B,
                     int H, int W, int k, vl_act act);
/* The largest of each 2 x 2 pixels -> (B*H/2*W/2, c); H and W even. */
vl_tensor *vl_maxpool(vl_tape *t, const vl_tensor *x, int B, int H, int W);
/* Each pixel becomes 2 x 2 of itself -> (B*2H*2W, c). */
vl_tensor *vl_upsample(vl_tape *t, const vl_tensor *x, int B, int H, int W);

/* ---- discrete VAE ---------------------------------------------------------------------------- */

/* A sample of the Gumbel-softmax relaxation: softmax((logits + gumbel) / tau) of each row. Drawn
 * afresh each time (t->seed, t->step, the next site), in training or not. */
vl_tensor *vl_gumbel_softmax(vl_tape *t, const vl_tensor *logits, real tau);
/* KL divergence of softmax(logits) from the uniform distribution, mean over rows -> (1,1) */
vl_tensor *vl_kl_uniform(vl_tape *t, const vl_tensor *logits);
/* Negative log likelihood of x (rows, 3) within (0, 1) under the logit-Laplace distributions of
 * y (rows, 6), mean over elements -> (1,1). No gradient to x. */
vl_tensor *vl_logit_laplace(vl_tape *t, const vl_tensor *y, const vl_tensor *x);

#endif
