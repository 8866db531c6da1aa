/* A run of extract-frames from inside: frames.c opens and ends it, frames_pool.c has the threads,
 * frames_merge.c joins shards. */
#ifndef VL_EXTRACT_FRAMES_INTERNAL_H
#define VL_EXTRACT_FRAMES_INTERNAL_H

#include "extract/manifest.h"
#include "extract/progress.h"
#include "file/tsv_write.h"

#define FRAMES_WARNINGS_TOLD 20

/* OUTPUT with its endings, all malloc. */
typedef struct frames_names {
    char *tsv, *index, *pkl, *manifest, *partial /* the manifest's */;
} frames_names;

/* s: the shard, 1 of 1 for none. */
violet_status frames_name(frames_names *out, const vl_frames_options *o, const vl_shard *s);
void frames_names_release(frames_names *n);
typedef struct frames {
    const vl_frames_options *o;
    const violet_hooks *hooks;
    frames_names names;
    vl_shard shard;
    vl_video_list list;
    size_t first, end; /* of the list, this run's */
    size_t next;       /* the first that is not written */
    size_t n_ok, n_bad;
    json_t *header;
    int fd; /* of the partial manifest, locked; -1 */
    uint64_t bytes;
    vl_tsv_writer *w;
    vl_buf line;
    vl_progress progress;
    double synced; /* when all was last brought to the disk */
} frames;

/* What a thread has made of a video. */
typedef struct frames_video {
    violet_status status;
    char error[512];
    vl_video_result result;
    vl_buf text; /* base64 pictures, one behind the other */
    int n;
    size_t n_bytes[VL_VIDEO_SAMPLES_MOST];
} frames_video;

/* Opens the partial files: those of an earlier run, to go on with, unless `anew`. The names, range,
 * header and list (none: its videos are not looked at) must be set. */
violet_status frames_begin(frames *f, bool anew);
/* Removes all that an earlier run has left, but the .pkl, which is replaced in one go. */
violet_status frames_throw_away(const frames_names *n);
/* Bytes behind the manifest. */
violet_status frames_append(frames *f, const char *line, size_t n_line);
/* Partial files become whole ones. */
violet_status frames_finish(frames *f);

/* Does videos [next, end) and gives each to frames_put, in order. */
violet_status frames_pool(frames *f);
/* Writes video `next` and counts it. */
violet_status frames_put(frames *f, const frames_video *v);

/* Ends as the counts say: the closing line, an error where no video gave frames. */
violet_status frames_end(const frames *f, const char *how);

violet_status frames_merge(const vl_frames_options *o, const violet_hooks *hooks);

#endif
