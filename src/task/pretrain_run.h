/* A pretraining run: data sets in, checkpoints and logs out. Everything it does is decided by the
 * options, so a run is its args.json.
 *
 * A run's folder (`output`):
 *     args.json          the options as they were
 *     log.json           as the reference writes it: {data set: {ls_mtm: [...], ac_mtm: [...], ...}},
 *                        one value a part: training loss, validation accuracy
 *     steps.jsonl        a line a step: losses, accuracies, norm, rate (the same bits on every run)
 *     timing.jsonl       a line a step: seconds, samples/s, memory (not the same)
 *     last.safetensors   weights, moments and position: resume from here
 *     model_E_PART.safetensors  weights after each part of each epoch, if `keep` says so
 */
#ifndef VL_TASK_PRETRAIN_RUN_H
#define VL_TASK_PRETRAIN_RUN_H

#include <stdint.h>

#include "base/option.h"
#include "violet.h"

/* Strings are owned (option.h frees them). Defaults, ranges and help: vl_pretrain_option_table. */
typedef struct vl_pretrain_options {
    char *type; /* "pretrain", as in the published args files */
    /* data */
    char *data, *dataset, *parts_order, *caption;
    int size_img, size_txt, size_frame, size_batch, workers;
    int valid_batches; /* at most this many a validation; 0: all */
    /* model */
    char *config, *path_ckpt;
    /* recipe */
    int size_epoch, accumulate, warn_bad;
    int64_t steps, seed;
    double lr, decay, beta1, beta2, eps, clip, warmup, lr_end, drop, drop_path;
    char *schedule, *compat;
    int decay_all, checkpointing;
    double p_word, p_attended, p_use_attended;
    /* run */
    char *output;
    int resume, threads, save_every, keep;
} vl_pretrain_options;

extern const vl_option vl_pretrain_option_table[];
extern const int vl_pretrain_n_options;

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_pretrain_run(const vl_pretrain_options *o, const violet_hooks *hooks);

#endif
