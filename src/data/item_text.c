/* Texts of items; see item_text.h. */
#include "data/item_text.h"

#include <string.h>

#include "base/rng.h"
#include "base/str.h"

uint64_t vl_text_hash(const int32_t *ids, size_t n)
{
    uint64_t h = 0;
    for (size_t i = 0; i < n; i++) h = vl_rng_mix64(h ^ (uint32_t)ids[i]);
    return h;
}

int vl_item_rows(const vl_items *q)
{
    return vl_items_kind(q) == VL_TASK_QAMC ? vl_items_most_options(q) : 1;
}

static int find_mask(const int32_t *row, int n, const vl_item_coder *c)
{
    int32_t mask = vl_wordpiece_special(c->wordpiece, VL_MASK);
    for (int i = 0; i < n; i++)
        if (row[i] == mask) return i;
    return -1;
}

/* n ids that outlive the next call on `work`. */
static violet_status take(int32_t **ids, vl_buf *work, int n)
{
    vl_buf_clear(work);
    violet_status status = vl_buf_reserve(work, (size_t)n * sizeof **ids);
    *ids = (int32_t *)(void *)work->data; /* malloc's alignment */
    return status;
}

/* A sentence of n_whole ids whose blank lies behind the end of the row: the blank in the middle. */
static violet_status keep_blank(int32_t *row, const vl_item_coder *c, const char *text,
                                int n_whole, vl_buf *work)
{
    int32_t *whole;
    int most = c->size_txt - 2, half = most / 2;
    violet_status status = take(&whole, work, n_whole);
    if (status != VIOLET_OK) return status;
    vl_wordpiece_encode(c->wordpiece, whole, n_whole, text, NULL);
    int begin = find_mask(whole, n_whole, c) - half;
    if (begin > n_whole - 1 - most) begin = n_whole - 1 - most;
    memcpy(row + 1, whole + begin, (size_t)most * sizeof *row);
    return VIOLET_OK;
}

static violet_status encode_sentence(int32_t *row, int *n_text, vl_item_facts *f,
                                     const vl_item_coder *c, vl_task_kind kind, const vl_item *x,
                                     vl_buf *work)
{
    int n_whole;
    *n_text = vl_wordpiece_encode(c->wordpiece, row, c->size_txt, x->text, &n_whole);
    f->shortened = n_whole > *n_text;
    if (kind != VL_TASK_QAOE) return VIOLET_OK;
    f->blank = find_mask(row, *n_text, c);
    if (f->blank >= 0 || !f->shortened || !strstr(x->text, "[MASK]")) return VIOLET_OK;
    violet_status status = keep_blank(row, c, x->text, n_whole, work);
    f->blank = find_mask(row, *n_text, c);
    return status;
}

/* Options first, each in its row; then the question, as much as there is room for, before them. */
static violet_status encode_options(int32_t *ids, int *n_text, vl_item_facts *f,
                                    const vl_item_coder *c, int n_rows, const vl_item *x,
                                    vl_buf *work)
{
    int X = c->size_txt, most = X - 2, longest = 0, n_whole;
    int32_t sep = vl_wordpiece_special(c->wordpiece, VL_SEP), *question;
    violet_status status = take(&question, work, X);
    if (status != VIOLET_OK) return status;
    for (int k = 0; k < n_rows; k++) {
        const char *option = k < x->n_options ? x->option[k] : "";
        n_text[k] = vl_wordpiece_encode(c->wordpiece, ids + (size_t)k * (size_t)X, X, option,
                                        &n_whole);
        f->option_cut |= n_whole > n_text[k];
        if (longest < n_text[k] - 2) longest = n_text[k] - 2;
    }
    int n = vl_wordpiece_encode(c->wordpiece, question, X, x->text, &n_whole) - 2;
    if (!c->cut_options && n > most - longest) n = most - longest;
    f->shortened |= n < n_whole - 2;
    for (int k = 0; k < x->n_options; k++) {
        int32_t *row = ids + (size_t)k * (size_t)X;
        int n_option = n_text[k] - 2;
        if (n_option > most - n) n_option = most - n;
        f->option_cut |= n_option < n_text[k] - 2;
        memmove(row + 1 + n, row + 1, (size_t)n_option * sizeof *row);
        memcpy(row + 1, question + 1, (size_t)n * sizeof *row);
        row[1 + n + n_option] = sep;
        n_text[k] = n + n_option + 2;
    }
    f->shortened |= f->option_cut;
    f->n_options = x->n_options;
    return VIOLET_OK;
}

violet_status vl_item_encode_one(int32_t *ids, int *n_text, vl_item_facts *facts,
                                 const vl_item_coder *c, vl_task_kind kind, int n_rows,
                                 const vl_item *x, vl_buf *work)
{
    *facts = (vl_item_facts){.item = -1,
                             .video = x->video,
                             .type = x->type,
                             .answer = x->answer,
                             .blank = -1};
    violet_status status = kind == VL_TASK_QAMC
                               ? encode_options(ids, n_text, facts, c, n_rows, x, work)
                               : encode_sentence(ids, n_text, facts, c, kind, x, work);
    facts->text = vl_text_hash(ids, (size_t)n_rows * (size_t)c->size_txt);
    return status;
}

violet_status vl_item_encode(int32_t *ids, int *n_text, vl_item_facts *facts,
                             const vl_item_coder *c, size_t i, vl_buf *work)
{
    violet_status status = vl_item_encode_one(ids, n_text, facts, c, vl_items_kind(c->items),
                                              vl_item_rows(c->items), vl_items_at(c->items, i),
                                              work);
    facts->item = (int)i;
    return status;
}

/* ---- blanks ---------------------------------------------------------------------------------- */

static const char mask_word[] = "[MASK]";
enum { UNDERSCORES = 3 }; /* at least so many are a blank */

static size_t underscores(const char *s)
{
    size_t n = strspn(s, "_");
    return n >= UNDERSCORES ? n : 0;
}

violet_status vl_blank_mark(vl_buf *out, int *n_blanks, const char *text)
{
    violet_status status = VIOLET_OK;
    *n_blanks = 0;
    for (size_t n; *text && status == VIOLET_OK; text += n) {
        size_t line = underscores(text);
        bool mask = line || vl_str_begins(text, mask_word);
        n = line ? line : mask ? strlen(mask_word) : 1;
        *n_blanks += mask;
        status = mask ? vl_buf_puts(out, mask_word) : vl_buf_putc(out, *text);
    }
    return status;
}
