/* From a document to named tensors: one walk over dictionaries, lists and modules.
 *
 * A name is the path to its tensor. A module's tensors are named as its state_dict() would:
 * parameters, buffers that are saved, then the sub-modules; other attributes are left out. What
 * wraps the state ({"model": {...}, "epoch": 3}, DistributedDataParallel's "module.") is found
 * first and its names cut off at the end. */
#include "file/torch_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define VIEW_MOST ((size_t)1 << 24) /* elements of all tensors that repeat their storage's */
#define SHARE_MOST 64 /* elements of all tensors together, for each byte of the file */

static const vl_value *attribute(const vl_value *object, const char *name)
{
    return vl_dict_find(vl_object_state(object), name, strlen(name));
}

static bool is_module(const vl_value *v)
{
    return vl_value_kind(attribute(v, "_modules")) == VL_DICT;
}

/* ---- a tensor, checked ----------------------------------------------------------------------- */

static violet_status bad(const char *what)
{
    return vl_err(VIOLET_EFORMAT, "%s", what);
}

/* Shape and strides; *reach: how far the last element is from the first. */
static violet_status read_shape(vl_stored *t, int64_t *reach, const torch_tensor *from)
{
    size_t n_dim = vl_value_n(from->shape);
    if (n_dim > VL_STORED_MAX_DIM)
        return vl_err(VIOLET_EUNSUPPORTED, "%zu dimensions, expected at most %d", n_dim,
                      VL_STORED_MAX_DIM);
    if (vl_value_n(from->stride) != n_dim) return bad("as many strides as sizes expected");
    t->n_dim = (int)n_dim;
    t->n = 1;
    *reach = 0;
    for (size_t i = 0; i < n_dim; i++) {
        int64_t *size = &t->shape[i], *stride = &t->stride[i], step;
        if (!vl_value_int(size, vl_value_at(from->shape, i)) ||
            !vl_value_int(stride, vl_value_at(from->stride, i)) || *size < 0 || *stride < 0)
            return bad("sizes and strides of 0 or more expected");
        if (__builtin_mul_overflow(t->n, (size_t)*size, &t->n) ||
            (*size && (__builtin_mul_overflow(*size - 1, *stride, &step) ||
                       __builtin_add_overflow(*reach, step, reach))))
            return bad("shape overflows");
        if (*size == 1) *stride = 0; /* says nothing, and might be anything */
    }
    return VIOLET_OK;
}

/* What is read of a file stays in proportion to it, however tensors share and repeat. */
static violet_status check_elements(torch_names *s, size_t n, size_t n_storage)
{
    if (n > n_storage) s->repeated += n - n_storage;
    if (n > n_storage && (n > VIEW_MOST || s->repeated > VIEW_MOST))
        return vl_err(VIOLET_EFORMAT, "%zu elements of a storage of %zu", n, n_storage);
    s->elements += n;
    if (s->elements > VIEW_MOST + SHARE_MOST * s->file_bytes)
        return vl_err(VIOLET_EFORMAT, "all tensors so far have %zu elements in a file of %zu bytes",
                      s->elements, s->file_bytes);
    return VIOLET_OK;
}

static violet_status check(torch_names *names, vl_stored *t, const torch_tensor *from)
{
    const torch_storage *s = from->storage;
    int64_t reach = 0, offset = 0, each = (int64_t)vl_dtype_bytes(from->dtype);
    /* of the tensor's type, which need not be the storage's */
    int64_t n_storage = s->n_view * (int64_t)vl_dtype_bytes(s->dtype) / each;
    t->dtype = from->dtype;
    violet_status status = read_shape(t, &reach, from);
    if (status != VIOLET_OK) return status;
    if (!vl_value_int(&offset, from->offset) || offset < 0) return bad("an offset expected");
    if (t->n == 0) return VIOLET_OK;
    if (offset >= n_storage || reach >= n_storage - offset)
        return vl_err(VIOLET_EFORMAT, "reaches element %lld + %lld of a storage of %lld",
                      (long long)offset, (long long)reach, (long long)n_storage);
    status = check_elements(names, t->n, (size_t)n_storage);
    if (status != VIOLET_OK) return status;
    t->data = s->data + (size_t)s->view * vl_dtype_bytes(s->dtype) + (size_t)(offset * each);
    return VIOLET_OK;
}

static violet_status grow(torch_names *s)
{
    if (s->n < s->cap) return VIOLET_OK;
    size_t cap = s->cap ? 2 * s->cap : 64;
    vl_stored *tensors = realloc(s->tensors, cap * sizeof *tensors);
    if (tensors) s->tensors = tensors;
    size_t *name_at = realloc(s->name_at, cap * sizeof *name_at);
    if (name_at) s->name_at = name_at;
    if (!tensors || !name_at) return vl_err_nomem();
    s->cap = cap;
    return VIOLET_OK;
}

static violet_status add(torch_names *s, const torch_tensor *from)
{
    const char *name = s->path.n ? s->path.data : "tensor"; /* the whole document is one */
    size_t n_name = strlen(name) + 1;
    violet_status status = grow(s);
    if (status != VIOLET_OK) return status;
    if (s->n >= s->most || s->text.n + n_name > 16 * s->most)
        return bad("shared values unfold to too many tensors");
    vl_stored *t = &s->tensors[s->n];
    *t = (vl_stored){.big_endian = s->big_endian};
    status = check(s, t, from);
    if (status != VIOLET_OK) return vl_err_at(status, "tensor '%.200s'", name);
    s->name_at[s->n++] = s->text.n;
    return vl_buf_append(&s->text, name, n_name);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static violet_status walk(torch_names *s, const vl_value *v);

/* Goes into a value under one more part of the path. */
static violet_status walk_into(torch_names *s, const char *part, size_t n, const vl_value *v)
{
    size_t before = s->path.n;
    violet_status status = VIOLET_OK;
    if (memchr(part, 0, n)) return bad("a name with a zero byte");
    if ((s->spelled += n) > 64 * s->most) return bad("shared names unfold to too many");
    if (before) status = vl_buf_putc(&s->path, '.');
    if (status == VIOLET_OK) status = vl_buf_append(&s->path, part, n);
    if (status == VIOLET_OK) status = walk(s, v);
    if (s->path.data) s->path.data[s->path.n = before] = 0;
    return status;
}

static violet_status walk_number(torch_names *s, int64_t i, const vl_value *v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)i);
    return walk_into(s, text, (size_t)n, v);
}

/* except: names to leave out (a set), or NULL. */
static violet_status walk_dict(torch_names *s, const vl_value *d, const vl_value *except)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < vl_value_n(d) && status == VIOLET_OK; i++) {
        const vl_value *key = vl_dict_key(d, i), *v = vl_value_at(d, i);
        size_t n;
        int64_t number = (int64_t)i;
        const char *text = vl_value_str(&n, key);
        bool left_out = text && vl_dict_find(d, text, n) != v; /* set again later */
        for (size_t k = 0; text && k < vl_value_n(except) && k < 256; k++) {
            size_t n_other;
            const char *other = vl_value_str(&n_other, vl_value_at(except, k));
            left_out |= other && n_other == n && memcmp(other, text, n) == 0;
        }
        if (left_out) continue;
        (void)vl_value_int(&number, key);
        status = text ? walk_into(s, text, n, v) : walk_number(s, number, v);
    }
    return status;
}

static violet_status walk_module(torch_names *s, const vl_value *v)
{
    violet_status status = walk_dict(s, attribute(v, "_parameters"), NULL);
    if (status == VIOLET_OK)
        status = walk_dict(s, attribute(v, "_buffers"),
                           attribute(v, "_non_persistent_buffers_set"));
    return status == VIOLET_OK ? walk_dict(s, attribute(v, "_modules"), NULL) : status;
}

static violet_status walk_value(torch_names *s, const vl_value *v)
{
    violet_status status = VIOLET_OK;
    switch (vl_value_kind(v)) {
    case VL_FOREIGN:
        return vl_torch_tensor_of(v) ? add(s, vl_torch_tensor_of(v)) : VIOLET_OK;
    case VL_DICT:
        return walk_dict(s, v, NULL);
    case VL_LIST:
    case VL_TUPLE:
    case VL_SET:
        for (size_t i = 0; i < vl_value_n(v) && status == VIOLET_OK; i++)
            status = walk_number(s, (int64_t)i, vl_value_at(v, i));
        return status;
    case VL_OBJECT:
        if (is_module(v)) return walk_module(s, v);
        status = walk(s, vl_object_state(v));
        return status == VIOLET_OK ? walk(s, vl_object_items(v)) : status;
    default:
        return VIOLET_OK;
    }
}

static violet_status walk(torch_names *s, const vl_value *v)
{
    bool is_top = v && v == s->top && s->last == 0 && strcmp(s->path.n ? s->path.data : "",
                                                             s->prefix) == 0;
    if (is_top) s->first = s->n;
    violet_status status = walk_value(s, v);
    if (is_top) s->last = s->n;
    return status;
}

/* ---- what wraps the state -------------------------------------------------------------------- */

static bool has_tensor(const vl_value *v)
{
    if (vl_torch_tensor_of(v)) return true;
    if (vl_value_kind(v) == VL_OBJECT)
        return has_tensor(vl_object_state(v)) || has_tensor(vl_object_items(v));
    for (size_t i = 0; i < vl_value_n(v); i++)
        if (has_tensor(vl_value_at(v, i))) return true;
    return false;
}

/* The pair of a dictionary that wraps the state, -1: none does. It is the one with a name that says
 * so, or the only one with tensors in it where all of them are further down. */
static long wrapping_pair(const vl_value *d)
{
    static const char *const known[] = {"state_dict", "model_state_dict", "model", "module", "net"};
    const int n_known = sizeof known / sizeof *known;
    long found = -1;
    int rank = n_known, n = 0;
    for (size_t i = 0; i < vl_value_n(d); i++) {
        const vl_value *v = vl_value_at(d, i);
        bool direct = vl_torch_tensor_of(v) != NULL;
        n += direct ? 2 : 0;
        if (direct || vl_value_kind(vl_dict_key(d, i)) != VL_STR || !has_tensor(v)) continue;
        n++;
        int r = 0;
        while (r < n_known && !vl_value_is(vl_dict_key(d, i), known[r])) r++;
        if (r < rank || found < 0) found = (long)i;
        if (r < rank) rank = r;
    }
    return n == 1 || rank < n_known ? found : -1;
}

/* Goes down to the state; the path to it becomes the prefix, without a dot behind. */
static void unwrap(torch_names *s, const vl_value *root)
{
    s->top = root;
    while (vl_value_kind(s->top) == VL_DICT) {
        size_t n, n_prefix = strlen(s->prefix);
        long i = wrapping_pair(s->top);
        const vl_value *inner = i < 0 ? NULL : vl_value_at(s->top, (size_t)i);
        const char *key = vl_value_str(&n, vl_dict_key(s->top, (size_t)i));
        if (vl_value_kind(inner) != VL_DICT && vl_value_kind(inner) != VL_OBJECT) return;
        if (n == 0 || n_prefix + n + 2 > sizeof s->prefix / 2 || memchr(key, 0, n)) return;
        snprintf(s->prefix + n_prefix, sizeof s->prefix - n_prefix, "%s%.*s", n_prefix ? "." : "",
                 (int)n, key);
        s->top = inner;
    }
}

/* Adds what all names of the wrapped part begin with, if it is a wrapper's and not all of one. */
static bool extend_prefix(torch_names *s, const char *with)
{
    size_t n = strlen(s->prefix), m = strlen(with);
    if (s->last == s->first || n + m + 1 > sizeof s->prefix) return false;
    for (size_t i = s->first; i < s->last; i++) {
        const char *rest = s->text.data + s->name_at[i] + n;
        if (!vl_str_begins(rest, with) || !rest[m]) return false;
    }
    memcpy(s->prefix + n, with, m + 1);
    return true;
}

/* Ends the prefix with a '.', if each name of the wrapped part goes on behind one. */
static bool add_dot(torch_names *s)
{
    size_t n = strlen(s->prefix);
    if (n + 2 > sizeof s->prefix) return false;
    strcat(s->prefix, ".");
    for (size_t i = s->first; i < s->last; i++) {
        const char *name = s->text.data + s->name_at[i];
        if (strncmp(name, s->prefix, n + 1) != 0 || !name[n + 1]) return false;
    }
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(vl_stored *const *)a)->name, (*(vl_stored *const *)b)->name);
}

/* Gives every tensor its name, n_cut characters of the wrapped part's cut off, and sorts. NULL, or
 * a name that two have. */
static const char *set_names(torch_names *s, size_t n_cut)
{
    for (size_t i = 0; i < s->n; i++) {
        bool inside = i >= s->first && i < s->last;
        s->tensors[i].name = s->text.data + s->name_at[i] + (inside ? n_cut : 0);
        s->sorted[i] = &s->tensors[i];
    }
    qsort(s->sorted, s->n, sizeof *s->sorted, by_name);
    for (size_t i = 1; i < s->n; i++)
        if (strcmp(s->sorted[i - 1]->name, s->sorted[i]->name) == 0) return s->sorted[i]->name;
    return NULL;
}

static void name_class(torch_names *s)
{
    const char *module, *name;
    size_t n_module, n_name;
    if (!vl_object_class(&module, &n_module, &name, &n_name, s->top)) return;
    snprintf(s->class, sizeof s->class, "%.*s.%.*s", (int)(n_module < 120 ? n_module : 120), module,
             (int)(n_name < 120 ? n_name : 120), name);
}

violet_status vl_torch_names_make(torch_names *s, const vl_value *root)
{
    unwrap(s, root);
    name_class(s);
    violet_status status = walk(s, root);
    if (status != VIOLET_OK || s->n == 0) return s->prefix[0] = 0, status;
    if (s->last <= s->first) s->first = 0, s->last = s->n, s->prefix[0] = 0;
    if (s->prefix[0] && !add_dot(s)) s->first = 0, s->last = s->n, s->prefix[0] = 0;
    while (extend_prefix(s, "module.") || extend_prefix(s, "_orig_mod.")) {}
    s->sorted = calloc(s->n, sizeof *s->sorted);
    if (!s->sorted) return vl_err_nomem();
    const char *twice = set_names(s, strlen(s->prefix));
    if (twice && s->prefix[0]) { /* the cut did it */
        s->prefix[0] = 0;
        twice = set_names(s, 0);
    }
    if (twice) return vl_err(VIOLET_EFORMAT, "tensor '%.200s' is there twice", twice);
    return VIOLET_OK;
}

void vl_torch_names_release(torch_names *s)
{
    free(s->tensors);
    free(s->sorted);
    free(s->name_at);
    vl_buf_free(&s->text);
    vl_buf_free(&s->path);
}

const vl_stored *vl_torch_names_find(const torch_names *s, const char *name)
{
    vl_stored wanted = {.name = name}, *key = &wanted;
    if (!s->sorted) return NULL;
    vl_stored **found = bsearch(&key, s->sorted, s->n, sizeof *s->sorted, by_name);
    return found ? *found : NULL;
}
