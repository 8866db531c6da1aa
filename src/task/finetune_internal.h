/* What the files of fine-tuning share: finetune.c (data, answers, checkpoints, the test) and one
 * file a task: finetune_retrieval.c, finetune_qamc.c, finetune_qaoe.c (fib included). Nobody else
 * includes this. */
#ifndef VL_TASK_FINETUNE_INTERNAL_H
#define VL_TASK_FINETUNE_INTERNAL_H

#include "data/items.h"
#include "task/downstream.h"
#include "task/finetune.h"
#include "train/run.h"

enum { FINETUNE_TRAIN, FINETUNE_VALID, FINETUNE_TEST, FINETUNE_SPLITS };

typedef struct finetune finetune;

/* A batch as the tasks' forward passes take it; of plain arrays, so that its cost can be counted
 * without data. */
typedef struct finetune_batch {
    int n, T, S, X, n_texts;  /* videos; n_texts rows of text each */
    const uint8_t *image;     /* (n,T,3,S,S); NULL: to be counted only */
    const int *text;          /* (n,n_texts,X) */
    const uint8_t *text_mask; /* (n,n_texts,X) */
    const vl_item_facts *facts; /* (n) */
} finetune_batch;

/* One task: what differs between them. */
typedef struct finetune_kind {
    const vl_downstream_kind *task;
    vl_run_task run; /* slots that are not its own are finetune.c's */
    int least_batch;
    /* One batch's forward pass: *out as of downstream.h. */
    void (*forward)(vl_tape *t, const vl_model *m, const finetune *f, const finetune_batch *b,
                    const vl_downstream_input *in, vl_downstream_output *out);
} finetune_kind;

const finetune_kind *finetune_kind_of(const vl_downstream_kind *task);
extern const finetune_kind finetune_retrieval, finetune_qamc, finetune_qaoe, finetune_fib;

/* vl_run.own of a fine-tuning run. */
struct finetune {
    const vl_finetune_options *o;
    const vl_downstream_kind *task;
    const finetune_kind *kind; /* of the task */
    vl_run_task run; /* the kind's, with a contrastive loss where that is on */
    const char *losses[2];
    double weights[2];
    bool compat;
    vl_items *items[FINETUNE_SPLITS]; /* NULL: not opened */
    vl_answers *answers;              /* of open-ended tasks */
    vl_dataset *test;                 /* NULL: none */
    int frames;                       /* T of the training set */
    uint64_t n_seen; /* samples in the present validation */
    double hits;     /* of them, a share of 1 where scores are equal (metric.h) */

    /* a batch's, for the largest batch of B videos with n_texts rows of text */
    uint8_t *text_mask; /* (B,n_texts,X) */
};

/* The slots of vl_run_task that all tasks have. */
violet_status finetune_open(vl_run *r);
void finetune_close(vl_run *r);
violet_status finetune_open_set(vl_dataset **out, vl_run *r, const char *name, const char *split,
                                bool training);
violet_status finetune_cost(double *flops, double *bytes, vl_run *r, int T);
violet_status finetune_buffers(vl_run *r, int B, int T);
violet_status finetune_batch_run(vl_run *r, const vl_batch *b, bool training, uint64_t draw,
                                 uint64_t first_sample, vl_run_sums *sums);
/* Of questions: the metrics are FINETUNE_ACCURACIES. */
violet_status finetune_validate(vl_run *r, const vl_dataset *d, vl_run_result *out);
violet_status finetune_save(const vl_run *r, json_t *state);
violet_status finetune_resume(const vl_run *r, const json_t *state);
violet_status finetune_describe(char **text, const vl_run *r);
violet_status finetune_finish(vl_run *r); /* finetune_test.c */
const char *finetune_protocol(const finetune *f);

extern const char *const finetune_fixed[];

/* Right answers as a share of all items, one whose answer is not in the list being wrong, and of
 * those whose answer is: the published number. */
#define FINETUNE_ACCURACIES {"accuracy", "accuracy_listed"}

/* Fills a finetune_kind's `run` but for the heads, which are the task's; losses: one name. */
#define FINETUNE_RUN(loss_names, metric_names, n_metrics_, n_deciding_, validate_)                 \
    {                                                                                              \
        .losses = loss_names, .n_losses = 1, .metrics = metric_names, .n_metrics = n_metrics_,     \
        .n_deciding = n_deciding_, .table = vl_finetune_option_table,                              \
        .fixed = finetune_fixed, .open = finetune_open, .close = finetune_close,                   \
        .open_set = finetune_open_set, .cost = finetune_cost, .buffers = finetune_buffers,         \
        .batch = finetune_batch_run, .validate = validate_, .save = finetune_save,                 \
        .resume = finetune_resume, .describe = finetune_describe, .finish = finetune_finish        \
    }

#endif
