/* See grow.h. */
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

violet_status vl_grow(void *list, size_t *cap, size_t n, size_t item_bytes, size_t first)
{
    void *items;
    if (n < *cap) return VIOLET_OK;
    size_t more = *cap ? 2 * *cap : first;
    memcpy(&items, list, sizeof items); /* whatever the type that it points to */
    items = realloc(items, more * item_bytes);
    if (!items) return vl_err_nomem();
    memcpy(list, &items, sizeof items);
    *cap = more;
    return VIOLET_OK;
}
