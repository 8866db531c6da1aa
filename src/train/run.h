/* A training run of any task: data sets in, checkpoints and logs out. Everything it does is decided
 * by its options, so a run is its args.json.
 *
 *     static const vl_run_task task = {.losses = names, .n_losses = 3, ..., .batch = my_batch};
 *     status = vl_run_train(&task, &mine, &options.run, hooks);
 *
 * The run has the loop over epochs, units and steps, accumulation, the optimiser, the order of the
 * data, validation, logs, saved states and resuming, starting values, memory, progress. A task is
 * one struct of functions: what its data sets are, what a batch costs and computes, what decides
 * which checkpoint is best.
 *
 * A run's folder (`output`):
 *     args.json          the options as they were
 *     machine.json       version, machine, and the folder that relative paths start from
 *     log.json           {data set: {ls_LOSS: [...], ac_LOSS: [...]}}, a value a unit: training
 *                        loss, validation accuracy; where a task has metrics, METRIC in its place
 *     steps.jsonl        a line a step: losses, accuracies, norm, rate (the same bits on every run)
 *     timing.jsonl       a line a step: seconds, waiting for data, memory (never the same)
 *     last.safetensors   weights, moments and position: resume from here
 *     best.safetensors   weights of the best validation, where metrics decide (n_deciding)
 *     E_UNIT.safetensors weights after each unit of each epoch, if `keep` says so
 *
 * A unit is what is trained between validations: an epoch over everything mixed, or, in sequential
 * order, one part of one data set. */
#ifndef VL_TRAIN_RUN_H
#define VL_TRAIN_RUN_H

#include <jansson.h>
#include <stdio.h>

#include "data/loader.h"
#include "model/model.h"
#include "train/optim.h"
#include "train/run_options.h"

enum {
    VL_RUN_SETS = 16,
    VL_RUN_UNITS = VL_RUN_SETS * VL_MAX_PARTS,
    VL_RUN_LOSSES = 4,
    VL_RUN_METRICS = 6,
};

/* Sums over batches, for exact means: of loss * asked, and of right answers. */
typedef struct vl_run_sums {
    double loss[VL_RUN_LOSSES];
    uint64_t asked[VL_RUN_LOSSES], right[VL_RUN_LOSSES];
} vl_run_sums;

/* What a validation finds. */
typedef struct vl_run_result {
    vl_run_sums sums;
    double metric[VL_RUN_METRICS]; /* NaN: not known */
} vl_run_result;

typedef struct vl_run_set {
    char name[128], split[128];
    uint64_t train_hash, valid_hash; /* vl_dataset_identity */
    vl_dataset *train;
    vl_loader *loader;
    vl_dataset *valid; /* NULL: none */
    vl_run_sums sums;  /* of the present unit */
} vl_run_set;

/* Trained between validations: steps [previous unit's end, end) of an epoch. */
typedef struct vl_run_unit {
    char name[160];
    uint64_t end; /* batches of the epoch before its end */
    int set;      /* the set that is trained, -1: all */
} vl_run_unit;

/* The best validation so far. */
typedef struct vl_run_best {
    uint64_t step, epoch, since; /* step 0: none yet; validations since then */
    double metric[VL_RUN_METRICS];
} vl_run_best;

typedef struct vl_run_task vl_run_task;

typedef struct vl_run {
    const vl_run_task *task;
    void *own;                 /* the task's */
    const vl_run_options *o;   /* first in the task's options */
    violet_hooks hooks;
    vl_config config;
    vl_model model;
    const vl_backend *backend;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_wordpiece *wordpiece;
    vl_optim optim;
    vl_plan_kind order;        /* of batches over sets and parts; task->open may set it */
    int patience;              /* stop after so many validations without a better one; 0: never */
    int n_sets, n_units;
    vl_run_set sets[VL_RUN_SETS];
    vl_run_unit units[VL_RUN_UNITS];
    vl_plan plan;              /* of the present epoch over the sets */
    uint64_t n_steps;          /* updates in all */

    /* where the run is: what a saved state holds */
    uint64_t epoch, unit, at;  /* epochs done; units and batches done in the present one */
    uint64_t step;             /* updates done */
    uint64_t finished;         /* the step after which a unit was last validated and logged */
    uint64_t batches, samples; /* used for training so far */
    vl_cursor cursor[VL_RUN_SETS];
    uint64_t steps_bytes;      /* length of steps.jsonl */
    json_t *log;               /* log.json's content */
    vl_run_best best;

    uint64_t tested;           /* the step whose weights are being tested */
    FILE *steps, *timing;
    uint64_t warned;           /* bad samples told one by one */
    uint64_t not_finite;       /* steps of this process without an update */
    double busy_s, waited_s, saved_at; /* seconds */
    uint64_t samples_here;     /* trained since this process began */
    double flops;              /* of these, as planned */
    double batch_flops[VL_FRAMES_MOST + 1]; /* of a batch, by its frames; 0: not known */
} vl_run;

/* All slots are filled; vl_run_no_... stand for nothing to do. Called in this order. */
struct vl_run_task {
    const char *const *losses;  /* "mtm", ...: names of what a batch is asked, n_losses of them */
    int n_losses;
    const double *weights;      /* of the losses in what is minimised; NULL: all 1 */
    const char *const *metrics; /* "recall_1", ...: names of what a validation finds; a rank has
                                 * `rank` in its name, all others are shares */
    int n_metrics;
    int n_deciding;             /* the first so many, in turn, decide which weights are best, larger
                                 * being better, and there is one data set; 0: none is best */
    int heads;                  /* VL_HEAD_... of the model */
    const vl_option *table;     /* of all options */
    const char *const *fixed;   /* those, closed by NULL, that decide which samples come when and
                                 * what is made of them: a run cannot go on with others */

    const char *saves;          /* option that saves memory beside those that all tasks have, for
                                 * a message; NULL: none */

    /* Looks at the options, after the vocabulary and the configuration, which it may change.
     * Opens what is not a data set's. */
    violet_status (*open)(vl_run *r);
    /* Frees all that the task has, whatever `open` came to. */
    void (*close)(vl_run *r);
    /* A data set's split; most are vl_run_dataset_options with changes. *out may be NULL of a split
     * to validate on that nobody asked for and that is not there, which is told. */
    violet_status (*open_set)(vl_dataset **out, vl_run *r, const char *name, const char *split,
                              bool training);
    /* A training batch of T frames: its FLOPs (0: not known), and the bytes the run needs. */
    violet_status (*cost)(double *flops, double *bytes, vl_run *r, int T);
    /* Memory for batches of up to B samples of T frames; the model is laid out. */
    violet_status (*buffers)(vl_run *r, int B, int T);
    /* Computes and, in training, adds to the gradients; adds to *sums. `draw` numbers the batch for
     * dropout; samples are number first_sample, first_sample + 1, ... */
    violet_status (*batch)(vl_run *r, const vl_batch *b, bool training, uint64_t draw,
                           uint64_t first_sample, vl_run_sums *sums);
    /* Over a whole split. *out comes with zero sums, metrics NaN. */
    violet_status (*validate)(vl_run *r, const vl_dataset *d, vl_run_result *out);
    /* What a saved state must know beside the fixed options, put into it; and whether the state
     * being resumed was of the same. */
    violet_status (*save)(const vl_run *r, json_t *state);
    violet_status (*resume)(const vl_run *r, const json_t *state);
    /* What a checkpoint needs to be used again, as its metadata `task`; NULL: nothing. The
     * caller frees. */
    violet_status (*describe)(char **text, const vl_run *r);
    /* After the last step: a test, say. Called again when a finished run is resumed. */
    violet_status (*finish)(vl_run *r);
};

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_run_train(const vl_run_task *task, void *own, const vl_run_options *o,
                           const violet_hooks *hooks);

/* ---- for tasks ------------------------------------------------------------------------------- */

bool vl_run_stopping(const vl_run *r);
void vl_run_tell(const vl_run *r, violet_event_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tells what a validation (VIOLET_EVENT_VALID) or the test of the best weights (VIOLET_EVENT_TEST)
 * found; name: on what. */
void vl_run_tell_result(const vl_run *r, violet_event_kind kind, const char *name,
                        const vl_run_result *result);
/* Tells of a bad sample: a loader's `report`, with the run as its user. */
void vl_run_report_bad(void *user, vl_bad why, const char *message);

/* The means of sums, NaN where nothing was asked. */
double vl_run_loss(const vl_run_sums *s, int loss);
double vl_run_accuracy(const vl_run_sums *s, int loss);
/* What is minimised: their weighted sum, but for those that were not asked. */
double vl_run_total(const vl_run *r, const vl_run_sums *s);

/* What the shared options say of a data set; videos' frames go through a JPEG of the published
 * tool's quality where it is to be as published. */
vl_dataset_options vl_run_dataset_options(const vl_run_options *o, const vl_wordpiece *wordpiece,
                                          const char *name, const char *split);
/* A validation by task->batch over the data set, or valid_batches of it. */
violet_status vl_run_validate(vl_run *r, const vl_dataset *d, vl_run_result *out);
/* The step that best.safetensors says it is of, or else the state. EIO: there is none. */
violet_status vl_run_best_found(uint64_t *step, const vl_run *r);
/* Better than the best so far. */
bool vl_run_is_better(const vl_run *r, const vl_run_result *result);
/* OUTPUT/NAME */
violet_status vl_run_path(const vl_run *r, char path[4096], const char *name);

/* Slots with nothing in them. */
violet_status vl_run_no_description(char **text, const vl_run *r);
violet_status vl_run_no_finish(vl_run *r);

#endif
