/* Zip archives in memory; see zip.h. */
#include "file/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

#define END_BYTES 22     /* end of central directory */
#define LOCATOR_BYTES 20 /* of the zip64 end */
#define END64_BYTES 56
#define ENTRY_BYTES 46
#define LOCAL_BYTES 30

static violet_status bad(const char *what)
{
    return vl_err(VIOLET_EFORMAT, "zip: %s", what);
}

static uint64_t number(const uint8_t *p, int n_bytes)
{
    uint64_t x = 0;
    memcpy(&x, p, (size_t)n_bytes);
    return x;
}

static int is_signature(const uint8_t *p, const char *two)
{
    return p[0] == 'P' && p[1] == 'K' && memcmp(p + 2, two, 2) == 0;
}

/* Characters of a name that a message shows. */
static int shown(const vl_zip_entry *e)
{
    return e->n_name < 200 ? (int)e->n_name : 200;
}

/* ---- the directory --------------------------------------------------------------------------- */

typedef struct directory {
    uint64_t at, n_bytes, n_entries;
} directory;

/* The record at the end: behind it is nothing but its own comment. */
static const uint8_t *find_end(const vl_zip *z)
{
    size_t most = END_BYTES + 65535, first = z->n > most ? z->n - most : 0;
    if (z->n < END_BYTES) return NULL;
    for (size_t at = z->n - END_BYTES + 1; at-- > first;) {
        const uint8_t *p = z->data + at;
        if (is_signature(p, "\5\6") && number(p + 20, 2) == z->n - END_BYTES - at) return p;
    }
    return NULL;
}

static violet_status find_directory(directory *d, const vl_zip *z)
{
    const uint8_t *end = find_end(z);
    if (!end) return bad("no central directory: the file ends early, or is no zip archive");
    size_t at = (size_t)(end - z->data);
    *d = (directory){number(end + 16, 4), number(end + 12, 4), number(end + 10, 2)};
    if (at >= LOCATOR_BYTES && is_signature(end - LOCATOR_BYTES, "\6\7")) {
        uint64_t at64 = number(end - LOCATOR_BYTES + 8, 8);
        if (at < END64_BYTES || at64 > at - END64_BYTES || !is_signature(z->data + at64, "\6\6"))
            return bad("the zip64 record is not where it should be");
        const uint8_t *p = z->data + at64;
        *d = (directory){number(p + 48, 8), number(p + 40, 8), number(p + 32, 8)};
        at = (size_t)at64;
    }
    if (d->n_bytes > at || d->at > at - d->n_bytes || d->n_entries > d->n_bytes / ENTRY_BYTES)
        return bad("a central directory outside the file");
    return VIOLET_OK;
}

/* Sizes that do not fit 32 bits stand in an extra field, only those, in this order. */
static violet_status read_zip64(vl_zip_entry *e, const uint8_t *extra, size_t n)
{
    uint64_t *const wanted[] = {&e->size, &e->packed, &e->header};
    size_t i = 0;
    for (; n >= 4; extra += 4 + i, n -= 4 + i) {
        i = (size_t)number(extra + 2, 2);
        if (i > n - 4) return bad("an extra field beyond its end");
        if (number(extra, 2) != 1) continue;
        const uint8_t *p = extra + 4;
        for (size_t k = 0; k < 3; k++) {
            if (*wanted[k] != UINT32_MAX) continue;
            if (p + 8 > extra + 4 + i) return bad("a zip64 field beyond its end");
            *wanted[k] = number(p, 8);
            p += 8;
        }
        return VIOLET_OK;
    }
    return VIOLET_OK;
}

static violet_status read_entry(vl_zip_entry *e, size_t *length, const uint8_t *p, size_t n)
{
    if (n < ENTRY_BYTES || !is_signature(p, "\1\2")) return bad("a damaged central directory");
    size_t n_extra = number(p + 30, 2), n_comment = number(p + 32, 2);
    e->n_name = (uint32_t)number(p + 28, 2);
    e->name = (const char *)p + ENTRY_BYTES;
    e->method = (uint16_t)number(p + 10, 2);
    e->packed = number(p + 20, 4);
    e->size = number(p + 24, 4);
    e->header = number(p + 42, 4);
    *length = ENTRY_BYTES + e->n_name + n_extra + n_comment;
    if (*length > n) return bad("a central directory that ends early");
    if (number(p + 8, 2) & 1) return vl_err(VIOLET_EUNSUPPORTED, "zip: encrypted entries");
    return read_zip64(e, p + ENTRY_BYTES + e->n_name, n_extra);
}

static int by_name(const void *a, const void *b)
{
    const vl_zip_entry *x = a, *y = b;
    uint32_t n = x->n_name < y->n_name ? x->n_name : y->n_name;
    int order = memcmp(x->name, y->name, n);
    return order ? order : (x->n_name > y->n_name) - (x->n_name < y->n_name);
}

static violet_status read_directory(vl_zip *z)
{
    directory d = {0};
    violet_status status = find_directory(&d, z);
    if (status != VIOLET_OK) return status;
    z->entries = calloc(d.n_entries + 1, sizeof *z->entries);
    if (!z->entries) return vl_err_nomem();
    const uint8_t *p = z->data + d.at, *end = p + d.n_bytes;
    for (; z->n_entries < d.n_entries; z->n_entries++) {
        vl_zip_entry *e = &z->entries[z->n_entries];
        size_t length = 0;
        status = read_entry(e, &length, p, (size_t)(end - p));
        if (status != VIOLET_OK) return vl_err_at(status, "entry %zu", z->n_entries);
        e->index = z->n_entries;
        p += length;
    }
    qsort(z->entries, z->n_entries, sizeof *z->entries, by_name);
    for (size_t i = 1; i < z->n_entries; i++)
        if (by_name(&z->entries[i - 1], &z->entries[i]) == 0)
            return vl_err(VIOLET_EFORMAT, "zip: entry '%.*s' is there twice",
                          shown(&z->entries[i]), z->entries[i].name);
    return VIOLET_OK;
}

violet_status vl_zip_init(vl_zip *z, const void *data, size_t n)
{
    *z = (vl_zip){.data = data, .n = n};
    violet_status status = read_directory(z);
    if (status != VIOLET_OK) vl_zip_release(z);
    return status;
}

void vl_zip_release(vl_zip *z)
{
    for (size_t i = 0; z->unpacked && i < z->n_entries; i++) free(z->unpacked[i]);
    free(z->unpacked);
    if (z->archive) zip_discard(z->archive);
    free(z->entries);
    *z = (vl_zip){0};
}

const vl_zip_entry *vl_zip_find(const vl_zip *z, const char *name, size_t n_name)
{
    vl_zip_entry key = {.name = name, .n_name = (uint32_t)n_name};
    if (n_name > UINT16_MAX || !z->n_entries) return NULL;
    return bsearch(&key, z->entries, z->n_entries, sizeof *z->entries, by_name);
}

/* ---- reading --------------------------------------------------------------------------------- */

static violet_status open_archive(vl_zip *z)
{
    zip_error_t e;
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(z->data, z->n, 0, &e);
    z->archive = source ? zip_open_from_source(source, ZIP_RDONLY, &e) : NULL;
    if (!z->archive && source) zip_source_free(source);
    violet_status status = VIOLET_OK;
    if (!z->archive) status = vl_err(VIOLET_EFORMAT, "zip: %s", zip_error_strerror(&e));
    zip_error_fini(&e);
    return status;
}

static violet_status unpack(vl_zip *z, const vl_zip_entry *e)
{
    size_t limit = ((size_t)64 << 20) + 32 * z->n;
    violet_status status = VIOLET_OK;
    if (e->size > limit - z->unpacked_bytes)
        return vl_err(VIOLET_EFORMAT, "packed entries take more than %zu bytes", limit);
    if (!z->unpacked && !(z->unpacked = calloc(z->n_entries, sizeof *z->unpacked)))
        return vl_err_nomem();
    if (!z->archive && (status = open_archive(z)) != VIOLET_OK) return status;
    uint8_t *bytes = malloc(e->size + 1);
    if (!bytes) return vl_err_nomem();
    zip_file_t *f = zip_fopen_index(z->archive, e->index, 0);
    /* one more than expected: where the data goes on, the size was a lie */
    zip_int64_t n = f ? zip_fread(f, bytes, e->size + 1) : -1;
    if (f && zip_fclose(f) != 0) n = -1;
    if (n < 0 || (uint64_t)n != e->size) {
        free(bytes);
        return bad("a packed entry is damaged");
    }
    z->unpacked[e - z->entries] = bytes;
    z->unpacked_bytes += e->size;
    return VIOLET_OK;
}

static violet_status read_bytes(const uint8_t **out, vl_zip *z, const vl_zip_entry *e)
{
    if (e->header > z->n || z->n - e->header < LOCAL_BYTES ||
        !is_signature(z->data + e->header, "\3\4"))
        return bad("no local header where the directory says");
    const uint8_t *p = z->data + e->header;
    uint64_t at = e->header + LOCAL_BYTES + number(p + 26, 2) + number(p + 28, 2);
    if (at > z->n || e->packed > z->n - at) return bad("data beyond the end of the file");
    if (e->method != 0) {
        size_t i = (size_t)(e - z->entries);
        violet_status status = z->unpacked && z->unpacked[i] ? VIOLET_OK : unpack(z, e);
        if (status == VIOLET_OK) *out = z->unpacked[i];
        return status;
    }
    if (e->packed != e->size) return bad("a stored entry of two sizes");
    *out = z->data + at;
    return VIOLET_OK;
}

violet_status vl_zip_read(const uint8_t **out, vl_zip *z, const vl_zip_entry *e)
{
    violet_status status = read_bytes(out, z, e);
    return status == VIOLET_OK
               ? status
               : vl_err_at(status, "entry '%.*s'", shown(e), e->name);
}
