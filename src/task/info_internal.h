/* The parts of info: each describes one kind of file in a JSON object, which info.c prints. */
#ifndef VL_TASK_INFO_INTERNAL_H
#define VL_TASK_INFO_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

#include "file/safetensors.h"

/* Adds to the object; NULL values (out of memory, text that is no UTF-8) become null. */
void vl_info_set(json_t *o, const char *key, json_t *value);
/* Text that need not be UTF-8 nor terminated: other bytes become '?', the end is cut at 120. */
json_t *vl_info_text(const char *s, size_t n);

/* A tensor's row of the list that verbose gives; values that are not finite are counted. */
json_t *vl_info_tensor(const vl_safetensor *t, const char *type, size_t *not_finite);

violet_status vl_info_safetensors(json_t *o, const char *path, int verbose);
violet_status vl_info_torch(json_t *o, const char *path, int verbose);
violet_status vl_info_tsv(json_t *o, const char *path, int verbose);
violet_status vl_info_lineidx(json_t *o, const char *path, int verbose);
violet_status vl_info_pickle(json_t *o, const char *path, int verbose);
violet_status vl_info_jpeg(json_t *o, const char *path, int verbose);
violet_status vl_info_video(json_t *o, const char *path, int verbose);
violet_status vl_info_vocabulary(json_t *o, const char *path, int verbose);
violet_status vl_info_json(json_t *o, const char *path, int verbose);

#endif
