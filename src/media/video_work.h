/* What exact and fast reading share; between the video_*.c only. */
#ifndef VL_MEDIA_VIDEO_WORK_H
#define VL_MEDIA_VIDEO_WORK_H

#include <libavcodec/avcodec.h>

#include "media/video.h"
#include "media/video_open.h"
#include "media/video_picture.h"

/* One open file being decoded. */
typedef struct vl_video_decoder {
    vl_video_file file;
    AVCodecContext *codec;
    AVFrame *frame;
    int64_t n_bad; /* packets that the decoder refused */
    bool flagged;  /* a frame was marked as damaged */
    vl_painter painter;
} vl_video_decoder;

violet_status vl_video_decoder_open(vl_video_decoder *d, const char *path,
                                    const vl_video_pick *pick);
void vl_video_decoder_close(vl_video_decoder *d);

/* d->file.packet to the decoder (or, if `last`, that there is no other); then call receive until
 * no frame is left. */
violet_status vl_video_decoder_send(vl_video_decoder *d, bool last);
violet_status vl_video_decoder_receive(bool *got, vl_video_decoder *d);

/* The pictures of one try; given only once it is certain that they are the right ones. */
typedef struct vl_video_kept {
    int n_samples;
    int64_t index[VL_VIDEO_SAMPLES_MOST];     /* ascending */
    vl_picture picture[VL_VIDEO_SAMPLES_MOST]; /* of the first sample with that index */
    int next;                                  /* the first sample that has no picture yet */
} vl_video_kept;

/* Drops pictures and sets the indices for N frames. */
void vl_video_kept_aim(vl_video_kept *k, int64_t n_frames, int n_samples);
void vl_video_kept_release(vl_video_kept *k);
/* Paints d->frame, which is the frame that k->next wants, and moves on. */
violet_status vl_video_kept_take(vl_video_kept *k, vl_video_decoder *d);

/* Adds a remark, "; " between two; what does not fit is dropped. */
void vl_video_note(vl_video_result *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Fast mode. *doubt is NULL: `kept` holds all samples, *n_frames is N. Else why only decoding all
 * can tell. */
violet_status vl_video_fast(const char **doubt, int64_t *n_frames, vl_video_kept *kept,
                            vl_video_decoder *d, int n_samples);

/* Exact mode for H.264, with the same results as decoding all, or *doubt. */
violet_status vl_video_lean(const char **doubt, int64_t *n_frames, vl_video_kept *kept,
                            vl_video_decoder *d, int n_samples);

#endif
