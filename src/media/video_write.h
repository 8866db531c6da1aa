/* Videos out: pictures into an .mp4, as H.264 (libx264) or MPEG-4.
 *
 *     const vl_video_write_options o = {.width = 128, .height = 128, .fps = 8};
 *     vl_video_writer *w;
 *     status = vl_video_write_open(&w, "clip.mp4", &o);
 *     for (...) status = vl_video_write_frame(w, &picture);
 *     if (status == VIOLET_OK) status = vl_video_write_commit(w);
 *     vl_video_write_free(w);                            // what was not committed is not there
 *
 * The file appears whole or not at all (but for a power cut: vl_out_commit_later). Its bytes
 * follow from the pictures and options, with one
 * build of libav and its encoder. A file is put together in memory: this is for short clips. One
 * thread a writer; writers side by side are fine. */
#ifndef VL_MEDIA_VIDEO_WRITE_H
#define VL_MEDIA_VIDEO_WRITE_H

#include "media/picture.h"

typedef enum vl_video_codec {
    VL_CODEC_AUTO, /* H.264 if this libavcodec can, else MPEG-4 */
    VL_CODEC_H264,
    VL_CODEC_MPEG4,
} vl_video_codec;
#define VL_VIDEO_CODECS "auto|h264|mpeg4" /* the names, in this order */

typedef struct vl_video_write_options {
    int width, height; /* even */
    int fps;           /* frames a second */
    vl_video_codec codec;
    int gop;           /* frames from key frame to key frame; 0: 8 */
} vl_video_write_options;

typedef struct vl_video_writer vl_video_writer;

/* The codec that AUTO stands for; others are what they are. */
vl_video_codec vl_video_codec_found(vl_video_codec codec);
/* EUNSUPPORTED: this libavcodec has no such encoder. EINVAL: sizes that cannot be. */
violet_status vl_video_write_open(vl_video_writer **out, const char *path,
                                  const vl_video_write_options *o);
violet_status vl_video_write_frame(vl_video_writer *w, const vl_picture *p);
violet_status vl_video_write_commit(vl_video_writer *w);
void vl_video_write_free(vl_video_writer *w);

#endif
