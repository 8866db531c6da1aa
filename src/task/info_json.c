/* Info on JSON files: annotations, arguments, sizes, logs. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "task/info_internal.h"

#define FILE_MOST ((size_t)4 << 30)

/* ---- annotations ----------------------------------------------------------------------------- */

/* What the first entry of a split tells. */
static const char *annotation_of(const json_t *split)
{
    if (json_is_object(split)) {
        const json_t *list = json_object_iter_value(json_object_iter((json_t *)split));
        return json_is_string(json_array_get(list, 0)) ? "captions (pretraining)" : NULL;
    }
    return vl_info_item_kind(json_array_get(split, 0));
}

static json_t *count_captions(vl_info_tree *j, const json_t *split)
{
    json_t *o = json_object(), *list;
    const char *video;
    size_t n = 0;
    json_object_foreach((json_t *)split, video, list) n += json_array_size(list);
    vl_info_set(j, o, "videos", json_integer((json_int_t)json_object_size(split)));
    vl_info_set(j, o, "captions", json_integer((json_int_t)n));
    return o;
}

static json_t *count_entries(vl_info_tree *j, const json_t *split)
{
    json_t *counts = json_object(), *entry;
    size_t i;
    json_array_foreach(split, i, entry) vl_info_item(j, counts, entry);
    vl_info_items_done(j, counts);
    return counts;
}

static void describe_annotation(vl_info_tree *j, const json_t *root)
{
    json_t *splits = json_object(), *split;
    const char *name;
    json_object_foreach((json_t *)root, name, split)
    {
        if (strcmp(name, "vocab") == 0)
            vl_info_set(j, j->root, "vocab",
                        json_integer((json_int_t)(json_is_array(split) ? json_array_size(split)
                                                                       : json_object_size(split))));
        else
            vl_info_set(j, splits, name, json_is_object(split) ? count_captions(j, split)
                                                               : count_entries(j, split));
    }
    vl_info_set(j, j->root, "splits", splits);
}

/* ---- the others ------------------------------------------------------------------------------ */

/* {data set: {ls_mtm: [numbers], ...}}: how many parts, and the last value of each. */
static int is_log(const json_t *root)
{
    const json_t *first = json_object_iter_value(json_object_iter((json_t *)root));
    const json_t *list = json_object_iter_value(json_object_iter((json_t *)first));
    return json_is_array(list) && json_is_number(json_array_get(list, 0));
}

static void describe_log(vl_info_tree *j, const json_t *root)
{
    const char *set, *key;
    json_t *lists, *list;
    json_object_foreach((json_t *)root, set, lists)
    {
        json_t *last = json_object();
        json_object_foreach(lists, key, list)
        {
            size_t n = json_array_size(list);
            vl_info_set(j, last, "values", json_integer((json_int_t)n));
            if (n) vl_info_set(j, last, key, json_incref(json_array_get(list, n - 1)));
        }
        vl_info_set(j, j->root, set, last);
    }
}

/* No object deeper than the values. */
static int is_flat(const json_t *root)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)root, key, v)
        if (json_is_object(v)) return 0;
    return 1;
}

static const char *describe(vl_info_tree *j, const json_t *root)
{
    const json_t *first = json_object_iter_value(json_object_iter((json_t *)root));
    const char *kind = annotation_of(first);
    if (kind && strcmp(kind, "questions, open-ended") == 0 && !json_object_get(root, "vocab"))
        kind = "questions, open-ended, without vocab";
    if (kind) {
        describe_annotation(j, root);
        return kind;
    }
    if (is_log(root)) {
        describe_log(j, root);
        return "log of a run, last values";
    }
    if (is_flat(root) && json_object_size(root) > 0) {
        vl_info_set(j, j->root, "values", json_deep_copy(root));
        return json_object_get(root, "type") ? "arguments of a run" : "settings";
    }
    vl_info_set(j, j->root, "entries", json_integer((json_int_t)json_object_size(root)));
    return "JSON object";
}

/* [entries] of a split, or anything. */
static void describe_list(vl_info_tree *j, const json_t *root)
{
    const char *kind = vl_info_item_kind(json_array_get(root, 0));
    json_t *counts = kind ? count_entries(j, root) : NULL;
    if (counts)
        j->failed |= json_object_update(j->root, counts) != 0;
    else
        vl_info_set(j, j->root, "entries", json_integer((json_int_t)json_array_size(root)));
    if (kind) vl_info_set(j, j->root, "kind", json_string(kind));
    json_decref(counts);
}

violet_status vl_info_json(vl_info_tree *j, const char *path, int verbose)
{
    char *text;
    size_t n;
    json_error_t e;
    (void)verbose;
    violet_status status = vl_file_read(&text, &n, path, FILE_MOST);
    if (status != VIOLET_OK) return status;
    json_t *root = json_loadb(text, n, 0, &e);
    free(text);
    if (!root)
        return vl_err(VIOLET_EFORMAT, "%s line %d column %d: %s", path, e.line, e.column, e.text);
    if (json_is_object(root))
        vl_info_set(j, j->root, "kind", json_string(describe(j, root)));
    else
        describe_list(j, root);
    json_decref(root);
    return VIOLET_OK;
}
