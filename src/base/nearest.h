/* Which of the words that there are was likely meant by one that is not among them.
 *
 *     vl_nearest x = vl_nearest_to(name, strlen(name));
 *     for (int i = 0; i < n; i++) vl_nearest_try(&x, known[i], strlen(known[i]));
 *     return vl_err(VIOLET_EINVAL, "unknown option '%s'%s", name, vl_nearest_hint(&x));
 *     // "unknown option 'lrr'; did you mean 'lr'?"
 *
 * Near is what a third of the letters, at most, make of the word: one that is wrong, missing or too
 * many, or two that changed places (Damerau-Levenshtein, each place touched once). Three letters or
 * more may also be a name's beginning or its last part: "batch" is near "size_batch". Upper and
 * lower case are the same, and so are '-' and '_'. Of equally near words the first wins. */
#ifndef VL_BASE_NEAREST_H
#define VL_BASE_NEAREST_H

#include <stddef.h>

#define VL_NEAREST_MOST 64 /* bytes of a word; longer ones are near nothing */

typedef struct vl_nearest {
    const char *word; /* (n), borrowed */
    size_t n;
    int least;                       /* only what is nearer than this is a find */
    char best[VL_NEAREST_MOST + 1];  /* "": none so far */
    char hint[VL_NEAREST_MOST + 32]; /* what vl_nearest_hint returns */
} vl_nearest;

/* word has to outlive what is returned. */
vl_nearest vl_nearest_to(const char *word, size_t n);
void vl_nearest_try(vl_nearest *x, const char *known, size_t n);
/* Of "one|two|three". */
vl_nearest vl_nearest_among(const char *word, const char *choices);
/* "; did you mean 'X'?", or "" where nothing is near. Lives in x. */
const char *vl_nearest_hint(vl_nearest *x);

#endif
