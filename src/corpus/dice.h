/* Draws one after the other, of a counter-based generator: what is drawn follows from the key.
 *
 *     vl_dice d = vl_dice_of(seed, VL_DICE_LOOK, split, number);
 *     double x = vl_dice_in(&d, 0.2, 0.8);
 *     int k = vl_dice_below(&d, 6);
 */
#ifndef VL_CORPUS_DICE_H
#define VL_CORPUS_DICE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"

typedef struct vl_dice {
    uint64_t key, i;
} vl_dice;

/* Of what; each has its own draws. */
enum {
    VL_DICE_HELD = 0x636f7270,
    VL_DICE_PLOT,
    VL_DICE_FAMILY,
    VL_DICE_LOOK,
    VL_DICE_NOISE,
    VL_DICE_WORDS,
    VL_DICE_QUESTIONS,
    VL_DICE_CHOICES,
    VL_DICE_BLANKS,
};

static inline vl_dice vl_dice_of(uint64_t seed, uint64_t what, uint64_t split, uint64_t number)
{
    return (vl_dice){vl_rng_key(seed, what, split << 48 | number), 0};
}

/* Uniform in [0, 1). */
static inline double vl_dice_roll(vl_dice *d)
{
    return vl_rng_uniform(d->key, d->i++);
}

static inline double vl_dice_in(vl_dice *d, double least, double most)
{
    return least + (most - least) * vl_dice_roll(d);
}

static inline int vl_dice_below(vl_dice *d, int n)
{
    return (int)vl_rng_below(d->key, d->i++, (uint32_t)n);
}

static inline bool vl_dice_chance(vl_dice *d, double p)
{
    return vl_dice_roll(d) < p;
}

/* One of n by their weights, which lie `stride` bytes apart; -1: all of them are 0. */
static inline int vl_dice_weighted(vl_dice *d, const double *weight, int n, size_t stride)
{
    double sum = 0;
    const char *at = (const char *)weight;
    for (int i = 0; i < n; i++) sum += *(const double *)(at + (size_t)i * stride);
    double left = vl_dice_roll(d) * sum;
    int last = -1;
    for (int i = 0; i < n; i++) {
        double w = *(const double *)(at + (size_t)i * stride);
        if (w <= 0) continue;
        last = i;
        if ((left -= w) < 0) break;
    }
    return last;
}

/* The field `weight` of a table. */
#define VL_DICE_TABLE(d, table, n) vl_dice_weighted(d, &(table)[0].weight, n, sizeof *(table))

#endif
