/* The options that every training has, once: a struct that stands first in each kind's own, and the
 * rows of its table.
 *
 *     typedef struct vl_pretrain_options {
 *         vl_run_options run;                       // first, so that offsets are the same
 *         double p_word;
 *     } vl_pretrain_options;
 *
 *     const vl_option vl_pretrain_option_table[] = {
 *         VL_RUN_ROW_TYPE("pretrain", "pretrain"),
 *         VL_RUN_ROWS_PICTURES("webvid2.5m,cc3m"),
 *         ...
 *         VL_OPTION_DOUBLE(vl_pretrain_options, p_word, ...),
 *         {0},
 *     };
 *
 * A macro takes what differs from kind to kind: defaults, mostly. Rows that a kind leaves out are
 * options that it does not have, with their fields zero. */
#ifndef VL_TRAIN_RUN_OPTIONS_H
#define VL_TRAIN_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "media/video.h"
#include "model/config.h"

#define VL_RUN_VALID_SPLIT "val" /* tried where nobody says another */

enum { VL_COMPAT_NONE, VL_COMPAT_VIOLET1 };

/* Strings are owned (option.h frees them). */
typedef struct vl_run_options {
    char *type; /* as in the published args files */
    /* data */
    char *data, *dataset, *split, *valid_split, *vocab, *videos, *answers;
    bool fast_video, blind;
    int shape; /* of videos' frames: vl_shape */
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
    double contrastive; /* weight of the dual encoder's loss */
    bool decay_all, checkpointing;
    /* run */
    char *output;
    bool resume, keep;
    int threads, save_every, save_seconds;
} vl_run_options;

/* The downstream tasks by their type, in the order in which they are told. */
#define VL_TASK_TYPES "retrieval|qamc|qaoe|fib"

#define VL_RUN_ROW_TYPE(def, types)                                                                \
    VL_OPTION_WORD(vl_run_options, type, def, types, "Data",                                       \
                   "kind of run, as in published args files")

/* Where samples come from. names: default and help of the data sets. */
#define VL_RUN_ROWS_PICTURES(names, names_help)                                                    \
    VL_OPTION_PATH(vl_run_options, data, "_data", "Data",                                          \
                   "folder with img_*, vq_* and txt_* files, or a folder of videos for img_*"),    \
    VL_OPTION_STRING(vl_run_options, dataset, names, "Data", names_help),                          \
    VL_OPTION_STRING(vl_run_options, split, "train", "Data", "split to train on"),                 \
    VL_OPTION_STRING(vl_run_options, valid_split, VL_RUN_VALID_SPLIT, "Data",                      \
                     "split to validate on, \"\": no validation"),                                 \
    VL_OPTION_PATH(vl_run_options, videos, NULL, "Data",                                           \
                   "folder or list of videos, in place of the pictures that the name finds"),      \
    VL_OPTION_BOOL(vl_run_options, fast_video, "false", "Data",                                    \
                   "find frames of videos by seeking, in place of decoding all of them"),          \
    VL_OPTION_ENUM(vl_run_options, shape, "upright", VL_SHAPES, "Data",                            \
                   "of videos' frames; upright: rotated as the video says; square: and stretched " \
                   "to square pixels; stored: neither")

#define VL_RUN_ROW_BLIND                                                                           \
    VL_OPTION_BOOL(vl_run_options, blind, "false", "Data",                                         \
                   "see no pictures: none is read, all are of the mean colour; what texts alone "  \
                   "give")

#define VL_RUN_ROW_VOCAB                                                                           \
    VL_OPTION_PATH(vl_run_options, vocab, NULL, "Data",                                            \
                   "WordPiece vocabulary file (default: BERT's, built in)")

#define VL_RUN_ROW_ANSWERS(default_help)                                                           \
    VL_OPTION_STRING(vl_run_options, answers, NULL, "Data",                                        \
                     "JSON file with the list of answers of open-ended questions, or with one as " \
                     "`vocab` (default: " default_help ")")

/* How large a batch is: defaults, help of size_frame, most of size_img and size_batch. */
#define VL_RUN_ROWS_SIZES(side_most, text, frames, frames_help, batch, batch_most)                 \
    VL_OPTION_INT(vl_run_options, size_img, "224", 32, side_most, "Data",                          \
                  "side of the pictures, a multiple of 32"),                                       \
    VL_OPTION_INT(vl_run_options, size_txt, text, 3, 512, "Data", "text positions"),               \
    VL_OPTION_INT(vl_run_options, size_frame, frames, 0, VL_FRAMES_MOST, "Data", frames_help),     \
    VL_OPTION_INT(vl_run_options, size_batch, batch, 1, batch_most, "Data", "samples a batch"),    \
    VL_OPTION_INT(vl_run_options, workers, "1", 0, 256, "Data",                                    \
                  "threads that decode data beside the training; videos want more than pictures")

#define VL_RUN_ROW_VALID_BATCHES                                                                   \
    VL_OPTION_INT(vl_run_options, valid_batches, "0", 0, 1e9, "Data",                              \
                  "most batches a validation, 0: all")

#define VL_RUN_ROW_CONFIG(def, config_help)                                                        \
    VL_OPTION_PATH_OR(vl_run_options, config, def, VL_CONFIG_PRESETS, "Model", config_help)

#define VL_RUN_ROWS_START                                                                          \
    VL_OPTION_PATH_ALSO(vl_run_options, path_ckpt, "checkpoint", NULL, "Model",                    \
                        "checkpoint to start from (.pt, .safetensors)"),                           \
    VL_OPTION_PATH(vl_run_options, init_video, NULL, "Model",                                      \
                   "video encoder to start from, over what the checkpoint gives: Video Swin, "     \
                   "or a Swin for pictures"),                                                      \
    VL_OPTION_PATH(vl_run_options, init_text, NULL, "Model",                                       \
                   "BERT to start from, over what the checkpoint gives"),                          \
    VL_OPTION_BOOL(vl_run_options, interpolate, "false", "Model",                                  \
                   "resize position tables of files that are of another window, picture size or "  \
                   "number of frames"),                                                            \
    VL_OPTION_BOOL(vl_run_options, strict, "false", "Model",                                       \
                   "files to start from must fit to the last tensor")

#define VL_RUN_ROWS_DROP                                                                           \
    VL_OPTION_DOUBLE(vl_run_options, drop, "-1", -1, 0.99, "Model",                                \
                     "dropout, negative: the configuration's"),                                    \
    VL_OPTION_DOUBLE(vl_run_options, drop_path, "-1", -1, 0.99, "Model",                           \
                     "drop path, negative: the configuration's")

#define VL_RUN_ROW_COMPAT                                                                          \
    VL_OPTION_ENUM(vl_run_options, compat, "none", "none|violet1", "Recipe",                       \
                   "violet1: do what the published code does, oddities included")
#define VL_RUN_ROW_ACCUMULATE                                                                      \
    VL_OPTION_INT(vl_run_options, accumulate, "1", 1, 1e6, "Recipe",                               \
                  "batches whose gradients make an update")
#define VL_RUN_ROW_CHECKPOINTING                                                                   \
    VL_OPTION_BOOL(vl_run_options, checkpointing, "false", "Recipe",                               \
                   "recompute activations in the backward: less memory, a third more time")

#define VL_RUN_ROW_CONTRASTIVE                                                                     \
    VL_OPTION_DOUBLE(vl_run_options, contrastive, "0", 0, 1e6, "Recipe",                           \
                     "weight of a contrastive loss beside the others, which trains the vectors "   \
                     "of a first stage, 0: no such loss, no such head")

/* How weights are updated, from size_epoch to checkpointing. */
#define VL_RUN_ROWS_RECIPE(epochs, rate)                                                           \
    VL_OPTION_INT(vl_run_options, size_epoch, epochs, 1, 1e6, "Recipe", "times over the data"),    \
    VL_OPTION_INT64(vl_run_options, steps, "0", 0, 1e15, "Recipe",                                 \
                    "stop after so many updates, 0: after the epochs"),                            \
    VL_RUN_ROW_ACCUMULATE,                                                                         \
    VL_OPTION_DOUBLE(vl_run_options, lr, rate, 0, 10, "Recipe", "learning rate"),                  \
    VL_OPTION_ENUM(vl_run_options, schedule, "constant", "constant|linear|cosine", "Recipe",       \
                   "how the learning rate goes after the warm-up"),                                \
    VL_OPTION_DOUBLE(vl_run_options, warmup, "0", 0, 1, "Recipe",                                  \
                     "share of the steps with a rising rate"),                                     \
    VL_OPTION_DOUBLE(vl_run_options, lr_end, "0", 0, 1, "Recipe",                                  \
                     "last rate over lr, for linear and cosine"),                                  \
    VL_OPTION_DOUBLE(vl_run_options, decay, "1e-3", 0, 1, "Recipe", "weight decay"),               \
    VL_OPTION_BOOL(vl_run_options, decay_all, "true", "Recipe",                                    \
                   "decay on biases and norms, too, as published"),                                \
    VL_OPTION_DOUBLE(vl_run_options, beta1, "0.9", 0, 0.9999999, "Recipe",                         \
                     "AdamW's first moment"),                                                      \
    VL_OPTION_DOUBLE(vl_run_options, beta2, "0.98", 0, 0.9999999, "Recipe",                        \
                     "AdamW's second moment"),                                                     \
    VL_OPTION_DOUBLE(vl_run_options, eps, "1e-8", 1e-30, 1, "Recipe", "AdamW's epsilon"),          \
    VL_OPTION_DOUBLE(vl_run_options, clip, "0", 0, 1e9, "Recipe",                                  \
                     "most gradient norm, 0: no clipping"),                                        \
    VL_RUN_ROW_CHECKPOINTING

#define VL_RUN_ROW_SEED                                                                            \
    VL_OPTION_INT64(vl_run_options, seed, "1", 0, 1e15, "Recipe", "of all random numbers")

/* The folder, and when what is written. keep_def: default of keep. */
#define VL_RUN_ROWS_FOLDER(keep_def)                                                               \
    VL_OPTION_PATH(vl_run_options, output, "run", "Run", "folder for checkpoints and logs"),       \
    VL_OPTION_BOOL(vl_run_options, resume, "false", "Run",                                         \
                   "go on where the run in the folder stopped"),                                   \
    VL_OPTION_INT(vl_run_options, save_every, "500", 0, 1e9, "Run",                                \
                  "steps between saved states, 0: only after units"),                              \
    VL_OPTION_INT(vl_run_options, save_seconds, "60", 0, 1e9, "Run",                               \
                  "a unit's end is saved if the last state is at least so old"),                   \
    VL_OPTION_BOOL(vl_run_options, keep, keep_def, "Run", "keep the weights after every unit")

#define VL_RUN_ROW_THREADS                                                                         \
    VL_OPTION_INT(vl_run_options, threads, "0", 0, 1024, "Run",                                    \
                  "threads that compute, 0: one a core")

#endif
