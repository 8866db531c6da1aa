/* The parts of info: each describes one kind of file in a JSON object, which info.c prints. */
#ifndef VL_TASK_INFO_INTERNAL_H
#define VL_TASK_INFO_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct vl_torch;

/* Adds to the object; NULL values (out of memory, text that is no UTF-8) become null. */
void vl_info_set(json_t *o, const char *key, json_t *value);
/* Text that need not be UTF-8 nor terminated: other bytes become '?', the end is cut at 120. */
json_t *vl_info_text(const char *s, size_t n);

/* Text that programs look for again, such as a tensor's name: whole. */
json_t *vl_info_name(const char *s);

/* The object as lines, its "file" and "kind" first; lists of objects are tables. With
 * VIOLET_INFO_JSON as it is. */
violet_status vl_info_print(vl_buf *out, json_t *o, int flags);

violet_status vl_info_tensors(json_t *o, const char *path, int verbose);
/* Attributes of a pickled module. */
void vl_info_attributes(json_t *o, const struct vl_torch *f);
violet_status vl_info_tsv(json_t *o, const char *path, int verbose);
violet_status vl_info_lineidx(json_t *o, const char *path, int verbose);
violet_status vl_info_pickle(json_t *o, const char *path, int verbose);
violet_status vl_info_jpeg(json_t *o, const char *path, int verbose);
violet_status vl_info_video(json_t *o, const char *path, int verbose);
violet_status vl_info_vocabulary(json_t *o, const char *path, int verbose);
violet_status vl_info_json(json_t *o, const char *path, int verbose);

#endif
