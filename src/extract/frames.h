/* Frames of videos as a data set: the published rule, any container and codec. */
#ifndef VL_EXTRACT_FRAMES_H
#define VL_EXTRACT_FRAMES_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_frames_options {
    char *path;
    char *output;
    int sample;
} vl_frames_options;

extern const vl_option vl_frames_option_table[];

violet_status vl_frames_run(const vl_frames_options *o, const violet_hooks *hooks);

#endif
