/* Many small pieces of memory that live and die together: strings, mostly.
 *
 *     vl_strings s = {0};
 *     char *kept = vl_strings_keep(&s, text, n);     // a copy with a 0 behind it; NULL: no memory
 *     const char **list = vl_strings_take(&s, 5 * sizeof *list);
 *     vl_strings_release(&s);
 *
 * All zero is empty. What was given never moves. It comes from blocks of 64 KiB, so a million
 * strings cost their bytes and little more. */
#ifndef VL_BASE_STRINGS_H
#define VL_BASE_STRINGS_H

#include <stddef.h>

typedef struct vl_strings {
    struct vl_strings_block *block; /* the newest; each knows the one before */
} vl_strings;

char *vl_strings_keep(vl_strings *s, const char *text, size_t n);
/* n bytes for anything, uninitialised, at a multiple of a pointer's size; NULL: no memory. */
void *vl_strings_take(vl_strings *s, size_t n);
void vl_strings_release(vl_strings *s);

#endif
