/* Between questions*.c only. */
#ifndef VL_CORPUS_QUESTIONS_INTERNAL_H
#define VL_CORPUS_QUESTIONS_INTERNAL_H

#include "corpus/questions.h"

/* Appends at *n, as far as there is room. */
void questions_put(char out[VL_QUESTION_BYTES], size_t *n, const char *word);
/* "circle", "red circle" or "red object". */
void questions_name(char out[VL_QUESTION_BYTES], size_t *n, const vl_thing *t, vl_dice *d);

/* Adds the questions for yes or no to the n that there are; returns how many there are then. */
int questions_yes_no(vl_question out[VL_QUESTIONS_MOST], int n, const vl_scene *s,
                     const vl_rules *r, vl_dice *d);

#endif
