/* The pickle document: arena, the walk that makes it safe, its hash index, look-ups; see pickle.h.
 *
 * Opening runs the stack machine (pickle_read.c), then walks the tree from the root once: that walk
 * refuses cycles, depth and explosive sharing. Dictionaries are indexed last, when they no longer
 * change. */
#include "file/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "file/pickle_doc.h"

#define CHUNK_BYTES ((size_t)1 << 18)
#define INDEX_FROM 8 /* pairs; fewer are searched one by one */

struct vl_chunk {
    struct vl_chunk *next;
    uint64_t pad; /* keeps what follows aligned to 16 */
};

enum { UNSEEN, OPEN, DONE };

void *vl_pickle_alloc(vl_pickle *doc, size_t n)
{
    if (n > doc->limit - doc->used) {
        doc->alloc_status = vl_err(VIOLET_EFORMAT, "values take more than %zu bytes", doc->limit);
        return NULL;
    }
    n = (n + 7) & ~(size_t)7;
    if (n > (size_t)(doc->free_end - doc->free_at)) {
        size_t bytes = n > CHUNK_BYTES / 8 ? n : CHUNK_BYTES;
        struct vl_chunk *c = malloc(sizeof *c + bytes);
        if (!c) {
            doc->alloc_status = vl_err_nomem();
            return NULL;
        }
        c->next = doc->chunks;
        doc->chunks = c;
        if (bytes == n) { /* large: a chunk of its own, the present one goes on */
            doc->used += n;
            return memset(c + 1, 0, n);
        }
        doc->free_at = (uint8_t *)(c + 1);
        doc->free_end = doc->free_at + bytes;
    }
    void *p = doc->free_at;
    doc->free_at += n;
    doc->used = n > doc->limit - doc->used ? doc->limit : doc->used + n;
    return memset(p, 0, n);
}

violet_status vl_pickle_nomem(const vl_pickle *doc)
{
    return doc->alloc_status;
}

void *vl_pickle_user(const vl_pickle *doc)
{
    return doc->options.user;
}

vl_value *vl_pickle_value(vl_pickle *doc, vl_kind kind)
{
    vl_value *v = vl_pickle_alloc(doc, sizeof *v);
    if (v) v->kind = (uint8_t)kind;
    return v;
}

vl_value *vl_pickle_int(vl_pickle *doc, int64_t i)
{
    vl_value **small = i >= -1 && i <= 255 ? &doc->small[i + 1] : NULL;
    if (small && *small) return *small;
    vl_value *v = vl_pickle_value(doc, VL_INT);
    if (v) v->u.i = i;
    if (small) *small = v;
    return v;
}

/* Short strings are copied: keys then lie together instead of one in each picture's page. */
vl_value *vl_pickle_bytes_value(vl_pickle *doc, vl_kind kind, const void *s, size_t n)
{
    if (n > UINT32_MAX) {
        doc->alloc_status = vl_err(VIOLET_EUNSUPPORTED, "string of %zu bytes, expected < 4 GiB", n);
        return NULL;
    }
    char *copy = n && n <= 40 ? vl_pickle_alloc(doc, n) : NULL;
    if (n && n <= 40 && !copy) return NULL;
    vl_value *v = vl_pickle_value(doc, kind);
    if (!v) return NULL;
    v->n = (uint32_t)n;
    v->u.s = copy ? memcpy(copy, s, n) : n ? s : "";
    return v;
}

vl_value *vl_pickle_items(vl_pickle *doc, vl_kind kind)
{
    vl_value *v = vl_pickle_value(doc, kind);
    struct vl_items *items = v ? vl_pickle_alloc(doc, sizeof *items) : NULL;
    if (!items) return NULL;
    v->u.items = items;
    if (kind == VL_DICT) {
        items->next_dict = doc->dicts;
        doc->dicts = v;
    }
    return v;
}

/* A dict's n counts pairs: the key stands where the pair will be, the value completes it. */
violet_status vl_pickle_append(vl_pickle *doc, vl_value *to, vl_value *item)
{
    struct vl_items *items = to->u.items;
    bool dict = to->kind == VL_DICT;
    uint32_t at = dict ? 2 * to->n + (to->flag >> 7) : to->n;
    if (at >= UINT32_MAX / 4) return vl_err(VIOLET_EUNSUPPORTED, "more than 2^30 items");
    if (at == items->cap) {
        uint32_t cap = items->cap ? items->cap * 2 : 4;
        vl_value **more = vl_pickle_alloc(doc, cap * sizeof *more);
        if (!more) return doc->alloc_status;
        if (at) memcpy(more, items->at, at * sizeof *more);
        items->at = more;
        items->cap = cap;
    }
    items->at[at] = item;
    if (dict) to->flag ^= 0x80;
    if (!dict || !(to->flag & 0x80)) to->n++;
    return VIOLET_OK;
}

/* ---- the walk -------------------------------------------------------------------------------- */

struct walk {
    uint64_t limit;
};

static violet_status visit(const struct walk *w, vl_value *v, int depth, uint64_t *unfolded);

static violet_status visit_each(const struct walk *w, vl_value *v, vl_value *const *at, size_t n,
                                int depth, uint64_t *unfolded)
{
    uint64_t sum = 1;
    v->seen = OPEN;
    for (size_t i = 0; i < n; i++) {
        uint64_t below = 0;
        if (!at[i]) continue;
        violet_status status = visit(w, at[i], depth + 1, &below);
        if (status != VIOLET_OK) return status;
        sum += below;
        if (sum > w->limit)
            return vl_err(VIOLET_EFORMAT, "shared values unfold to more than %llu",
                          (unsigned long long)w->limit);
        if (at[i]->height >= v->height) v->height = (uint8_t)(at[i]->height + 1);
    }
    v->seen = DONE;
    *unfolded = sum;
    return VIOLET_OK;
}

static violet_status visit(const struct walk *w, vl_value *v, int depth, uint64_t *unfolded)
{
    uint32_t *kept = NULL;
    vl_value *const *at = NULL;
    size_t n = v->n;
    switch (v->kind) {
    case VL_LIST:
    case VL_SET:
    case VL_DICT:
        kept = &v->u.items->unfolded;
        at = v->u.items->at;
        if (v->kind == VL_DICT) n *= 2;
        break;
    case VL_TUPLE:
        kept = &v->u.tuple.unfolded;
        at = vl_tuple_items(v);
        break;
    case VL_OBJECT:
        kept = &v->n;
        at = v->u.object->part;
        n = 3;
        break;
    default:
        *unfolded = 1;
        return VIOLET_OK;
    }
    if (v->seen == OPEN) return vl_err(VIOLET_EFORMAT, "a value contains itself");
    if (depth + v->height >= VL_PICKLE_DEPTH)
        return vl_err(VIOLET_EFORMAT, "values nested deeper than %d", VL_PICKLE_DEPTH);
    if (v->seen == DONE) {
        *unfolded = *kept;
        return VIOLET_OK;
    }
    violet_status status = visit_each(w, v, at, n, depth, unfolded);
    *kept = (uint32_t)*unfolded; /* the limit keeps it in 32 bits */
    return status;
}

/* ---- the index ------------------------------------------------------------------------------- */

static bool is_key(const vl_value *k, const char *s, size_t n)
{
    return k->kind == VL_STR && k->n == n && memcmp(k->u.s, s, n) == 0;
}

/* Where the key stands or would stand; counts steps. */
static uint32_t *slot(const struct vl_items *d, const char *s, size_t n, uint64_t *steps)
{
    uint32_t i = (uint32_t)vl_hash_string(s, n) & (d->n_index - 1);
    while (d->index[i] && !is_key(d->at[2 * (d->index[i] - 1)], s, n)) {
        i = (i + 1) & (d->n_index - 1);
        ++*steps;
    }
    return &d->index[i];
}

/* A long key may stand in any number of dictionaries: *spelled adds up. */
static violet_status index_dict(vl_pickle *doc, vl_value *v, uint64_t *spelled)
{
    struct vl_items *d = v->u.items;
    uint32_t n_index = 16;
    uint64_t steps = 0;
    if (v->n < INDEX_FROM) return VIOLET_OK;
    while (n_index < 2 * v->n) n_index *= 2;
    d->index = vl_pickle_alloc(doc, n_index * sizeof *d->index);
    if (!d->index) return doc->alloc_status;
    d->n_index = n_index;
    for (uint32_t i = 0; i < v->n; i++) {
        const vl_value *k = d->at[2 * i];
        if (k->kind != VL_STR) continue;
        if ((*spelled += k->n) > 65536 + 64 * (uint64_t)doc->consumed)
            return vl_err(VIOLET_EFORMAT, "shared keys unfold to more than %llu bytes",
                          65536 + 64 * (unsigned long long)doc->consumed);
        *slot(d, k->u.s, k->n, &steps) = i + 1;
        if (steps > 64 * (uint64_t)i + 65536) /* keys made to collide would cost n^2 */
            return vl_err(VIOLET_EFORMAT, "dictionary of %u keys that collide", v->n);
    }
    return VIOLET_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static violet_status start(vl_pickle *doc)
{
    doc->none = vl_pickle_value(doc, VL_NONE);
    doc->yes = vl_pickle_value(doc, VL_BOOL);
    doc->no = vl_pickle_value(doc, VL_BOOL);
    doc->empty_tuple = vl_pickle_value(doc, VL_TUPLE);
    if (!doc->none || !doc->yes || !doc->no || !doc->empty_tuple) return doc->alloc_status;
    doc->yes->flag = 1;
    return VIOLET_OK;
}

static violet_status read_document(vl_pickle *doc)
{
    violet_status status;
    uint64_t unfolded, spelled = 0;
    if ((status = start(doc)) != VIOLET_OK) return status;
    if ((status = vl_pickle_run(doc)) != VIOLET_OK) return status;
    uint64_t limit = 1000 + 16 * (uint64_t)doc->consumed; /* more may follow, of a legacy .pt */
    const struct walk w = {limit < UINT32_MAX ? limit : UINT32_MAX};
    if ((status = visit(&w, doc->root, 0, &unfolded)) != VIOLET_OK) return status;
    for (vl_value *d = doc->dicts; d && status == VIOLET_OK; d = d->u.items->next_dict)
        status = index_dict(doc, d, &spelled);
    return status;
}

violet_status vl_pickle_parse(vl_pickle **out, const void *data, size_t n, const char *name,
                              const struct vl_pickle_options *options)
{
    *out = NULL;
    vl_pickle *doc = calloc(1, sizeof *doc);
    if (!doc) return vl_err_nomem();
    doc->data = data;
    doc->n = n;
    if (options) doc->options = *options;
    doc->limit = n > (SIZE_MAX >> 9) ? SIZE_MAX : ((size_t)1 << 20) + 192 * n;
    violet_status status = read_document(doc);
    if (status != VIOLET_OK) {
        vl_err_at(status, "%s", name);
        vl_pickle_close(doc);
        return status;
    }
    *out = doc;
    return VIOLET_OK;
}

violet_status vl_pickle_open(vl_pickle **out, const char *path,
                             const struct vl_pickle_options *options)
{
    vl_map map;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    status = vl_pickle_parse(out, map.data, map.n, path, options);
    if (status == VIOLET_OK)
        (*out)->map = map;
    else
        vl_map_close(&map);
    return status;
}

void vl_pickle_close(vl_pickle *doc)
{
    if (!doc) return;
    for (struct vl_chunk *c = doc->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    vl_map_close(&doc->map);
    free(doc);
}

const vl_value *vl_pickle_root(const vl_pickle *doc)
{
    return doc->root;
}

size_t vl_pickle_bytes(const vl_pickle *doc)
{
    return doc->used;
}

size_t vl_pickle_consumed(const vl_pickle *doc)
{
    return doc->consumed;
}

/* ---- accessors ------------------------------------------------------------------------------- */

const char *vl_kind_name(vl_kind kind)
{
    static const char *const names[] = {"None", "bool",  "int",  "big int", "float",  "str",
                                        "bytes", "list", "tuple", "dict",   "set",    "global",
                                        "array", "dtype", "object", "foreign object"};
    return names[kind];
}

vl_kind vl_value_kind(const vl_value *v)
{
    return v ? (vl_kind)v->kind : VL_NONE;
}

bool vl_value_int(int64_t *out, const vl_value *v)
{
    if (!v || (v->kind != VL_INT && v->kind != VL_BOOL)) return false;
    *out = v->kind == VL_BOOL ? v->flag : v->u.i;
    return true;
}

bool vl_value_float(double *out, const vl_value *v)
{
    int64_t i;
    if (v && v->kind == VL_FLOAT) {
        *out = v->u.f;
        return true;
    }
    if (!vl_value_int(&i, v)) return false;
    *out = (double)i;
    return true;
}

const char *vl_value_str(size_t *n, const vl_value *v)
{
    *n = v && v->kind == VL_STR ? v->n : 0;
    return v && v->kind == VL_STR ? v->u.s : NULL;
}

const uint8_t *vl_value_bytes(size_t *n, const vl_value *v)
{
    bool is = v && (v->kind == VL_BYTES || v->kind == VL_BIGINT);
    *n = is ? v->n : 0;
    return is ? (const uint8_t *)v->u.s : NULL;
}

bool vl_value_is(const vl_value *v, const char *text)
{
    return v && is_key(v, text, strlen(text));
}

bool vl_value_global(const char **module, size_t *n_module, const char **name, size_t *n_name,
                     const vl_value *v)
{
    if (!v || v->kind != VL_GLOBAL) return false;
    *module = v->u.global->module;
    *n_module = v->u.global->n_module;
    *name = v->u.global->name;
    *n_name = v->u.global->n_name;
    return true;
}

size_t vl_value_n(const vl_value *v)
{
    vl_kind k = vl_value_kind(v);
    return k == VL_LIST || k == VL_TUPLE || k == VL_DICT || k == VL_SET ? v->n : 0;
}

const vl_value *vl_value_at(const vl_value *v, size_t i)
{
    if (i >= vl_value_n(v)) return NULL;
    if (v->kind == VL_TUPLE) return vl_tuple_items(v)[i];
    return v->u.items->at[v->kind == VL_DICT ? 2 * i + 1 : i];
}

const vl_value *vl_dict_key(const vl_value *v, size_t i)
{
    return v && v->kind == VL_DICT && i < v->n ? v->u.items->at[2 * i] : NULL;
}

const vl_value *vl_dict_find(const vl_value *v, const char *key, size_t n)
{
    if (!v || v->kind != VL_DICT) return NULL;
    const struct vl_items *d = v->u.items;
    if (d->index) {
        uint64_t steps = 0;
        uint32_t pair = *slot(d, key, n, &steps);
        return pair ? d->at[2 * pair - 1] : NULL;
    }
    for (size_t i = v->n; i-- > 0;)
        if (is_key(d->at[2 * i], key, n)) return d->at[2 * i + 1];
    return NULL;
}
