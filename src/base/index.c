/* Open addressing; see index.h. */
#include "base/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* Where s is, or would go; there is always a free place. */
static vl_index_place *place_of(const vl_string_index *x, const char *s, size_t n)
{
    size_t i = vl_hash_string(s, n) & (x->n_places - 1);
    for (;; i = (i + 1) & (x->n_places - 1)) {
        vl_index_place *p = &x->place[i];
        if (!p->s || (p->n == n && memcmp(p->s, s, n) == 0)) return p;
    }
}

violet_status vl_index_reserve(vl_string_index *x, size_t n)
{
    size_t cap = x->n_places ? x->n_places : 16;
    if (n > (size_t)1 << 40) return vl_err_nomem();
    while (cap < 2 * n) cap *= 2;
    if (cap == x->n_places) return VIOLET_OK;
    vl_string_index more = {calloc(cap, sizeof *more.place), cap, x->n};
    if (!more.place) return vl_err_nomem();
    for (size_t i = 0; i < x->n_places; i++)
        if (x->place[i].s) *place_of(&more, x->place[i].s, x->place[i].n) = x->place[i];
    free(x->place);
    *x = more;
    return VIOLET_OK;
}

violet_status vl_index_add(vl_string_index *x, uint32_t *value, const char *s, size_t n)
{
    violet_status status = vl_index_reserve(x, x->n + 1);
    if (status != VIOLET_OK) return status;
    if (n > UINT32_MAX) return vl_err(VIOLET_EUNSUPPORTED, "a string of %zu bytes", n);
    vl_index_place *p = place_of(x, s, n);
    if (p->s) {
        *value = p->value;
        return VIOLET_OK;
    }
    *p = (vl_index_place){s, (uint32_t)n, *value};
    x->n++;
    return VIOLET_OK;
}

void vl_index_set(vl_string_index *x, uint32_t value, const char *s, size_t n)
{
    vl_index_place *p = x->n_places ? place_of(x, s, n) : NULL;
    if (p && p->s) p->value = value;
}

bool vl_index_find(const vl_string_index *x, uint32_t *value, const char *s, size_t n)
{
    const vl_index_place *p = x->n_places ? place_of(x, s, n) : NULL;
    if (!p || !p->s) return false;
    *value = p->value;
    return true;
}

void vl_index_free(vl_string_index *x)
{
    free(x->place);
    memset(x, 0, sizeof *x);
}
