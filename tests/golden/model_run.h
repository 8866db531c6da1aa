/* One model case at work: the model with hash-initialised parameters, the batch, a tape. */
#ifndef GOLDEN_MODEL_RUN_H
#define GOLDEN_MODEL_RUN_H

#include "golden/golden.h"
#include "model/model.h"
#include "task/downstream.h"
#include "task/pretrain.h"

typedef struct model_run {
    golden_file file;
    vl_config config;
    uint64_t seed;
    vl_model model;
    vl_device *device;
    vl_tape tape;
    vl_swin_plan plan;
    int B, T, H, W, X, Ni, n_negative;
    const uint8_t *image, *image_masked;  /* (B,T,3,H,W) */
    int *text, *text_masked, *answer_mtm; /* (B,X) */
    uint8_t *text_mask;                   /* (B,X) */
    int *answer_mvm;                      /* (B,Ni) */
    int *negative;                        /* (B,n_negative) */
    real *scratch;                        /* a tapped activation in the golden file's order */
    size_t scratch_n;
    const char *pass; /* of golden_compare, for what is tapped */
    json_t *tapped;   /* names seen in this pass: the first run counts */
} model_run;

/* Everything up to a checked, initialised model. Failures are noted in the report. */
violet_status model_run_open(model_run *run, golden_report *r, const golden_options *o,
                             const char *folder);
void model_run_close(model_run *run);

/* Sets all parameters of m by their names. */
void model_run_init_params(const vl_model *m, uint64_t seed);
/* m's parameters are those listed under `key`, by name and shape, both ways. */
void model_run_check_params(model_run *run, const vl_model *m, const char *key);

/* Starts a pass that taps activations, or does not. */
void model_run_start(model_run *run, int grad_on, const char *pass, int tap);
/* The tape's status as a failed check, if it failed. */
int model_run_ok(model_run *run, const char *what);

void model_run_zero_grads(model_run *run, const vl_model *m);
/* Compares gradients of all outputs PREFIX + name of a parameter. */
void model_run_compare_grads(model_run *run, const vl_model *m, const char *prefix,
                             const char *pass);

/* case_model.c: the masked batch, MTM and MVM logits at hidden positions only */
vl_pretrain_input model_run_pretrain_input(const model_run *run);
/* case_tasks.c */
vl_downstream_input model_run_downstream_input(const model_run *run);
void model_run_downstream(model_run *run);
/* case_load.c: models of the tasks that start from this one's file */
void model_run_load(model_run *run);
/* case_steps.c: changes the parameters, so it comes last */
void model_run_steps(model_run *run);

#endif
