/* Info on files of tensors: what model they are of, how large its parts are, what it was made with;
 * verbose: every tensor with its statistics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/utf8.h"
#include "file/json_text.h"
#include "file/torch.h"
#include "model/checkpoint.h"
#include "model/config_infer.h"
#include "task/info_internal.h"
#include "task/tensor_names.h"
#include "task/tensor_values.h"

#define PARSED_MOST ((size_t)1 << 20)

json_t *vl_info_name(const char *s)
{
    return vl_utf8_valid(s) ? json_string(s) : vl_info_text(s, strlen(s));
}

static json_t *count(size_t n)
{
    return json_integer((json_int_t)n);
}

static void add_to(vl_info_tree *j, json_t *o, const char *key, size_t n)
{
    json_int_t before = json_integer_value(json_object_get(o, key));
    vl_info_set(j, o, key, json_integer(before + (json_int_t)n));
}

static size_t bytes_of(const vl_stored *t)
{
    return t->n * vl_dtype_bytes(t->dtype);
}

/* What a model learns: buffers of integers are none, nor are moments. */
static size_t parameters_of(const vl_stored *t)
{
    return vl_dtype_is_float(t->dtype) && !vl_checkpoint_moment(t->name) ? t->n : 0;
}

/* ---- what it is ------------------------------------------------------------------------------ */

/* The heads of a VIOLET model by what they are for. */
static void add_heads(vl_info_tree *j, const vl_tensors *f)
{
    json_t *list = json_array();
    char text[64];
    int heads = vl_heads_of(f);
    if (heads & VL_HEAD_MATCH) vl_info_add(j, list, json_string("fc (matching)"));
    if (heads & VL_HEAD_ANSWER) {
        long long answers = (long long)vl_tensors_find(f, "fc.3.weight")->shape[0];
        snprintf(text, sizeof text, "fc (%lld answers)", answers);
        vl_info_add(j, list, json_string(text));
    }
    if (heads & VL_HEAD_MTM) vl_info_add(j, list, json_string("fc_mtm (words)"));
    if (heads & VL_HEAD_MVM) vl_info_add(j, list, json_string("fc_mvm (visual tokens)"));
    if (heads & VL_HEAD_DUAL) vl_info_add(j, list, json_string("dual (first stage)"));
    if (!heads) vl_info_add(j, list, json_string("none"));
    vl_info_set(j, j->root, "heads", list);
}

static bool has_moments(const vl_tensors *f)
{
    for (size_t i = 0; i < vl_tensors_n(f); i++)
        if (vl_checkpoint_moment(vl_tensors_at(f, i)->name)) return true;
    return false;
}

static void add_kind(vl_info_tree *j, const vl_tensors *f, const vl_tensor_names *names)
{
    const char *model = vl_tensors_model(f, names), *prefix = vl_tensors_prefix(f);
    const struct vl_torch *torch = vl_tensors_torch(f);
    bool moments = has_moments(f);
    char kind[96];
    snprintf(kind, sizeof kind, "%s%s%s%s", model ? model : "tensors", model ? " checkpoint" : "",
             torch && vl_torch_class(torch) ? ", a pickled module" : "",
             moments ? ", state of a training run" : "");
    vl_info_set(j, j->root, "kind", json_string(kind));
    vl_info_set(j, j->root, "format", json_string(vl_tensors_format(f)));
    if (torch) vl_info_attributes(j, torch);
    if (*prefix) vl_info_set(j, j->root, "names without", vl_info_text(prefix, strlen(prefix)));
    if (model && strcmp(model, "VIOLET") == 0) add_heads(j, f);
    vl_info_set(j, j->root, "training state", json_boolean(moments));
}

/* Parsed where it is JSON, and not so long that it was never meant to be read. */
static json_t *metadata_value(const char *text)
{
    json_t *parsed;
    size_t n = strlen(text);
    if (n <= PARSED_MOST &&
        vl_json_parse(&parsed, text, n, 16 + n / 8, "metadata") == VIOLET_OK)
        return parsed;
    return vl_info_text(text, n);
}

static void add_metadata(vl_info_tree *j, const vl_tensors *f)
{
    const char *key;
    json_t *value, *all = json_object();
    json_object_foreach((json_t *)(uintptr_t)vl_tensors_all_metadata(f), key, value)
        if (json_is_string(value))
            vl_info_set(j, all, key, metadata_value(json_string_value(value)));
    if (json_object_size(all))
        vl_info_set(j, j->root, "metadata", all);
    else
        json_decref(all);
}

/* ---- how much of what ------------------------------------------------------------------------ */

static bool is(const json_t *row, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value && strcmp(value, text) == 0;
}

/* One row for each part and type. */
static json_t *row_of(vl_info_tree *j, json_t *parts, const vl_tensor_names *names,
                      const vl_stored *t)
{
    char text[64];
    const char *part = vl_tensor_part(text, names, t->name), *type = vl_dtype_word(t->dtype);
    enum { ROWS_MOST = 40 };
    size_t i;
    json_t *row;
    if (json_array_size(parts) >= ROWS_MOST) part = "others", type = "any";
    json_array_foreach(parts, i, row)
        if (is(row, "part", part) && is(row, "type", type)) return row;
    row = json_object();
    vl_info_set(j, row, "part", vl_info_name(part));
    vl_info_set(j, row, "type", json_string(type));
    return vl_info_add(j, parts, row) ? row : NULL;
}

static void add_parts(vl_info_tree *j, const vl_tensors *f, const vl_tensor_names *names)
{
    json_t *parts = json_array();
    size_t parameters = 0, seconds = 0;
    for (size_t i = 0; i < names->n; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        if (names->first[i] != i) {
            seconds++;
            continue;
        }
        json_t *row = row_of(j, parts, names, t);
        add_to(j, row, "tensors", 1);
        add_to(j, row, "elements", t->n);
        add_to(j, row, "bytes", bytes_of(t));
        parameters += parameters_of(t);
    }
    vl_info_set(j, j->root, "tensors", count(names->n - seconds));
    if (seconds) vl_info_set(j, j->root, "second names", count(seconds));
    vl_info_set(j, j->root, "parameters", count(parameters));
    vl_info_set(j, j->root, "parts", parts);
}

/* ---- verbose --------------------------------------------------------------------------------- */

static json_t *describe(vl_info_tree *j, const vl_stored *t, const vl_stored *first)
{
    json_t *row = json_object(), *shape = json_array();
    for (int i = 0; i < t->n_dim; i++) vl_info_add(j, shape, json_integer(t->shape[i]));
    vl_info_set(j, row, "name", vl_info_name(t->name));
    vl_info_set(j, row, "type", json_string(vl_dtype_word(t->dtype)));
    vl_info_set(j, row, "shape", shape);
    vl_info_set(j, row, "bytes", count(bytes_of(t)));
    if (first != t) vl_info_set(j, row, "same as", vl_info_name(first->name));
    return row;
}

static void add_statistics(vl_info_tree *j, json_t *row, const vl_tensor_statistics *s)
{
    vl_info_set(j, row, "mean", s->finite ? vl_info_real(s->mean) : json_null());
    vl_info_set(j, row, "deviation", s->finite ? vl_info_real(s->deviation) : json_null());
    vl_info_set(j, row, "least", s->finite ? vl_info_real(s->least) : json_null());
    vl_info_set(j, row, "most", s->finite ? vl_info_real(s->most) : json_null());
    vl_info_set(j, row, "zeros", count(s->zeros));
    vl_info_set(j, row, "not finite", count(s->not_finite));
}

static violet_status add_list(vl_info_tree *j, const vl_tensors *f, const vl_tensor_names *names)
{
    size_t not_finite = 0;
    json_t *list = json_array();
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < names->n && status == VIOLET_OK; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        vl_tensor_statistics s = {0};
        json_t *row = describe(j, t, vl_tensors_at(f, names->first[i]));
        if (names->first[i] == i) {
            status = vl_tensor_look(&s, f, t);
            add_statistics(j, row, &s);
        }
        vl_info_add(j, list, row);
        not_finite += s.not_finite;
    }
    vl_info_set(j, j->root, "not finite", count(not_finite));
    vl_info_set(j, j->root, "list", list);
    return status;
}

violet_status vl_info_tensors(vl_info_tree *j, const char *path, int verbose)
{
    vl_tensors *f;
    vl_tensor_names names = {0};
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    status = vl_tensor_names_init(&names, f);
    if (status == VIOLET_OK) {
        add_kind(j, f, &names);
        add_parts(j, f, &names);
        add_metadata(j, f);
    }
    if (status == VIOLET_OK && verbose) status = add_list(j, f, &names);
    vl_tensor_names_release(&names);
    vl_tensors_close(f);
    return status;
}
