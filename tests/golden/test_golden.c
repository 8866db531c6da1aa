/* The golden cases as tests, each a test of its own. Those that hold others' pictures or need much
 * time are read from ../shared and skipped where it does not exist; QUICK=1 in the environment
 * leaves the models of full size out, and what plain loops are slow at. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "golden/golden.h"

static void check(const char *path)
{
    golden_options o = {.backend = vl_backend_fast(), .level = GOLDEN_QUIET, .allow_missing = 1};
    golden_tally t = {0};
    golden_walk(&t, &o, path);
    assert_int_equal(t.failed, 0);
    assert_true(t.checks > 0);
}

static void check_shared(const char *path, const char *large)
{
    if (!vl_file_exists(path)) {
        printf("skip: %s is not there\n", path);
        skip();
    }
    const char *quick = getenv("QUICK");
    if (large && quick && *quick) {
        printf("skip: %s: QUICK is set\n", large);
        skip();
    }
    check(path);
}

#define CASE(name, path)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        check("tests/golden/" path);                                                               \
    }
#define SHARED(name, path, large)                                                                  \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        check_shared("../shared/oracle/" path, large);                                             \
    }

CASE(tiny_a, "data/tiny-a")

/* In CONFIG=double plain loops take half a minute for each of these two. */
static void tiny_c(void **state)
{
    const char *quick = getenv("QUICK");
    (void)state;
    if (sizeof(real) == 8 && quick && *quick) {
        printf("skip: tiny-c in double: QUICK is set\n");
        skip();
    }
    check("tests/golden/data/tiny-c");
}

CASE(dvae_tiny, "data/dvae-tiny")
CASE(adamw, "data/adamw.json")
CASE(ranking, "data/ranking.json")
CASE(wordpiece, "wordpiece.json")
CASE(pictures, "pictures.json")
CASE(checkpoints, "checkpoints")
SHARED(checkpoints_all, "checkpoints", NULL)
SHARED(captions, "wordpiece-captions.json", NULL)
SHARED(pictures_real, "pictures-real.json", NULL)
SHARED(dvae_base, "dvae-base", "dvae-base")
SHARED(base, "base", "base")
SHARED(base_real, "base-real", "base-real")

/* A check that can only pass is none: values of one case are not those of another's. */
static void a_wrong_value_is_seen(void **state)
{
    (void)state;
    golden_options o = {.backend = vl_backend_fast(), .level = GOLDEN_QUIET};
    golden_tally t = {0};
    golden_report r;
    golden_file g;
    real x = 1;
    golden_begin(&r, &t, &o, "wrong on purpose");
    assert_int_equal(golden_file_open(&g, &r, "tests/golden/data/tiny-a"), VIOLET_OK);
    golden_compare(&g, GOLDEN_LOSS, NULL, "loss", &x, 1);
    assert_int_equal(r.failed, 1);
    x = (real)json_number_value(json_object_get(json_object_get(g.outputs, "loss"), "l2"));
    golden_compare(&g, GOLDEN_LOSS, NULL, "loss", &x, 1);
    assert_int_equal(r.failed, 1);
    x *= (real)1.0001;
    golden_compare(&g, GOLDEN_LOSS, NULL, "loss", &x, 1);
    assert_int_equal(r.failed, 2);
    golden_compare(&g, GOLDEN_LOSS, NULL, "loss_mtm", NULL, 0);
    assert_int_equal(r.failed, 3);
    golden_all_used(&g); /* hundreds that nobody looked at */
    assert_true(r.failed > 400);
    golden_file_close(&g);
}

int main(void)
{
    const struct CMUnitTest models[] = {
        cmocka_unit_test(a_wrong_value_is_seen),
        cmocka_unit_test(tiny_a),
        cmocka_unit_test(tiny_c),
        cmocka_unit_test(dvae_tiny),
        cmocka_unit_test(adamw),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(ranking),     cmocka_unit_test(wordpiece), cmocka_unit_test(pictures),
        cmocka_unit_test(checkpoints), cmocka_unit_test(captions),  cmocka_unit_test(pictures_real),
        cmocka_unit_test(dvae_base),   cmocka_unit_test(base),      cmocka_unit_test(base_real),
        cmocka_unit_test(checkpoints_all),
    };
    int failed = cmocka_run_group_tests(models, NULL, NULL);
    /* the rest computes nothing, or too much, in CONFIG=double, where only the plain loops are */
    if (sizeof(real) == 4) failed += cmocka_run_group_tests(others, NULL, NULL);
    return failed;
}
