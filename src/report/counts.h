/* How often each of many strings comes.
 *
 *     counts c = {0};
 *     status = counts_add(&c, "man");                          // the string is borrowed
 *     const counts_word *w = counts_sort(&c);                  // (c.n), most frequent first
 *     counts_release(&c); */
#ifndef VL_REPORT_COUNTS_H
#define VL_REPORT_COUNTS_H

#include "base/index.h"

typedef struct counts_word {
    const char *word;
    size_t times;
} counts_word;

typedef struct counts {
    vl_string_index index;
    counts_word *list;
    size_t n, cap;
} counts;

violet_status counts_add(counts *c, const char *word);
/* Equally frequent ones by their bytes. Nothing is added afterwards. */
const counts_word *counts_sort(counts *c);
void counts_release(counts *c);

#endif
