/* See tensor_names.h. */
#include "task/tensor_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static bool ends(const char *name, const char *with)
{
    size_t n = strlen(name), m = strlen(with);
    return n >= m && strcmp(name + n - m, with) == 0;
}

/* ---- second names ---------------------------------------------------------------------------- */

/* The language head's bias, and the same under the name of its decoder. */
static const char bias[] = "predictions.bias", second_bias[] = "predictions.decoder.bias";

typedef struct entry {
    const vl_stored *t;
    bool second; /* by its name */
    size_t i;    /* in the file's order */
} entry;

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

/* `name` with its ending `from` replaced by `to`; false: it does not end so. */
static bool replace_end(char *out, size_t n_out, const char *name, const char *from,
                        const char *to)
{
    size_t head = strlen(name) - (ends(name, from) ? strlen(from) : 0);
    if (!ends(name, from) || (head > 0 && name[head - 1] != '.')) return false;
    int wrote = snprintf(out, n_out, "%.*s%s", (int)head, name, to);
    return wrote > 0 && (size_t)wrote < n_out;
}

bool vl_tensor_second_name(char *out, size_t n_out, const char *name)
{
    return replace_end(out, n_out, name, bias, second_bias);
}

static bool same_values(const vl_stored *a, const vl_stored *b)
{
    enum { PIECE = 512 };
    uint8_t x[PIECE * 8], y[PIECE * 8];
    size_t each = vl_dtype_bytes(a->dtype);
    if (a->dtype != b->dtype || a->n_dim != b->n_dim || a->n != b->n ||
        order(a->shape, b->shape, (size_t)a->n_dim * sizeof *a->shape) != 0)
        return false;
    for (size_t at = 0; at < a->n; at += PIECE) {
        size_t n = a->n - at < PIECE ? a->n - at : PIECE;
        vl_stored_bytes(x, a, at, n);
        vl_stored_bytes(y, b, at, n);
        if (memcmp(x, y, n * each) != 0) return false;
    }
    return true;
}

/* A decoder's bias that is a tensor of its own, with the same values. */
static const vl_stored *bias_of(const vl_tensors *f, const vl_stored *t)
{
    char name[512];
    if (!replace_end(name, sizeof name, t->name, second_bias, bias)) return NULL;
    const vl_stored *first = vl_tensors_find(f, name);
    return first && same_values(first, t) ? first : NULL;
}

violet_status vl_tensor_names_init(vl_tensor_names *n, const vl_tensors *f)
{
    n->n = vl_tensors_n(f);
    n->layout = vl_layout_find(f);
    n->first = calloc(n->n + 1, sizeof *n->first);
    entry *list = calloc(n->n + 1, sizeof *list);
    if (!n->first || !list) {
        free(list);
        vl_tensor_names_release(n);
        return vl_err_nomem();
    }
    for (size_t i = 0; i < n->n; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        list[i] = (entry){t, ends(t->name, second_bias), i};
    }
    qsort(list, n->n, sizeof *list, by_place);
    for (size_t k = 0, first = 0; k < n->n; k++) {
        /* those without elements share nothing */
        if (list[k].t->n == 0 || compare(list[first].t, list[k].t) != 0) first = k;
        const vl_stored *other = first == k ? bias_of(f, list[k].t) : NULL;
        n->first[list[k].i] = other ? other : list[first].t;
    }
    free(list);
    return VIOLET_OK;
}

void vl_tensor_names_release(vl_tensor_names *n)
{
    free(n->first);
    *n = (vl_tensor_names){0};
}

/* ---- models and their parts ------------------------------------------------------------------ */

bool vl_tensor_is_moment(const char *name)
{
    return begins(name, "adam.m/") || begins(name, "adam.v/");
}

/* By the published name. */
static const char *known_part(const char *name)
{
    static const struct {
        const char *prefix, *part;
    } parts[] = {
        {"adam.", "moments of AdamW"}, {"enc_img.swin.", "video encoder"}, {"enc_", "embeddings"},
        {"trsfr.", "encoder"},         {"fc.", "heads"},                   {"fc_mtm.", "heads"},
        {"fc_mvm.", "heads"},          {"dual.", "heads"},                {"blocks.", "dVAE"},
        {"encoder/", "dVAE encoder"},  {"decoder/", "dVAE decoder"},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (begins(name, parts[i].prefix)) return parts[i].part;
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
        if (ends(vl_tensors_at(f, i)->name, "blocks.input.w")) return "dVAE";
    return names->layout ? vl_layout_title(names->layout) : NULL;
}
