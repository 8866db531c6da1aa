/* Plans of pretraining: how much masks hide, and one step; see plan.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/plan_internal.h"
#include "task/pretrain.h"

/* ---- how much is hidden ---------------------------------------------------------------------- */

/* The probability that a draw along an axis of n covers position i: extent uniform in [1, most),
 * 1 where that is empty, start uniform where it fits. */
static double covers(int n, int most, int i)
{
    int extents = most > 1 ? most - 1 : 1;
    double sum = 0;
    for (int e = 1; e <= extents && e <= n; e++) {
        int last = i < n - e ? i : n - e, first = i - e + 1 > 0 ? i - e + 1 : 0;
        sum += (double)(last - first + 1) / (n - e + 1);
    }
    return sum / extents;
}

double vl_plan_hidden_patches(int T, int h, int w)
{
    double sum = 0;
    for (int t = 0; t < T; t++)
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                double one = covers(T, T, t) * covers(h, 2 * h / 3, i) * covers(w, 2 * w / 3, j);
                sum += 1 - pow(1 - one, T);
            }
    return sum;
}

/* Attended masking draws by weight; what the weights will be nobody knows, so words and patches
 * share the draws by their numbers. */
void plan_expect_hidden(planned *p)
{
    const vl_plan_options *o = &p->o;
    int h = p->H / 32, w = p->W / 32, words = p->X - 2, patches = p->T * h * w;
    double draws = floor(o->of.p_attended * (p->Ni + p->X));
    if (draws > words + patches) draws = words + patches;
    double share = draws / (words + patches), a = o->of.p_use_attended;
    p->words = a * share * words + (1 - a) * o->of.p_word * words;
    p->patches = a * share * patches + (1 - a) * vl_plan_hidden_patches(p->T, h, w);
}

/* ---- one step -------------------------------------------------------------------------------- */

/* A batch as the masked forward takes it. All arrays are host memory. */
typedef struct batch {
    int B, n_negative, *text, *mtm, *mvm, *negative;
    uint8_t *text_mask;
} batch;

static void batch_free(batch *b)
{
    free(b->text);
    free(b->mtm);
    free(b->mvm);
    free(b->negative);
    free(b->text_mask);
}

/* Sample b's part of an expected number a sample, so that the parts add up over the batch. */
static int part_of(double each, int b)
{
    return (int)(floor((b + 1) * each + 0.5) - floor(b * each + 0.5));
}

static violet_status batch_make(batch *a, const planned *p, int B)
{
    int others = vl_pretrain_negatives(&p->o.of, B), hw1 = p->Ni / p->T;
    *a = (batch){.B = B, .n_negative = others};
    a->text = calloc((size_t)B * p->X, sizeof(int));
    a->mtm = calloc((size_t)B * p->X, sizeof(int));
    a->mvm = calloc((size_t)B * p->Ni, sizeof(int));
    a->negative = calloc((size_t)B * others + 1, sizeof(int));
    a->text_mask = malloc((size_t)B * p->X);
    if (!a->text || !a->mtm || !a->mvm || !a->negative || !a->text_mask) return vl_err_nomem();
    memset(a->text_mask, 1, (size_t)B * p->X);
    for (int b = 0; b < B; b++) {
        int words = part_of(p->words, b), patches = part_of(p->patches, b);
        for (int i = 0; i < p->X; i++) a->mtm[b * p->X + i] = i > 0 && i <= words ? 0 : -1;
        for (int i = 0; i < p->Ni; i++)
            a->mvm[b * p->Ni + i] = i % hw1 && patches-- > 0 ? 0 : -1;
        for (int k = 0; k < others; k++) a->negative[b * others + k] = (b + 1 + k) % B;
    }
    return VIOLET_OK;
}

/* The visual tokens of B videos, as vl_dvae_tokens computes them. */
static void token_pass(vl_tape *t, const planned *p, int B)
{
    int n = B * p->T;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 0;
    vl_dvae_encode(t, &p->dvae->encoder, vl_dvae_pixels(t, NULL, n, p->side), n, p->side);
}

/* The pass that weighs positions, over the samples that will be masked by it. */
static void attended_pass(vl_tape *t, const planned *p, const vl_swin_plan *plan, const batch *a)
{
    vl_tape_reset(t, 0, 0);
    t->grad_on = 0;
    t->training = p->o.of.run.compat != 0;
    vl_pretrain_attended(t, &p->model, plan, NULL, a->text, a->text_mask, p->X,
                         p->o.of.run.compat != 0);
}

static void masked_pass(vl_tape *t, const planned *p, const vl_swin_plan *plan, const batch *a,
                        vl_pretrain_output *out)
{
    vl_pretrain_input in = {.B = a->B, .X = p->X, .n_negative = a->n_negative, .plan = plan};
    in.text = a->text, in.text_mask = a->text_mask;
    in.answer_mtm = a->mtm, in.answer_mvm = a->mvm, in.negative = a->negative;
    in.pair_again = p->o.of.run.compat != 0;
    in.contrastive = p->o.of.run.contrastive;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 1;
    t->checkpoint_on = p->o.of.run.checkpointing;
    vl_pretrain_forward(t, &p->model, &in, out);
}

static violet_status run_step(plan_tally *out, const planned *p, vl_tape *t, vl_swin_plans *plans,
                              const batch *a)
{
    int half = (int)(a->B * p->o.of.p_use_attended + 0.5);
    const vl_config *c = &p->config;
    plan_marks m = {.before = vl_count_get(t->device)};
    if (p->dvae) token_pass(t, p, a->B);
    m.tokens = vl_count_get(t->device);
    if (vl_tape_failed(t)) return vl_tape_status(t);
    if (half > 0) {
        const vl_swin_plan *some = vl_swin_plans_get(plans, &c->video, half, p->T, p->H, p->W);
        if (!some) return VIOLET_ENOMEM;
        attended_pass(t, p, some, a);
        if (vl_tape_failed(t)) return vl_tape_status(t);
    }
    m.attended = vl_count_get(t->device);
    const vl_swin_plan *all = vl_swin_plans_get(plans, &c->video, a->B, p->T, p->H, p->W);
    if (!all) return VIOLET_ENOMEM;
    vl_pretrain_output losses;
    masked_pass(t, p, all, a, &losses);
    m.forward = vl_count_get(t->device);
    violet_status status = vl_tape_failed(t) ? vl_tape_status(t) : vl_tape_backward(t, losses.loss);
    if (status == VIOLET_OK) plan_note(out, t, plans, &m);
    return status;
}

static violet_status pretrain_step(plan_tally *out, const planned *p, vl_tape *t,
                                   vl_swin_plans *plans, int B)
{
    batch a = {0};
    violet_status status = batch_make(&a, p, B);
    if (status == VIOLET_OK) status = run_step(out, p, t, plans, &a);
    batch_free(&a);
    return status;
}

const plan_kind plan_pretrain = {
    .type = "pretrain",
    .heads = VL_HEADS_PRETRAIN,
    .size_txt = 32,
    .size_frame = 4,
    .size_batch = 12,
    .step = pretrain_step,
};
