/* What a conversion writes and what it leaves out, decided before a value is read. */
#ifndef VL_TASK_CONVERT_INTERNAL_H
#define VL_TASK_CONVERT_INTERNAL_H

#include "file/tensors.h"
#include "task/convert.h"
#include "task/tensor_names.h"

typedef struct vl_convert_plan {
    vl_tensors *f;
    vl_tensor_names names;
    char kind; /* as vl_tensors_kind_of_name: 's', 't' */

    /* what is written */
    size_t n;
    vl_safetensor *list;    /* (n) */
    const vl_stored **from; /* (n) where its values are */
    size_t *place;          /* (names.n) of a tensor of the file that goes along: its number here */
    vl_tensors_alias *aliases;
    size_t n_aliases;
    const char **metadata;
    size_t n_metadata;
    char *config;           /* text that the metadata borrow */

    /* what is not */
    size_t n_patterns, n_moments, n_seconds; /* by --only and --drop; moments; second names */
    bool no_state;    /* the state of a training run stays behind */
    char *no_config;  /* why a VIOLET model goes without its configuration */
} vl_convert_plan;

violet_status vl_convert_plan_make(vl_convert_plan *p, const vl_convert_options *o);
void vl_convert_plan_release(vl_convert_plan *p);

/* Lines on what was written, and what was left out and why. */
void vl_convert_plan_tell(const vl_convert_plan *p, const char *output, const violet_hooks *hooks);

#endif
