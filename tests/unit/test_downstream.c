/* The downstream losses where they differ from the published ones: symmetric retrieval, pairs that
 * are no wrong ones, options that are not there, answers read elsewhere. What is published is
 * checked by tests/golden. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "task/downstream.h"
#include "train/run_options.h"

enum { B = 3, T = 2, SIDE = 64, X = 6, TEXTS = 6, ANSWERS = 4 };

static const vl_config small = {.video = {8, {1, 1, 1, 1}, {1, 2, 2, 4}, {2, 3, 3}, 0.1, 0},
                                .frames = 6,
                                .positions = 197,
                                .grid = {7, 7},
                                .hidden = 64,
                                .ct_layers = 2,
                                .ct_heads = 4,
                                .ct_mlp = 96,
                                .size_vocab = 50,
                                .size_code = 30,
                                .size_answer = ANSWERS,
                                .drop = 0.1};

typedef struct world {
    vl_model m;
    const vl_backend *backend;
    vl_device *d;
    vl_tape t;
    vl_swin_plan plan;
    uint8_t image[B * T * 3 * SIDE * SIDE], mask[TEXTS * X];
    int ids[TEXTS * X];
} world;

static world w;

static void ok(violet_status status)
{
    if (status != VIOLET_OK) fail_msg("%s", violet_error());
}

static void open_world(int heads)
{
    ok(vl_model_init(&w.m, &small, heads, 1, 0));
    vl_params_draw(&w.m.params, 5);
    /* scores that differ by more than the draw's small weights make them */
    const vl_param *e = vl_params_find(&w.m.params, "fc.3.weight");
    for (size_t i = 0; i < e->count; i++) vl_param_weights(&w.m.params, e)[i] *= 8;
    w.backend = vl_backend_fast();
    w.d = w.backend->open(1);
    ok(vl_tape_init(&w.t, w.backend, w.d, 0));
    ok(vl_swin_plan_init(&w.plan, &small.video, B, T, SIDE, SIDE));
    for (size_t i = 0; i < sizeof w.image; i++) w.image[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int i = 0; i < TEXTS * X; i++) w.mask[i] = i % X < 4 + i / X % 2;
    for (int i = 0; i < TEXTS * X; i++) w.ids[i] = w.mask[i] ? 1 + (i * 7 + i / X * 5) % 49 : 0;
}

static void close_world(void)
{
    vl_swin_plan_release(&w.plan);
    vl_tape_release(&w.t);
    w.backend->close(w.d);
    vl_model_release(&w.m);
}

static vl_downstream_input input(int n_texts)
{
    return (vl_downstream_input){.B = B,
                                 .X = X,
                                 .plan = &w.plan,
                                 .image = w.image,
                                 .n_texts = n_texts,
                                 .text = w.ids,
                                 .text_mask = w.mask};
}

static void begin(int grad)
{
    vl_tape_reset(&w.t, 1, 1);
    w.t.grad_on = grad;
    w.t.training = 0;
}

static void near(double is, double should, double tolerance)
{
    if (!(fabs(is - should) <= tolerance)) fail_msg("%.9g, expected %.9g", is, should);
}

/* -log softmax(20 * score)[own] over the columns that count. */
static double cross_entropy(const double *score, const int *counts, int n, int own)
{
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < n; k++)
        if (counts[k] && score[k] > most) most = score[k];
    for (int k = 0; k < n; k++)
        if (counts[k]) sum += exp(20 * (score[k] - most));
    return log(sum) - 20 * (score[own] - most);
}

/* Of both directions over what `same` leaves; rows without another pair do not count. */
static double by_hand(const double score[B][B], const uint8_t *same)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < 2 * B; i++) {
        double row[B];
        int counts[B], others = 0, own = i % B;
        for (int k = 0; k < B; k++) {
            row[k] = i < B ? score[own][k] : score[k][own];
            counts[k] = k == own || !same[i < B ? own * B + k : k * B + own];
            others += k != own && counts[k];
        }
        if (!others) continue;
        sum += cross_entropy(row, counts, B, own);
        n++;
    }
    return n ? sum / n : 0;
}

static void published_scores(double score[B][B])
{
    vl_downstream_output out = {0};
    const vl_downstream_input in = input(B);
    begin(0);
    vl_retrieval_forward(&w.t, &w.m, &in, &out);
    ok(vl_tape_status(&w.t));
    for (int i = 0; i < B * B; i++) score[i / B][i % B] = (double)out.logits->x[i];
}

static void retrieval_is_symmetric_and_without_false_negatives(void **state)
{
    (void)state;
    static const uint8_t none[B * B] = {1, 0, 0, 0, 1, 0, 0, 0, 1},
                                  two[B * B] = {1, 1, 0, 1, 1, 0, 0, 0, 1},
                                  all[B * B] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const uint8_t *const cases[] = {none, two, all};
    double score[B][B], losses[3];
    open_world(VL_HEAD_MATCH);
    published_scores(score);
    for (int k = 0; k < 3; k++) {
        vl_downstream_input in = input(B);
        vl_downstream_output out = {0};
        in.symmetric = 1;
        in.same = cases[k];
        begin(1);
        vl_retrieval_forward(&w.t, &w.m, &in, &out);
        ok(vl_tape_status(&w.t));
        losses[k] = by_hand((const double(*)[B])score, cases[k]);
        near((double)out.loss->x[0], losses[k], 2e-4);
        assert_int_equal(out.logits->rows, 2 * B);
        for (int i = 0; i < 2 * B; i++) assert_int_equal(out.target[i], k == 2 ? -1 : i % B);
        ok(vl_tape_backward(&w.t, out.loss));
    }
    if (losses[0] - losses[1] < 1e-3) fail_msg("the masked pair does not matter: %g", losses[0]);
    assert_true(losses[2] == 0);
    close_world();
}

static double loss_of(const vl_downstream_input *in)
{
    vl_downstream_output out = {0};
    begin(0);
    vl_retrieval_forward(&w.t, &w.m, in, &out);
    ok(vl_tape_status(&w.t));
    return (double)out.loss->x[0];
}

/* The gradient of a few weights against central differences. */
static void the_gradient_of_the_symmetric_loss_is_right(void **state)
{
    (void)state;
    static const uint8_t two[B * B] = {1, 1, 0, 1, 1, 0, 0, 0, 1};
    static const char *const names[] = {"fc.3.weight", "trsfr.layer.1.output.dense.bias",
                                        "enc_img.norm.bias"};
    open_world(VL_HEAD_MATCH);
    vl_downstream_input in = input(B);
    vl_downstream_output out = {0};
    in.symmetric = 1;
    in.same = two;
    memset(w.m.params.grads.base, 0, vl_params_size(&w.m.params) * sizeof(real));
    begin(1);
    vl_retrieval_forward(&w.t, &w.m, &in, &out);
    ok(vl_tape_backward(&w.t, out.loss));
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const vl_param *e = vl_params_find(&w.m.params, names[k]);
        size_t i = 0;
        for (size_t j = 0; j < e->count; j++) /* the largest: differences are of float32 */
            if (fabs((double)vl_param_grads(&w.m.params, e)[j]) >
                fabs((double)vl_param_grads(&w.m.params, e)[i]))
                i = j;
        real *x = &vl_param_weights(&w.m.params, e)[i], was = *x;
        double g = (double)vl_param_grads(&w.m.params, e)[i], h = 5e-4;
        *x = was + (real)h;
        double above = loss_of(&in);
        *x = was - (real)h;
        double below = loss_of(&in);
        *x = was;
        assert_true(fabs(g) > 1e-3);
        near((above - below) / (2 * h), g, 0.03 * fabs(g));
    }
    close_world();
}

/* An option that a question does not have is no candidate, whatever its row of text says. */
static void options_that_are_not_there_are_not_chosen(void **state)
{
    (void)state;
    static const int option[B * 2] = {0, 1, 2, 3, 4, 5}, n_options[B] = {2, 1, 2},
                                answer[B] = {0, 0, 1};
    vl_downstream_output out = {0};
    vl_downstream_input in = input(TEXTS);
    open_world(VL_HEAD_MATCH);
    begin(0);
    vl_qamc_forward(&w.t, &w.m, &in, option, 2, answer, &out);
    ok(vl_tape_status(&w.t));
    double all = 0, two = 0;
    for (int b = 0; b < B; b++) {
        double a = (double)out.logits->x[2 * b], o = (double)out.logits->x[2 * b + 1];
        double loss = log(exp(a) + exp(o)) - (answer[b] ? o : a);
        all += loss / B;
        two += b == 1 ? 0 : loss / B; /* one option alone is certain */
    }
    near((double)out.loss->x[0], all, 1e-5);
    in.n_options = n_options;
    begin(1);
    vl_qamc_forward(&w.t, &w.m, &in, option, 2, answer, &out);
    ok(vl_tape_status(&w.t));
    near((double)out.loss->x[0], two, 1e-5);
    assert_int_equal(out.best[1], 0);
    ok(vl_tape_backward(&w.t, out.loss));
    close_world();
}

static void answers_are_read_where_they_are_asked_for(void **state)
{
    (void)state;
    int at[B] = {0, 0, 0}, answer[B] = {1, -1, 2};
    real first[B * ANSWERS];
    vl_downstream_input in = input(B);
    vl_downstream_output out = {0};
    open_world(VL_HEAD_ANSWER);
    begin(0);
    vl_qaoe_forward(&w.t, &w.m, &in, answer, &out);
    ok(vl_tape_status(&w.t));
    memcpy(first, out.logits->x, sizeof first);
    in.at = at;
    for (int move = 0; move < 2; move++) { /* at [CLS] the same; then text 1 is read elsewhere */
        at[1] = move * 2;
        begin(1);
        vl_qaoe_forward(&w.t, &w.m, &in, answer, &out);
        ok(vl_tape_status(&w.t));
        double apart = 0;
        for (int i = 0; i < B * ANSWERS; i++) {
            double d = fabs((double)out.logits->x[i] - (double)first[i]);
            if (i / ANSWERS == 1 && move)
                apart += d;
            else
                near(d, 0, 1e-4);
        }
        assert_true((apart > 1e-3) == move);
        ok(vl_tape_backward(&w.t, out.loss));
    }
    at[2] = X;
    begin(0);
    vl_qaoe_forward(&w.t, &w.m, &in, answer, &out);
    assert_int_equal(vl_tape_status(&w.t), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "position 6 of 6"));
    close_world();
}

static void each_type_is_a_kind(void **state)
{
    char types[] = VL_TASK_TYPES, *rest = types;
    (void)state;
    for (char *type; (type = strsep(&rest, "|"));) {
        const vl_downstream_kind *kind = vl_downstream_kind_of(type);
        assert_non_null(kind);
        assert_string_equal(kind->type, type);
    }
    assert_null(vl_downstream_kind_of("pretrain"));
    assert_null(vl_downstream_kind_of(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_is_a_kind),
        cmocka_unit_test(retrieval_is_symmetric_and_without_false_negatives),
        cmocka_unit_test(the_gradient_of_the_symmetric_loss_is_right),
        cmocka_unit_test(options_that_are_not_there_are_not_chosen),
        cmocka_unit_test(answers_are_read_where_they_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
