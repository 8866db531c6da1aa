/* How clips look: motions show in the frames that are taken of them, colours are right. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/draw.h"
#include "corpus/scenes.h"
#include "media/video.h"

enum { N = 240, SIDE = 96, FRAMES = 16 };

/* The pose in sample i of 4, as extract-frames takes them. */
static vl_pose sampled(const vl_look *l, int thing, int i)
{
    return vl_look_pose(l, thing, vl_look_time((int)vl_frame_index(FRAMES, 4, i), FRAMES));
}

static void check_motion(const vl_look *l, int i, vl_motion m)
{
    vl_pose a = vl_look_pose(l, i, 0), b = vl_look_pose(l, i, 1);
    vl_pose p = sampled(l, i, 0), q = sampled(l, i, 1), s = sampled(l, i, 3);
    switch (m) {
    case VL_LEFT: assert_true(b.x < a.x - 0.4 && s.x < p.x - 0.25); break;
    case VL_RIGHT: assert_true(b.x > a.x + 0.4 && s.x > p.x + 0.25); break;
    case VL_UP: assert_true(b.y < a.y - 0.4 && s.y < p.y - 0.25); break;
    case VL_DOWN: assert_true(b.y > a.y + 0.4 && s.y > p.y + 0.25); break;
    case VL_GROW: assert_true(b.radius > 2 * a.radius && s.radius > 1.8 * p.radius); break;
    case VL_SHRINK: assert_true(a.radius > 2 * b.radius && p.radius > 1.8 * s.radius); break;
    case VL_SPIN: assert_true(fabs(q.angle - p.angle) > 0.5); break;
    case VL_VANISH: assert_true(p.alpha > 0.9 && s.alpha < 0.1); break;
    case VL_APPEAR: assert_true(p.alpha < 0.1 && s.alpha > 0.9); break;
    case VL_BLINK: assert_true(p.alpha == 1 && q.alpha == 0 && sampled(l, i, 2).alpha == 1); break;
    case VL_BOUNCE: assert_true(q.y > p.y + 0.15 && q.y > sampled(l, i, 2).y + 0.15); break;
    default: assert_true(a.x == b.x && a.y == b.y && a.alpha == 1 && b.alpha == 1); break;
    }
}

/* Of clips in which all happens at once. */
static void motions_show(void **state)
{
    (void)state;
    vl_rules r;
    vl_look l;
    vl_scene *s = scenes_of(&r, 2, VL_TRAIN, N);
    for (int k = 0; k < N; k++) {
        if (s[k].plot == VL_THEN || s[k].plot == VL_AFTER) continue;
        vl_look_make(&l, &s[k], 2);
        for (int i = 0; i < s[k].n; i++) check_motion(&l, i, (vl_motion)s[k].thing[i].act[0]);
    }
    free(s);
}

static double change(const vl_look *l, int i, double from, double to)
{
    vl_pose a = vl_look_pose(l, i, from), b = vl_look_pose(l, i, to);
    return hypot(a.x - b.x, a.y - b.y) + fabs(a.radius - b.radius) + fabs(a.angle - b.angle) +
           fabs(a.alpha - b.alpha);
}

/* Who acts first is still then. */
static void one_after_the_other(void **state)
{
    (void)state;
    vl_rules r;
    vl_look l;
    vl_scene *s = scenes_of(&r, 2, VL_TRAIN, N);
    for (int k = 0; k < N; k++) {
        vl_look_make(&l, &s[k], 2);
        for (int i = 0; i < s[k].n; i++) {
            bool early = change(&l, i, 0, 0.5) > 0.05, late = change(&l, i, 0.5, 1) > 0.05;
            if (s[k].plot == VL_AFTER) assert_true(early == (i == s[k].lead) && early != late);
            if (s[k].plot == VL_THEN) assert_true(early && late);
        }
    }
    free(s);
}

static void objects_stay_in_the_picture_and_apart(void **state)
{
    (void)state;
    vl_rules r;
    vl_look l;
    int n_near = 0;
    vl_scene *s = scenes_of(&r, 4, VL_TRAIN, N);
    for (int k = 0; k < N; k++) {
        bool near = false;
        vl_look_make(&l, &s[k], 4);
        for (int t = 0; t <= 20; t++) {
            vl_pose p[VL_THINGS_MOST];
            for (int i = 0; i < s[k].n; i++) {
                p[i] = vl_look_pose(&l, i, t / 20.0);
                assert_true(p[i].x > 0.05 && p[i].x < 0.95 && p[i].y > 0.05 && p[i].y < 0.95);
                for (int j = 0; j < i; j++)
                    near |= hypot(p[i].x - p[j].x, p[i].y - p[j].y) <
                            0.8 * (p[i].radius + p[j].radius);
            }
        }
        if (s[k].plot == VL_PASS) assert_true(near);
        else n_near += near;
    }
    assert_true(n_near <= N / 50);
    free(s);
}

/* The look is a clip's own, and does not depend on what else there is. */
static void looks_follow_from_the_seed(void **state)
{
    (void)state;
    vl_rules r;
    vl_look a, b;
    vl_scene *s = scenes_of(&r, 4, VL_TRAIN, 6);
    memset(&a, 0, sizeof a), memset(&b, 0, sizeof b);
    vl_look_make(&a, &s[1], 4), vl_look_make(&b, &s[1], 4);
    assert_true(a.body[0].x == b.body[0].x && a.noise_key == b.noise_key);
    vl_look_make(&b, &s[2], 4);
    assert_true(a.body[0].x != b.body[0].x && a.noise_key != b.noise_key);
    vl_look_make(&b, &s[1], 5);
    assert_true(a.body[0].x != b.body[0].x && a.noise_key != b.noise_key);
    free(s);
}

static void draw(vl_picture *p, const vl_scene *s, int frame)
{
    vl_canvas c;
    vl_look l;
    *p = (vl_picture){SIDE, SIDE, malloc(3 * SIDE * SIDE)};
    assert_int_equal(vl_canvas_open(&c, SIDE), VIOLET_OK);
    vl_look_make(&l, s, 1);
    vl_canvas_start(&c, &l);
    vl_canvas_frame(p, &c, &l, frame, FRAMES);
    vl_canvas_close(&c);
}

static void centres_have_the_colour(void **state)
{
    (void)state;
    for (int colour = 0; colour < VL_COLOURS; colour++)
        for (int shape = 0; shape < VL_RING; shape++) {
            vl_scene s = {.plot = VL_ONE, .n = 1, .number = colour * 10 + shape};
            vl_picture p;
            vl_look l;
            s.thing[0] = (vl_thing){.colour = (uint8_t)colour, .shape = (uint8_t)shape,
                                    .size = VL_LARGE, .act = {VL_RIGHT}};
            draw(&p, &s, 5);
            vl_look_make(&l, &s, 1);
            vl_pose at = vl_look_pose(&l, 0, vl_look_time(5, FRAMES));
            const uint8_t *rgb = p.rgb + 3 * ((int)(at.y * SIDE) * SIDE + (int)(at.x * SIDE));
            for (int k = 0; k < 3; k++)
                assert_true(fabs(rgb[k] - 255 * vl_colours[colour].rgb[k]) < 55);
            vl_picture_release(&p);
        }
}

/* What has vanished leaves the background, which has no strong colour. */
static void backgrounds_are_dull(void **state)
{
    (void)state;
    for (int number = 0; number < 30; number++) {
        vl_scene s = {.plot = VL_ONE, .n = 1, .number = number};
        vl_picture p;
        s.thing[0] = (vl_thing){.act = {VL_VANISH}};
        draw(&p, &s, FRAMES - 1);
        double sum[3] = {0};
        for (int i = 0; i < SIDE * SIDE; i++)
            for (int k = 0; k < 3; k++) sum[k] += p.rgb[3 * i + k];
        for (int k = 0; k < 3; k++) {
            sum[k] /= SIDE * SIDE;
            assert_true(sum[k] > 50 && sum[k] < 220);
            assert_true(fabs(sum[k] - sum[0]) < 40);
        }
        vl_picture_release(&p);
    }
}

static void shapes_have_an_inside(void **state)
{
    (void)state;
    for (int shape = 0; shape < VL_SHAPE_KINDS; shape++) {
        double area = 0;
        assert_true((vl_shape_distance(shape, 0, 0) < 0) == (shape != VL_RING));
        assert_true(vl_shape_distance(shape, 2, 2) > 0.5);
        for (int y = -150; y < 150; y++)
            for (int x = -150; x < 150; x++) {
                double d = vl_shape_distance(shape, x / 100.0, y / 100.0);
                area += d < 0 ? 1e-4 : 0;
                if (hypot(x, y) / 100 > vl_shapes[shape].radius) assert_true(d > -0.01);
            }
        assert_true(area > 2.0 && area < 3.3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(motions_show),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(objects_stay_in_the_picture_and_apart),
        cmocka_unit_test(looks_follow_from_the_seed),
        cmocka_unit_test(centres_have_the_colour),
        cmocka_unit_test(backgrounds_are_dull),
        cmocka_unit_test(shapes_have_an_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
