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
    vl_info_tree tree;
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

static json_t *shape_of(vl_info_tree *j, const vl_stored *t)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->n_dim; i++) vl_info_add(j, shape, json_integer(t->shape[i]));
    return shape;
}

/* To be filled, then given to add_row. */
static json_t *new_row(diff *d, const char *name)
{
    json_t *row = json_object();
    vl_info_set(&d->tree, row, "name", vl_info_name(name));
    return row;
}

static void add_row(diff *d, fate what, json_t *row)
{
    d->n[what]++;
    vl_info_add(&d->tree, d->rows[what], row);
}

static void add_values(vl_info_tree *j, json_t *row, const vl_tensor_difference *v)
{
    vl_info_set(j, row, "largest", vl_info_real(v->largest));
    vl_info_set(j, row, "relative", vl_info_real(v->relative));
    if (v->not_finite) vl_info_set(j, row, "not finite", json_integer((json_int_t)v->not_finite));
}

static violet_status compare(diff *d, const side *in_a, const vl_stored *a, const side *in_b,
                             const vl_stored *b)
{
    vl_tensor_difference v;
    json_t *row;
    vl_info_tree *j = &d->tree;
    if (!same_shape(a, b)) {
        row = new_row(d, a->name);
        vl_info_set(j, row, "a", shape_of(j, a));
        vl_info_set(j, row, "b", shape_of(j, b));
        add_row(d, SHAPE, row);
        return VIOLET_OK;
    }
    violet_status status = vl_tensor_compare(&v, in_a->f, a, in_b->f, b);
    if (status != VIOLET_OK) return status;
    if (v.same_bits) {
        d->n[EQUAL]++;
        return VIOLET_OK;
    }
    row = new_row(d, a->name);
    if (a->dtype != b->dtype) {
        vl_info_set(j, row, "a", json_string(vl_dtype_word(a->dtype)));
        vl_info_set(j, row, "b", json_string(vl_dtype_word(b->dtype)));
    }
    add_values(j, row, &v);
    add_row(d, a->dtype == b->dtype ? VALUES : TYPE, row);
    return VIOLET_OK;
}

/* Tensor i of `here`, which the other file has not. */
static void only_here(diff *d, fate what, const side *here, size_t i, const side *there)
{
    const vl_stored *t = vl_tensors_at(here->f, i);
    const vl_stored *first = vl_tensors_at(here->f, here->names.first[i]);
    if (first != t && vl_tensors_find(there->f, first->name)) {
        d->n[SECOND]++;
        return;
    }
    json_t *row = new_row(d, t->name);
    vl_info_set(&d->tree, row, "type", json_string(vl_dtype_word(t->dtype)));
    vl_info_set(&d->tree, row, "shape", shape_of(&d->tree, t));
    add_row(d, what, row);
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
static void add_worst(diff *d)
{
    size_t i;
    json_t *row, *worst = NULL;
    vl_info_tree *j = &d->tree;
    double most = -1;
    for (int k = TYPE; k <= VALUES; k++)
        json_array_foreach(d->rows[k], i, row)
        {
            double x = json_real_value(json_object_get(row, "largest"));
            if (x > most) most = x, worst = row;
        }
    if (!worst) return;
    vl_info_set(j, j->root, "largest difference", json_real(most));
    vl_info_set(j, j->root, "in", json_incref(json_object_get(worst, "name")));
}

static void cut(vl_info_tree *j, json_t *rows, size_t most)
{
    size_t n = json_array_size(rows);
    if (n <= most) return;
    while (json_array_size(rows) > most) json_array_remove(rows, json_array_size(rows) - 1);
    char text[64];
    snprintf(text, sizeof text, "... and %zu more (--verbose lists all)", n - most);
    json_t *row = json_object();
    vl_info_set(j, row, "name", json_string(text));
    vl_info_add(j, rows, row);
}

static void tell(diff *d, const char *a, const char *b, bool differ, int flags)
{
    vl_info_tree *j = &d->tree;
    json_t *o = j->root = json_object(), *counts = json_object();
    vl_info_set(j, o, "file", vl_info_name(a));
    vl_info_set(j, o, "kind", json_string(differ ? "differs" : "has the same tensors"));
    vl_info_set(j, o, "other", vl_info_name(b));
    for (int k = 0; k < FATES; k++)
        if (d->n[k] || k == EQUAL)
            vl_info_set(j, counts, fate_names[k], json_integer((json_int_t)d->n[k]));
    vl_info_set(j, o, "tensors", counts);
    add_worst(d);
    for (int k = 0; k < EQUAL; k++) {
        if (!d->n[k]) continue;
        if (!(flags & (VIOLET_INFO_VERBOSE | VIOLET_INFO_JSON))) cut(j, d->rows[k], SHORT_LIST);
        vl_info_set(j, o, fate_names[k], json_incref(d->rows[k]));
    }
}

violet_status vl_info_diff(vl_buf *out, bool *differ, const char *path_a, const char *path_b,
                           int flags)
{
    diff d = {0};
    side a = {0}, b = {0};
    for (int k = 0; k < FATES; k++) d.rows[k] = json_array();
    violet_status status = side_open(&a, path_a);
    if (status == VIOLET_OK) status = side_open(&b, path_b);
    if (status == VIOLET_OK) status = compare_all(&d, &a, &b);
    if (status == VIOLET_OK) {
        *differ = d.n[ONLY_A] + d.n[ONLY_B] + d.n[SHAPE] + d.n[TYPE] + d.n[VALUES] > 0;
        tell(&d, path_a, path_b, *differ, flags);
        status = vl_info_print(out, &d.tree, flags);
    }
    json_decref(d.tree.root);
    for (int k = 0; k < FATES; k++) json_decref(d.rows[k]);
    side_close(&b);
    side_close(&a);
    return status;
}
