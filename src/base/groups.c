/* See groups.h. */
#include "base/groups.h"

#include <stdlib.h>

violet_status vl_groups_open(vl_groups *g, int n, size_t most)
{
    g->n = n;
    g->first = calloc((size_t)n + 2, sizeof *g->first);
    g->of = malloc((most + 1) * sizeof *g->of);
    return g->first && g->of ? VIOLET_OK : vl_err_nomem();
}

void vl_groups_release(vl_groups *g)
{
    free(g->first);
    free(g->of);
    *g = (vl_groups){0};
}

void vl_groups_counted(vl_groups *g)
{
    for (int k = 1; k < g->n; k++) g->first[k + 1] += g->first[k];
}
