/* The file that keeps what is encoded of a collection's videos, so that the next search encodes
 * only those that are new or changed.
 *
 *     vl_search_index old = {0};
 *     status = vl_search_index_open(&old, "videos.index", &key);    // old.damaged, old.other
 *     const vl_search_entry *e = vl_search_index_find(&old, "a/b.mp4");   // NULL: it has none
 *
 *     vl_search_writer w = {0};
 *     status = vl_search_writer_open(&w, "videos.index", &key);
 *     status = vl_search_writer_copy(&w, e);                        // what stays,
 *     status = vl_search_writer_put(&w, &fresh);                    // and what comes
 *     status = vl_search_writer_commit(&w);                         // now it is there
 *
 * A cache of an evaluation (model/features.h) will not do: its items are so many, in this order.
 * Here they come and go, and a name, a size and a time tell which they are.
 *
 *     header (64 bytes) | records: 32 bytes head, name, vector, tokens, each padded to 8 bytes
 *
 * Little-endian. Every record has a hash; one that is damaged is as if it were not there. */
#ifndef VL_SEARCH_INDEX_H
#define VL_SEARCH_INDEX_H

#include "base/file.h"
#include "base/index.h"

/* What made it: with another key it is of no use. */
typedef struct vl_search_key {
    uint64_t weights, how; /* hashes of the model's, and of sizes and options */
    uint32_t rows, cols;   /* of a video's tokens */
    uint32_t width;        /* of its vector; 0: none */
} vl_search_key;

typedef struct vl_search_entry {
    const char *name; /* (n_name), not closed by 0 */
    uint32_t n_name;
    uint64_t size; /* of the video file */
    int64_t time;  /* when it was changed, ns */
    const float *vector, *tokens; /* (width), (rows, cols) */
    const void *record;           /* (record_bytes) of the file */
    size_t record_bytes;
} vl_search_entry;

typedef struct vl_search_index {
    vl_map map;
    vl_search_entry *entry; /* (n) */
    size_t n, cap;
    vl_string_index names;
    size_t n_damaged; /* records, or more, that were lost */
    bool there, damaged, other; /* a file; it has damage; another key made it: n is 0 */
} vl_search_index;

/* A file that is not there is an empty index. EINVAL for one that is no index: it is not to be
 * replaced. trusted: written by this process just now, hashes need not be looked at. */
violet_status vl_search_index_open(vl_search_index *x, const char *path, const vl_search_key *key,
                                   bool trusted);
const vl_search_entry *vl_search_index_find(const vl_search_index *x, const char *name);
void vl_search_index_close(vl_search_index *x);

typedef struct vl_search_writer {
    vl_out out; /* .file NULL: not open */
    vl_search_key key;
    uint64_t n;
} vl_search_writer;

/* Nothing of the file that is there is touched before the commit. A call that fails has closed the
 * writer. */
violet_status vl_search_writer_open(vl_search_writer *w, const char *path,
                                    const vl_search_key *key);
violet_status vl_search_writer_put(vl_search_writer *w, const vl_search_entry *e);
violet_status vl_search_writer_copy(vl_search_writer *w, const vl_search_entry *e);
violet_status vl_search_writer_commit(vl_search_writer *w);

/* Bytes of a record whose name has n_name. */
size_t vl_search_record_bytes(const vl_search_key *key, size_t n_name);

#endif
