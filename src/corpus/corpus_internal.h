/* What the files of a corpus are made by; between the files of this room only. */
#ifndef VL_CORPUS_CORPUS_INTERNAL_H
#define VL_CORPUS_CORPUS_INTERNAL_H

#include <limits.h>

#include "base/buf.h"
#include "base/strings.h"
#include "corpus/corpus.h"
#include "corpus/scene.h"

/* A split. */
typedef struct corpus_set {
    size_t n;
    int n_captions;       /* a clip */
    vl_scene *scene;      /* (n) */
    const char **caption; /* (n, n_captions), of corpus.strings */
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

/* The videos that are not there yet. */
violet_status corpus_make_videos(corpus *c);
/* Captions of all clips; those of val and test are all different. */
violet_status corpus_make_captions(corpus *c);
/* The annotation files and scenes.jsonl. */
violet_status corpus_write_texts(corpus *c);

/* ---- text that grows; the first error stays -------------------------------------------------- */

typedef struct text {
    vl_buf b;
    violet_status status;
} text;

void text_put(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes it as DIR/NAME, adds it to the corpus' hash, and empties it. */
violet_status corpus_write(corpus *c, const char *name, text *t);

#endif
