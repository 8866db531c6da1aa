/* A pretraining run: train/run.h with three losses (pretrain.h), over captioned videos and
 * pictures. Masks, visual tokens and attention received are made as batches come.
 *
 *     vl_pretrain_options o = {0};
 *     status = vl_option_defaults(vl_pretrain_option_table, &o);
 *     if (status == VIOLET_OK) status = vl_pretrain_run(&o, NULL);
 *     vl_option_release(vl_pretrain_option_table, &o); */
#ifndef VL_TASK_PRETRAIN_RUN_H
#define VL_TASK_PRETRAIN_RUN_H

#include "train/run_options.h"

enum { VL_PARTS_MIXED, VL_PARTS_SEQUENTIAL };
enum { VL_CAPTION_FIRST, VL_CAPTION_RANDOM };

/* Strings are owned (option.h frees them). Defaults, ranges and help: vl_pretrain_option_table. */
typedef struct vl_pretrain_options {
    vl_run_options run; /* first: see run_options.h */
    char *dvae;
    int parts, caption; /* enums above */
    double p_word, p_attended, p_use_attended;
    int negatives; /* texts of other videos that matching puts beside a video's own, at most */
} vl_pretrain_options;

extern const vl_option vl_pretrain_option_table[];

/* Rows that plan.h has, too. */
#define VL_PRETRAIN_ROW_DVAE                                                                       \
    VL_OPTION_PATH(vl_pretrain_options, dvae, NULL, "Data",                                        \
                   "dVAE that makes the visual tokens as batches come (default: vq_* files)")
#define VL_PRETRAIN_ROWS_MASK                                                                      \
    VL_OPTION_DOUBLE(vl_pretrain_options, p_word, "0.15", 0, 1, "Recipe",                          \
                     "blockwise masking: share of words hidden"),                                  \
    VL_OPTION_DOUBLE(vl_pretrain_options, p_attended, "0.15", 0, 1, "Recipe",                      \
                     "attended masking: share of positions hidden"),                               \
    VL_OPTION_DOUBLE(vl_pretrain_options, p_use_attended, "0.5", 0, 1, "Recipe",                   \
                     "share of samples with attended masking")
#define VL_PRETRAIN_ROW_NEGATIVES                                                                  \
    VL_OPTION_INT(vl_pretrain_options, negatives, "3", 1, 64, "Recipe",                            \
                  "matching: texts of other videos beside a video's own; as many as a smaller "    \
                  "batch has")

/* How many of these a video has in a batch of B. */
static inline int vl_pretrain_negatives(const vl_pretrain_options *o, int B)
{
    return o->negatives < B - 1 ? o->negatives : B - 1;
}

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_pretrain_run(const vl_pretrain_options *o, const violet_hooks *hooks);

#endif
