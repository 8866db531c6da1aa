/* Options of make-corpus. */
#include "corpus/corpus.h"
#include "media/video_write.h"

#define S vl_corpus_options

const vl_option vl_corpus_option_table[] = {
    VL_OPTION_STRING(S, output, NULL, "Data", "DIR: the folder to write"),
    VL_OPTION_STRING(S, name, "world", "Data", "NAME of the data set: txt_NAME.json"),
    VL_OPTION_INT(S, clips, "2000", 1, 99999, "Data", "of the training split"),
    VL_OPTION_INT(S, val, "-1", -1, 2000, "Data",
                  "clips of the validation split; -1: a twentieth of the training split, at least "
                  "20"),
    VL_OPTION_INT(S, test, "100", 1, 2000, "Data", "clips of the test split"),
    VL_OPTION_INT64(S, seed, "1", 0, 1e15, "Data", "what everything is drawn from"),
    VL_OPTION_INT(S, size, "128", 32, 1024, "Clips", "side of the pictures, even"),
    VL_OPTION_INT(S, frames, "16", 8, 1024, "Clips", "frames a clip"),
    VL_OPTION_INT(S, fps, "8", 1, 240, "Clips", "frames a second"),
    VL_OPTION_ENUM(S, codec, "auto", VL_VIDEO_CODECS, "Clips",
                   "auto: H.264 if this build of FFmpeg's libraries writes it, else MPEG-4"),
    VL_OPTION_INT(S, workers, "0", 0, 1024, "Run", "clips made at once; 0: one a core"),
    {0},
};
