/* A video file as packets; between the video_*.c only.
 *
 *     vl_video_file v;
 *     status = vl_video_file_open(&v, "clip.mp4", stop);
 *     while (status == VIOLET_OK) {
 *         status = vl_video_file_read(&got, &v);
 *         if (!got) break;
 *         ... v.packet ...
 *     }
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
#include <stdbool.h>

#include "media/video_info.h"

typedef struct vl_video_file {
    AVFormatContext *format;
    AVStream *stream; /* the best video stream, the one that is read */
    AVPacket *packet; /* of vl_video_file_read */
    AVIOContext *io;
    const char *path; /* borrowed */
    const volatile sig_atomic_t *stop;
    int fd;
    int64_t at, n_bytes; /* position in the file, its size */
    int which;           /* number of the stream */
    int64_t n_read;      /* packets of any stream */
    int64_t end;         /* of what was read, in the stream's time; 0 where it has no time */
    bool cut;            /* a packet was damaged, or reading ended with an error */
} vl_video_file;

/* EIO, EFORMAT ("PATH: expected a video: ..."), EINTERRUPTED. Some frames are decoded, too, to
 * know what the decoder has to know. */
violet_status vl_video_file_open(vl_video_file *v, const char *path,
                                 const volatile sig_atomic_t *stop);
/* The same file once more, from its begin, only for its packets: v->stream may be NULL. */
violet_status vl_video_file_again(vl_video_file *v, const vl_video_file *first);
void vl_video_file_close(vl_video_file *v);

/* The next packet of the stream that holds anything; *got is false at the end, and after an error
 * that is the file's. */
violet_status vl_video_file_read(bool *got, vl_video_file *v);

/* Seconds that the container declares behind the end of a stream that was read: more where the file
 * was cut off at a place that shows no other damage. 0 where it declares nothing. */
double vl_video_file_missing(const vl_video_file *v);

void vl_video_file_info(vl_video_info *out, const vl_video_file *v);

/* A libav error as a status: "PATH: DOING: ...". */
violet_status vl_video_failed(const vl_video_file *v, int code, const char *doing);
/* Is it not the file's fault: a stop, or no memory in spite of a modest wish? */
bool vl_video_is_fatal(int code);

#endif
