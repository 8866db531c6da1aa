/* Archives written as a stream; see zip_write.h.
 *
 *     local header | name | zip64 sizes | padding | bytes      for each entry
 *     central directory: a header with name and zip64 numbers for each entry
 *     zip64 end record and its locator, if a number asks for them; end record */
#include "file/zip_write.h"

#include <string.h>
#include <zlib.h>

#define LOCAL_BYTES 30
#define ENTRY_BYTES 46
#define CRC_IN_LOCAL 14
#define CRC_IN_ENTRY 16
#define DATE_1980 0x21 /* month 1, day 1 */
#define FLAG_UTF8 0x800

typedef struct fields {
    uint8_t bytes[128];
    size_t n;
} fields;

static void put(fields *f, uint64_t x, size_t n_bytes)
{
    memcpy(f->bytes + f->n, &x, n_bytes);
    f->n += n_bytes;
}

static void put_signature(fields *f, const char *two)
{
    memcpy(f->bytes + f->n, "PK", 2);
    memcpy(f->bytes + f->n + 2, two, 2);
    f->n += 4;
}

/* In 32 bits; one that does not fit is all ones there and stands in a zip64 field. */
static void put32(fields *f, const vl_zip_out *z, uint64_t x)
{
    put(f, x > z->most32 ? UINT32_MAX : x, 4);
}

static void put16(fields *f, const vl_zip_out *z, uint64_t x)
{
    put(f, x > z->most16 ? UINT16_MAX : x, 2);
}

violet_status vl_zip_create(vl_zip_out *z, const char *path)
{
    *z = (vl_zip_out){.most32 = UINT32_MAX - 1, .most16 = UINT16_MAX - 1};
    return vl_out_open(&z->out, path);
}

static violet_status emit(vl_zip_out *z, const void *data, size_t n)
{
    violet_status status = vl_out_write(&z->out, data, n);
    if (status == VIOLET_OK) z->at += n;
    return status;
}

/* What a local header and an entry of the directory have in common, from the version needed to the
 * length of the name. The checksum is 0 until it is known. */
static void put_common(fields *f, const vl_zip_out *z, bool zip64, uint64_t size, size_t n_name)
{
    put(f, zip64 ? 45 : 20, 2);
    put(f, FLAG_UTF8, 2);
    put(f, 0, 2); /* stored */
    put(f, 0, 2); /* midnight */
    put(f, DATE_1980, 2);
    put(f, 0, 4);
    put32(f, z, size); /* packed */
    put32(f, z, size);
    put(f, n_name, 2);
}

static violet_status add_to_directory(vl_zip_out *z, const char *name, size_t n_name, uint64_t size)
{
    fields f = {.n = 0}, extra = {.n = 0};
    for (int i = 0; i < 2; i++)
        if (size > z->most32) put(&extra, size, 8);
    if (z->at > z->most32) put(&extra, z->at, 8);
    size_t n_extra = extra.n ? 4 + extra.n : 0;
    put_signature(&f, "\1\2");
    put(&f, 45, 2); /* made by version 4.5, with attributes of no system */
    put_common(&f, z, n_extra > 0, size, n_name);
    put(&f, n_extra, 2);
    put(&f, 0, 6); /* comment, disk, internal attributes */
    put(&f, 0, 4); /* external ones */
    put32(&f, z, z->at);
    z->crc_in_directory = z->directory.n + CRC_IN_ENTRY;
    violet_status status = vl_buf_append(&z->directory, f.bytes, f.n);
    if (status == VIOLET_OK) status = vl_buf_append(&z->directory, name, n_name);
    if (n_extra && status == VIOLET_OK) {
        fields head = {.n = 0};
        put(&head, 1, 2);
        put(&head, extra.n, 2);
        status = vl_buf_append(&z->directory, head.bytes, head.n);
        if (status == VIOLET_OK) status = vl_buf_append(&z->directory, extra.bytes, extra.n);
    }
    return status;
}

/* Bytes of a padding field: none, or its head of 4 and as many as needed. PyTorch's own field. */
static size_t padding(uint64_t at, unsigned align)
{
    size_t n = (size_t)(-at & (align - 1));
    return n == 0 ? 0 : n < 4 ? n + align * (size_t)((4 - n + align - 1) / align) : n;
}

static violet_status begin_local(vl_zip_out *z, const char *name, size_t n_name, uint64_t size,
                                 unsigned align)
{
    fields f = {.n = 0}, extra = {.n = 0};
    if (size > z->most32) {
        put(&extra, 1, 2);
        put(&extra, 16, 2);
        put(&extra, size, 8);
        put(&extra, size, 8);
    }
    size_t n_pad = padding(z->at + LOCAL_BYTES + n_name + extra.n, align);
    put_signature(&f, "\3\4");
    put_common(&f, z, extra.n > 0, size, n_name);
    put(&f, extra.n + n_pad, 2);
    if (n_pad) {
        memcpy(extra.bytes + extra.n, "FB", 2);
        extra.n += 2;
        put(&extra, n_pad - 4, 2);
    }
    z->crc_at = z->at + CRC_IN_LOCAL;
    violet_status status = emit(z, f.bytes, f.n);
    if (status == VIOLET_OK) status = emit(z, name, n_name);
    if (status == VIOLET_OK) status = emit(z, extra.bytes, extra.n);
    for (size_t i = 4; i < n_pad && status == VIOLET_OK; i++) status = emit(z, "Z", 1);
    return status;
}

/* The entry before this one is done: its checksum goes where it belongs. */
static violet_status end_entry(vl_zip_out *z)
{
    if (z->due)
        return vl_err(VIOLET_EINVAL, "zip: %llu bytes of an entry are not there",
                      (unsigned long long)z->due);
    if (!z->n_entries) return VIOLET_OK;
    memcpy(z->directory.data + z->crc_in_directory, &z->crc, 4);
    return z->crc ? vl_out_patch(&z->out, z->crc_at, &z->crc, 4) : VIOLET_OK;
}

violet_status vl_zip_begin(vl_zip_out *z, const char *name, uint64_t size, unsigned align)
{
    size_t n_name = strlen(name);
    if (n_name > UINT16_MAX)
        return vl_err(VIOLET_EINVAL, "zip: a name of %zu bytes, expected at most 65535", n_name);
    violet_status status = end_entry(z);
    if (status != VIOLET_OK) return status;
    status = add_to_directory(z, name, n_name, size);
    if (status == VIOLET_OK) status = begin_local(z, name, n_name, size, align);
    if (status != VIOLET_OK) { /* half an entry: no way on from here */
        vl_zip_abandon(z);
        return status;
    }
    z->n_entries++;
    z->due = size;
    z->crc = 0;
    return VIOLET_OK;
}

violet_status vl_zip_push(vl_zip_out *z, const void *data, size_t n)
{
    if (n > z->due)
        return vl_err(VIOLET_EINVAL, "zip: %zu bytes more than an entry's size",
                      n - (size_t)z->due);
    if (n == 0) return VIOLET_OK; /* and crc32 of NULL would begin anew */
    z->due -= n;
    z->crc = (uint32_t)crc32_z(z->crc, data, n);
    return emit(z, data, n);
}

violet_status vl_zip_put(vl_zip_out *z, const char *name, const void *data, size_t n)
{
    violet_status status = vl_zip_begin(z, name, n, 1);
    return status == VIOLET_OK ? vl_zip_push(z, data, n) : status;
}

static void put_end64(fields *f, const vl_zip_out *z, uint64_t directory_at)
{
    uint64_t here = z->at;
    put_signature(f, "\6\6");
    put(f, 44, 8); /* bytes that follow */
    put(f, 45, 2);
    put(f, 45, 2);
    put(f, 0, 8); /* disks */
    put(f, z->n_entries, 8);
    put(f, z->n_entries, 8);
    put(f, z->directory.n, 8);
    put(f, directory_at, 8);
    put_signature(f, "\6\7");
    put(f, 0, 4);
    put(f, here, 8);
    put(f, 1, 4); /* disks in all */
}

violet_status vl_zip_finish(vl_zip_out *z)
{
    fields f = {.n = 0};
    violet_status status = end_entry(z);
    uint64_t directory_at = z->at;
    if (status == VIOLET_OK) status = emit(z, z->directory.data, z->directory.n);
    if (directory_at > z->most32 || z->directory.n > z->most32 || z->n_entries > z->most16)
        put_end64(&f, z, directory_at);
    put_signature(&f, "\5\6");
    put(&f, 0, 4);
    put16(&f, z, z->n_entries);
    put16(&f, z, z->n_entries);
    put32(&f, z, z->directory.n);
    put32(&f, z, directory_at);
    put(&f, 0, 2); /* comment */
    if (status == VIOLET_OK) status = emit(z, f.bytes, f.n);
    if (status == VIOLET_OK) status = vl_out_commit(&z->out);
    vl_zip_abandon(z);
    return status;
}

void vl_zip_abandon(vl_zip_out *z)
{
    vl_out_abandon(&z->out);
    vl_buf_free(&z->directory);
}
