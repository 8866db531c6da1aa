/* BERT's embeddings and encoder (Devlin et al., arXiv 1810.04805), post-norm, exact GELU: VIOLET's
 * language embedder and cross-modal transformer.
 *
 * Letters: B sequences of n tokens, D channels, X text positions. */
#ifndef VL_NN_BERT_H
#define VL_NN_BERT_H

#include "nn/ops.h"
#include "tensor/params.h"

#define VL_BERT_EPS ((real)1e-12)
#define VL_BERT_POSITIONS 512

typedef struct vl_bert_embedding {
    vl_tensor word, position, type, norm_w, norm_b;
    double drop;
} vl_bert_embedding;

void vl_bert_embedding_init(vl_bert_embedding *e, vl_params *params, const char *prefix, int vocab,
                            int D, double drop);

/* ids (B, X), 0: padding -> (B*X, D). ids are copied. */
vl_tensor *vl_bert_embed(vl_tape *t, const vl_bert_embedding *e, const int *ids, int B, int X);

typedef struct vl_bert_layer {
    vl_tensor qkv_w, qkv_b;         /* query, key, value one after the other, (3D, D) */
    vl_tensor q_w, q_b, kv_w, kv_b; /* the same memory as query and key|value */
    vl_tensor out_w, out_b, norm1_w, norm1_b;
    vl_tensor fc1_w, fc1_b, fc2_w, fc2_b, norm2_w, norm2_b;
    int heads;
    double drop;
} vl_bert_layer;

void vl_bert_layer_init(vl_bert_layer *l, vl_params *params, const char *prefix, int D, int heads,
                        int mlp, double drop);

/* What a call of the encoder is about. key_mask (B, n), 0: not seen as a key; must live until the
 * backward. */
typedef struct vl_bert_batch {
    int B, n;
    const uint8_t *key_mask;
} vl_bert_batch;

/* x (B*n, D) -> (B*n, D) through `n_layers` layers. */
vl_tensor *vl_bert_encode(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                          const vl_bert_batch *batch, vl_tensor *x);

/* The same, but of the last layer only the row `at` of every sequence is computed, the only one
 * that is read -> (B, D). */
vl_tensor *vl_bert_encode_row(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                              const vl_bert_batch *batch, vl_tensor *x, int at);

/* ---- sequences that share rows -------------------------------------------------------------- */

/* Rows that many sequences are put together from, as pairs are from videos and texts, and what the
 * first layer makes of each row alone, whatever sequence it stands in. */
typedef struct vl_bert_rows {
    const vl_tensor *x;   /* (rows, D) */
    const vl_tensor *qkv; /* (rows, 3D): vl_bert_first of them */
} vl_bert_rows;

/* The first layer's query, key and value, (rows, D) -> (rows, 3D) */
vl_tensor *vl_bert_first(vl_tape *t, const vl_bert_layer *first, const vl_tensor *x);

/* As vl_bert_encode_row, of sequences whose token i of sequence s is row rows[s * n + i] of a,
 * beyond its last row that of b, or nothing at all (-1, which key_mask must hide) -> (B, D). The
 * first layer begins at its attention. Without gradient. */
vl_tensor *vl_bert_encode_shared(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                                 const vl_bert_batch *batch, const int *rows, vl_bert_rows a,
                                 vl_bert_rows b, int at);

/* Attention received by every position: mean over heads, summed over layers and over the queries
 * with query_mask (B, n) != 0 (NULL: all, padding included, as published) -> (B, n). Stops after
 * the last layer's softmax. Without dropout; call it with gradients and training off. */
vl_tensor *vl_bert_attended(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                            const vl_bert_batch *batch, const uint8_t *query_mask, vl_tensor *x);

#endif
