/* Comma-separated values; see csv.h. */
#include "file/csv.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char mark[] = "\xef\xbb\xbf"; /* of byte order, as some programs put it first */

void vl_csv_open(vl_csv *c, const char *bytes, size_t n, const char *name)
{
    *c = (vl_csv){.name = name, .at = bytes, .end = bytes + n, .next_line = 1};
    if (n >= 3 && memcmp(bytes, mark, 3) == 0) c->at += 3;
}

void vl_csv_close(vl_csv *c)
{
    free(c->cell);
    vl_buf_free(&c->text);
    memset(c, 0, sizeof *c);
}

const char *vl_csv_cell(const vl_csv *c, int i)
{
    return c->text.data + c->cell[i];
}

static bool at_line_end(const vl_csv *c)
{
    return c->at == c->end || *c->at == '\n' ||
           (*c->at == '\r' && c->end - c->at > 1 && c->at[1] == '\n');
}

static void pass_line_end(vl_csv *c)
{
    if (c->at == c->end) return;
    c->at += *c->at == '\r' ? 2 : 1;
    c->next_line++;
}

/* Text between quotes, up to behind the closing one; doubled ones become one. */
static violet_status read_quoted(vl_csv *c)
{
    violet_status status = VIOLET_OK;
    for (c->at++; status == VIOLET_OK; c->at += 2) {
        const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
        if (!quote) return vl_err(VIOLET_EFORMAT, "a quote is not closed");
        bool doubled = c->end - quote > 1 && quote[1] == '"';
        for (const char *s = c->at; s < quote; s++) c->next_line += *s == '\n';
        status = vl_buf_append(&c->text, c->at, (size_t)(quote - c->at) + doubled);
        c->at = quote;
        if (!doubled) break;
    }
    c->at++;
    if (status == VIOLET_OK && !at_line_end(c) && *c->at != ',')
        return vl_err(VIOLET_EFORMAT, "text behind a closing quote");
    return status;
}

static violet_status read_plain(vl_csv *c)
{
    const char *begin = c->at;
    for (; !at_line_end(c) && *c->at != ','; c->at++) {
        if (*c->at == '"')
            return vl_err(VIOLET_EFORMAT, "a quote inside a cell that does not begin with one");
        if (*c->at == '\r') return vl_err(VIOLET_EFORMAT, "CR without LF");
    }
    return vl_buf_append(&c->text, begin, (size_t)(c->at - begin));
}

static violet_status check_text(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t code;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s + i,
                                              (utf8proc_ssize_t)(n - i), &code);
        if (k < 1) return vl_err(VIOLET_EFORMAT, "not UTF-8");
        if (code == 0) return vl_err(VIOLET_EFORMAT, "a 0 byte");
        i += (size_t)k;
    }
    return VIOLET_OK;
}

static violet_status add_cell(vl_csv *c, int i)
{
    if (i == VL_CSV_MAX_CELLS)
        return vl_err(VIOLET_EUNSUPPORTED, "more than %d cells", VL_CSV_MAX_CELLS);
    if (i == c->cap) {
        int cap = c->cap ? 2 * c->cap : 16;
        size_t *more = realloc(c->cell, (size_t)cap * sizeof *more);
        if (!more) return vl_err_nomem();
        c->cell = more;
        c->cap = cap;
    }
    size_t begin = c->cell[i] = c->text.n;
    violet_status status = c->at < c->end && *c->at == '"' ? read_quoted(c) : read_plain(c);
    if (status == VIOLET_OK) status = check_text(c->text.data + begin, c->text.n - begin);
    return status == VIOLET_OK ? vl_buf_putc(&c->text, 0) : status;
}

static violet_status read_row(vl_csv *c)
{
    int n = 0;
    violet_status status;
    for (;; c->at++) { /* over the comma */
        if ((status = add_cell(c, n)) != VIOLET_OK) return vl_err_at(status, "cell %d", n + 1);
        n++;
        if (at_line_end(c)) break;
    }
    pass_line_end(c);
    if (c->n_cells && n != c->n_cells)
        return vl_err(VIOLET_EFORMAT, "%d cells, the first row has %d", n, c->n_cells);
    c->n_cells = n;
    return VIOLET_OK;
}

violet_status vl_csv_next(bool *more, vl_csv *c)
{
    while (c->at < c->end && at_line_end(c)) pass_line_end(c);
    *more = c->at < c->end;
    if (!*more) return VIOLET_OK;
    c->line = c->next_line;
    vl_buf_clear(&c->text);
    violet_status status = read_row(c);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s line %zu", c->name, c->line);
}
