/* Tables of another size against PyTorch's own interpolation. The numbers were made once with
 * PyTorch 2.11: F.interpolate(x, mode="bicubic", align_corners=False) over rows and columns, then
 * mode="linear" over time, in float64, of x_i = sin(0.7 i) + 0.1 i in C order. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/load_tables.h"

/* offsets 5 x 5 -> 3 x 3, 2 heads */
static const double torch_bias2d[] = {
    0.7932493, 1.231268, 0.8023644, 0.247296, 0.3426093, 0.9407221, 2.892177, 2.644039,
    1.512433, 1.524374, 3.040717, 3.601253, 3.843822, 3.384834, 3.434283, 4.133459, 5.339385,
    5.233582};
/* offsets 3 x 3 x 3 -> 5 x 5 x 5, 1 head */
static const double torch_bias3d[] = {
    -0.1939182, 0.181892, 0.7451037, 1.137164, 1.336751, 0.5297406, 0.6575209, 0.8138924,
    0.8130327, 0.7789232, 1.204319, 1.039235, 0.7349882, 0.3456641, 0.09298272, 0.3935653,
    0.2708768, 0.1116499, 0.07777008, 0.08414277, -0.4121172, -0.437643, -0.3801269,
    -0.04097624, 0.2234774, 0.1739271, 0.5493321, 1.111312, 1.500563, 1.698122, 0.8927613,
    1.01945, 1.174, 1.171292, 1.136062, 1.561154, 1.394656, 1.088632, 0.699146, 0.4467118,
    0.7493585, 0.6272312, 0.4691601, 0.4370685, 0.4446533, -0.05585278, -0.07913593,
    -0.01808105, 0.3240889, 0.5902501, 0.725695, 1.100492, 1.660624, 2.045662, 2.240178,
    1.437292, 1.562344, 1.714162, 1.70868, 1.671771, 2.096407, 1.927786, 1.619098, 1.229369,
    0.9773054, 1.283048, 1.161763, 1.005425, 0.9760161, 0.9854192, 0.4785439, 0.4586246,
    0.5249878, 0.8716866, 1.140409, 1.277486, 1.651619, 2.209819, 2.590591, 2.782038, 1.981747,
    2.105147, 2.254218, 2.245976, 2.207401, 2.631506, 2.460799, 2.14951, 1.759615, 1.507972,
    1.816757, 1.696341, 1.541776, 1.515065, 1.526292, 1.013117, 0.9965721, 1.068244, 1.419424,
    1.69067, 1.645347, 2.019036, 2.575949, 2.953876, 3.143278, 2.344716, 2.467016, 2.614256,
    2.604173, 2.564488, 2.988239, 2.816141, 2.503118, 2.113113, 1.86175, 2.172563, 2.052727,
    1.899342, 1.874431, 1.886874, 1.369499, 1.355204, 1.430415, 1.784583, 2.05751};
/* 2 x 3 patches -> 3 x 4, 2 channels */
static const double torch_pos[] = {
    -0.06615687, 0.8081259, 0.8911975, 1.190263, 1.188081, 0.7894358, 0.6105411, -0.1054929,
    -0.1941342, 0.1728054, 0.3271616, 0.7397966, 0.9533821, 1.157258, 1.233232, 1.12434,
    -0.3221116, -0.4625151, -0.2368744, 0.2893305, 0.7186827, 1.52508, 1.855924, 2.354173};
/* 3 frames -> 5, 2 channels */
static const double torch_len[] = {
    0, 0.7442177, 0.4741799, 0.9118144, 1.18545, 1.163209, 0.9151728, 0.5548138, 0.7349882,
    0.1492168};

static float x[4096];
static real y[4096];
static vl_config config;
static vl_load_options options;
static vl_buf note;

/* A table for a parameter of that name and shape, from values x of `n` dimensions. */
static vl_load_table table(vl_param *to, const char *name, int n_to, const int *to_shape, int n,
                           const int64_t *shape)
{
    *to = (vl_param){.name = (char *)(uintptr_t)name, .n_dims = n_to, .count = 1};
    for (int i = 0; i < n_to; i++) to->count *= (size_t)(to->shape[i] = to_shape[i]);
    return (vl_load_table){.to = to, .name = name, .n_dims = n, .shape = shape, .from = x,
                           .config = &config, .options = &options};
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < 4096; i++) x[i] = (float)(sin(0.7 * i) + 0.1 * i);
    for (int i = 0; i < 4096; i++) y[i] = NAN;
    config = (vl_config){.video.window = {2, 2, 2}, .grid = {7, 7}};
    options = (vl_load_options){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vl_buf_free(&note);
    return 0;
}

static void assert_values(const real *is, const double *should, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)is[i] - should[i]) < 2e-6))
            fail_msg("value %zu is %.8g, not %.8g", i, (double)is[i], should[i]);
}

static void make(const vl_load_table *t, const char *says)
{
    assert_true(vl_load_table_differs(t));
    if (vl_load_table_make(y, &note, t) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(note.data, says);
}

static void refused(const vl_load_table *t, const char *says)
{
    assert_true(vl_load_table_differs(t));
    assert_int_equal(vl_load_table_make(y, &note, t), VIOLET_ESHAPE);
    if (!strstr(violet_error(), says)) fail_msg("'%s' lacks '%s'", violet_error(), says);
    for (size_t i = 0; i < t->to->count; i++) assert_true(isnan(y[i]));
}

/* ---- from pictures to videos ----------------------------------------------------------------- */

static void a_kernel_is_inflated(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, "enc_img.swin.patch_embed.proj.weight", 5,
                            (const int[]){2, 3, 2, 4, 4}, 4, (const int64_t[]){2, 3, 4, 4});
    make(&t, "kernel inflated over 2 frames");
    for (int plane = 0; plane < 6; plane++)
        for (int d = 0; d < 2; d++)
            for (int k = 0; k < 16; k++)
                assert_true(y[(plane * 2 + d) * 16 + k] == (real)x[plane * 16 + k] / 2);
    t.shape = (const int64_t[]){2, 3, 8, 8}; /* another patch is no table, but a wrong shape */
    assert_false(vl_load_table_differs(&t));
}

#define BIAS "enc_img.swin.layers.0.blocks.0.attn.relative_position_bias_table"

static void a_pictures_bias_is_repeated(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, BIAS, 2, (const int[]){27, 2}, 2, (const int64_t[]){9, 2});
    make(&t, "bias repeated for 3 offsets in time");
    for (int i = 0; i < 54; i++) assert_true(y[i] == (real)x[i % 18]);
}

static void a_pictures_bias_of_another_window_is_resized_when_asked(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, BIAS, 2, (const int[]){27, 2}, 2, (const int64_t[]){25, 2});
    refused(&t, "is of a window of 3 x 3, the model's is 2 x 2 x 2: --interpolate");
    options.interpolate = true;
    make(&t, "bias of offsets 5 x 5 interpolated to 3 x 3, bias repeated for 3 offsets in time");
    for (int d = 0; d < 3; d++) assert_values(y + d * 18, torch_bias2d, 18);
}

static void a_videos_bias_of_another_window_is_resized_when_asked(void **state)
{
    (void)state;
    vl_param to;
    vl_config file = {.video.window = {2, 2, 2}};
    memcpy(config.video.window, (int[3]){3, 3, 3}, sizeof config.video.window);
    vl_load_table t = table(&to, BIAS, 2, (const int[]){125, 1}, 2, (const int64_t[]){27, 1});
    t.file = &file;
    refused(&t, "is of a window of 2 x 2 x 2, the model's is 3 x 3 x 3: --interpolate");
    options.interpolate = true;
    make(&t, "bias of offsets 3 x 3 interpolated to 5 x 5, bias interpolated to 5 offsets in time");
    assert_values(y, torch_bias3d, 125);
}

/* The published model's 2535 rows, from a file that says nothing. */
static void a_window_is_told_from_the_rows(void **state)
{
    (void)state;
    vl_param to;
    const struct {
        int window[3];
        int64_t rows;
        const char *says;
    } cases[] = {{{4, 7, 7}, 2535, "window of 8 x 7 x 7, the model's is 4 x 7 x 7"},
                 {{8, 12, 12}, 2535, "window of 8 x 7 x 7, the model's is 8 x 12 x 12"},
                 {{8, 7, 7}, 529, "window of 12 x 12, the model's is 8 x 7 x 7"},
                 {{8, 7, 7}, 170, "has 170 rows: expected those of a window"},
                 /* an even number of offsets in time is of no window */
                 {{2, 2, 2}, 36, "has 36 rows: expected those of a window"}};
    options.interpolate = false;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *w = cases[i].window;
        memcpy(config.video.window, w, sizeof config.video.window);
        const int rows = (2 * w[0] - 1) * (2 * w[1] - 1) * (2 * w[2] - 1);
        vl_load_table t =
            table(&to, BIAS, 2, (const int[]){rows, 1}, 2, (const int64_t[]){cases[i].rows, 1});
        assert_true(vl_load_table_differs(&t));
        assert_int_equal(vl_load_table_make(NULL, &note, &t), VIOLET_ESHAPE);
        if (!strstr(violet_error(), cases[i].says))
            fail_msg("'%s' lacks '%s'", violet_error(), cases[i].says);
    }
}

/* As many rows may be of another window: 3 x 2 x 2 of 2 x 3 x 2, or a picture's 5 x 5. */
static void as_many_rows_of_another_window_are_not_taken(void **state)
{
    (void)state;
    vl_param to;
    vl_config file = {.video.window = {3, 2, 2}};
    memcpy(config.video.window, (int[3]){2, 3, 2}, sizeof config.video.window);
    vl_load_table t = table(&to, BIAS, 2, (const int[]){45, 1}, 2, (const int64_t[]){45, 1});
    assert_false(vl_load_table_differs(&t)); /* a file that does not say is of the model's */
    t.file = &file;
    refused(&t, "is of a window of 3 x 2 x 2, the model's is 2 x 3 x 2: --interpolate");
    memcpy(file.video.window, config.video.window, sizeof file.video.window);
    assert_false(vl_load_table_differs(&t));
    memcpy(config.video.window, (int[3]){5, 2, 2}, sizeof config.video.window);
    t = table(&to, BIAS, 2, (const int[]){81, 1}, 2, (const int64_t[]){81, 1});
    assert_false(vl_load_table_differs(&t));
    t.of_pictures = true;
    refused(&t, "is of a window of 5 x 5, the model's is 5 x 2 x 2: --interpolate");
    t.shape = (const int64_t[]){9, 1}; /* nothing but the window in time is another */
    make(&t, "bias repeated for 9 offsets in time");
    options.interpolate = true;
    t.from = NULL;
    t.shape = (const int64_t[]){(int64_t)46341 * 46341, 1}; /* more rows than an int holds */
    assert_int_equal(vl_load_table_make(NULL, &note, &t), VIOLET_ESHAPE);
}

/* ---- positions ------------------------------------------------------------------------------- */

#define POS "enc_img.emb_pos"

static void another_grid_is_refused_resized_or_taken_as_it_is(void **state)
{
    (void)state;
    vl_param to;
    vl_config file = {.grid = {2, 3}};
    config.grid[0] = 3, config.grid[1] = 4;
    vl_load_table t = table(&to, POS, 4, (const int[]){1, 1, 14, 2}, 4,
                            (const int64_t[]){1, 1, 14, 2});
    float with_cls[28]; /* [CLS], 6 patches, 7 rows that nobody uses */
    memset(with_cls, 0, sizeof with_cls);
    with_cls[0] = 5, with_cls[1] = -5, with_cls[26] = 8;
    memcpy(with_cls + 2, x, 12 * sizeof *x);
    t.file = &file;
    t.from = with_cls;
    refused(&t, "was learned on 2 x 3 patches, the model has 3 x 4: --interpolate");
    options.grid_as_is = true;
    assert_false(vl_load_table_differs(&t));
    options = (vl_load_options){.interpolate = true};
    make(&t, "grid of 2 x 3 patches interpolated to 3 x 4");
    assert_true(y[0] == 5 && y[1] == -5 && y[26] == 8 && y[27] == 0);
    assert_values(y + 2, torch_pos, 24);
}

static void published_files_are_of_seven_by_seven(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, POS, 4, (const int[]){1, 1, 197, 1}, 4,
                            (const int64_t[]){1, 1, 197, 1});
    assert_false(vl_load_table_differs(&t));
    config.grid[0] = config.grid[1] = 12;
    refused(&t, "was learned on 7 x 7 patches, the model has 12 x 12");
}

/* More rows than the file has: its own stay, the others are what the grid makes them, or 0. */
static void rows_are_added_when_asked(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, POS, 4, (const int[]){1, 1, 60, 1}, 4,
                            (const int64_t[]){1, 1, 50, 1});
    refused(&t, "has 50 rows, the model 60: --interpolate");
    options.interpolate = true;
    make(&t, "50 rows made 60");
    for (int i = 0; i < 60; i++) assert_true(y[i] == (i < 50 ? (real)x[i] : 0));
    t.shape = (const int64_t[]){1, 1, 49, 1}; /* 7 x 7 patches and [CLS] are not in there */
    vl_buf_clear(&note);
    assert_int_equal(vl_load_table_make(y, &note, &t), VIOLET_ESHAPE);
}

static void frames_are_resized_when_asked(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, "enc_img.emb_len", 4, (const int[]){1, 5, 1, 2}, 4,
                            (const int64_t[]){1, 3, 1, 2});
    refused(&t, "is for 3 frames, the model's for 5: --interpolate resizes it");
    assert_null(strstr(violet_error(), "--config"));
    options.interpolate = true;
    make(&t, "3 frames interpolated to 5");
    assert_values(y, torch_len, 10);
    options.interpolate = false; /* fewer frames than the file has: the model may be as large */
    to.shape[1] = 2;
    assert_int_equal(vl_load_table_make(y, &note, &t), VIOLET_ESHAPE);
    assert_non_null(strstr(violet_error(), "--config FILE makes the model as the file"));
}

/* Dry: what would be done is told, nothing is made. */
static void dry_runs_only_tell(void **state)
{
    (void)state;
    vl_param to;
    options.interpolate = true;
    vl_load_table t = table(&to, "enc_img.emb_len", 4, (const int[]){1, 5, 1, 2}, 4,
                            (const int64_t[]){1, 3, 1, 2});
    t.from = NULL;
    assert_int_equal(vl_load_table_make(NULL, &note, &t), VIOLET_OK);
    assert_string_equal(note.data, "3 frames interpolated to 5");
}

/* Nothing but tables is touched, and no width but the model's. */
static void others_are_no_tables(void **state)
{
    (void)state;
    vl_param to;
    vl_load_table t = table(&to, "fc.1.weight", 2, (const int[]){4, 4}, 2, (const int64_t[]){3, 4});
    assert_false(vl_load_table_differs(&t));
    t = table(&to, BIAS, 2, (const int[]){27, 2}, 2, (const int64_t[]){25, 3});
    assert_false(vl_load_table_differs(&t));
    t = table(&to, "enc_img.emb_len", 4, (const int[]){1, 5, 1, 2}, 4,
              (const int64_t[]){1, 3, 1, 4});
    assert_false(vl_load_table_differs(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(a_kernel_is_inflated),
        T(a_pictures_bias_is_repeated),
        T(a_pictures_bias_of_another_window_is_resized_when_asked),
        T(a_videos_bias_of_another_window_is_resized_when_asked),
        T(a_window_is_told_from_the_rows),
        T(as_many_rows_of_another_window_are_not_taken),
        T(another_grid_is_refused_resized_or_taken_as_it_is),
        T(published_files_are_of_seven_by_seven),
        T(rows_are_added_when_asked),
        T(frames_are_resized_when_asked),
        T(dry_runs_only_tell),
        T(others_are_no_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
