/* Five optimiser steps on one batch: losses before each, and how far parameters moved. */
#include "golden/model_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/hash_init.h"

static double setting(const model_run *run, const char *name)
{
    return json_number_value(json_object_get(run->file.json, name));
}

static void update(model_run *run, int step)
{
    vl_params *p = &run->model.params;
    const json_t *betas = json_object_get(run->file.json, "betas");
    double beta1 = json_number_value(json_array_get(betas, 0));
    double beta2 = json_number_value(json_array_get(betas, 1));
    run->tape.backend->adamw(run->device, (real *)p->weights.base, (real *)p->m.base,
                             (real *)p->v.base, (const real *)p->grads.base, vl_params_size(p), 1,
                             setting(run, "lr"), beta1, beta2, setting(run, "eps"),
                             setting(run, "weight_decay"), 1 - pow(beta1, step),
                             1 - pow(beta2, step));
}

/* Row `step` of losses_over_steps; a loss over nothing is null there and 0 here. */
static void compare_step(model_run *run, int step, const vl_pretrain_output *out)
{
    const json_t *row =
        json_array_get(json_object_get(run->file.json, "losses_over_steps"), (size_t)step);
    const json_t *columns = json_object_get(run->file.json, "loss_columns");
    for (size_t k = 0; k < 4; k++) {
        const json_t *golden = json_array_get(row, k);
        const vl_tensor *ours = k < 3 ? out->loss_of[k] : out->loss;
        char name[64];
        snprintf(name, sizeof name, "losses_over_steps[%d].%s", step,
                 json_string_value(json_array_get(columns, k)));
        if (json_is_null(golden)) continue;
        golden_compare_number(&run->file, GOLDEN_STEPS, name, ours ? (double)ours->x[0] : 0,
                              json_number_value(golden), 0);
    }
}

static void compare_change(model_run *run, const char *name, const char *param)
{
    const vl_param *e = vl_params_find(&run->model.params, param);
    real *change = e ? malloc(e->count * sizeof *change) : NULL;
    if (change) {
        const real *now = vl_param_weights(&run->model.params, e);
        golden_hash_init(change, e->count, e->name, e->count / (size_t)e->shape[0], run->seed);
        for (size_t i = 0; i < e->count; i++) change[i] = now[i] - change[i];
    }
    golden_compare(&run->file, GOLDEN_CHANGE, NULL, name, change, e ? e->count : 0);
    free(change);
}

void model_run_steps(model_run *run)
{
    static const char prefix[] = "adamw_change/";
    vl_params *p = &run->model.params;
    int n = (int)json_array_size(json_object_get(run->file.json, "losses_over_steps"));
    const char *name;
    json_t *output;
    if (n == 0) return;
    run->tape.backend->fill(run->device, (real *)p->m.base, 0, vl_params_size(p));
    run->tape.backend->fill(run->device, (real *)p->v.base, 0, vl_params_size(p));
    for (int step = 0; step < n; step++) {
        vl_pretrain_input in = model_run_pretrain_input(run);
        vl_pretrain_output out;
        model_run_start(run, 1, NULL, 0);
        model_run_zero_grads(run, &run->model);
        vl_pretrain_forward(&run->tape, &run->model, &in, &out);
        if (!model_run_ok(run, "step")) return;
        compare_step(run, step, &out);
        vl_tape_backward(&run->tape, out.loss);
        if (!model_run_ok(run, "step")) return;
        update(run, step + 1);
    }
    json_object_foreach((json_t *)run->file.outputs, name,
                        output) if (strncmp(name, prefix, sizeof prefix - 1) == 0)
        compare_change(run, name, name + sizeof prefix - 1);
}
