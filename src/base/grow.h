/* Room for one more item in a list on the heap.
 *
 *     status = vl_grow(&list, &cap, n, sizeof *list, 64);      // list[n] may be written then
 *
 * A failed call leaves the list as it was. */
#ifndef VL_BASE_GROW_H
#define VL_BASE_GROW_H

#include <stddef.h>

#include "base/status.h"

/* list: the address of the pointer to *cap items of item_bytes, n of them in use; NULL and 0 at
 * first. The capacity doubles, from `first` on. */
violet_status vl_grow(void *list, size_t *cap, size_t n, size_t item_bytes, size_t first);

#endif
