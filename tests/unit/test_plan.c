/* The plan of a run: published figures, proportions, absurd sizes, speed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/rng.h"
#include "task/plan.h"

static vl_plan_options options;

static int fresh(void **state)
{
    (void)state;
    return vl_option_defaults(vl_plan_option_table, &options);
}

static int done(void **state)
{
    (void)state;
    vl_option_release(vl_plan_option_table, &options);
    return 0;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(vl_option_set(vl_plan_option_table, &options, name, value), VIOLET_OK);
}

static violet_plan_report plan(void)
{
    violet_plan_report r;
    violet_status status = vl_plan_run(&r, &options);
    if (status != VIOLET_OK) print_error("%s\n", violet_error());
    assert_int_equal(status, VIOLET_OK);
    return r;
}

static void near(double have, double want, double share)
{
    if (!(fabs(have - want) <= share * want)) fail_msg("%g, expected %g", have, want);
}

/* The published model at 4 frames of 224: counted on the published code with torch's FlopCounter
 * (parameters in millions, GFLOP a video). */
static void published_figures_within_one_percent(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    near((double)r.n_parameters, 197.6e6, 0.01);
    near((double)r.n_video, 49.5e6, 0.01);
    near((double)r.n_embeddings, 23.8e6 + 0.16e6, 0.01);
    near((double)r.n_encoder, 85.1e6, 0.01);
    near((double)r.n_heads, 1.2e6 + 24.1e6 + 13.8e6, 0.01);
    near(r.forward_video_flops, 75.52e9, 0.01);
    near(r.forward_encoder_flops, 41.39e9, 0.01);
    near(r.forward_flops, 116.9e9, 0.01);
    near(r.forward_attention_flops, 7.32e9 + 1.98e9, 0.01);
    assert_int_equal(r.n_parameters, r.n_video + r.n_embeddings + r.n_encoder + r.n_heads);
}

/* What the published code does with a batch of 12 is known as a whole; ours leaves out what is
 * never read, so it must be below that, and above what the masked pass alone costs. */
static void a_step_costs_less_than_published(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    assert_true(r.step_flops < 11824e9);
    assert_true(r.step_flops > 0.6 * 11824e9);
    near(r.attended_flops, 6 * 116.9e9, 0.08); /* half of the batch; q, k and v twice a layer */
    near(r.backward_flops, 2 * r.step_forward_flops, 0.01);
    assert_int_equal(r.text_passes, 4);
    assert_true(r.weight_bytes >= 4 * r.n_parameters);
    assert_int_equal(r.total_bytes,
                     r.weight_bytes + r.gradient_bytes + r.moment_bytes + r.dvae_bytes +
                         r.activation_bytes +
                         r.activation_gradient_bytes + r.table_bytes + r.loader_bytes);
    set("compat", "violet1");
    violet_plan_report published = plan();
    assert_int_equal(published.text_passes, 5);
    near(published.step_flops - r.step_flops, 3 * 12 * 41.39e9, 0.08);
}

/* Each text more is a pass of all videos through the encoder, there and back. */
static void other_texts_are_counted(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    set("negatives", "1");
    violet_plan_report less = plan();
    assert_int_equal(less.text_passes, 2);
    near(r.step_flops - less.step_flops, 3 * 2 * 12 * 41.39e9, 0.08);
    assert_true(less.activation_bytes < r.activation_bytes);
    set("negatives", "20");
    assert_int_equal(plan().text_passes, 12); /* a batch of 12 has no more */
    set("size_batch", "32");
    assert_int_equal(plan().text_passes, 21);
    assert_int_equal(vl_option_set(vl_plan_option_table, &options, "negatives", "0"),
                     VIOLET_EINVAL);
}

/* Two projections; the text tower, of two layers of twelve over the texts alone. */
static void the_contrastive_loss_is_counted(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    set("contrastive", "1");
    violet_plan_report with = plan();
    assert_int_equal(with.n_parameters, r.n_parameters + 2 * 256 * 768);
    assert_int_equal(with.n_heads, r.n_heads + 2 * 256 * 768);
    double tower = 12 * 32 * 2.0 * 2 * (4.0 * 768 * 768 + 2.0 * 768 * 3072 + 2.0 * 32 * 768);
    near(with.step_forward_flops - r.step_forward_flops, tower, 0.02);
    near(with.backward_flops - r.backward_flops, 2 * tower, 0.02);
    if (with.step_flops > 1.01 * r.step_flops) fail_msg("%g of %g", with.step_flops, r.step_flops);
    assert_true(with.activation_bytes > r.activation_bytes);
}

/* Each video is encoded once, and so often goes through the encoder with a text as the task has
 * pairs, all but one row of the last layer; the head is next to nothing. */
static void tasks_are_planned(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int batch, pairs, passes;
        double heads;
    } of[] = {
        {"retrieval", 6, 36, 6, 768 * 1536 + 1536 + 1536 + 1},
        {"qamc", 6, 30, 5, 768 * 1536 + 1536 + 1536 + 1},
        {"qaoe", 6, 6, 1, 768 * 1536 + 1536 + 1536 * 1000 + 1000},
        {"fib", 6, 6, 1, 768 * 1536 + 1536 + 1536 * 1000 + 1000},
    };
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        set("type", of[k].type);
        violet_plan_report r = plan();
        assert_true((double)r.n_heads == of[k].heads);
        assert_int_equal(r.text_passes, of[k].passes);
        assert_true(r.attended_flops == 0 && r.hidden_patches == 0);
        near(r.step_forward_flops,
             of[k].batch * r.forward_video_flops + of[k].pairs * r.forward_encoder_flops, 0.07);
        near(r.backward_flops, 2 * r.step_forward_flops, 0.01);
        near(r.forward_video_flops, 5.0 / 4 * 75.52e9, 0.03); /* five frames */
        assert_int_equal(r.extrapolated, 0);
        assert_true(r.activation_bytes > (unsigned long long)4 << 30);
    }
    set("size_vocab", "10");
    assert_int_equal(plan().n_heads, 768 * 1536 + 1536 + 1536 * 10 + 10);
    set("type", "qamc");
    set("size_option", "2");
    set("size_batch", "3");
    violet_plan_report r = plan();
    near(r.step_forward_flops, 3 * r.forward_video_flops + 6 * r.forward_encoder_flops, 0.07);
}

/* at^2 and at through two batches that are counted give the third, which is not. */
static double by_square(double at_125, double at_250)
{
    double square = (at_250 - 2 * at_125) / 2, linear = at_125 - square;
    return 4 * linear + 16 * square;
}

static void large_batches_of_retrieval_grow_with_the_square(void **state)
{
    (void)state;
    static const char *const batch[3] = {"125", "250", "500"};
    violet_plan_report r[3];
    set("type", "retrieval");
    set("config", "tiny");
    set("size_img", "64");
    for (int k = 0; k < 3; k++) {
        set("size_batch", batch[k]);
        r[k] = plan();
        assert_int_equal(r[k].extrapolated, k == 2);
    }
    near(r[2].step_flops, by_square(r[0].step_flops, r[1].step_flops), 0.001);
    near((double)r[2].activation_bytes,
         by_square((double)r[0].activation_bytes, (double)r[1].activation_bytes), 0.001);
    assert_true(r[2].step_flops > 3 * r[1].step_flops); /* and no proportion */
}

/* All videos and texts of it, encoded, in float32. */
static void a_validation_of_retrieval_is_counted(void **state)
{
    (void)state;
    set("type", "retrieval");
    violet_plan_report r = plan();
    set("valid_videos", "1000");
    set("valid_texts", "20000");
    violet_plan_report with = plan();
    assert_int_equal(r.validation_bytes, 0);
    assert_int_equal(with.validation_bytes, 4ULL * 768 * (1000 * 5 * 50 + 20000 * 25));
    assert_int_equal(with.total_bytes, r.total_bytes + with.validation_bytes);
    set("type", "qaoe");
    assert_int_equal(plan().validation_bytes, 0);
}

static void checkpointing_trades_memory_for_work(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    set("checkpointing", "true");
    violet_plan_report c = plan();
    assert_true(c.activation_bytes < r.activation_bytes / 3);
    assert_true(r.recomputed_flops == 0);
    assert_true(c.recomputed_flops > 0.9 * c.step_forward_flops);
    assert_true(c.step_flops > 1.2 * r.step_flops);
}

static void accumulation_costs_work_and_no_memory(void **state)
{
    (void)state;
    violet_plan_report r = plan();
    set("accumulate", "7");
    violet_plan_report a = plan();
    near(a.step_flops, 7 * r.step_flops, 1e-12);
    assert_int_equal(a.total_bytes, r.total_bytes);
}

static void large_batches_follow_from_small_ones(void **state)
{
    (void)state;
    set("size_batch", "128");
    set("config", "tiny");
    violet_plan_report r = plan();
    assert_int_equal(r.extrapolated, 0);
    set("size_batch", "256");
    violet_plan_report twice = plan();
    assert_int_equal(twice.extrapolated, 1);
    near(twice.step_flops, 2 * r.step_flops, 0.005);
    near((double)twice.activation_bytes, 2 * (double)r.activation_bytes, 0.005);
    near((double)twice.activation_gradient_bytes, 2 * (double)r.activation_gradient_bytes, 0.02);
    set("size_batch", "1000000");
    near(plan().step_flops, 1e6 / 128 * r.step_flops, 0.005);
}

/* The expected union of boxes against drawing them, as train/mask.c does. */
static void hidden_patches_are_what_drawing_gives(void **state)
{
    (void)state;
    enum { T = 4, H = 7, W = 7, ROUNDS = 20000 };
    uint64_t at = 0;
    long sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char hidden[T][H][W] = {{{0}}};
        for (int block = 0; block < T; block++) {
            int n[3] = {T, H, W}, most[3] = {T, 2 * H / 3, 2 * W / 3}, from[3], e[3];
            for (int a = 0; a < 3; a++) {
                e[a] = 1 + (int)vl_rng_below(1, at++, most[a] - 1);
                from[a] = (int)vl_rng_below(1, at++, n[a] - e[a] + 1);
            }
            for (int t = 0; t < e[0]; t++)
                for (int i = 0; i < e[1]; i++)
                    memset(&hidden[from[0] + t][from[1] + i][from[2]], 1, e[2]);
        }
        for (size_t i = 0; i < sizeof hidden; i++) sum += ((char *)hidden)[i];
    }
    near(vl_plan_hidden_patches(T, H, W), (double)sum / ROUNDS, 0.01);
    near(vl_plan_hidden_patches(1, 1, 1), 1, 1e-12);
}

static void absurd(const char *name, const char *value, const char *words)
{
    violet_plan_report r;
    violet_status status = vl_option_set(vl_plan_option_table, &options, name, value);
    if (status == VIOLET_OK) status = vl_plan_run(&r, &options);
    assert_int_not_equal(status, VIOLET_OK);
    if (!strstr(violet_error(), words)) fail_msg("'%s' without '%s'", violet_error(), words);
}

static void absurd_sizes_are_errors(void **state)
{
    (void)state;
    absurd("size_batch", "1000000000000", "size_batch");
    absurd("size_img", "100", "multiples of 32");
    set("size_img", "224");
    absurd("height", "48", "multiples of 32");
    set("height", "0");
    absurd("size_frame", "65", "size_frame");
    absurd("type", "caption", "expected pretrain, retrieval, qamc, qaoe or fib");
    set("type", "qamc");
    absurd("contrastive", "1", "only retrieval has");
    set("contrastive", "0");
    absurd("size_txt", "2", "size_txt 2");
    set("size_txt", "0");
    absurd("config", "huge", "huge");
    absurd("config", "nowhere/x.json", "nowhere/x.json");
}

static void absurd_models_are_errors(void **state)
{
    (void)state;
    static const char *const configs[] = {
        "{\"embed_dim\": 4096, \"hidden\": 32768, \"depths\": [256,256,256,256], "
        "\"heads\": [1,1,1,1], \"ct_heads\": 1}",
        "{\"window\": [64,64,64]}",
        "{\"embed_dim\": 97}",
        "{\"ct_heads\": 7}",
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        char path[] = "/tmp/violet-test-plan-XXXXXX.json";
        int fd = mkstemps(path, 5);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, configs[i], strlen(configs[i])), (ssize_t)strlen(configs[i]));
        close(fd);
        set("config", path);
        violet_plan_report r;
        violet_status status = vl_plan_run(&r, &options);
        unlink(path);
        assert_int_not_equal(status, VIOLET_OK);
        assert_true(strlen(violet_error()) > 10);
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* 8 GB are planned; a plan that touched them would be slow and large. Generous against a busy
 * machine and sanitizers: a real step takes a minute. */
static void planning_is_quick_and_small(void **state)
{
    (void)state;
    double start = seconds();
    violet_plan_report r = plan();
    assert_true(seconds() - start < 2);
    assert_true(r.total_bytes > (unsigned long long)8 << 30);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    assert_true(u.ru_maxrss < 1024 * 1024);
}

static void time_is_work_over_peak(void **state)
{
    (void)state;
    set("peak", "100");
    violet_plan_report r = plan();
    near(r.step_seconds, r.step_flops / 100e9, 1e-12);
    near(r.samples_per_s, 12 / r.step_seconds, 1e-12);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(published_figures_within_one_percent),
        TEST(a_step_costs_less_than_published),
        TEST(other_texts_are_counted),
        TEST(the_contrastive_loss_is_counted),
        TEST(tasks_are_planned),
        TEST(large_batches_of_retrieval_grow_with_the_square),
        TEST(a_validation_of_retrieval_is_counted),
        TEST(checkpointing_trades_memory_for_work),
        TEST(accumulation_costs_work_and_no_memory),
        TEST(large_batches_follow_from_small_ones),
        TEST(hidden_patches_are_what_drawing_gives),
        TEST(absurd_sizes_are_errors),
        TEST(absurd_models_are_errors),
        TEST(planning_is_quick_and_small),
        TEST(time_is_work_over_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
