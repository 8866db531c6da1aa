/* The reference against values worked out by hand, for what central differences cannot see: ops
 * without a gradient, masks, ties, the numbering of dropout's elements. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tensor/backend.h"
#include "tensor/drop.h"

static const vl_backend *be;
static vl_device *d;
static const vl_drop off;

static int set_up(void **state)
{
    (void)state;
    be = vl_backend_ref();
    d = be->open(1);
    return d ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    be->close(d);
    return 0;
}

#define NEAR(a, b) assert_true(fabs((double)(a) - (b)) <= 1e-6 * (1 + fabs((double)(b))))

static void every_slot_is_filled(void **state)
{
    (void)state;
    const vl_backend *backends[] = {vl_backend_ref(), vl_backend_fast()};
    void (*slot)(void);
    size_t n = (sizeof *be - offsetof(vl_backend, open)) / sizeof slot;
    for (size_t i = 0; i < 2 * n; i++) {
        const char *first = (const char *)backends[i / n] + offsetof(vl_backend, open);
        memcpy(&slot, first + i % n * sizeof slot, sizeof slot);
        if (!slot) fail_msg("%s: slot %zu is empty", backends[i / n]->name, i % n);
    }
}

static void patches_are_ordered_channel_frame_row_column(void **state)
{
    (void)state;
    enum { T = 2, H = 5, W = 6 };
    uint8_t image[T * 3 * H * W]; // (1, T, 3, H, W)
    for (int i = 0; i < T * 3 * H * W; i++) image[i] = (uint8_t)(i + 1);
    real y[T * 2 * 2 * 96], mean[3] = {0, 0, (real)0.5}, deviation[3] = {1, 1, 2};
    be->patches(d, y, image, mean, deviation, 1, T, H, W);
    NEAR(y[0], 1 / 255.0);
    NEAR(y[1], 2 / 255.0);                                     // dx
    NEAR(y[4], (1 + W) / 255.0);                               // dy
    NEAR(y[16], (1 + 3 * H * W) / 255.0);                      // dt
    NEAR(y[32], (1 + H * W) / 255.0);                          // channel
    NEAR(y[64], ((1 + 2 * H * W) / 255.0 - 0.5) / 2);          // mean and deviation
    NEAR(y[96 + 1], 6 / 255.0);                                // the patch to the right
    NEAR(y[96 + 2], 0);                                        // beyond the picture
    NEAR(y[2 * 96 + 3], (4 + 4 * W) / 255.0);                  // the patch below
    NEAR(y[2 * 96 + 4], 0);
    NEAR(y[4 * 96], (1 + 3 * H * W) / 255.0);                  // the second frame's first patch
    NEAR(y[4 * 96 + 64 + 16], 0);                              // 0 after normalisation
}

static void gather_takes_two_sources(void **state)
{
    (void)state;
    real a[] = {1, 2, 3, 4}, b[] = {5, 6}, y[8], da[4] = {1, 1, 1, 1};
    int table[] = {2, -1, 1, 1};
    be->gather_fwd(d, y, a, b, table, 4, 2, 2);
    const double want[] = {5, 6, 0, 0, 3, 4, 3, 4};
    for (int i = 0; i < 8; i++) NEAR(y[i], want[i]);
    be->gather_bwd(d, da, y, table, NULL, 4, 2, 0, 2, 1);
    const double want_da[] = {1, 1, 7, 9};
    for (int i = 0; i < 4; i++) NEAR(da[i], want_da[i]);
}

static void means_are_of_the_rows_that_are_seen(void **state)
{
    (void)state;
    real x[] = {1, 2, 3, 4, 5, 6, 7, 8}, y[4], dx[8]; // (2*2, 2)
    uint8_t mask[] = {1, 0, 1, 1};
    be->mean_fwd(d, y, x, mask, 2, 2, 2);
    const double want[] = {1, 2, 6, 7};
    for (int i = 0; i < 4; i++) NEAR(y[i], want[i]);
    be->mean_bwd(d, dx, y, mask, 2, 2, 2, 0);
    const double want_dx[] = {1, 2, 0, 0, 3, 3.5, 3, 3.5};
    for (int i = 0; i < 8; i++) NEAR(dx[i], want_dx[i]);
}

static void units_have_length_one(void **state)
{
    (void)state;
    real x[] = {3, 4, 0, 0}, dy[] = {1, 0, 1, 1}, y[4], norm[2], dx[4];
    be->unit_fwd(d, y, norm, x, 2, 2);
    const double want[] = {0.6, 0.8, 0, 0};
    for (int i = 0; i < 4; i++) NEAR(y[i], want[i]);
    be->unit_bwd(d, dx, dy, y, norm, 2, 2, 0);
    const double want_dx[] = {(1 - 0.36) / 5, -0.48 / 5, 0, 0}; // what is along y is gone
    for (int i = 0; i < 4; i++) NEAR(dx[i], want_dx[i]);
}

static void gelu_is_the_exact_one(void **state)
{
    (void)state;
    real x[] = {1, -2, 0}, y[3];
    be->act_fwd(d, y, x, 3, VL_ACT_GELU);
    NEAR(y[0], 0.8413447460685429);
    NEAR(y[1], -0.04550026389635842);
    NEAR(y[2], 0);
}

static void dropout_scales_what_it_keeps(void **state)
{
    (void)state;
    enum { ROWS = 40, COLS = 50 };
    real r[ROWS * COLS], y[ROWS * COLS];
    for (int i = 0; i < ROWS * COLS; i++) r[i] = 3;
    vl_drop drop = {0.25, 12345};
    be->residual_fwd(d, y, NULL, r, drop, off, 1, ROWS, COLS);
    int dropped = 0;
    for (int i = 0; i < ROWS * COLS; i++) {
        if (y[i] == 0) dropped++;
        else NEAR(y[i], 4);
    }
    assert_in_range(dropped, 425, 575); // 500 +- 4 standard deviations
    be->residual_fwd(d, y, NULL, r, off, drop, 8, ROWS, COLS);
    for (int i = 0; i < ROWS; i++) NEAR(y[i * COLS + 7], 3 * vl_drop_scale(drop, i / 8));
}

static void attention_mixes_what_it_sees(void **state)
{
    (void)state;
    /* scores 0 and log 3: probabilities 1/4 and 3/4; the third key is masked in sequence 0, and all
     * are in sequence 1 */
    real q[] = {1, 1}, k[] = {0, (real)log(3), 50, 1, 2, 3}, v[] = {4, 8, 1000, 1, 1, 1};
    real o[2], lse[2], received[6] = {0};
    uint8_t mask[] = {1, 1, 0, 0, 0, 0};
    vl_attention s = {.n_seq = 2, .n_q = 1, .n_k = 3, .heads = 1, .head_dim = 1, .scale = 1,
                      .n_win = 1, .key_mask = mask};
    be->attention_fwd(d, o, lse, q, k, v, NULL, 1, 1, 1, &s);
    NEAR(o[0], 7);
    NEAR(lse[0], log(4));
    NEAR(o[1], 0);
    be->attention_received(d, received, q, k, NULL, 1, 1, NULL, &s);
    const double want[] = {0.25, 0.75, 0, 0, 0, 0};
    for (int j = 0; j < 6; j++) NEAR(received[j], want[j]);
    /* a bias of -log 3 on the second key, and another region that costs log 2 */
    real bias[] = {0, (real)-log(3), 0, 0}, q2[] = {1, 1};
    int region[] = {1, 2};
    s = (vl_attention){.n_seq = 1, .n_q = 2, .n_k = 2, .heads = 1, .head_dim = 1, .scale = 1,
                       .n_win = 1, .region = region, .region_penalty = (real)-log(2)};
    be->attention_fwd(d, o, lse, q2, k, v, bias, 1, 1, 1, &s);
    NEAR(o[0], 4 * 2 / 3.0 + 8 / 3.0);
    NEAR(o[1], (4 * 0.5 + 8 * 3) / 3.5);
}

static void xent_ignores_and_breaks_ties(void **state)
{
    (void)state;
    real z[] = {0, 1, 1, 5, 5, 5, 0, 0, (real)log(2)}, loss, lse[3], dz[9], one = 1;
    int target[] = {-1, 2, 2}, best[3];
    be->xent_fwd(d, &loss, lse, best, z, target, 3, 3, 1);
    NEAR(loss, (log(3) + log(2)) / 2);
    assert_int_equal(best[0], 1);
    assert_int_equal(best[1], 0);
    assert_int_equal(best[2], 2);
    be->xent_bwd(d, dz, &one, lse, z, target, 3, 3, 1, 0);
    NEAR(dz[1], 0);
    NEAR(dz[5], (1 / 3.0 - 1) / 2);
    NEAR(dz[6], 0.25 / 2);
    int none[] = {-1, -1, -1};
    be->xent_fwd(d, &loss, lse, best, z, none, 3, 3, 1);
    NEAR(loss, 0);
}

/* Weights are (out, in, ky, kx), and tap (ky, kx) sees the pixel that many rows and columns on. */
static void convolution_looks_down_and_right(void **state)
{
    (void)state;
    real x[] = {1, 10, 2, 20, 3, 30, 4, 40}; // (1, 2, 2, 2 channels)
    real w[18] = {0}, b[] = {100}, y[4];
    w[0 * 9 + 1 * 3 + 2] = 1; // channel 0, the pixel to the right
    w[1 * 9 + 2 * 3 + 1] = 1; // channel 1, the pixel below
    be->conv2d_fwd(d, y, x, w, b, 1, 2, 2, 1, 2, 3, VL_ACT_NONE);
    const double want[] = {100 + 2 + 30, 100 + 40, 100 + 4, 100};
    for (int i = 0; i < 4; i++) NEAR(y[i], want[i]);
}

static void pooling_takes_the_first_of_equals(void **state)
{
    (void)state;
    real x[] = {1, 5, 5, 5}, y[1], dy[] = {3}, dx[4];
    be->maxpool_fwd(d, y, x, 1, 2, 2, 1);
    NEAR(y[0], 5);
    be->maxpool_bwd(d, dx, dy, x, 1, 2, 2, 1, 0);
    const double want[] = {0, 3, 0, 0};
    for (int i = 0; i < 4; i++) NEAR(dx[i], want[i]);
}

static void losses_of_a_discrete_vae(void **state)
{
    (void)state;
    real stats[2], loss, equal[] = {7, 7, 7, 7}, certain[] = {50, 0, 0, 0};
    be->kl_uniform_fwd(d, &loss, stats, equal, 1, 4);
    NEAR(loss, 0);
    be->kl_uniform_fwd(d, &loss, stats, certain, 1, 4);
    NEAR(loss, log(4));
    /* x = 1/2: logit 0; b = e^s = 2, mu = 1: log(2 * 2 / 4) + 1/2; and twice b = 1, mu = 0 */
    real y[] = {1, 0, 0, (real)log(2), 0, 0}, x[] = {(real)0.5, (real)0.5, (real)0.5};
    be->logit_laplace_fwd(d, &loss, y, x, 1);
    NEAR(loss, (0.5 + 2 * log(0.5)) / 3);
}

/* The largest of logits + gumbel is column j with the probability softmax(logits)_j. */
static void gumbel_samples_the_softmax(void **state)
{
    (void)state;
    enum { ROWS = 4000 };
    static real logits[ROWS * 3], y[ROWS * 3];
    int first = 0;
    for (int i = 0; i < ROWS * 3; i++) logits[i] = i % 3 == 0 ? (real)log(2) : 0;
    be->gumbel_fwd(d, y, logits, 99, (real)0.5, ROWS, 3);
    for (int i = 0; i < ROWS; i++) {
        const real *row = y + 3 * i;
        NEAR(row[0] + row[1] + row[2], 1);
        first += row[0] > row[1] && row[0] > row[2];
    }
    assert_in_range(first, 1874, 2126); // half, +- 4 standard deviations
}

/* From a zero state the first step moves by lr in the direction of -g, whatever g's size. */
static void adamw_first_step(void **state)
{
    (void)state;
    real p[] = {2, 2}, m[] = {0, 0}, v[] = {0, 0}, g[] = {300, (real)-0.5};
    be->adamw(d, p, m, v, g, 2, 2, 0.1, 0.9, 0.98, 0, 0.01, 1 - 0.9, 1 - 0.98);
    NEAR(m[0], 60);
    NEAR(v[1], 0.02);
    NEAR(p[0], 2 - 0.1 * 0.01 * 2 - 0.1);
    NEAR(p[1], 2 - 0.1 * 0.01 * 2 + 0.1);
}

static void sums_are_doubles(void **state)
{
    (void)state;
    real x[] = {10000, (real)0.5};
    assert_true(be->sum_squares(d, x, 2) == 100000000.25);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slot_is_filled),
        cmocka_unit_test(patches_are_ordered_channel_frame_row_column),
        cmocka_unit_test(gather_takes_two_sources),
        cmocka_unit_test(means_are_of_the_rows_that_are_seen),
        cmocka_unit_test(units_have_length_one),
        cmocka_unit_test(gelu_is_the_exact_one),
        cmocka_unit_test(dropout_scales_what_it_keeps),
        cmocka_unit_test(attention_mixes_what_it_sees),
        cmocka_unit_test(xent_ignores_and_breaks_ties),
        cmocka_unit_test(convolution_looks_down_and_right),
        cmocka_unit_test(pooling_takes_the_first_of_equals),
        cmocka_unit_test(losses_of_a_discrete_vae),
        cmocka_unit_test(gumbel_samples_the_softmax),
        cmocka_unit_test(adamw_first_step),
        cmocka_unit_test(sums_are_doubles),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
