/* The parts of info: each describes one kind of file in a JSON object, which info.c prints. */
#ifndef VL_TASK_INFO_INTERNAL_H
#define VL_TASK_INFO_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct vl_torch;

/* What is told of a file, while it is put together: whatever finds no memory is remembered, and
 * vl_info_print asks once. Objects and lists in the making, and values, may be NULL for that. */
typedef struct vl_info_tree {
    json_t *root;
    bool failed;
} vl_info_tree;

/* Both take the value over, whatever comes; false: it is gone. */
bool vl_info_set(vl_info_tree *j, json_t *o, const char *key, json_t *value);
bool vl_info_add(vl_info_tree *j, json_t *list, json_t *value);
/* null for what JSON has no numbers for. */
json_t *vl_info_real(double x);
/* Text that need not be UTF-8 nor terminated: then all but ASCII becomes '?'. The end is cut at
 * 120. */
json_t *vl_info_text(const char *s, size_t n);

/* From the least to the most of some numbers: "3", "3 to 5". */
typedef struct vl_info_range {
    size_t least, most;
} vl_info_range;

void vl_info_widen(vl_info_range *r, size_t n);
json_t *vl_info_range_text(vl_info_range r);

/* Entries of annotation files (info_items.c). What the first of a split tells all of them are;
 * NULL: no such entry. */
const char *vl_info_item_kind(const json_t *first);
/* Counts an entry in an object, which is as it is to be printed once all are `done`. */
void vl_info_item(vl_info_tree *j, json_t *counts, const json_t *entry);
void vl_info_items_done(vl_info_tree *j, json_t *counts);

/* Text that programs look for again, such as a tensor's name: whole. */
json_t *vl_info_name(const char *s);

/* The object as lines, its "file" and "kind" first; lists of objects are tables. With
 * VIOLET_INFO_JSON as it is. */
violet_status vl_info_print(vl_buf *out, vl_info_tree *j, int flags);

violet_status vl_info_tensors(vl_info_tree *j, const char *path, int verbose);
/* Attributes of a pickled module. */
void vl_info_attributes(vl_info_tree *j, const struct vl_torch *f);
violet_status vl_info_tsv(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_lineidx(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_pickle(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_jpeg(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_video(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_vocabulary(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_json(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_jsonl(vl_info_tree *j, const char *path, int verbose);
violet_status vl_info_csv(vl_info_tree *j, const char *path, int verbose);

#endif
