/* Blockwise and attended masking, and VTM's negatives; see mask.h. */
#include "train/mask.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"

#define PATCH 32 /* pixels */

/* What a draw is for: the site of its random key. */
enum { SITE_KIND = 1, SITE_WORD, SITE_BLOCK, SITE_ATTENDED, SITE_NEGATIVE };

/* Masks draw from keys of their own, apart from dropout's. */
static uint64_t key_of(const vl_mask_config *c, uint64_t sample, int site)
{
    return vl_rng_key(c->seed ^ 0x6d61736b, sample, site);
}

int vl_mask_is_attended(const vl_mask_config *c, uint64_t sample)
{
    return vl_rng_uniform(key_of(c, sample, SITE_KIND), 0) < c->p_use_attended;
}

static int is_special(const int *special, int id)
{
    return id == special[VL_PAD] || id == special[VL_CLS] || id == special[VL_SEP];
}

/* One sample's slice of a batch. */
typedef struct sample {
    const vl_mask_config *c;
    int T, h, w, X;
    uint64_t number;
    uint8_t *image;
    int *text, *answer_mtm, *answer_mvm;
    const int *vq;
} sample;

static void hide_word(const sample *s, int i)
{
    s->answer_mtm[i] = s->text[i];
    s->text[i] = s->c->special[VL_MASK];
}

static void hide_patch(const sample *s, int t, int i, int j)
{
    int W = s->w * PATCH, H = s->h * PATCH;
    int at = (t * s->h + i) * s->w + j;
    s->answer_mvm[(1 + s->h * s->w) * t + 1 + i * s->w + j] = s->vq ? s->vq[at] : -1;
    for (int channel = 0; channel < 3; channel++)
        for (int y = 0; y < PATCH; y++)
            memset(s->image + (((long)t * 3 + channel) * H + i * PATCH + y) * W + j * PATCH, 0,
                   PATCH);
}

/* ---- blockwise ------------------------------------------------------------------------------ */

/* An extent in [1, most) as the published draw has it, 1 where that is empty. */
static int extent(uint64_t key, int i, int most)
{
    return most > 1 ? 1 + (int)vl_rng_below(key, i, most - 1) : 1;
}

static void hide_blocks(const sample *s)
{
    uint64_t words = key_of(s->c, s->number, SITE_WORD), key = key_of(s->c, s->number, SITE_BLOCK);
    for (int i = 0; i < s->X; i++)
        if (!is_special(s->c->special, s->text[i]) && vl_rng_uniform(words, i) < s->c->p_word)
            hide_word(s, i);
    for (int block = 0; block < s->T; block++) {
        int at = 6 * block;
        int nt = extent(key, at, s->T), nh = extent(key, at + 1, 2 * s->h / 3);
        int nw = extent(key, at + 2, 2 * s->w / 3);
        int t0 = vl_rng_below(key, at + 3, s->T - nt + 1);
        int h0 = vl_rng_below(key, at + 4, s->h - nh + 1);
        int w0 = vl_rng_below(key, at + 5, s->w - nw + 1);
        for (int t = t0; t < t0 + nt; t++)
            for (int i = h0; i < h0 + nh; i++)
                for (int j = w0; j < w0 + nw; j++) hide_patch(s, t, i, j);
    }
}

/* ---- attended ------------------------------------------------------------------------------- */

/* Weight of position i of [image tokens ; text], 0 where nothing may be hidden. */
static double weight_at(const sample *s, const float *weight, int i)
{
    int hw1 = 1 + s->h * s->w, Ni = s->T * hw1;
    if (i < Ni) return i % hw1 == 0 ? 0 : weight[i];
    return is_special(s->c->special, s->text[i - Ni]) ? 0 : weight[i];
}

/* Draws int(p * (Ni + X)) positions without replacement, each next one with probability in
 * proportion to its weight: the same as taking the smallest of independent exponential times
 * -log(u) / weight. Positions of weight 0 are never drawn, so there may be fewer. */
static void hide_attended(const sample *s, const float *weight)
{
    uint64_t key = key_of(s->c, s->number, SITE_ATTENDED);
    int hw = s->h * s->w, Ni = s->T * (1 + hw), n = Ni + s->X;
    int draws = (int)(s->c->p_attended * n);
    double last = -1; /* times come in rising order: each round takes the least above the last */
    for (int k = 0; k < draws; k++) {
        int best = -1;
        double best_time = INFINITY;
        for (int i = 0; i < n; i++) {
            double w = weight_at(s, weight, i);
            double time = w > 0 ? -log(vl_rng_uniform(key, i) + 0x1p-33) / w : INFINITY;
            if (time > last && time < best_time) {
                best = i;
                best_time = time;
            }
        }
        if (best < 0) return;
        last = best_time;
        if (best >= Ni)
            hide_word(s, best - Ni);
        else
            hide_patch(s, best / (1 + hw), (best % (1 + hw) - 1) / s->w,
                       (best % (1 + hw) - 1) % s->w);
    }
}

/* ---- a batch -------------------------------------------------------------------------------- */

void vl_mask_apply(const vl_mask_config *c, const vl_mask_batch *b, const float *weight)
{
    int hw = b->h * b->w, Ni = b->T * (1 + hw);
    for (int k = 0; k < b->B * b->X; k++) b->answer_mtm[k] = -1;
    for (int k = 0; k < b->B * Ni; k++) b->answer_mvm[k] = -1;
    for (int k = 0; k < b->B; k++) {
        sample s = {.c = c, .T = b->T, .h = b->h, .w = b->w, .X = b->X};
        s.number = b->first_sample + k;
        s.image = b->image + (long)k * b->T * 3 * hw * PATCH * PATCH;
        s.text = b->text + (long)k * b->X;
        s.answer_mtm = b->answer_mtm + (long)k * b->X;
        s.answer_mvm = b->answer_mvm + (long)k * Ni;
        s.vq = b->vq ? b->vq + (long)k * b->T * hw : NULL;
        if (vl_mask_is_attended(c, s.number)) {
            hide_attended(&s, weight);
            weight += Ni + b->X;
        } else {
            hide_blocks(&s);
        }
    }
}

/* How willingly text o stands against video b: not itself, rather not the same words. */
static int rank_of(const vl_mask_config *c, const int *text, int X, int b, int o)
{
    if (o == b) return 2;
    size_t bytes = X * sizeof *text;
    return c->distinct_negatives && memcmp(text + (long)o * X, text + (long)b * X, bytes) == 0;
}

void vl_mask_negatives(const vl_mask_config *c, int *negative, int n, const int *text, int B, int X,
                       uint64_t first_sample)
{
    for (int b = 0; b < B; b++) {
        uint64_t key = key_of(c, first_sample + b, SITE_NEGATIVE), last = 0;
        for (int k = 0; k < n; k++) { /* in the order of (rank, random number, index) */
            uint64_t best = UINT64_MAX;
            for (int o = 0; o < B; o++) {
                uint64_t r = rank_of(c, text, X, b, o);
                uint64_t order = r << 56 | (uint64_t)vl_rng_u32(key, o) << 24 | (uint64_t)(o + 1);
                if (order > last && order < best) best = order;
            }
            negative[b * n + k] = (int)(best & 0xffffff) - 1;
            last = best;
        }
    }
}
