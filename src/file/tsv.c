/* Lines by offset; see tsv.h. */
#include "file/tsv.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

struct vl_tsv {
    vl_map map; /* n = 0: the caller's bytes */
    const char *data;
    size_t n_data;
    char *path, *index; /* index: a name for it in messages */
    uint64_t *start; /* (n + 1); the last one is the file's size */
    size_t n, cap;
    bool scanned;
};

static violet_status add_start(vl_tsv *t, uint64_t offset)
{
    if (t->n + 1 >= t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 1024;
        uint64_t *more = realloc(t->start, cap * sizeof *more);
        if (!more) return vl_err_nomem();
        t->start = more;
        t->cap = cap;
    }
    if (offset >= t->n_data)
        return vl_err(VIOLET_EFORMAT, "line %zu starts at byte %llu, the file has %zu", t->n + 1,
                      (unsigned long long)offset, t->n_data);
    if (t->n ? offset <= t->start[t->n - 1] : offset != 0)
        return vl_err(VIOLET_EFORMAT, "line %zu starts at byte %llu, expected %s", t->n + 1,
                      (unsigned long long)offset, t->n ? "more than the line before" : "0");
    t->start[t->n++] = offset;
    return VIOLET_OK;
}

static violet_status scan(vl_tsv *t)
{
    violet_status status = VIOLET_OK;
    t->scanned = true;
    for (size_t at = 0; at < t->n_data && status == VIOLET_OK;) {
        const char *end = memchr(t->data + at, '\n', t->n_data - at);
        status = add_start(t, at);
        at = end ? (size_t)(end - t->data) + 1 : t->n_data;
    }
    return status;
}

static violet_status text_index(vl_tsv *t, const char *s, size_t n)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < n && status == VIOLET_OK;) {
        uint64_t x = 0;
        size_t digits = 0;
        for (; i < n && s[i] >= '0' && s[i] <= '9' && digits < 19; i++, digits++)
            x = x * 10 + (uint64_t)(s[i] - '0');
        if (i < n && s[i] == '\r') i++;
        if (digits == 0 || (i < n && s[i] != '\n'))
            return vl_err(VIOLET_EFORMAT, "line %zu: expected a byte offset", t->n + 1);
        i++;
        status = add_start(t, x);
    }
    return status;
}

static violet_status binary_index(vl_tsv *t, const char *s, size_t n)
{
    violet_status status = VIOLET_OK;
    if (n % 8)
        return vl_err(VIOLET_EFORMAT, "%zu bytes, expected a multiple of 8", n);
    for (size_t i = 0; i < n && status == VIOLET_OK; i += 8) {
        uint64_t x;
        memcpy(&x, s + i, 8);
        status = add_start(t, x);
    }
    return status;
}

static violet_status read_index(vl_tsv *t, const void *index, size_t n_index, bool binary)
{
    violet_status status = !index   ? scan(t)
                           : binary ? binary_index(t, index, n_index)
                                    : text_index(t, index, n_index);
    if (status == VIOLET_OK && t->n == 0 && t->n_data)
        status = vl_err(VIOLET_EFORMAT, "empty, the file has %zu bytes", t->n_data);
    if (status == VIOLET_OK && t->n) t->start[t->n] = t->n_data;
    return status;
}

/* What the message says is the index's fault. */
static violet_status blame_index(const vl_tsv *t)
{
    char why[512];
    snprintf(why, sizeof why, "%.511s", violet_error());
    return vl_err(VIOLET_EFORMAT, "%s: %s; remove or remake it", t->index, why);
}

static violet_status parse(vl_tsv **out, const void *data, size_t n, const void *index,
                           size_t n_index, bool binary, const char *name, const char *index_name)
{
    violet_status status;
    *out = NULL;
    vl_tsv *t = calloc(1, sizeof *t);
    if (!t || !(t->path = strdup(name)) || !(t->index = strdup(index_name))) {
        status = vl_err_nomem();
        goto done;
    }
    t->data = data;
    t->n_data = n;
    status = read_index(t, index, n_index, binary);
    if (status == VIOLET_EFORMAT && index) blame_index(t);
    if (status != VIOLET_OK) vl_err_at(status, "%s", name);
done:
    if (status == VIOLET_OK)
        *out = t;
    else
        vl_tsv_close(t);
    return status;
}

violet_status vl_tsv_parse(vl_tsv **out, const void *data, size_t n, const void *index,
                           size_t n_index, bool binary, const char *name)
{
    return parse(out, data, n, index, n_index, binary, name, "line index");
}

/* X.lineidx or X.lineidx.8b of X.tsv, whichever is there; *name is malloc, NULL: neither. */
static violet_status find_index(vl_map *m, char **name, bool *binary, const char *path)
{
    static const char *const endings[] = {".lineidx", ".lineidx.8b"};
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".tsv") == 0) n -= 4;
    if (!(*name = malloc(n + 16))) return vl_err_nomem();
    memcpy(*name, path, n);
    for (int i = 0; i < 2; i++) {
        strcpy(*name + n, endings[i]);
        *binary = i == 1;
        if (vl_file_exists(*name)) return vl_map_open(m, *name);
    }
    free(*name);
    *name = NULL;
    return VIOLET_OK;
}

violet_status vl_tsv_open(vl_tsv **out, const char *path)
{
    vl_map map, index = {NULL, 0};
    char *name = NULL;
    bool binary = false;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    status = find_index(&index, &name, &binary, path);
    if (status == VIOLET_OK)
        status = parse(out, map.data, map.n, name ? index.data : NULL, index.n, binary, path,
                       name ? name : "");
    vl_map_close(&index);
    if (status == VIOLET_OK) {
        (*out)->map = map;
        if (!name) vl_log(VL_LOG_INFO, "%s: no .lineidx, scanned %zu lines", path, (*out)->n);
    } else {
        vl_map_close(&map);
    }
    free(name);
    return status;
}

void vl_tsv_close(vl_tsv *t)
{
    if (!t) return;
    vl_map_close(&t->map);
    free(t->start);
    free(t->path);
    free(t->index);
    free(t);
}

size_t vl_tsv_n(const vl_tsv *t)
{
    return t->n;
}

bool vl_tsv_scanned(const vl_tsv *t)
{
    return t->scanned;
}

uint64_t vl_tsv_hash(const vl_tsv *t)
{
    return vl_hash(t->n, t->start, t->n ? (t->n + 1) * sizeof *t->start : 0);
}

const char *vl_tsv_path(const vl_tsv *t)
{
    return t->path;
}

static violet_status split(vl_tsv_row *row, const char *s, size_t n)
{
    const char *end = s + n;
    size_t column = 0;
    row->meta = (vl_slice){NULL, 0};
    row->n_frames = 0;
    for (;; column++) {
        const char *tab = memchr(s, '\t', (size_t)(end - s));
        vl_slice cell = {s, (size_t)((tab ? tab : end) - s)};
        if (column == 0)
            row->id = cell;
        else if (column == 1 && tab && (cell.n < 4 || memcmp(cell.s, "/9j/", 4) != 0))
            row->meta = cell;
        else if (row->n_frames == VL_TSV_MAX_FRAMES)
            return vl_err(VIOLET_EUNSUPPORTED, "more than %d frames", VL_TSV_MAX_FRAMES);
        else
            row->frame[row->n_frames++] = cell;
        if (!tab) break;
        s = tab + 1;
    }
    if (row->n_frames == 0)
        return vl_err(VIOLET_EFORMAT, "expected an id and frames, found %zu column", column + 1);
    return VIOLET_OK;
}

static violet_status read_line(vl_tsv_row *row, const vl_tsv *t, size_t i)
{
    const char *s = t->data + t->start[i], *next = t->data + t->start[i + 1];
    if (i && s[-1] != '\n') {
        vl_err(VIOLET_EFORMAT, "byte %llu is not the start of a line",
               (unsigned long long)t->start[i]);
        return blame_index(t);
    }
    const char *end = memchr(s, '\n', t->n_data - t->start[i]);
    if (!end && i + 1 == t->n) return vl_err(VIOLET_EFORMAT, "truncated: no newline at the end");
    if (!end || end + 1 != next) {
        vl_err(VIOLET_EFORMAT, "next line at byte %llu, expected %llu",
               (unsigned long long)t->start[i + 1],
               (unsigned long long)(end ? (size_t)(end + 1 - t->data) : t->n_data));
        return blame_index(t);
    }
    if (end > s && end[-1] == '\r') end--;
    return split(row, s, (size_t)(end - s));
}

violet_status vl_tsv_read(vl_tsv_row *row, const vl_tsv *t, size_t i)
{
    if (i >= t->n)
        return vl_err(VIOLET_EINVAL, "%s: line %zu of %zu", t->path, i + 1, t->n);
    violet_status status = read_line(row, t, i);
    if (status != VIOLET_OK) return vl_err_at(status, "%s line %zu", t->path, i + 1);
    return VIOLET_OK;
}

vl_slice vl_tsv_id(const vl_tsv *t, size_t i)
{
    const char *s = t->data + t->start[i];
    size_t n = (size_t)(t->start[i + 1] - t->start[i]);
    const char *tab = memchr(s, '\t', n);
    return (vl_slice){s, tab ? (size_t)(tab - s) : 0};
}

void vl_tsv_forget(const vl_tsv *t, size_t i)
{
    if (!t->map.n || i >= t->n) return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t from = ((uintptr_t)t->data + t->start[i]) / page * page;
    uintptr_t to = ((uintptr_t)t->data + t->start[i + 1]) / page * page;
    if (to > from) madvise((void *)from, to - from, MADV_DONTNEED);
}
