/* How a description is printed; see info_internal.h. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "task/info_internal.h"

#define CELL_GAP 2
#define CELL_MOST 120

static violet_status put_value(vl_buf *out, const char *key, const json_t *v, int indent);

/* ---- one value ------------------------------------------------------------------------------- */

static bool is_count(const char *key)
{
    static const char *const counts[] = {"bytes", "tensors", "parameters", "elements", "zeros",
                                         "not finite"};
    for (size_t i = 0; key && i < sizeof counts / sizeof *counts; i++)
        if (strcmp(key, counts[i]) == 0) return true;
    return false;
}

static violet_status put_number(vl_buf *out, const char *key, const json_t *v)
{
    char text[VL_WORDS];
    long long x = (long long)json_integer_value(v);
    if (!json_is_integer(v)) return vl_buf_printf(out, "%.6g", json_real_value(v));
    if (x < 0 || !is_count(key)) return vl_buf_printf(out, "%lld", x);
    return vl_buf_puts(out, vl_words_count(text, (uint64_t)x));
}

static bool is_shape(const json_t *v)
{
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_integer(json_array_get(v, i))) return false;
    return json_is_array(v) && json_array_size(v) <= VL_WORDS_DIMS;
}

static violet_status put_shape(vl_buf *out, const json_t *v)
{
    size_t i;
    json_t *d;
    int64_t shape[VL_WORDS_DIMS] = {0};
    char text[VL_WORDS_SHAPE];
    json_array_foreach(v, i, d) shape[i] = (int64_t)json_integer_value(d);
    return vl_buf_puts(out, vl_words_shape(text, (int)json_array_size(v), shape));
}

/* Text of a file may hold anything; a terminal gets no control characters, and no lines of theirs
 * among ours. */
static violet_status put_text(vl_buf *out, const char *s)
{
    size_t start = out->n;
    violet_status status = vl_buf_puts(out, s);
    for (size_t i = start; i < out->n; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f) out->data[i] = '?';
    return status;
}

/* One line for a value that has no lines of its own. */
static violet_status put_flat(vl_buf *out, const char *key, const json_t *v)
{
    if (json_is_string(v)) return put_text(out, json_string_value(v));
    if (json_is_number(v)) return put_number(out, key, v);
    if (json_is_boolean(v)) return vl_buf_puts(out, json_is_true(v) ? "yes" : "no");
    if (json_is_null(v)) return vl_buf_puts(out, "-");
    char *text = json_dumps(v, JSON_COMPACT | JSON_REAL_PRECISION(6));
    violet_status status = text ? put_text(out, text) : vl_err_nomem();
    free(text);
    return status;
}

static void trim(vl_buf *out)
{
    while (out->n > 0 && out->data[out->n - 1] == ' ') out->data[--out->n] = 0;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static violet_status put_cell(vl_buf *cell, const char *key, const json_t *v)
{
    vl_buf_clear(cell);
    if (!v) return VIOLET_OK;
    return is_shape(v) ? put_shape(cell, v) : put_flat(cell, key, v);
}

/* Every key that a row has, with the width of its column; a longer cell pushes the rest of its own
 * row aside, since padding all of them to an absurd name would take memory without bounds. */
static violet_status find_columns(json_t *columns, const json_t *rows, vl_buf *cell)
{
    size_t i;
    json_t *row, *v;
    const char *key;
    json_array_foreach(rows, i, row) json_object_foreach(row, key, v)
    {
        json_int_t wide = json_integer_value(json_object_get(columns, key));
        violet_status status = put_cell(cell, key, v);
        if (status != VIOLET_OK) return status;
        if (wide < (json_int_t)strlen(key)) wide = (json_int_t)strlen(key);
        if (wide < (json_int_t)cell->n) wide = (json_int_t)cell->n;
        if (wide > CELL_MOST) wide = CELL_MOST;
        if (json_object_set_new(columns, key, json_integer(wide)) != 0) return vl_err_nomem();
    }
    return VIOLET_OK;
}

/* row NULL: the headings. Numbers stand to the right, as does the heading of the first row's. */
static violet_status put_row(vl_buf *out, json_t *columns, const json_t *row, const json_t *first,
                             vl_buf *cell, int indent)
{
    const char *key;
    json_t *width;
    violet_status status = vl_buf_printf(out, "\n%*s", indent, "");
    json_object_foreach(columns, key, width)
    {
        const json_t *v = json_object_get(row ? row : first, key);
        int wide = (int)json_integer_value(width);
        if (status == VIOLET_OK) status = put_cell(cell, key, v);
        if (status != VIOLET_OK) return status;
        const char *text = !row ? key : cell->n ? cell->data : "";
        /* columns that begin in a later row are of numbers */
        int right = v ? json_is_number(v) || json_is_null(v) : 1;
        status = vl_buf_printf(out, right ? "%*s%*s" : "%-*s%*s", wide, text, CELL_GAP, "");
    }
    trim(out);
    return status;
}

static violet_status put_table(vl_buf *out, const json_t *rows, int indent)
{
    size_t i;
    json_t *row, *columns = json_object(), *first = json_array_get(rows, 0);
    vl_buf cell = {0};
    violet_status status = columns ? find_columns(columns, rows, &cell) : vl_err_nomem();
    if (status == VIOLET_OK) status = put_row(out, columns, NULL, first, &cell, indent);
    json_array_foreach(rows, i, row)
    {
        if (status != VIOLET_OK) break;
        status = put_row(out, columns, row, first, &cell, indent);
    }
    json_decref(columns);
    vl_buf_free(&cell);
    return status;
}

/* ---- objects --------------------------------------------------------------------------------- */

static violet_status put_object(vl_buf *out, const json_t *o, int indent)
{
    const char *key;
    json_t *v;
    violet_status status = VIOLET_OK;
    json_object_foreach((json_t *)o, key, v)
    {
        trim(out);
        if (status == VIOLET_OK) status = vl_buf_printf(out, "\n%*s", indent, "");
        size_t start = out->n;
        if (status == VIOLET_OK) status = put_text(out, key);
        int wide = 22 - indent - (int)(out->n - start);
        if (status == VIOLET_OK) status = vl_buf_printf(out, "%*s ", wide > 0 ? wide : 0, "");
        if (status == VIOLET_OK) status = put_value(out, key, v, indent + 2);
    }
    return status;
}

static violet_status put_list(vl_buf *out, const json_t *list, int indent)
{
    violet_status status = VIOLET_OK;
    size_t i;
    json_t *v;
    if (json_is_object(json_array_get(list, 0))) {
        trim(out);
        return put_table(out, list, indent);
    }
    json_array_foreach(list, i, v)
    {
        if (status == VIOLET_OK && i) status = vl_buf_puts(out, json_is_number(v) ? " " : ", ");
        if (status == VIOLET_OK) status = put_flat(out, NULL, v);
    }
    return status;
}

static violet_status put_value(vl_buf *out, const char *key, const json_t *v, int indent)
{
    char text[VL_WORDS];
    if (json_is_object(v)) return put_object(out, v, indent);
    if (json_is_array(v)) return put_list(out, v, indent);
    violet_status status = put_flat(out, key, v);
    if (status != VIOLET_OK || strcmp(key, "bytes") != 0 || json_integer_value(v) < 1000)
        return status;
    return vl_buf_printf(out, " (%s)", vl_words_bytes(text, (uint64_t)json_integer_value(v)));
}

violet_status vl_info_print(vl_buf *out, vl_info_tree *j, int flags)
{
    json_t *o = j->root;
    if (j->failed || !o) return vl_err_nomem();
    if (flags & VIOLET_INFO_JSON) {
        char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        violet_status status = text ? vl_buf_printf(out, "%s\n", text) : vl_err_nomem();
        free(text);
        return status;
    }
    json_t *file = json_object_get(o, "file"), *kind = json_object_get(o, "kind");
    violet_status status = put_flat(out, NULL, file);
    if (status == VIOLET_OK) status = vl_buf_puts(out, ": ");
    if (status == VIOLET_OK) status = put_flat(out, NULL, kind);
    json_object_del(o, "file");
    json_object_del(o, "kind");
    if (status == VIOLET_OK) status = put_object(out, o, 2);
    trim(out);
    return status == VIOLET_OK ? vl_buf_putc(out, '\n') : status;
}
