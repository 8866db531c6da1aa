/* Which row goes where in the video encoder: padding, windows, shifts, merging. See swin3d.h.
 *
 * A shifted block rolls the padded grid by minus the shift and cuts it into windows. Rows are never
 * moved for that: rows[] says in which row of the padded grid each window's token stands, and
 * attention reads and writes there. Tokens that the roll brought together from opposite sides get
 * different regions. */
#include "nn/swin3d.h"

#include <string.h>

typedef struct grid {
    int n[3];      /* size along d, h, w */
    int window[3]; /* window, shrunk to the grid */
    int shift[3];
    int padded[3];
} grid;

static grid grid_of(const vl_swin_config *c, int D, int h, int w)
{
    grid g = {{D, h, w}, {0}, {0}, {0}};
    for (int a = 0; a < 3; a++) {
        int fits = g.n[a] <= c->window[a];
        g.window[a] = fits ? g.n[a] : c->window[a];
        g.shift[a] = fits ? 0 : c->window[a] / 2;
        g.padded[a] = (g.n[a] + g.window[a] - 1) / g.window[a] * g.window[a];
    }
    return g;
}

static int *take(vl_arena *a, long n)
{
    return vl_arena_take(a, (size_t)n * sizeof(int));
}

/* pad and its inverse crop, over B videos */
static int plan_padding(vl_swin_plan *p, vl_swin_plan_stage *s, const grid *g)
{
    if (s->L == s->Lp) return 1;
    int *pad = take(&p->tables, (long)p->B * s->Lp), *crop = take(&p->tables, (long)p->B * s->L);
    if (!pad || !crop) return 0;
    int to = 0;
    for (int b = 0; b < p->B; b++)
        for (int d = 0; d < g->padded[0]; d++)
            for (int i = 0; i < g->padded[1]; i++)
                for (int j = 0; j < g->padded[2]; j++, to++) {
                    pad[to] = -1;
                    if (d >= g->n[0] || i >= g->n[1] || j >= g->n[2]) continue;
                    int from = ((b * g->n[0] + d) * g->n[1] + i) * g->n[2] + j;
                    pad[to] = from;
                    crop[from] = to;
                }
    s->pad = (vl_index){pad, crop, p->B * s->Lp, 1};
    s->crop = (vl_index){crop, pad, p->B * s->L, 1};
    return 1;
}

/* A position of the rolled, padded axis a: before the last window, in it, or rolled around. */
static int region_along(const grid *g, int a, int at)
{
    if (g->shift[a] == 0) return 0;
    return at < g->padded[a] - g->window[a] ? 0 : at < g->padded[a] - g->shift[a] ? 1 : 2;
}

/* rows (n_win * N) of the windows with or without shift, and the region of each token if wanted */
static void fill_windows(int *rows, int *region, const grid *g, int shifted)
{
    const int *win = g->window, *pad = g->padded;
    int n[3] = {pad[0] / win[0], pad[1] / win[1], pad[2] / win[2]}, k = 0;
    for (int window = 0; window < n[0] * n[1] * n[2]; window++) {
        int first[3] = {window / (n[1] * n[2]) * win[0], window / n[2] % n[1] * win[1],
                        window % n[2] * win[2]};
        for (int token = 0; token < win[0] * win[1] * win[2]; token++, k++) {
            int in[3] = {token / (win[1] * win[2]), token / win[2] % win[1], token % win[2]};
            int at[3], kind = 0;
            for (int a = 0; a < 3; a++) {
                int rolled = first[a] + in[a];
                at[a] = shifted ? (rolled + g->shift[a]) % pad[a] : rolled;
                kind = kind * 3 + region_along(g, a, rolled);
            }
            rows[k] = (at[0] * pad[1] + at[1]) * pad[2] + at[2];
            if (region) region[k] = kind;
        }
    }
}

static int plan_windows(vl_swin_plan *p, vl_swin_plan_stage *s, const grid *g)
{
    long n = (long)s->n_win * s->N;
    int *plain = take(&p->tables, n);
    if (!plain) return 0;
    fill_windows(plain, NULL, g, 0);
    s->rows[0] = s->rows[1] = plain;
    s->shifts = g->shift[0] || g->shift[1] || g->shift[2];
    if (!s->shifts) return 1;
    int *shifted = take(&p->tables, n), *region = take(&p->tables, n);
    if (!shifted || !region) return 0;
    fill_windows(shifted, region, g, 1);
    s->rows[1] = shifted;
    s->region = region;
    return 1;
}

/* Row of the bias table for each pair of tokens. The published code builds the index for the full
 * window and cuts its first N rows and columns; true offsets differ from that where h or w shrank.
 */
static int plan_bias(vl_swin_plan *p, vl_swin_plan_stage *s, const grid *g, const vl_swin_config *c)
{
    const int *full = c->window, *tokens = c->exact_bias ? g->window : c->window;
    int N = s->N, *index = take(&p->tables, (long)N * N);
    if (!index) return 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int d = i / (tokens[1] * tokens[2]) - j / (tokens[1] * tokens[2]);
            int h = i / tokens[2] % tokens[1] - j / tokens[2] % tokens[1];
            int w = i % tokens[2] - j % tokens[2];
            index[(long)i * N + j] =
                ((d + full[0] - 1) * (2 * full[1] - 1) + h + full[1] - 1) * (2 * full[2] - 1) + w +
                full[2] - 1;
        }
    s->bias_index = index;
    return 1;
}

/* Four neighbours to one row: (even,even), (odd row, even column), (even, odd), (odd, odd). */
static int plan_merge(vl_swin_plan *p, vl_swin_plan_stage *s)
{
    int h2 = (s->h + 1) / 2, w2 = (s->w + 1) / 2, n = p->B * s->D * h2 * w2, k = 0;
    int *to = take(&p->tables, 4L * n), *back = take(&p->tables, (long)p->B * s->L);
    if (!to || !back) return 0;
    for (int plane = 0; plane < p->B * s->D; plane++)
        for (int i = 0; i < h2; i++)
            for (int j = 0; j < w2; j++)
                for (int q = 0; q < 4; q++, k++) {
                    int row = 2 * i + (q & 1), col = 2 * j + (q >> 1);
                    to[k] = -1;
                    if (row >= s->h || col >= s->w) continue;
                    to[k] = (plane * s->h + row) * s->w + col;
                    back[to[k]] = k;
                }
    s->merge = (vl_index){to, back, n, 4};
    return 1;
}

/* An upper bound of all tables: padding at most doubles each axis of a grid, the four grids
 * together have less than 4/3 of the first one's tokens, and each token is in eight tables at most.
 */
static size_t table_bytes(const vl_swin_config *c, int B, int T, int H, int W)
{
    size_t tokens = (size_t)B * T * (H / 4) * (W / 4);
    size_t N = (size_t)c->window[0] * c->window[1] * c->window[2];
    if (tokens < 64) tokens = 64;
    if (N > 8 * tokens) N = 8 * tokens; /* windows shrink to the grid */
    return sizeof(int) * (8 * 8 * tokens * 4 / 3 + VL_SWIN_STAGES * N * N) + (1 << 16);
}

violet_status vl_swin_plan_init(vl_swin_plan *p, const vl_swin_config *c, int B, int T, int H,
                                int W)
{
    memset(p, 0, sizeof *p);
    if (B < 1 || T < 1 || H < 32 || W < 32 || H % 32 || W % 32 || (double)B * T * H * W > 1e10)
        return vl_err(VIOLET_ESHAPE,
                      "%d videos of %d frames of %dx%d: sides must be multiples of 32", B, T, W, H);
    violet_status status = vl_arena_init(&p->tables, table_bytes(c, B, T, H, W));
    if (status != VIOLET_OK) return status;
    p->B = B, p->T = T, p->H = H, p->W = W;
    int h = H / 4, w = W / 4;
    for (int k = 0; k < VL_SWIN_STAGES; k++, h = (h + 1) / 2, w = (w + 1) / 2) {
        vl_swin_plan_stage *s = &p->stages[k];
        grid g = grid_of(c, T, h, w);
        s->D = T, s->h = h, s->w = w, s->L = T * h * w;
        s->Lp = g.padded[0] * g.padded[1] * g.padded[2];
        s->N = g.window[0] * g.window[1] * g.window[2];
        s->n_win = s->Lp / s->N;
        if (!plan_padding(p, s, &g) || !plan_windows(p, s, &g) || !plan_bias(p, s, &g, c) ||
            (k + 1 < VL_SWIN_STAGES && !plan_merge(p, s))) {
            vl_swin_plan_release(p);
            return vl_err_nomem();
        }
    }
    return VIOLET_OK;
}

void vl_swin_plan_release(vl_swin_plan *p)
{
    vl_arena_release(&p->tables);
    memset(p, 0, sizeof *p);
}

/* ---- the plans of several shapes ------------------------------------------------------------ */

const vl_swin_plan *vl_swin_plans_get(vl_swin_plans *p, const vl_swin_config *c, int B, int T,
                                      int H, int W)
{
    const int most = sizeof p->list / sizeof *p->list;
    int oldest = 0;
    p->now++;
    for (int i = 0; i < p->n; i++) {
        const vl_swin_plan *s = &p->list[i];
        if (s->B == B && s->T == T && s->H == H && s->W == W) {
            p->used[i] = p->now;
            return s;
        }
        if (p->used[i] < p->used[oldest]) oldest = i;
    }
    int at = p->n < most ? p->n : oldest;
    if (at < p->n) vl_swin_plan_release(&p->list[at]);
    if (vl_swin_plan_init(&p->list[at], c, B, T, H, W) != VIOLET_OK) {
        p->used[at] = 0;
        return NULL;
    }
    if (at == p->n) p->n++;
    p->used[at] = p->now;
    return &p->list[at];
}

void vl_swin_plans_release(vl_swin_plans *p)
{
    for (int i = 0; i < p->n; i++) vl_swin_plan_release(&p->list[i]);
    memset(p, 0, sizeof *p);
}
