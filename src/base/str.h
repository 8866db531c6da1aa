/* How names begin and end, and whether they are there. */
#ifndef VL_BASE_STR_H
#define VL_BASE_STR_H

#include <stdbool.h>
#include <string.h>

/* NULL of an option that is not set, or set to "". */
static inline const char *vl_str_given(const char *s)
{
    return s && *s ? s : NULL;
}

static inline bool vl_str_begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static inline bool vl_str_ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && memcmp(s + n - m, with, m) == 0;
}

#endif
