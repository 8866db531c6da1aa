/* What the writers of tensor files have in common: what is to be written is checked, and the data
 * that come are counted.
 *
 *     if ((status = vl_tensors_plan_check(plan)) != VIOLET_OK) return status;
 *     status = vl_due_init(&due, path, plan->list, plan->n);
 *     ... status = vl_due_push(&due, n_bytes) for each piece ...
 *     status = vl_due_end(&due);
 *     vl_due_release(&due);
 */
#ifndef VL_FILE_TENSORS_PLAN_H
#define VL_FILE_TENSORS_PLAN_H

#include "file/tensors.h"

/* Elements and bytes by dtype and shape (t->n is not looked at). VIOLET_EFORMAT where they
 * overflow. */
violet_status vl_tensors_size(size_t *n, size_t *n_bytes, const vl_safetensor *t);

/* Names, aliases' too: UTF-8, none there twice; aliases of tensors that there are; dimensions and
 * sizes; metadata in UTF-8. Anything else is VIOLET_EINVAL. */
violet_status vl_tensors_plan_check(const vl_tensors_plan *plan);

typedef struct vl_due {
    char *path;
    uint64_t all, pushed; /* bytes of data */
} vl_due;

violet_status vl_due_init(vl_due *d, const char *path, const vl_safetensor *list, size_t n);
violet_status vl_due_push(vl_due *d, size_t n_bytes); /* VIOLET_EINVAL: more than there should be */
violet_status vl_due_end(const vl_due *d);            /* VIOLET_EINVAL: less */
void vl_due_release(vl_due *d);

#endif
