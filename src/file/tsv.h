/* Pictures in a tab-separated file with a line index.
 *
 *     vl_tsv *t;
 *     status = vl_tsv_open(&t, "img_cc3m_val.tsv");        // and img_cc3m_val.lineidx beside it
 *     vl_tsv_row row;
 *     status = vl_tsv_read(&row, t, 7);                    // slices borrow from the map
 *     ... row.id, row.frame[0 .. row.n_frames - 1]: base64 text, not terminated
 *     vl_tsv_close(t);
 *
 * A line: id TAB frame TAB frame ... NEWLINE, or (v2) id TAB metadata TAB frame ...; a second
 * column that is no base64 JPEG ("/9j/") and has another column behind it is metadata. The index is
 * X.lineidx (a byte offset a line, in text) or X.lineidx.8b (8-byte little-endian offsets); without
 * either the file is scanned once, and vl_tsv_scanned says so.
 *
 * The file is mapped, never read whole. Opening checks that the offsets ascend inside the file;
 * reading row i checks that they are the starts of its line and the next. After opening, any number
 * of threads may read. */
#ifndef VL_FILE_TSV_H
#define VL_FILE_TSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define VL_TSV_MAX_FRAMES 256

typedef struct vl_slice {
    const char *s; /* not terminated */
    size_t n;
} vl_slice;

typedef struct vl_tsv_row {
    vl_slice id, meta; /* meta.s NULL: no such column */
    int n_frames;
    vl_slice frame[VL_TSV_MAX_FRAMES];
} vl_tsv_row;

typedef struct vl_tsv vl_tsv;

violet_status vl_tsv_open(vl_tsv **out, const char *path);
/* A tsv and index in memory that outlive the handle; index NULL: scan. `binary`: .lineidx.8b. */
violet_status vl_tsv_parse(vl_tsv **out, const void *data, size_t n, const void *index,
                           size_t n_index, bool binary, const char *name);
void vl_tsv_close(vl_tsv *t);

size_t vl_tsv_n(const vl_tsv *t);
/* Of where its lines begin, so of how many there are and how long. */
uint64_t vl_tsv_hash(const vl_tsv *t);
bool vl_tsv_scanned(const vl_tsv *t); /* there was no index */
const char *vl_tsv_path(const vl_tsv *t);
violet_status vl_tsv_read(vl_tsv_row *row, const vl_tsv *t, size_t i);
/* Only a row's id, without going through its pictures; nothing is checked. */
vl_slice vl_tsv_id(const vl_tsv *t, size_t i);
/* The line's pages may leave memory: for a reader that passes once over a large file. They come
 * back when read again. */
void vl_tsv_forget(const vl_tsv *t, size_t i);

#endif
