/* What the texts alone give away: shares of the test's items that are right.
 *
 *     vl_corpus_baseline b;
 *     status = vl_corpus_measure(&b, &corpus, VL_CORPUS_QAOE);
 */
#ifndef VL_CORPUS_BASELINE_H
#define VL_CORPUS_BASELINE_H

#include "corpus/corpus_internal.h"

typedef struct vl_corpus_baseline {
    double chance;  /* one of all answers, or of the options */
    double most;    /* train's most frequent answer */
    double by_type; /* train's most frequent answer of the question's type */
    double by_text; /* of exactly these words; of words that train has not, by type */
    double alike;   /* multiple choice: the option that has most words in common with the others */
} vl_corpus_baseline;

violet_status vl_corpus_measure(vl_corpus_baseline *out, const vl_corpus *c, int task);

#endif
