/* The video encoder's layers; see swin3d.h. Shapes stand behind the lines. */
#include "nn/swin3d.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const real image_mean[3] = {(real)0.485, (real)0.456, (real)0.406};
const uint8_t vl_swin_mean_colour[3] = {124, 116, 104}; /* of 255, rounded */
static const real image_deviation[3] = {(real)0.229, (real)0.224, (real)0.225};
static const real eps = (real)1e-5;

/* ---- parameters ----------------------------------------------------------------------------- */

int64_t vl_swin_offsets(int offsets[3], const int window[3])
{
    for (int a = 0; a < 3; a++) offsets[a] = 2 * window[a] - 1;
    return (int64_t)offsets[0] * offsets[1] * offsets[2];
}

static void init_block(vl_swin_block *b, const vl_swin_config *c, int C, vl_params *p,
                       const char *prefix)
{
    int offsets[3], table = (int)vl_swin_offsets(offsets, c->window);
    vl_params_norm(p, &b->norm1_w, &b->norm1_b, C, prefix, "norm1");
    b->bias_table = vl_params_matrix(p, VL_INIT_NORMAL, 0, table, b->heads, prefix,
                                     "attn.relative_position_bias_table");
    vl_params_linear(p, &b->qkv_w, &b->qkv_b, 3 * C, C, prefix, "attn.qkv");
    vl_params_linear(p, &b->proj_w, &b->proj_b, C, C, prefix, "attn.proj");
    vl_params_norm(p, &b->norm2_w, &b->norm2_b, C, prefix, "norm2");
    vl_params_linear(p, &b->fc1_w, &b->fc1_b, 4 * C, C, prefix, "mlp.fc1");
    vl_params_linear(p, &b->fc2_w, &b->fc2_b, C, 4 * C, prefix, "mlp.fc2");
}

violet_status vl_swin_init(vl_swin *s, const vl_swin_config *c, vl_params *p, const char *prefix)
{
    memset(s, 0, sizeof *s);
    s->config = *c;
    int shape[5] = {c->embed_dim, 3, 2, 4, 4}, n_blocks = 0, at = 0;
    for (int k = 0; k < VL_SWIN_STAGES; k++) n_blocks += c->depths[k];
    s->patch_w =
        vl_params_add(p, VL_INIT_UNIFORM, 96, 5, shape, "%spatch_embed.proj.weight", prefix);
    s->patch_b =
        vl_params_vector(p, VL_INIT_UNIFORM, 96, c->embed_dim, prefix, "patch_embed.proj.bias");
    vl_params_norm(p, &s->patch_norm_w, &s->patch_norm_b, c->embed_dim, prefix, "patch_embed.norm");
    for (int k = 0; k < VL_SWIN_STAGES; k++) {
        vl_swin_stage *stage = &s->stages[k];
        char name[96];
        stage->depth = c->depths[k];
        stage->dim = c->embed_dim << k;
        stage->heads = c->heads[k];
        stage->blocks = calloc(stage->depth, sizeof *stage->blocks);
        if (!stage->blocks) return vl_err_nomem();
        for (int i = 0; i < stage->depth; i++, at++) {
            stage->blocks[i].heads = stage->heads;
            stage->blocks[i].drop_path = n_blocks > 1 ? c->drop_path * at / (n_blocks - 1) : 0;
            snprintf(name, sizeof name, "%slayers.%d.blocks.%d.", prefix, k, i);
            init_block(&stage->blocks[i], c, stage->dim, p, name);
        }
        if (k + 1 == VL_SWIN_STAGES) break;
        snprintf(name, sizeof name, "%slayers.%d.", prefix, k);
        vl_params_linear(p, &stage->merge_w, NULL, 2 * stage->dim, 4 * stage->dim, name,
                         "downsample.reduction");
        vl_params_norm(p, &stage->merge_norm_w, &stage->merge_norm_b, 4 * stage->dim, name,
                       "downsample.norm");
    }
    vl_params_norm(p, &s->norm_w, &s->norm_b, 8 * c->embed_dim, prefix, "norm");
    return p->status;
}

void vl_swin_release(vl_swin *s)
{
    for (int k = 0; k < VL_SWIN_STAGES; k++) free(s->stages[k].blocks);
    memset(s, 0, sizeof *s);
}

/* ---- forward -------------------------------------------------------------------------------- */

typedef struct block_arg {
    const vl_swin_block *p;
    const vl_swin_plan_stage *s;
    int B, shifted;
} block_arg;

/* x (B*L, C) -> (B*L, C) */
static vl_tensor *block(vl_tape *t, const void *arg, vl_tensor *x)
{
    const block_arg *a = arg;
    const vl_swin_block *p = a->p;
    const vl_swin_plan_stage *s = a->s;
    int head_dim = x->cols / p->heads;
    vl_attention windows = {.n_seq = a->B * s->n_win,
                            .n_q = s->N,
                            .n_k = s->N,
                            .heads = p->heads,
                            .head_dim = head_dim,
                            .scale = (real)(1 / sqrt(head_dim)),
                            .n_win = s->n_win,
                            .rows_per_sample_q = s->Lp,
                            .rows_per_sample_k = s->Lp,
                            .rows_q = s->rows[a->shifted],
                            .rows_k = s->rows[a->shifted],
                            .region = a->shifted ? s->region : NULL,
                            .region_penalty = -100};

    vl_tensor *y = vl_layernorm(t, x, &p->norm1_w, &p->norm1_b, eps); // (B*L, C)
    if (s->pad.to) y = vl_gather(t, y, NULL, s->pad);                 // (B*Lp, C)
    y = vl_linear(t, y, &p->qkv_w, &p->qkv_b, VL_ACT_NONE);           // (B*Lp, 3C)
    vl_tensor *bias = vl_relative_bias(t, &p->bias_table, s->bias_index, s->N * s->N);
    y = vl_attention_packed(t, y, bias, windows); // (B*Lp, C)
    y = vl_linear(t, y, &p->proj_w, &p->proj_b, VL_ACT_NONE);
    if (s->pad.to) y = vl_gather(t, y, NULL, s->crop); // (B*L, C)
    x = vl_residual(t, x, y, 0, p->drop_path, s->L);

    y = vl_layernorm(t, x, &p->norm2_w, &p->norm2_b, eps);
    y = vl_linear(t, y, &p->fc1_w, &p->fc1_b, VL_ACT_NONE); // (B*L, 4C)
    y = vl_linear(t, y, &p->fc2_w, &p->fc2_b, VL_ACT_GELU); // (B*L, C)
    return vl_residual(t, x, y, 0, p->drop_path, s->L);
}

/* x (B*D*h*w, C) -> (B*D*h/2*w/2, 2C) */
static vl_tensor *merge(vl_tape *t, const vl_swin_stage *stage, const vl_swin_plan_stage *s,
                        vl_tensor *x)
{
    vl_tensor *y = vl_gather(t, x, NULL, s->merge); // (., 4C)
    y = vl_layernorm(t, y, &stage->merge_norm_w, &stage->merge_norm_b, eps);
    return vl_linear(t, y, &stage->merge_w, NULL, VL_ACT_NONE); // (., 2C)
}

vl_tensor *vl_swin_forward(vl_tape *t, const vl_swin *s, const vl_swin_plan *p,
                           const uint8_t *image)
{
    vl_tensor *x = vl_patches(t, image, image_mean, image_deviation, p->B, p->T, p->H, p->W);
    x = vl_linear(t, x, &s->patch_w, &s->patch_b, VL_ACT_NONE); // (B*L, C)
    x = vl_layernorm(t, x, &s->patch_norm_w, &s->patch_norm_b, eps);
    vl_tap(t, x, "swin.patch_embed");
    for (int k = 0; k < VL_SWIN_STAGES; k++) {
        const vl_swin_stage *stage = &s->stages[k];
        for (int i = 0; i < stage->depth; i++) {
            block_arg *arg = vl_tape_alloc(t, sizeof *arg);
            if (!arg) return &t->dead;
            *arg =
                (block_arg){&stage->blocks[i], &p->stages[k], p->B, (i & 1) && p->stages[k].shifts};
            x = vl_block(t, block, arg, x);
            vl_tap(t, x, "swin.layer%d.block%d", k, i);
        }
        if (k + 1 < VL_SWIN_STAGES) x = merge(t, stage, &p->stages[k], x);
        vl_tap(t, x, "swin.layer%d", k);
    }
    x = vl_layernorm(t, x, &s->norm_w, &s->norm_b, eps);
    vl_tap(t, x, "swin");
    return x;
}
