/* See scenes.h. */
#include "corpus/scenes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* after its four headers */
#include <cmocka.h>

vl_scene *scenes_of(vl_rules *r, uint64_t seed, vl_split split, size_t n)
{
    vl_scene *s = calloc(n, sizeof *s);
    assert_non_null(s);
    vl_rules_make(r, seed);
    if (vl_scenes_make(s, n, r, split) != VIOLET_OK) fail_msg("%s", violet_error());
    return s;
}

int scenes_acts(const vl_scene *s)
{
    return s->plot == VL_THEN ? 2 : 1;
}

bool scenes_has_held(const vl_scene *s, const vl_rules *r)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < scenes_acts(s); k++)
            if (s->thing[i].act[k] == r->held[s->thing[i].colour]) return true;
    return false;
}
