/* The options of score, ask, embed and search; see use.h. */
#include "use/use.h"

#define S vl_use_options

#define MODEL                                                                                      \
    VL_OPTION_PATH(S, checkpoint, NULL, "Model",                                                   \
                   "weights: .safetensors, or PyTorch's .pt, .pth, .bin"),                         \
    VL_OPTION_PATH_OR(S, config, NULL, VL_CONFIG_PRESETS, "Model",                                 \
                      "sizes: violet1, tiny, a JSON file, or a checkpoint (default: those of the " \
                      "checkpoint)"),                                                              \
    VL_OPTION_BOOL(S, interpolate, "false", "Model",                                               \
                   "resize position tables that are of another picture size or number of frames"), \
    VL_OPTION_ENUM(S, compat, "auto", "auto|none|violet1", "Model",                                \
                   "violet1: pictures and texts as the published code makes them; auto: as the "   \
                   "checkpoint was fine-tuned, else none"),                                        \
    VL_OPTION_PATH(S, vocab, NULL, "Model",                                                        \
                   "WordPiece vocabulary file (default: BERT's, built in)"),                       \
    VL_OPTION_INT(S, size_txt, "0", 0, 512, "Model",                                               \
                  "text positions, [CLS] and [SEP] included; 0: as fine-tuned, else 25"),          \
    VL_OPTION_INT(S, threads, "0", 0, 1024, "Run", "threads that compute, 0: one a core")

#define VIDEO                                                                                      \
    VL_OPTION_INT(S, size_img, "0", 0, 1024, "Video",                                              \
                  "side of the pictures, a multiple of 32; 0: as fine-tuned, else 224"),           \
    VL_OPTION_INT(S, size_frame, "0", 0, 64, "Video",                                              \
                  "frames, spread evenly; 0: as fine-tuned, else 5"),                              \
    VL_OPTION_ENUM(S, shape, "upright", VL_SHAPES, "Video",                                        \
                   "of frames; upright: rotated as the video says; square: and stretched to "      \
                   "square pixels; stored: neither"),                                              \
    VL_OPTION_BOOL(S, fast_video, "false", "Video",                                                \
                   "find frames by seeking, in place of decoding all of them")

#define OUTPUT                                                                                     \
    VL_OPTION_BOOL(S, json, "false", "Output", "an object in place of lines"),                     \
    VL_OPTION_BOOL(S, verbose, "false", "Output", "tell what took how long")

const vl_option vl_score_option_table[] = {MODEL, VIDEO, OUTPUT, {0}};

const vl_option vl_ask_option_table[] = {
    MODEL,
    VL_OPTION_PATH(S, answers, NULL, "Model",
                   "JSON file with the list of answers, or with one as `vocab` (default: the "
                   "checkpoint's)"),
    VIDEO,
    VL_OPTION_INT(S, top, "5", 1, 1000, "Output", "answers to tell, without --options"),
    OUTPUT,
    {0},
};

const vl_option vl_embed_option_table[] = {
    MODEL,
    VIDEO,
    VL_OPTION_PATH(S, output, NULL, "Output",
                   "write the vectors as numpy's .npy, in place of JSON on the standard output"),
    VL_OPTION_BOOL(S, force, "false", "Output", "replace the output where it is there"),
    OUTPUT,
    {0},
};

const vl_option vl_search_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Search",
                   "videos: a folder, a list of paths (a line each), or one video"),
    VL_OPTION_INT(S, top, "5", 1, 1000, "Search", "videos to tell of each sentence"),
    VL_OPTION_INT(S, first_stage, "20", 0, 1000000, "Search",
                  "of a checkpoint with a dual encoder: score only so many of the best by its "
                  "vectors, at least --top; 0: score all"),
    VL_OPTION_PATH(S, index, NULL, "Search",
                   "file that keeps what is encoded: later searches encode only videos that are "
                   "new or changed"),
    MODEL,
    VIDEO,
    VL_OPTION_BOOL(S, json, "false", "Output", "an object in place of lines"),
    {0},
};
