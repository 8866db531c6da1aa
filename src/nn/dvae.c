/* The discrete VAE's network; see dvae.h. Forward code only: the tape knows the way back. */
#include "nn/dvae.h"

#include <stdio.h>

/* 1 / (groups * blocks)^2, by which a block's residual path counts */
static const real post_gain = (real)1 / (VL_DVAE_GROUPS * VL_DVAE_BLOCKS * VL_DVAE_GROUPS *
                                         VL_DVAE_BLOCKS);
enum { MOST_DOUBLINGS = VL_DVAE_GROUPS - 1 };

/* ---- parameters ----------------------------------------------------------------------------- */

/* PREFIX+NAME.w and .b, drawn with the deviation that keeps the size of what goes through. */
static vl_conv add_conv(vl_params *p, int out, int in, int k, const char *prefix, const char *name)
{
    int shape[] = {out, in, k, k}, fan = in * k * k / 3; /* uniform within sqrt(3 / (in*k*k)) */
    vl_conv c = {.k = k};
    c.w = vl_params_add(p, VL_INIT_UNIFORM, fan > 0 ? fan : 1, 4, shape, "%sblocks.%s.w", prefix,
                        name);
    c.w.rows = out;
    c.w.cols = in * k * k;
    c.b = vl_params_add(p, VL_INIT_ZERO, 0, 1, &out, "%sblocks.%s.b", prefix, name);
    return c;
}

/* k: the sides of the four convolutions of the residual path */
static void add_block(vl_dvae_block *b, vl_params *p, int out, int in, const int k[4],
                      const char *prefix, int group, int block)
{
    char name[64];
    *b = (vl_dvae_block){.id.k = 0};
    if (in != out) {
        snprintf(name, sizeof name, "group_%d.block_%d.id_path", group + 1, block + 1);
        b->id = add_conv(p, out, in, 1, prefix, name);
    }
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "group_%d.block_%d.res_path.conv_%d", group + 1, block + 1,
                 i + 1);
        b->res[i] = add_conv(p, i == 3 ? out : out / 4, i == 0 ? in : out / 4, k[i], prefix, name);
    }
}

static void add_groups(vl_dvae_half *h, vl_params *p, int in, const int width[VL_DVAE_GROUPS],
                       const int k[4], const char *prefix)
{
    for (int g = 0; g < VL_DVAE_GROUPS; g++)
        for (int i = 0; i < VL_DVAE_BLOCKS; i++) {
            add_block(&h->block[g][i], p, width[g], in, k, prefix, g, i);
            in = width[g];
        }
}

void vl_dvae_encoder_init(vl_dvae_half *e, vl_params *p, const vl_dvae_config *c,
                          const char *prefix)
{
    static const int k[4] = {3, 3, 3, 1};
    const int n = c->n_hid, width[VL_DVAE_GROUPS] = {n, 2 * n, 4 * n, 8 * n};
    e->input = add_conv(p, n, 3, 7, prefix, "input");
    add_groups(e, p, n, width, k, prefix);
    e->output = add_conv(p, c->n_code, 8 * n, 1, prefix, "output.conv");
}

void vl_dvae_decoder_init(vl_dvae_half *d, vl_params *p, const vl_dvae_config *c,
                          const char *prefix)
{
    static const int k[4] = {1, 3, 3, 3};
    const int n = c->n_hid, width[VL_DVAE_GROUPS] = {8 * n, 4 * n, 2 * n, n};
    d->input = add_conv(p, c->n_init, c->n_code, 1, prefix, "input");
    add_groups(d, p, c->n_init, width, k, prefix);
    d->output = add_conv(p, VL_DVAE_CHANNELS, n, 1, prefix, "output.conv");
}

/* ---- forward -------------------------------------------------------------------------------- */

static vl_tensor *conv(vl_tape *t, const vl_tensor *x, const vl_conv *c, int B, int side,
                       vl_act act)
{
    return vl_conv2d(t, x, &c->w, &c->b, B, side, side, c->k, act);
}

/* One block, with the pooling behind it: so that only the smaller result is kept. */
typedef struct block_call {
    const vl_dvae_block *p;
    int B, side;
    int pool;
} block_call;

static vl_tensor *run_block(vl_tape *t, const void *arg, vl_tensor *x)
{
    const block_call *c = arg;
    const vl_dvae_block *p = c->p;
    vl_tensor *r = x;
    for (int i = 0; i < 4; i++)
        r = conv(t, r, &p->res[i], c->B, c->side, VL_ACT_RELU); // (B*side*side, out)
    if (p->id.k) x = conv(t, x, &p->id, c->B, c->side, VL_ACT_NONE);
    x = vl_add_scaled(t, x, r, post_gain);
    return c->pool ? vl_maxpool(t, x, c->B, c->side, c->side) : x;
}

static vl_tensor *block(vl_tape *t, const vl_dvae_block *p, vl_tensor *x, int B, int side, int pool)
{
    block_call *c = vl_tape_alloc(t, sizeof *c);
    if (!c) return &t->dead;
    *c = (block_call){p, B, side, pool};
    return vl_block(t, run_block, c, x);
}

vl_tensor *vl_dvae_pixels(vl_tape *t, const uint8_t *image, int B, int S)
{
    return vl_pixels(t, image, 1 - 2 * VL_DVAE_EPS, VL_DVAE_EPS, B, S, S);
}

vl_tensor *vl_dvae_encode(vl_tape *t, const vl_dvae_half *e, vl_tensor *x, int B, int S)
{
    if (!vl_tape_failed(t) && S % (1 << MOST_DOUBLINGS))
        vl_tape_fail(t, VIOLET_ESHAPE, "dVAE: pictures of %d pixels, expected a multiple of %d", S,
                     1 << MOST_DOUBLINGS);
    x = conv(t, x, &e->input, B, S, VL_ACT_NONE); // (B*S*S, n_hid)
    for (int g = 0; g < VL_DVAE_GROUPS; g++) {
        int pool = g < MOST_DOUBLINGS;
        for (int i = 0; i < VL_DVAE_BLOCKS; i++)
            x = block(t, &e->block[g][i], x, B, S, pool && i == VL_DVAE_BLOCKS - 1);
        if (pool) S /= 2;
    }
    return vl_linear(t, x, &e->output.w, &e->output.b, VL_ACT_RELU); // (B*S/8*S/8, V)
}

/* All of the decoder behind its first convolution. */
static vl_tensor *decode(vl_tape *t, const vl_dvae_half *d, vl_tensor *x, int B, int side)
{
    if (!vl_tape_failed(t) && x->rows != B * side * side)
        vl_tape_fail(t, VIOLET_ESHAPE, "dVAE: %d rows, expected %d times %dx%d", x->rows, B, side,
                     side);
    for (int g = 0; g < VL_DVAE_GROUPS; g++) {
        for (int i = 0; i < VL_DVAE_BLOCKS; i++) x = block(t, &d->block[g][i], x, B, side, 0);
        if (g == MOST_DOUBLINGS) break;
        x = vl_upsample(t, x, B, side, side);
        side *= 2;
    }
    return vl_linear(t, x, &d->output.w, &d->output.b, VL_ACT_RELU); // (B*8h*8h, 6)
}

vl_tensor *vl_dvae_decode(vl_tape *t, const vl_dvae_half *d, vl_tensor *z, int B, int h)
{
    return decode(t, d, vl_linear(t, z, &d->input.w, &d->input.b, VL_ACT_NONE), B, h);
}

vl_tensor *vl_dvae_decode_codes(vl_tape *t, const vl_dvae_half *d, const int *codes, int B, int h)
{
    /* a product with a one-hot row is a column of w, plus b: single elements, put together */
    int n = B * h * h, n_init = d->input.w.rows, V = d->input.w.cols;
    int *columns = vl_tape_alloc(t, (size_t)n * n_init * sizeof *columns);
    int *same = vl_tape_alloc(t, (size_t)n * sizeof *same);
    vl_tensor *elements = vl_tape_alloc(t, sizeof *elements); // (n_init * V, 1)
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < n; i++) {
        if (codes[i] < 0 || codes[i] >= V) {
            vl_tape_fail(t, VIOLET_EINVAL, "dVAE: code %d at position %d, there are %d", codes[i],
                         i, V);
            return &t->dead;
        }
        for (int j = 0; j < n_init; j++) columns[i * n_init + j] = j * V + codes[i];
        same[i] = 0;
    }
    *elements = d->input.w;
    elements->rows = n_init * V;
    elements->cols = 1;
    vl_tensor *x = vl_gather(t, elements, NULL, (vl_index){columns, NULL, n, n_init});
    vl_tensor *b = vl_gather(t, &d->input.b, NULL, (vl_index){same, NULL, n, 1});
    return decode(t, d, vl_add(t, x, b), B, h);
}
