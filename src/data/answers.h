/* The list of answers of open-ended questions: class k is word k.
 *
 *     vl_answers *a;
 *     status = vl_answers_frequent(&a, training, 1000);      // from the training split's words
 *     status = vl_answers_new(&a, words, n);                 // or as a checkpoint has it
 *     int k = vl_answers_find(a, "guitar");                  // -1: not in the list
 *     vl_answers_free(a);
 *
 * Words are compared byte by byte. Read-only once made. */
#ifndef VL_DATA_ANSWERS_H
#define VL_DATA_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct vl_items;
typedef struct vl_answers vl_answers;

/* Copies. EFORMAT: a word is empty or comes twice. */
violet_status vl_answers_new(vl_answers **out, const char *const *words, size_t n);
/* {word: number} or [words], as annotation files have it for `vocab`. */
violet_status vl_answers_of_json(vl_answers **out, const json_t *vocab);
/* Of a JSON file that is such a list, or an object that has one as `vocab`. */
violet_status vl_answers_read(vl_answers **out, const char *path);
/* The `most` most frequent answers of the items, the more frequent first and of equally frequent
 * ones the smaller bytes first, so that the same items give the same list. EFORMAT if the answers
 * are numbers. */
violet_status vl_answers_frequent(vl_answers **out, const struct vl_items *q, size_t most);
void vl_answers_free(vl_answers *a);

int vl_answers_n(const vl_answers *a);
const char *vl_answers_word(const vl_answers *a, int i); /* NULL: no such answer */
/* How many of b's words a does not have; whether they are the same words in the same order. */
int vl_answers_lacks(const vl_answers *a, const vl_answers *b);
bool vl_answers_same(const vl_answers *a, const vl_answers *b);
int vl_answers_find(const vl_answers *a, const char *word);

#endif
