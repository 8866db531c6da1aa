/* A decoded frame as the picture that is to be seen; between the video_*.c only.
 *
 *     vl_painter p = {.stream = stream, .max_side = 0};
 *     status = vl_painter_paint(&picture, &p, frame);           // any number of times
 *     vl_painter_release(&p);
 *
 * The frame's samples are scaled and turned into RGB in one go, then rotated. Frames of one video
 * may differ in size and format. */
#ifndef VL_MEDIA_VIDEO_PICTURE_H
#define VL_MEDIA_VIDEO_PICTURE_H

#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdbool.h>

#include "media/video.h"

typedef struct vl_painter_seen {
    int rotation;        /* of the last frame: degrees clockwise */
    bool mirrored;       /* the last frame was, too */
    bool odd_angle;      /* some rotation was no quarter turn: the nearest one was taken */
    bool oblong;         /* pixels that are not square were left so */
    bool aspect_dropped; /* some aspect ratio was beyond the limits of a picture */
} vl_painter_seen;

typedef struct vl_painter {
    AVStream *stream;
    int max_side;
    vl_shape shape;
    struct SwsContext *sws;
    enum AVColorSpace matrix; /* of the last frame, and so of sws */
    enum AVColorRange range;
    uint8_t *rgb; /* (height, stride) before the rotation */
    size_t rgb_bytes;
    vl_painter_seen seen;
} vl_painter;

/* The caller releases *out. EFORMAT: too large. */
violet_status vl_painter_paint(vl_picture *out, vl_painter *p, const AVFrame *frame);
void vl_painter_release(vl_painter *p);

#endif
