/* Visual tokens of every frame of a data set. */
#ifndef VL_EXTRACT_VQ_H
#define VL_EXTRACT_VQ_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_vq_options {
    char *path;
    char *dvae;
    int frame;
} vl_vq_options;

extern const vl_option vl_vq_option_table[];

violet_status vl_vq_run(const vl_vq_options *o, const violet_hooks *hooks);

#endif
