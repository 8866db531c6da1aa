/* Zip archives, written as a stream: stored entries whose sizes are known before their bytes.
 *
 *     vl_zip_out z;
 *     if ((status = vl_zip_create(&z, "model.pt")) != VIOLET_OK) return status;
 *     status = vl_zip_put(&z, "archive/version", "3\n", 2);
 *     if (status == VIOLET_OK) status = vl_zip_begin(&z, "archive/data/0", 1200, 64);
 *     ... vl_zip_push(&z, bytes, n) until all 1200 are there ...
 *     status = vl_zip_finish(&z);            // or vl_zip_abandon(&z)
 *
 * Why not libzip, which reads for us: it writes archives as a whole when they are closed, from
 * sources that it pulls, into a file of its own making; and it cannot align an entry's bytes, which
 * a checkpoint that is to be mapped needs. What is written here is small: no compression.
 *
 * Checksums are known only behind the bytes: the local header is patched then, so that no reader
 * has to understand data descriptors. zip64 fields are written where a number does not fit, only
 * there. Times are all 1980-01-01, so the bytes of an archive are a function of its content. */
#ifndef VL_FILE_ZIP_WRITE_H
#define VL_FILE_ZIP_WRITE_H

#include "base/buf.h"
#include "base/file.h"

typedef struct vl_zip_out {
    vl_out out;
    uint64_t at;          /* bytes written */
    uint64_t due;         /* bytes that the entry still lacks */
    uint64_t crc_at;      /* where its checksum stands */
    size_t crc_in_directory;
    uint32_t crc;         /* of its bytes so far */
    vl_buf directory;     /* of the entries so far */
    uint64_t n_entries;
    uint64_t most32, most16; /* larger numbers than these go to zip64 fields; tests lower them */
} vl_zip_out;

violet_status vl_zip_create(vl_zip_out *z, const char *path);
/* An entry of `size` bytes that start at a multiple of `align`, a power of two up to 32768; 1: as
 * it comes. Names are UTF-8 of at most 65535 bytes; two of one name are the caller's mistake. */
violet_status vl_zip_begin(vl_zip_out *z, const char *name, uint64_t size, unsigned align);
/* VIOLET_EINVAL for more than the entry's size, and then for the next entry where some lack. */
violet_status vl_zip_push(vl_zip_out *z, const void *data, size_t n);
/* A whole entry. */
violet_status vl_zip_put(vl_zip_out *z, const char *name, const void *data, size_t n);
violet_status vl_zip_finish(vl_zip_out *z);
/* After any of these calls, and twice if one likes. */
void vl_zip_abandon(vl_zip_out *z);

#endif
