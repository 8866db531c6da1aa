/* Items: which file, and what is done once it is read; see items.h. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "data/items_internal.h"
#include "data/names.h"

static const char mark[] = "\xef\xbb\xbf"; /* of byte order, as some editors put it first */

/* ---- which file ------------------------------------------------------------------------------ */

static const char *const names[] = {"txt_N.json",  "txt_N_S.json", "txt_N_S.jsonl",
                                    "txt_N.jsonl", "txt_N_S.csv",  "txt_N.csv",
                                    "N.json"};
enum { N_NAMES = sizeof names / sizeof *names };

/* path[0] = 0: none is there. */
static violet_status find_file(char *path, const vl_items_options *o)
{
    size_t n = o->path ? strlen(o->path) : 0;
    if (!o->path && (!o->folder || !o->task || !o->split))
        return vl_err(VIOLET_EINVAL, "items: a path, or folder, task and split are needed");
    if (!o->path)
        return vl_name_find(path, o->folder, names, N_NAMES, o->task, o->split, 0);
    if (n >= VL_PATH_BYTES) return vl_err(VIOLET_EINVAL, "'%.100s...' is too long", o->path);
    memcpy(path, o->path, n + 1);
    return VIOLET_OK;
}

static violet_status no_file(const vl_items_options *o)
{
    vl_nearest x = vl_nearest_to(o->task, strlen(o->task));
    vl_name_try_all(&x, o->folder, names, N_NAMES, o->split);
    return vl_err(VIOLET_EIO, "task '%s': no txt_%s.json, txt_%s_%s.json (or .jsonl, .csv), "
                  "txt_%s.jsonl (or .csv) or %s.json in '%s'%s", o->task, o->task, o->task,
                  o->split, o->task, o->task, o->folder, vl_nearest_hint(&x));
}

/* "txt_x_test.jsonl" and "test.csv" are the split test's own. */
static bool is_of_split(const char *path, const char *split)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    size_t n = dot ? (size_t)(dot - name) : strlen(name), m = strlen(split);
    return n >= m && memcmp(name + n - m, split, m) == 0 && (n == m || name[n - m - 1] == '_');
}

static violet_status read_bytes(vl_items_reader *r, const char *bytes, size_t n)
{
    violet_status status;
    r->at = bytes;
    r->end = bytes + n;
    r->line = 1;
    r->whole = !r->o->split || is_of_split(r->path, r->o->split);
    if (n >= 3 && memcmp(bytes, mark, 3) == 0) r->at += 3;
    if (vl_str_ends(r->path, ".csv"))
        status = vl_items_read_csv(r);
    else if (vl_str_ends(r->path, ".jsonl"))
        status = vl_items_read_jsonl(r);
    else
        status = vl_items_read_json(r);
    free(r->entry.caption);
    free(r->entry.option);
    return status;
}

violet_status vl_items_has_split(bool *has, const vl_items_options *o)
{
    char path[VL_PATH_BYTES];
    vl_map map;
    *has = false;
    violet_status status = find_file(path, o);
    if (status != VIOLET_OK || !path[0]) return status;
    if ((status = vl_map_open(&map, path)) != VIOLET_OK) return status;
    vl_items_reader r = {.o = o, .path = path};
    status = read_bytes(&r, (const char *)map.data, map.n);
    vl_map_close(&map);
    *has = status == VIOLET_OK && r.has;
    return status;
}

/* ---- once it is read ------------------------------------------------------------------------- */

/* Answers by the file's own list: numbers get their words, words their numbers. */
static violet_status use_vocab(vl_items *q)
{
    int n = q->vocab ? vl_answers_n(q->vocab) : 0;
    for (size_t i = 0; i < q->n && q->vocab; i++) {
        vl_item *x = &q->item[i];
        if (x->word) continue;
        if (x->answer >= n)
            return vl_err(VIOLET_EFORMAT, "entry %zu: answer: %d, expected a number from -1 to %d",
                          x->entry, x->answer, n - 1);
        x->word = vl_answers_word(q->vocab, x->answer);
    }
    return q->vocab ? vl_items_use(q, q->vocab) : VIOLET_OK;
}

static violet_status list_by_video(vl_items *q)
{
    violet_status status = vl_groups_open(&q->of, q->videos.n, q->n);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < q->n; i++) vl_groups_count(&q->of, q->item[i].video);
    vl_groups_counted(&q->of);
    for (size_t i = 0; i < q->n; i++) vl_groups_put(&q->of, q->item[i].video, (int)i);
    return VIOLET_OK;
}

static violet_status finish(vl_items_reader *r)
{
    vl_items *q = r->q;
    q->any = r->any;
    if (q->n == 0) {
        if (!r->o->split) return vl_err(VIOLET_EFORMAT, "%s: no entries", r->path);
        return vl_err(VIOLET_EFORMAT, "%s: no entries of split '%s'", r->path, r->o->split);
    }
    violet_status status = use_vocab(q);
    if (status != VIOLET_OK)
        return vl_err_at(status, "%s: %s", r->path, r->o->split ? r->o->split : "the");
    return list_by_video(q);
}

static violet_status fill(vl_items *q, const vl_items_options *o, const char *bytes, size_t n,
                          const char *name)
{
    q->kind = o->kind;
    if (!(q->path = strdup(name))) return vl_err_nomem();
    vl_items_reader r = {.o = o, .path = q->path, .q = q};
    violet_status status = read_bytes(&r, bytes, n);
    return status == VIOLET_OK ? finish(&r) : status;
}

violet_status vl_items_parse(vl_items **out, const vl_items_options *o, const char *bytes,
                             size_t n, const char *name)
{
    *out = NULL;
    vl_items *q = calloc(1, sizeof *q);
    violet_status status = q ? fill(q, o, bytes, n, name) : vl_err_nomem();
    if (status == VIOLET_OK)
        *out = q;
    else
        vl_items_close(q);
    return status;
}

violet_status vl_items_open(vl_items **out, const vl_items_options *o)
{
    char path[VL_PATH_BYTES];
    vl_map map;
    *out = NULL;
    violet_status status = find_file(path, o);
    if (status != VIOLET_OK) return status;
    if (!path[0]) return no_file(o);
    if ((status = vl_map_open(&map, path)) != VIOLET_OK) return status;
    status = vl_items_parse(out, o, (const char *)map.data, map.n, path);
    vl_map_close(&map);
    return status;
}

static void release_names(vl_names *list)
{
    vl_index_free(&list->index);
    free(list->name);
}

void vl_items_close(vl_items *q)
{
    if (!q) return;
    vl_strings_release(&q->strings);
    release_names(&q->videos);
    release_names(&q->types);
    vl_index_free(&q->stems);
    vl_answers_free(q->vocab);
    free(q->item);
    vl_groups_release(&q->of);
    free(q->path);
    free(q);
}
