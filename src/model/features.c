/* Encoded items in memory or in a file; see features.h. */
#include "model/features.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

/* The file's first bytes; no padding, little-endian. */
typedef struct header {
    char magic[8], kind[16];
    uint64_t weights, items;
    uint32_t n, rows, cols, dtype, frames, height, width, zero;
    uint64_t check; /* hash of all before */
} header;

typedef struct entry {
    uint32_t rows; /* 0: not done */
    uint32_t check;
} entry;

typedef enum mode { GO_ON, RENEW, VIEW } mode;

struct vl_features {
    vl_features_key key;
    mode mode;
    char kind[16];
    char *path;  /* NULL: in memory */
    int fd;
    entry *list; /* (n) */
    char *data;  /* (n, item_bytes), a file's or our own */
    size_t item_bytes, data_at;
    void *map;
    size_t map_bytes;
    char *item; /* (item_bytes), on its way to the others */
    int done, lost;
};

static const char magic[8] = "VLFEAT1";
enum { PAGE = 4096, CHUNK = 256 };

const vl_features_key *vl_features_key_of(const vl_features *f)
{
    return &f->key;
}

int vl_features_rows(const vl_features *f, int i)
{
    return (int)f->list[i].rows;
}

int vl_features_done(const vl_features *f)
{
    return f->done;
}

int vl_features_lost(const vl_features *f)
{
    return f->lost;
}

static size_t bytes_of(const vl_features *f, uint32_t rows)
{
    return (size_t)rows * (size_t)f->key.cols * vl_dtype_bytes(f->key.dtype);
}

static uint32_t check_of(const vl_features *f, int i, uint32_t rows, const char *values)
{
    uint64_t h = vl_hash((uint64_t)i, values, bytes_of(f, rows));
    return (uint32_t)(h ^ h >> 32);
}

/* ---- the file -------------------------------------------------------------------------------- */

static header header_of(const vl_features_key *k)
{
    header h;
    memset(&h, 0, sizeof h);
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.kind, k->kind, strlen(k->kind));
    h.weights = k->weights;
    h.items = k->items;
    h.n = (uint32_t)k->n, h.rows = (uint32_t)k->rows, h.cols = (uint32_t)k->cols;
    h.dtype = (uint32_t)k->dtype;
    h.frames = (uint32_t)k->frames, h.height = (uint32_t)k->height, h.width = (uint32_t)k->width;
    h.check = vl_hash(0, &h, offsetof(header, check));
    return h;
}

/* VIOLET_OK if both are of one making; else the error names the first thing that differs. */
static violet_status compare(const vl_features *f, const header *is, const header *want)
{
    static const struct {
        const char *what;
        size_t at, bytes;
    } parts[] = {
        {"items of another kind", offsetof(header, kind), sizeof is->kind},
        {"other weights", offsetof(header, weights), sizeof is->weights},
        {"another number of items", offsetof(header, n), sizeof is->n},
        {"other items", offsetof(header, items), sizeof is->items},
        {"another number of frames", offsetof(header, frames), sizeof is->frames},
        {"pictures of another size", offsetof(header, height), 2 * sizeof is->height},
        {"another number of rows an item", offsetof(header, rows), sizeof is->rows},
        {"another width of rows", offsetof(header, cols), sizeof is->cols},
        {"another element type", offsetof(header, dtype), sizeof is->dtype},
    };
    if (memcmp(is->magic, magic, sizeof magic) != 0 ||
        is->check != vl_hash(0, is, offsetof(header, check)))
        return vl_err(VIOLET_EFORMAT, "%s: not a cache of encoded items", f->path);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (memcmp((const char *)is + parts[i].at, (const char *)want + parts[i].at,
                   parts[i].bytes) != 0)
            return vl_err(VIOLET_EINVAL,
                          "%s: a cache made with %s; remove it, or name another file", f->path,
                          parts[i].what);
    return VIOLET_OK;
}

static violet_status write_at(vl_features *f, size_t at, const void *data, size_t n)
{
    uint64_t from = at;
    return vl_fd_append(f->fd, &from, data, n, f->path);
}

/* The file that is there is of this key, and has its length; killed in between, an evaluation may
 * have left it shorter. */
static violet_status look(const vl_features *f, const header *want, int64_t bytes)
{
    header is;
    memset(&is, 0, sizeof is);
    if (pread(f->fd, &is, sizeof is, 0) < 0) return vl_err_errno("read '%s'", f->path);
    violet_status status = compare(f, &is, want);
    bool fits = f->mode == VIEW ? bytes == (int64_t)f->map_bytes : bytes <= (int64_t)f->map_bytes;
    if (status != VIOLET_OK || fits) return status;
    return vl_err(VIOLET_EFORMAT, "%s: %lld bytes, expected %zu", f->path, (long long)bytes,
                  f->map_bytes);
}

/* Nothing of the file is touched before it is ours. A new one gets its header; each is made as
 * long as it will be. */
static violet_status open_file(vl_features *f)
{
    struct stat st;
    bool view = f->mode == VIEW;
    const header want = header_of(&f->key);
    f->fd = open(f->path, (view ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0666);
    if (f->fd < 0) return vl_err_errno("open '%s'", f->path);
    if (vl_fd_lock(f->fd, f->path) != VIOLET_OK) return VIOLET_EIO;
    if (fstat(f->fd, &st) != 0) return vl_err_errno("stat '%s'", f->path);
    if (!S_ISREG(st.st_mode)) return vl_err(VIOLET_EIO, "%s: expected a regular file", f->path);
    if (f->mode == RENEW && ftruncate(f->fd, st.st_size = 0) != 0)
        return vl_err_errno("resize '%s'", f->path);
    violet_status status = st.st_size == 0 && !view ? write_at(f, 0, &want, sizeof want)
                                                    : look(f, &want, st.st_size);
    if (status != VIOLET_OK) return status;
    if (!view && ftruncate(f->fd, (off_t)f->map_bytes) != 0)
        return vl_err_errno("resize '%s'", f->path);
    f->map = mmap(NULL, f->map_bytes, PROT_READ, MAP_SHARED, f->fd, 0);
    if (f->map != MAP_FAILED) return VIOLET_OK;
    f->map = NULL;
    return vl_err_errno("mmap '%s'", f->path);
}

/* Takes over the list of a file, but for items that are not as they were written. */
static void read_list(vl_features *f)
{
    memcpy(f->list, (const char *)f->map + sizeof(header), (size_t)f->key.n * sizeof *f->list);
    for (int i = 0; i < f->key.n; i++) {
        entry *e = &f->list[i];
        if (e->rows == 0) continue;
        if (e->rows <= (uint32_t)f->key.rows &&
            e->check == check_of(f, i, e->rows, f->data + (size_t)i * f->item_bytes)) {
            f->done++;
        } else {
            *e = (entry){0, 0};
            f->lost++;
        }
    }
}

/* ---- open and close -------------------------------------------------------------------------- */

static violet_status check_key(const vl_features_key *k)
{
    size_t letters = strlen(k->kind);
    if (letters < 1 || letters > 15 || k->n < 1 || k->rows < 1 || k->cols < 1 ||
        (k->dtype != VL_DT_F32 && k->dtype != VL_DT_BF16))
        return vl_err(VIOLET_EINVAL, "cache of encoded items: %d %.15s of %dx%d %s", k->n, k->kind,
                      k->rows, k->cols, vl_dtype_name(k->dtype));
    if ((double)k->n * k->rows * k->cols > 0x1p44)
        return vl_err(VIOLET_EINVAL, "cache of %d items of %dx%d: too large", k->n, k->rows,
                      k->cols);
    return VIOLET_OK;
}

static violet_status prepare(vl_features *f, const char *path)
{
    size_t n = (size_t)f->key.n, table = sizeof(header) + n * sizeof(entry);
    f->item_bytes = bytes_of(f, (uint32_t)f->key.rows);
    f->data_at = (table + PAGE - 1) / PAGE * PAGE;
    f->map_bytes = f->data_at + n * f->item_bytes;
    f->list = calloc(n, sizeof *f->list);
    f->item = malloc(f->item_bytes);
    if (path) f->path = strdup(path);
    if (!f->list || !f->item || (path && !f->path)) return vl_err_nomem();
    if (!path) {
        f->data = malloc(n * f->item_bytes);
        return f->data ? VIOLET_OK : vl_err_nomem();
    }
    violet_status status = open_file(f);
    if (status != VIOLET_OK) return status;
    f->data = (char *)f->map + f->data_at;
    read_list(f);
    return VIOLET_OK;
}

static violet_status open_as(vl_features **out, mode how, const char *path,
                             const vl_features_key *key)
{
    *out = NULL;
    violet_status status = check_key(key);
    if (status != VIOLET_OK) return status;
    vl_features *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    f->fd = -1;
    f->mode = how;
    f->key = *key;
    memcpy(f->kind, key->kind, strlen(key->kind));
    f->key.kind = f->kind;
    status = prepare(f, path);
    if (status != VIOLET_OK)
        vl_features_close(f);
    else
        *out = f;
    return status;
}

violet_status vl_features_open(vl_features **out, const char *path, const vl_features_key *key)
{
    return open_as(out, GO_ON, path, key);
}

violet_status vl_features_renew(vl_features **out, const char *path, const vl_features_key *key)
{
    return open_as(out, RENEW, path, key);
}

violet_status vl_features_view(vl_features **out, const char *path, const vl_features_key *key)
{
    return open_as(out, VIEW, path, key);
}

void vl_features_close(vl_features *f)
{
    if (!f) return;
    if (f->map) munmap(f->map, f->map_bytes);
    if (f->fd >= 0) close(f->fd);
    if (!f->path) free(f->data);
    free(f->path);
    free(f->list);
    free(f->item);
    free(f);
}

/* ---- items ----------------------------------------------------------------------------------- */

/* n values to the cache's type, n at most CHUNK */
static violet_status store(char *to, vl_dtype dtype, const real *x, size_t n)
{
    float chunk[CHUNK];
    for (size_t i = 0; i < n; i++) {
        chunk[i] = (float)x[i];
        if (!isfinite(chunk[i]))
            return vl_err(VIOLET_EFORMAT, "a value that is not a finite number");
    }
    return vl_dtype_from_float(to, dtype, chunk, n);
}

violet_status vl_features_put(vl_features *f, int i, const real *x, int rows)
{
    if (i < 0 || i >= f->key.n || rows < 1 || rows > f->key.rows)
        return vl_err(VIOLET_EINVAL, "%s %d of %d with %d rows, at most %d", f->kind, i, f->key.n,
                      rows, f->key.rows);
    if (f->mode == VIEW)
        return vl_err(VIOLET_EINVAL, "%s: opened to be read, not written", f->path);
    size_t at = (size_t)i * f->item_bytes, n = (size_t)rows * (size_t)f->key.cols,
           bytes = vl_dtype_bytes(f->key.dtype);
    for (size_t k = 0; k < n; k += CHUNK) {
        violet_status status =
            store(f->item + k * bytes, f->key.dtype, x + k, n - k < CHUNK ? n - k : CHUNK);
        if (status != VIOLET_OK) return vl_err_at(status, "%s %d", f->kind, i);
    }
    entry e = {(uint32_t)rows, check_of(f, i, (uint32_t)rows, f->item)};
    if (!f->path) {
        memcpy(f->data + at, f->item, n * bytes);
    } else {
        size_t entry_at = sizeof(header) + (size_t)i * sizeof e;
        violet_status status = write_at(f, f->data_at + at, f->item, n * bytes);
        if (status == VIOLET_OK) status = write_at(f, entry_at, &e, sizeof e);
        if (status != VIOLET_OK) return status;
    }
    f->done += f->list[i].rows == 0;
    f->list[i] = e;
    return VIOLET_OK;
}

void vl_features_get(real *x, const vl_features *f, int i)
{
    float chunk[CHUNK];
    const char *from = f->data + (size_t)i * f->item_bytes;
    size_t n = (size_t)f->list[i].rows * (size_t)f->key.cols, bytes = vl_dtype_bytes(f->key.dtype);
    for (size_t k = 0; k < n; k += CHUNK) {
        size_t m = n - k < CHUNK ? n - k : CHUNK;
        vl_dtype_to_float(chunk, from + k * bytes, f->key.dtype, m);
        for (size_t j = 0; j < m; j++) x[k + j] = chunk[j];
    }
}
