/* What is said and asked is true, in words of their own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/questions.h"
#include "corpus/scenes.h"
#include "corpus/tally.h"
#include "corpus/words.h"
#include "text/wordpiece.h"

enum { N = 300 };

/* ---- captions -------------------------------------------------------------------------------- */

/* Whatever the wording: what is told as first is what is done first. */
static void a_caption_tells_the_scene(void **state)
{
    (void)state;
    vl_scene s = {.plot = VL_THEN, .n = 1};
    s.thing[0] = (vl_thing){.colour = 1, .shape = VL_STAR, .act = {VL_LEFT, VL_GROW}};
    int n_first = 0;
    for (uint64_t k = 0; k < 200; k++) {
        vl_dice d = {k * 77, 0};
        vl_buf b = {0};
        assert_int_equal(vl_words_caption(&b, &s, &d), VIOLET_OK);
        const char *left = strstr(b.data, " left"), *grow = strstr(b.data, " grows");
        if (!left) left = strstr(b.data, "to the left");
        if (!grow) grow = strstr(b.data, " gets ");
        assert_non_null(strstr(b.data, "an orange star"));
        assert_true(left && grow);
        bool after = strstr(b.data, "after") != NULL, begins = strncmp(b.data, "after", 5) == 0;
        assert_true((left < grow) == (!after || begins));
        n_first += left < grow;
        vl_buf_free(&b);
    }
    assert_true(n_first > 50 && n_first < 190);
}

static void captions_are_short_and_plain(void **state)
{
    (void)state;
    vl_rules r;
    vl_wordpiece *wp;
    int n_long = 0;
    vl_scene *s = scenes_of(&r, 1, VL_TRAIN, N);
    assert_int_equal(vl_wordpiece_open(&wp, NULL), VIOLET_OK);
    for (int i = 0; i < N; i++) {
        vl_buf b = {0};
        vl_dice d = {(uint64_t)i, 0};
        int32_t ids[64];
        assert_int_equal(vl_words_caption(&b, &s[i], &d), VIOLET_OK);
        assert_int_equal(strspn(b.data, "abcdefghijklmnopqrstuvwxyz ,"), b.n);
        assert_null(strstr(b.data, "  "));
        for (int k = 0; k < s[i].n; k++) {
            assert_non_null(strstr(b.data, vl_colours[s[i].thing[k].colour].word));
            assert_non_null(strstr(b.data, vl_shapes[s[i].thing[k].shape].word));
        }
        int n = vl_wordpiece_encode(wp, ids, 64, b.data, NULL);
        n_long += n > 25;
        assert_true(n <= 32);
        vl_buf_free(&b);
    }
    assert_true(n_long < N / 20);
    vl_wordpiece_free(wp);
    free(s);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* The object whose name begins at text: "red circle", "circle", "red object". */
static int named(const vl_scene *s, const char *text)
{
    for (int i = 0; i < s->n; i++) {
        const char *colour = vl_colours[s->thing[i].colour].word;
        const char *shape = vl_shapes[s->thing[i].shape].word;
        if (strncmp(text, colour, strlen(colour)) == 0) return i;
        if (strncmp(text, shape, strlen(shape)) == 0) return i;
    }
    return -1;
}

static bool does(const vl_scene *s, int i, const char *verb)
{
    for (int k = 0; k < scenes_acts(s); k++)
        if (strcmp(vl_motions[s->thing[i].act[k]].verb, verb) == 0) return true;
    return false;
}

/* What follows a beginning; NULL: it begins otherwise. */
static const char *after(const char *text, const char *beginning)
{
    size_t n = strlen(beginning);
    return strncmp(text, beginning, n) == 0 ? text + n : NULL;
}

/* "is there a red circle", "is the circle red", "does the red circle move left" */
static bool yes_is_right(bool *right, const vl_scene *s, const char *text)
{
    const char *rest;
    char colour[32] = "", shape[32] = "", verb[64] = "";
    if (strstr(text, "before") || strstr(text, "in front of")) return false;
    *right = false;
    if (sscanf(text, "is there %*s %31s %31s", colour, shape) == 2 ||
        sscanf(text, "is the %31s %31s", shape, colour) == 2) {
        for (int i = 0; i < s->n; i++)
            *right |= strcmp(vl_colours[s->thing[i].colour].word, colour) == 0 &&
                      strcmp(vl_shapes[s->thing[i].shape].word, shape) == 0;
        return true;
    }
    if (!(rest = after(text, "does the "))) return false;
    int i = named(s, rest);
    assert_true(i >= 0);
    sscanf(rest, "%31s %31s %63[^\n]", colour, shape, verb);
    bool two = named(s, shape) == i || strcmp(shape, "object") == 0;
    rest += strlen(colour) + 1 + (two ? strlen(shape) + 1 : 0);
    *right = does(s, i, rest);
    return true;
}

/* How many of the questions are understood here, and right. */
static int check(const vl_scene *s, const vl_question *q)
{
    const char *rest, *answer = NULL;
    bool right;
    int i;
    if (q->kind == VL_ASK_YES && yes_is_right(&right, s, q->text)) answer = right ? "yes" : "no";
    if (after(q->text, "how many"))
        answer = (const char *[]){"one", "two", "three"}[s->n - 1];
    if ((rest = after(q->text, "what color is the ")) && (i = named(s, rest)) >= 0)
        answer = vl_colours[s->thing[i].colour].word;
    if ((rest = after(q->text, "what is the ")) && (i = named(s, rest)) >= 0)
        answer = vl_shapes[s->thing[i].shape].word;
    if (strcmp(q->text, "what color is the object that acts first") == 0)
        answer = vl_colours[s->thing[s->lead].colour].word;
    if (strcmp(q->text, "what happens last") == 0)
        answer = vl_motions[s->plot == VL_THEN ? s->thing[0].act[1]
                                               : s->thing[1 - s->lead].act[0]].answer;
    if (q->kind == VL_ASK_ACTION && ((rest = after(q->text, "what does the ")) ||
                                     (rest = after(q->text, "what happens to the "))))
        answer = vl_motions[s->thing[named(s, rest)].act[0]].answer;
    if (!answer) return 0;
    if (strcmp(answer, q->answer) != 0) fail_msg("%s? %s, not %s", q->text, answer, q->answer);
    return 1;
}

static void answers_are_right(void **state)
{
    (void)state;
    vl_rules r;
    int n_checked = 0, n_all = 0;
    vl_scene *s = scenes_of(&r, 1, VL_TEST, N);
    for (int i = 0; i < N; i++) {
        vl_question q[VL_QUESTIONS_MOST];
        vl_dice d = {(uint64_t)i, 0};
        int n = vl_questions_of(q, &s[i], &r, &d);
        assert_true(n > 8 && n < VL_QUESTIONS_MOST);
        for (int k = 0; k < n; k++) n_checked += check(&s[i], &q[k]);
        n_all += n;
    }
    assert_true(n_checked > n_all / 2);
    free(s);
}

static void orders_are_right(void **state)
{
    (void)state;
    vl_rules r;
    vl_question q[VL_QUESTIONS_MOST];
    vl_dice d = {7, 0};
    int n_seen = 0;
    vl_rules_make(&r, 1);
    vl_scene s = {.split = VL_TEST, .plot = VL_AFTER, .n = 2, .lead = 1};
    s.thing[0] = (vl_thing){.colour = 0, .shape = VL_CIRCLE, .act = {VL_LEFT}};
    s.thing[1] = (vl_thing){.colour = 4, .shape = VL_STAR, .act = {VL_GROW}};
    int n = vl_questions_of(q, &s, &r, &d);
    for (int k = 0; k < n; k++) {
        const char *before = strstr(q[k].text, "before the");
        if (q[k].kind != VL_ASK_YES || !before) continue;
        bool star_first = strstr(q[k].text, "star") < before && strstr(q[k].text, "star");
        star_first |= strstr(q[k].text, "blue") < before && strstr(q[k].text, "blue");
        assert_string_equal(q[k].answer, star_first ? "yes" : "no");
        n_seen++;
    }
    assert_int_equal(n_seen, 2);
    s.plot = VL_PASS;
    s.thing[0].act[0] = VL_STILL, s.thing[1].act[0] = VL_UP;
    for (int behind = 0; behind < 2; behind++) {
        s.behind = behind;
        n = vl_questions_of(q, &s, &r, &d);
        for (int k = 0; k < n; k++)
            if (strcmp(q[k].text, "what color is the object in front") == 0)
                assert_string_equal(q[k].answer, behind ? "red" : "blue");
    }
}

/* Nothing in train is asked about what is held out: its answer would always be no. */
static void held_out_pairs_are_not_asked(void **state)
{
    (void)state;
    vl_rules r;
    vl_scene *s = scenes_of(&r, 1, VL_TRAIN, N);
    for (int i = 0; i < N; i++) {
        vl_question q[VL_QUESTIONS_MOST];
        vl_dice d = {(uint64_t)i, 0};
        int n = vl_questions_of(q, &s[i], &r, &d);
        for (int k = 0; k < n; k++) {
            const char *rest = after(q[k].text, "does the ");
            if (!rest || strstr(rest, "before")) continue;
            const char *verb = vl_motions[r.held[s[i].thing[named(&s[i], rest)].colour]].verb;
            size_t all = strlen(rest), end = strlen(verb);
            assert_true(all < end || strcmp(rest + all - end, verb) != 0);
        }
    }
    free(s);
}

static void answers_are_listed_once(void **state)
{
    (void)state;
    vl_rules r;
    vl_tally t = {0};
    const char *word;
    int n = 0;
    for (; (word = vl_answer_word(n)); n++) {
        assert_int_equal(vl_tally_count(&t, word, "x"), 0);
        assert_int_equal(vl_tally_add(&t, word, "x"), VIOLET_OK);
        assert_null(strchr(word, ' '));
    }
    assert_in_range(n, 25, 45);
    vl_scene *s = scenes_of(&r, 1, VL_TRAIN, N);
    for (int i = 0; i < N; i++) {
        vl_question q[VL_QUESTIONS_MOST];
        vl_dice d = {(uint64_t)i, 0};
        int n_asked = vl_questions_of(q, &s[i], &r, &d);
        for (int k = 0; k < n_asked; k++)
            assert_int_equal(vl_tally_count(&t, q[k].answer, NULL), 1);
    }
    vl_tally_release(&t);
    free(s);
}

static void a_tally_counts(void **state)
{
    (void)state;
    vl_tally t = {0};
    assert_int_equal(vl_tally_count(&t, "color", "red"), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(vl_tally_add(&t, "color", "red"), VIOLET_OK);
    assert_int_equal(vl_tally_add(&t, "color", "blue"), VIOLET_OK);
    assert_int_equal(vl_tally_count(&t, "color", "red"), 3);
    assert_int_equal(vl_tally_count(&t, "color", "blue"), 1);
    assert_int_equal(vl_tally_count(&t, "color", NULL), 4);
    assert_int_equal(vl_tally_count(&t, "shape", NULL), 0);
    vl_tally_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_caption_tells_the_scene), cmocka_unit_test(captions_are_short_and_plain),
        cmocka_unit_test(answers_are_right),         cmocka_unit_test(orders_are_right),
        cmocka_unit_test(held_out_pairs_are_not_asked),
        cmocka_unit_test(answers_are_listed_once),   cmocka_unit_test(a_tally_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
