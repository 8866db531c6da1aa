/* What the files of a corpus are made by; between the files of this room only. */
#ifndef VL_CORPUS_CORPUS_INTERNAL_H
#define VL_CORPUS_CORPUS_INTERNAL_H

#include <limits.h>

#include "base/buf.h"
#include "base/strings.h"
#include "corpus/corpus.h"
#include "corpus/scene.h"

#define CORPUS_OPTIONS 5

/* A question of a clip. */
typedef struct corpus_item {
    size_t clip; /* of the split */
    const char *type, *text;
    const char *answer;                 /* a word; NULL of multiple choice */
    const char *option[CORPUS_OPTIONS]; /* of multiple choice */
    int right;
} corpus_item;

typedef struct corpus_task {
    corpus_item *item; /* (n) */
    size_t n, cap;
} corpus_task;

enum { CORPUS_QAOE, CORPUS_QAMC, CORPUS_FIB, CORPUS_TASKS };

/* A split. */
typedef struct corpus_set {
    size_t n;
    int n_captions;       /* a clip */
    vl_scene *scene;      /* (n) */
    const char **caption; /* (n, n_captions), of corpus.strings */
    corpus_task task[CORPUS_TASKS];
} corpus_set;

typedef struct corpus {
    const vl_corpus_options *o;
    const violet_hooks *hooks;
    vl_rules rules;
    corpus_set set[VL_SPLITS];
    vl_strings strings;
    char videos[PATH_MAX]; /* the folder */
    uint64_t hash;         /* over all files */
} corpus;

size_t corpus_n(const corpus *c);
/* Clip i of all; NULL behind the last. */
const vl_scene *corpus_clip(const corpus *c, size_t i);
/* "train_00012" */
#define CORPUS_ID 24
const char *corpus_id(char id[CORPUS_ID], const vl_scene *s);

/* "qaoe" */
const char *corpus_task_name(int task);
/* Answer k of an open-ended task's list, NULL behind the last. */
const char *corpus_answer(const corpus *c, int task, int k);
/* The same of the blanks, with their type. */
const char *corpus_blank(const char **type, int k);
/* Adds an item; its text is copied. */
violet_status corpus_add(corpus *c, corpus_task *t, const corpus_item *item);

/* The videos that are not there yet. */
violet_status corpus_make_videos(corpus *c);
/* Captions of all clips; those of val and test are all different. */
violet_status corpus_make_captions(corpus *c);
/* Questions, multiple choice, blanks of all clips. */
violet_status corpus_make_questions(corpus *c);
violet_status corpus_make_choices(corpus *c);
violet_status corpus_make_blanks(corpus *c);
/* The annotation files and scenes.jsonl. */
violet_status corpus_write_texts(corpus *c);

/* ---- text that grows; the first error stays -------------------------------------------------- */

typedef struct corpus_text {
    vl_buf b;
    violet_status status;
} corpus_text;

void text_put(corpus_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes it as DIR/NAME, adds it to the corpus' hash, and empties it. */
violet_status corpus_write(corpus *c, const char *name, corpus_text *t);
/* The parameters, as corpus.json has them, without the closing bracket. */
void corpus_put_parameters(corpus_text *t, const corpus *c);
/* corpus.json, and the same in words. */
violet_status corpus_write_results(corpus *c);

#endif
