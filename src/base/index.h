/* Finds strings: a hash table from strings, which stay the caller's, to numbers.
 *
 *     vl_string_index x = {0};
 *     uint32_t number = 7;
 *     status = vl_index_add(&x, &number, id, n_id);      // 7 now, or what `id` had before
 *     if (vl_index_find(&x, &number, id, n_id)) ...
 *     vl_index_free(&x);
 *
 * All zero is empty. 16 bytes a place, two to four places a string. Once filled, any number of
 * threads may find. */
#ifndef VL_BASE_INDEX_H
#define VL_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct vl_index_place {
    const char *s; /* NULL: free */
    uint32_t n, value;
} vl_index_place;

typedef struct vl_string_index {
    vl_index_place *place; /* (n_places), a power of 2 */
    size_t n_places, n;
} vl_string_index;

/* Room for n strings in all, so that adding them allocates nothing. */
violet_status vl_index_reserve(vl_string_index *x, size_t n);
/* Adds s with *value; if it is there already, it keeps its number, which *value becomes. s has to
 * outlive the index and be of less than 4 GiB. */
violet_status vl_index_add(vl_string_index *x, uint32_t *value, const char *s, size_t n);
/* A string that is there gets another number. */
void vl_index_set(vl_string_index *x, uint32_t value, const char *s, size_t n);
bool vl_index_find(const vl_string_index *x, uint32_t *value, const char *s, size_t n);
void vl_index_free(vl_string_index *x);

#endif
