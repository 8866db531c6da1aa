/* Convolution by tiles, without laying patches side by side.
 *
 * The pictures are copied once, activated, with zeros around them, in chunks of channels:
 *
 *     padded: (chunks, pictures, H + k - 1, W + k - 1, cc)
 *
 * so that the k taps of a pixel in one row are one run of k * cc floats, and the window that a tile
 * of pixels sees stays in L1. The weights are packed once a call:
 *
 *     packed: (chunks, panels, k, k, cc, conv_cols)
 *
 * A tile of pixels times a panel goes over all taps of a chunk with its sums in registers; chunks
 * add up in y. The gradient of the input is the same convolution of dy with the weights turned
 * round; that of the weights multiplies dy with the patches of a block of pixels. */
#include <string.h>

#include "fast.h"

typedef struct conv {
    const vl_device *d;
    int H, W, n, c, k;
    int turned; /* w is (c, n, k*k), to be read from its last tap to its first */
    vl_act act;
    const float *x, *w, *b;
    float *y, *padded, *packed;
    size_t *at; /* (rows) where the taps of a pixel begin in a chunk of padded */
    int cc, chunks, panels;
    size_t first, pictures; /* what is padded now */
    size_t rows;            /* its pixels */
    int acc;
} conv;

enum {
    CHUNK = 128,            /* channels at most; a tile's window of 3 x 8 pixels is 12 KB */
    BLOCK = 20,             /* tiles that one panel is multiplied with while it is in cache */
    PADDED_BYTES = 8 << 20, /* pictures are padded as many at a time as fit in */
};

static size_t taps(const conv *s) { return (size_t)s->k * (size_t)s->k; }

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static size_t padded_pixels(const conv *s)
{
    return (size_t)(s->H + s->k - 1) * (size_t)(s->W + s->k - 1);
}

/* Floats of a chunk of `pictures` padded pictures. */
static size_t chunk_floats(const conv *s)
{
    return round_up(s->pictures * padded_pixels(s) * (size_t)s->cc, 16);
}

/* Floats of a packed chunk's panel. */
static size_t panel_floats(const conv *s)
{
    return taps(s) * (size_t)s->cc * (size_t)s->d->k->conv_cols;
}

/* Channels of a chunk: cc, the last may have fewer; the rest is zeros. */
static size_t chunk_channels(const conv *s, int chunk)
{
    int left = s->c - chunk * s->cc;
    return (size_t)(left < s->cc ? left : s->cc);
}

/* ---- padding and packing --------------------------------------------------------------------- */

/* One row of a padded picture, all chunks. */
static void pad_row(const conv *s, size_t picture, int row)
{
    int r = s->k / 2, y = row - r;
    size_t wide = (size_t)(s->W + s->k - 1), cc = (size_t)s->cc, W = (size_t)s->W;
    for (int chunk = 0; chunk < s->chunks; chunk++) {
        float *to = s->padded + (size_t)chunk * chunk_floats(s) +
                    (picture * padded_pixels(s) + (size_t)row * wide) * cc;
        if (y < 0 || y >= s->H) {
            memset(to, 0, wide * cc * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)r * cc * sizeof *to);
        memset(to + ((size_t)r + W) * cc, 0, (size_t)r * cc * sizeof *to);
        size_t n = chunk_channels(s, chunk);
        const float *from = s->x + ((s->first + picture) * (size_t)s->H + (size_t)y) * W *
                                       (size_t)s->c + (size_t)chunk * cc;
        to += (size_t)r * cc;
        for (size_t x = 0; x < W; x++, to += cc, from += s->c) {
            s->d->k->act(to, from, n, s->act);
            if (n < cc) memset(to + n, 0, (cc - n) * sizeof *to);
        }
    }
}

static void pad_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, tall = (size_t)(s->H + s->k - 1);
    vlf_range(s->pictures * tall, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++) pad_row(s, i / tall, (int)(i % tall));
}

/* One panel of one chunk: (k, k, cc, conv_cols) */
static void pack_panel(const conv *s, float *to, int chunk, int panel)
{
    int cols = s->d->k->conv_cols, first = panel * cols;
    int n = s->n - first < cols ? s->n - first : cols;
    size_t c0 = (size_t)chunk * (size_t)s->cc, channels = chunk_channels(s, chunk), kk = taps(s);
    /* from one output channel to the next, from one input channel to the next */
    size_t step_n = s->turned ? kk : (size_t)s->c * kk, step_c = s->turned ? (size_t)s->n * kk : kk;
    const float *w = s->w + (size_t)first * step_n + c0 * step_c;
    if (n < cols || channels < (size_t)s->cc) memset(to, 0, panel_floats(s) * sizeof *to);
    for (size_t i = 0; i < channels; i++)
        for (size_t tap = 0; tap < kk; tap++) {
            float *at = to + (tap * (size_t)s->cc + i) * (size_t)cols;
            const float *from = w + i * step_c + (s->turned ? kk - 1 - tap : tap);
            for (int j = 0; j < n; j++) at[j] = from[(size_t)j * step_n];
        }
}

static void pack_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to;
    vlf_range((size_t)s->chunks * (size_t)s->panels, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        pack_panel(s, s->packed + i * panel_floats(s), (int)(i / (size_t)s->panels),
                   (int)(i % (size_t)s->panels));
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Block `block` of `blocks` of the pixels, times one panel. */
static void run_block(const conv *s, int chunk, int panel, int block, int blocks)
{
    size_t from, to, n = (size_t)s->n, first = (size_t)panel * (size_t)s->d->k->conv_cols;
    vlf_range(s->rows, (size_t)s->d->k->conv_pixels, block, blocks, &from, &to);
    int left = s->n - (int)first;
    vlf_conv_tiles t = {
        .y = s->y + (s->first * (size_t)s->H * (size_t)s->W + from) * n + first,
        .x = s->padded + (size_t)chunk * chunk_floats(s),
        .w = s->packed + ((size_t)chunk * (size_t)s->panels + (size_t)panel) * panel_floats(s),
        .b = s->b ? s->b + first : NULL,
        .at = s->at + from,
        .ldy = n,
        .row_step = (size_t)(s->W + s->k - 1) * (size_t)s->cc,
        .run = (size_t)s->k * (size_t)s->cc,
        .pixels = (int)(to - from),
        .cols = left < s->d->k->conv_cols ? left : s->d->k->conv_cols,
        .k = s->k,
        .acc = chunk > 0 || s->acc,
    };
    s->d->k->conv_tiles(&t);
}

/* A part takes a stretch of all pairs (block, panel): where the weights are larger than the
 * pictures, all blocks of a panel before the next panel, else all panels of a block. */
static void tiles_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t tiles = (s->rows + (size_t)s->d->k->conv_pixels - 1) / (size_t)s->d->k->conv_pixels;
    int blocks = (int)((tiles + BLOCK - 1) / BLOCK), panels = s->panels;
    int by_panel = taps(s) * (size_t)s->n > s->rows;
    size_t from, to;
    vlf_range((size_t)blocks * (size_t)panels, 1, part, parts, &from, &to);
    for (int chunk = 0; chunk < s->chunks; chunk++)
        for (size_t i = from; i < to; i++) {
            int a = (int)(i / (size_t)(by_panel ? blocks : panels));
            int b = (int)(i % (size_t)(by_panel ? blocks : panels));
            run_block(s, chunk, by_panel ? a : b, by_panel ? b : a, blocks);
        }
}

static void find_taps(const conv *s)
{
    size_t wide = (size_t)(s->W + s->k - 1), *at = s->at;
    for (size_t p = 0; p < s->pictures; p++)
        for (size_t y = 0; y < (size_t)s->H; y++)
            for (size_t x = 0; x < (size_t)s->W; x++)
                *at++ = (p * padded_pixels(s) + y * wide + x) * (size_t)s->cc;
}

/* y = w * act(x) + b, or y += with acc, for all B pictures; y NULL: into scratch, where it is then.
 * False: no memory, nothing is done. */
static bool convolve(vl_device *d, conv *s, size_t B)
{
    size_t cols = (size_t)d->k->conv_cols;
    s->d = d;
    s->chunks = (s->c + CHUNK - 1) / CHUNK;
    s->cc = (s->c + s->chunks - 1) / s->chunks;
    s->panels = (int)(((size_t)s->n + cols - 1) / cols);
    size_t each = padded_pixels(s) * (size_t)s->cc * (size_t)s->chunks * sizeof *s->padded;
    size_t most = PADDED_BYTES / each > 1 ? PADDED_BYTES / each : 1;
    size_t groups = (B + most - 1) / most;
    s->pictures = (B + groups - 1) / groups;
    size_t plane = (size_t)s->H * (size_t)s->W;
    size_t at_floats = round_up(s->pictures * plane * sizeof *s->at / sizeof *s->packed, 16);
    size_t padded_floats = (size_t)s->chunks * chunk_floats(s);
    size_t packed_floats = (size_t)s->chunks * (size_t)s->panels * panel_floats(s);
    size_t y_floats = s->y ? 0 : B * plane * (size_t)s->n;
    s->packed = vlf_scratch(d, (packed_floats + padded_floats + at_floats + y_floats) *
                                   sizeof *s->packed);
    if (!s->packed) return false;
    s->padded = s->packed + packed_floats;
    s->at = (size_t *)(s->padded + padded_floats);
    if (!s->y) s->y = s->padded + padded_floats + at_floats;
    s->rows = s->pictures * plane;
    find_taps(s);
    vlf_run(d, vlf_parts(d, packed_floats), pack_part, s);
    size_t step = s->pictures, work = s->rows * (size_t)s->n * (size_t)s->c;
    for (s->first = 0; s->first < B; s->first += step) {
        if (B - s->first < step) s->pictures = B - s->first;
        s->rows = s->pictures * plane;
        vlf_run(d, vlf_parts(d, s->rows * (size_t)s->c), pad_part, s);
        vlf_run(d, vlf_parts(d, work), tiles_part, s);
    }
    return true;
}

void vlf_conv2d_fwd(vl_device *d, float *y, const float *x, const float *w, const float *b, int B,
                    int H, int W, int n, int c, int k, vl_act act)
{
    conv s = {.H = H, .W = W, .n = n, .c = c, .k = k, .act = act, .x = x, .w = w, .b = b, .y = y};
    convolve(d, &s, (size_t)B);
}

/* ---- backward -------------------------------------------------------------------------------- */

typedef struct slope_call {
    const vl_device *d;
    float *dx;
    const float *sum, *x;
    size_t n;
    vl_act act;
    int acc;
} slope_call;

static void slope_part(void *context, int part, int parts)
{
    const slope_call *c = context;
    size_t from, to;
    vlf_range(c->n, 64, part, parts, &from, &to);
    c->d->k->act_grad(c->dx + from, c->sum + from, c->x + from, to - from, c->act, c->acc);
}

/* dx = act'(x) * (w turned round, convolved with dy) [acc] */
static void grad_x(vl_device *d, float *dx, const float *dy, const float *x, const float *w, int B,
                   int H, int W, int n, int c, int k, vl_act act, int acc)
{
    conv s = {.H = H, .W = W, .n = c, .c = n, .k = k, .turned = 1, .x = dy, .w = w, .y = dx};
    size_t count = (size_t)B * (size_t)H * (size_t)W * (size_t)c;
    if (acc && act != VL_ACT_NONE)
        s.y = NULL; /* what is in dx must not meet the slope */
    else
        s.acc = acc;
    if (!convolve(d, &s, (size_t)B) || act == VL_ACT_NONE) return;
    slope_call g = {d, dx, s.y, x, count, act, acc};
    vlf_run(d, vlf_parts(d, count), slope_part, &g);
}

/* How many pixels to take at a time: patches of 2 MB a thread, but at least 256. */
static size_t patch_block(const vl_device *d, const conv *s, size_t all)
{
    size_t most = ((size_t)d->threads << 19) / (taps(s) * (size_t)s->c);
    if (most < 256) most = 256;
    size_t blocks = (all + most - 1) / most;
    return blocks ? (all + blocks - 1) / blocks : 1;
}

/* padded (rows, taps, c) = the patches of the pixels from `first` on */
static void patches_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, c = (size_t)s->c, W = (size_t)s->W, H = (size_t)s->H;
    vlf_range(s->rows, 1, part, parts, &from, &to);
    for (size_t i = from; i < to; i++)
        for (size_t tap = 0; tap < taps(s); tap++) {
            float *a = s->padded + (i * taps(s) + tap) * c;
            size_t row = s->first + i;
            size_t x = row % W + tap % (size_t)s->k - (size_t)s->k / 2;
            size_t y = row / W % H + tap / (size_t)s->k - (size_t)s->k / 2;
            if (x >= W || y >= H) /* below zero, too */
                memset(a, 0, c * sizeof *a);
            else
                s->d->k->act(a, s->x + (row / (W * H) * W * H + y * W + x) * c, c, s->act);
        }
}

/* dw (n, c, taps) += packed (n, taps, c) */
static void unpack_part(void *context, int part, int parts)
{
    const conv *s = context;
    size_t from, to, c = (size_t)s->c, kk = taps(s);
    vlf_range((size_t)s->n, 1, part, parts, &from, &to);
    for (size_t j = from; j < to; j++)
        for (size_t i = 0; i < c; i++)
            for (size_t tap = 0; tap < kk; tap++)
                s->y[(j * c + i) * kk + tap] += s->packed[(j * kk + tap) * c + i];
}

static void grad_w(vl_device *d, float *dw, const float *dy, const float *x, int B, int H, int W,
                   int n, int c, int k, vl_act act)
{
    conv s = {.d = d, .H = H, .W = W, .n = n, .c = c, .k = k, .act = act, .x = x, .y = dw};
    size_t K = taps(&s) * (size_t)c, all = (size_t)B * (size_t)H * (size_t)W;
    size_t block = patch_block(d, &s, all);
    s.packed = vlf_scratch(d, ((size_t)n + block) * K * sizeof *s.packed);
    if (!s.packed) return;
    s.padded = s.packed + (size_t)n * K;
    for (s.first = 0; s.first < all; s.first += block) {
        s.rows = all - s.first < block ? all - s.first : block;
        vlf_run(d, vlf_parts(d, s.rows * K), patches_part, &s);
        vlf_gemm(d, true, false, n, (int)K, (int)s.rows, dy + s.first * (size_t)n, n, s.padded,
                 (int)K, s.first ? 1 : 0, s.packed, (int)K);
    }
    vlf_run(d, vlf_parts(d, (size_t)n * K), unpack_part, &s);
}

void vlf_conv2d_bwd(vl_device *d, float *dx, float *dw, float *db, const float *dy, const float *x,
                    const float *w, int B, int H, int W, int n, int c, int k, vl_act act, int acc)
{
    if (k == 1) {
        vlf_linear_bwd(d, dx, dw, db, dy, x, w, B * H * W, n, c, act, acc);
        return;
    }
    if (db) vlf_linear_bwd(d, NULL, NULL, db, dy, x, w, B * H * W, n, c, act, 0);
    if (dw) grad_w(d, dw, dy, x, B, H, W, n, c, k, act);
    if (dx) grad_x(d, dx, dy, x, w, B, H, W, n, c, k, act, acc);
}
