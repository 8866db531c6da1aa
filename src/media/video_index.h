/* The packets of a video in order of presentation, without decoding; between the video_*.c only.
 *
 *     vl_video_index x;
 *     status = vl_video_index_read(&x, decoder);
 *     if (!x.doubt) ... x.entry[i] is frame i ...
 *     vl_video_index_release(&x);
 *
 * That holds where every packet becomes one frame, shown in the order of the time stamps. All that
 * speaks against it is looked for; the first such thing is `doubt`. */
#ifndef VL_MEDIA_VIDEO_INDEX_H
#define VL_MEDIA_VIDEO_INDEX_H

#include "media/video_work.h"

enum {
    VL_ENTRY_KEY = 1,      /* nothing shown from it on needs what is decoded before it */
    VL_ENTRY_UNUSED = 2,   /* no other frame refers to it: decoders that skip those skip it */
    VL_ENTRY_WANTED = 4,   /* below: marks of who uses the index */
    VL_ENTRY_CAME_OUT = 8,
    VL_ENTRY_CUT = 16,
};

typedef struct vl_video_entry {
    int64_t pts, dts;
    uint32_t at; /* position in the order of decoding */
    uint8_t marks;
} vl_video_entry;

typedef struct vl_video_index {
    vl_video_entry *entry; /* (n) by pts */
    size_t n, room;
    int64_t end;       /* as a file's */
    int length_bytes;  /* H.264 and HEVC: of the length before a NAL unit; 0: start codes */
    bool is_layered;   /* HEVC with temporal layers: the marks "unused" mean nothing */
    const char *doubt; /* NULL: none */
} vl_video_index;

violet_status vl_video_index_read(vl_video_index *x, const vl_video_decoder *d);
void vl_video_index_release(vl_video_index *x);
/* The entry with that time stamp, or NULL. */
vl_video_entry *vl_video_index_find(const vl_video_index *x, int64_t pts);

/* The next NAL unit of [p, end), its header's bytes at *nal; returns what is behind it (with start
 * codes: behind the code). NULL: there is none, or it reaches beyond the end. */
const uint8_t *vl_video_next_nal(const uint8_t **nal, const uint8_t *p, const uint8_t *end,
                                 int length_bytes);

#endif
