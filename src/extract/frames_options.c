/* Options of extract-frames. */
#include "extract/frames.h"
#include "media/video.h"

#define S vl_frames_options

const vl_option vl_frames_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Data",
                   "a folder of videos, a video, or a text file with a path a line (TAB and an "
                   "id behind it if you like; # begins a comment)"),
    VL_OPTION_PATH(S, output, NULL, "Data",
                   "what to write, without its ending (default: the path's last part)"),
    VL_OPTION_ENUM(S, pkl, "none", "none|also|only", "Data",
                   "write OUTPUT.pkl in the published layout, beside OUTPUT.tsv or instead"),
    VL_OPTION_INT(S, sample, "5", 1, VL_VIDEO_SAMPLES_MOST, "Frames", "frames a video"),
    VL_OPTION_BOOL(S, fast, "false", "Frames",
                   "seek to key frames instead of decoding all; the manifest tells where the "
                   "number of frames is in doubt"),
    VL_OPTION_ENUM(S, shape, "upright", VL_SHAPES, "Frames",
                   "upright: rotated as the video says; square: and stretched to square pixels; "
                   "stored: neither, as the published tool"),
    VL_OPTION_INT(S, quality, "75", 1, 100, "Frames", "of the JPEG pictures"),
    VL_OPTION_INT(S, max_side, "0", 0, VL_PICTURE_SIDE_MOST, "Frames",
                  "shrink pictures so that no side is longer; 0: as large as they are"),
    VL_OPTION_INT(S, workers, "0", 0, 1024, "Run", "videos decoded at once; 0: one a core"),
    VL_OPTION_STRING(S, shard, NULL, "Run",
                     "i/n: do only the i-th of n parts of the list, into OUTPUT.i-of-n"),
    VL_OPTION_INT(S, merge, "0", 0, 999999, "Run",
                  "n: join OUTPUT.1-of-n to OUTPUT.n-of-n into OUTPUT, and do nothing else"),
    VL_OPTION_BOOL(S, retry, "false", "Run",
                   "try those videos again that failed in an earlier run; the others are kept"),
    VL_OPTION_BOOL(S, restart, "false", "Run",
                   "begin anew; what an earlier run finished stays until this one is done"),
    {0},
};
