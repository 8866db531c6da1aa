/* Lines by offset; see tsv.h. */
#include "file/tsv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

struct vl_tsv {
    vl_map map; /* n = 0: the caller's bytes */
    const char *data;
    size_t n_data;
    char *path;
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
            return vl_err(VIOLET_EFORMAT, "line index, line %zu: expected a byte offset", t->n + 1);
        i++;
        status = add_start(t, x);
    }
    return status;
}

static violet_status binary_index(vl_tsv *t, const char *s, size_t n)
{
    violet_status status = VIOLET_OK;
    if (n % 8)
        return vl_err(VIOLET_EFORMAT, "line index: %zu bytes, expected a multiple of 8", n);
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
        status = vl_err(VIOLET_EFORMAT, "line index: empty, the file has %zu bytes", t->n_data);
    if (status == VIOLET_OK && t->n) t->start[t->n] = t->n_data;
    return status;
}

violet_status vl_tsv_parse(vl_tsv **out, const void *data, size_t n, const void *index,
                           size_t n_index, bool binary, const char *name)
{
    violet_status status;
    *out = NULL;
    vl_tsv *t = calloc(1, sizeof *t);
    if (!t || !(t->path = strdup(name))) {
        status = vl_err_nomem();
        goto done;
    }
    t->data = data;
    t->n_data = n;
    status = read_index(t, index, n_index, binary);
    if (status != VIOLET_OK) vl_err_at(status, "%s", name);
done:
    if (status == VIOLET_OK)
        *out = t;
    else
        vl_tsv_close(t);
    return status;
}

/* X.lineidx or X.lineidx.8b of X.tsv, whichever is there; n_index 0 and NULL: none. */
static violet_status find_index(vl_map *m, bool *found, bool *binary, const char *path)
{
    static const char *const endings[] = {".lineidx", ".lineidx.8b"};
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".tsv") == 0) n -= 4;
    char *name = malloc(n + 16);
    if (!name) return vl_err_nomem();
    violet_status status = VIOLET_OK;
    for (int i = 0; i < 2 && !*found && status == VIOLET_OK; i++) {
        memcpy(name, path, n);
        strcpy(name + n, endings[i]);
        if (!vl_file_exists(name)) continue;
        status = vl_map_open(m, name);
        *found = status == VIOLET_OK;
        *binary = i == 1;
    }
    free(name);
    return status;
}

violet_status vl_tsv_open(vl_tsv **out, const char *path)
{
    vl_map map, index = {NULL, 0};
    bool found = false, binary = false;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    status = find_index(&index, &found, &binary, path);
    if (status == VIOLET_OK)
        status = vl_tsv_parse(out, map.data, map.n, found ? index.data : NULL, index.n, binary,
                              path);
    if (found) vl_map_close(&index);
    if (status != VIOLET_OK) {
        vl_map_close(&map);
        return status;
    }
    (*out)->map = map;
    if (!found) vl_log(VL_LOG_INFO, "%s: no .lineidx, scanned %zu lines", path, (*out)->n);
    return VIOLET_OK;
}

void vl_tsv_close(vl_tsv *t)
{
    if (!t) return;
    vl_map_close(&t->map);
    free(t->start);
    free(t->path);
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
    if (i && s[-1] != '\n')
        return vl_err(VIOLET_EFORMAT, "byte %llu of the line index is not the start of a line",
                      (unsigned long long)t->start[i]);
    const char *end = memchr(s, '\n', (size_t)(next - s));
    if (!end && i + 1 == t->n) return vl_err(VIOLET_EFORMAT, "truncated: no newline at the end");
    if (!end || end + 1 != next)
        return vl_err(VIOLET_EFORMAT, "line index: next line at byte %llu, expected %llu",
                      (unsigned long long)t->start[i + 1],
                      (unsigned long long)(end ? end + 1 - t->data : 0));
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
