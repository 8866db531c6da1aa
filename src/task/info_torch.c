/* Info on PyTorch's files: the module's class and attributes, tensors by type, verbose: each. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "file/torch.h"
#include "task/info_internal.h"

static void count(json_t *o, const vl_torch *f)
{
    json_t *types = json_object();
    json_int_t elements = 0;
    for (size_t i = 0; i < vl_torch_n(f); i++) {
        const vl_stored *t = vl_torch_at(f, i);
        const char *type = vl_dtype_name(t->dtype);
        elements += (json_int_t)t->n;
        vl_info_set(types, type,
                    json_integer(json_integer_value(json_object_get(types, type)) + 1));
    }
    vl_info_set(o, "tensors", json_integer((json_int_t)vl_torch_n(f)));
    vl_info_set(o, "of type", types);
    vl_info_set(o, "elements", json_integer(elements));
}

/* Plain attributes of the module: numbers, bools, short strings. */
static void add_attributes(json_t *o, const vl_torch *f)
{
    json_t *list = json_object();
    const vl_value *state = vl_torch_state(f);
    for (size_t i = 0; i < vl_value_n(state); i++) {
        size_t n_key, n_text;
        int64_t number;
        double real;
        char name[64];
        const char *key = vl_value_str(&n_key, vl_dict_key(state, i));
        const vl_value *v = vl_value_at(state, i);
        const char *text = vl_value_str(&n_text, v);
        if (!key || n_key >= sizeof name || (n_key && key[0] == '_')) continue;
        memcpy(name, key, n_key);
        name[n_key] = 0;
        if (vl_value_kind(v) == VL_BOOL)
            vl_info_set(list, name, json_boolean(vl_value_int(&number, v) && number));
        else if (vl_value_int(&number, v))
            vl_info_set(list, name, json_integer((json_int_t)number));
        else if (vl_value_float(&real, v))
            vl_info_set(list, name, json_real(real));
        else if (text)
            vl_info_set(list, name, vl_info_text(text, n_text));
    }
    if (json_object_size(list))
        vl_info_set(o, "attributes", list);
    else
        json_decref(list);
}

/* Any strides and byte order: told of a copy of its values. */
static violet_status add_tensor(json_t *list, const vl_stored *t, size_t *not_finite)
{
    float *x = malloc(t->n * sizeof *x + 1);
    if (!x) return vl_err_nomem();
    vl_stored_floats(x, t, 0, t->n);
    vl_safetensor s = {.name = t->name, .dtype = VL_DT_F32, .n_dim = t->n_dim, .n = t->n,
                       .data = (const uint8_t *)x};
    memcpy(s.shape, t->shape, sizeof s.shape);
    json_array_append_new(list, vl_info_tensor(&s, vl_dtype_name(t->dtype), not_finite));
    free(x);
    return VIOLET_OK;
}

violet_status vl_info_torch(json_t *o, const char *path, int verbose)
{
    vl_torch *f;
    violet_status status = vl_torch_open(&f, path);
    if (status != VIOLET_OK) return status;
    const char *class = vl_torch_class(f), *prefix = vl_torch_prefix(f);
    vl_info_set(o, "kind", json_string(class ? "PyTorch module" : "PyTorch tensors"));
    if (class) vl_info_set(o, "class", vl_info_text(class, strlen(class)));
    if (class) add_attributes(o, f);
    if (*prefix) vl_info_set(o, "names without", vl_info_text(prefix, strlen(prefix)));
    count(o, f);
    if (verbose) {
        size_t not_finite = 0;
        json_t *list = json_array();
        for (size_t i = 0; i < vl_torch_n(f) && status == VIOLET_OK; i++)
            status = add_tensor(list, vl_torch_at(f, i), &not_finite);
        vl_info_set(o, "not finite", json_integer((json_int_t)not_finite));
        vl_info_set(o, "list", list);
    }
    vl_torch_close(f);
    return status;
}
