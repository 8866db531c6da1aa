/* Frames of videos as a data set: the published rule, any container and codec. */
#include "extract/frames.h"

#include "base/status.h"

#define S vl_frames_options

const vl_option vl_frames_option_table[] = {
    VL_OPTION_STRING(S, path, NULL, "Data", "a video, a folder of videos, or a text file with a path a line"),
    VL_OPTION_STRING(S, output, "data", "Data", "written: OUTPUT.tsv, OUTPUT.lineidx, OUTPUT.manifest.jsonl"),
    VL_OPTION_INT(S, sample, "5", 1, 256, "Data", "frames a video"),
    {0},
};

violet_status vl_frames_run(const vl_frames_options *o, const violet_hooks *hooks)
{
    (void)o;
    (void)hooks;
    return vl_err(VIOLET_EUNSUPPORTED, "in the making");
}
