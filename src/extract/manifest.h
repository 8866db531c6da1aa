/* OUTPUT.manifest.jsonl: what became of each video, and what an interrupted run needs to go on.
 *
 * The first line is an object with the options that decide the output, the number of videos and a
 * hash over their names and ids; then a line a video, in order:
 *
 *     {"violet": "extract-frames", "version": 1, "sample": 5, ..., "videos": 7, "list": "9f..."}
 *     {"id": "a", "path": "a.mp4", "status": "ok", "frames": 300, "indices": [50, ...], ...}
 *     {"id": "b", "path": "b.mp4", "status": "failed", "error": "no frame can be decoded"}
 *
 * It is written as OUTPUT.manifest.jsonl.partial, each line after that of the .tsv, and renamed
 * last of all files: where it is, all is done. */
#ifndef VL_EXTRACT_MANIFEST_H
#define VL_EXTRACT_MANIFEST_H

#include <jansson.h>

#include "base/buf.h"
#include "base/shard.h"
#include "extract/frames.h"
#include "media/video.h"
#include "media/video_list.h"

/* The first line's object; NULL: out of memory. */
json_t *vl_manifest_header(const vl_frames_options *o, const vl_video_list *l, const vl_shard *s);
/* EINVAL, with the first thing that differs, unless `found` (of the file at path) is `mine`. */
violet_status vl_manifest_same(const json_t *mine, const json_t *found, const char *path);

/* The same of two parts of one whole, told of both. */
violet_status vl_manifest_alike(const json_t *first, const char *first_path, const json_t *found,
                                const char *path);

/* Appends the line of a video that became `status`, `error` telling why it failed. */
violet_status vl_manifest_entry(vl_buf *out, const vl_video_entry *f, const vl_video_result *r,
                                int n_samples, violet_status status, const char *error);
/* An object as a line. */
violet_status vl_manifest_line(vl_buf *out, const json_t *object);

/* Is a line the entry of this video (NULL: of any)? *ok: and did it give frames? */
bool vl_manifest_is_entry(bool *ok, const char *line, size_t n, const vl_video_entry *f);

typedef struct vl_manifest {
    json_t *header; /* NULL: there is no whole first line */
    size_t n, n_ok; /* entries */
    uint64_t bytes; /* up to the end of the last entry that counts */
} vl_manifest;

/* Reads a manifest as far as its lines are whole, are the videos of the list from `first` on (NULL:
 * any), and no more than most_ok of them say "ok". */
violet_status vl_manifest_read(vl_manifest *out, const char *path, const vl_video_list *l,
                               size_t first, size_t end, size_t most_ok);
void vl_manifest_release(vl_manifest *m);

#endif
