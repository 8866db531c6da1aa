/* Numbers by key: lists one behind the other, that of key k from of[first[k]] to before
 * of[first[k + 1]].
 *
 *     status = vl_groups_open(&g, n_keys, most);
 *     for (...) vl_groups_count(&g, key);         // a counting sort, two passes over the same
 *     vl_groups_counted(&g);
 *     for (...) vl_groups_put(&g, key, number);   // to the end of its list
 *     vl_groups_release(&g);
 *
 * Or, where they come in the order of their keys, `of` and `first` are written as they come. */
#ifndef VL_BASE_GROUPS_H
#define VL_BASE_GROUPS_H

#include <stddef.h>

#include "base/status.h"

typedef struct vl_groups {
    int n;         /* keys: 0 to n - 1 */
    size_t *first; /* (n + 1), and one more while they are counted */
    int *of;
} vl_groups;

/* Empty lists with room for `most` numbers in all; after an error, too, they are to be released. */
violet_status vl_groups_open(vl_groups *g, int n, size_t most);
/* What is zero is released already. */
void vl_groups_release(vl_groups *g);

static inline void vl_groups_count(vl_groups *g, int key)
{
    g->first[key + 2]++;
}

/* Once all are counted. */
void vl_groups_counted(vl_groups *g);

/* first[key + 1] is where the list begins, and moves to where it ends. */
static inline void vl_groups_put(vl_groups *g, int key, int number)
{
    g->of[g->first[key + 1]++] = number;
}

#endif
