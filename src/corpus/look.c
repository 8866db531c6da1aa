/* Places objects so that they stay in the picture and apart; see look.h. */
#include "corpus/look.h"

#include <math.h>

#define PI 3.14159265358979323846
#define TIMES 25 /* at which it is looked where things are */
#define PLACINGS 60

/* ---- where things are ------------------------------------------------------------------------ */

/* What is grown in the end was small before, and the other way round. */
static double first_scale(const vl_body *b)
{
    for (int k = 0; k < b->n_acts; k++) {
        if (b->act[k].motion == VL_GROW) return vl_world.scale_small;
        if (b->act[k].motion == VL_SHRINK) return vl_world.scale_large;
    }
    return 1;
}

static double first_alpha(const vl_body *b)
{
    for (int k = 0; k < b->n_acts; k++)
        if (b->act[k].motion == VL_APPEAR) return 0;
    return 1;
}

/* On until 0.3, then off and on for 0.2 each, so that frames at 0.2, 0.4, ... alternate. */
static double blinking(double t)
{
    return (int)floor((t - 0.1) / 0.2) % 2 == 0 || t < 0.3;
}

/* High at 0.2, low at 0.4, ... */
static double bouncing(double t)
{
    return fabs(sin(PI * t / 0.4)) - 0.5;
}

/* In the middle of the time, where frames show before and after. */
static double fading(double p)
{
    double q = (p - 0.3) / 0.4;
    return q < 0 ? 0 : q > 1 ? 1 : q;
}

static void act_on(vl_pose *p, double *scale, const vl_body *b, const vl_act *a, double t)
{
    double q = (t - a->when.least) / (a->when.most - a->when.least);
    q = q < 0 ? 0 : q > 1 ? 1 : q;
    switch (a->motion) {
    case VL_LEFT: p->x -= a->travel * q; break;
    case VL_RIGHT: p->x += a->travel * q; break;
    case VL_UP: p->y -= a->travel * q; break;
    case VL_DOWN: p->y += a->travel * q; break;
    case VL_SPIN: p->angle += b->turn * q * (a->when.most - a->when.least); break;
    case VL_GROW: *scale += (vl_world.scale_large - *scale) * q; break;
    case VL_SHRINK: *scale += (vl_world.scale_small - *scale) * q; break;
    case VL_VANISH: p->alpha *= 1 - fading(q); break;
    case VL_APPEAR: p->alpha = fading(q); break;
    case VL_BOUNCE: p->y -= vl_world.bounce * bouncing(t); break;
    case VL_BLINK: p->alpha *= blinking(t); break;
    case VL_STILL:
    case VL_MOTIONS: break;
    }
}

vl_pose vl_look_pose(const vl_look *l, int i, double t)
{
    const vl_body *b = &l->body[i];
    vl_pose p = {b->x, b->y, b->radius, b->angle, first_alpha(b)};
    double scale = first_scale(b);
    for (int k = 0; k < b->n_acts; k++) act_on(&p, &scale, b, &b->act[k], t);
    p.radius *= scale;
    return p;
}

/* ---- placing --------------------------------------------------------------------------------- */

static double reach(const vl_body *b, const vl_pose *p)
{
    return p->radius * vl_shapes[b->shape].radius;
}

static double draw_between(vl_dice *d, double least, double most)
{
    double u = vl_dice_roll(d);
    return least < most ? least + (most - least) * u : (least + most) / 2;
}

/* Anywhere where it stays in the picture. */
static void place(vl_look *l, int i, vl_dice *d)
{
    vl_body *b = &l->body[i];
    double x[2] = {1, -1}, y[2] = {1, -1};
    b->x = b->y = 0;
    for (int k = 0; k < TIMES; k++) {
        vl_pose p = vl_look_pose(l, i, k / (TIMES - 1.0));
        double r = reach(b, &p);
        x[0] = fmin(x[0], p.x - r), x[1] = fmax(x[1], p.x + r);
        y[0] = fmin(y[0], p.y - r), y[1] = fmax(y[1], p.y + r);
    }
    b->x = draw_between(d, vl_world.margin - x[0], 1 - vl_world.margin - x[1]);
    b->y = draw_between(d, vl_world.margin - y[0], 1 - vl_world.margin - y[1]);
}

/* The least distance of two of them ever, in sums of their radii. */
static double clearance(const vl_look *l)
{
    double least = 9;
    for (int k = 0; k < TIMES; k++)
        for (int i = 1; i < l->n; i++)
            for (int j = 0; j < i; j++) {
                vl_pose a = vl_look_pose(l, i, k / (TIMES - 1.0));
                vl_pose b = vl_look_pose(l, j, k / (TIMES - 1.0));
                double sum = reach(&l->body[i], &a) + reach(&l->body[j], &b);
                least = fmin(least, hypot(a.x - b.x, a.y - b.y) / sum);
            }
    return least;
}

static void place_apart(vl_look *l, vl_dice *d)
{
    vl_look best = *l;
    double most = -1;
    for (int try = 0; try < PLACINGS && most < vl_world.apart; try++) {
        for (int i = 0; i < l->n; i++) place(l, i, d);
        double c = clearance(l);
        if (c <= most) continue;
        most = c;
        best = *l;
    }
    *l = best;
}

/* What is passed lies about the middle of the other one's way. */
static void place_pass(vl_look *l, const vl_scene *s, vl_dice *d)
{
    vl_body *mover = &l->body[s->lead], *other = &l->body[1 - s->lead];
    place(l, s->lead, d);
    double least = vl_world.margin + other->radius * vl_shapes[other->shape].radius;
    vl_pose middle = vl_look_pose(l, s->lead, 0.5);
    if (mover->act[0].motion == VL_LEFT || mover->act[0].motion == VL_RIGHT)
        mover->y = draw_between(d, least, 1 - least), middle.y = mover->y;
    else
        mover->x = draw_between(d, least, 1 - least), middle.x = mover->x;
    other->x = middle.x + vl_dice_in(d, -vl_world.spread, vl_world.spread);
    other->y = middle.y + vl_dice_in(d, -vl_world.spread, vl_world.spread);
    other->x = fmin(fmax(other->x, least), 1 - least);
    other->y = fmin(fmax(other->y, least), 1 - least);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static vl_range when(const vl_scene *s, int i, int k)
{
    if (s->plot == VL_THEN) return k ? vl_world.late : vl_world.early;
    if (s->plot == VL_AFTER) return i == s->lead ? vl_world.early : vl_world.late;
    return vl_world.whole;
}

static void make_body(vl_body *b, const vl_scene *s, int i, vl_dice *d)
{
    const vl_thing *t = &s->thing[i];
    bool in_turn = s->plot == VL_THEN || s->plot == VL_AFTER;
    vl_range travel = in_turn ? vl_world.travel_turn : vl_world.travel;
    *b = (vl_body){.shape = t->shape,
                   .texture = t->texture,
                   .radius = vl_sizes[t->size].radius,
                   .angle = vl_dice_in(d, -vl_world.tilt, vl_world.tilt) * PI / 180,
                   .n_acts = s->plot == VL_THEN ? 2 : 1};
    b->turn = vl_world.turn * PI / 180 * (vl_dice_chance(d, 0.5) ? 1 : -1);
    double all = vl_dice_in(d, -vl_world.shade, vl_world.shade);
    for (int c = 0; c < 3; c++) {
        double x = vl_colours[t->colour].rgb[c] * (1 + all);
        x += vl_dice_in(d, -vl_world.shade, vl_world.shade) / 2;
        b->rgb[c] = x < 0 ? 0 : x > 1 ? 1 : x;
    }
    for (int k = 0; k < b->n_acts; k++)
        b->act[k] = (vl_act){(vl_motion)t->act[k], when(s, i, k),
                             vl_dice_in(d, travel.least, travel.most)};
}

static void make_back(vl_back *b, vl_dice *d)
{
    double grey = vl_dice_in(d, vl_world.grey.least, vl_world.grey.most);
    double apart = vl_dice_in(d, vl_world.contrast / 2, vl_world.contrast);
    b->kind = vl_dice_weighted(d, vl_world.back, VL_BACKS, sizeof *vl_world.back);
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < 2; k++)
            b->rgb[k][c] = grey + (k ? apart : -apart) / 2 +
                           vl_dice_in(d, -vl_world.tint, vl_world.tint);
    b->angle = vl_dice_in(d, 0, 2 * PI);
    b->period = vl_dice_in(d, 0.12, 0.35);
    for (int i = 0; i < 5; i++) {
        b->blob[i][0] = vl_dice_roll(d), b->blob[i][1] = vl_dice_roll(d);
        b->blob[i][2] = vl_dice_in(d, 0.1, 0.3);
    }
    b->key = vl_rng_key(d->key, 1, 0);
}

void vl_look_make(vl_look *l, const vl_scene *s, uint64_t seed)
{
    vl_dice d = vl_dice_of(seed, VL_DICE_LOOK, (uint64_t)s->split, (uint64_t)s->number);
    *l = (vl_look){.n = s->n};
    make_back(&l->back, &d);
    for (int i = 0; i < s->n; i++) make_body(&l->body[i], s, i, &d);
    for (int i = 0; i < s->n; i++) l->order[i] = i;
    if (s->plot == VL_PASS) {
        l->order[0] = s->behind ? s->lead : 1 - s->lead;
        l->order[1] = 1 - l->order[0];
        place_pass(l, s, &d);
    } else {
        place_apart(l, &d);
    }
    l->noise = vl_dice_in(&d, vl_world.noise.least, vl_world.noise.most);
    l->noise_key = vl_rng_key(d.key, 2, 0);
}
