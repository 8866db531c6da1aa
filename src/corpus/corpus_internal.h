/* What the files of a corpus are made by; between the files of this room only. */
#ifndef VL_CORPUS_CORPUS_INTERNAL_H
#define VL_CORPUS_CORPUS_INTERNAL_H

#include <limits.h>

#include "base/buf.h"
#include "base/strings.h"
#include "corpus/corpus.h"
#include "corpus/scene.h"

#define VL_CORPUS_OPTIONS 5

/* A question of a clip. */
typedef struct vl_corpus_item {
    size_t clip; /* of the split */
    const char *type, *text;
    const char *answer;                 /* a word; NULL of multiple choice */
    const char *option[VL_CORPUS_OPTIONS]; /* of multiple choice */
    int right;
} vl_corpus_item;

typedef struct vl_corpus_task {
    vl_corpus_item *item; /* (n) */
    size_t n, cap;
} vl_corpus_task;

enum { VL_CORPUS_QAOE, VL_CORPUS_QAMC, VL_CORPUS_FIB, VL_CORPUS_TASKS };

/* A split. */
typedef struct vl_corpus_set {
    size_t n;
    int n_captions;       /* a clip */
    vl_scene *scene;      /* (n) */
    const char **caption; /* (n, n_captions), of corpus.strings */
    vl_corpus_task task[VL_CORPUS_TASKS];
} vl_corpus_set;

typedef struct vl_corpus {
    const vl_corpus_options *o;
    const violet_hooks *hooks;
    vl_rules rules;
    vl_corpus_set set[VL_SPLITS];
    vl_strings strings;
    char videos[PATH_MAX]; /* the folder */
    uint64_t hash;         /* over all files */
} vl_corpus;

void vl_corpus_release(vl_corpus *c);
size_t vl_corpus_n(const vl_corpus *c);
/* Clip i of all; NULL behind the last. */
const vl_scene *vl_corpus_clip(const vl_corpus *c, size_t i);
/* "train_00012" */
#define VL_CORPUS_ID 24
const char *vl_corpus_id(char id[VL_CORPUS_ID], const vl_scene *s);

/* "qaoe" */
const char *vl_corpus_task_name(int task);
/* Answer k of an open-ended task's list, NULL behind the last. */
const char *vl_corpus_answer(const vl_corpus *c, int task, int k);
/* The same of the blanks, with their type. */
const char *vl_corpus_blank(const char **type, int k);
/* Adds an item; its text is copied. */
violet_status vl_corpus_add(vl_corpus *c, vl_corpus_task *t, const vl_corpus_item *item);

/* The videos that are not there yet. */
violet_status vl_corpus_make_videos(vl_corpus *c);
/* Captions of all clips; those of val and test are all different. */
violet_status vl_corpus_make_captions(vl_corpus *c);
/* Questions, multiple choice, blanks of all clips. */
violet_status vl_corpus_make_questions(vl_corpus *c);
violet_status vl_corpus_make_choices(vl_corpus *c);
violet_status vl_corpus_make_blanks(vl_corpus *c);
/* The annotation files and scenes.jsonl. */
violet_status vl_corpus_write_texts(vl_corpus *c);

/* ---- text that grows; the first error stays -------------------------------------------------- */

typedef struct vl_corpus_text {
    vl_buf b;
    violet_status status;
} vl_corpus_text;

void vl_text_put(vl_corpus_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes it as DIR/NAME, adds it to the corpus' hash, and empties it. What every run writes anew
 * need not be on the disk before the call returns: `sync` false. */
violet_status vl_corpus_write(vl_corpus *c, const char *name, vl_corpus_text *t, bool sync);
/* The parameters, as corpus.json has them, without the closing bracket. */
void vl_corpus_put_parameters(vl_corpus_text *t, const vl_corpus *c);
/* corpus.json, and the same in words. */
violet_status vl_corpus_write_results(vl_corpus *c);

#endif
