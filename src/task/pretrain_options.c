/* The options of a pretraining run; those that every training has are in train/run_options.h. */
#include <assert.h>
#include <stddef.h>

#include "task/pretrain_run.h"

#define S vl_pretrain_options
_Static_assert(offsetof(S, run) == 0, "rows of the shared options have offsets in them");

const vl_option vl_pretrain_option_table[] = {
    VL_RUN_ROW_TYPE("pretrain", "pretrain"),
    VL_RUN_ROWS_PICTURES("webvid2.5m,cc3m",
                         "data sets, separated by commas; NAME:SPLIT for another split"),
    VL_PRETRAIN_ROW_DVAE,
    VL_OPTION_ENUM(S, parts, "mixed", "mixed|sequential", "Data",
                   "parts and data sets mixed, or one after the other as published"),
    VL_OPTION_ENUM(S, caption, "first", "first|random", "Data", "which of a video's captions"),
    VL_RUN_ROW_VOCAB,
    VL_RUN_ROWS_SIZES(1024, "32", "0",
                      "frames a video, 0: as many as the file has, 4 where there are videos", "12",
                      4096),
    VL_RUN_ROW_VALID_BATCHES,
    VL_RUN_ROW_CONFIG("violet1", "sizes: violet1, tiny, a JSON file, or a checkpoint"),
    VL_RUN_ROWS_START,
    VL_RUN_ROWS_DROP,
    VL_RUN_ROW_COMPAT,
    VL_RUN_ROWS_RECIPE("5", "2e-5"),
    VL_PRETRAIN_ROWS_MASK,
    VL_PRETRAIN_ROW_NEGATIVES,
    VL_RUN_ROW_CONTRASTIVE,
    VL_RUN_ROW_SEED,
    VL_RUN_ROWS_FOLDER("true"),
    VL_RUN_ROW_THREADS,
    {0},
};
