/* See tensor_names.h. */
#include "task/tensor_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "model/checkpoint.h"
#include "model/load_values.h"

/* ---- second names ---------------------------------------------------------------------------- */

typedef struct entry {
    const vl_stored *t;
    bool second; /* the bias's, by its name */
    size_t i;    /* in the file's order */
} entry;

size_t vl_tensor_number(const vl_tensors *f, const vl_stored *t)
{
    return (size_t)(t - vl_tensors_at(f, 0));
}

const vl_stored *vl_tensor_bias(const vl_tensors *f, const vl_stored *t)
{
    char name[VL_TENSOR_NAME];
    return vl_checkpoint_first_name(name, sizeof name, t->name) ? vl_tensors_find(f, name) : NULL;
}

static int order(const void *x, const void *y, size_t n)
{
    return memcmp(x, y, n);
}

/* By place and shape: what is the same tensor stands together. */
static int compare(const vl_stored *a, const vl_stored *b)
{
    int c;
    if (a->data != b->data) return a->data < b->data ? -1 : 1;
    if (a->dtype != b->dtype) return a->dtype < b->dtype ? -1 : 1;
    if (a->n_dim != b->n_dim) return a->n_dim < b->n_dim ? -1 : 1;
    if ((c = order(a->shape, b->shape, (size_t)a->n_dim * sizeof *a->shape)) != 0) return c;
    return order(a->stride, b->stride, (size_t)a->n_dim * sizeof *a->stride);
}

static int by_place(const void *x, const void *y)
{
    const entry *a = x, *b = y;
    int c = compare(a->t, b->t);
    if (c) return c;
    if (a->second != b->second) return a->second ? 1 : -1;
    return a->i < b->i ? -1 : 1;
}

/* Groups of what is the same tensor, each named by its first: a second name only where all are. */
static void group(vl_tensor_names *n, entry *list)
{
    qsort(list, n->n, sizeof *list, by_place);
    for (size_t k = 0, first = 0; k < n->n; k++) {
        /* those without elements share nothing */
        if (list[k].t->n == 0 || compare(list[first].t, list[k].t) != 0) first = k;
        n->first[list[k].i] = list[first].i;
    }
}

/* A decoder's bias that is a tensor of its own, with the same values, goes to the bias's group, and
 * what was in its own comes along. The bias's group has a first name of another ending, so it is
 * never moved itself: one step leads there. */
static violet_status join_biases(vl_tensor_names *n, const vl_tensors *f)
{
    bool same;
    for (size_t i = 0; i < n->n; i++) {
        const vl_stored *t = vl_tensors_at(f, i), *bias = vl_tensor_bias(f, t);
        if (!bias || n->first[i] != i) continue;
        violet_status status = vl_values_same(&same, f, bias, f, t);
        if (status != VIOLET_OK) return status;
        if (same) n->first[i] = n->first[vl_tensor_number(f, bias)];
    }
    for (size_t i = 0; i < n->n; i++) n->first[i] = n->first[n->first[i]];
    return VIOLET_OK;
}

violet_status vl_tensor_names_init(vl_tensor_names *n, const vl_tensors *f)
{
    char name[VL_TENSOR_NAME];
    n->n = vl_tensors_n(f);
    n->layout = vl_layout_find(f);
    n->first = calloc(n->n + 1, sizeof *n->first);
    entry *list = calloc(n->n + 1, sizeof *list);
    violet_status status = n->first && list ? VIOLET_OK : vl_err_nomem();
    for (size_t i = 0; i < n->n && status == VIOLET_OK; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        list[i] = (entry){t, vl_checkpoint_first_name(name, sizeof name, t->name), i};
    }
    if (status == VIOLET_OK) group(n, list);
    if (status == VIOLET_OK) status = join_biases(n, f);
    free(list);
    if (status != VIOLET_OK) vl_tensor_names_release(n);
    return status;
}

void vl_tensor_names_release(vl_tensor_names *n)
{
    free(n->first);
    *n = (vl_tensor_names){0};
}

/* ---- models and their parts ------------------------------------------------------------------ */

/* By the published name. */
static const char *known_part(const char *name)
{
    static const struct {
        const char *prefix, *part;
    } parts[] = {
        {VL_NAME_MOMENTS, "moments of AdamW"},
        {"enc_img.swin.", "video encoder"}, {"enc_", "embeddings"},
        {"trsfr.", "encoder"},         {"fc.", "heads"},                   {"fc_mtm.", "heads"},
        {"fc_mvm.", "heads"},          {"dual.", "heads"},                {"blocks.", "dVAE"},
        {"encoder/", "dVAE encoder"},  {"decoder/", "dVAE decoder"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (vl_str_begins(name, parts[i].prefix)) return parts[i].part;
    return NULL;
}

const char *vl_tensor_part(char text[64], const vl_tensor_names *names, const char *name)
{
    vl_layout_name to;
    const char *part = known_part(name);
    if (part) return part;
    if (names->layout) switch (vl_layout_map(&to, names->layout, name)) {
    case VL_NAME_PARAM: part = known_part(to.param); break;
    case VL_NAME_IGNORED: part = to.why; break;
    case VL_NAME_UNKNOWN: break;
    }
    if (part) return part;
    size_t n = strcspn(name, "./");
    snprintf(text, 64, "%.*s", n < 60 ? (int)n : 60, name);
    return text;
}

const char *vl_tensors_model(const vl_tensors *f, const vl_tensor_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (vl_str_ends(vl_tensors_at(f, i)->name, "blocks.input.w")) return "dVAE";
    return names->layout ? vl_layout_title(names->layout) : NULL;
}
