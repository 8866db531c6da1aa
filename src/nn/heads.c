/* The heads; see heads.h. */
#include "nn/heads.h"

#include "nn/bert.h"

void vl_mlp_head_init(vl_mlp_head *h, vl_params *p, const char *prefix, int D, int n, double drop)
{
    h->w1 = vl_params_matrix(p, VL_INIT_UNIFORM, D, 2 * D, D, prefix, "1.weight");
    h->b1 = vl_params_vector(p, VL_INIT_UNIFORM, D, 2 * D, prefix, "1.bias");
    h->w3 = vl_params_matrix(p, VL_INIT_UNIFORM, 2 * D, n, 2 * D, prefix, "3.weight");
    h->b3 = vl_params_vector(p, VL_INIT_UNIFORM, 2 * D, n, prefix, "3.bias");
    h->drop = drop;
}

vl_tensor *vl_mlp_head_forward(vl_tape *t, const vl_mlp_head *h, vl_tensor *x)
{
    x = vl_dropout(t, x, h->drop);
    x = vl_linear(t, x, &h->w1, &h->b1, VL_ACT_NONE);    // (rows, 2D)
    return vl_linear(t, x, &h->w3, &h->b3, VL_ACT_RELU); // (rows, n)
}

void vl_mlm_head_init(vl_mlm_head *h, vl_params *p, const char *prefix, int D, int vocab)
{
    h->decoder_b = vl_params_vector(p, VL_INIT_ZERO, 0, vocab, prefix, "bias");
    vl_params_linear(p, &h->dense_w, &h->dense_b, D, D, prefix, "transform.dense");
    vl_params_norm(p, &h->norm_w, &h->norm_b, D, prefix, "transform.LayerNorm");
    vl_params_linear(p, &h->decoder_w, NULL, vocab, D, prefix, "decoder");
}

vl_tensor *vl_mlm_head_forward(vl_tape *t, const vl_mlm_head *h, vl_tensor *x)
{
    x = vl_linear(t, x, &h->dense_w, &h->dense_b, VL_ACT_NONE);
    x = vl_activation(t, x, VL_ACT_GELU);
    x = vl_layernorm(t, x, &h->norm_w, &h->norm_b, VL_BERT_EPS);
    return vl_linear(t, x, &h->decoder_w, &h->decoder_b, VL_ACT_NONE); // (rows, vocab)
}
