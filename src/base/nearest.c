/* Suggestions by edit distance; see nearest.h. */
#include "base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LEAST_PART 3 /* letters that a name's beginning or last part has to have */

static int fold(char c)
{
    return c == '-' ? '_' : tolower((unsigned char)c);
}

static int same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fold(a[i]) != fold(b[i])) return 0;
    return 1;
}

static int least_of(int a, int b)
{
    return a < b ? a : b;
}

/* Rows i-2, i-1 and i of the table of distances between beginnings of a and b. */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
    int rows[3][VL_NEAREST_MOST + 1], *last = rows[0], *before = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++) last[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int equal = fold(a[i - 1]) == fold(b[j - 1]);
            row[j] = least_of(last[j - 1] + !equal, least_of(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
                fold(a[i - 2]) == fold(b[j - 1]))
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
        int *free_row = before;
        before = last;
        last = row;
        row = free_row;
    }
    return last[m];
}

static int is_part(const char *word, size_t n, const char *known, size_t m)
{
    if (n < LEAST_PART || m <= n) return 0;
    return same(word, known, n) ||
           (fold(known[m - n - 1]) == '_' && same(word, known + m - n, n));
}

vl_nearest vl_nearest_to(const char *word, size_t n)
{
    return (vl_nearest){.word = word, .n = n, .least = (int)(n + 1) / 3 + 1};
}

/* A name of a file may have anything in it; a suggestion is a line's. */
static int is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ') return 0;
    return 1;
}

void vl_nearest_try(vl_nearest *x, const char *known, size_t n)
{
    if (x->n > VL_NEAREST_MOST || n > VL_NEAREST_MOST || n == 0 || !is_plain(known, n))
        return;
    int d = distance(x->word, x->n, known, n);
    if (d >= x->least && !(*x->best == 0 && is_part(x->word, x->n, known, n))) return;
    x->least = least_of(d, x->least);
    memcpy(x->best, known, n);
    x->best[n] = 0;
}

vl_nearest vl_nearest_among(const char *word, const char *choices)
{
    vl_nearest x = vl_nearest_to(word, strlen(word));
    for (const char *c = choices; c && *c;) {
        size_t n = strcspn(c, "|");
        vl_nearest_try(&x, c, n);
        c += n + (c[n] != 0);
    }
    return x;
}

const char *vl_nearest_hint(vl_nearest *x)
{
    if (*x->best == 0) return "";
    snprintf(x->hint, sizeof x->hint, "; did you mean '%s'?", x->best);
    return x->hint;
}
