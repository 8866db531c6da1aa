/* The downstream tasks of a model case: retrieval, multiple choice, open-ended questions; the same
 * logits once more from the scorer of encoded items. */
#include "golden/model_run.h"

#include "model/scorer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

vl_downstream_input model_run_downstream_input(const model_run *run)
{
    return (vl_downstream_input){.B = run->B,
                                 .X = run->X,
                                 .plan = &run->plan,
                                 .image = run->image,
                                 .n_texts = run->B,
                                 .text = run->text,
                                 .text_mask = run->text_mask};
}

/* Compares TASK/logit, TASK/loss and TASK/grad/NAME; scale: what the golden logits were multiplied
 * by. */
static void compare_task(model_run *run, const vl_model *m, const char *task,
                         const vl_downstream_output *out, real scale)
{
    char name[64];
    golden_file *g = &run->file;
    if (!model_run_ok(run, task)) return;
    vl_tape_backward(&run->tape, out->loss);
    if (!model_run_ok(run, task)) return;
    size_t n = (size_t)out->logits->rows * out->logits->cols;
    for (size_t i = 0; i < n; i++) out->logits->x[i] *= scale;
    snprintf(name, sizeof name, "%s/logit", task);
    golden_compare(g, GOLDEN_ACTIVATION, NULL, name, out->logits->x, n);
    snprintf(name, sizeof name, "%s/loss", task);
    if (json_is_null(json_object_get(json_object_get(g->outputs, name), "l2")))
        golden_compare_nan(g, name, out->loss->x[0] == 0);
    else
        golden_compare(g, GOLDEN_LOSS, NULL, name, out->loss->x, 1);
    snprintf(name, sizeof name, "%s/grad/", task);
    model_run_compare_grads(run, m, name, NULL);
}

/* ---- the scorer ------------------------------------------------------------------------------ */

static violet_status encode(model_run *run, const vl_model *m, vl_features **videos,
                            vl_features **texts)
{
    vl_features_key key = {.kind = "video", .n = run->B, .rows = run->Ni, .cols = m->config.hidden,
                           .dtype = VL_DT_F32};
    int *item = malloc((size_t)run->B * sizeof *item);
    if (!item) return VIOLET_ENOMEM;
    for (int b = 0; b < run->B; b++) item[b] = b;
    violet_status status = vl_features_open(videos, NULL, &key);
    key.kind = "text", key.rows = run->X;
    if (status == VIOLET_OK) status = vl_features_open(texts, NULL, &key);
    if (status == VIOLET_OK)
        status = vl_encode_videos(*videos, item, &run->tape, m, &run->plan, run->image);
    if (status == VIOLET_OK)
        status = vl_encode_texts(*texts, item, &run->tape, m, run->text, run->text_mask, run->B,
                                 run->X);
    free(item);
    return status;
}

/* TASK/logit of pairs (video, text), text b * each + k of `text` with video b (NULL: texts 0, 1,
 * ... with each video). Encoded items are float32, also in CONFIG=double. */
static void compare_scorer(model_run *run, const vl_model *m, const char *task, const int *text,
                           int each, real scale)
{
    char name[64];
    vl_features *videos = NULL, *texts = NULL;
    vl_scorer *s = NULL;
    int n = run->B * each, columns = m->fc.w3.rows, *pair = malloc(2 * (size_t)n * sizeof *pair);
    real *score = malloc((size_t)n * (size_t)columns * sizeof *score);
    violet_status status = pair && score ? encode(run, m, &videos, &texts) : VIOLET_ENOMEM;
    for (int i = 0; pair && i < n; i++) {
        pair[i] = i / each;
        pair[n + i] = text ? text[i] : i % each;
    }
    if (status == VIOLET_OK) status = vl_scorer_open(&s, m, &run->tape, videos, texts, NULL);
    if (status == VIOLET_OK) status = vl_scorer_score(s, score, pair, pair + n, n);
    snprintf(name, sizeof name, "%s/logit", task);
    if (status != VIOLET_OK) {
        golden_verdict(run->file.report, 0, name, "scorer: %s", violet_error());
    } else {
        for (int i = 0; i < n * columns; i++) score[i] *= scale;
        golden_compare(&run->file, GOLDEN_ROUNDED, "scorer", name, score,
                       (size_t)n * (size_t)columns);
    }
    vl_scorer_close(s);
    vl_features_close(videos);
    vl_features_close(texts);
    free(pair);
    free(score);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void retrieval(model_run *run)
{
    vl_downstream_input in = model_run_downstream_input(run);
    vl_downstream_output out;
    model_run_start(run, 1, NULL, 0);
    model_run_zero_grads(run, &run->model);
    vl_retrieval_forward(&run->tape, &run->model, &in, &out);
    compare_task(run, &run->model, "retrieval", &out, VL_SCORE_SCALE);
    compare_scorer(run, &run->model, "retrieval", NULL, run->B, VL_SCORE_SCALE);
}

static void multiple_choice(model_run *run)
{
    vl_downstream_input in = model_run_downstream_input(run);
    vl_downstream_output out;
    size_t n_option, n_answer;
    int *option = golden_input_ints(&run->file, "qamc/option", &n_option);
    int *answer = golden_input_ints(&run->file, "qamc/answer", &n_answer);
    if (option && answer && n_answer == (size_t)run->B) {
        model_run_start(run, 1, NULL, 0);
        model_run_zero_grads(run, &run->model);
        vl_qamc_forward(&run->tape, &run->model, &in, option, (int)n_option / run->B, answer, &out);
        compare_task(run, &run->model, "qamc", &out, 1);
        compare_scorer(run, &run->model, "qamc", option, (int)n_option / run->B, 1);
    }
    free(option);
    free(answer);
}

static void open_ended(model_run *run)
{
    vl_downstream_input in = model_run_downstream_input(run);
    vl_downstream_output out;
    vl_model m;
    size_t n;
    int *answer = golden_input_ints(&run->file, "qaoe/answer", &n);
    if (!answer || n != (size_t)run->B ||
        vl_model_init(&m, &run->config, VL_HEAD_ANSWER, 1, 0) != VIOLET_OK) {
        golden_verdict(run->file.report, 0, "qaoe", "%s", violet_error());
    } else {
        model_run_check_params(run, &m, "qaoe_parameters");
        model_run_init_params(&m, run->seed);
        model_run_start(run, 1, NULL, 0);
        model_run_zero_grads(run, &m);
        vl_qaoe_forward(&run->tape, &m, &in, answer, &out);
        compare_task(run, &m, "qaoe", &out, 1);
        int *own = malloc((size_t)run->B * sizeof *own);
        for (int b = 0; own && b < run->B; b++) own[b] = b;
        if (own) compare_scorer(run, &m, "qaoe", own, 1, 1);
        free(own);
        vl_model_release(&m);
    }
    free(answer);
}

static int has_task(const model_run *run, const char *task)
{
    char name[64];
    snprintf(name, sizeof name, "%s/loss", task);
    return golden_has_output(&run->file, name);
}

void model_run_downstream(model_run *run)
{
    if (has_task(run, "retrieval")) retrieval(run);
    if (has_task(run, "qamc")) multiple_choice(run);
    if (has_task(run, "qaoe")) open_ended(run);
}
