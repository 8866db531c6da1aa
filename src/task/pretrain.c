/* The three pretraining losses; see pretrain.h. */
#include "task/pretrain.h"

#include <string.h>

const char *const vl_pretrain_names[3] = {"mtm", "mvm", "vtm"};

/* Which rows of x a masked task reads, and what is right there. */
typedef struct asked_rows {
    int n, *row, *target;
} asked_rows;

/* answer (B, per) stands at rows b * n + first + i of x */
static asked_rows rows_asked(vl_tape *t, const int *answer, int B, int per, int n, int first,
                             int all)
{
    asked_rows a = {0, vl_tape_alloc(t, (size_t)B * per * sizeof(int)),
                    vl_tape_alloc(t, (size_t)B * per * sizeof(int))};
    if (vl_tape_failed(t)) return a;
    for (int b = 0; b < B; b++)
        for (int i = 0; i < per; i++) {
            int right = answer[b * per + i];
            if (right < 0 && !all) continue;
            a.row[a.n] = b * n + first + i;
            a.target[a.n++] = right;
        }
    return a;
}

static int count_targets(const int *target, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) count += target[i] >= 0;
    return count;
}

/* Notes one task's logits and loss. */
static void ask(vl_tape *t, vl_pretrain_output *out, int task, vl_tensor *logits, const int *target,
                real scale)
{
    int *best = vl_tape_alloc(t, logits->rows * sizeof *best);
    out->logits[task] = logits;
    out->loss_of[task] = vl_xent(t, logits, target, scale, best);
    out->asked[task] = count_targets(target, logits->rows);
    out->best[task] = best;
    out->target[task] = target;
}

static void masked_tasks(vl_tape *t, const vl_model *m, const vl_pretrain_input *in, vl_tensor *x,
                         int Ni, vl_pretrain_output *out)
{
    int n = Ni + in->X;
    asked_rows text = rows_asked(t, in->answer_mtm, in->B, in->X, n, Ni, in->all_rows);
    asked_rows image = rows_asked(t, in->answer_mvm, in->B, Ni, n, 0, in->all_rows);
    if (vl_tape_failed(t)) return;
    if (text.n) {
        vl_tensor *y = vl_gather(t, x, NULL, (vl_index){text.row, NULL, text.n, 1});
        ask(t, out, VL_MTM, vl_mlm_head_forward(t, &m->fc_mtm, y), text.target, 1);
    }
    if (image.n) {
        vl_tensor *y = vl_gather(t, x, NULL, (vl_index){image.row, NULL, image.n, 1});
        ask(t, out, VL_MVM, vl_mlp_head_forward(t, &m->fc_mvm, y), image.target, 1);
    }
}

/* The pooled rows of (video b, its own text), (video b, each negative), for b = 0, 1, ...
 * -> (B*O, D). `x` (B*n, D) is the masked pass. */
static vl_tensor *pooled(vl_tape *t, const vl_model *m, const vl_pretrain_input *in,
                         vl_tensor *image, vl_tensor *text, vl_tensor *x, int Ni)
{
    int O = 1 + in->n_negative, own = !in->pair_again, each = O - own, P = in->B * each;
    int *cls = vl_tape_alloc(t, in->B * sizeof(int)),
        *order = vl_tape_alloc(t, in->B * O * sizeof(int));
    int *video = vl_tape_alloc(t, P * sizeof(int)), *other = vl_tape_alloc(t, P * sizeof(int));
    if (vl_tape_failed(t)) return &t->dead;
    for (int b = 0, k = 0; b < in->B; b++) {
        cls[b] = b * (Ni + in->X) + Ni;
        for (int o = 0; o < O; o++) {
            int again = o > 0 || !own;
            order[b * O + o] = again ? (own ? in->B : 0) + k : b;
            if (!again) continue;
            video[k] = b;
            other[k++] = o == 0 ? b : in->negative[b * in->n_negative + o - 1];
        }
    }
    vl_tensor *mine = own ? vl_gather(t, x, NULL, (vl_index){cls, NULL, in->B, 1}) : NULL; // (B, D)
    if (P == 0) return mine;
    vl_pairs pairs = {P, video, other, in->B, in->B, Ni, in->X, in->text_mask};
    vl_bert_batch batch;
    vl_tensor *y = vl_model_pair(t, &pairs, image, text, &batch);
    y = vl_bert_encode_row(t, m->layers, m->config.ct_layers, &batch, y, Ni); // (P, D)
    if (!own) return y;
    return vl_gather(t, mine, y, (vl_index){order, NULL, in->B * O, 1});
}

static void matching_task(vl_tape *t, const vl_model *m, const vl_pretrain_input *in,
                          vl_tensor *pool, vl_pretrain_output *out)
{
    int O = 1 + in->n_negative, *in_order = vl_tape_alloc(t, in->B * O * sizeof(int));
    int *first = vl_tape_alloc(t, in->B * sizeof(int));
    if (vl_tape_failed(t)) return;
    for (int i = 0; i < in->B * O; i++) in_order[i] = i;
    memset(first, 0, in->B * sizeof(int));
    vl_tensor *score = vl_mlp_head_forward(t, &m->fc, pool);                     // (B*O, 1)
    score = vl_gather(t, score, NULL, (vl_index){in_order, in_order, in->B, O}); // (B, O)
    ask(t, out, VL_VTM, score, first, VL_SCORE_SCALE);
}

void vl_pretrain_forward(vl_tape *t, const vl_model *m, const vl_pretrain_input *in,
                         vl_pretrain_output *out)
{
    memset(out, 0, sizeof *out);
    int B = in->B, Ni = in->plan->T * (1 + in->plan->H / 32 * (in->plan->W / 32));
    int *same = vl_tape_alloc(t, B * sizeof *same);
    if (vl_tape_failed(t)) return;
    for (int b = 0; b < B; b++) same[b] = b;

    vl_tensor *image = vl_model_image(t, m, in->plan, in->image); // (B*Ni, D)
    vl_tensor *text = vl_model_text(t, m, in->text, B, in->X);    // (B*X, D)
    vl_pairs own = {B, same, same, B, B, Ni, in->X, in->text_mask};
    vl_bert_batch batch;
    vl_tensor *x = vl_model_pair(t, &own, image, text, &batch);
    x = vl_bert_encode(t, m->layers, m->config.ct_layers, &batch, x); // (B*n, D)
    masked_tasks(t, m, in, x, Ni, out);
    matching_task(t, m, in, pooled(t, m, in, image, text, x, Ni), out);
    for (int k = 0; k < 3; k++)
        if (out->loss_of[k])
            out->loss = out->loss ? vl_add(t, out->loss, out->loss_of[k]) : out->loss_of[k];
    if (!(in->contrastive > 0)) return;
    const vl_contrast_input con = {B, Ni, in->X, image, text, in->text_mask, in->same};
    vl_contrast_forward(t, m, &con, &out->con);
    out->loss = vl_contrast_add(t, out->loss, &out->con, in->contrastive);
}

vl_tensor *vl_pretrain_attended(vl_tape *t, const vl_model *m, const vl_swin_plan *plan,
                                const uint8_t *image, const int *text, const uint8_t *text_mask,
                                int X, int count_padding)
{
    int B = plan->B, Ni = plan->T * (1 + plan->H / 32 * (plan->W / 32));
    int *same = vl_tape_alloc(t, B * sizeof *same);
    if (vl_tape_failed(t)) return &t->dead;
    for (int b = 0; b < B; b++) same[b] = b;
    vl_pairs own = {B, same, same, B, B, Ni, X, text_mask};
    vl_bert_batch batch;
    vl_tensor *y = vl_model_image(t, m, plan, image);
    vl_tensor *x = vl_model_pair(t, &own, y, vl_model_text(t, m, text, B, X), &batch);
    return vl_bert_attended(t, m->layers, m->config.ct_layers, &batch,
                            count_padding ? NULL : batch.key_mask, x);
}
