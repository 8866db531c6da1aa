/* Evaluation of a checkpoint on a downstream task: metrics over all of a split, with how sure they
 * are.
 *
 *     vl_eval_options o = {0};
 *     vl_buf text = {0};
 *     status = vl_option_defaults(vl_eval_option_table, &o);
 *     ... type, task, dataset, path_ckpt ...
 *     if (status == VIOLET_OK) status = vl_eval_run(&text, &o, 0, NULL);
 *     puts(text.data);
 *
 * Types (docs/EVALUATE.md has the protocols to the letter):
 *     retrieval  text to video and video to text: recall at 1, 5, 10, median and mean rank
 *     qamc       multiple choice: accuracy
 *     qaoe       open-ended questions: accuracy, answers that are not in the list left out or
 *                counted wrong
 *     fib        fill in the blank: the same, read at the sentence's [MASK]
 *
 * Videos are taken one after the other: each is decoded and encoded once and scored with all texts
 * it meets, in an order that depends on nothing else. So memory depends on the texts alone, and the
 * scores of a video are the same bits whenever and in whatever process they are computed. They go
 * into the folder `output`:
 *     scores.bin        scores as they come (model/features.h): a run that was stopped goes on here
 *     vectors.bin       with a first stage: videos and texts as vectors
 *     eval_args.json    the options as they were, and machine.json; not of parts
 *     result.json       metrics, what was left out; once all is done
 * and, of part i of n (`shard`), scores.i-of-n.bin and result.i-of-n.json, from which `merge` makes
 * what a run without parts would have written, byte for byte. A finished evaluation of something
 * else in the folder is replaced; one that is not finished is not. */
#ifndef VL_TASK_EVAL_H
#define VL_TASK_EVAL_H

#include "base/buf.h"
#include "train/run_options.h"

enum { EVAL_BOTH, EVAL_TEXT_TO_VIDEO, EVAL_VIDEO_TO_TEXT };

/* Strings are owned (option.h frees them). Defaults, ranges and help: vl_eval_option_table. */
typedef struct vl_eval_options {
    vl_run_options run; /* first: see run_options.h */
    char *task, *items, *predictions, *cache, *shard;
    int cache_dtype; /* 0: float32, 1: bfloat16 */
    int top, merge;
    int first_stage; /* 0: none */
    int direction;   /* EVAL_... */
    bool restart;
    bool json; /* the program's: who calls vl_eval_run says it in flags */
} vl_eval_options;

extern const vl_option vl_eval_option_table[];

/* Of the options of a training, read from `path`, makes those of its evaluation: the split that it
 * tests, a folder of its own below the training's, and, where the file stands in the folder of a
 * run, the best weights there. Others are left alone. */
violet_status vl_eval_take_training(json_t *object, const char *path);

/* Appends the metrics as lines or, with VIOLET_INFO_JSON in flags, as an object; of one part of
 * many, nothing. hooks may be NULL. */
violet_status vl_eval_run(vl_buf *text, const vl_eval_options *o, int flags,
                          const violet_hooks *hooks);

#endif
