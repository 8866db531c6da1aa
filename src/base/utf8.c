/* See utf8.h. */
#include "base/utf8.h"

#include <utf8proc.h>

bool vl_utf8_valid(const char *s)
{
    utf8proc_int32_t c;
    while (*s) {
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
        if (n < 1) return false;
        s += n;
    }
    return true;
}
