/* What the texts alone give away: shares of the test's items that are right.
 *
 *     corpus_baseline b;
 *     status = corpus_measure(&b, &corpus, CORPUS_QAOE);
 */
#ifndef VL_CORPUS_BASELINE_H
#define VL_CORPUS_BASELINE_H

#include "corpus/corpus_internal.h"

typedef struct corpus_baseline {
    double chance;  /* one of all answers, or of the options */
    double most;    /* train's most frequent answer */
    double by_type; /* train's most frequent answer of the question's type */
    double by_text; /* of exactly these words; of words that train has not, by type */
    double alike;   /* multiple choice: the option that has most words in common with the others */
} corpus_baseline;

violet_status corpus_measure(corpus_baseline *out, const corpus *c, int task);

#endif
