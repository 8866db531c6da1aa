/* Where the pictures of a data set's records come from: NAME.tsv, NAME.pkl ({video: [base64
 * JPEG]}), or videos (media/video_list.h): a folder, or what the caller says is videos.
 *
 *     vl_pictures *p;
 *     status = vl_pictures_open(&p, "_data/msrvtt", &(vl_pictures_options){0});
 *     vl_record r = {0};                                     // one a thread
 *     status = vl_pictures_look(&r, p, i);                   // r.id, r.n_frames; nothing decoded
 *     status = vl_pictures_decode(&r, T, give, &mine);       // give(&mine, 0 .. T-1, picture)
 *     vl_record_release(&r);
 *     vl_pictures_close(p);
 *
 * A record of a file has n frames; T of them are taken, spread evenly (vl_pictures_pick). A video
 * has as many as are asked for, by the published rule (media/video.h): what extract-frames
 * --sample T would have written, and with `jpeg` 75 bit for bit.
 *
 * By id:
 *
 *     status = vl_pictures_index(p);                         // once, before any thread finds
 *     if (vl_pictures_find(&i, p, "video7010", 9)) ...
 *
 * An id is found as it is, without a video's ending ("video7010.mp4"), and, of videos, by the last
 * part of the file's path ("video7010" of a/b/video7010.mp4) where only one ends so.
 *
 * Read-only once open: any number of threads may read, each with its own record. */
#ifndef VL_DATA_PICTURES_H
#define VL_DATA_PICTURES_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "file/tsv.h"
#include "media/picture.h"
#include "media/video.h"

typedef struct vl_pictures_options {
    bool videos; /* the path is one video's, or a list's */
    /* of videos only */
    bool fast;      /* find frames by seeking */
    vl_shape shape;
    int jpeg;       /* quality of a JPEG that frames go through, as in extracted files; 0: none */
} vl_pictures_options;

typedef struct vl_pictures vl_pictures;

/* A thread's place and memory. */
typedef struct vl_record {
    vl_slice id;  /* borrowed from the pictures */
    int n_frames; /* 0: a video, as many as are asked for */
    const volatile sig_atomic_t *stop; /* the caller's: ends a video's decoding; may be NULL */
    const vl_pictures *of;
    size_t i;
    vl_tsv_row row;
    vl_buf jpeg;
} vl_record;

/* The picture is the callee's for the call only. */
typedef violet_status (*vl_pictures_give)(void *user, int i, const vl_picture *picture);

violet_status vl_pictures_open(vl_pictures **out, const char *path, const vl_pictures_options *o);
void vl_pictures_close(vl_pictures *p);

const char *vl_pictures_path(const vl_pictures *p);
size_t vl_pictures_n(const vl_pictures *p);
bool vl_pictures_are_videos(const vl_pictures *p);
/* Of record i, without looking at the rest; s NULL where it is none. */
vl_slice vl_pictures_id(const vl_pictures *p, size_t i);
/* Of the ids; of a .tsv of where its records begin, which takes no look at them. */
uint64_t vl_pictures_identity(const vl_pictures *p);

/* For vl_pictures_find: 32 to 64 bytes a record, twice that of videos; a second call does nothing.
 * EFORMAT: two lines of a .tsv have one id. */
violet_status vl_pictures_index(vl_pictures *p);
bool vl_pictures_find(size_t *i, const vl_pictures *p, const char *id, size_t n);

violet_status vl_pictures_look(vl_record *r, const vl_pictures *p, size_t i);
/* Of a record that was looked at: tells pictures from others by their number, sizes and some of
 * their bytes, the same on every machine. A video that cannot be opened has one, too. */
uint64_t vl_pictures_hash(const vl_record *r);
/* Of a record that was looked at, with n_frames at least T (or 0). The message of an error says
 * which frame, or names the video's file. */
violet_status vl_pictures_decode(vl_record *r, int T, vl_pictures_give give, void *user);
/* One frame, 0 .. n_frames - 1, of a record of a file. */
violet_status vl_pictures_frame(vl_picture *out, vl_record *r, int k);
void vl_record_release(vl_record *r);

/* The frame of n that stands for frame i of T: the middle of its share. */
static inline int vl_pictures_pick(int i, int n, int T)
{
    return (int)((2 * (int64_t)i + 1) * n / (2 * (int64_t)T));
}

#endif
