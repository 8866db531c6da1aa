/* The texts of an evaluation: every item's rows of token ids, the same text only once; which ones a
 * video meets. */
#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/status.h"
#include "task/eval_internal.h"

/* As published, the captions of a video overwrite each other: the last is left. */
bool eval_is_used(const eval *e, size_t item)
{
    return !e->compat || !e->kind->all_pairs || vl_items_is_last(e->items, item);
}

/* The number of a text, which may be new. */
static violet_status number_of(int *number, eval_texts *t, vl_string_index *index,
                               const int32_t *ids, int X, int length, int at)
{
    size_t bytes = (size_t)X * sizeof *ids;
    uint32_t value = (uint32_t)t->n;
    int32_t *mine = t->ids + (size_t)t->n * (size_t)X;
    memcpy(mine, ids, bytes);
    violet_status status = vl_index_add(index, &value, (const char *)mine, bytes);
    if (status != VIOLET_OK) return status;
    *number = (int)value;
    if ((int)value < t->n) return VIOLET_OK;
    t->last[t->n] = -1;
    t->length[t->n] = length;
    t->at[t->n] = at;
    if (t->longest < length) t->longest = length;
    t->n++;
    return VIOLET_OK;
}

static violet_status add_item(eval *e, vl_string_index *index, int32_t *ids, int *n_text, size_t i,
                              vl_buf *work)
{
    eval_texts *t = &e->texts;
    int X = e->o->run.size_txt;
    vl_item_facts f;
    vl_item_coder c = {.items = e->items, .wordpiece = e->wordpiece, .size_txt = X,
                       .cut_options = e->compat};
    violet_status status = vl_item_encode(ids, n_text, &f, &c, i, work);
    int n = f.n_options ? f.n_options : t->rows, at = e->kind->blank && f.blank > 0 ? f.blank : 0;
    t->n_shortened += f.shortened;
    t->n_blanks += f.blank >= 0;
    int *of = t->of + i * (size_t)t->rows;
    t->n_cut += f.option_cut;
    bool equal = false; /* options that the model cannot tell apart */
    for (int k = 0; k < n && status == VIOLET_OK; k++) {
        status = number_of(&of[k], t, index, ids + (size_t)k * (size_t)X, X, n_text[k], at);
        if (status != VIOLET_OK) return status;
        equal |= t->last[of[k]] == (int)i;
        t->last[of[k]] = (int)i;
    }
    t->n_equal += equal;
    return status;
}

static void tell_options(const eval *e)
{
    const eval_texts *t = &e->texts;
    if (t->n_cut)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s: of %zu questions options are cut to fit into "
                "%d tokens; see --size-txt", vl_items_path(e->items), t->n_cut,
                e->o->run.size_txt);
    if (t->n_equal)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s: of %zu questions options are the same text to "
                "the model", vl_items_path(e->items), t->n_equal);
}

violet_status eval_texts_open(eval *e)
{
    eval_texts *t = &e->texts;
    size_t n = vl_items_n(e->items), X = (size_t)e->o->run.size_txt;
    vl_string_index index = {0};
    vl_buf work = {0};
    t->rows = vl_item_rows(e->items);
    size_t rows = n * (size_t)t->rows;
    int32_t *ids = malloc((size_t)t->rows * X * sizeof *ids);
    int *n_text = malloc((size_t)t->rows * sizeof *n_text);
    t->of = malloc((rows + 1) * sizeof *t->of);
    t->ids = malloc((rows + 1) * X * sizeof *t->ids); /* what is not written takes no memory */
    t->last = malloc((rows + 1) * sizeof *t->last);
    t->length = malloc((rows + 1) * sizeof *t->length);
    t->at = malloc((rows + 1) * sizeof *t->at);
    bool whole = ids && n_text && t->of && t->ids && t->last && t->length && t->at;
    violet_status status = whole ? VIOLET_OK : vl_err_nomem();
    for (size_t i = 0; i < rows && whole; i++) t->of[i] = -1;
    for (size_t i = 0; i < n && status == VIOLET_OK; i++) {
        if (!eval_is_used(e, i))
            t->n_overwritten++;
        else if (vl_dataset_has(e->set, vl_items_at(e->items, i)->video))
            status = add_item(e, &index, ids, n_text, i, &work);
    }
    if (status == VIOLET_OK && e->kind->blank && t->n_blanks == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: no sentence has a blank, [MASK] or ___, to be filled "
                        "in", vl_items_path(e->items));
    if (status == VIOLET_OK) tell_options(e);
    vl_index_free(&index);
    vl_buf_free(&work);
    free(ids);
    free(n_text);
    return status;
}

void eval_texts_close(eval_texts *t)
{
    free(t->of);
    free(t->ids);
    free(t->last);
    free(t->length);
    free(t->at);
}

/* ---- those of a video ------------------------------------------------------------------------ */

/* Rows of text that item i has. */
static int rows_of(const eval *e, int i)
{
    const vl_item *x = vl_items_at(e->items, (size_t)i);
    return x->n_options ? x->n_options : e->texts.rows;
}

size_t eval_pairs_of(const eval *e, int video)
{
    int n;
    size_t pairs = 0;
    if (!vl_dataset_has(e->set, video)) return 0;
    if (e->first) eval_first_texts(&pairs, e->first, video);
    if (e->kind->all_pairs) return e->first ? pairs : (size_t)e->texts.n;
    const int *item = vl_items_of(&n, e->items, video);
    for (int i = 0; i < n; i++) pairs += (size_t)rows_of(e, item[i]);
    return pairs;
}

int eval_most_texts(const eval *e)
{
    size_t most = 1;
    if (e->kind->all_pairs) return e->texts.n;
    for (int v = 0; v < e->n_videos; v++)
        if (most < eval_pairs_of(e, v)) most = eval_pairs_of(e, v);
    return (int)most;
}

/* Shorter texts first, of one length by number. */
static int compare(const void *a, const void *b, void *user)
{
    const eval_texts *t = user;
    int x = *(const int *)a, y = *(const int *)b;
    if (t->length[x] != t->length[y]) return t->length[x] < t->length[y] ? -1 : 1;
    return (x > y) - (x < y);
}

void eval_texts_sort(int *text, int n, const eval_texts *t)
{
    qsort_r(text, (size_t)n, sizeof *text, compare, (void *)t);
}

void eval_texts_of(int *text, int *n, const eval *e, int video)
{
    const eval_texts *t = &e->texts;
    int n_items, k = 0, kept = 0;
    size_t n_left = 0;
    const int *left = e->first ? eval_first_texts(&n_left, e->first, video) : NULL;
    if (left) {
        memcpy(text, left, n_left * sizeof *text);
        *n = (int)n_left;
        return;
    }
    if (e->kind->all_pairs) {
        for (; k < t->n; k++) text[k] = k;
    } else {
        const int *item = vl_items_of(&n_items, e->items, video);
        for (int i = 0; i < n_items; i++)
            for (int r = 0; r < rows_of(e, item[i]); r++)
                text[k++] = t->of[(size_t)item[i] * (size_t)t->rows + (size_t)r];
    }
    eval_texts_sort(text, k, t);
    for (int i = 0; i < k; i++) /* what two items ask alike is scored once */
        if (i == 0 || text[i] != text[i - 1]) text[kept++] = text[i];
    *n = kept;
}
