/* The texts of a corpus as a whole: captions differ, answers are even, words give little away. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/baseline.h"
#include "corpus/corpus_internal.h"
#include "corpus/scenes.h"
#include "corpus/tally.h"

enum { TRAIN = 600, EVAL = 100 };

static int make(void **state)
{
    static vl_corpus c;
    static const vl_corpus_options o = {.name = "x"};
    memset(&c, 0, sizeof c);
    c.o = &o;
    for (int i = 0; i < VL_SPLITS; i++) {
        c.set[i].n = i == VL_TRAIN ? TRAIN : EVAL;
        c.set[i].scene = scenes_of(&c.rules, 11, (vl_split)i, c.set[i].n);
    }
    *state = &c;
    return vl_corpus_make_captions(&c) || vl_corpus_make_questions(&c) ||
           vl_corpus_make_choices(&c) || vl_corpus_make_blanks(&c);
}

static int unmake(void **state)
{
    vl_corpus_release(*state);
    return 0;
}

static void captions_of_a_test_differ(void **state)
{
    const vl_corpus *c = *state;
    for (int i = VL_VAL; i < VL_SPLITS; i++) {
        const vl_corpus_set *set = &c->set[i];
        size_t n = set->n * (size_t)set->n_captions;
        for (size_t k = 0; k < n; k++)
            for (size_t j = 0; j < k; j++)
                assert_string_not_equal(set->caption[k], set->caption[j]);
    }
    assert_int_equal(c->set[VL_TRAIN].n_captions, 3);
    assert_string_not_equal(c->set[VL_TRAIN].caption[0], c->set[VL_TRAIN].caption[1]);
}

static void items_are_as_many_as_they_should(void **state)
{
    const vl_corpus *c = *state;
    for (int i = 0; i < VL_SPLITS; i++) {
        size_t n = c->set[i].n;
        bool train = i == VL_TRAIN;
        assert_int_equal(c->set[i].task[VL_CORPUS_QAOE].n, n * (train ? 4 : 2));
        assert_int_equal(c->set[i].task[VL_CORPUS_QAMC].n, n * (train ? 2 : 1));
        assert_int_equal(c->set[i].task[VL_CORPUS_FIB].n, n * (train ? 2 : 1));
    }
}

/* No clip is asked the same twice. */
static void questions_of_a_clip_differ(void **state)
{
    const vl_corpus *c = *state;
    const vl_corpus_task *t = &c->set[VL_TRAIN].task[VL_CORPUS_QAOE];
    for (size_t i = 1; i < t->n; i++)
        for (size_t k = i; k-- > 0 && t->item[k].clip == t->item[i].clip;)
            assert_string_not_equal(t->item[i].text, t->item[k].text);
}

static void kinds_have_even_answers(void **state)
{
    const vl_corpus *c = *state;
    const char *word;
    vl_tally t = {0};
    const vl_corpus_task *q = &c->set[VL_TRAIN].task[VL_CORPUS_QAOE];
    for (size_t i = 0; i < q->n; i++)
        assert_int_equal(vl_tally_add(&t, q->item[i].type, q->item[i].answer), VIOLET_OK);
    for (int k = 0; k < VL_ASKS; k++) {
        const char *kind = vl_asks[k].name;
        int all = vl_tally_count(&t, kind, NULL);
        if (all <= (int)q->n / 60) /* too rare to be measured */
            fail_msg("%s %d", kind, all);
        for (int j = 0; (word = vl_corpus_answer(c, VL_CORPUS_QAOE, j)); j++)
            assert_true(vl_tally_count(&t, kind, word) < (k == VL_ASK_YES ? 0.53 : 0.43) * all);
    }
    vl_tally_release(&t);
}

/* Of each wording that is often asked, yes is right as often as no. */
static void yes_and_no_are_even(void **state)
{
    const vl_corpus *c = *state;
    int n_often = 0;
    vl_tally t = {0};
    const vl_corpus_task *q = &c->set[VL_TRAIN].task[VL_CORPUS_QAOE];
    for (size_t i = 0; i < q->n; i++)
        if (strcmp(q->item[i].type, "yesno") == 0)
            assert_int_equal(vl_tally_add(&t, q->item[i].text, q->item[i].answer), VIOLET_OK);
    for (size_t i = 0; i < q->n; i++) {
        int all = vl_tally_count(&t, q->item[i].text, NULL);
        if (all < 4) continue;
        n_often++;
        assert_in_range(4 * vl_tally_count(&t, q->item[i].text, "yes"), all, 3 * all);
    }
    assert_true(n_often > 0);
    vl_tally_release(&t);
}

static void words_give_little_away(void **state)
{
    const vl_corpus *c = *state;
    vl_corpus_baseline b;
    assert_int_equal(vl_corpus_measure(&b, c, VL_CORPUS_QAOE), VIOLET_OK);
    assert_true(b.chance > 0.02 && b.chance < 0.05);
    assert_true(b.most > 0.02 && b.most < 0.25);
    assert_true(b.by_type > 0.1 && b.by_type < 0.45);
    assert_true(b.by_text > 0.1 && b.by_text < 0.45);
    assert_int_equal(vl_corpus_measure(&b, c, VL_CORPUS_FIB), VIOLET_OK);
    assert_true(b.by_text > 0.05 && b.by_text < 0.4);
    assert_int_equal(vl_corpus_measure(&b, c, VL_CORPUS_QAMC), VIOLET_OK);
    assert_true(b.chance == 0.2 && b.alike < 0.35);
}

static void options_differ_and_one_is_right(void **state)
{
    const vl_corpus *c = *state;
    int n_at[VL_CORPUS_OPTIONS] = {0};
    const vl_corpus_set *set = &c->set[VL_TRAIN];
    for (size_t i = 0; i < set->task[VL_CORPUS_QAMC].n; i++) {
        const vl_corpus_item *q = &set->task[VL_CORPUS_QAMC].item[i];
        const vl_scene *s = &set->scene[q->clip];
        n_at[q->right]++;
        for (int k = 0; k < VL_CORPUS_OPTIONS; k++)
            for (int j = 0; j < k; j++) assert_string_not_equal(q->option[k], q->option[j]);
        for (int k = 0; k < s->n; k++) {
            assert_non_null(strstr(q->option[q->right], vl_colours[s->thing[k].colour].word));
            assert_non_null(strstr(q->option[q->right], vl_shapes[s->thing[k].shape].word));
        }
    }
    for (int k = 0; k < VL_CORPUS_OPTIONS; k++) assert_true(n_at[k] > 2 * TRAIN / 7);
}

/* The blank and its answer are in the caption of the clip. */
static void blanks_are_filled_by_their_answers(void **state)
{
    const vl_corpus *c = *state;
    const vl_corpus_set *set = &c->set[VL_TEST];
    for (size_t i = 0; i < set->task[VL_CORPUS_FIB].n; i++) {
        const vl_corpus_item *q = &set->task[VL_CORPUS_FIB].item[i];
        const vl_scene *s = &set->scene[q->clip];
        const char *blank = strstr(q->text, "[MASK]");
        bool there = false;
        assert_non_null(blank);
        assert_null(strstr(blank + 1, "[MASK]"));
        for (int k = 0; k < s->n; k++) {
            there |= strcmp(q->answer, vl_colours[s->thing[k].colour].word) == 0;
            there |= strcmp(q->answer, vl_shapes[s->thing[k].shape].word) == 0;
            for (int j = 0; j < scenes_acts(s); j++) {
                const vl_motion_kind *m = &vl_motions[s->thing[k].act[j]];
                there |= strcmp(q->answer, m->does[0]) == 0;
                there |= m->way && strcmp(q->answer, m->way) == 0;
            }
        }
        assert_true(there || strcmp(q->type, "order") == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_of_a_test_differ),
        cmocka_unit_test(items_are_as_many_as_they_should),
        cmocka_unit_test(questions_of_a_clip_differ),
        cmocka_unit_test(kinds_have_even_answers),
        cmocka_unit_test(yes_and_no_are_even),
        cmocka_unit_test(words_give_little_away),
        cmocka_unit_test(options_differ_and_one_is_right),
        cmocka_unit_test(blanks_are_filled_by_their_answers),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
