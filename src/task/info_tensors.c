/* Info on files of tensors: what model they are of, how large its parts are, what it was made with;
 * verbose: every tensor with its statistics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "file/json_text.h"
#include "file/torch.h"
#include "task/info_internal.h"
#include "task/tensor_names.h"
#include "task/tensor_values.h"

json_t *vl_info_name(const char *s)
{
    json_t *value = json_string(s);
    return value ? value : vl_info_text(s, strlen(s));
}

static json_t *count(size_t n)
{
    return json_integer((json_int_t)n);
}

static void add_to(json_t *o, const char *key, size_t n)
{
    vl_info_set(o, key, json_integer(json_integer_value(json_object_get(o, key)) + (json_int_t)n));
}

static size_t bytes_of(const vl_stored *t)
{
    return t->n * vl_dtype_bytes(t->dtype);
}

/* What a model learns: buffers of integers are none, nor are moments. */
static size_t parameters_of(const vl_stored *t)
{
    return vl_dtype_is_float(t->dtype) && !vl_tensor_is_moment(t->name) ? t->n : 0;
}

/* ---- what it is ------------------------------------------------------------------------------ */

/* The heads of a VIOLET model by what they are for. */
static void add_heads(json_t *o, const vl_tensors *f)
{
    json_t *heads = json_array();
    char text[64];
    const vl_stored *fc = vl_tensors_find(f, "fc.3.weight");
    if (fc && fc->n_dim == 2) {
        snprintf(text, sizeof text, "fc (%lld answers)", (long long)fc->shape[0]);
        json_array_append_new(heads, json_string(fc->shape[0] == 1 ? "fc (matching)" : text));
    }
    if (vl_tensors_find(f, "fc_mtm.predictions.bias"))
        json_array_append_new(heads, json_string("fc_mtm (words)"));
    if (vl_tensors_find(f, "fc_mvm.3.weight"))
        json_array_append_new(heads, json_string("fc_mvm (visual tokens)"));
    if (vl_tensors_find(f, "dual.video.weight"))
        json_array_append_new(heads, json_string("dual (first stage)"));
    if (json_array_size(heads) == 0) json_array_append_new(heads, json_string("none"));
    vl_info_set(o, "heads", heads);
}

static bool has_moments(const vl_tensors *f)
{
    for (size_t i = 0; i < vl_tensors_n(f); i++)
        if (vl_tensor_is_moment(vl_tensors_at(f, i)->name)) return true;
    return false;
}

static void add_kind(json_t *o, const vl_tensors *f, const vl_tensor_names *names)
{
    const char *model = vl_tensors_model(f, names), *prefix = vl_tensors_prefix(f);
    const struct vl_torch *torch = vl_tensors_torch(f);
    bool moments = has_moments(f);
    char kind[96];
    snprintf(kind, sizeof kind, "%s%s%s%s", model ? model : "tensors", model ? " checkpoint" : "",
             torch && vl_torch_class(torch) ? ", a pickled module" : "",
             moments ? ", state of a training run" : "");
    vl_info_set(o, "kind", json_string(kind));
    vl_info_set(o, "format", json_string(vl_tensors_format(f)));
    if (torch) vl_info_attributes(o, torch);
    if (*prefix) vl_info_set(o, "names without", vl_info_text(prefix, strlen(prefix)));
    if (model && strcmp(model, "VIOLET") == 0) add_heads(o, f);
    vl_info_set(o, "training state", json_boolean(moments));
}

/* Parsed where it is JSON. */
static json_t *metadata_value(const char *text)
{
    json_t *parsed;
    size_t n = strlen(text);
    if (vl_json_parse(&parsed, text, n, 16 + n / 8, "metadata") == VIOLET_OK) return parsed;
    return vl_info_text(text, n);
}

static void add_metadata(json_t *o, const vl_tensors *f)
{
    const char *key;
    json_t *value, *all = json_object();
    json_object_foreach((json_t *)(uintptr_t)vl_tensors_all_metadata(f), key, value)
        if (json_is_string(value)) vl_info_set(all, key, metadata_value(json_string_value(value)));
    if (json_object_size(all))
        vl_info_set(o, "metadata", all);
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
static json_t *row_of(json_t *parts, const vl_tensor_names *names, const vl_stored *t)
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
    vl_info_set(row, "part", vl_info_name(part));
    vl_info_set(row, "type", json_string(type));
    json_array_append_new(parts, row);
    return row;
}

static void add_parts(json_t *o, const vl_tensors *f, const vl_tensor_names *names)
{
    json_t *parts = json_array();
    size_t parameters = 0, seconds = 0;
    for (size_t i = 0; i < names->n; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        if (names->first[i] != t) {
            seconds++;
            continue;
        }
        json_t *row = row_of(parts, names, t);
        add_to(row, "tensors", 1);
        add_to(row, "elements", t->n);
        add_to(row, "bytes", bytes_of(t));
        parameters += parameters_of(t);
    }
    vl_info_set(o, "tensors", count(names->n - seconds));
    if (seconds) vl_info_set(o, "second names", count(seconds));
    vl_info_set(o, "parameters", count(parameters));
    vl_info_set(o, "parts", parts);
}

/* ---- verbose --------------------------------------------------------------------------------- */

static json_t *describe(const vl_stored *t, const vl_stored *first)
{
    json_t *row = json_object(), *shape = json_array();
    for (int i = 0; i < t->n_dim; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    vl_info_set(row, "name", vl_info_name(t->name));
    vl_info_set(row, "type", json_string(vl_dtype_word(t->dtype)));
    vl_info_set(row, "shape", shape);
    vl_info_set(row, "bytes", count(bytes_of(t)));
    if (first != t) vl_info_set(row, "same as", vl_info_name(first->name));
    return row;
}

static violet_status add_list(json_t *o, const vl_tensors *f, const vl_tensor_names *names)
{
    size_t not_finite = 0;
    json_t *list = json_array();
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < names->n && status == VIOLET_OK; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        vl_tensor_statistics s;
        json_t *row = describe(t, names->first[i]);
        json_array_append_new(list, row);
        if (names->first[i] != t) continue;
        status = vl_tensor_look(&s, f, t);
        vl_info_set(row, "mean", s.finite ? json_real(s.mean) : NULL);
        vl_info_set(row, "deviation", s.finite ? json_real(s.deviation) : NULL);
        vl_info_set(row, "least", s.finite ? json_real(s.least) : NULL);
        vl_info_set(row, "most", s.finite ? json_real(s.most) : NULL);
        vl_info_set(row, "zeros", count(s.zeros));
        vl_info_set(row, "not finite", count(s.not_finite));
        not_finite += s.not_finite;
    }
    vl_info_set(o, "not finite", count(not_finite));
    vl_info_set(o, "list", list);
    return status;
}

violet_status vl_info_tensors(json_t *o, const char *path, int verbose)
{
    vl_tensors *f;
    vl_tensor_names names = {0};
    violet_status status = vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    status = vl_tensor_names_init(&names, f);
    if (status == VIOLET_OK) {
        add_kind(o, f, &names);
        add_parts(o, f, &names);
        add_metadata(o, f);
    }
    if (status == VIOLET_OK && verbose) status = add_list(o, f, &names);
    vl_tensor_names_release(&names);
    vl_tensors_close(f);
    return status;
}
