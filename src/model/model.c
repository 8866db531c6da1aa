/* The whole model; see model.h. */
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static const real image_eps = (real)1e-5;

/* ---- parameters ----------------------------------------------------------------------------- */

static violet_status init_params(vl_model *m)
{
    const vl_config *c = &m->config;
    vl_params *p = &m->params;
    int D = c->hidden;
    int cls[4] = {1, 1, 1, D}, pos[4] = {1, 1, c->positions, D}, len[4] = {1, c->frames, 1, D};
    char prefix[64];
    m->emb_cls = vl_params_add(p, VL_INIT_NORMAL, 0, 4, cls, "enc_img.emb_cls");
    m->emb_pos = vl_params_add(p, VL_INIT_NORMAL, 0, 4, pos, "enc_img.emb_pos");
    m->emb_len = vl_params_add(p, VL_INIT_NORMAL, 0, 4, len, "enc_img.emb_len");
    violet_status status = vl_swin_init(&m->swin, &c->video, p, "enc_img.swin.");
    if (status != VIOLET_OK) return status;
    vl_params_norm(p, &m->norm_w, &m->norm_b, D, "enc_img.", "norm");
    vl_bert_embedding_init(&m->text, p, "enc_txt.emb_txt.", c->size_vocab, D, c->drop);
    for (int i = 0; i < c->ct_layers; i++) {
        snprintf(prefix, sizeof prefix, "trsfr.layer.%d.", i);
        vl_bert_layer_init(&m->layers[i], p, prefix, D, c->ct_heads, c->ct_mlp, c->drop);
    }
    if (m->heads & (VL_HEAD_MATCH | VL_HEAD_ANSWER))
        vl_mlp_head_init(&m->fc, p, "fc.", D, m->heads & VL_HEAD_MATCH ? 1 : c->size_answer,
                         c->drop);
    if (m->heads & VL_HEAD_MTM)
        vl_mlm_head_init(&m->fc_mtm, p, "fc_mtm.predictions.", D, c->size_vocab);
    if (m->heads & VL_HEAD_MVM)
        vl_mlp_head_init(&m->fc_mvm, p, "fc_mvm.", D, c->size_code, c->drop);
    if (m->heads & VL_HEAD_DUAL) {
        if (c->dual_width < 1) return vl_err(VIOLET_EINVAL, "dual_width is 0, expected 1 or more");
        vl_params_linear(p, &m->dual_video, NULL, c->dual_width, D, "dual.", "video");
        vl_params_linear(p, &m->dual_text, NULL, c->dual_width, D, "dual.", "text");
    }
    return p->status;
}

violet_status vl_model_init(vl_model *m, const vl_config *config, int heads, int trainable,
                            size_t limit)
{
    memset(m, 0, sizeof *m);
    violet_status status = vl_config_check(config);
    if (status != VIOLET_OK) return status;
    m->config = *config;
    m->heads = heads;
    m->layers = calloc(config->ct_layers, sizeof *m->layers);
    if (!m->layers) return vl_err_nomem();
    status = vl_params_init(&m->params, trainable, limit);
    if (status == VIOLET_OK) status = init_params(m);
    if (status != VIOLET_OK) vl_model_release(m);
    return status;
}

void vl_model_release(vl_model *m)
{
    vl_swin_release(&m->swin);
    vl_params_release(&m->params);
    free(m->layers);
    memset(m, 0, sizeof *m);
}

/* ---- image tokens --------------------------------------------------------------------------- */

/* Rows of [patches ; emb_cls] in the order of tokens, [CLS] in front of each frame's patches, with
 * the way back to the patches; and which rows of emb_pos and emb_len belong to each token. */
typedef struct token_tables {
    int *to, *back, *pos, *frame;
} token_tables;

static int fill_tokens(vl_tape *t, token_tables *k, int planes, int T, int hw)
{
    int n = planes * (1 + hw), patches = planes * hw;
    k->to = vl_tape_alloc(t, n * sizeof(int));
    k->back = vl_tape_alloc(t, patches * sizeof(int));
    k->pos = vl_tape_alloc(t, n * sizeof(int));
    k->frame = vl_tape_alloc(t, n * sizeof(int));
    if (vl_tape_failed(t)) return 0;
    for (int i = 0; i < n; i++) {
        int plane = i / (1 + hw), at = i % (1 + hw);
        k->pos[i] = at;
        k->frame[i] = plane % T;
        k->to[i] = at == 0 ? patches : plane * hw + at - 1;
        if (at) k->back[k->to[i]] = i;
    }
    return 1;
}

vl_tensor *vl_model_image(vl_tape *t, const vl_model *m, const vl_swin_plan *plan,
                          const uint8_t *image)
{
    int hw = plan->H / 32 * (plan->W / 32), n = plan->B * plan->T * (1 + hw);
    if (plan->T > m->config.frames || 1 + hw > m->config.positions) {
        vl_tape_fail(t, VIOLET_ESHAPE,
                     "%d frames of %d patches: the model has positions for %d frames of %d",
                     plan->T, hw, m->config.frames, m->config.positions - 1);
        return &t->dead;
    }
    token_tables k;
    vl_tensor *x = vl_swin_forward(t, &m->swin, plan, image); // (B*T*hw, D)
    if (!fill_tokens(t, &k, plan->B * plan->T, plan->T, hw)) return &t->dead;
    x = vl_gather(t, x, &m->emb_cls, (vl_index){k.to, k.back, n, 1}); // (B*Ni, D)
    x = vl_add(t, x, vl_embedding(t, &m->emb_pos, k.pos, n, -1));
    x = vl_add(t, x, vl_embedding(t, &m->emb_len, k.frame, n, -1));
    x = vl_layernorm(t, x, &m->norm_w, &m->norm_b, image_eps);
    vl_tap(t, x, "feature_image");
    return x;
}

vl_tensor *vl_model_text(vl_tape *t, const vl_model *m, const int *ids, int B, int X)
{
    if (X > VL_BERT_POSITIONS) {
        vl_tape_fail(t, VIOLET_ESHAPE, "%d text positions: the model has %d", X, VL_BERT_POSITIONS);
        return &t->dead;
    }
    vl_tensor *x = vl_bert_embed(t, &m->text, ids, B, X);
    vl_tap(t, x, "feature_text");
    return x;
}

/* ---- pairs ---------------------------------------------------------------------------------- */

/* Whether the numbers are 0, 1, 2, ...: then each row is used once and the way back is a table. */
static int is_identity(const int *a, int P, int n)
{
    if (P != n) return 0;
    for (int i = 0; i < P; i++)
        if (a[i] != i) return 0;
    return 1;
}

vl_tensor *vl_model_pair(vl_tape *t, const vl_pairs *p, vl_tensor *image, vl_tensor *text,
                         vl_bert_batch *batch)
{
    int n = p->Ni + p->X, a_rows = p->n_videos * p->Ni,
        once = is_identity(p->video, p->P, p->n_videos);
    int *to = vl_tape_alloc(t, (size_t)p->P * n * sizeof *to);
    int *back = once ? vl_tape_alloc(t, a_rows * sizeof *back) : NULL;
    uint8_t *mask = vl_tape_alloc(t, (size_t)p->P * n);
    if (vl_tape_failed(t)) return &t->dead;
    for (int k = 0; k < p->P; k++) {
        int *row = to + (size_t)k * n;
        for (int i = 0; i < p->Ni; i++) {
            row[i] = p->video[k] * p->Ni + i;
            if (back) back[row[i]] = k * n + i;
        }
        for (int i = 0; i < p->X; i++) row[p->Ni + i] = a_rows + p->text[k] * p->X + i;
        memset(mask + (size_t)k * n, 1, p->Ni);
        memcpy(mask + (size_t)k * n + p->Ni, p->text_mask + (size_t)p->text[k] * p->X, p->X);
    }
    *batch = (vl_bert_batch){p->P, n, mask};
    return vl_gather(t, image, text, (vl_index){to, back, p->P * n, 1}); // (P*n, D)
}

vl_tensor *vl_model_score(vl_tape *t, const vl_model *m, const vl_pairs *p, vl_tensor *image,
                          vl_tensor *text)
{
    vl_bert_batch batch;
    vl_tensor *x = vl_model_pair(t, p, image, text, &batch);
    x = vl_bert_encode_row(t, m->layers, m->config.ct_layers, &batch, x, p->Ni); // (P, D)
    return vl_mlp_head_forward(t, &m->fc, x);
}
