/* Makes videos whose frames show their number, in any codec and container that libav can write.
 *
 *     make_video("/tmp/x/a.mp4", &(clip){.n = 30});           // mpeg4, 64 x 48, 10 frames a second
 *     make_video("/tmp/x/b.mkv", &(clip){.codec = "libx264", .n = 100, .b_frames = 2, .gop = 25});
 *     ...
 *     assert_int_equal(shown_number(&picture), 17);
 *
 * Ends the program when it cannot: tests have nothing to do without their files. What stays zero
 * takes its default. */
#ifndef MAKE_VIDEO_H
#define MAKE_VIDEO_H

#include <stdbool.h>
#include <stddef.h>

#include "media/picture.h"

typedef struct clip {
    const char *codec;   /* libav's name of the encoder; "mpeg4" */
    const char *options; /* for the encoder, "key=value;key=value" */
    const char *pixels;  /* "yuv420p"; what the encoder likes best */
    const char *format;  /* libav's name of the container; by the path's ending */
    const char *muxing;  /* options for the container */
    int n;               /* frames; 1 */
    int width, height;   /* 64 x 48 */
    int gop, b_frames;   /* frames a group (12), and B-frames between two others (0) */
    bool irregular;      /* time stamps at uneven distances */
    int start;           /* thousandths of a second before the first frame; negative: mp4 and
                          * mov hide what comes before 0, by an edit list */
    int rotation;        /* by the display matrix, degrees clockwise: 0, 90, 180, 270 */
    bool mirrored;       /* the display matrix mirrors left and right after the rotation */
    int aspect[2];       /* of a pixel, such as {4, 3} */
    int wide_from;       /* from this frame on twice the width; for codecs of single pictures */
    bool sound, only_sound, cover; /* a sound stream too; alone; a cover picture too (or alone) */
} clip;

void make_video(const char *path, const clip *c);

/* Can this build of libav encode that? */
bool can_make(const char *codec);

/* The number that an upright picture shows, 0 to 2047, or -1. Pictures of at least 12 x 12. */
int shown_number(const vl_picture *p);
/* Are the light cells yellow and the dark ones blue, as they were made? */
bool is_coloured(const vl_picture *p);

/* Writes over the file at every place where `find` stands, `behind` bytes behind its begin. Returns
 * how many there were. */
size_t patch_file(const char *path, const void *find, size_t n_find, size_t behind,
                  const void *put, size_t n_put);
/* Flips the bits `mask` of a byte, of the file and of the i-th packet in it. */
void flip_byte(const char *path, size_t byte, int mask);
void patch_packet(const char *path, int i, size_t byte, int mask);
size_t file_bytes(const char *path);
/* The first n bytes alone, into another file. */
void cut_file(const char *to, const char *from, size_t n);

#endif
