/* See counts.h. */
#include "report/counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

violet_status counts_add(counts *c, const char *word)
{
    uint32_t number = (uint32_t)c->n;
    violet_status status = vl_grow(&c->list, &c->cap, c->n, sizeof *c->list, 32);
    if (status == VIOLET_OK) status = vl_index_add(&c->index, &number, word, strlen(word));
    if (status != VIOLET_OK) return status;
    if (number == c->n) c->list[c->n++] = (counts_word){word, 0};
    c->list[number].times++;
    return VIOLET_OK;
}

static int by_times(const void *a, const void *b)
{
    const counts_word *x = a, *y = b;
    if (x->times != y->times) return x->times < y->times ? 1 : -1;
    return strcmp(x->word, y->word);
}

const counts_word *counts_sort(counts *c)
{
    if (c->n) qsort(c->list, c->n, sizeof *c->list, by_times);
    return c->list;
}

void counts_release(counts *c)
{
    vl_index_free(&c->index);
    free(c->list);
    *c = (counts){0};
}
