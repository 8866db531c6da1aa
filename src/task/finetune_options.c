/* The options of fine-tuning; those that every training has are in train/run_options.h. */
#include <assert.h>
#include <stddef.h>

#include "task/finetune.h"

#define S vl_finetune_options
_Static_assert(offsetof(S, run) == 0, "rows of the shared options have offsets in them");

const vl_option vl_finetune_option_table[] = {
    VL_RUN_ROW_TYPE(NULL, VL_TASK_TYPES),
    VL_OPTION_STRING(S, task, NULL, "Data", "name of the items' file: txt_TASK.json and its like"),
    VL_OPTION_PATH(S, items, NULL, "Data", "file of items, in place of what `task` finds"),
    VL_RUN_ROWS_PICTURES(NULL, "data set with the pictures; NAME:SPLIT to train on another split"),
    VL_RUN_ROW_BLIND,
    VL_OPTION_STRING(S, test_split, VL_FINETUNE_TEST_SPLIT, "Data",
                     "split to test the best weights on, once, at the end; \"\": no test"),
    VL_OPTION_INT(S, size_vocab, "0", 0, 1e6, "Data",
                  "classes of open-ended answers; 0: as many as the list has, or 1000"),
    VL_RUN_ROW_ANSWERS("the items', or else the most frequent ones of the training split"),
    VL_OPTION_INT(S, size_option, "0", 0, 1000, "Data",
                  "options a question, at most; 0: as many as there are"),
    VL_RUN_ROW_VOCAB,
    VL_RUN_ROWS_SIZES(1024, "25", "5",
                      "frames a video, 0: as many as the file has, 5 at most", "6", 4096),
    VL_RUN_ROW_VALID_BATCHES,
    VL_RUN_ROW_CONFIG(NULL, "sizes: violet1, tiny, a JSON file, or a checkpoint (default: those of "
                            "the checkpoint to start from)"),
    VL_RUN_ROWS_START,
    VL_RUN_ROWS_DROP,
    VL_RUN_ROW_COMPAT,
    VL_RUN_ROWS_RECIPE("20", "1.2e-5"),
    VL_RUN_ROW_CONTRASTIVE,
    VL_OPTION_INT(S, patience, "0", 0, 1e6, "Recipe",
                  "stop after so many epochs without a better validation, 0: never"),
    VL_RUN_ROW_SEED,
    VL_RUN_ROWS_FOLDER("false"),
    VL_RUN_ROW_THREADS,
    {0},
};
