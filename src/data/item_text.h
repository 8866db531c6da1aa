/* An item's texts as rows of token ids, with or without its pictures.
 *
 *     vl_item_coder c = {.items = q, .wordpiece = wp, .size_txt = 25};
 *     int n = vl_item_rows(q);                       // rows of every item: the same for all
 *     int32_t ids[n * 25];  int n_text[n];
 *     vl_item_facts f;
 *     status = vl_item_encode(ids, n_text, &f, &c, i, &work);
 *     vl_buf_free(&work);
 *
 * Retrieval and open-ended have one row. Multiple choice has as many as the most options of an
 * item: row k is question + ' ' + option k, and rows behind an item's n_options are empty ([CLS]
 * [SEP]).
 *
 * What is too long is cut, and facts say so. A caption or question loses its end. Where a blank is
 * to be filled in and would be lost, the words around it are kept. Of multiple choice the question
 * loses its end, for all options the same, never an option, unless one is too long by itself;
 * `cut_options` cuts question + ' ' + option wherever it ends, as the published code does. */
#ifndef VL_DATA_ITEM_TEXT_H
#define VL_DATA_ITEM_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "data/items.h"
#include "text/wordpiece.h"

typedef struct vl_item_coder {
    const vl_items *items;
    const vl_wordpiece *wordpiece;
    int size_txt; /* X, 3 or more */
    bool cut_options;
} vl_item_coder;

/* What belongs to a sample beside its pictures and texts. */
typedef struct vl_item_facts {
    int item;  /* -1: none, a video alone, or pretraining's */
    int video; /* of vl_items_video; equal numbers are the same video */
    int type;  /* of vl_items_type; -1: none */
    int answer;    /* -1: unknown or not in the list */
    int n_options; /* rows of text that are options; 0: not multiple choice */
    int blank;     /* the position of [MASK], where an open-ended question is answered; -1: none */
    bool shortened;
    bool option_cut; /* an option, not only its question */
    uint64_t text; /* hash of all rows: texts that the model cannot tell apart have the same */
} vl_item_facts;

/* Rows of text that every item of these has. */
int vl_item_rows(const vl_items *q);
/* ids (rows, X), n_text (rows): not padding. `work` is the thread's. ENOMEM is the only error. */
violet_status vl_item_encode(int32_t *ids, int *n_text, vl_item_facts *facts,
                             const vl_item_coder *c, size_t i, vl_buf *work);

/* The same of one item that no file has, of `kind`, as n_rows rows: c->items is not looked at. */
violet_status vl_item_encode_one(int32_t *ids, int *n_text, vl_item_facts *facts,
                                 const vl_item_coder *c, vl_task_kind kind, int n_rows,
                                 const vl_item *x, vl_buf *work);

/* Appends a question in which each blank, ___ or [MASK], is [MASK]; how many there were. */
violet_status vl_blank_mark(vl_buf *out, int *n_blanks, const char *text);

uint64_t vl_text_hash(const int32_t *ids, size_t n);

#endif
