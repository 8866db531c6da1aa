/* Counts pairs of words, to keep answers even.
 *
 *     vl_tally t = {0};
 *     status = vl_tally_add(&t, "color", "red");
 *     vl_tally_count(&t, "color", "red")             1
 *     vl_tally_count(&t, "color", NULL)              1, of all pairs that begin with it
 *     vl_tally_release(&t);
 */
#ifndef VL_CORPUS_TALLY_H
#define VL_CORPUS_TALLY_H

#include "base/index.h"
#include "base/strings.h"

typedef struct vl_tally {
    vl_string_index index;
    vl_strings strings;
} vl_tally;

#define VL_TALLY_BYTES 256 /* of both words, with what stands between */

violet_status vl_tally_add(vl_tally *t, const char *a, const char *b);
int vl_tally_count(const vl_tally *t, const char *a, const char *b);
void vl_tally_release(vl_tally *t);

#endif
