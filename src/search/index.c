/* A collection's index; see index.h. */
#include "search/index.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/hash.h"
#include "base/status.h"

/* No padding in either. */
typedef struct header {
    char magic[8];
    uint64_t weights, how;
    uint32_t rows, cols, width, zero;
    uint64_t n, more;
    uint64_t check; /* hash of all before */
} header;

typedef struct head {
    uint64_t check; /* hash of the rest of the record */
    uint64_t size;
    int64_t time;
    uint32_t n_name, zero;
} head;

_Static_assert(sizeof(header) == 64 && sizeof(head) == 32, "as docs/FORMATS.md has them");

static const char magic[8] = "VLSRCH1";
enum { NAME_MOST = 1 << 16 };

static size_t padded(size_t n)
{
    return (n + 7) / 8 * 8;
}

static size_t vector_bytes(const vl_search_key *k)
{
    return padded((size_t)k->width * sizeof(float));
}

static size_t tokens_bytes(const vl_search_key *k)
{
    return padded((size_t)k->rows * (size_t)k->cols * sizeof(float));
}

size_t vl_search_record_bytes(const vl_search_key *key, size_t n_name)
{
    return sizeof(head) + padded(n_name) + vector_bytes(key) + tokens_bytes(key);
}

static header header_of(const vl_search_key *k, uint64_t n)
{
    header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    h.weights = k->weights, h.how = k->how;
    h.rows = k->rows, h.cols = k->cols, h.width = k->width;
    h.n = n;
    h.check = vl_hash(0, &h, offsetof(header, check));
    return h;
}

/* ---- read ------------------------------------------------------------------------------------ */

static bool is_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* The record at `at`, of which at least the head is there. *bytes: how long it is, 0: that cannot
 * be. Whether it is as it was written. */
static bool look(vl_search_entry *e, size_t *bytes, const vl_map *map, size_t at,
                 const vl_search_key *key, bool trusted)
{
    head h;
    const uint8_t *record = map->data + at;
    memcpy(&h, record, sizeof h);
    *bytes = vl_search_record_bytes(key, h.n_name);
    if (h.n_name < 1 || h.n_name > NAME_MOST || *bytes > map->n - at) {
        *bytes = 0;
        return false;
    }
    const char *name = (const char *)record + sizeof h;
    const char *vector = name + padded(h.n_name);
    *e = (vl_search_entry){.name = name,
                           .n_name = h.n_name,
                           .size = h.size,
                           .time = h.time,
                           .vector = (const float *)(const void *)vector,
                           .tokens = (const float *)(const void *)(vector + vector_bytes(key)),
                           .record = record,
                           .record_bytes = *bytes};
    if (trusted) return true;
    return h.check == vl_hash(0, record + sizeof h.check, *bytes - sizeof h.check) &&
           is_finite(e->vector, key->width);
}

static violet_status add(vl_search_index *x, const vl_search_entry *e)
{
    uint32_t number = (uint32_t)x->n, is = number;
    if (number == UINT32_MAX) return vl_err(VIOLET_EFORMAT, "more than %u records", number);
    violet_status status = vl_grow(&x->entry, &x->cap, x->n, sizeof *x->entry, 64);
    if (status == VIOLET_OK) status = vl_index_add(&x->names, &is, e->name, e->n_name);
    if (status == VIOLET_OK && is == number) x->entry[x->n++] = *e;
    return status;
}

static violet_status read_records(vl_search_index *x, uint64_t n, const vl_search_key *key,
                                  bool trusted)
{
    size_t at = sizeof(header), bytes;
    for (uint64_t i = 0; i < n; i++, at += bytes) {
        vl_search_entry e;
        bool whole = x->map.n - at >= sizeof(head) && look(&e, &bytes, &x->map, at, key, trusted);
        if (!whole && (x->map.n - at < sizeof(head) || bytes == 0)) {
            x->n_damaged += (size_t)(n - i); /* where the next one is nobody knows */
            break;
        }
        x->n_damaged += !whole;
        violet_status status = whole ? add(x, &e) : VIOLET_OK;
        if (status != VIOLET_OK) return status;
    }
    x->damaged = x->n_damaged > 0;
    return VIOLET_OK;
}

/* An empty file is a new one; one that begins otherwise is somebody's. */
static violet_status read_all(vl_search_index *x, const char *path, const vl_search_key *key,
                              bool trusted)
{
    header h;
    const size_t n = x->map.n;
    if (memcmp(x->map.data, magic, n < sizeof magic ? n : sizeof magic) != 0)
        return vl_err(VIOLET_EINVAL, "%s: expected an index of 'violet search', it is none; name "
                      "another file", path);
    x->there = n > 0;
    x->damaged = n > 0;
    if (n < sizeof h) return VIOLET_OK;
    memcpy(&h, x->map.data, sizeof h);
    if (h.check != vl_hash(0, &h, offsetof(header, check))) return VIOLET_OK;
    x->damaged = false;
    const header want = header_of(key, h.n);
    x->other = memcmp(&h, &want, sizeof h) != 0;
    return x->other ? VIOLET_OK : read_records(x, h.n, key, trusted);
}

violet_status vl_search_index_open(vl_search_index *x, const char *path, const vl_search_key *key,
                                   bool trusted)
{
    *x = (vl_search_index){0};
    if (!vl_file_exists(path)) return VIOLET_OK;
    violet_status status = vl_map_open(&x->map, path);
    if (status != VIOLET_OK) return status;
    status = read_all(x, path, key, trusted);
    if (status != VIOLET_OK) vl_search_index_close(x);
    return status;
}

const vl_search_entry *vl_search_index_find(const vl_search_index *x, const char *name)
{
    uint32_t number;
    return vl_index_find(&x->names, &number, name, strlen(name)) ? &x->entry[number] : NULL;
}

void vl_search_index_close(vl_search_index *x)
{
    vl_index_free(&x->names);
    free(x->entry);
    if (x->map.data) vl_map_close(&x->map);
    *x = (vl_search_index){0};
}

/* ---- write ----------------------------------------------------------------------------------- */

violet_status vl_search_writer_open(vl_search_writer *w, const char *path,
                                    const vl_search_key *key)
{
    *w = (vl_search_writer){.key = *key};
    const header h = header_of(key, 0);
    violet_status status = vl_out_open(&w->out, path);
    return status == VIOLET_OK ? vl_out_write(&w->out, &h, sizeof h) : status;
}

/* Appends n bytes and the padding behind them. */
static char *pack(char *to, const void *data, size_t n)
{
    memcpy(to, data, n);
    memset(to + n, 0, padded(n) - n);
    return to + padded(n);
}

violet_status vl_search_writer_put(vl_search_writer *w, const vl_search_entry *e)
{
    const vl_search_key *k = &w->key;
    size_t bytes = vl_search_record_bytes(k, e->n_name);
    head h = {.size = e->size, .time = e->time, .n_name = e->n_name};
    if (e->n_name < 1 || e->n_name > NAME_MOST) {
        vl_out_abandon(&w->out);
        return vl_err(VIOLET_EINVAL, "a video's name of %u bytes, at most %d", e->n_name,
                      NAME_MOST);
    }
    char *record = malloc(bytes);
    if (!record) {
        vl_out_abandon(&w->out);
        return vl_err_nomem();
    }
    char *at = pack(record, &h, sizeof h);
    at = pack(at, e->name, e->n_name);
    if (k->width) at = pack(at, e->vector, (size_t)k->width * sizeof *e->vector);
    pack(at, e->tokens, (size_t)k->rows * (size_t)k->cols * sizeof *e->tokens);
    h.check = vl_hash(0, record + sizeof h.check, bytes - sizeof h.check);
    memcpy(record, &h.check, sizeof h.check);
    violet_status status = vl_out_write(&w->out, record, bytes);
    w->n += status == VIOLET_OK;
    free(record);
    return status;
}

violet_status vl_search_writer_copy(vl_search_writer *w, const vl_search_entry *e)
{
    violet_status status = vl_out_write(&w->out, e->record, e->record_bytes);
    w->n += status == VIOLET_OK;
    return status;
}

violet_status vl_search_writer_commit(vl_search_writer *w)
{
    const header h = header_of(&w->key, w->n);
    violet_status status = vl_out_patch(&w->out, 0, &h, sizeof h);
    return status == VIOLET_OK ? vl_out_commit(&w->out) : status;
}
