/* A model in use, as violet.h has it: what it says is what the model computes, whoever asks at the
 * same time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video.h"
#include "model/checkpoint.h"
#include "model/dual.h"
#include "text/wordpiece.h"
#include "use/world.h"

/* ---- by hand --------------------------------------------------------------------------------- */

static violet_status give(void *user, int i, const vl_picture *p)
{
    return vl_picture_square((uint8_t *)user + (size_t)i * 3 * S * S, S, p, VL_PAD_EXACT);
}

/* What vl_model_score (pooled at position `at` of the text) gives of a video and a text:
 * (columns); or, text NULL, the mean of the video's tokens (D). */
static void by_hand(double *out, const char *file, const char *text, int at)
{
    static uint8_t image[T * 3 * S * S];
    vl_video_result *r = calloc(1, sizeof *r);
    vl_swin_plans plans = {0};
    vl_device *d = vl_backend_ref()->open(1);
    vl_tape t;
    vl_wordpiece *wp;
    int32_t ids[X] = {0};
    uint8_t mask[X] = {0};
    const int zero = 0;
    ok(vl_video_sample(r, file, &(vl_video_pick){.n_samples = T}, give, image));
    ok(vl_tape_init(&t, vl_backend_ref(), d, 0));
    vl_tape_reset(&t, 0, 0);
    t.grad_on = t.training = 0;
    const vl_swin_plan *plan = vl_swin_plans_get(&plans, &small.video, 1, T, S, S);
    vl_tensor *y = vl_model_image(&t, &m, plan, image);
    if (text) {
        ok(vl_wordpiece_open(&wp, NULL));
        int n = vl_wordpiece_encode(wp, ids, X, text, NULL);
        memset(mask, 1, (size_t)n);
        vl_wordpiece_free(wp);
        vl_pairs pairs = {1, &zero, &zero, 1, 1, NI, X, mask};
        vl_bert_batch batch;
        vl_tensor *x = vl_model_pair(&t, &pairs, y, vl_model_text(&t, &m, ids, 1, X), &batch);
        x = vl_bert_encode_row(&t, m.layers, small.ct_layers, &batch, x, NI + at);
        y = vl_mlp_head_forward(&t, &m.fc, x);
        for (int i = 0; i < y->cols; i++) out[i] = (double)y->x[i];
    } else {
        memset(out, 0, D * sizeof *out);
        assert_int_equal(y->rows, NI);
        for (int i = 0; i < NI * D; i++) out[i % D] += (double)y->x[i] / NI;
    }
    ok(vl_tape_status(&t));
    vl_tape_release(&t);
    vl_backend_ref()->close(d);
    vl_swin_plans_release(&plans);
    free(r);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void scores_are_the_models(void **state)
{
    (void)state;
    float score[VIDEOS * TEXTS];
    double right, least = INFINITY, most = -INFINITY;
    violet_model_facts f;
    open_world(VL_HEAD_MATCH | VL_HEAD_MTM, TASK(", \"type\": \"retrieval\""));
    violet_model_describe(&f, model);
    assert_true(f.can_score && f.n_classes == 0 && f.n_answers == 0 && f.width == D);
    assert_true(f.size_img == S && f.size_txt == X && f.size_frame == T && f.temperature == 0.05);
    assert_string_equal(f.type, "retrieval");
    ok(violet_score(score, session, video, VIDEOS, texts, TEXTS));
    assert_string_equal(violet_session_notes(session), "");
    for (int v = 0; v < VIDEOS; v++)
        for (int k = 0; k < TEXTS; k++) {
            by_hand(&right, clips[v], texts[k], 0);
            near((double)score[v * TEXTS + k], right);
            least = fmin(least, right), most = fmax(most, right);
        }
    assert_true(most - least > 1e-2); /* else anything would do */
    close_world();
}

/* More videos than one call of the scorer takes. */
static void many_videos_are_scored_by_lots(void **state)
{
    (void)state;
    enum { MANY = 400 };
    violet_video *many[MANY];
    float one[VIDEOS], all[MANY];
    open_world(VL_HEAD_MATCH, TASK(""));
    for (int i = 0; i < MANY; i++) many[i] = video[i * 7 % VIDEOS];
    for (int v = 0; v < VIDEOS; v++) ok(violet_score(&one[v], session, &video[v], 1, texts, 1));
    ok(violet_score(all, session, many, MANY, texts, 1));
    for (int i = 0; i < MANY; i++) near((double)all[i], (double)one[i * 7 % VIDEOS]);
    assert_true(one[0] != one[1]);
    close_world();
}

static void options_are_sentences(void **state)
{
    (void)state;
    const char *options[] = {"red", "light blue"};
    const char *sentences[] = {"what is it? red", "what is it? light blue"};
    float score[2], right[2];
    violet_model_facts f;
    open_world(VL_HEAD_MATCH, TASK(", \"type\": \"qamc\""));
    violet_model_describe(&f, model);
    assert_true(f.temperature == 1);
    ok(violet_choose(score, session, video[0], "what is it?", options, 2));
    ok(violet_score(right, session, video, 1, sentences, 2));
    for (int i = 0; i < 2; i++) near((double)score[i], (double)right[i]);
    /* a question that is too long is shortened for all options alike */
    ok(violet_choose(score, session, video[0], "one two three four five six", options, 2));
    assert_non_null(strstr(violet_session_notes(session), "the question was shortened"));
    sentences[0] = "one two three four red", sentences[1] = "one two three four light blue";
    ok(violet_score(right, session, video, 1, sentences, 2));
    for (int i = 0; i < 2; i++) near((double)score[i], (double)right[i]);
    assert_string_equal(violet_session_notes(session), "");
    close_world();
}

/* Fine-tuned as published, options are cut where the row ends. */
static void published_protocol_cuts_options(void **state)
{
    (void)state;
    const char *options[] = {"red", "light blue"}, *same = "one two three four five six";
    float score[2], right;
    open_world(VL_HEAD_MATCH, TASK(", \"protocol\": \"violet1\""));
    ok(violet_choose(score, session, video[0], same, options, 2));
    assert_non_null(strstr(violet_session_notes(session), "as published"));
    ok(violet_score(&right, session, video, 1, &same, 1));
    near((double)score[0], (double)right);
    assert_true(score[0] == score[1]);
    close_world();
}

static void expect_answers(const char *question, const char *text, int at)
{
    static const char *const word[CLASSES] = {"a", "b", "c", "d", NULL}; /* one class has no word */
    double logit[CLASSES], sum = 0;
    violet_answer best[CLASSES];
    int n = CLASSES;
    by_hand(logit, clips[1], text, at);
    for (int i = 0; i < CLASSES; i++) sum += exp(logit[i]);
    ok(violet_ask(best, &n, session, video[1], question));
    assert_int_equal(n, 4);
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (strcmp(word[k], best[i].text) != 0) k++;
        near((double)best[i].probability, exp(logit[k]) / sum);
        assert_true(i == 0 || best[i].probability <= best[i - 1].probability);
    }
    n = 1;
    ok(violet_ask(best + 1, &n, session, video[1], question));
    assert_string_equal(best[0].text, best[1].text);
}

static void answers_are_classes(void **state)
{
    (void)state;
    violet_model_facts f;
    open_world(VL_HEAD_ANSWER, TASK(", \"type\": \"qaoe\"" ANSWERS));
    violet_model_describe(&f, model);
    assert_true(!f.can_score && f.n_classes == CLASSES && f.n_answers == 4);
    expect_answers("what is it?", "what is it?", 0);
    expect_answers("what is ____?", "what is [MASK]?", 0);
    close_world();
}

static void blanks_are_read_where_they_are(void **state)
{
    (void)state;
    open_world(VL_HEAD_ANSWER, TASK(", \"type\": \"fib\"" ANSWERS));
    expect_answers("it is a ___ one", "it is a [MASK] one", 4);
    expect_answers("[MASK]!", "[MASK]!", 1);
    close_world();
}

static void vectors_are_means(void **state)
{
    (void)state;
    float vector[VIDEOS * D], text[TEXTS * D], alone[D];
    double right[D];
    open_world(0, TASK(""));
    ok(violet_embed_videos(vector, session, video, VIDEOS));
    for (int v = 0; v < VIDEOS; v++) {
        by_hand(right, clips[v], NULL, 0);
        for (int i = 0; i < D; i++) near((double)vector[v * D + i], right[i]);
    }
    ok(violet_embed_texts(text, session, texts, TEXTS));
    ok(violet_embed_texts(alone, session, texts + 1, 1)); /* no padding in a mean */
    for (int i = 0; i < D; i++) near((double)text[D + i], (double)alone[i]);
    assert_true(text[0] != text[D]);
    fails(violet_score(vector, session, video, 1, texts, 1), VIOLET_ESHAPE, "no head for either");
    close_world();
}

/* What vl_dual_text and vl_dual_video give, by reference kernels. text NULL: of the file. */
static void dual_by_hand(double *out, const char *file, const char *text)
{
    vl_device *d = vl_backend_ref()->open(1);
    vl_wordpiece *wp;
    vl_tape t;
    int32_t ids[X] = {0};
    uint8_t mask[X] = {0};
    double mean[D];
    if (!text) by_hand(mean, file, NULL, 0);
    ok(vl_tape_init(&t, vl_backend_ref(), d, 0));
    vl_tape_reset(&t, 0, 0);
    t.grad_on = t.training = 0;
    vl_tensor *y = vl_tape_tensor(&t, 1, D, 0);
    if (text) {
        ok(vl_wordpiece_open(&wp, NULL));
        memset(mask, 1, (size_t)vl_wordpiece_encode(wp, ids, X, text, NULL));
        vl_wordpiece_free(wp);
        y = vl_dual_text(&t, &m, vl_model_text(&t, &m, ids, 1, X), mask, X);
    } else {
        for (int i = 0; i < D; i++) y->x[i] = (real)mean[i];
        y = vl_dual_video(&t, &m, y, NULL, 1); /* the mean of one is itself */
    }
    ok(vl_tape_status(&t));
    for (int i = 0; i < y->cols; i++) out[i] = (double)y->x[i];
    vl_tape_release(&t);
    vl_backend_ref()->close(d);
}

/* Of a model with a dual encoder, vectors are those, of another width. */
static void vectors_are_the_dual_encoders(void **state)
{
    (void)state;
    enum { E = 10 };
    float of_videos[VIDEOS * E], of_texts[TEXTS * E], alone[E];
    double right[E];
    violet_model_facts f;
    open_world(VL_HEAD_MATCH | VL_HEAD_DUAL, TASK(""));
    violet_model_describe(&f, model);
    assert_int_equal(f.width, E);
    assert_int_equal(f.comparable, 1);
    ok(violet_embed_videos(of_videos, session, video, VIDEOS));
    ok(violet_embed_texts(of_texts, session, texts, TEXTS));
    ok(violet_embed_texts(alone, session, texts + 1, 1));
    assert_memory_equal(alone, of_texts + E, sizeof alone);
    for (int v = 0; v < VIDEOS; v++) {
        dual_by_hand(right, clips[v], NULL);
        for (int i = 0; i < E; i++) near((double)of_videos[v * E + i], right[i]);
    }
    for (int k = 0; k < TEXTS; k++) {
        double length = 0;
        dual_by_hand(right, NULL, texts[k]);
        for (int i = 0; i < E; i++) near((double)of_texts[k * E + i], right[i]);
        for (int i = 0; i < E; i++) length += right[i] * right[i];
        near(length, 1);
    }
    close_world();
}

/* ---- threads --------------------------------------------------------------------------------- */

typedef struct asker {
    pthread_t thread;
    int first;
    float score[VIDEOS * TEXTS], own[TEXTS];
    violet_status status;
    char message[200];
} asker;

/* Scores the shared videos and one of its own, over and over, each time the same. */
static void *ask_on(void *user)
{
    asker *a = user;
    violet_session *s = NULL;
    violet_video *mine = NULL;
    a->status = violet_session_new(&s, model, 1);
    for (int turn = 0; turn < 5 && a->status == VIOLET_OK; turn++) {
        violet_video_free(mine);
        a->status = violet_video_encode(&mine, s, clips[a->first]);
        if (a->status == VIOLET_OK)
            a->status = violet_score(a->score, s, video, VIDEOS, texts, TEXTS);
        if (a->status == VIOLET_OK) a->status = violet_score(a->own, s, &mine, 1, texts, TEXTS);
    }
    snprintf(a->message, sizeof a->message, "%s", violet_error());
    violet_video_free(mine);
    violet_session_free(s);
    return NULL;
}

static void threads_share_a_model(void **state)
{
    (void)state;
    enum { ASKERS = 3 };
    asker a[ASKERS] = {0};
    float right[VIDEOS * TEXTS], own[TEXTS];
    open_world(VL_HEAD_MATCH, TASK(""));
    ok(violet_score(right, session, video, VIDEOS, texts, TEXTS));
    for (int i = 0; i < ASKERS; i++) {
        a[i].first = i;
        assert_int_equal(pthread_create(&a[i].thread, NULL, ask_on, &a[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) pthread_join(a[i].thread, NULL);
    for (int i = 0; i < ASKERS; i++) {
        if (a[i].status != VIOLET_OK) fail_msg("%s", a[i].message);
        assert_memory_equal(a[i].score, right, sizeof right);
        ok(violet_score(own, session, &video[i], 1, texts, TEXTS));
        assert_memory_equal(a[i].own, own, sizeof own);
    }
    close_world();
}

/* Sessions at once right after opening: they wait for one reading of the weights. */
static void threads_wait_for_the_weights(void **state)
{
    (void)state;
    float right[VIDEOS * TEXTS];
    open_world(VL_HEAD_MATCH, TASK(""));
    ok(violet_score(right, session, video, VIDEOS, texts, TEXTS));
    for (int turn = 0; turn < 5; turn++) {
        violet_model *again;
        violet_session *s[2];
        float x[2][D], y[D];
        ok(violet_model_open(&again, path, NULL));
        for (int i = 0; i < 2; i++) ok(violet_session_new(&s[i], again, 1));
        if (turn) /* else it is closed while it reads */
            for (int i = 0; i < 2; i++) ok(violet_embed_texts(x[i], s[i], texts, 1));
        ok(violet_embed_texts(y, session, texts, 1));
        if (turn) assert_memory_equal(x[0], y, sizeof y);
        if (turn) assert_memory_equal(x[1], y, sizeof y);
        for (int i = 0; i < 2; i++) violet_session_free(s[i]);
        violet_model_close(again);
    }
    close_world();
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void checks_come_before_videos(void **state)
{
    (void)state;
    const char *bad[] = {"dogs", " "};
    violet_model *other;
    violet_session *s;
    float score[2] = {7, 7};
    int n = 1;
    open_world(VL_HEAD_MATCH, TASK(""));
    ok(violet_score(score, session, NULL, 0, texts, 2));
    assert_true(score[0] == 7 && score[1] == 7);
    fails(violet_score(score, session, NULL, 0, bad, 2), VIOLET_EINVAL, "sentence 2 has no word");
    fails(violet_score(score, session, video, 1, bad, 0), VIOLET_EINVAL, "0 texts");
    fails(violet_ask(NULL, &n, session, NULL, "what?"), VIOLET_ESHAPE, "head `fc` of answers");
    fails(violet_choose(score, session, NULL, "what?", bad, 2), VIOLET_EINVAL, "option 2");
    assert_true(score[0] == 7 && score[1] == 7);
    ok(violet_model_open(&other, path, NULL));
    ok(violet_session_new(&s, other, 1));
    fails(violet_score(score, s, video, 1, texts, 1), VIOLET_EINVAL, "by another model");
    fails(violet_embed_videos(score, s, video, 1), VIOLET_EINVAL, "by another model");
    violet_session_free(s);
    violet_model_close(other);
    close_world();
}

static void values_that_are_none_are_told(void **state)
{
    (void)state;
    violet_model *bad;
    violet_session *s;
    violet_video *v;
    float x[D];
    const char *name = "trsfr.layer.1.output.dense.weight";
    open_world(VL_HEAD_MATCH, TASK(""));
    vl_param_weights(&m.params, vl_params_find(&m.params, name))[5] = NAN;
    ok(vl_checkpoint_write(path, &m, 0, NULL, 0));
    const char *const sizes[] = {"size_img", "64", "size_txt", "8", "size_frame", "3"};
    violet_options *o = set("score", 3, sizes);
    ok(violet_model_open(&bad, path, o));
    ok(violet_session_new(&s, bad, 1));
    for (int turn = 0; turn < 2; turn++) { /* whoever asks, however often */
        fails(violet_video_encode(&v, s, clips[0]), VIOLET_EFORMAT, name);
        assert_null(v);
        fails(violet_embed_texts(x, s, texts, 1), VIOLET_EFORMAT, "value 5 is nan");
    }
    violet_session_free(s);
    violet_model_close(bad);
    violet_options_free(o);
    close_world();
}

/* Weights that are finite, but so large that scores are not. */
static void scores_that_are_none_are_told(void **state)
{
    (void)state;
    violet_model *bad;
    violet_session *s;
    violet_video *v;
    float x[8];
    open_world(VL_HEAD_MATCH, TASK(""));
    const vl_param *p = vl_params_find(&m.params, "fc.3.weight");
    for (size_t k = 0; k < p->count; k++) vl_param_weights(&m.params, p)[k] = (real)3e38;
    ok(vl_checkpoint_write(path, &m, 0, NULL, 0));
    const char *const sizes[] = {"size_img", "64", "size_txt", "8", "size_frame", "3"};
    violet_options *o = set("score", 3, sizes);
    ok(violet_model_open(&bad, path, o));
    ok(violet_session_new(&s, bad, 1));
    ok(violet_video_encode(&v, s, clips[0]));
    fails(violet_score(x, s, &v, 1, texts, 2), VIOLET_EFORMAT,
          "a score that is not a finite number");
    fails(violet_choose(x, s, v, "what", texts, 2), VIOLET_EFORMAT, path);
    violet_video_free(v);
    violet_session_free(s);
    violet_model_close(bad);
    violet_options_free(o);
    close_world();
}

static void models_that_do_not_open(void **state)
{
    (void)state;
    violet_model *x = (violet_model *)&x;
    violet_options *o;
    static const struct {
        const char *task, *words;
    } rows[] = {
        {"{", "metadata 'task'"},
        {"{\"size_txt\": \"8\"}", "size_txt: expected a number from 3 to 512"},
        {"{\"size_frame\": 65}", "size_frame: expected a number from 1 to 64"},
        {"{\"size_img\": 64, \"answers\": [1]}", "answers: 0: expected a word, found a number"},
        {"{\"size_img\": 64, \"answers\": [\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}",
         "6 answers are listed in it, it has 5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_model(VL_HEAD_ANSWER, rows[i].task);
        violet_status status = violet_model_open(&x, path, NULL);
        assert_true(status == VIOLET_EFORMAT || status == VIOLET_ESHAPE);
        fails(status, status, rows[i].words);
        fails(status, status, "model.safetensors");
        assert_null(x);
        vl_model_release(&m);
    }
    ok(violet_options_new(&o, "pretrain"));
    fails(violet_model_open(&x, path, o), VIOLET_EINVAL, "options of 'pretrain'");
    violet_options_free(o);
    fails(violet_model_open(&x, NULL, NULL), VIOLET_EINVAL, "option checkpoint names no file");
    violet_model_close(NULL);
    violet_session_free(NULL);
    violet_video_free(NULL);
    unlink(path);
}

/* ---- beside it ------------------------------------------------------------------------------- */

static void options_have_their_values(void **state)
{
    (void)state;
    const char *const pairs[] = {"size-img", "64", "fast_video", "true", "shape", "square"};
    violet_options *o = set("ask", 3, pairs);
    assert_string_equal(violet_options_get(o, "size_img"), "64");
    assert_string_equal(violet_options_get(o, "fast-video"), "true");
    assert_string_equal(violet_options_get(o, "shape"), "square");
    assert_string_equal(violet_options_get(o, "compat"), "auto");
    assert_string_equal(violet_options_get(o, "top"), "5");
    assert_null(violet_options_get(o, "checkpoint"));
    assert_null(violet_options_get(o, "chekpoint"));
    fails(VIOLET_OK, VIOLET_OK, "did you mean 'checkpoint'?");
    violet_options_free(o);
}

static void matrices_become_files(void **state)
{
    (void)state;
    const float x[6] = {1, -2, 3.5f, 4, 5, 6};
    char file[128], *bytes;
    size_t n;
    snprintf(file, sizeof file, "%s/x.npy", folder);
    ok(violet_npy_write(file, x, 2, 3));
    ok(vl_file_read(&bytes, &n, file, 1000));
    assert_int_equal(n, 128 + sizeof x);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, "
                               "'shape': (2, 3), } ", 70);
    assert_int_equal(bytes[127], '\n');
    assert_memory_equal(bytes + 128, x, sizeof x);
    free(bytes);
    unlink(file);
    assert_int_equal(violet_npy_write("/nowhere/x.npy", x, 2, 3), VIOLET_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_the_models),
        cmocka_unit_test(many_videos_are_scored_by_lots),
        cmocka_unit_test(options_are_sentences),
        cmocka_unit_test(published_protocol_cuts_options),
        cmocka_unit_test(answers_are_classes),
        cmocka_unit_test(blanks_are_read_where_they_are),
        cmocka_unit_test(vectors_are_means),
        cmocka_unit_test(vectors_are_the_dual_encoders),
        cmocka_unit_test(threads_share_a_model),
        cmocka_unit_test(threads_wait_for_the_weights),
        cmocka_unit_test(checks_come_before_videos),
        cmocka_unit_test(values_that_are_none_are_told),
        cmocka_unit_test(scores_that_are_none_are_told),
        cmocka_unit_test(models_that_do_not_open),
        cmocka_unit_test(options_have_their_values),
        cmocka_unit_test(matrices_become_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
