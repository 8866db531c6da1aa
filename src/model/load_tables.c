/* Tables of another size; see load_tables.h.
 *
 * Sizes change by PyTorch's interpolation with align_corners=False: bicubic (a = -0.75, Keys 1981)
 * over rows and columns, as Video Swin's own repository resizes its bias, linear over time. */
#include "model/load_tables.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "model/config_infer.h"

typedef enum table_kind { NO_TABLE, KERNEL, BIAS, POSITIONS, FRAMES } table_kind;

/* By the parameter's name, if the tensor's other dimensions are the parameter's. */
static table_kind kind_of(const vl_load_table *t)
{
    const char *name = t->to->name;
    const int *s = t->to->shape;
    if (vl_str_ends(name, "patch_embed.proj.weight")) {
        bool fits = t->n_dims == 4 && t->shape[0] == s[0] && t->shape[1] == s[1] &&
                    t->shape[2] == s[3] && t->shape[3] == s[4];
        return fits ? KERNEL : NO_TABLE;
    }
    if (vl_str_ends(name, ".relative_position_bias_table"))
        return t->n_dims == 2 && t->shape[1] == s[1] && t->shape[0] > 0 ? BIAS : NO_TABLE;
    if (t->n_dims != 4 || t->shape[0] != 1 || t->shape[3] != s[3]) return NO_TABLE;
    if (strcmp(name, "enc_img.emb_pos") == 0) return t->shape[1] == 1 ? POSITIONS : NO_TABLE;
    if (strcmp(name, "enc_img.emb_len") == 0) return t->shape[2] == 1 ? FRAMES : NO_TABLE;
    return NO_TABLE;
}

/* The grid that the file's emb_pos was learned on: what the file says, else what is assumed of its
 * rows. false: neither. */
static bool grid_of(int grid[2], const vl_load_table *t)
{
    if (!t->file) return vl_config_grid_of_rows(grid, t->shape[2]);
    memcpy(grid, t->file->grid, sizeof t->file->grid);
    return true;
}

static bool grid_differs(const vl_load_table *t)
{
    int grid[2];
    return !t->options->grid_as_is &&
           (!grid_of(grid, t) || memcmp(grid, t->config->grid, sizeof grid) != 0);
}

/* Rows may be as many for another window, 8 x 7 x 7 and 7 x 8 x 7; only the file itself tells. */
static bool window_differs(const vl_load_table *t)
{
    int file[3], model[3];
    if (vl_swin_offsets(model, t->config->video.window) != t->shape[0]) return true;
    if (t->of_pictures) return model[0] > 1;
    if (!t->file || vl_swin_offsets(file, t->file->video.window) != t->shape[0]) return false;
    return memcmp(file, model, sizeof file) != 0;
}

bool vl_load_table_differs(const vl_load_table *t)
{
    switch (kind_of(t)) {
    case KERNEL: return true; /* four dimensions never are five */
    case BIAS: return window_differs(t);
    case POSITIONS: return t->shape[2] != t->to->shape[2] || grid_differs(t);
    case FRAMES: return t->shape[1] != t->to->shape[1];
    case NO_TABLE: break;
    }
    return false;
}

/* What is said of a table that cannot be made: why, in the note without the tensor's name. */
static violet_status refuse(vl_buf *note, const vl_load_table *t, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static violet_status refuse(vl_buf *note, const vl_load_table *t, const char *format, ...)
{
    va_list ap;
    vl_buf_clear(note);
    va_start(ap, format);
    violet_status status = vl_buf_vprintf(note, format, ap);
    va_end(ap);
    return status == VIOLET_OK ? vl_err(VIOLET_ESHAPE, "tensor '%s' %s", t->name, note->data)
                               : status;
}

/* ---- interpolation --------------------------------------------------------------------------- */

/* Weights of the samples first .. first + 3 (repeated beyond the ends) for place i of n_out. */
static int cubic_taps(double w[4], int i, int n_in, int n_out)
{
    const double a = -0.75;
    double at = (i + 0.5) * n_in / n_out - 0.5, whole = floor(at), f = at - whole;
    for (int k = 0; k < 4; k++) {
        double d = fabs(k - 1 - f);
        w[k] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                      : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
    return (int)whole - 1;
}

static int linear_taps(double w[4], int i, int n_in, int n_out)
{
    double at = (i + 0.5) * n_in / n_out - 0.5;
    w[1] = at - floor(at);
    w[0] = 1 - w[1];
    w[2] = w[3] = 0;
    return (int)floor(at);
}

typedef int (*taps_fn)(double w[4], int i, int n_in, int n_out);

/* x (outer, n_in, inner) -> (outer, n_out, inner), new; NULL: out of memory. Frees x. */
static float *resize(float *x, taps_fn taps, size_t outer, int n_in, int n_out, size_t inner)
{
    if (!x || n_in == n_out) return x;
    float *y = malloc((outer * (size_t)n_out * inner + 1) * sizeof *y);
    for (size_t o = 0; y && o < outer; o++)
        for (int i = 0; i < n_out; i++) {
            double w[4];
            int first = taps(w, i, n_in, n_out);
            const float *from[4];
            float *to = y + (o * (size_t)n_out + (size_t)i) * inner;
            for (int k = 0; k < 4; k++) {
                int at = first + k < 0 ? 0 : first + k >= n_in ? n_in - 1 : first + k;
                from[k] = x + (o * (size_t)n_in + (size_t)at) * inner;
            }
            for (size_t c = 0; c < inner; c++)
                to[c] = (float)(w[0] * from[0][c] + w[1] * from[1][c] + w[2] * from[2][c] +
                                w[3] * from[3][c]);
        }
    free(x);
    return y;
}

static float *copy(const float *x, size_t n)
{
    float *y = malloc((n + 1) * sizeof *y);
    if (y && n) memcpy(y, x, n * sizeof *y);
    return y;
}

/* x (from[0], from[1], n) -> (to[0], to[1], n), new. */
static float *resize_grid(const float *x, const int from[2], const int to[2], size_t n)
{
    float *y = copy(x, (size_t)from[0] * (size_t)from[1] * n);
    y = resize(y, cubic_taps, 1, from[0], to[0], (size_t)from[1] * n);
    return resize(y, cubic_taps, (size_t)to[0], from[1], to[1], n);
}

static void put(real *out, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = (real)x[i];
}

/* ---- a picture's kernel ---------------------------------------------------------------------- */

/* (C,3,k,k) -> (C,3,d,k,k): a video that stands still gives what its picture gave. */
static violet_status make_kernel(real *out, vl_buf *note, const vl_load_table *t)
{
    const int *s = t->to->shape;
    size_t planes = (size_t)s[0] * (size_t)s[1], depth = (size_t)s[2],
           plane = (size_t)s[3] * (size_t)s[4];
    for (size_t i = 0; t->from && i < planes * depth * plane; i++)
        out[i] = (real)t->from[i / (depth * plane) * plane + i % plane] / (real)depth;
    return vl_buf_printf(note, "kernel inflated over %d frames", s[2]);
}

/* ---- relative position bias ------------------------------------------------------------------ */

/* s where n is the square of an odd number s; 0. */
static int odd_root(int64_t n)
{
    int64_t s = (int64_t)lround(sqrt((double)n));
    return n > 0 && s * s == n && s % 2 ? (int)s : 0;
}

/* Offsets in time (1: a picture's table), rows and columns that the file's table is for. Where the
 * file does not say, they are the model's rows and columns if they can be, else as many frames and
 * a square, as every published window is. */
static bool bias_offsets(int file[3], const int model[3], const vl_load_table *t)
{
    const int64_t rows = t->shape[0], plane = (int64_t)model[1] * model[2];
    const int depth = t->of_pictures ? 1 : model[0];
    if (rows > INT32_MAX) return false;
    if (t->file && vl_swin_offsets(file, t->file->video.window) == rows) return true;
    if (t->of_pictures ? rows == plane : rows % plane == 0 && rows / plane % 2 == 1) {
        memcpy(file, (int[3]){(int)(rows / plane), model[1], model[2]}, 3 * sizeof *file);
        return true;
    }
    int side = rows % depth == 0 ? odd_root(rows / depth) : 0;
    file[0] = side ? depth : 1;
    file[1] = file[2] = side ? side : odd_root(rows);
    return file[1] > 0;
}

static violet_status refuse_bias(vl_buf *note, const vl_load_table *t, const int file[3])
{
    const int *w = t->config->video.window;
    char depth[24] = "";
    if (file[0] > 1) snprintf(depth, sizeof depth, "%d x ", (file[0] + 1) / 2);
    return refuse(note, t, "is of a window of %s%d x %d, the model's is %d x %d x %d: "
                  "--interpolate resizes it", depth, (file[1] + 1) / 2, (file[2] + 1) / 2, w[0],
                  w[1], w[2]);
}

/* A picture's table stands for every offset in time. */
static void repeat(real *out, const float *x, int times, size_t n)
{
    for (int i = 0; i < times; i++) put(out + (size_t)i * n, x, n);
}

static violet_status make_bias(real *out, vl_buf *note, const vl_load_table *t)
{
    int file[3], model[3];
    vl_swin_offsets(model, t->config->video.window);
    if (!bias_offsets(file, model, t))
        return refuse(note, t, "has %lld rows: expected those of a window, %d",
                      (long long)t->shape[0],
                      t->of_pictures ? model[1] * model[2] : t->to->shape[0]);
    bool picture = file[0] == 1 && model[0] > 1;
    bool same_plane = file[1] == model[1] && file[2] == model[2];
    if (!(picture && same_plane) && !t->options->interpolate) return refuse_bias(note, t, file);
    size_t heads = (size_t)t->shape[1], plane = (size_t)model[1] * (size_t)model[2] * heads;
    violet_status status = VIOLET_OK;
    if (!same_plane)
        status = vl_buf_printf(note, "bias of offsets %d x %d interpolated to %d x %d", file[1],
                               file[2], model[1], model[2]);
    if (status == VIOLET_OK && file[0] != model[0])
        status = vl_buf_printf(note, "%sbias %s %d offsets in time", note->n ? ", " : "",
                               picture ? "repeated for" : "interpolated to", model[0]);
    if (status != VIOLET_OK || !t->from) return status;
    float *x = copy(t->from, (size_t)t->shape[0] * heads);
    x = resize(x, cubic_taps, (size_t)file[0], file[1], model[1], (size_t)file[2] * heads);
    x = resize(x, cubic_taps, (size_t)file[0] * (size_t)model[1], file[2], model[2], heads);
    if (!picture) x = resize(x, linear_taps, 1, file[0], model[0], plane);
    if (!x) return vl_err_nomem();
    repeat(out, x, picture ? model[0] : 1, picture ? plane : plane * (size_t)model[0]);
    free(x);
    return VIOLET_OK;
}

/* ---- positions ------------------------------------------------------------------------------- */

/* Only the file's own word helps, or rows taken as they stand. */
static violet_status refuse_rows(vl_buf *note, const vl_load_table *t)
{
    bool as_is = !t->options->grid_as_is && t->shape[2] == t->to->shape[2];
    return refuse(note, t, "has %lld rows, which tell no grid of patches (1 + n x n would): "
                  "'violet convert IN OUT --config' tells it%s", (long long)t->shape[2],
                  as_is ? ", --compat violet1 takes its rows as they stand" : "");
}

/* The grids differ. The ways out are those that lead out. */
static violet_status refuse_grid(vl_buf *note, const vl_load_table *t, const int file[2])
{
    const int *model = t->config->grid;
    return refuse(note, t, "%s learned on %d x %d patches%s, the model has %d x %d: --interpolate "
                  "resizes it%s%s", t->file ? "was" : "is assumed to be", file[0], file[1],
                  t->file ? "" : " (the file does not say)", model[0], model[1],
                  t->shape[2] == t->to->shape[2]
                      ? ", --compat violet1 takes its rows as they stand" : "",
                  t->file ? "" : ", 'violet convert IN OUT --config' tells another grid");
}

/* Whether the file's rows hold its grid, and the model's rows the model's. */
static violet_status check_positions(vl_buf *note, const vl_load_table *t, const int file[2])
{
    const int *model = t->config->grid;
    if (t->shape[2] <= (int64_t)file[0] * file[1])
        return refuse(note, t, "has %lld rows, too few for the %d x %d patches that the file says",
                      (long long)t->shape[2], file[0], file[1]);
    if (t->to->shape[2] <= model[0] * model[1])
        return refuse(note, t, "has %d rows in the model, too few for its %d x %d patches",
                      t->to->shape[2], model[0], model[1]);
    if (t->options->interpolate) return VIOLET_OK;
    if (grid_differs(t)) return refuse_grid(note, t, file);
    return refuse(note, t, "has %lld rows, the model %d: --interpolate allows that",
                  (long long)t->shape[2], t->to->shape[2]);
}

/* What was made of the file's grid and rows; n_zero: rows that neither gives. */
static violet_status note_positions(vl_buf *note, const vl_load_table *t, const int file[2],
                                    size_t n_zero)
{
    const int *model = t->config->grid;
    violet_status status;
    if (file[0] != model[0] || file[1] != model[1])
        status = vl_buf_printf(note, "grid of %d x %d patches%s interpolated to %d x %d", file[0],
                               file[1], t->file ? "" : " (assumed)", model[0], model[1]);
    else
        status = vl_buf_printf(note, "%lld rows made %d", (long long)t->shape[2], t->to->shape[2]);
    if (status != VIOLET_OK || n_zero == 0) return status;
    return vl_buf_printf(note, ", the last %zu of %d rows zero", n_zero, t->to->shape[2]);
}

/* [CLS], then the grid; rows behind it, which are never looked at, stay where there are any. */
static violet_status make_positions(real *out, vl_buf *note, const vl_load_table *t)
{
    int file[2];
    const int *model = t->config->grid;
    size_t D = (size_t)t->shape[3], rows = (size_t)t->to->shape[2];
    size_t common = rows < (size_t)t->shape[2] ? rows : (size_t)t->shape[2];
    size_t patches = (size_t)model[0] * (size_t)model[1];
    if (!grid_of(file, t)) return refuse_rows(note, t);
    violet_status status = check_positions(note, t, file);
    if (status == VIOLET_OK)
        status = note_positions(note, t, file, rows - (common > patches ? common : patches + 1));
    if (status != VIOLET_OK || !t->from) return status;
    float *grid = resize_grid(t->from + D, file, model, D);
    if (!grid) return vl_err_nomem();
    put(out, t->from, common * D);
    memset(out + common * D, 0, (rows - common) * D * sizeof *out);
    put(out + D, grid, patches * D);
    free(grid);
    return VIOLET_OK;
}

static violet_status make_frames(real *out, vl_buf *note, const vl_load_table *t)
{
    if (!t->options->interpolate)
        return refuse(note, t, "is for %lld frames, the model's for %d: --interpolate resizes it%s",
                      (long long)t->shape[1], t->to->shape[1],
                      t->shape[1] > t->to->shape[1] ? ", --config FILE makes the model as the file"
                                                    : "");
    if (t->shape[1] < 1 || t->shape[1] > INT32_MAX)
        return refuse(note, t, "is for %lld frames: expected 1 at least", (long long)t->shape[1]);
    violet_status status = vl_buf_printf(note, "%lld frames interpolated to %d",
                                         (long long)t->shape[1], t->to->shape[1]);
    if (status != VIOLET_OK || !t->from) return status;
    size_t D = (size_t)t->shape[3];
    float *x = copy(t->from, (size_t)t->shape[1] * D);
    x = resize(x, linear_taps, 1, (int)t->shape[1], t->to->shape[1], D);
    if (!x) return vl_err_nomem();
    put(out, x, t->to->count);
    free(x);
    return VIOLET_OK;
}

violet_status vl_load_table_make(real *out, vl_buf *note, const vl_load_table *t)
{
    switch (kind_of(t)) {
    case KERNEL: return make_kernel(out, note, t);
    case BIAS: return make_bias(out, note, t);
    case POSITIONS: return make_positions(out, note, t);
    case FRAMES: return make_frames(out, note, t);
    case NO_TABLE: break;
    }
    return vl_err(VIOLET_ESHAPE, "tensor '%s' is no table", t->name);
}
