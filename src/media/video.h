/* Frames of a video file, exact, through FFmpeg's libraries.
 *
 *     vl_video_pick pick = {.n_samples = 5};
 *     vl_video_result r;
 *     status = vl_video_sample(&r, "clip.mp4", &pick, give, &mine);   // give(&mine, 0..4, picture)
 *
 * The published rule: N frames can be decoded, n = N / (S+1) as a real number; sample i is frame
 * int(n (i+1)), i = 0 .. S-1 (vl_frame_index). Frame numbers are in order of presentation.
 *
 *  - exact (the default): every packet goes through the decoder, every frame is counted as it comes
 *    out. The packets of the stream say how many frames to expect; frames that the rule then asks
 *    for are kept as they pass by. Where another number than that came out of the decoder, the file
 *    is decoded a second time with it. So memory holds S frames and the decoder's, whatever the
 *    length. For H.264, packets whose pictures nobody sees go in without what is behind their
 *    headers (video_lean.c): the same count, a quarter less work.
 *  - fast: the packets' time stamps give order and number of the frames without decoding; then it
 *    seeks to the key frame before a wanted frame where that saves work, and passes over frames
 *    that nothing refers to. The same frames wherever every packet decodes to one frame; where the
 *    container leaves room for doubt (no time stamps, damaged packets, ...), result->note says so.
 *
 * Pictures are RGB by swscale, alpha is dropped, and stand upright: rotated by the display matrix.
 * The sample aspect ratio is heeded on request (VL_SHAPE_SQUARE; one axis is enlarged): MSR-VTT's
 * clips say that their 320 x 240 pixels are to be seen as 16:9, yet the published frames, with
 * which models were trained, are 320 x 240.
 *
 * Files are hostile: sizes are limited (VL_PICTURE_*), damage is an error or a note, never a
 * crash. A video is used by one thread. Decoders run single-threaded: run videos side by side. */
#ifndef VL_MEDIA_VIDEO_H
#define VL_MEDIA_VIDEO_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/picture.h"
#include "media/video_info.h"

#define VL_VIDEO_SAMPLES_MOST 256

typedef enum vl_shape {
    VL_SHAPE_UPRIGHT, /* rotated; what the published tool gives of all videos that are not turned */
    VL_SHAPE_SQUARE,  /* and stretched to square pixels, as a player does */
    VL_SHAPE_STORED,  /* neither: what the published tool gives */
} vl_shape;
#define VL_SHAPES "upright|square|stored" /* the names, in this order */
const char *vl_shape_name(vl_shape shape);

typedef struct vl_video_pick {
    int n_samples;  /* S, 1 to VL_VIDEO_SAMPLES_MOST */
    bool fast;
    vl_shape shape;
    int max_side;   /* 0: as large as it is; else pictures are shrunk so that no side is larger */
    const volatile sig_atomic_t *stop; /* non-zero: VIOLET_EINTERRUPTED soon; may be NULL */
} vl_video_pick;

typedef struct vl_video_result {
    vl_video_info info;   /* what the container says */
    int64_t n_frames;     /* N */
    int64_t index[VL_VIDEO_SAMPLES_MOST]; /* (S) frame numbers; they repeat if N < S */
    int width, height;    /* of the pictures given */
    int rotation;         /* degrees clockwise, 0, 90, 180, 270 */
    bool counted;         /* N was found by decoding every frame */
    char note[160];       /* what was odd but did not hinder; "" */
} vl_video_result;

/* Takes sample i (0 .. S-1, ascending, each exactly once). The picture is the callee's to keep for
 * the call only. A status other than VIOLET_OK ends the work with it. */
typedef violet_status (*vl_video_give)(void *user, int i, const vl_picture *picture);

/* VIOLET_EFORMAT where no frame can be decoded (what was found of `result` is filled in all the
 * same: info where the container could be opened). The message names the file. */
violet_status vl_video_sample(vl_video_result *result, const char *path, const vl_video_pick *pick,
                              vl_video_give give, void *user);

/* int(N / (S+1) * (i+1)) as the published tool computes it, in double. */
int64_t vl_frame_index(int64_t n_frames, int n_samples, int i);

/* Does the name end like that of a video (".mp4", ".webm", ...), whatever the case? */
bool vl_video_has_name(const char *path);
/* Bytes of an id without a video's ending: "a/b.mp4" 3. */
size_t vl_video_without_ending(const char *id, size_t n);

#endif
