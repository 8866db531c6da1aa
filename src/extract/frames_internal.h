/* A run of extract-frames from inside: frames.c opens and ends it, frames_pool.c has the threads,
 * frames_earlier.c knows finished runs, frames_merge.c joins shards. */
#ifndef VL_EXTRACT_FRAMES_INTERNAL_H
#define VL_EXTRACT_FRAMES_INTERNAL_H

#include "base/file.h"
#include "base/progress.h"
#include "extract/manifest.h"
#include "file/tsv_write.h"

#define FRAMES_WARNINGS_TOLD 20

/* OUTPUT with its endings, all malloc. */
typedef struct frames_names {
    char *tsv, *index, *pkl, *manifest, *partial /* the manifest's */;
} frames_names;

/* s: the shard, 1 of 1 for none. */
violet_status frames_name(frames_names *out, const vl_frames_options *o, const vl_shard *s);
void frames_names_release(frames_names *n);

/* A finished run, whose good videos another one takes over. */
typedef struct frames_earlier {
    vl_tsv *t;
    vl_map manifest;
    struct frames_entry {
        size_t at, n; /* of the manifest's line */
        size_t line;  /* of the .tsv, from 1 on; 0: the video failed */
    } *entry; /* (end - first); NULL: nothing is taken over */
    size_t n_bad;
    vl_tsv_row row;
} frames_earlier;

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
    frames_earlier earlier;
} frames;

/* What a thread has made of a video. */
typedef struct frames_video {
    violet_status status;
    bool taken; /* over from an earlier run: nothing else is set */
    char error[512];
    vl_video_result result;
    vl_buf text; /* base64 pictures, one behind the other */
    int n;
    size_t n_bytes[VL_VIDEO_SAMPLES_MOST];
} frames_video;

/* Opens the partial files: those of an earlier run, to go on with, unless `anew`. The names, range,
 * header and list (none: its videos are not looked at) must be set. */
violet_status frames_begin(frames *f, bool anew);
/* Bytes behind the manifest. */
violet_status frames_append(frames *f, const char *line, size_t n_line);
/* Partial files become whole ones; only now are those of an earlier run replaced. */
violet_status frames_finish(frames *f);

/* Does videos [next, end) and gives each to frames_put, in order. */
violet_status frames_pool(frames *f);
/* Writes video `next` and counts it. */
violet_status frames_put(frames *f, const frames_video *v);

/* Ends as the counts say: the closing line, an error where no video gave frames. */
violet_status frames_end(const frames *f, const char *how);

/* A run that is there: its manifest is this run's and complete, its lines are all there. An index
 * that is missing or damaged, and a .pkl that is still wanted, are made. Sets next and counts. */
violet_status frames_check_finished(frames *f);
/* For --retry: makes the finished run, if there is one, the earlier one of f. */
violet_status frames_earlier_open(frames *f);
void frames_earlier_close(frames *f);
bool frames_has_earlier(const frames *f, size_t i);
/* The line of video `next` to the .tsv, its line of the manifest to f->line. */
violet_status frames_take_over(frames *f);

violet_status frames_merge(const vl_frames_options *o, const violet_hooks *hooks);

#endif
