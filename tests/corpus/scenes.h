/* Scenes for the tests of this folder. */
#ifndef SCENES_H
#define SCENES_H

#include "corpus/scene.h"

/* n scenes of a split, the caller's to free; ends the test where they cannot be made. */
vl_scene *scenes_of(vl_rules *r, uint64_t seed, vl_split split, size_t n);
/* Two acts of VL_THEN, else one. */
int scenes_acts(const vl_scene *s);
/* Does a colour's held-out motion come in it? */
bool scenes_has_held(const vl_scene *s, const vl_rules *r);

#endif
