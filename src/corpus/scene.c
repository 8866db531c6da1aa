/* Scenes: what may be in them, and how they are changed; see scene.h. */
#include "corpus/scene.h"

#include <string.h>

const char *vl_split_name(vl_split split)
{
    static const char *const name[VL_SPLITS] = {"train", "val", "test"};
    return name[split];
}

/* Colours get motions of their own, as far as there are any. */
void vl_rules_make(vl_rules *r, uint64_t seed)
{
    vl_dice d = vl_dice_of(seed, VL_DICE_HELD, 0, 0);
    vl_motion m[VL_MOTIONS];
    int n = 0;
    r->seed = seed;
    for (int i = 0; i < VL_MOTIONS; i++)
        if (i != VL_STILL) m[n++] = (vl_motion)i;
    for (int c = 0; c < VL_COLOURS; c++) {
        int k = c % n, other = k + vl_dice_below(&d, n - k);
        vl_motion drawn = m[other];
        m[other] = m[k];
        r->held[c] = m[k] = drawn;
    }
}

/* ---- what may be ----------------------------------------------------------------------------- */

bool vl_scene_may(const vl_scene *s, const vl_rules *r, bool held, int i, vl_motion m)
{
    const vl_thing *t = &s->thing[i];
    const vl_motion_kind *k = &vl_motions[m];
    if (!held && m == r->held[t->colour]) return false;
    if (s->plot == VL_PASS) return i == s->lead ? k->pass : m == VL_STILL;
    if (s->plot == VL_ONE || s->plot == VL_MANY ? !k->whole : !k->in_turn) return false;
    if (m == VL_SPIN) return vl_shapes[t->shape].turns || t->texture != VL_PLAIN;
    if (m == VL_GROW || m == VL_SHRINK) return t->size == VL_MEDIUM; /* else which size is it? */
    return true;
}

static bool differ(const vl_scene *s)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < i; k++)
            if (s->thing[i].colour == s->thing[k].colour || s->thing[i].shape == s->thing[k].shape)
                return false;
    return true;
}

bool vl_scene_check(vl_scene *s, const vl_rules *r, bool held)
{
    bool moves = false;
    s->held_out = false;
    if (!differ(s)) return false;
    for (int i = 0; i < s->n; i++) {
        const vl_thing *t = &s->thing[i];
        int n = s->plot == VL_THEN ? 2 : 1;
        for (int k = 0; k < n; k++) {
            if (!vl_scene_may(s, r, held, i, (vl_motion)t->act[k])) return false;
            moves |= t->act[k] != VL_STILL;
            s->held_out |= t->act[k] == r->held[t->colour];
        }
    }
    if (s->plot == VL_ONE) return true;
    if (s->plot != VL_THEN) return moves;
    const uint8_t *act = s->thing[0].act; /* what is gone does nothing, what is to come neither */
    return act[0] != act[1] && act[0] != VL_VANISH && act[1] != VL_APPEAR;
}

/* The order of the objects tells nothing. */
bool vl_scene_same(const vl_scene *a, const vl_scene *b)
{
    if (a->plot != b->plot || a->n != b->n || a->behind != b->behind) return false;
    for (int i = 0; i < a->n; i++) {
        int k = 0;
        while (k < b->n && memcmp(&a->thing[i], &b->thing[k], sizeof *a->thing) != 0) k++;
        if (k == b->n || ((a->lead == i) != (b->lead == k) && a->plot >= VL_AFTER)) return false;
    }
    return true;
}

/* ---- changes --------------------------------------------------------------------------------- */

static void swap(uint8_t *a, uint8_t *b)
{
    uint8_t was = *a;
    *a = *b;
    *b = was;
}

/* An act of any object, that may be another one. */
static uint8_t *some_act(vl_scene *s, vl_dice *d)
{
    if (s->plot == VL_THEN) return &s->thing[0].act[vl_dice_below(d, 2)];
    return &s->thing[s->plot == VL_PASS ? s->lead : vl_dice_below(d, s->n)].act[0];
}

static void apply(vl_scene *s, vl_edit edit, vl_dice *d)
{
    int i = vl_dice_below(d, s->n), k = s->n > 1 ? (i + 1 + vl_dice_below(d, s->n - 1)) % s->n : i;
    uint8_t *act;
    switch (edit) {
    case VL_EDIT_MOTION: *some_act(s, d) = (uint8_t)VL_DICE_TABLE(d, vl_motions, VL_MOTIONS); break;
    case VL_EDIT_REVERSE:
        act = some_act(s, d);
        if (vl_motions[*act].reverse != VL_STILL) *act = (uint8_t)vl_motions[*act].reverse;
        break;
    case VL_EDIT_ORDER:
        if (s->plot == VL_THEN) swap(&s->thing[0].act[0], &s->thing[0].act[1]);
        if (s->plot == VL_AFTER) s->lead = 1 - s->lead;
        break;
    case VL_EDIT_ROLES:
        swap(&s->thing[i].act[0], &s->thing[k].act[0]);
        if (s->plot == VL_PASS) s->lead = 1 - s->lead;
        break;
    case VL_EDIT_DEPTH: s->behind = s->plot == VL_PASS && !s->behind; break;
    case VL_EDIT_COLOUR:
        s->thing[i].colour = (uint8_t)VL_DICE_TABLE(d, vl_colours, VL_COLOURS);
        break;
    case VL_EDIT_SHAPE:
        s->thing[i].shape = (uint8_t)VL_DICE_TABLE(d, vl_shapes, VL_SHAPE_KINDS);
        break;
    case VL_EDIT_COLOURS: swap(&s->thing[i].colour, &s->thing[k].colour); break;
    case VL_EDITS: break;
    }
}

bool vl_scene_edit(vl_scene *s, const vl_rules *r, bool held, const double *weight, vl_dice *d)
{
    vl_scene changed = *s;
    int edit = vl_dice_weighted(d, weight, VL_EDITS, sizeof *weight);
    if (edit < 0) return false;
    apply(&changed, (vl_edit)edit, d);
    if (vl_scene_same(&changed, s) || !vl_scene_check(&changed, r, held)) return false;
    *s = changed;
    return true;
}
