/* Lists of answers; see answers.h. */
#include "data/answers.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/strings.h"
#include "data/items.h"

struct vl_answers {
    vl_strings strings;
    const char **word; /* (n) */
    int n;
    vl_string_index index;
};

static violet_status add_word(vl_answers *a, const char *word)
{
    size_t n = strlen(word);
    uint32_t number = (uint32_t)a->n;
    if (n == 0) return vl_err(VIOLET_EFORMAT, "answer %d of the list is empty", a->n);
    const char *kept = vl_strings_keep(&a->strings, word, n);
    if (!kept) return vl_err_nomem();
    violet_status status = vl_index_add(&a->index, &number, kept, n);
    if (status != VIOLET_OK) return status;
    if (number != (uint32_t)a->n)
        return vl_err(VIOLET_EFORMAT, "answer '%.100s' is twice in the list, as %u and as %d", word,
                      number, a->n);
    a->word[a->n++] = kept;
    return VIOLET_OK;
}

violet_status vl_answers_new(vl_answers **out, const char *const *words, size_t n)
{
    violet_status status = VIOLET_OK;
    *out = NULL;
    if (n > INT_MAX) return vl_err(VIOLET_EUNSUPPORTED, "%zu answers", n);
    vl_answers *a = calloc(1, sizeof *a);
    if (!a || !(a->word = calloc(n + 1, sizeof *a->word))) status = vl_err_nomem();
    for (size_t i = 0; i < n && status == VIOLET_OK; i++) status = add_word(a, words[i]);
    if (status == VIOLET_OK)
        *out = a;
    else
        vl_answers_free(a);
    return status;
}

void vl_answers_free(vl_answers *a)
{
    if (!a) return;
    vl_index_free(&a->index);
    vl_strings_release(&a->strings);
    free(a->word);
    free(a);
}

int vl_answers_n(const vl_answers *a)
{
    return a->n;
}

const char *vl_answers_word(const vl_answers *a, int i)
{
    return i >= 0 && i < a->n ? a->word[i] : NULL;
}

int vl_answers_find(const vl_answers *a, const char *word)
{
    uint32_t i;
    return vl_index_find(&a->index, &i, word, strlen(word)) ? (int)i : -1;
}

/* ---- by frequency ---------------------------------------------------------------------------- */

typedef struct count {
    const char *word;
    size_t times;
} count;

static int by_times(const void *a, const void *b)
{
    const count *x = a, *y = b;
    if (x->times != y->times) return x->times < y->times ? 1 : -1;
    return strcmp(x->word, y->word); /* as unsigned bytes: the order of code points in UTF-8 */
}

/* The different words of the items and how often each comes; at most one an item. */
static violet_status count_words(count *counts, size_t *n, const vl_items *q)
{
    vl_string_index index = {0};
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < vl_items_n(q) && status == VIOLET_OK; i++) {
        const char *word = vl_items_at(q, i)->word;
        uint32_t k = (uint32_t)*n;
        if (!word) continue;
        status = vl_index_add(&index, &k, word, strlen(word));
        if (status != VIOLET_OK) break;
        if (k == *n) counts[(*n)++] = (count){word, 0};
        counts[k].times++;
    }
    vl_index_free(&index);
    return status;
}

violet_status vl_answers_frequent(vl_answers **out, const vl_items *q, size_t most)
{
    size_t n = 0;
    *out = NULL;
    count *counts = calloc(vl_items_n(q) + 1, sizeof *counts);
    const char **words = calloc(vl_items_n(q) + 1, sizeof *words);
    violet_status status = counts && words ? count_words(counts, &n, q) : vl_err_nomem();
    if (status == VIOLET_OK && n == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: no answers in words to make a list of",
                        vl_items_path(q));
    if (status == VIOLET_OK) {
        qsort(counts, n, sizeof *counts, by_times);
        if (n > most) n = most;
        for (size_t i = 0; i < n; i++) words[i] = counts[i].word;
        status = vl_answers_new(out, words, n);
    }
    free(counts);
    free(words);
    return status;
}
