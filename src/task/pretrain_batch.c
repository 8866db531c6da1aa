/* One batch of a pretraining run: visual tokens and attention received where they are needed,
 * masks, forward, backward. See pretrain_internal.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/pretrain_internal.h"

violet_status pretrain_buffers(vl_run *r, int B, int T)
{
    pretrain *p = r->own;
    size_t S = r->o->size_img, X = r->o->size_txt, hw = S / 32 * (S / 32), Ni = T * (1 + hw);
    p->image = malloc(B * (size_t)T * 3 * S * S);
    p->text_mask = malloc(B * X);
    p->same = malloc((size_t)B * (size_t)B);
    p->text = malloc(B * X * sizeof *p->text);
    p->vq = malloc(B * T * hw * sizeof *p->vq);
    p->answer_mtm = malloc(B * X * sizeof *p->answer_mtm);
    p->answer_mvm = malloc(B * Ni * sizeof *p->answer_mvm);
    p->negative = malloc((B * (size_t)vl_pretrain_negatives(p->o, B) + 1) * sizeof *p->negative);
    p->weight = malloc(B * (Ni + X) * sizeof *p->weight);
    if (!p->image || !p->text_mask || !p->same || !p->text || !p->vq || !p->answer_mtm ||
        !p->answer_mvm || !p->negative || !p->weight)
        return vl_err_nomem();
    return VIOLET_OK;
}

void pretrain_buffers_free(pretrain *p)
{
    free(p->image);
    free(p->text_mask);
    free(p->same);
    free(p->text);
    free(p->vq);
    free(p->answer_mtm);
    free(p->answer_mvm);
    free(p->negative);
    free(p->weight);
}

/* Attention received, a row of p->weight for each sample that is masked by it. Only those samples
 * are computed; as published (compat) with dropout on, and padding asking, too. */
static violet_status attended(vl_run *r, const vl_batch *b, const vl_mask_config *mask,
                              int training, uint64_t draw, uint64_t first_sample)
{
    pretrain *p = r->own;
    int compat = r->o->compat == VL_COMPAT_VIOLET1, n = 0, X = b->X;
    size_t image_bytes = (size_t)b->T * 3 * b->S * b->S;
    for (int k = 0; k < b->n; k++) {
        if (!vl_mask_is_attended(mask, first_sample + k)) continue;
        memcpy(p->image + n * image_bytes, b->image + k * image_bytes, image_bytes);
        memcpy(p->text + n * X, b->text + k * X, X * sizeof *p->text);
        n++;
    }
    if (n == 0) return VIOLET_OK;
    for (int i = 0; i < n * X; i++) p->text_mask[i] = p->text[i] != mask->special[VL_PAD];
    const vl_swin_plan *plan = vl_swin_plans_get(&r->plans, &r->config.video, n, b->T, b->S, b->S);
    if (!plan) return VIOLET_ENOMEM;
    vl_tape *t = &r->tape;
    vl_tape_reset(t, r->o->seed ^ 0x617474, draw);
    t->grad_on = 0;
    t->training = compat && training;
    vl_tensor *w =
        vl_pretrain_attended(t, &r->model, plan, p->image, p->text, p->text_mask, X, compat);
    for (long i = 0; !vl_tape_failed(t) && i < (long)w->rows * w->cols; i++)
        p->weight[i] = (float)w->x[i];
    return vl_tape_status(t);
}

/* The visual tokens of a batch into p->vq; *has: there are some. */
static violet_status tokens(vl_run *r, const vl_batch *b, int *has)
{
    pretrain *p = r->own;
    size_t g = (size_t)b->S / 32, n = (size_t)b->n * b->T * g * g;
    *has = p->dvae || b->vq;
    for (size_t i = 0; b->vq && !p->dvae && i < n; i++) p->vq[i] = b->vq[i];
    if (!p->dvae) return VIOLET_OK;
    violet_status status = vl_dvae_tokens(p->vq, p->dvae, &r->tape, b->small, b->n * b->T, b->side);
    return status == VIOLET_OK ? status : vl_err_at(status, "visual tokens");
}

static void mask_batch(pretrain *p, const vl_batch *b, const vl_mask_config *mask,
                       uint64_t first_sample, int n_negative, int has_tokens)
{
    int g = b->S / 32;
    memcpy(p->image, b->image, (size_t)b->n * b->T * 3 * b->S * b->S);
    for (int i = 0; i < b->n * b->X; i++) p->text[i] = b->text[i];
    for (int i = 0; i < b->n * b->X; i++) p->text_mask[i] = p->text[i] != mask->special[VL_PAD];
    vl_mask_negatives(mask, p->negative, n_negative, p->text, b->n, b->X, first_sample);
    vl_mask_batch batch = {.B = b->n,
                           .T = b->T,
                           .h = g,
                           .w = g,
                           .X = b->X,
                           .first_sample = first_sample,
                           .image = p->image,
                           .text = p->text,
                           .vq = has_tokens ? p->vq : NULL,
                           .answer_mtm = p->answer_mtm,
                           .answer_mvm = p->answer_mvm};
    vl_mask_apply(mask, &batch, p->weight);
}

static void add_stats(vl_run_sums *s, const vl_pretrain_output *out)
{
    for (int k = 0; k < 3; k++) {
        if (!out->loss_of[k] || out->asked[k] == 0) continue;
        if (k == VL_VTM && out->logits[k]->cols == 1) continue; /* no other text: nothing asked */
        s->loss[k] += (double)out->loss_of[k]->x[0] * out->asked[k];
        s->asked[k] += out->asked[k];
        for (int i = 0; i < out->logits[k]->rows; i++)
            s->right[k] += out->target[k][i] >= 0 && out->best[k][i] == out->target[k][i];
    }
    if (!out->con.loss || out->con.asked == 0) return;
    s->loss[CON] += (double)out->con.loss->x[0] * out->con.asked;
    s->asked[CON] += (uint64_t)out->con.asked;
    s->right[CON] += (uint64_t)out->con.right;
}

/* Pairs of a batch that are no wrong ones: of one video, or with one caption. */
static void find_same(pretrain *p, const vl_batch *b)
{
    for (int v = 0; v < b->n; v++)
        for (int w = 0; w < b->n; w++)
            p->same[v * b->n + w] =
                strcmp(b->id[v], b->id[w]) == 0 || b->facts[v].text == b->facts[w].text;
}

violet_status pretrain_batch(vl_run *r, const vl_batch *b, bool training, uint64_t draw,
                             uint64_t first_sample, vl_run_sums *sums)
{
    pretrain *p = r->own;
    /* A validation is masked the same way every time, and not like the training. */
    vl_mask_config mask = p->mask;
    if (!training) mask.seed ^= 0x76616c;
    int n_negative = vl_pretrain_negatives(p->o, b->n), has_tokens;
    violet_status status = tokens(r, b, &has_tokens);
    if (status == VIOLET_OK) status = attended(r, b, &mask, training, draw, first_sample);
    if (status != VIOLET_OK) return status;
    mask_batch(p, b, &mask, first_sample, n_negative, has_tokens);
    vl_pretrain_input in = {.B = b->n,
                            .X = b->X,
                            .n_negative = n_negative,
                            .image = p->image,
                            .text = p->text,
                            .text_mask = p->text_mask,
                            .answer_mtm = p->answer_mtm,
                            .answer_mvm = p->answer_mvm,
                            .negative = p->negative,
                            .pair_again = r->o->compat == VL_COMPAT_VIOLET1};
    if (r->o->contrastive > 0) {
        find_same(p, b);
        in.contrastive = r->o->contrastive;
        in.same = p->same;
    }
    in.plan = vl_swin_plans_get(&r->plans, &r->config.video, b->n, b->T, b->S, b->S);
    if (!in.plan) return VIOLET_ENOMEM;
    vl_tape *t = &r->tape;
    vl_pretrain_output out;
    vl_tape_reset(t, r->o->seed, draw);
    t->grad_on = t->training = training;
    t->checkpoint_on = r->o->checkpointing;
    vl_pretrain_forward(t, &r->model, &in, &out);
    status = vl_tape_status(t);
    if (status != VIOLET_OK) return status;
    add_stats(sums, &out);
    return training && out.loss ? vl_tape_backward(t, out.loss) : VIOLET_OK;
}
