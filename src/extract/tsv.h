/* Between NAME.pkl and NAME.tsv + NAME.lineidx.
 *
 * From a pickle {id: [base64]} come the published bytes, in the pickle's order; the way back is a
 * pickle of protocol 4 in the order of the lines, one line in memory at a time. */
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

/* The way back: all of a .tsv as a pickle. */
violet_status vl_extract_pickle(const char *tsv, const char *pkl, const violet_hooks *hooks);

#endif
