/* Items in tables: a line of names, then an entry a line; see items.h and file/csv.h. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "data/items_internal.h"
#include "file/csv.h"

/* What a column is; OPTION + k is option_k. */
enum { OTHER, VIDEO, SPLIT, TYPE, CAPTION, QUESTION, ANSWER, OPTION };

static const char *const names[OPTION] = {"", "video", "split", "type", "caption", "question",
                                          "answer"};

typedef struct table {
    vl_csv csv;
    int *is; /* (n_cells) what each column is */
    int n_options;
} table;

static int column_of(const char *name)
{
    int k = vl_entry_option(name);
    if (k >= 0 && k < VL_CSV_MAX_CELLS) return OPTION + k;
    for (int i = VIDEO; i < OPTION; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return OTHER;
}

static bool has_column(const table *t, int what)
{
    for (int i = 0; i < t->csv.n_cells; i++)
        if (t->is[i] == what) return true;
    return false;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Columns come once, and options without a gap. */
static violet_status check_columns(table *t, const char *path)
{
    int n = t->csv.n_cells;
    int *sorted = malloc(((size_t)n + 1) * sizeof *sorted);
    if (!sorted) return vl_err_nomem();
    memcpy(sorted, t->is, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    violet_status status = VIOLET_OK;
    for (int i = 0; i < n && status == VIOLET_OK; i++) {
        int what = sorted[i], k = what - OPTION;
        bool twice = i && what == sorted[i - 1];
        if (twice && what > OTHER && what < OPTION)
            status = vl_err(VIOLET_EFORMAT, "column '%s' comes twice", names[what]);
        else if (twice && what >= OPTION)
            status = vl_err(VIOLET_EFORMAT, "column 'option_%d' comes twice", k);
        else if (what >= OPTION && k != t->n_options++)
            status = vl_err(VIOLET_EFORMAT, "there is a column 'option_%d', but none 'option_%d'",
                            k, t->n_options - 1);
    }
    if (status != VIOLET_OK) vl_err_at(status, "%s line %zu", path, t->csv.line);
    free(sorted);
    return status;
}

/* The line of names. */
static violet_status read_names(table *t, const vl_items_reader *r)
{
    static const int needed[][3] = {{VIDEO, CAPTION}, {VIDEO, QUESTION, ANSWER},
                                    {VIDEO, QUESTION, ANSWER}};
    bool more;
    violet_status status = vl_csv_next(&more, &t->csv);
    if (status != VIOLET_OK) return status;
    if (!more) return vl_err(VIOLET_EFORMAT, "%s: expected a line of names", r->path);
    if (!(t->is = malloc((size_t)t->csv.n_cells * sizeof *t->is))) return vl_err_nomem();
    for (int i = 0; i < t->csv.n_cells; i++) t->is[i] = column_of(vl_csv_cell(&t->csv, i));
    if ((status = check_columns(t, r->path)) != VIOLET_OK) return status;
    for (int k = 0; k < 3; k++) {
        int what = needed[r->o->kind][k];
        if (what && !has_column(t, what))
            return vl_err(VIOLET_EFORMAT, "%s line %zu: no column '%s'", r->path, t->csv.line,
                          names[what]);
    }
    return VIOLET_OK;
}

/* Of multiple choice a number, else a word, also where it is written in digits. */
static violet_status read_answer(vl_entry *e, const char *cell, vl_task_kind kind)
{
    char *end;
    e->answer_is = VL_ANSWER_WORD;
    e->word = cell;
    if (kind != VL_TASK_QAMC) return VIOLET_OK;
    errno = 0;
    e->number = strtoll(cell, &end, 10);
    if (*end || errno || strchr(" \t\r\n\v\f+", *cell))
        return vl_err(VIOLET_EFORMAT, "answer: expected a number, found '%.100s'", cell);
    e->answer_is = VL_ANSWER_NUMBER;
    return VIOLET_OK;
}

static violet_status read_cell(vl_entry *e, int what, const char *cell, vl_task_kind kind)
{
    if (what == VIDEO) e->video = cell;
    if (what == TYPE) e->type = cell;
    if (what == QUESTION) e->question = cell;
    if (what >= OPTION) e->option[what - OPTION] = cell;
    if (what >= OPTION && what - OPTION >= e->n_options) e->n_options = what - OPTION + 1;
    if (what == ANSWER) return read_answer(e, cell, kind);
    if (what != CAPTION) return VIOLET_OK;
    violet_status status = vl_grow(&e->caption, &e->cap_captions, 0, sizeof *e->caption, 8);
    if (status == VIOLET_OK) e->caption[e->n_captions++] = cell;
    return status;
}

static violet_status read_row(vl_items_reader *r, const table *t)
{
    vl_entry *e = &r->entry;
    violet_status status = VIOLET_OK;
    vl_entry_clear(e);
    for (int k = 0; k < t->n_options; k++) {
        status = vl_grow(&e->option, &e->cap_options, (size_t)k, sizeof *e->option, 8);
        if (status != VIOLET_OK) return status;
        e->option[k] = "";
    }
    for (int i = 0; i < t->csv.n_cells; i++)
        if (t->is[i] == SPLIT && *vl_csv_cell(&t->csv, i)) e->split = vl_csv_cell(&t->csv, i);
    for (int i = 0; i < t->csv.n_cells && status == VIOLET_OK && !vl_items_is_other(r); i++) {
        const char *cell = vl_csv_cell(&t->csv, i);
        if (*cell) status = read_cell(e, t->is[i], cell, r->o->kind);
    }
    return status;
}

violet_status vl_items_read_csv(vl_items_reader *r)
{
    table t = {.is = NULL};
    vl_csv_open(&t.csv, r->at, (size_t)(r->end - r->at), r->path);
    violet_status status = read_names(&t, r);
    for (bool more = true; status == VIOLET_OK && (r->q || !r->has);) {
        status = vl_csv_next(&more, &t.csv);
        if (status != VIOLET_OK || !more) break;
        status = read_row(r, &t);
        if (status == VIOLET_OK) status = vl_items_take(r);
        if (status != VIOLET_OK) vl_items_err_at(status, r, t.csv.line);
    }
    vl_csv_close(&t.csv);
    free(t.is);
    return status;
}
