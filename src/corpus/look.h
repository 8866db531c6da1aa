/* How a clip looks: places, shades, ways, background. Drawn of (seed, split, number).
 *
 *     vl_look l;
 *     vl_look_make(&l, &scene, seed);
 *     vl_pose p = vl_look_pose(&l, 0, 0.5);        // object 0 in the middle of the clip
 *
 * Lengths are shares of the side of the square picture, y points down, times are 0 to 1, angles
 * radians. */
#ifndef VL_CORPUS_LOOK_H
#define VL_CORPUS_LOOK_H

#include "corpus/scene.h"

typedef struct vl_pose {
    double x, y;   /* centre */
    double radius; /* of the size, grown */
    double angle;
    double alpha;  /* 0: not there */
} vl_pose;

/* One motion of an object. */
typedef struct vl_act {
    vl_motion motion;
    vl_range when;
    double travel;
} vl_act;

typedef struct vl_body {
    int shape, texture;
    double rgb[3];          /* 0 to 1 */
    double x, y, radius;    /* before it moves */
    double angle, turn;     /* tilt; radians in a whole clip, signed */
    vl_act act[2];
    int n_acts;
} vl_body;

typedef struct vl_back {
    int kind;
    double rgb[2][3];       /* its two colours */
    double angle, period;   /* of stripes and gradient */
    double blob[5][3];      /* x, y, radius */
    uint64_t key;
} vl_back;

typedef struct vl_look {
    int n;
    vl_body body[VL_THINGS_MOST];
    int order[VL_THINGS_MOST]; /* from the back to the front */
    vl_back back;
    double noise;       /* standard deviation in levels of 255 */
    uint64_t noise_key;
} vl_look;

void vl_look_make(vl_look *l, const vl_scene *s, uint64_t seed);
vl_pose vl_look_pose(const vl_look *l, int i, double t);
/* The time of frame i of n. */
static inline double vl_look_time(int i, int n)
{
    return (i + 0.5) / n;
}

#endif
