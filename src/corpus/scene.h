/* What is told of a clip: its objects and what they do. How it looks is look.h's.
 *
 *     vl_rules r;
 *     vl_rules_make(&r, seed);
 *     vl_scene *s = calloc(n, sizeof *s);
 *     status = vl_scenes_make(s, n, &r, VL_TEST);
 *
 * A scene follows from (seed, split, number). The clips of a split come in families of
 * vl_world.family, which show the same objects and differ in what these do. In val and test no two
 * families have the same objects (colours and shapes), so no two clips are told the same.
 *
 * Each colour has a motion that it never comes with in train and val, its held-out one; about
 * vl_world.held_out of the test's families show it. */
#ifndef VL_CORPUS_SCENE_H
#define VL_CORPUS_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "corpus/dice.h"
#include "corpus/tables.h"

#define VL_THINGS_MOST 3
#define VL_FAMILY_MOST 8

typedef enum vl_split { VL_TRAIN, VL_VAL, VL_TEST, VL_SPLITS } vl_split;
const char *vl_split_name(vl_split split);

typedef struct vl_rules {
    uint64_t seed;
    vl_motion held[VL_COLOURS]; /* the held-out motion of each colour */
} vl_rules;

void vl_rules_make(vl_rules *r, uint64_t seed);

typedef struct vl_thing {
    uint8_t colour, shape, size, texture;
    uint8_t act[2]; /* vl_motion; the second of VL_THEN alone, else VL_STILL */
} vl_thing;

typedef struct vl_scene {
    vl_split split;
    int number, family;
    vl_plot plot;
    int n;       /* objects, 1 to VL_THINGS_MOST */
    int lead;    /* VL_AFTER: the one that acts first; VL_PASS: the one that passes; else 0 */
    bool behind; /* VL_PASS */
    bool held_out; /* it shows a held-out pair */
    vl_thing thing[VL_THINGS_MOST];
} vl_scene;

/* The first n scenes of a split. EINVAL: there are not so many that differ. */
violet_status vl_scenes_make(vl_scene *out, size_t n, const vl_rules *r, vl_split split);

/* May object i do that? held: also if it is a held-out pair. */
bool vl_scene_may(const vl_scene *s, const vl_rules *r, bool held, int i, vl_motion m);
/* An edit drawn by `weight`, (VL_EDITS), which changes what is told. False, and the scene is as it
 * was: what was drawn is not possible here. */
bool vl_scene_edit(vl_scene *s, const vl_rules *r, bool held, const double *weight, vl_dice *d);
/* Are the same things told of both? */
bool vl_scene_same(const vl_scene *a, const vl_scene *b);
/* Whether it all fits together; sets held_out. For those that make scenes. */
bool vl_scene_check(vl_scene *s, const vl_rules *r, bool held);

#endif
