/* Trains a discrete VAE on frames. */
#ifndef VL_EXTRACT_DVAE_TRAIN_H
#define VL_EXTRACT_DVAE_TRAIN_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_dvae_train_options {
    char *path;
    char *output;
} vl_dvae_train_options;

extern const vl_option vl_dvae_train_option_table[];

violet_status vl_dvae_train_run(const vl_dvae_train_options *o, const violet_hooks *hooks);

#endif
