/* Whole pretraining runs on a tiny corpus: what they learn, write, and always do the same way. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus.h"

static corpus c;

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add(&c, "vid", 2, (const char *[]){"........", "....", NULL}, ".....");
    corpus_add(&c, "few", 2, (const char *[]){"....", NULL}, NULL);
    corpus_add(&c, "pic", 1, (const char *[]){"....", "........", NULL}, "...");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (!value) fail_msg("no text '%s'", key);
    return value;
}

static void losses_fall_when_a_few_samples_are_learnt(void **state)
{
    (void)state;
    static const char *const keys[4] = {"loss", "ls_mtm", "ls_mvm", "ls_vtm"};
    enum { N = 200, WINDOW = 25 };
    double first[4] = {0}, last[4] = {0};
    run_result r = corpus_run_ok(&c, "learn", "--dataset=few --size_epoch=200 --lr=2e-3 --clip=1 "
                                              "--schedule=linear --warmup=0.1 --drop=0 "
                                              "--drop_path=0 --valid_split= --keep=false "
                                              "--save_every=0");
    json_t *steps = corpus_steps(&c, "learn");
    assert_int_equal(json_array_size(steps), N);
    assert_int_equal(r.n_steps, N);
    for (int i = 0; i < N; i++) {
        const json_t *s = json_array_get(steps, (size_t)i);
        assert_true(isfinite(corpus_number(s, "loss")) && isfinite(corpus_number(s, "norm")));
        for (int k = 0; k < 4; k++) { /* a batch may hide no word at all */
            double x = json_number_value(json_object_get(s, keys[k]));
            if (i < WINDOW) first[k] += x / WINDOW;
            if (i >= N - WINDOW) last[k] += x / WINDOW;
        }
    }
    for (int k = 0; k < 4; k++)
        if (last[k] > 0.65 * first[k]) fail_msg("%s: %g to %g", keys[k], first[k], last[k]);
    if (last[0] > 0.55 * first[0]) fail_msg("loss: %g to %g", first[0], last[0]);
    json_decref(steps);
}

static void a_run_writes_valid_files(void **state)
{
    (void)state;
    static const char *const keys[] = {"ls_mtm", "ls_mvm", "ls_vtm", "ac_mtm", "ac_mvm", "ac_vtm"};
    run_result r = corpus_run_ok(&c, "files", "--dataset=vid,pic --size_epoch=3 --seed=5");
    json_t *args = corpus_json(&c, "files", "args.json");
    json_t *log = corpus_json(&c, "files", "log.json");
    json_t *steps = corpus_steps(&c, "files");
    assert_string_equal(text(args, "dataset"), "vid,pic");
    assert_int_equal(corpus_number(args, "seed"), 5);
    assert_int_equal(json_object_size(log), 2);
    for (int k = 0; k < 6; k++)
        for (int set = 0; set < 2; set++) {
            const json_t *of_set = json_object_get(log, set ? "pic" : "vid");
            const json_t *list = json_object_get(of_set, keys[k]);
            assert_int_equal(json_array_size(list), 3); /* mixed: one unit an epoch */
        }
    assert_int_equal(json_array_size(steps), 18);
    assert_int_equal(r.n_steps, 18);
    assert_int_equal(r.n_valid, 6);
    for (size_t i = 0; i < 18; i++) {
        const json_t *s = json_array_get(steps, i);
        assert_int_equal(corpus_number(s, "step"), i + 1);
        assert_int_equal(corpus_number(s, "epoch"), i / 6 + 1);
        assert_int_equal(corpus_number(s, "samples"), 4 * (i + 1));
        assert_true(corpus_number(s, "lr") == 1e-3);
        double sum = 0;
        for (int k = 0; k < 3; k++)
            if (json_object_get(s, keys[k])) sum += corpus_number(s, keys[k]);
        assert_true(fabs(sum - corpus_number(s, "loss")) < 1e-6);
    }
    assert_true(corpus_has(&c, "files", "last.safetensors"));
    for (int e = 1; e <= 3; e++) {
        char name[40];
        snprintf(name, sizeof name, "%d_all.safetensors", e);
        assert_true(corpus_has(&c, "files", name));
    }
    assert_int_equal(corpus_count(&c, "files", ".tmp."), 0);
    json_decref(args);
    json_decref(log);
    json_decref(steps);
}

static void parts_go_one_after_the_other_as_published(void **state)
{
    (void)state;
    static const char *const want[] = {"vid_0", "vid_0", "vid_1", "pic_0", "pic_1", "pic_1"};
    run_result r = corpus_run_ok(&c, "seq", "--dataset=vid,pic --parts=sequential");
    json_t *steps = corpus_steps(&c, "seq"), *log = corpus_json(&c, "seq", "log.json");
    assert_int_equal(json_array_size(steps), 12);
    assert_int_equal(r.n_valid, 8);
    for (size_t i = 0; i < 12; i++) {
        const json_t *s = json_array_get(steps, i);
        assert_string_equal(text(s, "unit"), want[i % 6]);
        assert_memory_equal(text(s, "set"), want[i % 6], 3);
    }
    for (int set = 0; set < 2; set++)
        assert_int_equal(json_array_size(json_object_get(
                             json_object_get(log, set ? "pic" : "vid"), "ls_vtm")), 4);
    assert_true(corpus_has(&c, "seq", "2_pic_1.safetensors"));
    json_decref(steps);
    json_decref(log);
}

static void mixed_batches_come_from_one_set_each_in_proportion(void **state)
{
    (void)state;
    int vid = 0, changes = 0;
    corpus_run_ok(&c, "mix", "--dataset=vid,pic --size_epoch=6 --valid_split=");
    json_t *steps = corpus_steps(&c, "mix");
    for (size_t i = 0; i < 36; i++) {
        const char *set = text(json_array_get(steps, i), "set");
        vid += strcmp(set, "vid") == 0;
        if (i % 6) changes += strcmp(set, text(json_array_get(steps, i - 1), "set")) != 0;
        if (i % 6 == 5) assert_int_equal(vid, (i + 1) / 2); /* 3 and 3 in every epoch */
    }
    assert_in_range(changes, 7, 30); /* not one set after the other */
    json_decref(steps);
}

/* Batches are numbered for dropout and masks whatever an update is made of: at rate 0, a step over
 * two batches has the mean of two steps. */
static void accumulated_steps_are_the_mean_of_their_batches(void **state)
{
    (void)state;
    corpus_run_ok(&c, "one", "--dataset=vid --lr=0 --size_epoch=1 --valid_split=");
    corpus_run_ok(&c, "two", "--dataset=vid --lr=0 --size_epoch=1 --valid_split= --accumulate=2");
    json_t *one = corpus_steps(&c, "one"), *two = corpus_steps(&c, "two");
    assert_int_equal(json_array_size(one), 3);
    assert_int_equal(json_array_size(two), 2); /* two batches and the one that is left */
    double mean = (corpus_number(json_array_get(one, 0), "ls_vtm") +
                   corpus_number(json_array_get(one, 1), "ls_vtm")) / 2;
    assert_true(fabs(corpus_number(json_array_get(two, 0), "ls_vtm") - mean) < 1e-6);
    assert_int_equal(corpus_number(json_array_get(two, 0), "samples"), 8);
    assert_int_equal(corpus_number(json_array_get(two, 1), "samples"), 12);
    assert_true(corpus_number(json_array_get(two, 1), "loss") ==
                corpus_number(json_array_get(one, 2), "loss"));
    assert_true(corpus_number(json_array_get(two, 1), "norm") ==
                corpus_number(json_array_get(one, 2), "norm"));
    double norms = corpus_number(json_array_get(one, 0), "norm") +
                   corpus_number(json_array_get(one, 1), "norm");
    assert_true(corpus_number(json_array_get(two, 0), "norm") <= norms / 2 + 1e-9);
    json_decref(one);
    json_decref(two);
}

static void checkpointing_gives_the_same_losses(void **state)
{
    (void)state;
    corpus_run_ok(&c, "plain", "--dataset=vid,pic");
    corpus_run_ok(&c, "again", "--dataset=vid,pic --checkpointing");
    json_t *a = corpus_steps(&c, "plain"), *b = corpus_steps(&c, "again");
    for (size_t i = 0; i < json_array_size(a); i++) {
        double x = corpus_number(json_array_get(a, i), "loss");
        double y = corpus_number(json_array_get(b, i), "loss");
        if (fabs(x - y) > 1e-5 * fabs(x)) fail_msg("step %zu: %g, with checkpointing %g", i, x, y);
    }
    assert_int_equal(json_array_size(a), json_array_size(b));
    json_decref(a);
    json_decref(b);
}

static void the_same_run_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const flags[] = {"--workers=0", "--workers=0", "--workers=1", "--workers=3"};
    char run[8], all[200];
    for (int k = 0; k < 4; k++) {
        snprintf(run, sizeof run, "same%d", k);
        snprintf(all, sizeof all, "--dataset=vid,pic --threads=2 --caption=random %s", flags[k]);
        corpus_run_ok(&c, run, all);
        corpus_same(&c, "same0", run, "steps.jsonl");
        corpus_same(&c, "same0", run, "log.json");
        corpus_same(&c, "same0", run, "last.safetensors");
    }
    corpus_run_ok(&c, "other", "--dataset=vid,pic --threads=2 --caption=random --seed=2");
    json_t *a = corpus_steps(&c, "same0"), *b = corpus_steps(&c, "other");
    assert_true(corpus_number(json_array_get(a, 0), "loss") !=
                corpus_number(json_array_get(b, 0), "loss"));
    json_decref(a);
    json_decref(b);
}

/* Masks of a validation go by sample, so its words and tokens are the same in any batches. Matching
 * is not: its negatives come from the batch. */
static void validation_does_not_depend_on_its_batches(void **state)
{
    (void)state;
    run_result r[3];
    static const char *const flags[] = {"--size_batch=2", "--size_batch=3", "--size_batch=5"};
    char run[8], all[200];
    for (int k = 0; k < 3; k++) {
        snprintf(run, sizeof run, "val%d", k);
        snprintf(all, sizeof all, "--dataset=vid --lr=0 --steps=1 %s", flags[k]);
        r[k] = corpus_run_ok(&c, run, all);
        assert_int_equal(r[k].n_valid, 1);
        for (int i = 0; i < 2; i++) {
            assert_true(r[k].accuracy[i] == r[0].accuracy[i]);
            assert_true(isfinite(r[k].loss_of[i]));
            if (fabs(r[k].loss_of[i] - r[0].loss_of[i]) > 1e-5)
                fail_msg("%s: loss %g, expected %g", flags[k], r[k].loss_of[i], r[0].loss_of[i]);
        }
    }
}

static void both_protocols_run(void **state)
{
    (void)state;
    run_result r = corpus_run_ok(&c, "compat", "--dataset=vid,pic --compat=violet1 "
                                               "--parts=sequential --size_epoch=1");
    assert_int_equal(r.n_steps, 6);
    assert_true(isfinite(r.last_loss));
    r = corpus_run_ok(&c, "single", "--dataset=vid,pic --size_batch=1 --size_epoch=1");
    assert_int_equal(r.n_steps, 24);
    assert_true(isfinite(r.last_loss));
}

/* A fresh head knows nothing, so matching begins at the logarithm of the number of texts. */
static double matching(const char *run)
{
    json_t *steps = corpus_steps(&c, run);
    double loss = corpus_number(json_array_get(steps, 0), "ls_vtm");
    json_decref(steps);
    return loss;
}

static void matching_has_as_many_texts_as_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *run, *flags;
        int texts;
    } of[] = {
        {"neg3", "", 4},
        {"neg1", "--negatives=1", 2},
        {"neg9", "--negatives=9", 4}, /* as many as the batch has */
        {"neg7", "--negatives=7 --size_batch=8", 8},
    };
    char flags[200];
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        snprintf(flags, sizeof flags, "--dataset=vid --steps=2 --save_every=1 --drop=0 "
                                      "--drop_path=0 %s", of[k].flags);
        corpus_run_ok(&c, of[k].run, flags);
        double loss = matching(of[k].run), want = log(of[k].texts);
        if (fabs(loss - want) > 0.12)
            fail_msg("%s: %g, expected about %g", of[k].flags, loss, want);
    }
    corpus_same(&c, "neg3", "neg9", "steps.jsonl");
    json_t *args = corpus_json(&c, "neg1", "args.json");
    assert_int_equal(corpus_number(args, "negatives"), 1);
    json_decref(args);
    run_result r = corpus_run(&c, "neg1", "--dataset=vid --steps=3 --resume");
    corpus_fails(r, VIOLET_EINVAL, "begun with another 'negatives'");
    corpus_run_ok(&c, "neg1", "--dataset=vid --steps=3 --resume --negatives=1");
}

/* A weight so large that scores overflow: the run goes on, says so, and still writes JSON. */
static void numbers_that_are_not_finite_are_told_and_logged_as_null(void **state)
{
    (void)state;
    corpus_checkpoint(&c, "wild.safetensors", 3e38);
    run_result r = corpus_run_ok(&c, "wild", "--dataset=vid --path_ckpt=FOLDER/wild.safetensors");
    json_t *steps = corpus_steps(&c, "wild"), *log = corpus_json(&c, "wild", "log.json");
    assert_int_equal(json_array_size(steps), 6);
    assert_int_equal(r.n_warnings, 6);
    assert_non_null(strstr(r.first_warning, "step 1: the gradient is not finite"));
    for (size_t i = 0; i < 6; i++) {
        const json_t *s = json_array_get(steps, i);
        assert_true(json_is_null(json_object_get(s, "loss")));
        assert_true(json_is_null(json_object_get(s, "norm")));
        assert_true(isfinite(corpus_number(s, "ls_mvm")));
    }
    json_decref(steps);
    json_decref(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_fall_when_a_few_samples_are_learnt),
        cmocka_unit_test(a_run_writes_valid_files),
        cmocka_unit_test(parts_go_one_after_the_other_as_published),
        cmocka_unit_test(mixed_batches_come_from_one_set_each_in_proportion),
        cmocka_unit_test(accumulated_steps_are_the_mean_of_their_batches),
        cmocka_unit_test(checkpointing_gives_the_same_losses),
        cmocka_unit_test(the_same_run_gives_the_same_bytes),
        cmocka_unit_test(validation_does_not_depend_on_its_batches),
        cmocka_unit_test(both_protocols_run),
        cmocka_unit_test(matching_has_as_many_texts_as_asked_for),
        cmocka_unit_test(numbers_that_are_not_finite_are_told_and_logged_as_null),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
