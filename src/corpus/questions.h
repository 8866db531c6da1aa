/* Questions about a scene, with one-word answers.
 *
 *     vl_question q[VL_QUESTIONS_MOST];
 *     int n = vl_questions_of(q, &scene, &rules, &dice);     // all that can be asked, worded anew
 *
 * Which of them are asked is for who balances the answers: corpus/ask.c. */
#ifndef VL_CORPUS_QUESTIONS_H
#define VL_CORPUS_QUESTIONS_H

#include "corpus/scene.h"

#define VL_QUESTIONS_MOST 96
#define VL_QUESTION_BYTES 120

typedef struct vl_question {
    vl_ask kind;
    const char *answer; /* of the tables, one word */
    char text[VL_QUESTION_BYTES];
} vl_question;

int vl_questions_of(vl_question out[VL_QUESTIONS_MOST], const vl_scene *s, const vl_rules *r,
                    vl_dice *d);

/* All answers that there are, each once: word k, NULL behind the last. */
const char *vl_answer_word(int k);

#endif
