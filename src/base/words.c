/* See words.h. */
#include "base/words.h"

#include <stdio.h>
#include <string.h>

const char *vl_words_count(char text[VL_WORDS], uint64_t x)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)x), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *vl_words_bytes(char text[VL_WORDS], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
    double x = (double)bytes;
    int unit = 0;
    for (; x >= 999.95; unit++) x /= 1000;
    snprintf(text, VL_WORDS, unit ? "%.1f %s" : "%.0f %s", x, units[unit]);
    return text;
}

const char *vl_words_shape(char text[VL_WORDS_SHAPE], int n, const int64_t *shape)
{
    size_t at = 0;
    if (n == 0) snprintf(text, VL_WORDS_SHAPE, "one number");
    for (int i = 0; i < n && i < VL_WORDS_DIMS; i++)
        at += (size_t)snprintf(text + at, VL_WORDS_SHAPE - at, "%s%lld", i ? " x " : "",
                               (long long)shape[i]);
    return text;
}
