/* Entries of a zip archive in memory; stored ones are read in place.
 *
 *     vl_zip z;
 *     status = vl_zip_init(&z, map.data, map.n);
 *     const vl_zip_entry *e = vl_zip_find(&z, "archive/data.pkl", 16);    // NULL: not there
 *     if (e) status = vl_zip_read(&bytes, &z, e);                         // e->size bytes
 *     vl_zip_release(&z);
 *
 * The central directory is read here (zip64, too), every offset checked against the archive's size.
 * Deflated entries are unpacked through libzip and kept until the release; all of them together may
 * take 32 times the archive's bytes + 64 MiB. Checksums of stored entries are not looked at:
 * PyTorch lets them be wrong. */
#ifndef VL_FILE_ZIP_H
#define VL_FILE_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vl_zip_entry {
    const char *name; /* (n_name), not terminated */
    uint32_t n_name;
    uint16_t method;  /* 0: stored */
    size_t index;     /* place in the directory */
    uint64_t packed, size, header; /* bytes; offset of the local header */
} vl_zip_entry;

typedef struct vl_zip {
    const uint8_t *data;
    size_t n;
    size_t n_entries;
    vl_zip_entry *entries; /* (n_entries) by name */
    uint8_t **unpacked; /* (n_entries) the bytes of packed entries, once they were wanted; NULL */
    size_t unpacked_bytes;
    void *archive; /* libzip's, opened at the first packed entry */
} vl_zip;

/* Bytes that outlive z. z need not be released after an error. */
violet_status vl_zip_init(vl_zip *z, const void *data, size_t n);
void vl_zip_release(vl_zip *z);

const vl_zip_entry *vl_zip_find(const vl_zip *z, const char *name, size_t n_name);
/* The entry's bytes, borrowed until the release. */
violet_status vl_zip_read(const uint8_t **out, vl_zip *z, const vl_zip_entry *e);

#endif
