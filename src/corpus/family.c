/* Families of scenes: drawn, and drawn again until they fit; see scene.h. */
#include <stdlib.h>
#include <string.h>

#include "corpus/scene.h"

#define TRIES_MOST 4096 /* of a family */
#define PLOT_TRIES 256  /* before another plot */
#define TWIN_TRIES 64

/* A family being made. */
typedef struct maker {
    const vl_rules *rules;
    vl_split split;
    int family;
    bool held;      /* it is one that shows a held-out pair */
    uint64_t *seen; /* objects of the families before, a bit a (colour, shape); NULL: any will do */
    int n_seen;
    vl_scene clip[VL_FAMILY_MOST];
} maker;

/* Objects that differ from each other in colour and shape. */
static void draw_things(vl_scene *s, vl_dice *d)
{
    for (int i = 0, k; i < s->n; i += k == i) {
        s->thing[i] = (vl_thing){
            .colour = (uint8_t)VL_DICE_TABLE(d, vl_colours, VL_COLOURS),
            .shape = (uint8_t)VL_DICE_TABLE(d, vl_shapes, VL_SHAPE_KINDS),
            .size = (uint8_t)VL_DICE_TABLE(d, vl_sizes, VL_SIZES),
            .texture = (uint8_t)VL_DICE_TABLE(d, vl_textures, VL_TEXTURES),
        };
        for (k = 0; k < i; k++)
            if (s->thing[k].colour == s->thing[i].colour || s->thing[k].shape == s->thing[i].shape)
                break;
    }
}

/* A motion by weight, of those that are possible. */
static int draw_motion(const vl_scene *s, const maker *m, int i, vl_dice *d)
{
    double weight[VL_MOTIONS];
    for (int k = 0; k < VL_MOTIONS; k++)
        weight[k] = vl_scene_may(s, m->rules, m->held, i, (vl_motion)k) ? vl_motions[k].weight : 0;
    return vl_dice_weighted(d, weight, VL_MOTIONS, sizeof *weight);
}

static bool draw_acts(vl_scene *s, const maker *m, vl_dice *d)
{
    int shown = vl_dice_below(d, s->n), at = s->plot == VL_THEN ? vl_dice_below(d, 2) : 0;
    s->lead = s->plot == VL_AFTER || s->plot == VL_PASS ? vl_dice_below(d, 2) : 0;
    s->behind = s->plot == VL_PASS && vl_dice_chance(d, 0.5);
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < (s->plot == VL_THEN ? 2 : 1); k++) {
            int motion = draw_motion(s, m, i, d);
            if (m->held && i == shown && k == at) motion = m->rules->held[s->thing[i].colour];
            if (motion < 0) return false;
            s->thing[i].act[k] = (uint8_t)motion;
        }
    return vl_scene_check(s, m->rules, m->held) && s->held_out == m->held;
}

static uint64_t objects(const vl_scene *s)
{
    uint64_t bits = 0;
    for (int i = 0; i < s->n; i++)
        bits |= (uint64_t)1 << (s->thing[i].colour * VL_SHAPE_KINDS + s->thing[i].shape);
    return bits;
}

/* The plot is drawn apart, so that plots which fit less often come as often as they shall. */
static vl_plot draw_plot(const maker *m, uint64_t try)
{
    vl_dice d = vl_dice_of(m->rules->seed, VL_DICE_PLOT, (uint64_t)m->split,
                           (uint64_t)m->family * TRIES_MOST + try / PLOT_TRIES);
    return (vl_plot)VL_DICE_TABLE(&d, vl_plots, VL_PLOTS);
}

static bool draw_first(maker *m, vl_plot plot, vl_dice *d)
{
    vl_scene *s = &m->clip[0];
    *s = (vl_scene){.split = m->split, .family = m->family, .plot = plot};
    const vl_plot_kind *k = &vl_plots[s->plot];
    for (s->n = k->least; s->n < k->most && vl_dice_chance(d, k->more);) s->n++;
    draw_things(s, d);
    for (int i = 0; i < m->n_seen; i++)
        if (m->seen[i] == objects(s)) return false;
    return draw_acts(s, m, d);
}

/* Clip k is like an earlier one, with one change in what is done. */
static bool draw_twin(maker *m, int k, vl_dice *d)
{
    double weight[VL_EDITS] = {0};
    bool show = m->held && vl_dice_chance(d, vl_world.held_again);
    memcpy(weight, vl_plots[m->clip[0].plot].edit, VL_EDIT_COLOUR * sizeof *weight);
    for (int i = 0; i < TWIN_TRIES; i++) {
        bool fits;
        m->clip[k] = m->clip[vl_dice_below(d, k)];
        fits = vl_scene_edit(&m->clip[k], m->rules, m->held, weight, d) &&
               (!show || m->clip[k].held_out);
        for (int j = 0; j < k; j++) fits = fits && !vl_scene_same(&m->clip[j], &m->clip[k]);
        if (fits) return true;
        if (i == TWIN_TRIES / 2) show = false; /* one object with one motion cannot show it again */
    }
    return false;
}

static bool draw_family(maker *m)
{
    for (uint64_t try = 0; try < TRIES_MOST; try++) {
        vl_dice d = vl_dice_of(m->rules->seed, VL_DICE_FAMILY, (uint64_t)m->split,
                               (uint64_t)m->family * TRIES_MOST + try);
        int k = 1;
        if (!draw_first(m, draw_plot(m, try), &d)) continue;
        while (k < vl_world.family && draw_twin(m, k, &d)) k++;
        if (k == vl_world.family) return true;
    }
    return false;
}

violet_status vl_scenes_make(vl_scene *out, size_t n, const vl_rules *r, vl_split split)
{
    size_t size = (size_t)vl_world.family, n_families = (n + size - 1) / size;
    maker m = {.rules = r, .split = split};
    violet_status status = VIOLET_OK;
    if (split != VL_TRAIN && !(m.seen = calloc(n_families + 1, sizeof *m.seen)))
        return vl_err_nomem();
    for (size_t f = 0; f < n_families && status == VIOLET_OK; f++) {
        double before = vl_world.held_out * (double)f + 1e-9; /* evenly through the split */
        m.family = (int)f;
        m.held = split == VL_TEST && floor(before + vl_world.held_out) > floor(before);
        if (!draw_family(&m)) {
            status = vl_err(VIOLET_EINVAL, "make-corpus: no more than %zu %s clips differ enough",
                            f * size, vl_split_name(split));
            break;
        }
        if (m.seen) m.seen[m.n_seen++] = objects(&m.clip[0]);
        for (size_t k = 0; k < size && f * size + k < n; k++) {
            out[f * size + k] = m.clip[k];
            out[f * size + k].number = (int)(f * size + k);
        }
    }
    free(m.seen);
    return status;
}
