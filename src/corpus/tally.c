/* Counts in a table of strings; see tally.h. */
#include "corpus/tally.h"

#include <stdio.h>

static size_t join(char out[VL_TALLY_BYTES], const char *a, const char *b)
{
    int n = snprintf(out, VL_TALLY_BYTES, "%s\t%s", a, b ? b : "");
    return n < VL_TALLY_BYTES ? (size_t)n : VL_TALLY_BYTES - 1;
}

static violet_status add_one(vl_tally *t, const char *a, const char *b)
{
    char key[VL_TALLY_BYTES];
    size_t n = join(key, a, b);
    uint32_t count = 0;
    if (vl_index_find(&t->index, &count, key, n)) {
        vl_index_set(&t->index, count + 1, key, n);
        return VIOLET_OK;
    }
    const char *kept = vl_strings_keep(&t->strings, key, n);
    if (!kept) return vl_err_nomem();
    count = 1;
    return vl_index_add(&t->index, &count, kept, n);
}

violet_status vl_tally_add(vl_tally *t, const char *a, const char *b)
{
    violet_status status = add_one(t, a, b);
    return status == VIOLET_OK ? add_one(t, a, NULL) : status;
}

int vl_tally_count(const vl_tally *t, const char *a, const char *b)
{
    char key[VL_TALLY_BYTES];
    uint32_t count = 0;
    return vl_index_find(&t->index, &count, key, join(key, a, b)) ? (int)count : 0;
}

void vl_tally_release(vl_tally *t)
{
    vl_index_free(&t->index);
    vl_strings_release(&t->strings);
}
