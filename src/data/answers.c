/* Lists of answers; see answers.h. */
#include "data/answers.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/index.h"
#include "base/strings.h"
#include "data/items.h"
#include "file/json_text.h"

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

int vl_answers_lacks(const vl_answers *a, const vl_answers *b)
{
    int n = 0;
    for (int i = 0; i < b->n; i++) n += vl_answers_find(a, b->word[i]) < 0;
    return n;
}

bool vl_answers_same(const vl_answers *a, const vl_answers *b)
{
    bool same = a->n == b->n;
    for (int i = 0; i < b->n && same; i++) same = vl_answers_find(a, b->word[i]) == i;
    return same;
}

/* ---- from JSON ------------------------------------------------------------------------------- */

/* Words in the order of their numbers; borrowed from the tree. */
static violet_status order_words(const char **word, size_t n, const json_t *vocab)
{
    const char *key;
    json_t *v;
    for (size_t i = 0; i < json_array_size(vocab); i++)
        if (!(word[i] = json_string_value(v = json_array_get(vocab, i))))
            return vl_err(VIOLET_EFORMAT, "%zu: expected a word, found %s", i, vl_json_kind(v));
    json_object_foreach((json_t *)(uintptr_t)vocab, key, v)
    {
        json_int_t k = json_is_integer(v) ? json_integer_value(v) : -1;
        if (k < 0 || (size_t)k >= n || word[k])
            return vl_err(VIOLET_EFORMAT, "'%.100s': expected a number of its own below %zu", key,
                          n);
        word[k] = key;
    }
    return VIOLET_OK;
}

violet_status vl_answers_of_json(vl_answers **out, const json_t *vocab)
{
    *out = NULL;
    if (!json_is_array(vocab) && !json_is_object(vocab))
        return vl_err(VIOLET_EFORMAT, "expected {word: number} or a list, found %s",
                      vl_json_kind(vocab));
    size_t n = json_is_array(vocab) ? json_array_size(vocab) : json_object_size(vocab);
    const char **word = calloc(n + 1, sizeof *word);
    if (!word) return vl_err_nomem();
    violet_status status = order_words(word, n, vocab);
    if (status == VIOLET_OK) status = vl_answers_new(out, word, n);
    free(word);
    return status;
}

typedef struct found {
    vl_answers **out;
    bool is_there;
} found;

static violet_status take_vocab(void *context, const char *key, json_t *value)
{
    found *f = context;
    if (strcmp(key, "vocab") != 0) return VIOLET_OK;
    if (f->is_there) return vl_err(VIOLET_EFORMAT, "vocab a second time");
    f->is_there = true;
    violet_status status = vl_answers_of_json(f->out, value);
    return status == VIOLET_OK ? status : vl_err_at(status, "vocab");
}

violet_status vl_answers_read(vl_answers **out, const char *path)
{
    vl_map map;
    found f = {out, false};
    json_t *list = NULL;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    size_t most = 16 + map.n / 8, at = 0;
    while (at < map.n && map.data[at] && strchr(" \t\r\n", map.data[at])) at++;
    if (at < map.n && map.data[at] == '[') {
        status = vl_json_parse(&list, map.data, map.n, most, "list of answers");
        if (status == VIOLET_OK) status = vl_answers_of_json(out, list);
    } else {
        const vl_json_limits limits = {most, NULL};
        status = vl_json_members(map.data, map.n, &limits, "answers", take_vocab, &f);
        if (status == VIOLET_OK && !f.is_there)
            status = vl_err(VIOLET_EFORMAT, "expected a list of answers, or one as 'vocab'");
    }
    json_decref(list);
    vl_map_close(&map);
    if (status == VIOLET_OK) return status;
    vl_answers_free(*out);
    *out = NULL;
    return vl_err_at(status, "%s", path);
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
