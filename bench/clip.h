/* Makes a video to measure on: a drifting texture with bright squares that jump, 4:2:0, H.264 where
 * libav has an encoder for it, else MPEG-4, with B-frames and a key frame every 250. */
#ifndef VL_BENCH_CLIP_H
#define VL_BENCH_CLIP_H

#include "violet.h"

/* The container is that of path's ending; sizes are even. Only a finished file has its name. */
violet_status bench_clip_make(const char *path, int width, int height, int fps, int n_frames);

#endif
