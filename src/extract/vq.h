/* Visual tokens of every frame of a data set.
 *
 * Reads X.tsv, X.pkl or a folder of videos (data/pictures.h), shows every frame, padded and resized
 * to frame/32*8 pixels, to a dVAE's encoder, and writes {id: int16 (T, h, w)} as OUTPUT.pkl, in the
 * order of the records. What is done so far stands in OUTPUT.vq.partial (extract/vq_file.h), with
 * which the same call goes on after a stop or a kill. A shard ends as OUTPUT.i-of-n.vq; --merge
 * makes OUTPUT.pkl of all of them. */
#ifndef VL_EXTRACT_VQ_H
#define VL_EXTRACT_VQ_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_vq_options {
    char *path;
    char *output;
    char *dvae;
    int frame;
    int pad; /* vl_pad */
    int sample, jpeg;
    bool fast;
    int shape; /* vl_shape */
    int size_batch, threads, workers;
    char *shard;
    int merge;
    bool restart;
} vl_vq_options;

extern const vl_option vl_vq_option_table[];

violet_status vl_vq_run(const vl_vq_options *o, const violet_hooks *hooks);

#endif
