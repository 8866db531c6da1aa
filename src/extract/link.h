/* Names that training reads, for a data set as the extraction tools write it. */
#ifndef VL_EXTRACT_LINK_H
#define VL_EXTRACT_LINK_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_link_options {
    char *path;
    char *dataset;
    char *data;
} vl_link_options;

extern const vl_option vl_link_option_table[];

violet_status vl_link_run(const vl_link_options *o, const violet_hooks *hooks);

#endif
