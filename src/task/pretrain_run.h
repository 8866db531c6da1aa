/* A pretraining run: data sets in, checkpoints and logs out. Everything it does is decided by the
 * options, so a run is its args.json.
 *
 * A run's folder (`output`):
 *     args.json          the options as they were
 *     log.json           as the reference writes it: {data set: {ls_mtm: [...], ac_mtm: [...],
 *                        ...}}, a value a unit: training loss, validation accuracy
 *     steps.jsonl        a line a step: losses, accuracies, norm, rate (the same bits on every run)
 *     timing.jsonl       a line a step: seconds, waiting for data, memory (never the same)
 *     last.safetensors   weights, moments and position: resume from here
 *     E_UNIT.safetensors weights after each unit of each epoch, if `keep` says so
 *
 * A unit is what is trained between validations: an epoch over everything mixed, or, in the
 * reference's order, one part of one data set. */
#ifndef VL_TASK_PRETRAIN_RUN_H
#define VL_TASK_PRETRAIN_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "violet.h"

enum { VL_PARTS_MIXED, VL_PARTS_SEQUENTIAL };
enum { VL_CAPTION_FIRST, VL_CAPTION_RANDOM };
enum { VL_COMPAT_NONE, VL_COMPAT_VIOLET1 };

/* Strings are owned (option.h frees them). Defaults, ranges and help: vl_pretrain_option_table. */
typedef struct vl_pretrain_options {
    char *type; /* "pretrain", as in the published args files */
    /* data */
    char *data, *dataset, *split, *valid_split, *vocab, *videos, *dvae;
    bool fast_video;
    int shape; /* of videos' frames: vl_shape */
    int parts, caption; /* enums above */
    int size_img, size_txt, size_frame, size_batch, workers, valid_batches;
    /* model */
    char *config, *path_ckpt, *init_video, *init_text;
    bool interpolate, strict;
    double drop, drop_path; /* negative: the configuration's */
    /* recipe */
    int compat;
    int size_epoch, accumulate, schedule;
    int64_t steps, seed;
    double lr, decay, beta1, beta2, eps, clip, warmup, lr_end;
    bool decay_all, checkpointing;
    double p_word, p_attended, p_use_attended;
    /* run */
    char *output;
    bool resume, keep;
    int threads, save_every, save_seconds;
} vl_pretrain_options;

extern const vl_option vl_pretrain_option_table[];

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_pretrain_run(const vl_pretrain_options *o, const violet_hooks *hooks);

#endif
