/* The items of a downstream task: captions to be found, questions to be answered.
 *
 *     vl_items_options o = {.kind = VL_TASK_QAOE, .folder = "_data", .task = "msvd-qa",
 *                           .split = "train"};
 *     vl_items *q;
 *     status = vl_items_open(&q, &o);
 *     for i 0 .. vl_items_n(q) - 1: vl_items_at(q, i)->text, ->answer ...
 *     vl_items_close(q);
 *
 * An entry of the file has `video` and
 *     retrieval        `caption`: a string, or a list of them; each becomes an item
 *     multiple choice  `question`, `option_0`, `option_1`, ..., `answer`: the right one's number
 *     open-ended       `question`, `answer`: a word or a number in the list of answers
 * and perhaps `type`, which reports group by; an empty one is none. An answer of -1 is unknown
 * (multiple choice), or not in the list. A question with a blank, [MASK] or three or more
 * underscores, is answered there.
 * Other fields are passed over. A video is its name, with or without a video's ending.
 *
 * The file is the first of these in the folder, or the option's path; its ending says how it is
 * written:
 *     txt_TASK.json          {split: [entries]}, and `vocab`, the list of answers, beside the
 *                            splits: {word: number} or [words]. Retrieval also as
 *                            {split: {video: [captions]}}
 *     txt_TASK_SPLIT.json    [entries]
 *     txt_TASK_SPLIT.jsonl   an entry a line
 *     txt_TASK.jsonl         the same with a field `split`
 *     txt_TASK_SPLIT.csv, txt_TASK.csv   a line of names, an entry a line (file/csv.h); empty cells
 *                            are fields that are not there; open-ended answers are words
 *     TASK.json
 *
 * Everything is checked at opening, entry by entry, so that a file of a million takes some hundred
 * megabytes, not its tree; EFORMAT names file, entry (from 0) and field. Whether there are pictures
 * of a video is not known here. Read-only afterwards but for vl_items_use; strings are UTF-8. */
#ifndef VL_DATA_ITEMS_H
#define VL_DATA_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "data/answers.h"

typedef enum vl_task_kind { VL_TASK_RETRIEVAL, VL_TASK_QAMC, VL_TASK_QAOE } vl_task_kind;

typedef struct vl_items_options {
    vl_task_kind kind;
    const char *folder, *task; /* where the names are looked for */
    const char *path;          /* instead of these; NULL: by name */
    const char *split;         /* NULL: all entries of `path`, which has no splits */
    bool any;                  /* a list without any field `split` is of every split */
} vl_items_options;

typedef struct vl_item {
    const char *text;          /* caption or question; the blank is [MASK] */
    const char *const *option; /* (n_options); NULL: none */
    const char *word;          /* the answer in words; NULL: not known */
    int n_options;
    int answer;   /* number of an option or in the list of answers; -1: unknown or not in it */
    int video;    /* 0 .. vl_items_n_videos - 1, in the order in which they first come */
    int type;     /* 0 .. vl_items_n_types - 1; -1: none */
    size_t entry; /* of the split in the file */
} vl_item;

typedef struct vl_items vl_items;

/* EIO: no such file. EFORMAT also if the split is not there, or empty. */
violet_status vl_items_open(vl_items **out, const vl_items_options *o);
/* From memory; `name` says the format, as a path does, and stands in messages. */
violet_status vl_items_parse(vl_items **out, const vl_items_options *o, const char *bytes,
                             size_t n, const char *name);
void vl_items_close(vl_items *q);
/* Would there be anything to open? *has false where no file has an entry of the split. */
violet_status vl_items_has_split(bool *has, const vl_items_options *o);

const char *vl_items_path(const vl_items *q);
bool vl_items_any(const vl_items *q); /* a list without splits, of which all was taken */
vl_task_kind vl_items_kind(const vl_items *q);
size_t vl_items_n(const vl_items *q); /* at most INT_MAX */
const vl_item *vl_items_at(const vl_items *q, size_t i); /* NULL: no such item */
/* Of what the items say, and of which videos; not of the path, nor of numbers given to answers. */
uint64_t vl_items_hash(const vl_items *q);
int vl_items_most_options(const vl_items *q);
size_t vl_items_n_unanswered(const vl_items *q); /* of them with answer -1 */

int vl_items_n_videos(const vl_items *q);
const char *vl_items_video(const vl_items *q, int video);
/* The items of a video, ascending. */
const int *vl_items_of(int *n, const vl_items *q, int video);
/* The last of its video's: what is left where, as published, captions overwrite each other. */
bool vl_items_is_last(const vl_items *q, size_t i);

/* Of questions: the file's `type`, or else the first word: what, who, how, when, where (the five
 * that MSVD-QA and MSRVTT-QA report; "how many" is a how), why, which, whose, whom; "blank" where
 * one is to be filled in, "other". In the order in which they first come. */
int vl_items_n_types(const vl_items *q);
const char *vl_items_type(const vl_items *q, int type);

/* The file's own list of answers; NULL: it has none. */
const vl_answers *vl_items_vocab(const vl_items *q);
/* Numbers every open-ended answer by this list (of the training split, or a checkpoint) instead of
 * the file's; a word that is not in it gets -1. EFORMAT where a file without a list has numbers for
 * answers that are not below the list's length. */
violet_status vl_items_use(vl_items *q, const vl_answers *a);

#endif
