/* `violet convert IN OUT`: a file of tensors as another, by extension. Streams: memory depends on
 * neither file's size.
 *
 * Names and values stay; floating tensors become `dtype`. A .pt of a VIOLET model gets the names
 * that the published code has twice (fc_mtm.predictions.decoder.bias for fc_mtm.predictions.bias).
 * The configuration goes along in the metadata: `config`, the file's, or, of a VIOLET checkpoint
 * without one, what its shapes tell (vl_config_infer). The moments of a training state ("adam.*")
 * are left out of a .pt, and where `config` is given. */
#ifndef VL_TASK_CONVERT_H
#define VL_TASK_CONVERT_H

#include <stdbool.h>

#include "base/option.h"
#include "violet.h"

enum { VL_CONVERT_SAME, VL_CONVERT_FLOAT32, VL_CONVERT_BFLOAT16, VL_CONVERT_FLOAT16 };

typedef struct vl_convert_options {
    char *input, *output;
    int dtype;          /* enum above */
    char *only, *drop;  /* name patterns as fnmatch(3) has them, separated by commas; NULL */
    char *config;       /* as vl_config_find has it: what to write of the model's sizes; NULL */
    bool force;         /* replace an output that is there */
} vl_convert_options;

extern const vl_option vl_convert_option_table[];

violet_status vl_convert_run(const vl_convert_options *o, const violet_hooks *hooks);

#endif
