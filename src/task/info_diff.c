/* See info_diff.h. */
#include "task/info_diff.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "task/info_internal.h"
#include "task/tensor_names.h"
#include "task/tensor_values.h"

/* Names that a summary lists of each kind. */
#define SHORT_LIST 5

typedef struct side {
    vl_tensors *f;
    vl_tensor_names names;
} side;

typedef enum fate { ONLY_A, ONLY_B, SHAPE, TYPE, VALUES, EQUAL, SECOND, FATES } fate;

static const char *const fate_names[FATES] = {
    "only in a", "only in b", "other shape", "other type", "other values", "equal", "second names",
};

typedef struct diff {
    json_t *rows[FATES]; /* of what differs */
    size_t n[FATES];
} diff;

static violet_status side_open(side *s, const char *path)
{
    *s = (side){0};
    violet_status status = vl_tensors_open(&s->f, path);
    return status == VIOLET_OK ? vl_tensor_names_init(&s->names, s->f) : status;
}

static void side_close(side *s)
{
    vl_tensor_names_release(&s->names);
    if (s->f) vl_tensors_close(s->f);
}

static bool same_shape(const vl_stored *a, const vl_stored *b)
{
    return a->n_dim == b->n_dim &&
           memcmp(a->shape, b->shape, (size_t)a->n_dim * sizeof *a->shape) == 0;
}

static json_t *shape_of(const vl_stored *t)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->n_dim; i++) json_array_append_new(shape, json_integer(t->shape[i]));
    return shape;
}

static json_t *new_row(diff *d, fate what, const char *name)
{
    d->n[what]++;
    json_t *row = json_object();
    vl_info_set(row, "name", vl_info_name(name));
    json_array_append_new(d->rows[what], row);
    return row;
}

static void add_values(json_t *row, const vl_tensor_difference *v)
{
    vl_info_set(row, "largest", json_real(v->largest));
    vl_info_set(row, "relative", isfinite(v->relative) ? json_real(v->relative) : NULL);
    if (v->not_finite) vl_info_set(row, "not finite", json_integer((json_int_t)v->not_finite));
}

static violet_status compare(diff *d, const side *in_a, const vl_stored *a, const side *in_b,
                             const vl_stored *b)
{
    vl_tensor_difference v;
    json_t *row;
    if (!same_shape(a, b)) {
        row = new_row(d, SHAPE, a->name);
        vl_info_set(row, "a", shape_of(a));
        vl_info_set(row, "b", shape_of(b));
        return VIOLET_OK;
    }
    violet_status status = vl_tensor_compare(&v, in_a->f, a, in_b->f, b);
    if (status != VIOLET_OK) return status;
    if (v.same_bits) {
        d->n[EQUAL]++;
        return VIOLET_OK;
    }
    row = new_row(d, a->dtype == b->dtype ? VALUES : TYPE, a->name);
    if (a->dtype != b->dtype) {
        vl_info_set(row, "a", json_string(vl_dtype_word(a->dtype)));
        vl_info_set(row, "b", json_string(vl_dtype_word(b->dtype)));
    }
    add_values(row, &v);
    return VIOLET_OK;
}

/* Tensor i of `here`, which the other file has not. */
static void only_here(diff *d, fate what, const side *here, size_t i, const side *there)
{
    const vl_stored *t = vl_tensors_at(here->f, i), *first = here->names.first[i];
    if (first != t && vl_tensors_find(there->f, first->name)) {
        d->n[SECOND]++;
        return;
    }
    json_t *row = new_row(d, what, t->name);
    vl_info_set(row, "type", json_string(vl_dtype_word(t->dtype)));
    vl_info_set(row, "shape", shape_of(t));
}

static violet_status compare_all(diff *d, const side *a, const side *b)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < a->names.n && status == VIOLET_OK; i++) {
        const vl_stored *t = vl_tensors_at(a->f, i), *other = vl_tensors_find(b->f, t->name);
        if (other)
            status = compare(d, a, t, b, other);
        else
            only_here(d, ONLY_A, a, i, b);
    }
    for (size_t i = 0; i < b->names.n && status == VIOLET_OK; i++)
        if (!vl_tensors_find(a->f, vl_tensors_at(b->f, i)->name)) only_here(d, ONLY_B, b, i, a);
    return status;
}

/* ---- told ------------------------------------------------------------------------------------ */

/* The largest of the largest differences, and which tensor has it. */
static void add_worst(json_t *o, const diff *d)
{
    size_t i;
    json_t *row, *worst = NULL;
    double most = -1;
    for (int k = TYPE; k <= VALUES; k++)
        json_array_foreach(d->rows[k], i, row)
        {
            double x = json_real_value(json_object_get(row, "largest"));
            if (x > most) most = x, worst = row;
        }
    if (!worst) return;
    vl_info_set(o, "largest difference", json_real(most));
    json_object_set(o, "in", json_object_get(worst, "name"));
}

static void cut(json_t *rows, size_t most)
{
    size_t n = json_array_size(rows);
    if (n <= most) return;
    while (json_array_size(rows) > most) json_array_remove(rows, json_array_size(rows) - 1);
    char text[64];
    snprintf(text, sizeof text, "... and %zu more (--verbose lists all)", n - most);
    json_t *row = json_object();
    vl_info_set(row, "name", json_string(text));
    json_array_append_new(rows, row);
}

static json_t *tell(const diff *d, const char *a, const char *b, bool differ, int flags)
{
    json_t *o = json_object(), *counts = json_object();
    vl_info_set(o, "file", vl_info_name(a));
    vl_info_set(o, "kind", json_string(differ ? "differs" : "has the same tensors"));
    vl_info_set(o, "other", vl_info_name(b));
    for (int k = 0; k < FATES; k++)
        if (d->n[k] || k == EQUAL) vl_info_set(counts, fate_names[k],
                                               json_integer((json_int_t)d->n[k]));
    vl_info_set(o, "tensors", counts);
    add_worst(o, d);
    for (int k = 0; k < EQUAL; k++) {
        if (!d->n[k]) continue;
        if (!(flags & (VIOLET_INFO_VERBOSE | VIOLET_INFO_JSON))) cut(d->rows[k], SHORT_LIST);
        json_object_set(o, fate_names[k], d->rows[k]);
    }
    return o;
}

violet_status vl_info_diff(vl_buf *out, bool *differ, const char *path_a, const char *path_b,
                           int flags)
{
    diff d = {0};
    side a = {0}, b = {0};
    json_t *o = NULL;
    for (int k = 0; k < FATES; k++) d.rows[k] = json_array();
    violet_status status = side_open(&a, path_a);
    if (status == VIOLET_OK) status = side_open(&b, path_b);
    if (status == VIOLET_OK) status = compare_all(&d, &a, &b);
    if (status == VIOLET_OK) {
        *differ = d.n[ONLY_A] + d.n[ONLY_B] + d.n[SHAPE] + d.n[TYPE] + d.n[VALUES] > 0;
        o = tell(&d, path_a, path_b, *differ, flags);
        status = o ? vl_info_print(out, o, flags) : vl_err_nomem();
    }
    json_decref(o);
    for (int k = 0; k < FATES; k++) json_decref(d.rows[k]);
    side_close(&b);
    side_close(&a);
    return status;
}
