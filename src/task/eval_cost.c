/* FLOPs of an evaluation, counted: a video encoded, and a pair by the length of its text, each run
 * once on the counting backend. Padding, where a block has any, does not count. */
#include <stdlib.h>

#include "base/status.h"
#include "task/eval_internal.h"
#include "tensor/count.h"

struct eval_cost {
    eval *e;
    vl_device *device;
    vl_tape tape;
    vl_features *videos, *texts; /* one video, two texts */
    vl_scorer *scorer;
    real *zeros;     /* (most rows, D) */
    double video;    /* FLOPs to encode one */
    double first;    /* of its first layer, once for all its pairs */
    double *pair;    /* (longest + 1) by length; 0: not counted yet */
};

static double products(const eval_cost *c)
{
    vl_count count = vl_count_get(c->device);
    return vl_count_products(&count, VL_COUNT_FORWARD);
}

/* FLOPs of the pairs of the video with the first n texts. */
static violet_status count_pairs(double *flops, eval_cost *c, int n)
{
    static const int video[2] = {0, 0}, text[2] = {0, 1};
    int columns = vl_scorer_columns(c->scorer);
    real *score = calloc(2 * (size_t)columns, sizeof *score);
    if (!score) return vl_err_nomem();
    double before = products(c);
    vl_scorer_forget(c->scorer);
    violet_status status = vl_scorer_score(c->scorer, score, video, text, n);
    *flops = products(c) - before;
    free(score);
    return status;
}

static violet_status count_length(eval_cost *c, int length)
{
    double one = 0, two = 0;
    violet_status status = vl_features_put(c->texts, 0, c->zeros, length);
    if (status == VIOLET_OK) status = vl_features_put(c->texts, 1, c->zeros, length);
    if (status == VIOLET_OK) status = count_pairs(&one, c, 1);
    if (status == VIOLET_OK) status = count_pairs(&two, c, 2);
    if (status != VIOLET_OK) return status;
    c->pair[length] = two - one;
    c->first = 2 * one - two;
    return VIOLET_OK;
}

static violet_status count_video(eval_cost *c)
{
    eval *e = c->e;
    int S = e->o->run.size_img;
    const vl_swin_plan *plan = vl_swin_plans_get(&e->plans, &e->config.video, 1, e->T, S, S);
    if (!plan) return VIOLET_ENOMEM;
    vl_tape_reset(&c->tape, 0, 0);
    c->tape.grad_on = c->tape.training = 0;
    vl_model_image(&c->tape, &e->model, plan, NULL);
    c->video = products(c);
    return vl_tape_status(&c->tape);
}

violet_status eval_cost_open(eval_cost **out, eval *e)
{
    const vl_backend *count = vl_backend_count();
    int rows = e->Ni > e->texts.longest ? e->Ni : e->texts.longest, D = e->config.hidden;
    vl_features_key key = {.kind = "video", .n = 1, .rows = e->Ni, .cols = D, .dtype = VL_DT_F32};
    *out = NULL;
    eval_cost *c = calloc(1, sizeof *c);
    if (!c) return vl_err_nomem();
    c->e = e;
    c->device = count->open(0);
    c->zeros = calloc((size_t)rows * (size_t)D, sizeof *c->zeros);
    c->pair = calloc((size_t)e->texts.longest + 1, sizeof *c->pair);
    violet_status status = c->device && c->zeros && c->pair ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK) status = vl_tape_init(&c->tape, count, c->device, 0);
    if (status == VIOLET_OK) status = count_video(c);
    if (status == VIOLET_OK) status = vl_features_open(&c->videos, NULL, &key);
    if (status == VIOLET_OK) status = vl_features_put(c->videos, 0, c->zeros, e->Ni);
    key = (vl_features_key){.kind = "text", .n = 2, .rows = e->texts.longest, .cols = D,
                            .dtype = VL_DT_F32};
    if (status == VIOLET_OK) status = vl_features_open(&c->texts, NULL, &key);
    if (status == VIOLET_OK)
        status = vl_scorer_open(&c->scorer, &e->model, &c->tape, c->videos, c->texts,
                                &(vl_scorer_options){.block = 2, .keep_texts = 2});
    if (status == VIOLET_OK)
        *out = c;
    else
        eval_cost_close(c);
    return status;
}

void eval_cost_close(eval_cost *c)
{
    if (!c) return;
    vl_scorer_close(c->scorer);
    vl_features_close(c->videos);
    vl_features_close(c->texts);
    vl_tape_release(&c->tape);
    if (c->device) vl_backend_count()->close(c->device);
    free(c->zeros);
    free(c->pair);
    free(c);
}

double eval_cost_video(const eval_cost *c)
{
    return c->video;
}

violet_status eval_cost_pairs(double *flops, eval_cost *c, const int *text, int n)
{
    *flops = 0;
    for (int i = 0; i < n; i++) {
        int length = c->e->texts.length[text[i]];
        violet_status status = c->pair[length] > 0 ? VIOLET_OK : count_length(c, length);
        if (status != VIOLET_OK) return status;
        *flops += c->pair[length];
    }
    if (n) *flops += c->first;
    return VIOLET_OK;
}
