/* A model case: pretraining's activations, losses and gradients, in every way the library can
 * compute them; then the downstream tasks and optimiser steps.
 *
 * In float32 gradients get LOOKS looks (golden.h), the heads' inner biases moved by up to
 * NUDGE: one hidden unit of one patch on the other side of 0 is worth 4e-3 of its head's bias. */
#include "golden/model_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/status.h"
#include "golden/hash_init.h"

enum { LOOKS = 8 };
#define NUDGE 4e-6 /* of values around 1 */

vl_pretrain_input model_run_pretrain_input(const model_run *run)
{
    return (vl_pretrain_input){.B = run->B,
                               .X = run->X,
                               .n_negative = run->n_negative,
                               .plan = &run->plan,
                               .image = run->image_masked,
                               .text = run->text_masked,
                               .text_mask = run->text_mask,
                               .answer_mtm = run->answer_mtm,
                               .answer_mvm = run->answer_mvm,
                               .negative = run->negative};
}

/* A loss over nothing is NaN in PyTorch and left out of the sum by us; gradients agree. */
static int is_over_nothing(const model_run *run, const char *name)
{
    const json_t *output = json_object_get(run->file.outputs, name);
    return output && json_is_null(json_object_get(output, "l2"));
}

static void compare_losses(model_run *run, const vl_pretrain_output *out, const char *pass)
{
    real sum = 0;
    char name[64];
    for (int k = 0; k < 3; k++) {
        real loss = out->loss_of[k] ? out->loss_of[k]->x[0] : 0;
        snprintf(name, sizeof name, "loss_%s", vl_pretrain_names[k]);
        sum += loss;
        if (is_over_nothing(run, name))
            golden_compare_nan(&run->file, name, loss == 0);
        else
            golden_compare(&run->file, GOLDEN_LOSS, pass, name, &loss, 1);
    }
    if (is_over_nothing(run, "loss"))
        golden_compare_nan(&run->file, "loss", out->loss && out->loss->x[0] == sum);
    else
        golden_compare(&run->file, GOLDEN_LOSS, pass, "loss", out->loss ? out->loss->x : NULL, 1);
}

static void compare_logits(model_run *run, const vl_pretrain_output *out)
{
    char name[64];
    for (int k = 0; k < 3; k++) {
        const vl_tensor *y = out->logits[k];
        size_t n = y ? (size_t)y->rows * y->cols : 0;
        snprintf(name, sizeof name, "logit_%s", vl_pretrain_names[k]);
        if (k == VL_VTM)
            for (size_t i = 0; i < n; i++) y->x[i] *= VL_SCORE_SCALE;
        golden_compare(&run->file, GOLDEN_ACTIVATION, NULL, name, y ? y->x : NULL, n);
    }
}

/* Without gradients: activations, logits at every position, losses. */
static void forward_pass(model_run *run)
{
    vl_pretrain_input in = model_run_pretrain_input(run);
    vl_pretrain_output out;
    in.all_rows = 1;
    model_run_start(run, 0, NULL, 1);
    vl_pretrain_forward(&run->tape, &run->model, &in, &out);
    if (!model_run_ok(run, "forward pass")) return;
    compare_losses(run, &out, "forward only");
    compare_logits(run, &out);
}

static void compare_gradient_norm(model_run *run)
{
    const vl_arena *grads = &run->model.params.grads;
    double sum = run->tape.backend->sum_squares(run->device, (const real *)grads->base,
                                                grads->used / sizeof(real));
    golden_compare_number(&run->file, GOLDEN_GRADIENT, "gradient_l2", sqrt(sum),
                          run->file.gradient_l2, 0);
}

/* Moves the biases in front of the heads' ReLUs by up to NUDGE; back where they were at look 0. */
static void nudge(const model_run *run)
{
    static const char *const names[] = {"fc.1.bias", "fc_mvm.1.bias"};
    for (int k = 0; k < 2; k++) {
        const vl_param *e = vl_params_find(&run->model.params, names[k]);
        if (!e) continue;
        real *x = vl_param_weights(&run->model.params, e);
        uint64_t key = vl_rng_key(1, (uint64_t)run->file.look, (uint64_t)k);
        golden_hash_init(x, e->count, e->name, 1, run->seed);
        for (size_t i = 0; run->file.look && i < e->count; i++)
            x[i] += (real)(NUDGE * (2 * vl_rng_uniform(key, i) - 1));
    }
}

/* With gradients, as a training step computes them. */
static void train_once(model_run *run, const char *pass, int pair_again, int checkpoint)
{
    vl_pretrain_input in = model_run_pretrain_input(run);
    vl_pretrain_output out;
    in.pair_again = pair_again;
    model_run_start(run, 1, pass ? pass : "with gradients", run->file.look == 0);
    run->tape.checkpoint_on = checkpoint;
    model_run_zero_grads(run, &run->model);
    vl_pretrain_forward(&run->tape, &run->model, &in, &out);
    if (!model_run_ok(run, pass ? pass : "training pass")) return;
    if (run->file.look == 0) compare_losses(run, &out, pass);
    vl_tape_backward(&run->tape, out.loss);
    if (!model_run_ok(run, pass ? pass : "backward")) return;
    model_run_compare_grads(run, &run->model, "grad/", pass);
    if (!pass && run->file.look == 0) compare_gradient_norm(run);
}

static void training_pass(model_run *run, const char *pass, int pair_again, int checkpoint)
{
    run->file.n_looks = sizeof(real) == 4 ? LOOKS : 1;
    do {
        nudge(run);
        train_once(run, pass, pair_again, checkpoint);
    } while (golden_look_again(&run->file));
    run->file.n_looks = 1;
    nudge(run);
}

static void attended_pass(model_run *run)
{
    model_run_start(run, 0, NULL, 0);
    const vl_tensor *y = vl_pretrain_attended(&run->tape, &run->model, &run->plan, run->image,
                                              run->text, run->text_mask, run->X, 1);
    if (!model_run_ok(run, "attended_weight")) return;
    golden_compare(&run->file, GOLDEN_ACTIVATION, NULL, "attended_weight", y->x,
                   (size_t)y->rows * y->cols);
}

void golden_case_model(golden_tally *tally, const golden_options *o, const char *folder)
{
    golden_report r;
    model_run *run = calloc(1, sizeof *run);
    golden_begin(&r, tally, o, folder);
    if (!run || model_run_open(run, &r, o, folder) != VIOLET_OK) {
        golden_verdict(&r, 0, "set-up", "%s", violet_error());
    } else {
        forward_pass(run);
        training_pass(run, NULL, 0, 0);
        training_pass(run, "pair again", 1, 0);
        training_pass(run, "checkpointing", 0, 1);
        attended_pass(run);
        model_run_downstream(run);
        model_run_load(run);
        model_run_steps(run);
        golden_all_used(&run->file);
    }
    golden_end(&r);
    if (run) model_run_close(run);
    free(run);
}
