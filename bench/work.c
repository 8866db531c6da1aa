/* See work.h. */
#include "base/clock.h"
#include "work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "made.h"

/* ---- weights and batch ----------------------------------------------------------------------- */

/* Noise for pictures, captions that fill half of their positions, visual tokens. */
static void draw_batch(bench_work *w)
{
    const bench_options *o = &w->o;
    int B = o->batch, X = o->size_txt, side = o->size_img / BENCH_PATCH, hw = side * side;
    int words = X / 2 - 2 > 1 ? X / 2 - 2 : 1;
    bench_stream text =
        bench_stream_open("bench.text", o->seed, BENCH_FIRST_WORD, o->config.size_vocab);
    bench_stream vq = bench_stream_open("bench.vq", o->seed, 0, o->config.size_code);
    bench_stream image = bench_stream_open("bench.image", o->seed, 0, 256);
    for (int b = 0; b < B; b++) {
        int *row = w->text + b * X;
        for (int i = 0; i < X; i++) row[i] = BENCH_PAD;
        row[0] = BENCH_CLS;
        for (int i = 1; i <= words; i++) row[i] = bench_draw(&text);
        row[1 + words] = BENCH_SEP;
        for (int i = 0; i < X; i++) w->text_mask[b * X + i] = row[i] != BENCH_PAD;
    }
    for (int plane = 0; plane < B * o->frames; plane++) {
        bench_draw(&vq); /* the peer's frames begin with a token for [CLS], never asked for */
        for (int i = 0; i < hw; i++) w->vq[plane * hw + i] = bench_draw(&vq);
    }
    size_t n = (size_t)B * o->frames * 3 * o->size_img * o->size_img;
    for (size_t i = 0; i < n; i++) w->image[i] = (uint8_t)bench_draw(&image);
}

static violet_status take_buffers(bench_work *w)
{
    const bench_options *o = &w->o;
    size_t B = o->batch, X = o->size_txt, T = o->frames, S = o->size_img,
           hw = S / BENCH_PATCH * (S / BENCH_PATCH);
    w->Ni = (int)(T * (1 + hw));
    w->image = malloc(B * T * 3 * S * S);
    w->image_masked = malloc(B * T * 3 * S * S);
    w->text_mask = malloc(B * X);
    w->text_mask_part = malloc(B * X);
    w->text = malloc(B * X * sizeof *w->text);
    w->text_masked = malloc(B * X * sizeof *w->text_masked);
    w->vq = malloc(B * T * hw * sizeof *w->vq);
    w->answer_mtm = malloc(B * X * sizeof *w->answer_mtm);
    w->answer_mvm = malloc(B * w->Ni * sizeof *w->answer_mvm);
    w->negative = malloc(B * 3 * sizeof *w->negative);
    w->weight = malloc(B * (w->Ni + X) * sizeof *w->weight);
    if (!w->image || !w->image_masked || !w->text_mask || !w->text_mask_part || !w->text ||
        !w->text_masked || !w->vq || !w->answer_mtm || !w->answer_mvm || !w->negative || !w->weight)
        return vl_err_nomem();
    return VIOLET_OK;
}

violet_status bench_work_open(bench_work *w, const bench_options *o)
{
    memset(w, 0, sizeof *w);
    w->o = *o;
    w->optim = (vl_optim){.lr = o->lr,
                          .beta1 = 0.9,
                          .beta2 = 0.98,
                          .eps = 1e-8,
                          .decay = 1e-3,
                          .decay_all = 1,
                          .schedule = VL_SCHEDULE_CONSTANT};
    w->mask = (vl_mask_config){
        .seed = o->seed,
        .special = {[VL_PAD] = BENCH_PAD, [VL_UNK] = BENCH_UNK, [VL_CLS] = BENCH_CLS,
                    [VL_SEP] = BENCH_SEP, [VL_MASK] = BENCH_MASK},
        .p_word = 0.15,
        .p_attended = 0.15,
        .p_use_attended = 0.5};
    violet_status status = vl_model_init(&w->model, &o->config, VL_HEADS_PRETRAIN, 1, 0);
    if (status == VIOLET_OK) status = take_buffers(w);
    if (status == VIOLET_OK && !(w->device = vl_backend_fast()->open(o->threads)))
        status = VIOLET_ENOMEM;
    if (status == VIOLET_OK) status = vl_tape_init(&w->tape, vl_backend_fast(), w->device, 0);
    if (status != VIOLET_OK) {
        bench_work_close(w);
        return status;
    }
    bench_draw_weights(&w->model.params, o->seed);
    draw_batch(w);
    return VIOLET_OK;
}

void bench_work_close(bench_work *w)
{
    void *buffers[] = {w->image,      w->image_masked, w->text_mask, w->text_mask_part,
                       w->text,       w->text_masked,  w->vq,        w->answer_mtm,
                       w->answer_mvm, w->negative,     w->weight};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    vl_swin_plans_release(&w->plans);
    vl_tape_release(&w->tape);
    if (w->device) vl_backend_fast()->close(w->device);
    vl_model_release(&w->model);
    memset(w, 0, sizeof *w);
}

static const vl_swin_plan *plan_of(bench_work *w, int n)
{
    const bench_options *o = &w->o;
    return vl_swin_plans_get(&w->plans, &w->model.config.video, n, o->frames, o->size_img,
                             o->size_img);
}

static void start_pass(bench_work *w, uint64_t seed, int grad_on, int training)
{
    vl_tape_reset(&w->tape, seed, w->step);
    w->tape.grad_on = grad_on;
    w->tape.training = training;
}

/* ---- forward --------------------------------------------------------------------------------- */

violet_status bench_run_forward(bench_work *w, bench_forward *out)
{
    int B = w->o.batch, X = w->o.size_txt;
    vl_tape *t = &w->tape;
    double start = vl_now();
    const vl_swin_plan *plan = plan_of(w, B);
    if (!plan) return VIOLET_ENOMEM;
    start_pass(w, w->o.seed, 0, 0);
    int *same = vl_tape_alloc(t, B * sizeof *same);
    for (int b = 0; same && b < B; b++) same[b] = b;
    vl_tensor *image = vl_model_image(t, &w->model, plan, w->image);
    double middle = vl_now();
    vl_tensor *text = vl_model_text(t, &w->model, w->text, B, X);
    vl_pairs own = {B, same, same, B, B, w->Ni, X, w->text_mask};
    vl_tensor *score = vl_model_score(t, &w->model, &own, image, text);
    *out = (bench_forward){middle - start, vl_now() - middle, score->x};
    return vl_tape_status(t);
}

/* ---- one step -------------------------------------------------------------------------------- */

/* How many of the samples from `first` on are masked by attention. */
static int count_attended(const bench_work *w, uint64_t first)
{
    int n = 0;
    for (int b = 0; b < w->o.batch; b++) n += vl_mask_is_attended(&w->mask, first + b);
    return n;
}

static uint64_t next_samples(bench_work *w)
{
    uint64_t B = w->o.batch, first = w->sample;
    while (count_attended(w, first) != (int)(B + 1) / 2) first += B;
    w->sample = first + B;
    return first;
}

/* Attention received, into w->weight: a row for each of all samples. */
static violet_status attend_all(bench_work *w, int training)
{
    vl_tape *t = &w->tape;
    const vl_swin_plan *plan = plan_of(w, w->o.batch);
    if (!plan) return VIOLET_ENOMEM;
    start_pass(w, w->o.seed ^ 0x617474, 0, training);
    vl_tensor *y =
        vl_pretrain_attended(t, &w->model, plan, w->image, w->text, w->text_mask, w->o.size_txt, 1);
    if (!vl_tape_failed(t)) memcpy(w->weight, y->x, (size_t)y->rows * y->cols * sizeof *w->weight);
    return vl_tape_status(t);
}

/* The same, for the samples only that are masked by it. */
static violet_status attend_some(bench_work *w, uint64_t first)
{
    int X = w->o.size_txt, n = 0;
    size_t bytes = (size_t)w->o.frames * 3 * w->o.size_img * w->o.size_img;
    for (int b = 0; b < w->o.batch; b++) {
        if (!vl_mask_is_attended(&w->mask, first + b)) continue;
        memcpy(w->image_masked + n * bytes, w->image + b * bytes, bytes);
        memcpy(w->text_masked + n * X, w->text + b * X, X * sizeof *w->text);
        memcpy(w->text_mask_part + n * X, w->text_mask + b * X, X);
        n++;
    }
    if (n == 0) return VIOLET_OK;
    vl_tape *t = &w->tape;
    const vl_swin_plan *plan = plan_of(w, n);
    if (!plan) return VIOLET_ENOMEM;
    start_pass(w, w->o.seed ^ 0x617474, 0, 0);
    vl_tensor *y = vl_pretrain_attended(t, &w->model, plan, w->image_masked, w->text_masked,
                                        w->text_mask_part, X, 0);
    if (!vl_tape_failed(t)) memcpy(w->weight, y->x, (size_t)y->rows * y->cols * sizeof *w->weight);
    return vl_tape_status(t);
}

static violet_status attend(bench_work *w, int published, uint64_t first)
{
    if (!published) return attend_some(w, first);
    violet_status status = attend_all(w, 1);
    int n = w->Ni + w->o.size_txt, kept = 0;
    for (int b = 0; b < w->o.batch; b++)
        if (vl_mask_is_attended(&w->mask, first + b))
            memmove(w->weight + kept++ * n, w->weight + b * n, n * sizeof *w->weight);
    return status;
}

static int n_negative(const bench_work *w)
{
    return (w->o.batch < 4 ? w->o.batch : 4) - 1;
}

static void restore_batch(bench_work *w)
{
    size_t n = (size_t)w->o.batch * w->o.size_txt;
    memcpy(w->image_masked, w->image,
           (size_t)w->o.batch * w->o.frames * 3 * w->o.size_img * w->o.size_img);
    memcpy(w->text_masked, w->text, n * sizeof *w->text);
}

static void hide(bench_work *w, int published, uint64_t first)
{
    int side = w->o.size_img / BENCH_PATCH;
    vl_mask_config mask = w->mask;
    mask.distinct_negatives = !published;
    restore_batch(w);
    vl_mask_negatives(&mask, w->negative, n_negative(w), w->text, w->o.batch, w->o.size_txt, first);
    vl_mask_batch batch = {.B = w->o.batch,
                           .T = w->o.frames,
                           .h = side,
                           .w = side,
                           .X = w->o.size_txt,
                           .first_sample = first,
                           .image = w->image_masked,
                           .text = w->text_masked,
                           .vq = w->vq,
                           .answer_mtm = w->answer_mtm,
                           .answer_mvm = w->answer_mvm};
    vl_mask_apply(&mask, &batch, w->weight);
}

/* The losses of the masked batch, and the tape to go back from *loss. */
static violet_status losses(bench_work *w, int published, int grad_on, int training,
                            bench_step *out, vl_tensor **loss)
{
    vl_pretrain_input in = {.B = w->o.batch,
                            .X = w->o.size_txt,
                            .n_negative = n_negative(w),
                            .plan = plan_of(w, w->o.batch),
                            .image = w->image_masked,
                            .text = w->text_masked,
                            .text_mask = w->text_mask,
                            .answer_mtm = w->answer_mtm,
                            .answer_mvm = w->answer_mvm,
                            .negative = w->negative,
                            .pair_again = published};
    vl_pretrain_output y;
    if (!in.plan) return VIOLET_ENOMEM;
    start_pass(w, w->o.seed, grad_on, training);
    vl_pretrain_forward(&w->tape, &w->model, &in, &y);
    violet_status status = vl_tape_status(&w->tape);
    if (status != VIOLET_OK) return status;
    for (int k = 0; k < 3; k++) {
        out->loss[k] = y.loss_of[k] ? y.loss_of[k]->x[0] : 0;
        out->asked[k] = y.asked[k];
    }
    out->sum = y.loss ? y.loss->x[0] : 0;
    *loss = y.loss;
    return VIOLET_OK;
}

static void zero_gradients(bench_work *w)
{
    vl_params *p = &w->model.params;
    w->tape.backend->fill(w->device, (real *)p->grads.base, 0, vl_params_size(p));
}

static void update(bench_work *w, double *norm)
{
    w->step++;
    vl_optim_step(&w->optim, w->tape.backend, w->device, &w->model.params, w->o.lr, w->step, 1,
                  norm);
}

violet_status bench_run_step(bench_work *w, int published, bench_step *out)
{
    memset(out, 0, sizeof *out);
    uint64_t first = next_samples(w);
    vl_tensor *loss;
    double start = vl_now();
    zero_gradients(w);
    violet_status status = attend(w, published, first);
    double attended = vl_now();
    if (status != VIOLET_OK) return status;
    hide(w, published, first);
    status = losses(w, published, 1, 1, out, &loss);
    double forward = vl_now();
    if (status == VIOLET_OK) status = vl_tape_backward(&w->tape, loss);
    double backward = vl_now();
    if (status != VIOLET_OK) return status;
    update(w, &out->gradient);
    out->attended_s = attended - start;
    out->forward_s = forward - attended;
    out->backward_s = backward - forward;
    out->update_s = vl_now() - backward;
    out->attended = count_attended(w, first);
    return VIOLET_OK;
}

/* ---- the step to compare --------------------------------------------------------------------- */

/* Hides what the streams say: 15 % of the words, 30 % of the patches; negatives are the next texts.
 */
static void hide_by_rule(bench_work *w)
{
    const bench_options *o = &w->o;
    int X = o->size_txt, S = o->size_img, side = S / BENCH_PATCH, hw = side * side;
    bench_stream word = bench_stream_open("bench.hide_word", o->seed, 0, 100);
    bench_stream patch = bench_stream_open("bench.hide_patch", o->seed, 0, 100);
    restore_batch(w);
    for (int i = 0; i < o->batch * X; i++) {
        int hidden = bench_draw(&word) < 15 && w->text[i] >= BENCH_FIRST_WORD;
        w->answer_mtm[i] = hidden ? w->text[i] : -1;
        if (hidden) w->text_masked[i] = BENCH_MASK;
    }
    for (int plane = 0; plane < o->batch * o->frames; plane++) {
        w->answer_mvm[plane * (1 + hw)] = -1;
        for (int at = 0; at < hw; at++) {
            int hidden = bench_draw(&patch) < 30;
            w->answer_mvm[plane * (1 + hw) + 1 + at] = hidden ? w->vq[plane * hw + at] : -1;
            for (int line = 0; hidden && line < 3 * BENCH_PATCH; line++) {
                size_t row = ((size_t)plane * 3 + line / BENCH_PATCH) * S +
                             at / side * BENCH_PATCH + line % BENCH_PATCH;
                memset(w->image_masked + row * S + at % side * BENCH_PATCH, 0, BENCH_PATCH);
            }
        }
    }
    for (int b = 0, n = n_negative(w); b < o->batch; b++)
        for (int k = 0; k < n; k++) w->negative[b * n + k] = (b + 1 + k) % o->batch;
}

/* Losses and the gradient's norm, the gradient being left in the blocks. */
static violet_status plain_gradient(bench_work *w, int published, bench_step *out)
{
    vl_tensor *loss;
    const vl_params *p = &w->model.params;
    zero_gradients(w);
    violet_status status = losses(w, published, 1, 0, out, &loss);
    if (status == VIOLET_OK) status = vl_tape_backward(&w->tape, loss);
    if (status != VIOLET_OK) return status;
    out->gradient = sqrt(
        w->tape.backend->sum_squares(w->device, (const real *)p->grads.base, vl_params_size(p)));
    return VIOLET_OK;
}

violet_status bench_run_check(bench_work *w, bench_check *out)
{
    vl_tensor *loss;
    double norm;
    memset(out, 0, sizeof *out);
    violet_status status = attend_all(w, 0);
    if (status != VIOLET_OK) return status;
    out->attended_weight = w->weight;
    hide_by_rule(w);
    status = plain_gradient(w, 1, &out->published);
    if (status == VIOLET_OK) status = plain_gradient(w, 0, &out->ours);
    if (status != VIOLET_OK) return status;
    update(w, &norm);
    return losses(w, 0, 0, 0, &out->after, &loss);
}
