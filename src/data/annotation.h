/* Captions, questions and answers: the txt_NAME.json files.
 *
 *     vl_captions *c;                                       // {split: {video: [captions]}}
 *     status = vl_captions_open(&c, "txt_cc3m.json", "train");
 *     int n = vl_captions_n(c, id, n_id);                   // 0: this video has none
 *     const char *text = vl_captions_get(c, id, n_id, 0);
 *
 *     vl_questions *q;                                      // {split: [{video, ...}]}, vocab
 *     status = vl_questions_open(&q, "txt_msvd-qa.json", "test");
 *     vl_questions_at(q, i)->question ...
 *
 * Everything is checked at opening and read-only afterwards; strings are UTF-8, borrowed from the
 * handle. Retrieval entries have `caption`; multiple choice `question`, option_0 .. and `answer`;
 * open-ended `question` and `answer` (a number, -1: outside the list; or a word of the list) with
 * `vocab` beside the splits: {word: index} or [words]. */
#ifndef VL_DATA_ANNOTATION_H
#define VL_DATA_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define VL_MAX_OPTIONS 16

typedef struct vl_captions vl_captions;

violet_status vl_captions_open(vl_captions **out, const char *path, const char *split);
void vl_captions_close(vl_captions *c);
size_t vl_captions_n_videos(const vl_captions *c);
int vl_captions_n(const vl_captions *c, const char *id, size_t n_id);
const char *vl_captions_get(const vl_captions *c, const char *id, size_t n_id, int i);

typedef struct vl_question {
    const char *video;
    const char *caption;  /* retrieval; else NULL */
    const char *question; /* multiple choice, open-ended; else NULL */
    int n_options;
    const char *option[VL_MAX_OPTIONS];
    int answer; /* an option's or a vocab word's index; -1: none in the list */
} vl_question;

typedef struct vl_questions vl_questions;

violet_status vl_questions_open(vl_questions **out, const char *path, const char *split);
void vl_questions_close(vl_questions *q);
size_t vl_questions_n(const vl_questions *q);
const vl_question *vl_questions_at(const vl_questions *q, size_t i);
int vl_questions_n_vocab(const vl_questions *q); /* 0: the file has none */
const char *vl_questions_word(const vl_questions *q, int i);

/* Does the file have this split? For finding out which there are. */
violet_status vl_annotation_has_split(bool *has, const char *path, const char *split);

#endif
