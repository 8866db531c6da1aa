/* The options of evaluation. Those that it shares with training stand in train/run_options.h, but
 * few of them, so most rows are written here. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "task/eval.h"
#include "task/finetune.h"

#define R vl_run_options
#define S vl_eval_options
_Static_assert(offsetof(S, run) == 0, "rows of the shared options have offsets in them");

const vl_option vl_eval_option_table[] = {
    VL_OPTION_WORD(R, type, NULL, VL_TASK_TYPES, "Data", "kind of task"),
    VL_OPTION_STRING(S, task, NULL, "Data", "name of the items' file: txt_TASK.json and its like"),
    VL_OPTION_PATH(S, items, NULL, "Data", "file of items, in place of what the name finds"),
    VL_OPTION_STRING(R, split, "test", "Data", "split to evaluate"),
    VL_OPTION_PATH(R, data, "_data", "Data", "folder with the img_* and txt_* files"),
    VL_OPTION_STRING(R, dataset, NULL, "Data", "data set with the pictures"),
    VL_OPTION_PATH(R, videos, NULL, "Data",
                   "folder or list of videos, in place of the pictures that the name finds"),
    VL_OPTION_BOOL(R, fast_video, "false", "Data",
                   "find frames of videos by seeking, in place of decoding all of them"),
    VL_OPTION_ENUM(R, shape, "upright", VL_SHAPES, "Data",
                   "of videos' frames; upright: rotated as the video says; square: and stretched "
                   "to square pixels; stored: neither"),
    VL_RUN_ROW_BLIND,
    VL_RUN_ROW_VOCAB,
    VL_RUN_ROW_ANSWERS("the checkpoint's, or else the items'"),
    VL_OPTION_INT(R, size_img, "0", 0, 1024, "Data",
                  "side of the pictures, a multiple of 32; 0: as fine-tuned, else 224"),
    VL_OPTION_INT(R, size_txt, "0", 0, 512, "Data", "text positions; 0: as fine-tuned, else 25"),
    VL_OPTION_INT(R, size_frame, "0", 0, VL_FRAMES_MOST, "Data",
                  "frames a video; 0: as fine-tuned, else as many as the file has, 5 at most"),
    VL_OPTION_INT(R, workers, "1", 1, 256, "Data", "threads that decode pictures and videos"),
    VL_OPTION_PATH_ALSO(R, path_ckpt, "checkpoint", NULL, "Model",
                        "checkpoint to evaluate (.safetensors, .pt)"),
    VL_RUN_ROW_CONFIG(NULL, "sizes: violet1, tiny, a JSON file, or a checkpoint (default: what "
                            "the checkpoint says)"),
    VL_OPTION_BOOL(R, interpolate, "false", "Model",
                   "resize position tables of a checkpoint of another picture size or number of "
                   "frames"),
    VL_OPTION_ENUM(R, compat, "none", "none|violet1", "Evaluation",
                   "violet1: do what the published code does, oddities included"),
    VL_OPTION_INT(S, first_stage, "0", 0, 1e6, "Evaluation",
                  "retrieval: rank by the dual encoder, score only the so many best of each query; "
                  "0: score all pairs"),
    VL_OPTION_ENUM(S, direction, "both", "both|text-to-video|video-to-text", "Evaluation",
                   "of retrieval; a first stage costs what each direction asks for"),
    VL_OPTION_PATH(S, predictions, NULL, "Evaluation",
                   "file for every ranking or answer, one JSON object a line"),
    VL_OPTION_BOOL(S, json, "false", "Evaluation",
                   "an object in place of lines, and progress on the standard error"),
    VL_OPTION_INT(S, top, "10", 1, 1000, "Evaluation", "so many of each ranking are written"),
    VL_OPTION_INT64(R, seed, "1", 0, 1e15, "Evaluation", "of the resamples behind intervals"),
    VL_OPTION_PATH(R, output, "eval", "Run",
                     "folder for scores and results, \"\": none, and nothing to go on with; "
                     "{split} in it stands for the split"),
    VL_OPTION_BOOL(S, restart, "false", "Run", "throw away what the folder has, begin anew"),
    VL_OPTION_PATH(S, cache, NULL, "Run",
                   "file for encoded videos, for other evaluations of the same weights"),
    VL_OPTION_ENUM(S, cache_dtype, "float32", "float32|bfloat16", "Run",
                   "type that encoded videos and texts are kept as"),
    VL_OPTION_STRING(S, shard, NULL, "Run", "do part i of n only: i/n"),
    VL_OPTION_INT(S, merge, "0", 0, 1e5, "Run", "put n parts together, which are done"),
    VL_RUN_ROW_THREADS,
    {0},
};

/* ---- options of a training ------------------------------------------------------------------- */

static bool has_row(const vl_option *table, const char *name)
{
    while (table->name && strcmp(table->name, name) != 0) table++;
    return table->name != NULL;
}

/* Is there an option that only training has? */
static bool is_of_training(json_t *object)
{
    const char *key;
    json_t *v;
    json_object_foreach(object, key, v)
        if (!has_row(vl_eval_option_table, key) && has_row(vl_finetune_option_table, key))
            return true;
    return false;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s && *s ? s : NULL;
}

static int put(json_t *object, const char *key, const char *value)
{
    return json_object_set_new(object, key, json_string(value));
}

/* FOLDER of FOLDER/args.json, if it is a run's. */
static bool is_run(char *folder, char *best, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(folder, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return strcmp(name, "args.json") == 0 &&
           vl_path_join(best, size, folder, "best.safetensors") == VIOLET_OK &&
           vl_file_exists(best);
}

/* Another split of the pictures that was trained on: "NAME:SPLIT". */
static int drop_split(json_t *object)
{
    const char *name = text_of(object, "dataset"), *colon = name ? strchr(name, ':') : NULL;
    if (!colon) return 0;
    json_t *v = json_stringn(name, (size_t)(colon - name));
    return v ? json_object_set_new(object, "dataset", v) : -1;
}

violet_status vl_eval_take_training(json_t *object, const char *path)
{
    char folder[4096], best[4096], output[4096 + 20];
    if (!json_is_object(object) || !is_of_training(object)) return VIOLET_OK;
    bool run = is_run(folder, best, sizeof best, path);
    const char *own = run ? folder : text_of(object, "output"),
               *split = text_of(object, "test_split");
    snprintf(output, sizeof output, "%s/eval-{split}", own ? own : "");
    int bad = own ? put(object, "output", output) : 0;
    bad |= put(object, "split", split ? split : "test");
    if (run) bad |= put(object, "path_ckpt", best);
    if (json_integer_value(json_object_get(object, "workers")) == 0)
        json_object_del(object, "workers");
    bad |= drop_split(object);
    return bad ? vl_err_nomem() : VIOLET_OK;
}
