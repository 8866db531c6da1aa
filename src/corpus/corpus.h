/* A corpus of made-up clips, whose annotations are true: a small world of shapes that move.
 *
 * Writes into the folder OUTPUT
 *     videos/SPLIT_NNNNN.mp4     the clips
 *     txt_NAME.json              captions, as pretraining reads them
 *     txt_NAME-retrieval.json    and one data set a task, as fine-tuning reads them
 *     scenes.jsonl               what is in each clip
 *     corpus.json                parameters, counts, a hash over the files
 * docs/CORPUS.md tells what is in them. The files follow from the options, whatever the number of
 * threads; clips that are there are kept, so the same call goes on after a stop. */
#ifndef VL_CORPUS_CORPUS_H
#define VL_CORPUS_CORPUS_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_corpus_options {
    char *output;
    char *name;
    int clips, val, test;
    int64_t seed;
    int size, frames, fps;
    int codec; /* vl_video_codec */
    int workers;
} vl_corpus_options;

extern const vl_option vl_corpus_option_table[];

violet_status vl_corpus_run(const vl_corpus_options *o, const violet_hooks *hooks);

#endif
