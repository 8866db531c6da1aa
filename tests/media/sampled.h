/* Samples a video and keeps the pictures; a folder for the videos. For the tests here. */
#ifndef SAMPLED_H
#define SAMPLED_H

#include "media/video.h"

typedef struct sampled {
    vl_video_result r;
    violet_status status;
    vl_picture picture[VL_VIDEO_SAMPLES_MOST];
    int n; /* pictures given */
} sampled;

/* Fixtures of a group of tests: a fresh folder, which the tests have to leave empty. */
extern char folder[64];
int make_folder(void **state);
int remove_folder(void **state);
/* A path in it, good until the next call but one. */
const char *at(const char *name);

/* Checks, too, that samples come in order, each once, and as the result says. */
void sample_video(sampled *s, const char *path, const vl_video_pick *pick);
void sampled_release(sampled *s);

/* Fails unless both went the same way: indices, pictures, bit by bit. */
void assert_same_pictures(const sampled *a, const sampled *b, const char *what);

#endif
