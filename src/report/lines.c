/* See lines.h. */
#include "report/lines.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "file/json_text.h"

#define FILE_MOST ((size_t)2 << 30)
#define LINE_MOST 65536
#define FIRST 256

/* ---- columns --------------------------------------------------------------------------------- */

static violet_status add_column(log_lines *l, const char *name, double **out)
{
    double *x = malloc((l->cap ? l->cap : 1) * sizeof *x);
    char *kept = vl_strings_keep(&l->strings, name, strlen(name));
    *out = NULL;
    if (!x || !kept) {
        free(x);
        return vl_err_nomem();
    }
    for (size_t i = 0; i < l->n; i++) x[i] = NAN;
    l->name[l->n_columns] = kept;
    *out = l->column[l->n_columns++] = x;
    return VIOLET_OK;
}

static int find(const log_lines *l, const char *name)
{
    for (int k = 0; k < l->n_columns; k++)
        if (strcmp(l->name[k], name) == 0) return k;
    return -1;
}

static violet_status make_room(log_lines *l)
{
    if (l->n < l->cap) return VIOLET_OK;
    size_t cap = l->cap ? 2 * l->cap : FIRST;
    for (int k = 0; k < l->n_columns; k++) {
        double *x = realloc(l->column[k], cap * sizeof *x);
        if (!x) return vl_err_nomem();
        l->column[k] = x;
    }
    l->cap = cap;
    return VIOLET_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const char *text_of(const json_t *line, const char *key)
{
    const char *s = json_string_value(json_object_get(line, key));
    return s ? s : "";
}

static violet_status follow_unit(log_lines *l, const json_t *line)
{
    const char *unit = text_of(line, "unit"), *set = text_of(line, "set");
    double epoch = json_number_value(json_object_get(line, "epoch"));
    double step = json_number_value(json_object_get(line, "step"));
    log_unit *last = l->n_units ? &l->unit[l->n_units - 1] : NULL;
    if (last && last->epoch == epoch && strcmp(last->unit, unit) == 0) {
        last->step = step;
        return VIOLET_OK;
    }
    violet_status status = vl_grow(&l->unit, &l->cap_units, l->n_units, sizeof *l->unit, 16);
    if (status != VIOLET_OK) return status;
    log_unit *u = &l->unit[l->n_units];
    *u = (log_unit){epoch, step, vl_strings_keep(&l->strings, unit, strlen(unit)),
                    vl_strings_keep(&l->strings, set, strlen(set))};
    if (!u->unit || !u->set) return vl_err_nomem();
    l->n_units++;
    return VIOLET_OK;
}

static violet_status take_line(log_lines *l, json_t *line)
{
    const char *key;
    json_t *value;
    violet_status status = make_room(l);
    for (int k = 0; k < l->n_columns && status == VIOLET_OK; k++) l->column[k][l->n] = NAN;
    json_object_foreach(line, key, value) {
        double *x = NULL;
        if (status != VIOLET_OK || (!json_is_number(value) && !json_is_null(value))) continue;
        int k = find(l, key);
        if (k < 0 && l->n_columns == LOG_COLUMNS) continue;
        if (k < 0) status = add_column(l, key, &x);
        else x = l->column[k];
        if (x) x[l->n] = json_is_number(value) ? json_number_value(value) : NAN;
    }
    if (status == VIOLET_OK && json_object_get(line, "unit")) status = follow_unit(l, line);
    if (status == VIOLET_OK) l->n++;
    return status;
}

static violet_status parse(log_lines *l, const char *text, size_t n)
{
    violet_status status = VIOLET_OK;
    for (const char *at = text, *end = text + n; at < end && status == VIOLET_OK;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        json_t *line = NULL;
        if (length <= LINE_MOST) status = vl_json_parse(&line, at, length, 64, "line");
        if (status == VIOLET_ENOMEM) return status;
        if (status == VIOLET_OK && json_is_object(line))
            status = take_line(l, line);
        else if (length)
            l->n_bad++, status = VIOLET_OK;
        else
            status = VIOLET_OK;
        json_decref(line);
        at += length + 1;
    }
    return status;
}

/* A run that was killed and resumed repeats steps: the later line of each stays. */
static void ascend(log_lines *l)
{
    int by = find(l, "step");
    size_t kept = 0;
    for (size_t i = 0; i < l->n && by >= 0; i++) {
        while (kept > 0 && l->column[by][kept - 1] >= l->column[by][i]) kept--;
        for (int k = 0; k < l->n_columns; k++) l->column[k][kept] = l->column[k][i];
        kept++;
    }
    if (by >= 0) l->n = kept;
}

violet_status log_lines_read(log_lines *l, const char *path)
{
    char *text;
    size_t n;
    if (!vl_file_exists(path)) return VIOLET_OK;
    violet_status status = vl_file_read(&text, &n, path, FILE_MOST);
    if (status != VIOLET_OK) return status;
    status = parse(l, text, n);
    free(text);
    ascend(l);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

const double *log_lines_column(const log_lines *l, const char *name)
{
    int k = find(l, name);
    return k < 0 ? NULL : l->column[k];
}

void log_lines_release(log_lines *l)
{
    for (int k = 0; k < l->n_columns; k++) free(l->column[k]);
    free(l->unit);
    vl_strings_release(&l->strings);
    *l = (log_lines){0};
}
