/* An allocator that fails on purpose. The Makefile links the programs of this folder with malloc
 * and its like wrapped: calls of the library's own objects pass through here.
 *
 *     sweep("open a tsv", open_tsv, 1000, 1);
 *
 * jansson's allocations pass through where json_set_alloc_funcs(json_alloc, free) was called and
 * json_on says so, as it does where objects are built. Two of its faults we cannot help: its parser
 * ends the program for lack of memory (an assert in lex_unget_unsave), and where one allocation
 * alone fails, json_dumps (2.14) leaves out a piece of text and reports success.
 *
 * To see where one fails: gdb, break on `fault_here`. */
#ifndef FAULT_ALLOCATOR_H
#define FAULT_ALLOCATOR_H

#include <stddef.h>

#include "violet.h"

enum { JSON_MOSTLY = 1, JSON_ALWAYS }; /* not where one allocation alone fails; there, too */

extern long left;    /* allocations until one fails; negative: none does */
extern int json_on;  /* whether jansson's count, too: 0, or one of the above */
extern int verified; /* for what is swept to set: success is real, though an allocation failed */

void *json_alloc(size_t n);
char *__real_strdup(const char *s); /* one that never fails on purpose */

/* Runs fn with allocations from number n on failing, for n = 1, 2, ..., `dense`, and then every
 * `step`, until none does; then with each alone failing. Each time a clean VIOLET_ENOMEM is
 * expected, no crash, and (with SAN=address) no leak. */
void sweep(const char *name, violet_status (*fn)(void), int dense, int step);

#endif
