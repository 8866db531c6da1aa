/* Parts of a list of items, for processes that share the work.
 *
 *     vl_shard s;
 *     status = vl_shard_parse(&s, "2/4");                 // NULL: all of it
 *     vl_shard_range(&first, &end, &s, n);                // items [first, end) of n
 *
 * The parts of a list follow each other, none is larger than another by more than one. */
#ifndef VL_BASE_SHARD_H
#define VL_BASE_SHARD_H

#include <stddef.h>

#include "base/status.h"

/* The part i of n of a list that one run does: 1 of 1 without shards. */
typedef struct vl_shard {
    int i, n;
} vl_shard;

/* "2/4"; NULL is 1 of 1. */
violet_status vl_shard_parse(vl_shard *out, const char *text);
/* Items [first, end) of n. */
void vl_shard_range(size_t *first, size_t *end, const vl_shard *s, size_t n);

#endif
