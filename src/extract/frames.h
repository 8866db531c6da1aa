/* Frames of videos as a data set: the published rule, any container and codec.
 *
 * Writes OUTPUT.tsv, OUTPUT.lineidx and OUTPUT.manifest.jsonl (and OUTPUT.pkl on request) in the
 * order of the list of videos, whatever the number of threads. Until all is done they are called
 * *.partial, and the same call goes on with them after a stop or a kill (extract/manifest.h). */
#ifndef VL_EXTRACT_FRAMES_H
#define VL_EXTRACT_FRAMES_H

#include "base/option.h"
#include "violet.h"

enum { VL_FRAMES_PKL_NONE, VL_FRAMES_PKL_ALSO, VL_FRAMES_PKL_ONLY };

typedef struct vl_frames_options {
    char *path;
    char *output;
    int sample;
    int quality, max_side;
    bool fast;
    int shape; /* vl_shape */
    int pkl;
    int workers;
    char *shard;
    int merge;
    bool retry, restart;
} vl_frames_options;

extern const vl_option vl_frames_option_table[];

violet_status vl_frames_run(const vl_frames_options *o, const violet_hooks *hooks);

#endif
