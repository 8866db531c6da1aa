/* Opens a video file for the decoder; between the video_*.c only.
 *
 *     vl_video_file v;
 *     status = vl_video_file_open(&v, "clip.mp4", VL_VIDEO_KNOW, stop);
 *     ... av_read_frame(v.format, packet): packets of v.stream alone ...
 *     vl_video_file_close(&v);                                  // also after an error
 *
 * Files are hostile, so a file is read through a descriptor of our own, libav gets neither its name
 * nor a protocol, and formats that consist of names of other files are refused: nothing but this
 * one file is ever opened. What a container is shows by its content; the name's ending says
 * nothing. */
#ifndef VL_MEDIA_VIDEO_OPEN_H
#define VL_MEDIA_VIDEO_OPEN_H

#include <libavformat/avformat.h>
#include <signal.h>

#include "media/video_info.h"

typedef enum vl_video_depth {
    VL_VIDEO_PACKETS, /* the headers: enough to read packets */
    VL_VIDEO_KNOW,    /* some frames are decoded too: what the decoder has to know */
} vl_video_depth;

typedef struct vl_video_file {
    AVFormatContext *format;
    AVStream *stream; /* the best video stream; packets of others are dropped */
    AVIOContext *io;
    const char *path; /* borrowed */
    const volatile sig_atomic_t *stop;
    int fd;
    int64_t at, n_bytes; /* position in the file, its size */
} vl_video_file;

/* EIO, EFORMAT ("PATH: expected a video: ..."), EINTERRUPTED. With VL_VIDEO_PACKETS the stream may
 * be unknown yet: NULL, where the container has no header. */
violet_status vl_video_file_open(vl_video_file *v, const char *path, vl_video_depth depth,
                                 const volatile sig_atomic_t *stop);
void vl_video_file_close(vl_video_file *v);

void vl_video_file_info(vl_video_info *out, const vl_video_file *v);

/* A libav error as a status: "PATH: DOING: ..."; EINTERRUPTED and ENOMEM keep their kind. */
violet_status vl_video_failed(const vl_video_file *v, int code, const char *doing);

#endif
