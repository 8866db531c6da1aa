/* Info on records: entries of annotation files whatever they are written as (data/items.h), and
 * other files of an object a line or of rows of cells. All of it is counted, nothing is kept but
 * the names of videos, which are counted once. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "file/csv.h"
#include "file/json_text.h"
#include "task/info_internal.h"

#define NO_SPLIT "without a split"
/* What is counted on the way, and is something else in the end. */
#define OPTIONS_LEAST "options, least"

/* ---- entries --------------------------------------------------------------------------------- */

/* Predictions have the fields of an entry and more. */
const char *vl_info_item_kind(const json_t *first)
{
    if (!json_object_get(first, "video") || json_object_get(first, "top")) return NULL;
    if (json_object_get(first, "option_0")) return "questions, multiple choice";
    if (json_object_get(first, "question")) return "questions, open-ended";
    return json_object_get(first, "caption") ? "captions (retrieval)" : NULL;
}

static void add(vl_info_tree *j, json_t *counts, const char *key, size_t by)
{
    json_t *n = json_object_get(counts, key);
    if (n)
        json_integer_set(n, json_integer_value(n) + (json_int_t)by);
    else
        vl_info_set(j, counts, key, json_integer((json_int_t)by));
}

/* Gaps in the numbers are the reader's to complain about. */
static json_int_t options_of(const json_t *entry)
{
    const char *key;
    json_t *v;
    json_int_t n = 0;
    json_object_foreach((json_t *)entry, key, v)
        n += strncmp(key, "option_", 7) == 0 && !json_is_null(v);
    return n;
}

static void count_options(vl_info_tree *j, json_t *counts, json_int_t n)
{
    json_t *most = json_object_get(counts, "options");
    json_t *least = json_object_get(counts, OPTIONS_LEAST);
    if (!most) vl_info_set(j, counts, "options", json_integer(n));
    if (!least) vl_info_set(j, counts, OPTIONS_LEAST, json_integer(n));
    if (most && n > json_integer_value(most)) json_integer_set(most, n);
    if (least && n < json_integer_value(least)) json_integer_set(least, n);
}

void vl_info_item(vl_info_tree *j, json_t *counts, const json_t *entry)
{
    const char *video = json_string_value(json_object_get(entry, "video"));
    const json_t *answer = json_object_get(entry, "answer");
    const json_t *captions = json_object_get(entry, "caption");
    json_int_t options = options_of(entry);
    json_t *videos = json_object_get(counts, "videos");
    add(j, counts, "entries", 1);
    if (!videos) vl_info_set(j, counts, "videos", videos = json_object());
    if (video && videos) vl_info_set(j, videos, video, json_null());
    if (json_is_array(captions)) add(j, counts, "captions", json_array_size(captions));
    if (options) count_options(j, counts, options);
    if (json_is_integer(answer) && json_integer_value(answer) < 0)
        add(j, counts, options ? "answers not known" : "answers not in vocab", 1);
}

void vl_info_items_done(vl_info_tree *j, json_t *counts)
{
    vl_info_range options = {
        (size_t)json_integer_value(json_object_get(counts, OPTIONS_LEAST)),
        (size_t)json_integer_value(json_object_get(counts, "options"))};
    size_t videos = json_object_size(json_object_get(counts, "videos"));
    vl_info_set(j, counts, "videos", json_integer((json_int_t)videos));
    if (options.most) vl_info_set(j, counts, "options", vl_info_range_text(options));
    json_object_del(counts, OPTIONS_LEAST);
}

/* ---- records --------------------------------------------------------------------------------- */

typedef struct records {
    vl_info_tree *j;
    const char *what; /* of items; NULL: they are none */
    json_t *splits;   /* of items */
    json_t *last;     /* of others */
    size_t n;
} records;

static void take(records *r, json_t *record)
{
    if (r->n++ == 0) r->what = vl_info_item_kind(record);
    if (!r->what) {
        json_decref(r->last);
        r->last = json_incref(record);
        return;
    }
    const char *split = json_string_value(json_object_get(record, "split"));
    if (!split) split = NO_SPLIT;
    json_t *counts = json_object_get(r->splits, split);
    if (!counts && vl_info_set(r->j, r->splits, split, json_object()))
        counts = json_object_get(r->splits, split);
    if (counts) vl_info_item(r->j, counts, record);
}

/* Entries that have no field `split` are the whole file's. */
static void put_splits(records *r)
{
    const char *name;
    json_t *counts;
    json_object_foreach(r->splits, name, counts) vl_info_items_done(r->j, counts);
    counts = json_object_get(r->splits, NO_SPLIT);
    if (counts && json_object_size(r->splits) == 1)
        r->j->failed |= json_object_update(r->j->root, counts) != 0;
    else
        vl_info_set(r->j, r->j->root, "splits", json_incref(r->splits));
}

static bool is_flat(const json_t *record)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)record, key, v)
        if (json_is_object(v) || json_is_array(v)) return false;
    return json_is_object(record);
}

static json_t *names_of(vl_info_tree *j, const json_t *record)
{
    json_t *list = json_array(), *v;
    const char *key;
    json_object_foreach((json_t *)record, key, v)
        vl_info_add(j, list, vl_info_text(key, strlen(key)));
    return list;
}

static violet_status describe(records *r, const char *kind, const char *count)
{
    vl_info_tree *j = r->j;
    char text[80];
    if (r->what) {
        snprintf(text, sizeof text, "%s, %s", r->what, kind);
        vl_info_set(j, j->root, "kind", json_string(text));
        put_splits(r);
        return VIOLET_OK;
    }
    vl_info_set(j, j->root, count, json_integer((json_int_t)r->n));
    if (json_is_object(r->last)) vl_info_set(j, j->root, "fields", names_of(j, r->last));
    if (is_flat(r->last)) vl_info_set(j, j->root, "last", json_incref(r->last));
    return VIOLET_OK;
}

static void release(records *r)
{
    json_decref(r->splits);
    json_decref(r->last);
}

/* ---- an object a line ------------------------------------------------------------------------ */

static bool is_blank(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && strchr(" \t\r", s[i])) i++;
    return i == n;
}

static violet_status read_lines(records *r, const char *path, const vl_map *m)
{
    const char *at = (const char *)m->data, *end = at + m->n, *stop;
    char place[4200];
    violet_status status = VIOLET_OK;
    if (m->n >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
    for (size_t line = 1; at < end && status == VIOLET_OK; line++, at = stop + 1) {
        json_t *v;
        stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        size_t n = (size_t)(stop - at);
        if (is_blank(at, n)) continue;
        snprintf(place, sizeof place, "%.4096s line %zu", path, line);
        status = vl_json_parse(&v, at, n, 64 + n / 16, place);
        if (status == VIOLET_OK) take(r, v);
        json_decref(v);
    }
    return status;
}

violet_status vl_info_jsonl(vl_info_tree *j, const char *path, int verbose)
{
    vl_map m;
    records r = {.j = j, .splits = json_object()};
    (void)verbose;
    violet_status status = vl_map_open(&m, path);
    if (status != VIOLET_OK) goto done;
    status = r.splits ? read_lines(&r, path, &m) : vl_err_nomem();
    vl_map_close(&m);
    if (status == VIOLET_OK) status = describe(&r, "an object a line", "lines");
done:
    release(&r);
    return status;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* As data/items.h has it: empty cells are not there, a number is the answer of multiple choice. */
static violet_status take_row(records *r, const json_t *names, const vl_csv *c)
{
    json_t *row = json_object();
    char *end;
    for (int i = 0; i < c->n_cells; i++) {
        const char *cell = vl_csv_cell(c, i);
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        if (*cell && name) vl_info_set(r->j, row, name, json_string(cell));
    }
    const char *answer = json_string_value(json_object_get(row, "answer"));
    long long number = answer && json_object_get(row, "option_0") ? strtoll(answer, &end, 10) : 0;
    if (number < 0 && !*end) vl_info_set(r->j, row, "answer", json_integer(number));
    if (row) take(r, row);
    json_decref(row);
    return r->j->failed ? vl_err_nomem() : VIOLET_OK;
}

static violet_status read_table(records *r, const char *path, const vl_map *m, json_t *names)
{
    vl_csv c;
    bool more;
    vl_csv_open(&c, (const char *)m->data, m->n, path);
    violet_status status = vl_csv_next(&more, &c);
    for (int i = 0; status == VIOLET_OK && more && i < c.n_cells; i++)
        vl_info_add(r->j, names, json_string(vl_csv_cell(&c, i)));
    while (status == VIOLET_OK && more) {
        status = vl_csv_next(&more, &c);
        if (status == VIOLET_OK && more) status = take_row(r, names, &c);
    }
    vl_csv_close(&c);
    return status;
}

violet_status vl_info_csv(vl_info_tree *j, const char *path, int verbose)
{
    vl_map m;
    records r = {.j = j, .splits = json_object()};
    json_t *names = json_array();
    (void)verbose;
    violet_status status = vl_map_open(&m, path);
    if (status != VIOLET_OK) goto done;
    status = r.splits && names ? read_table(&r, path, &m, names) : vl_err_nomem();
    vl_map_close(&m);
    if (status != VIOLET_OK) goto done;
    json_decref(r.last); /* columns are told in place of its fields, even where there are no rows */
    r.last = NULL;
    vl_info_set(j, j->root, "columns", json_incref(names));
    status = describe(&r, "a table", "rows");
done:
    json_decref(names);
    release(&r);
    return status;
}
