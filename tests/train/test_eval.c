/* What violet eval measures, end to end over a tiny corpus: against the model asked pair by pair
 * and a fine-tuning's own test; several captions, ties, bad videos; the real annotation files. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "eval_case.h"
#include "file/pickle.h"

#define REAL "../shared/data"

static corpus c;

static int set_up(void **state)
{
    (void)state;
    eval_corpus_open(&c);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* ---- against the model itself ---------------------------------------------------------------- */

/* score[v][i] of the scored videos with the captions of scored videos. */
static void direct_scores(double score[VIDEOS][CAPTIONS - 2])
{
    const char *id[VIDEOS * (CAPTIONS - 2)], *text[VIDEOS * (CAPTIONS - 2)];
    int n = 0;
    for (int v = 0; v < VIDEOS; v++)
        for (int i = 0; i < CAPTIONS - 2; i++, n++) id[n] = scored[v], text[n] = caption[i];
    eval_direct(&score[0][0], &c, "m.safetensors", VL_HEAD_MATCH, id, text, NULL, n);
}

/* Ranks by the definition: t2v of each caption, v2t of each video. */
static void brute_force(double *t2v, double *v2t, double score[VIDEOS][CAPTIONS - 2])
{
    for (int i = 0; i < CAPTIONS - 2; i++) {
        t2v[i] = 1;
        int own = 0;
        while (strcmp(scored[own], video_of[i]) != 0) own++;
        for (int v = 0; v < VIDEOS; v++) t2v[i] += v != own && score[v][i] > score[own][i];
    }
    for (int v = 0; v < VIDEOS; v++) {
        double best = -1e9;
        for (int i = 0; i < CAPTIONS - 2; i++)
            if (strcmp(video_of[i], scored[v]) == 0) best = fmax(best, score[v][i]);
        v2t[v] = 1;
        for (int i = 0; i < CAPTIONS - 2; i++) {
            bool own = strcmp(video_of[i], scored[v]) == 0;
            v2t[v] += own ? 0 : eval_near(score[v][i], best) ? 0.5 : score[v][i] > best;
        }
    }
}

static double share_to(const double *rank, int n, double most)
{
    int hits = 0;
    for (int i = 0; i < n; i++) hits += rank[i] <= most;
    return (double)hits / n;
}

static double mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum / n;
}

static void retrieval_is_what_the_model_says(void **state)
{
    (void)state;
    enum { N = CAPTIONS - 2 };
    static double score[VIDEOS][N];
    double t2v[N], v2t[VIDEOS];
    direct_scores(score);
    brute_force(t2v, v2t, score);
    eval_outcome r = eval_ok(&c, "r", RETRIEVAL "--predictions=FOLDER/r.jsonl --top=100");
    json_t *lines = eval_lines(&c, "r.jsonl");
    assert_int_equal(json_array_size(lines), N + VIDEOS);
    for (int i = 0; i < N; i++) {
        const json_t *line = json_array_get(lines, (size_t)i);
        assert_string_equal(json_string_value(json_object_get(line, "caption")), caption[i]);
        assert_string_equal(json_string_value(json_object_get(line, "video")), video_of[i]);
        assert_true(json_number_value(json_object_get(line, "rank")) == t2v[i]);
        for (int v = 0; v < VIDEOS; v++)
            assert_true(eval_near(eval_told(lines, scored[v], caption[i]), score[v][i]));
        assert_true(json_number_value(json_object_get(line, "score")) ==
                    eval_told(lines, video_of[i], caption[i]));
    }
    for (int v = 0; v < VIDEOS; v++) {
        const json_t *line = json_array_get(lines, (size_t)(N + v)), *top;
        assert_string_equal(json_string_value(json_object_get(line, "video")), scored[v]);
        assert_true(json_number_value(json_object_get(line, "rank")) == v2t[v]);
        top = json_object_get(line, "top");
        assert_int_equal(json_array_size(top), N);
        for (size_t k = 1; k < N; k++)
            assert_true(json_number_value(json_object_get(json_array_get(top, k), "score")) <=
                        json_number_value(json_object_get(json_array_get(top, k - 1), "score")));
    }
    json_decref(lines);
    assert_true(eval_metric_of(&r, "t2v_recall_1") == share_to(t2v, N, 1));
    assert_true(eval_metric_of(&r, "t2v_recall_5") == share_to(t2v, N, 5));
    assert_true(eval_near(eval_metric_of(&r, "v2t_recall_1"), share_to(v2t, VIDEOS, 1)));
    assert_true(eval_near(eval_metric_of(&r, "t2v_mean_rank"), mean(t2v, N)));
    assert_true(eval_near(eval_metric_of(&r, "v2t_mean_rank"), mean(v2t, VIDEOS)));
    eval_outcome_release(&r);
}

static void left_out_is_told(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "left", RETRIEVAL);
    const json_t *out = json_object_get(r.result, "left_out");
    assert_int_equal(json_integer_value(json_object_get(out, "videos")), 2);
    assert_int_equal(json_integer_value(json_object_get(out, "items")), 2);
    assert_int_equal(json_integer_value(json_object_get(out, "unknown")), 1);
    assert_int_equal(r.n_warnings, 2);
    assert_non_null(strstr(r.told, "no video 'v9'"));
    assert_int_equal(json_integer_value(json_object_get(r.result, "scored_videos")), VIDEOS);
    const json_t *m = eval_metric_json(&r, "t2v_recall_1");
    assert_int_equal(json_integer_value(json_object_get(m, "n")), CAPTIONS - 2);
    assert_non_null(strstr(json_string_value(json_object_get(m, "protocol")),
                           "8 captions, each ranks 6 videos"));
    assert_non_null(strstr(r.told, "pairs/s"));
    eval_outcome_release(&r);
}

/* Nobody ranks the caption of a video that is not there, so it is not scored: of ten captions two
 * are the same, and one is v9's. */
static void captions_without_a_video_are_not_scored(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "", RETRIEVAL);
    const json_t *speed = json_object_get(r.result, "speed");
    assert_int_equal(json_integer_value(json_object_get(speed, "pairs")), VIDEOS * (CAPTIONS - 2));
    assert_non_null(strstr(r.told, "10 items, 8 texts"));
    eval_outcome_release(&r);
}

/* Also where it is the first. */
static void a_first_video_that_is_not_there_is_left_out(void **state)
{
    (void)state;
    eval_items(&c, "gone", "{\"train\": [{\"video\": \"v9\", \"caption\": \"red\"}, "
                           "{\"video\": \"v0\", \"caption\": \"green\"}, "
                           "{\"video\": \"v1\", \"caption\": \"blue\"}]}");
    eval_outcome r = eval_ok(&c, "", "--type=retrieval --task=gone "
                                     "--path_ckpt=FOLDER/m.safetensors");
    const json_t *out = json_object_get(r.result, "left_out");
    assert_int_equal(json_integer_value(json_object_get(out, "unknown")), 1);
    assert_int_equal(json_integer_value(json_object_get(out, "items")), 1);
    assert_int_equal(json_integer_value(json_object_get(r.result, "scored_items")), 2);
    eval_outcome_release(&r);
}

/* As published: of v0's captions the last, no other direction, equal scores in order. */
static void compat_keeps_the_last_caption(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "compat", RETRIEVAL "--compat=violet1 "
                                             "--predictions=FOLDER/c.jsonl");
    json_t *lines = eval_lines(&c, "c.jsonl");
    assert_int_equal(json_array_size(lines), VIDEOS);
    assert_null(json_object_get(json_object_get(r.result, "metrics"), "v2t_recall_1"));
    assert_int_equal(json_integer_value(json_object_get(r.result, "overwritten")), 2);
    int found = 0;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *text =
            json_string_value(json_object_get(json_array_get(lines, i), "caption"));
        found += strcmp(text, "now now now") == 0;
        assert_true(strcmp(text, "red cat runs") != 0 && strcmp(text, "cat here") != 0);
    }
    assert_int_equal(found, 1);
    json_decref(lines);
    eval_outcome_release(&r);
    r = eval_ok(&c, "flat-compat", "--type=retrieval --task=t --compat=violet1 "
                                   "--path_ckpt=FOLDER/flat.safetensors");
    assert_true(eval_near(eval_metric_of(&r, "t2v_recall_1"), 1.0 / VIDEOS));
    assert_true(eval_metric_of(&r, "t2v_median_rank") == 3); /* 3.5, rounded down */
    eval_outcome_release(&r);
}

/* A model that says the same of everything is in the middle, never good. */
static void ties_share_the_middle(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "flat", "--type=retrieval --task=t "
                                         "--path_ckpt=FOLDER/flat.safetensors");
    assert_true(eval_metric_of(&r, "t2v_recall_1") == 0);
    assert_true(eval_metric_of(&r, "t2v_median_rank") == 3.5);
    /* v0 has 3 of 8 captions: 5 others, the rest 7 each */
    assert_true(eval_near(eval_metric_of(&r, "v2t_mean_rank"), (3.5 + 5 * 4.5) / 6));
    eval_outcome_release(&r);
    r = eval_ok(&c, "flat-mc", "--type=qamc --task=mc --path_ckpt=FOLDER/flat.safetensors");
    /* of six scored questions one has no answer, three are of three options, two of two */
    assert_true(eval_near(eval_metric_of(&r, "accuracy_known"), (3 / 3.0 + 2 / 2.0) / 5));
    eval_outcome_release(&r);
}

/* ---- questions ------------------------------------------------------------------------------- */

static double chance_of(const eval_outcome *r, const char *key)
{
    return json_number_value(json_object_get(json_object_get(r->result, "chance"), key));
}

/* Softmax, of the best of n scores. */
static void probability_is(const json_t *best, const double *score, int n)
{
    double largest = score[0], sum = 0;
    for (int k = 1; k < n; k++) largest = fmax(largest, score[k]);
    for (int k = 0; k < n; k++) sum += exp(score[k] - largest);
    assert_true(eval_near(json_number_value(json_object_get(best, "probability")), 1 / sum));
}

static void choices_are_what_the_model_says(void **state)
{
    (void)state;
    const char *id[ASKED * OPTIONS], *text[ASKED * OPTIONS];
    static char joined[ASKED * OPTIONS][100];
    double score[ASKED * OPTIONS], hits = 0;
    int n = 0;
    for (int i = 0; i < ASKED - 1; i++) /* the last is of the bad video */
        for (int k = 0; k < OPTIONS; k++, n++) {
            snprintf(joined[n], sizeof *joined, "%s %s", question[i], option[k]);
            id[n] = asked_of[i], text[n] = joined[n];
        }
    eval_direct(score, &c, "m.safetensors", VL_HEAD_MATCH, id, text, NULL, n);
    eval_outcome r = eval_ok(&c, "mc", CHOICE "--predictions=FOLDER/mc.jsonl");
    json_t *lines = eval_lines(&c, "mc.jsonl");
    assert_int_equal(json_array_size(lines), ASKED - 1);
    for (int i = 0; i < ASKED - 1; i++) {
        const json_t *line = json_array_get(lines, (size_t)i), *top = json_object_get(line, "top");
        int best = 0;
        for (int k = 1; k < n_options[i]; k++)
            if (score[3 * i + k] > score[3 * i + best]) best = k;
        hits += best == right[i];
        assert_int_equal(json_array_size(top), n_options[i]);
        const json_t *first = json_array_get(top, 0);
        assert_string_equal(json_string_value(json_object_get(first, "answer")), option[best]);
        assert_true(
            eval_near(json_number_value(json_object_get(first, "score")), score[3 * i + best]));
        probability_is(first, score + 3 * i, n_options[i]);
        assert_true(json_number_value(json_object_get(line, "right")) == (best == right[i]));
    }
    json_decref(lines);
    assert_true(eval_near(eval_metric_of(&r, "accuracy"), hits / 6));
    assert_true(eval_near(eval_metric_of(&r, "accuracy_known"), hits / 5));
    assert_true(eval_near(chance_of(&r, "uniform"), (3 / 3.0 + 2 / 2.0) / 6));
    assert_null(json_object_get(json_object_get(r.result, "chance"), "answer"));
    eval_outcome_release(&r);
}

/* What is asked in too many words is shortened and counted, and the option stays: it is another
 * one's score. */
static void long_questions_are_shortened_and_counted(void **state)
{
    (void)state;
    const char *id[2] = {"v0", "v0"};
    /* as much as the longest option needs is taken away, for all alike */
    const char *text[2] = {"red cat runs here dog", "red cat runs here blue bird"};
    double score[2];
    eval_items(&c, "long", "{\"train\": [{\"video\": \"v0\", \"answer\": 0, \"question\": "
                           "\"red cat runs here now there sits\", \"option_0\": \"dog\", "
                           "\"option_1\": \"blue bird\"}, {\"video\": \"v1\", \"answer\": 1, "
                           "\"question\": \"what\", \"option_0\": \"dog\", "
                           "\"option_1\": \"bird\"}]}");
    eval_direct(score, &c, "m.safetensors", VL_HEAD_MATCH, id, text, NULL, 2);
    eval_outcome r = eval_ok(&c, "long", "--type=qamc --task=long --top=2 "
                                         "--path_ckpt=FOLDER/m.safetensors "
                                         "--predictions=FOLDER/long.jsonl");
    assert_int_equal(json_integer_value(json_object_get(r.result, "shortened")), 1);
    json_t *lines = eval_lines(&c, "long.jsonl"), *top;
    top = json_object_get(json_array_get(lines, 0), "top");
    for (size_t k = 0; k < 2; k++) {
        const json_t *answer = json_array_get(top, k);
        size_t number = (size_t)json_integer_value(json_object_get(answer, "number"));
        assert_true(eval_near(json_number_value(json_object_get(answer, "score")), score[number]));
    }
    json_decref(lines);
    eval_outcome_release(&r);
}

/* Options that do not fit by themselves, and options that are alike, are told apart from questions
 * that are shortened. */
static void cut_and_equal_options_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *question, *options[2];
        int shortened, cut, equal;
    } of[] = {
        {"what", {"red", "blue"}, 0, 0, 0},
        {"what runs here now and there red", {"red cat", "dog"}, 1, 0, 0},
        {"what", {"red cat red cat red cat red cat", "dog"}, 1, 1, 0},
        {"what", {"red", "Red"}, 0, 0, 1},
        {"what", {"red cat red cat red cat dog", "red cat red cat red cat bird"}, 1, 1, 1},
    };
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        char text[400];
        snprintf(text, sizeof text, "{\"train\": [{\"video\": \"v0\", \"question\": \"%s\", "
                 "\"option_0\": \"%s\", \"option_1\": \"%s\", \"answer\": 0}]}", of[k].question,
                 of[k].options[0], of[k].options[1]);
        eval_items(&c, "cut", text);
        eval_outcome r = eval_ok(&c, "cut", "--type=qamc --task=cut "
                                            "--path_ckpt=FOLDER/m.safetensors");
        const json_t *o = r.result;
        assert_int_equal(json_integer_value(json_object_get(o, "shortened")), of[k].shortened);
        assert_int_equal(json_integer_value(json_object_get(o, "options_cut")), of[k].cut);
        assert_int_equal(json_integer_value(json_object_get(o, "options_equal")), of[k].equal);
        assert_true((strstr(r.told, "options are cut to fit into 8") != NULL) == of[k].cut);
        assert_true((strstr(r.told, "options are the same text") != NULL) == of[k].equal);
        eval_outcome_release(&r);
    }
}

static double of_type(const eval_outcome *r, const char *type, const char *metric)
{
    const json_t *types = json_object_get(r->result, "types");
    const json_t *m = json_object_get(json_object_get(types, type), metric);
    if (!m) fail_msg("no type '%s' with %s", type, metric);
    return json_number_value(json_object_get(m, "value"));
}

/* Answers of the open-ended questions, read at positions `at` (NULL: the first). */
static void check_answers(const char *flags, const char *predictions, const int *at)
{
    double score[ASKED * WORDS], hits = 0;
    double by_type[2] = {0}; /* what, who */
    int times[WORDS + 1] = {0}, most = 1; /* that each is right, from -1 on */
    eval_direct(score, &c, "a.safetensors", VL_HEAD_ANSWER, asked_of, question, at, ASKED - 1);
    eval_outcome r = eval_ok(&c, "open", flags);
    json_t *lines = eval_lines(&c, predictions);
    assert_int_equal(json_array_size(lines), ASKED - 1);
    for (int i = 0; i < ASKED - 1; i++) {
        const json_t *line = json_array_get(lines, (size_t)i);
        const json_t *top = json_object_get(line, "top"), *first = json_array_get(top, 0);
        int best = 0;
        for (int k = 1; k < WORDS; k++)
            if (score[WORDS * i + k] > score[WORDS * i + best]) best = k;
        hits += best == right[i];
        by_type[!strstr(question[i], "what")] += best == right[i];
        assert_string_equal(json_string_value(json_object_get(first, "answer")), words[best]);
        assert_true(eval_near(json_number_value(json_object_get(first, "score")),
                         score[WORDS * i + best]));
        probability_is(first, score + WORDS * i, WORDS);
        times[right[i] + 1]++;
        assert_int_equal(json_integer_value(json_object_get(line, "number")), right[i]);
    }
    json_decref(lines);
    assert_true(eval_near(eval_metric_of(&r, "accuracy"), hits / 6));
    assert_true(eval_near(eval_metric_of(&r, "accuracy_listed"), hits / 5));
    for (int k = 2; k <= WORDS; k++) most = times[k] > times[most] ? k : most;
    assert_true(eval_near(chance_of(&r, "uniform"), 5.0 / WORDS / 6));
    assert_true(eval_near(chance_of(&r, "most_frequent"), times[most] / 6.0));
    assert_true(eval_near(of_type(&r, "what", "accuracy"), by_type[0] / 4));
    assert_true(eval_near(of_type(&r, "what", "accuracy_listed"), by_type[0] / 3));
    assert_true(eval_near(of_type(&r, "blank", "accuracy"), by_type[1] / 2));
    const json_t *m = eval_metric_json(&r, "accuracy_listed");
    assert_int_equal(json_integer_value(json_object_get(m, "n")), 5);
    eval_outcome_release(&r);
}

static void answers_are_what_the_model_says(void **state)
{
    (void)state;
    const int blank[ASKED] = {0, 0, 2, 0, 3, 0, 0}; /* behind [CLS] and the words before it */
    check_answers(OPEN "--predictions=FOLDER/oe.jsonl", "oe.jsonl", NULL);
    check_answers("--type=fib --task=oe --path_ckpt=FOLDER/a.safetensors "
                  "--predictions=FOLDER/fib.jsonl", "fib.jsonl", blank);
}

/* Types are the data's words: they may be called as metrics are, and an empty one is none. */
static void types_are_anything(void **state)
{
    (void)state;
    static const char *const types[5] = {"listed", "", "listed_what", "accuracy", " "};
    char text[2048] = "{\"train\": [";
    for (int i = 0; i < 5; i++)
        sprintf(text + strlen(text), "%s{\"video\": \"v%d\", \"question\": \"what\", "
                "\"answer\": \"cat\", \"type\": \"%s\"}", i ? ", " : "", i % 3, types[i]);
    strcat(text, "], \"vocab\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
    eval_items(&c, "types", text);
    eval_outcome r = eval_ok(&c, "types", "--type=qaoe --task=types "
                                          "--path_ckpt=FOLDER/a.safetensors");
    assert_int_equal(json_object_size(json_object_get(r.result, "metrics")), 2);
    assert_int_equal(json_object_size(json_object_get(r.result, "types")), 4);
    for (int i = 0; i < 5; i++) of_type(&r, *types[i] > ' ' ? types[i] : "what", "accuracy");
    eval_outcome_release(&r);
}

/* As many types as questions: values, but no intervals, which would take memory by the product. */
static void very_many_types(void **state)
{
    (void)state;
    enum { N = 1001 };
    char *text = malloc(N * 100 + 200), *at = text;
    at += sprintf(at, "{\"train\": [");
    for (int i = 0; i < N; i++)
        at += sprintf(at, "%s{\"video\": \"v%d\", \"question\": \"what\", \"answer\": \"cat\", "
                      "\"type\": \"t%d\"}", i ? ", " : "", i % 3, i);
    sprintf(at, "], \"vocab\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
    eval_items(&c, "many", text);
    free(text);
    eval_outcome r = eval_ok(&c, "many", "--type=qaoe --task=many "
                                         "--path_ckpt=FOLDER/a.safetensors");
    const json_t *types = json_object_get(r.result, "types"), *between;
    assert_int_equal(json_object_size(types), N);
    between = json_object_get(json_object_get(json_object_get(types, "t7"), "accuracy"),
                              "interval");
    assert_true(json_is_null(json_array_get(between, 0)));
    between = json_object_get(eval_metric_json(&r, "accuracy"), "interval");
    assert_true(json_is_real(json_array_get(between, 0)));
    eval_outcome_release(&r);
}

/* Videos that could not be scored are drawn by nobody. */
static void intervals_are_of_what_was_scored(void **state)
{
    (void)state;
    const json_t *between[2];
    eval_outcome r[2];
    for (int k = 0; k < 2; k++) {
        char text[4096] = "{\"train\": [";
        for (int i = 0; i < 36; i++) {
            bool bad = i % 2;
            if (bad && k == 0) continue;
            sprintf(text + strlen(text), "%s{\"video\": \"%s%d\", \"question\": \"what %s\", "
                    "\"answer\": \"%s\"}", i ? ", " : "", bad ? "gone" : "v",
                    bad ? i : (const int[]){0, 1, 2, 4, 5, 6}[i / 2 % 6],
                    i / 2 % 2 ? "here" : "runs",
                    words[i * i / 5 % 4]);
        }
        strcat(text, "], \"vocab\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
        eval_items(&c, "some", text);
        r[k] = eval_ok(&c, "some", "--type=qaoe --task=some --path_ckpt=FOLDER/a.safetensors");
        const json_t *types = json_object_get(r[k].result, "types");
        between[k] = json_object_get(json_object_get(json_object_get(types, "what"), "accuracy"),
                                     "interval");
    }
    assert_true(json_number_value(json_array_get(between[0], 0)) <
                json_number_value(json_array_get(between[0], 1)));
    assert_true(json_equal(between[0], between[1]));
    eval_outcome_release(&r[0]);
    eval_outcome_release(&r[1]);
}

/* What fine-tuning has written into a checkpoint wins over the file's list. */
static void answers_of_the_checkpoint(void **state)
{
    (void)state;
    const eval_weights own = {.heads = VL_HEAD_ANSWER, .size_answer = 2,
                              .task = "{\"type\": \"qaoe\", \"size_txt\": 9, "
                                      "\"answers\": [\"dog\", \"elsewhere\"]}"};
    eval_checkpoint(&c, "own.safetensors", &own);
    eval_outcome r = eval_ok(&c, "own", "--type=qaoe --task=oe --path_ckpt=FOLDER/own.safetensors "
                                        "--predictions=FOLDER/own.jsonl");
    json_t *lines = eval_lines(&c, "own.jsonl");
    static const int number[ASKED - 1] = {-1, 0, -1, 0, -1, 1};
    for (size_t i = 0; i < ASKED - 1; i++) {
        const json_t *line = json_array_get(lines, i);
        assert_int_equal(json_integer_value(json_object_get(line, "number")), number[i]);
        assert_int_equal(json_array_size(json_object_get(line, "top")), 2);
    }
    json_decref(lines);
    assert_int_equal(json_integer_value(json_object_get(
                         eval_metric_json(&r, "accuracy_listed"), "n")), 3);
    assert_non_null(strstr(r.told, "fine-tuned with size_txt 9, this is 8"));
    assert_non_null(strstr(r.told, "3 of its 4 are not among the 2 of the checkpoint"));
    eval_outcome_release(&r);
}

/* A list of the same length must not pass for the file's own; the same words in another order are
 * the same answers. */
static void answers_of_the_checkpoint_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *answers, *warning;
        int number;
    } of[] = {
        {"\"here\", \"bird\", \"dog\", \"cat\"", NULL, 3},
        {"\"cat\", \"dog\", \"bird\", \"there\"", "1 of its 4 are not among the 4", 0},
    };
    for (size_t k = 0; k < 2; k++) {
        char task[100];
        snprintf(task, sizeof task, "{\"type\": \"qaoe\", \"answers\": [%s]}", of[k].answers);
        eval_checkpoint(&c, "list.safetensors",
                        &(eval_weights){.heads = VL_HEAD_ANSWER, .task = task});
        eval_outcome r = eval_ok(&c, "list", "--type=qaoe --task=oe --predictions=FOLDER/l.jsonl "
                                             "--path_ckpt=FOLDER/list.safetensors");
        const char *told = strstr(r.told, "lists other answers than");
        if (of[k].warning ? !told || !strstr(told, of[k].warning) : told != NULL)
            fail_msg("%s", r.told);
        json_t *lines = eval_lines(&c, "l.jsonl");
        const json_t *first = json_array_get(lines, 0); /* the right answer is "cat" */
        assert_int_equal(json_integer_value(json_object_get(first, "number")), of[k].number);
        json_decref(lines);
        eval_outcome_release(&r);
    }
}

/* ---- after fine-tuning ----------------------------------------------------------------------- */

/* A fine-tuning's own test of its best weights, and their evaluation, are of one mind. */
static void fine_tuning_agrees(void **state)
{
    (void)state;
    static const struct {
        const char *type, *task, *metric[4];
    } of[] = {
        {"retrieval", "t", {"t2v_recall_1", "t2v_recall_5", "t2v_recall_10", "t2v_median_rank"}},
        {"qamc", "mc", {"accuracy"}},
        {"qaoe", "oe", {"accuracy", "accuracy_listed"}},
        {"fib", "oe", {"accuracy", "accuracy_listed"}},
    };
    for (size_t k = 0; k < 4; k++) {
        char flags[400], output[20];
        snprintf(output, sizeof output, "ft-%s", of[k].type);
        snprintf(flags, sizeof flags,
                 "--type=%s --task=%s --dataset=a --valid_split=train --test_split=train --steps=6 "
                 "--size_frame=2 --lr=3e-3", of[k].type, of[k].task);
        run_result tested = corpus_finetune_ok(&c, output, flags);
        assert_int_equal(tested.n_test, 1);
        snprintf(flags, sizeof flags, "--type=%s --task=%s --path_ckpt=FOLDER/%s/best.safetensors",
                 of[k].type, of[k].task, output);
        eval_outcome r = eval_ok(&c, "best", flags);
        for (int i = 0; i < 4 && of[k].metric[i]; i++)
            assert_true(eval_near(eval_metric_of(&r, of[k].metric[i]), tested.test[i]));
        assert_null(strstr(r.told, "was fine-tuned"));
        eval_outcome_release(&r);
    }
    eval_outcome r = eval_ok(&c, "best", "--type=qaoe --task=oe --size_frame=1 "
                                         "--path_ckpt=FOLDER/ft-fib/best.safetensors");
    assert_non_null(strstr(r.told, "was fine-tuned for fib, this is qaoe"));
    assert_non_null(strstr(r.told, "was fine-tuned with size_frame 2, this is 1"));
    eval_outcome_release(&r);
}

/* Also where everything is equal. */
static void fine_tuning_agrees_on_ties(void **state)
{
    (void)state;
    static const struct {
        const char *type, *task, *start;
        int n;
    } of[] = {{"retrieval", "t", "flat", 4}, {"qamc", "mc", "flat", 1},
              {"qaoe", "oe", "flat-a", 2}};
    static const char *const names[3][4] = {
        {"t2v_recall_1", "t2v_recall_5", "t2v_recall_10", "t2v_median_rank"},
        {"accuracy"}, {"accuracy", "accuracy_listed"}};
    eval_checkpoint(&c, "flat-a.safetensors",
                    &(eval_weights){.heads = VL_HEAD_ANSWER, .constant = true});
    for (size_t k = 0; k < 6; k++) {
        char flags[400], out[20];
        const char *compat = k < 3 ? "none" : "violet1";
        snprintf(flags, sizeof flags,
                 "--type=%s --task=%s --dataset=a --valid_split=train --test_split=train --steps=1 "
                 "--size_frame=2 --lr=0 --compat=%s --path_ckpt=FOLDER/%s.safetensors",
                 of[k % 3].type, of[k % 3].task, compat, of[k % 3].start);
        snprintf(out, sizeof out, "ties%zu", k);
        run_result tested = corpus_finetune_ok(&c, out, flags);
        snprintf(flags, sizeof flags, "--type=%s --task=%s --compat=%s "
                 "--path_ckpt=FOLDER/%s/best.safetensors", of[k % 3].type, of[k % 3].task, compat,
                 out);
        eval_outcome r = eval_ok(&c, "best", flags);
        for (int i = 0; i < of[k % 3].n; i++)
            if (!eval_near(eval_metric_of(&r, names[k % 3][i]), tested.test[i]))
                fail_msg("%s: %g, in fine-tuning %g", flags, eval_metric_of(&r, names[k % 3][i]),
                         tested.test[i]);
        eval_outcome_release(&r);
    }
}

/* ---- the real annotation files --------------------------------------------------------------- */

/* A picture of its own for every id of the split. */
static void make_pictures(const char *task, const char *dataset)
{
    char path[300];
    vl_pickle_writer *w;
    snprintf(path, sizeof path, REAL "/txt_%s.json", task);
    json_t *whole = json_load_file(path, 0, NULL), *seen = json_object(), *x;
    snprintf(path, sizeof path, "%s/img_%s.pkl", c.data, dataset);
    assert_int_equal(vl_pickle_create(&w, path), VIOLET_OK);
    size_t i;
    json_array_foreach(json_object_get(whole, "test"), i, x) {
        const char *id = json_string_value(json_object_get(x, "video"));
        if (json_object_get(seen, id)) continue;
        json_object_set_new(seen, id, json_true());
        char *jpeg = corpus_picture((int)i, 0);
        const char *frames[2] = {jpeg, jpeg};
        size_t n_bytes[2] = {strlen(jpeg), strlen(jpeg)};
        assert_int_equal(vl_pickle_put_strings(w, id, frames, n_bytes, 2), VIOLET_OK);
        free(jpeg);
    }
    assert_int_equal(vl_pickle_finish(w), VIOLET_OK);
    json_decref(whole);
    json_decref(seen);
    char from[300];
    snprintf(path, sizeof path, "%s/txt_%s.json", c.data, task);
    snprintf(from, sizeof from, "%s/" REAL "/txt_%s.json", getenv("PWD"), task);
    assert_int_equal(symlink(from, path), 0);
}

static void real_annotations(void **state)
{
    (void)state;
    static const struct {
        const char *args, *task, *dataset, *checkpoint, *metric;
    } of[] = {
        {"args_msrvtt-retrieval.json", "msrvtt-retrieval", "msrvtt", "rm", "t2v_recall_1"},
        {"args_tgif-action.json", "tgif-action", "tgif", "rm", "accuracy"},
        {"args_msvd-qa.json", "msvd-qa", "msvd", "ra", "accuracy_listed"},
    };
    if (!vl_file_exists(REAL "/txt_msvd-qa.json")) {
        print_message("no real annotations at " REAL "\n");
        skip();
    }
    eval_checkpoint(&c, "rm.safetensors",
                    &(eval_weights){.heads = VL_HEAD_MATCH, .size_vocab = 30522});
    eval_checkpoint(&c, "ra.safetensors", &(eval_weights){.heads = VL_HEAD_ANSWER,
                                                          .size_vocab = 30522,
                                                          .size_answer = 1000});
    for (size_t k = 0; k < 3; k++) {
        char args[200], flags[512];
        snprintf(args, sizeof args, REAL "/%s", of[k].args);
        make_pictures(of[k].task, of[k].dataset);
        snprintf(flags, sizeof flags,
                 "--data=FOLDER/data --path_ckpt=FOLDER/%s.safetensors --size_img=64",
                 of[k].checkpoint);
        eval_outcome r = eval_run(&c, of[k].task, args, 0, flags);
        if (r.status != VIOLET_OK) fail_msg("%s: %s", args, r.error);
        const json_t *left = json_object_get(r.result, "left_out");
        assert_int_equal(json_integer_value(json_object_get(left, "videos")), 0);
        assert_int_equal(json_integer_value(json_object_get(r.result, "scored_items")), 50);
        double value = eval_metric_of(&r, of[k].metric);
        assert_true(value >= 0 && value <= 1);
        eval_outcome_release(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retrieval_is_what_the_model_says),
        cmocka_unit_test(left_out_is_told),
        cmocka_unit_test(captions_without_a_video_are_not_scored),
        cmocka_unit_test(a_first_video_that_is_not_there_is_left_out),
        cmocka_unit_test(compat_keeps_the_last_caption),
        cmocka_unit_test(ties_share_the_middle),
        cmocka_unit_test(choices_are_what_the_model_says),
        cmocka_unit_test(long_questions_are_shortened_and_counted),
        cmocka_unit_test(answers_are_what_the_model_says),
        cmocka_unit_test(cut_and_equal_options_are_told),
        cmocka_unit_test(types_are_anything),
        cmocka_unit_test(very_many_types),
        cmocka_unit_test(intervals_are_of_what_was_scored),
        cmocka_unit_test(answers_of_the_checkpoint),
        cmocka_unit_test(answers_of_the_checkpoint_are_told),
        cmocka_unit_test(fine_tuning_agrees),
        cmocka_unit_test(fine_tuning_agrees_on_ties),
        cmocka_unit_test(real_annotations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
