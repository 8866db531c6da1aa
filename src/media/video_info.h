/* What a video file says of itself, without decoding a frame.
 *
 *     vl_video_info v;
 *     status = vl_video_info_read(&v, "video7010.mp4");
 */
#ifndef VL_MEDIA_VIDEO_INFO_H
#define VL_MEDIA_VIDEO_INFO_H

#include <stdint.h>

#include "violet.h"

typedef struct vl_video_info {
    char container[64], codec[64], pixels[32]; /* such as "mov,mp4,...", "h264", "yuv420p" */
    int width, height;
    double seconds, frames_per_s; /* 0: not said */
    int64_t n_frames;             /* 0: not said */
    int n_streams, has_audio;
} vl_video_info;

/* VIOLET_EFORMAT if libav finds no video in it. */
violet_status vl_video_info_read(vl_video_info *out, const char *path);

#endif
