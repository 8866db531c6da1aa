/* Forward passes of retrieval and question answering; see downstream.h. */
#include "task/downstream.h"

#include "task/pretrain.h"

/* Scores of pairs (b, text[b * each + k]), k < each -> (B * each, columns of fc) */
static vl_tensor *score_each(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                             const int *text_of, int each)
{
    int P = in->B * each, *video = vl_tape_alloc(t, P * sizeof(int));
    int *text = vl_tape_alloc(t, P * sizeof(int));
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < P; i++) {
        video[i] = i / each;
        text[i] = text_of ? text_of[i] : i % each;
        if (text[i] < 0 || text[i] >= in->n_texts) {
            vl_tape_fail(t, VIOLET_EINVAL, "pair %d names text %d of %d", i, text[i], in->n_texts);
            return &t->dead;
        }
    }
    vl_tensor *image = vl_model_image(t, m, in->plan, in->image);
    vl_tensor *words = vl_model_text(t, m, in->text, in->n_texts, in->X);
    int Ni = in->plan->T * (1 + in->plan->H / 32 * (in->plan->W / 32));
    vl_pairs pairs = {P, video, text, in->B, in->n_texts, Ni, in->X, in->text_mask};
    return vl_model_score(t, m, &pairs, image, words);
}

/* (B * each, 1) -> (B, each) */
static vl_tensor *in_rows(vl_tape *t, vl_tensor *score, int B, int each)
{
    int *order = vl_tape_alloc(t, B * each * sizeof *order);
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < B * each; i++) order[i] = i;
    return vl_gather(t, score, NULL, (vl_index){order, order, B, each});
}

static void finish(vl_tape *t, vl_tensor *logits, const int *answer, int B, real scale,
                   vl_downstream_output *out)
{
    int *best = vl_tape_alloc(t, B * sizeof *best);
    out->logits = logits;
    out->best = best;
    out->loss = vl_xent(t, logits, answer, scale, best);
}

void vl_retrieval_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                          vl_downstream_output *out)
{
    int *own = vl_tape_alloc(t, in->B * sizeof *own);
    if (!own) return;
    for (int b = 0; b < in->B; b++) own[b] = b;
    vl_tensor *score = score_each(t, m, in, NULL, in->n_texts);
    finish(t, in_rows(t, score, in->B, in->n_texts), own, in->B, VL_SCORE_SCALE, out);
}

void vl_qamc_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *option, int n_options, const int *answer, vl_downstream_output *out)
{
    vl_tensor *score = score_each(t, m, in, option, n_options);
    finish(t, in_rows(t, score, in->B, n_options), answer, in->B, 1, out);
}

void vl_qaoe_forward(vl_tape *t, const vl_model *m, const vl_downstream_input *in,
                     const int *answer, vl_downstream_output *out)
{
    int *own = vl_tape_alloc(t, in->B * sizeof *own);
    if (!own) return;
    for (int b = 0; b < in->B; b++) own[b] = b;
    finish(t, score_each(t, m, in, own, 1), answer, in->B, 1, out);
}
