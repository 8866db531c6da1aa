/* What the files of a pretraining run share: pretrain_setup.c, pretrain_run.c (the loop),
 * pretrain_batch.c (one batch), pretrain_log.c (logs and the saved state). Nobody else
 * includes this. */
#ifndef VL_TASK_PRETRAIN_INTERNAL_H
#define VL_TASK_PRETRAIN_INTERNAL_H

#include <jansson.h>
#include <stdio.h>

#include "data/loader.h"
#include "model/dvae.h"
#include "model/model.h"
#include "task/pretrain.h"
#include "task/pretrain_run.h"
#include "train/mask.h"
#include "train/optim.h"

#define MAX_SETS 16
#define MAX_UNITS (MAX_SETS * VL_MAX_PARTS)

/* Sums over batches, for exact means: of loss * asked, and of right answers. */
typedef struct stats {
    double loss[3];
    uint64_t asked[3], right[3];
} stats;

typedef struct dataset_of_run {
    char name[128];
    vl_dataset *train;
    vl_loader *loader;
    vl_dataset *valid; /* NULL: none */
    stats sums;        /* of the present unit */
} dataset_of_run;

/* Trained between validations: steps [previous unit's end, end) of an epoch. */
typedef struct unit {
    char name[160];
    uint64_t end; /* batches of the epoch before its end */
    int set;      /* the set that is trained, -1: all */
} unit;

typedef struct pretrain {
    const vl_pretrain_options *o;
    violet_hooks hooks;
    vl_config config;
    vl_model model;
    const vl_backend *backend;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_dvae *dvae;       /* NULL: tokens come from files */
    vl_wordpiece *wordpiece;
    vl_mask_config mask;
    vl_optim optim;
    int n_sets, n_units;
    dataset_of_run sets[MAX_SETS];
    unit units[MAX_UNITS];
    vl_plan plan;        /* of the present epoch over the sets */
    uint64_t n_steps;    /* updates in all */

    /* one batch's buffers, for the largest batch */
    uint8_t *image;      /* (B,T,3,S,S) */
    uint8_t *text_mask;
    int *text, *vq, *answer_mtm, *answer_mvm, *negative;
    float *weight;       /* attention received */

    /* where the run is: what a saved state holds */
    uint64_t epoch, unit, at; /* epochs done; units and batches done in the present one */
    uint64_t step;       /* updates done */
    uint64_t finished;   /* the step after which a unit was last validated and logged */
    uint64_t batches, samples; /* used for training so far */
    vl_cursor cursor[MAX_SETS];
    uint64_t steps_bytes; /* length of steps.jsonl */
    json_t *log;         /* log.json's content */

    FILE *steps, *timing;
    uint64_t warned;     /* bad samples told one by one */
    double busy_s, waited_s, saved_at; /* seconds */
    uint64_t samples_here; /* trained since this process began */
    double flops;          /* of these, as planned */
    double batch_flops[VL_FRAMES_MOST + 1]; /* of a batch, by its frames */
} pretrain;

/* The means of sums, NaN where nothing was asked. */
double stats_loss(const stats *s, int task);
double stats_accuracy(const stats *s, int task);

void tell(const pretrain *r, violet_event_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* pretrain_setup.c */
violet_status run_setup(pretrain *r);
void run_release(pretrain *r); /* frees r, too */
/* Tells of a bad sample: a loader's `report`, with the run as its user. */
void run_report_bad(void *user, vl_bad why, const char *message);

/* Masks, computes and, in training, adds to the gradients. Adds to *sums. `draw` numbers the batch
 * for dropout; the batch's samples are first_sample, first_sample + 1, ... for masking. */
violet_status batch_run(pretrain *r, const vl_batch *b, int training, uint64_t draw,
                        uint64_t first_sample, stats *sums);
violet_status batch_buffers(pretrain *r, int B, int T);
void batch_release(pretrain *r);

/* pretrain_log.c */
violet_status log_open(pretrain *r); /* args.json, steps.jsonl at steps_bytes, timing.jsonl */
violet_status log_step(pretrain *r, const char *set, const char *unit_name, const stats *s,
                       double lr, double norm, double seconds, double waited);
violet_status log_unit(pretrain *r, const char *set, const stats *train, const stats *valid);
/* Closes the logs; returns status, or what went wrong now if that is VIOLET_OK. */
violet_status log_close(pretrain *r, violet_status status);
violet_status state_save(pretrain *r);
violet_status state_load(pretrain *r); /* from last.safetensors */
violet_status weights_save(const pretrain *r, const char *unit_name);
violet_status run_path(const pretrain *r, char path[4096], const char *name);

#endif
