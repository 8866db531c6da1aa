/* Tokens of records so far, in a file that only grows: what extract-vq writes while it works, and
 * what a shard leaves for the merge.
 *
 *     line 1   JSON: the options that decide the tokens, and what was read
 *     then, a record after the other, in order:
 *              8 bytes  hash of the rest of the record
 *              4 bytes  n, bytes of the id
 *              4 bytes  T, frames; 0: the record was bad, and has no tokens
 *              n bytes  the id
 *              2Thw     tokens, int16
 *
 * Numbers are little-endian. A record that a kill cut short fails its hash: the file ends before
 * it. */
#ifndef VL_EXTRACT_VQ_FILE_H
#define VL_EXTRACT_VQ_FILE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/file.h"
#include "file/tsv.h"

typedef struct vq_record {
    vl_slice id;
    int T;
    const uint8_t *tokens; /* (T, h, w) int16, unaligned */
} vq_record;

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct vq_reader {
    vl_map map;
    json_t *header;
    int h;      /* tokens a side, "grid" of the header */
    size_t at;  /* of the next record */
} vq_reader;

/* r->header is NULL where there is no whole first line. */
violet_status vq_reader_open(vq_reader *r, const char *path);
void vq_reader_close(vq_reader *r);
/* false: no further whole record */
bool vq_reader_next(vq_record *out, vq_reader *r);

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct vq_file {
    int fd; /* locked; -1: closed */
    char *path;
    int h;
    uint64_t bytes;
    size_t n, n_bad, n_frames; /* records, bad ones among them, frames */
    double synced;
    vl_buf record;
} vq_file;

/* Opens the file to go on with, as far as its records are those with the ids that `id_of` gives for
 * 0, 1, ...; or begins it. EINVAL where it was begun with another header, unless `anew`. */
violet_status vq_file_open(vq_file *f, const char *path, const json_t *header, bool anew,
                           vl_slice (*id_of)(const void *user, size_t i), const void *user);
/* tokens (T, h, h); T 0: a bad record. Brings all to the disk every few seconds. */
violet_status vq_file_put(vq_file *f, vl_slice id, const int32_t *tokens, int T);
violet_status vq_file_sync(vq_file *f);
void vq_file_close(vq_file *f);

#endif
