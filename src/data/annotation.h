/* The captions of pretraining: txt_NAME.json, {split: {video: [captions]}}.
 *
 *     vl_captions *c;
 *     status = vl_captions_open(&c, "txt_cc3m.json", "train");
 *     int n = vl_captions_n(c, id, n_id);                   // 0: this video has none
 *     const char *text = vl_captions_get(c, id, n_id, 0);
 *     vl_captions_close(c);
 *
 * Everything is checked at opening and read-only afterwards; strings are UTF-8, borrowed from the
 * handle. What the downstream tasks have is read by data/items.h. */
#ifndef VL_DATA_ANNOTATION_H
#define VL_DATA_ANNOTATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vl_captions vl_captions;

violet_status vl_captions_open(vl_captions **out, const char *path, const char *split);
void vl_captions_close(vl_captions *c);
size_t vl_captions_n_videos(const vl_captions *c);
int vl_captions_n(const vl_captions *c, const char *id, size_t n_id);
const char *vl_captions_get(const vl_captions *c, const char *id, size_t n_id, int i);
/* Of all of them in the order of the file. */
uint64_t vl_captions_hash(const vl_captions *c);

#endif
