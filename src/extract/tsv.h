/* Between NAME.pkl and NAME.tsv + NAME.lineidx. */
#ifndef VL_EXTRACT_TSV_H
#define VL_EXTRACT_TSV_H

#include "base/option.h"
#include "violet.h"

typedef struct vl_extract_tsv_options {
    char *path;
    char *output;
} vl_extract_tsv_options;

extern const vl_option vl_extract_tsv_option_table[];

violet_status vl_extract_tsv_run(const vl_extract_tsv_options *o, const violet_hooks *hooks);

#endif
