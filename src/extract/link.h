/* Names that training reads, for a data set as the extraction tools write it.
 *
 *     X.tsv, X.lineidx      img_NAME_SPLIT_PART.tsv, .lineidx
 *     X.pkl                 img_NAME.pkl
 *     X_vq.pkl              vq_NAME.pkl
 *     FILE (captions)       txt_NAME.json
 *
 * All is looked at before anything is done: either every name can be given or none is. */
#ifndef VL_EXTRACT_LINK_H
#define VL_EXTRACT_LINK_H

#include "base/option.h"
#include "violet.h"

enum { VL_LINK_PRETRAIN, VL_LINK_DOWNSTREAM };

typedef struct vl_link_options {
    char *path;
    char *dataset;
    char *data;
    int task;
    char *split;
    int part;
    char *captions;
    bool tokens;
    bool copy, force;
} vl_link_options;

extern const vl_option vl_link_option_table[];

violet_status vl_link_run(const vl_link_options *o, const violet_hooks *hooks);

#endif
