/* Scenes: the same of the same seed, in families, with the held-out pairs held out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/scenes.h"

enum { N = 300 };

static void a_seed_decides(void **state)
{
    (void)state;
    vl_rules r;
    for (int split = 0; split < VL_SPLITS; split++) {
        vl_scene *a = scenes_of(&r, 5, (vl_split)split, N);
        vl_scene *b = scenes_of(&r, 5, (vl_split)split, N);
        vl_scene *other = scenes_of(&r, 6, (vl_split)split, N);
        vl_scene *few = scenes_of(&r, 5, (vl_split)split, 31);
        int n_same = 0;
        for (int i = 0; i < N; i++) {
            assert_true(vl_scene_same(&a[i], &b[i]));
            assert_int_equal(a[i].number, i);
            n_same += vl_scene_same(&a[i], &other[i]);
        }
        for (int i = 0; i < 31; i++) assert_true(vl_scene_same(&a[i], &few[i]));
        assert_true(n_same < N / 20);
        free(a), free(b), free(other), free(few);
    }
}

static void splits_differ(void **state)
{
    (void)state;
    vl_rules r;
    int n_same = 0;
    vl_scene *a = scenes_of(&r, 5, VL_TRAIN, N), *b = scenes_of(&r, 5, VL_TEST, N);
    for (int i = 0; i < N; i++) n_same += vl_scene_same(&a[i], &b[i]);
    assert_true(n_same < N / 20);
    free(a), free(b);
}

static bool same_objects(const vl_scene *a, const vl_scene *b)
{
    for (int i = 0; i < a->n; i++) {
        const vl_thing *x = &a->thing[i], *y = &b->thing[i];
        if (x->colour != y->colour || x->shape != y->shape || x->size != y->size ||
            x->texture != y->texture)
            return false;
    }
    return a->n == b->n;
}

static void families_share_objects_not_motions(void **state)
{
    (void)state;
    vl_rules r;
    for (int split = 0; split < VL_SPLITS; split++) {
        vl_scene *s = scenes_of(&r, 9, (vl_split)split, N);
        for (int i = 0; i < N; i++) {
            assert_int_equal(s[i].family, i / vl_world.family);
            for (int k = s[i].family * vl_world.family; k < i; k++) {
                assert_true(same_objects(&s[i], &s[k]));
                assert_int_equal(s[i].plot, s[k].plot);
                assert_false(vl_scene_same(&s[i], &s[k]));
            }
        }
        free(s);
    }
}

/* No two families of val and of test have the same colours and shapes. */
static void families_of_a_test_differ(void **state)
{
    (void)state;
    vl_rules r;
    for (int split = VL_VAL; split < VL_SPLITS; split++) {
        vl_scene *s = scenes_of(&r, 9, (vl_split)split, N);
        uint64_t seen[N];
        for (int i = 0; i < N; i++) {
            seen[i] = 0;
            for (int k = 0; k < s[i].n; k++)
                seen[i] |= (uint64_t)1
                           << (s[i].thing[k].colour * VL_SHAPE_KINDS + s[i].thing[k].shape);
            for (int k = 0; k < i; k++)
                assert_true(seen[i] != seen[k] || s[i].family == s[k].family);
        }
        free(s);
    }
}

static void pairs_are_held_out(void **state)
{
    (void)state;
    vl_rules r;
    for (uint64_t seed = 0; seed < 4; seed++) {
        int n_families = 0, n_held = 0;
        for (int split = 0; split < VL_SPLITS; split++) {
            vl_scene *s = scenes_of(&r, seed, (vl_split)split, N);
            for (int i = 0; i < N; i++) {
                assert_int_equal(s[i].held_out, scenes_has_held(&s[i], &r));
                if (split != VL_TEST) assert_false(s[i].held_out);
                n_held += s[i].held_out;
                n_families += s[i].held_out && i % vl_world.family == 0;
            }
            free(s);
        }
        assert_int_equal(n_families, N / vl_world.family / 3);
        assert_true(n_held > N / 6);
        for (int c = 0; c < VL_COLOURS; c++) {
            assert_int_not_equal(r.held[c], VL_STILL);
            for (int k = 0; k < c; k++) assert_int_not_equal(r.held[c], r.held[k]);
        }
    }
}

static void check_plot(const vl_scene *s)
{
    int n_still = 0;
    for (int i = 0; i < s->n; i++) {
        n_still += s->thing[i].act[0] == VL_STILL;
        for (int k = 0; k < i; k++) {
            assert_int_not_equal(s->thing[i].colour, s->thing[k].colour);
            assert_int_not_equal(s->thing[i].shape, s->thing[k].shape);
        }
    }
    assert_true(s->n >= vl_plots[s->plot].least && s->n <= vl_plots[s->plot].most);
    if (s->plot == VL_MANY) assert_true(n_still < s->n);
    if (s->plot == VL_AFTER) assert_int_equal(n_still, 0);
    if (s->plot == VL_PASS) assert_true(n_still == 1 && s->thing[1 - s->lead].act[0] == VL_STILL);
    if (s->plot == VL_THEN) assert_int_not_equal(s->thing[0].act[0], s->thing[0].act[1]);
}

/* All plots and motions come, and each scene is one that makes sense. */
static void plots_make_sense(void **state)
{
    (void)state;
    vl_rules r;
    int n_plot[VL_PLOTS] = {0}, n_motion[VL_MOTIONS] = {0};
    vl_scene *s = scenes_of(&r, 3, VL_TRAIN, 3 * N);
    for (int i = 0; i < 3 * N; i++) {
        check_plot(&s[i]);
        n_plot[s[i].plot]++;
        for (int k = 0; k < s[i].n; k++) n_motion[s[i].thing[k].act[0]]++;
    }
    for (int k = 0; k < VL_PLOTS; k++) assert_true(n_plot[k] > 3 * N / 20);
    for (int k = 0; k < VL_MOTIONS; k++) assert_true(n_motion[k] > 3 * N / 50);
    free(s);
}

/* Twins of MANY, but with each object's motion at the other: not the same. */
static void order_of_objects_does_not_matter(void **state)
{
    (void)state;
    vl_scene a = {.plot = VL_MANY, .n = 2}, b;
    a.thing[0] = (vl_thing){.colour = 1, .shape = 1, .act = {VL_LEFT}};
    a.thing[1] = (vl_thing){.colour = 2, .shape = 2, .act = {VL_GROW}};
    b = a;
    b.thing[0] = a.thing[1];
    b.thing[1] = a.thing[0];
    assert_true(vl_scene_same(&a, &b));
    b.thing[0].act[0] = VL_LEFT;
    b.thing[1].act[0] = VL_GROW;
    assert_false(vl_scene_same(&a, &b));
    b = a;
    a.plot = b.plot = VL_AFTER;
    b.lead = 1;
    assert_false(vl_scene_same(&a, &b));
}

static void too_many_are_refused(void **state)
{
    (void)state;
    vl_rules r;
    size_t n = 30000;
    vl_scene *s = calloc(n, sizeof *s);
    vl_rules_make(&r, 1);
    assert_int_equal(vl_scenes_make(s, n, &r, VL_VAL), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "val clips differ enough"));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_decides),
        cmocka_unit_test(splits_differ),
        cmocka_unit_test(families_share_objects_not_motions),
        cmocka_unit_test(families_of_a_test_differ),
        cmocka_unit_test(pairs_are_held_out),
        cmocka_unit_test(plots_make_sense),
        cmocka_unit_test(order_of_objects_does_not_matter),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
