/* Language embedder and cross-modal transformer; see bert.h. */
#include "nn/bert.h"

#include <math.h>
#include <stdio.h>

/* ---- embeddings ----------------------------------------------------------------------------- */

void vl_bert_embedding_init(vl_bert_embedding *e, vl_params *p, const char *prefix, int vocab,
                            int D, double drop)
{
    e->word = vl_params_matrix(p, VL_INIT_EMBEDDING, 0, vocab, D, prefix, "word_embeddings.weight");
    e->position = vl_params_matrix(p, VL_INIT_NORMAL, 0, VL_BERT_POSITIONS, D, prefix,
                                   "position_embeddings.weight");
    e->type = vl_params_matrix(p, VL_INIT_NORMAL, 0, 2, D, prefix, "token_type_embeddings.weight");
    e->norm_w = vl_params_vector(p, VL_INIT_ONE, 0, D, prefix, "LayerNorm.weight");
    e->norm_b = vl_params_vector(p, VL_INIT_ZERO, 0, D, prefix, "LayerNorm.bias");
    e->drop = drop;
}

vl_tensor *vl_bert_embed(vl_tape *t, const vl_bert_embedding *e, const int *ids, int B, int X)
{
    int n = B * X, *position = vl_tape_alloc(t, n * sizeof(int));
    int *type = vl_tape_alloc(t, n * sizeof(int));
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < n; i++) {
        position[i] = i % X;
        type[i] = 0;
    }
    vl_tensor *x = vl_embedding(t, &e->word, ids, n, 0); // (B*X, D)
    x = vl_add(t, x, vl_embedding(t, &e->position, position, n, -1));
    x = vl_add(t, x, vl_embedding(t, &e->type, type, n, -1));
    x = vl_layernorm(t, x, &e->norm_w, &e->norm_b, VL_BERT_EPS);
    return vl_dropout(t, x, e->drop);
}

/* ---- a layer -------------------------------------------------------------------------------- */

/* Rows [first, first + rows) of a packed weight, or of a packed bias (columns of its one row). */
static vl_tensor part(vl_tensor x, int first, int n)
{
    size_t offset = (size_t)first * (x.rows == 1 ? 1 : x.cols);
    if (x.rows == 1)
        x.cols = n;
    else
        x.rows = n;
    x.x += offset;
    if (x.g) x.g += offset;
    return x;
}

void vl_bert_layer_init(vl_bert_layer *l, vl_params *p, const char *prefix, int D, int heads,
                        int mlp, double drop)
{
    static const char *const weights[3] = {
        "attention.self.query.weight", "attention.self.key.weight", "attention.self.value.weight"};
    static const char *const biases[3] = {"attention.self.query.bias", "attention.self.key.bias",
                                          "attention.self.value.bias"};
    l->heads = heads;
    l->drop = drop;
    l->qkv_w = vl_params_pack(p, VL_INIT_NORMAL, D, D, prefix, weights, 3);
    l->qkv_b = vl_params_pack(p, VL_INIT_ZERO, D, 0, prefix, biases, 3);
    if (p->status != VIOLET_OK) return;
    l->q_w = part(l->qkv_w, 0, D);
    l->q_b = part(l->qkv_b, 0, D);
    l->kv_w = part(l->qkv_w, D, 2 * D);
    l->kv_b = part(l->qkv_b, D, 2 * D);
    vl_params_linear(p, &l->out_w, &l->out_b, D, D, prefix, "attention.output.dense");
    vl_params_norm(p, &l->norm1_w, &l->norm1_b, D, prefix, "attention.output.LayerNorm");
    vl_params_linear(p, &l->fc1_w, &l->fc1_b, mlp, D, prefix, "intermediate.dense");
    vl_params_linear(p, &l->fc2_w, &l->fc2_b, D, mlp, prefix, "output.dense");
    vl_params_norm(p, &l->norm2_w, &l->norm2_b, D, prefix, "output.LayerNorm");
}

static vl_attention attention_of(const vl_bert_layer *l, const vl_bert_batch *b, int D)
{
    int head_dim = D / l->heads;
    return (vl_attention){.n_seq = b->B,
                          .n_q = b->n,
                          .n_k = b->n,
                          .heads = l->heads,
                          .head_dim = head_dim,
                          .scale = (real)(1 / sqrt(head_dim)),
                          .n_win = 1,
                          .key_mask = b->key_mask,
                          .drop = {l->drop, 0}};
}

/* What follows attention: x and its attention output y, both (rows, D) -> (rows, D) */
static vl_tensor *rest_of_layer(vl_tape *t, const vl_bert_layer *l, vl_tensor *x, vl_tensor *y)
{
    y = vl_linear(t, y, &l->out_w, &l->out_b, VL_ACT_NONE);
    x = vl_residual(t, x, y, l->drop, 0, 1);
    x = vl_layernorm(t, x, &l->norm1_w, &l->norm1_b, VL_BERT_EPS);
    y = vl_linear(t, x, &l->fc1_w, &l->fc1_b, VL_ACT_NONE); // (rows, 4D)
    y = vl_linear(t, y, &l->fc2_w, &l->fc2_b, VL_ACT_GELU);
    x = vl_residual(t, x, y, l->drop, 0, 1);
    return vl_layernorm(t, x, &l->norm2_w, &l->norm2_b, VL_BERT_EPS);
}

typedef struct layer_arg {
    const vl_bert_layer *p;
    const vl_bert_batch *batch;
    int at;              /* the one row to compute, or -1: all */
    int lean;            /* ... and no gradient or dropout is asked for */
    vl_tensor *received; /* attention received is added here; NULL: not wanted */
    const uint8_t *query_mask;
    int stop; /* nothing is wanted after attention received */
} layer_arg;

/* x (B*n, D) -> (B*n, D), or (B, D) of row `at` */
static vl_tensor *layer(vl_tape *t, const void *arg, vl_tensor *x)
{
    const layer_arg *a = arg;
    const vl_bert_layer *l = a->p;
    vl_attention s = attention_of(l, a->batch, x->cols);
    if (a->at < 0) {
        vl_tensor *qkv = vl_linear(t, x, &l->qkv_w, &l->qkv_b, VL_ACT_NONE); // (B*n, 3D)
        if (a->received) vl_attention_received(t, a->received, qkv, a->query_mask, s);
        if (a->stop) return x;
        return rest_of_layer(t, l, x, vl_attention_packed(t, qkv, NULL, s));
    }
    int *row = vl_tape_alloc(t, a->batch->B * sizeof *row);
    if (!row) return &t->dead;
    for (int b = 0; b < a->batch->B; b++) row[b] = b * a->batch->n + a->at;
    s.n_q = 1;
    vl_tensor *one = vl_gather(t, x, NULL, (vl_index){row, NULL, a->batch->B, 1}); // (B, D)
    vl_tensor *q = vl_linear(t, one, &l->q_w, &l->q_b, VL_ACT_NONE);
    if (a->lean)
        return rest_of_layer(t, l, one, vl_attention_one(t, q, x, &l->kv_w, &l->kv_b, s));
    vl_tensor *kv = vl_linear(t, x, &l->kv_w, &l->kv_b, VL_ACT_NONE); // (B*n, 2D)
    return rest_of_layer(t, l, one, vl_attention_cross(t, q, kv, NULL, s));
}

/* Layers `first` and on. */
static vl_tensor *encode(vl_tape *t, const vl_bert_layer *layers, int first, int n_layers,
                         const vl_bert_batch *batch, vl_tensor *x, int at)
{
    vl_bert_batch *b = vl_tape_alloc(t, sizeof *b);
    layer_arg *arg = vl_tape_alloc(t, n_layers * sizeof *arg);
    if (vl_tape_failed(t)) return &t->dead;
    *b = *batch;
    for (int i = first; i < n_layers; i++) {
        arg[i] = (layer_arg){.p = &layers[i],
                             .batch = b,
                             .at = i + 1 == n_layers ? at : -1,
                             .lean = !t->grad_on && !t->training};
        x = vl_block(t, layer, &arg[i], x);
        if (arg[i].at < 0) vl_tap(t, x, "ct.layer%d", i);
    }
    return x;
}

vl_tensor *vl_bert_encode(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                          const vl_bert_batch *batch, vl_tensor *x)
{
    return encode(t, layers, 0, n_layers, batch, x, -1);
}

vl_tensor *vl_bert_encode_row(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                              const vl_bert_batch *batch, vl_tensor *x, int at)
{
    return encode(t, layers, 0, n_layers, batch, x, at);
}

/* ---- sequences that share rows -------------------------------------------------------------- */

typedef struct shared_arg {
    const vl_bert_layer *first;
    const vl_bert_batch *batch;
    vl_index index;
    vl_bert_rows a, b;
    int only_x; /* the sequences as they are, no layer */
} shared_arg;

/* Rows of a (and b) -> the first layer's output (B*n, D) */
static vl_tensor *shared_layer(vl_tape *t, const void *arg, vl_tensor *x)
{
    const shared_arg *s = arg;
    x = vl_gather(t, s->a.x, s->b.x, s->index); // (B*n, D)
    if (s->only_x) return x;
    vl_tensor *qkv = vl_gather(t, s->a.qkv, s->b.qkv, s->index); // (B*n, 3D)
    vl_attention shape = attention_of(s->first, s->batch, x->cols);
    return rest_of_layer(t, s->first, x, vl_attention_packed(t, qkv, NULL, shape));
}

vl_tensor *vl_bert_first(vl_tape *t, const vl_bert_layer *first, const vl_tensor *x)
{
    return vl_linear(t, x, &first->qkv_w, &first->qkv_b, VL_ACT_NONE);
}

vl_tensor *vl_bert_encode_shared(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                                 const vl_bert_batch *batch, const int *rows, vl_bert_rows a,
                                 vl_bert_rows b, int at)
{
    if (t->grad_on) vl_tape_fail(t, VIOLET_EINVAL, "shared rows have no way back");
    if (vl_tape_failed(t)) return &t->dead;
    shared_arg arg = {.first = &layers[0],
                      .batch = batch,
                      .index = {rows, NULL, batch->B * batch->n, 1},
                      .a = a,
                      .b = b,
                      .only_x = n_layers == 1};
    vl_tensor *x = vl_block(t, shared_layer, &arg, (vl_tensor *)a.x);
    return encode(t, layers, n_layers > 1, n_layers, batch, x, at);
}

/* ---- attention received ---------------------------------------------------------------------- */

vl_tensor *vl_bert_attended(vl_tape *t, const vl_bert_layer *layers, int n_layers,
                            const vl_bert_batch *batch, const uint8_t *query_mask, vl_tensor *x)
{
    vl_tensor *received = vl_tape_tensor(t, batch->B, batch->n, 0);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->fill(t->device, received->x, 0, (size_t)batch->B * batch->n);
    for (int i = 0; i < n_layers; i++) {
        layer_arg arg = {.p = &layers[i],
                         .batch = batch,
                         .at = -1,
                         .received = received,
                         .query_mask = query_mask,
                         .stop = i + 1 == n_layers};
        x = vl_block(t, layer, &arg, x);
    }
    return received;
}
