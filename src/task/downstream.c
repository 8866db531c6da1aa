/* Forward passes of retrieval and question answering; see downstream.h. */
#include "task/downstream.h"

#include <string.h>

#include "base/nearest.h"
#include "base/status.h"
#include "task/pretrain.h"
#include "train/run_options.h"

const vl_downstream_kind vl_retrieval = {
    .type = "retrieval", .items = VL_TASK_RETRIEVAL, .head = VL_HEAD_MATCH, .all_pairs = true,
};
const vl_downstream_kind vl_qamc = {
    .type = "qamc", .items = VL_TASK_QAMC, .head = VL_HEAD_MATCH,
};
const vl_downstream_kind vl_qaoe = {
    .type = "qaoe", .items = VL_TASK_QAOE, .head = VL_HEAD_ANSWER,
};
const vl_downstream_kind vl_fib = {
    .type = "fib", .items = VL_TASK_QAOE, .head = VL_HEAD_ANSWER, .blank = true,
};

const vl_downstream_kind *vl_downstream_kind_of(const char *type)
{
    static const vl_downstream_kind *const kinds[] = {&vl_retrieval, &vl_qamc, &vl_qaoe, &vl_fib};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->type, type) == 0) return kinds[i];
    return NULL;
}

violet_status vl_task_unknown(const char *type)
{
    vl_nearest x = vl_nearest_among(type, VL_TASK_TYPES);
    return vl_err(VIOLET_EINVAL, "'type' is '%.60s', expected retrieval, qamc, qaoe or fib%s", type,
                  vl_nearest_hint(&x));
}

/* The cross-modal encoder's input: pairs (b, text_of[b * each + k]), k < each (text_of NULL: text
 * k) -> (B * each * n, D); 0: failed. */
static int pair_each(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *text_of, int each, vl_tensor **x, vl_bert_batch *batch,
                     vl_downstream_output *out)
{
    int P = in->B * each, *video = vl_tape_alloc(t, P * sizeof(int));
    int *text = vl_tape_alloc(t, P * sizeof(int));
    if (vl_tape_failed(t)) return 0;
    for (int i = 0; i < P; i++) {
        video[i] = i / each;
        text[i] = text_of ? text_of[i] : i % each;
        if (text[i] < 0 || text[i] >= in->n_texts) {
            vl_tape_fail(t, VIOLET_EINVAL, "pair %d names text %d of %d", i, text[i], in->n_texts);
            return 0;
        }
    }
    vl_tensor *image = vl_model_image(t, m, in->plan, in->image);
    vl_tensor *words = vl_model_text(t, m, in->text, in->n_texts, in->X);
    int Ni = in->plan->T * (1 + in->plan->H / 32 * (in->plan->W / 32));
    vl_pairs pairs = {P, video, text, in->B, in->n_texts, Ni, in->X, in->text_mask};
    out->image = image;
    out->text = words;
    *x = vl_model_pair(t, &pairs, image, words, batch);
    return !vl_tape_failed(t);
}

/* Scores of these pairs -> (B * each, columns of fc) */
static vl_tensor *score_each(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                             const int *text_of, int each, vl_downstream_output *out)
{
    vl_tensor *x;
    vl_bert_batch batch;
    if (!pair_each(t, m, in, text_of, each, &x, &batch, out)) return &t->dead;
    x = vl_bert_encode_row(t, m->layers, m->config.ct_layers, &batch, x, batch.n - in->X);
    return vl_mlp_head_forward(t, &m->fc, x);
}

/* The same of pairs (b, text b), read at text position in->at[b] -> (B, columns of fc) */
static vl_tensor *score_at(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                           const int *text_of, vl_downstream_output *out)
{
    vl_tensor *x;
    vl_bert_batch batch;
    int *row = vl_tape_alloc(t, in->B * sizeof *row);
    if (!row || !pair_each(t, m, in, text_of, 1, &x, &batch, out)) return &t->dead;
    for (int b = 0; b < in->B; b++) {
        row[b] = b * batch.n + batch.n - in->X + in->at[b];
        if (in->at[b] >= 0 && in->at[b] < in->X) continue;
        vl_tape_fail(t, VIOLET_EINVAL, "text %d is read at position %d of %d", b, in->at[b], in->X);
        return &t->dead;
    }
    x = vl_bert_encode(t, m->layers, m->config.ct_layers, &batch, x); // (B*n, D)
    x = vl_gather(t, x, NULL, (vl_index){row, NULL, in->B, 1});       // (B, D)
    return vl_mlp_head_forward(t, &m->fc, x);
}

/* score (n, 1) -> (rows, cols) by the table `from` of (rows * cols) numbers of scores; n stands for
 * what no softmax sees. */
static vl_tensor *in_rows(vl_tape *t, vl_tensor *score, const int *from, int rows, int cols)
{
    vl_tensor *never = vl_tape_tensor(t, 1, 1, 0);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->fill(t->device, never->x, VL_NEVER, 1);
    return vl_gather(t, score, never, (vl_index){from, NULL, rows, cols});
}

static void finish(vl_tape *t, vl_tensor *logits, const int *target, real scale,
                   vl_downstream_output *out)
{
    int *best = vl_tape_alloc(t, logits->rows * sizeof *best);
    out->logits = logits;
    out->best = best;
    out->target = target;
    out->loss = vl_xent(t, logits, target, scale, best);
}

/* Row i of the table, as of vl_pair_at. Returns how many columns of it are seen. */
static int fill_row(int *from, const vl_downstream_input *in, int i)
{
    int B = in->B, seen = 0;
    for (int k = 0; k < B; k++) {
        int pair = vl_pair_at(in->same, B, i, k);
        from[i * B + k] = pair < 0 ? B * B : pair;
        seen += pair >= 0;
    }
    return seen;
}

void vl_retrieval_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                          vl_downstream_output *out)
{
    int B = in->B, rows = in->symmetric ? 2 * B : B;
    int *from = vl_tape_alloc(t, (size_t)rows * B * sizeof *from);
    int *target = vl_tape_alloc(t, rows * sizeof *target);
    if (vl_tape_failed(t)) return;
    for (int i = 0; i < rows; i++) target[i] = fill_row(from, in, i) > 1 || !in->same ? i % B : -1;
    vl_tensor *score = score_each(t, m, in, NULL, B, out); // (B*B, 1)
    finish(t, in_rows(t, score, from, rows, B), target, VL_SCORE_SCALE, out);
}

void vl_qamc_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *option, int n_options, const int *answer, vl_downstream_output *out)
{
    int n = in->B * n_options, *from = vl_tape_alloc(t, n * sizeof *from);
    if (vl_tape_failed(t)) return;
    for (int i = 0; i < n; i++) {
        int none = in->n_options && i % n_options >= in->n_options[i / n_options];
        from[i] = none ? n : i;
    }
    vl_tensor *score = score_each(t, m, in, option, n_options, out);
    finish(t, in_rows(t, score, from, in->B, n_options), answer, 1, out);
}

void vl_qaoe_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *answer, vl_downstream_output *out)
{
    int *own = vl_tape_alloc(t, in->B * sizeof *own);
    if (!own) return;
    for (int b = 0; b < in->B; b++) own[b] = b;
    vl_tensor *logits = in->at ? score_at(t, m, in, own, out) : score_each(t, m, in, own, 1, out);
    finish(t, logits, answer, 1, out);
}
