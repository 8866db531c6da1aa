/* Fine-tuning on a downstream task: train/run.h over items (data/items.h).
 *
 *     vl_finetune_options o = {0};
 *     status = vl_option_defaults(vl_finetune_option_table, &o);
 *     status = vl_option_set(vl_finetune_option_table, &o, "type", "qaoe");
 *     ...
 *     status = vl_finetune_run(&o, NULL);
 *     vl_option_release(vl_finetune_option_table, &o);
 *
 * Types, and what a validation measures over its whole split:
 *     retrieval  text to video; recall at 1, 5, 10 and the median rank among all of its videos
 *     qamc       multiple choice; accuracy
 *     qaoe       open-ended questions, answers from a list; accuracy, an answer that is not in the
 *                list being wrong
 *     fib        fill in the blank: the same, read at the sentence's [MASK]
 *
 * The weights of the best validation are best.safetensors; they are tested once, at the end, and
 * the result is test.json. docs/FINETUNE.md tells more. */
#ifndef VL_TASK_FINETUNE_H
#define VL_TASK_FINETUNE_H

#include "train/run_options.h"

#define VL_FINETUNE_TEST_SPLIT "test" /* tried where nobody says another */

/* Strings are owned (option.h frees them). Defaults, ranges and help: vl_finetune_option_table. */
typedef struct vl_finetune_options {
    vl_run_options run; /* first: see run_options.h */
    char *task, *items, *test_split;
    int size_vocab, size_option, patience;
} vl_finetune_options;

extern const vl_option vl_finetune_option_table[];

/* Runs to the end, or to hooks->stop. hooks may be NULL. */
violet_status vl_finetune_run(const vl_finetune_options *o, const violet_hooks *hooks);

#endif
