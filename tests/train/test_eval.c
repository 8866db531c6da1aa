/* violet eval end to end over a tiny corpus: against the model asked pair by pair and a
 * fine-tuning's own test, several captions, ties, bad videos, stops, parts, caches, errors; and on
 * the real annotation files. */
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
#define RETRIEVAL "--type=retrieval --task=t --path_ckpt=FOLDER/m.safetensors "
#define CHOICE "--type=qamc --task=mc --path_ckpt=FOLDER/m.safetensors "
#define OPEN "--type=qaoe --task=oe --path_ckpt=FOLDER/a.safetensors "

static corpus c;

/* Item k of the retrieval task; v3 is a bad video, v9 is not there. v0 has three captions, and the
 * first of v1 and v4 are the same. */
enum { CAPTIONS = 10, VIDEOS = 6 };
static const char *const video_of[CAPTIONS] = {"v0", "v1", "v0", "v2", "v4",
                                               "v5", "v6", "v0", "v3", "v9"};
static const char *const caption[CAPTIONS] = {
    "red cat runs", "blue dog", "cat here", "green bird flies there now", "blue dog",
    "red", "dog sits here now", "now now now", "bird", "green"};
static const char *const scored[VIDEOS] = {"v0", "v1", "v2", "v4", "v5", "v6"};

/* first: in place of item 0's caption. */
static void write_retrieval(const char *name, const char *first)
{
    char text[2048] = "{\"train\": [";
    for (int i = 0; i < CAPTIONS; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "%s{\"video\": \"%s\", \"caption\": \"%s\"}", i ? ", " : "", video_of[i],
                 i ? caption[i] : first);
    strcat(text, "]}");
    eval_items(&c, name, text);
}

/* Questions: videos, texts, right answers; of -1 the word is not in the list. */
enum { ASKED = 7, OPTIONS = 3, WORDS = 4 };
static const char *const asked_of[ASKED] = {"v0", "v0", "v1", "v2", "v4", "v5", "v3"};
static const char *const question[ASKED] = {"what runs here", "what runs there", "who [MASK] now",
                                            "what runs here", "who sits [MASK]", "what is red",
                                            "what now"};
static const char *const option[OPTIONS] = {"red cat", "dog", "blue bird flies"};
static const int n_options[ASKED] = {3, 2, 3, 3, 2, 3, 3}, right[ASKED] = {0, 1, 2, 1, 0, -1, 0};
static const char *const words[WORDS] = {"cat", "dog", "bird", "here"};

static void write_questions(void)
{
    char mc[4096] = "{\"train\": [", oe[4096] = "{\"train\": [";
    for (int i = 0; i < ASKED; i++) {
        snprintf(mc + strlen(mc), sizeof mc - strlen(mc),
                 "%s{\"video\": \"%s\", \"question\": \"%s\", \"answer\": %d", i ? ", " : "",
                 asked_of[i], question[i], right[i]);
        for (int k = 0; k < n_options[i]; k++)
            snprintf(mc + strlen(mc), sizeof mc - strlen(mc), ", \"option_%d\": \"%s\"", k,
                     option[k]);
        strcat(mc, "}");
        snprintf(oe + strlen(oe), sizeof oe - strlen(oe),
                 "%s{\"video\": \"%s\", \"question\": \"%s\", \"answer\": \"%s\"}", i ? ", " : "",
                 asked_of[i], question[i], right[i] < 0 ? "elsewhere" : words[right[i]]);
    }
    strcat(mc, "]}");
    strcat(oe, "], \"vocab\": [\"cat\", \"dog\", \"bird\", \"here\"]}");
    eval_items(&c, "mc", mc);
    eval_items(&c, "oe", oe);
}

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add(&c, "a", 2, (const char *[]){"...j....", NULL}, NULL);
    eval_checkpoint(&c, "m.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH});
    eval_checkpoint(&c, "other.safetensors", &(eval_weights){.heads = VL_HEAD_MATCH, .seed = 4});
    eval_checkpoint(&c, "flat.safetensors",
                    &(eval_weights){.heads = VL_HEAD_MATCH, .constant = true});
    eval_checkpoint(&c, "a.safetensors", &(eval_weights){.heads = VL_HEAD_ANSWER});
    write_retrieval("t", caption[0]);
    write_retrieval("u", "red dog runs"); /* a word is another one */
    write_questions();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static double near(double a, double b)
{
    return fabs(a - b) <= 1e-4 * (1 + fabs(b));
}

static void remove_output(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "rm -rf %s/%s", c.folder, name);
    assert_int_equal(system(path), 0);
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

/* The score that a line's ranking gives a video with a caption. */
static double told(const json_t *lines, const char *video, const char *text)
{
    size_t i, k;
    json_t *line, *x;
    json_array_foreach(lines, i, line) {
        const char *q = json_string_value(json_object_get(line, "caption"));
        if (!q || strcmp(q, text) != 0) continue;
        json_array_foreach(json_object_get(line, "top"), k, x)
            if (strcmp(json_string_value(json_object_get(x, "video")), video) == 0)
                return json_number_value(json_object_get(x, "score"));
    }
    fail_msg("no score of %s with '%s'", video, text);
    return 0;
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
            v2t[v] += own ? 0 : near(score[v][i], best) ? 0.5 : score[v][i] > best;
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
            assert_true(near(told(lines, scored[v], caption[i]), score[v][i]));
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
    assert_true(near(eval_metric_of(&r, "v2t_recall_1"), share_to(v2t, VIDEOS, 1)));
    assert_true(near(eval_metric_of(&r, "t2v_mean_rank"), mean(t2v, N)));
    assert_true(near(eval_metric_of(&r, "v2t_mean_rank"), mean(v2t, VIDEOS)));
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
    assert_true(near(eval_metric_of(&r, "t2v_recall_1"), 1.0 / VIDEOS));
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
    assert_true(near(eval_metric_of(&r, "v2t_mean_rank"), (3.5 + 5 * 4.5) / 6));
    eval_outcome_release(&r);
    r = eval_ok(&c, "flat-mc", "--type=qamc --task=mc --path_ckpt=FOLDER/flat.safetensors");
    /* of six scored questions one has no answer, three are of three options, two of two */
    assert_true(near(eval_metric_of(&r, "accuracy_known"), (3 / 3.0 + 2 / 2.0) / 5));
    eval_outcome_release(&r);
}

/* ---- questions ------------------------------------------------------------------------------- */

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
        assert_true(near(json_number_value(json_object_get(first, "score")), score[3 * i + best]));
        assert_true(json_number_value(json_object_get(line, "right")) == (best == right[i]));
    }
    json_decref(lines);
    assert_true(near(eval_metric_of(&r, "accuracy"), hits / 6));
    assert_true(near(eval_metric_of(&r, "accuracy_known"), hits / 5));
    eval_outcome_release(&r);
}

/* Answers of the open-ended questions, read at positions `at` (NULL: the first). */
static void check_answers(const char *flags, const char *predictions, const int *at)
{
    double score[ASKED * WORDS], hits = 0;
    double by_type[2] = {0}; /* what, who */
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
        assert_true(near(json_number_value(json_object_get(first, "score")),
                         score[WORDS * i + best]));
        assert_int_equal(json_integer_value(json_object_get(line, "number")), right[i]);
    }
    json_decref(lines);
    assert_true(near(eval_metric_of(&r, "accuracy"), hits / 6));
    assert_true(near(eval_metric_of(&r, "accuracy_listed"), hits / 5));
    assert_true(near(eval_metric_of(&r, "accuracy_what"), by_type[0] / 4));
    assert_true(near(eval_metric_of(&r, "accuracy_listed_what"), by_type[0] / 3));
    assert_true(near(eval_metric_of(&r, "accuracy_blank"), by_type[1] / 2));
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
    eval_outcome_release(&r);
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
            assert_true(near(eval_metric_of(&r, of[k].metric[i]), tested.test[i]));
        assert_null(strstr(r.told, "was fine-tuned"));
        eval_outcome_release(&r);
    }
    eval_outcome r = eval_ok(&c, "best", "--type=qaoe --task=oe --size_frame=1 "
                                         "--path_ckpt=FOLDER/ft-fib/best.safetensors");
    assert_non_null(strstr(r.told, "was fine-tuned for fib, this is qaoe"));
    assert_non_null(strstr(r.told, "was fine-tuned with size_frame 2, this is 1"));
    eval_outcome_release(&r);
}

/* ---- stops, parts, caches -------------------------------------------------------------------- */

static const char *const kinds[] = {RETRIEVAL, CHOICE, OPEN};

static void same_files(const char *a, const char *b)
{
    corpus_same(&c, a, b, "scores.bin");
    corpus_same(&c, a, b, "result.json");
}

static void a_stop_changes_nothing(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        char flags[300];
        snprintf(flags, sizeof flags, "%s--predictions=FOLDER/whole/p.jsonl", kinds[k]);
        remove_output("whole");
        remove_output("stopped");
        eval_outcome r = eval_ok(&c, "whole", flags);
        int n = r.n_items;
        eval_outcome_release(&r);
        snprintf(flags, sizeof flags, "%s--predictions=FOLDER/stopped/p.jsonl", kinds[k]);
        for (int stops = 0; stops < 3; stops++) { /* a video each */
            r = eval_run(&c, "stopped", NULL, 1, flags);
            assert_int_equal(r.status, VIOLET_EINTERRUPTED);
            assert_int_equal(corpus_count(&c, "stopped", ""), 1); /* scores.bin */
        }
        r = eval_ok(&c, "stopped", flags);
        assert_int_equal(r.n_items, n - 3);
        eval_outcome_release(&r);
        same_files("whole", "stopped");
        corpus_same(&c, "whole", "stopped", "p.jsonl");
        r = eval_ok(&c, "stopped", kinds[k]); /* a finished one: nothing but the bad once more */
        assert_true(r.n_items <= 2 && !strstr(r.told, "pairs/s"));
        eval_outcome_release(&r);
        same_files("whole", "stopped");
    }
}

static void parts_make_the_same_whole(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        char flags[300];
        remove_output("whole");
        remove_output("parts");
        eval_outcome r = eval_ok(&c, "whole", kinds[k]);
        eval_outcome_release(&r);
        for (int i = 3; i >= 1; i--) {
            snprintf(flags, sizeof flags, "%s--shard=%d/3", kinds[k], i);
            r = eval_ok(&c, "parts", flags);
            assert_null(r.result);
            snprintf(flags, sizeof flags, "%s--merge=3", kinds[k]);
            if (i > 1) {
                r = eval_run(&c, "parts", NULL, 0, flags);
                assert_int_equal(r.status, VIOLET_EINVAL);
                assert_non_null(strstr(r.error, "not finished"));
                assert_false(corpus_has(&c, "parts", "scores.bin"));
            }
        }
        r = eval_ok(&c, "parts", flags);
        assert_non_null(r.result);
        eval_outcome_release(&r);
        same_files("whole", "parts");
    }
    eval_outcome r = eval_run(&c, "parts", NULL, 0, OPEN "--seed=2 --merge=2");
    assert_int_equal(r.status, VIOLET_EINVAL); /* parts of three, not of two */
    r = eval_run(&c, "parts", NULL, 0, OPEN "--size_txt=7 --merge=3");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "a part of another evaluation"));
}

static void folders_are_not_mixed_up(void **state)
{
    (void)state;
    const char *other = "--type=retrieval --task=t --path_ckpt=FOLDER/other.safetensors ";
    eval_outcome r = eval_run(&c, "mixed", NULL, 2, RETRIEVAL);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    r = eval_run(&c, "mixed", NULL, 0, other);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "--restart begins anew"));
    r = eval_run(&c, "mixed", NULL, 0, RETRIEVAL "--task=u");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "other items"));
    r = eval_ok(&c, "mixed", RETRIEVAL); /* the first one was not hurt */
    double first = eval_metric_of(&r, "t2v_mean_rank");
    eval_outcome_release(&r);
    r = eval_ok(&c, "mixed", other); /* what is finished is replaced */
    assert_true(eval_metric_of(&r, "t2v_mean_rank") != first);
    eval_outcome_release(&r);
    r = eval_run(&c, "again", NULL, 2, RETRIEVAL);
    assert_int_equal(r.status, VIOLET_EINTERRUPTED);
    r = eval_run(&c, "again", NULL, 0, "--type=retrieval --task=t --restart=true "
                                       "--path_ckpt=FOLDER/other.safetensors");
    assert_int_equal(r.status, VIOLET_OK);
    eval_outcome_release(&r);
    same_files("mixed", "again");
    r = eval_run(&c, "", NULL, 0, RETRIEVAL); /* no folder at all */
    assert_int_equal(r.status, VIOLET_OK);
    assert_true(eval_metric_of(&r, "t2v_mean_rank") == first);
    eval_outcome_release(&r);
}

static void caches_are_used(void **state)
{
    (void)state;
    eval_outcome r = eval_ok(&c, "cached", RETRIEVAL "--cache=FOLDER/videos.cache");
    assert_non_null(strstr(r.told, "and 6 videos in"));
    double rank = eval_metric_of(&r, "t2v_mean_rank");
    eval_outcome_release(&r);
    r = eval_ok(&c, "plain", RETRIEVAL);
    eval_outcome_release(&r);
    same_files("cached", "plain");
    r = eval_ok(&c, "cached", RETRIEVAL "--cache=FOLDER/videos.cache --size_txt=7");
    assert_non_null(strstr(r.told, "and 0 videos in"));
    eval_outcome_release(&r);
    r = eval_run(&c, "other", NULL, 0, "--type=retrieval --task=t --cache=FOLDER/videos.cache "
                                       "--path_ckpt=FOLDER/other.safetensors");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "other weights"));
    r = eval_ok(&c, "half", RETRIEVAL "--cache_dtype=bfloat16 --predictions=FOLDER/half.jsonl");
    assert_true(fabs(eval_metric_of(&r, "t2v_mean_rank") - rank) < 1);
    eval_outcome_release(&r);
    json_t *half = eval_lines(&c, "half.jsonl"), *whole;
    r = eval_ok(&c, "plain", RETRIEVAL "--predictions=FOLDER/plain.jsonl");
    eval_outcome_release(&r);
    whole = eval_lines(&c, "plain.jsonl");
    double a = told(half, "v0", "red cat runs"), b = told(whole, "v0", "red cat runs");
    assert_true(a != b && fabs(a - b) < 0.1 * (1 + fabs(b)));
    json_decref(half);
    json_decref(whole);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void wrong_runs_are_told(void **state)
{
    (void)state;
    eval_fails(&c, VIOLET_EINVAL, "'type' is 'caption', expected", "--type=caption --task=t");
    eval_fails(&c, VIOLET_EINVAL, "--checkpoint", "--type=retrieval --task=t");
    eval_fails(&c, VIOLET_EINVAL, "--items", "--type=retrieval --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_EIO, "gone.pt", "--type=qamc --task=mc --path_ckpt=FOLDER/gone.pt");
    eval_fails(&c, VIOLET_EINVAL, "size_img 65", RETRIEVAL "--size_img=65");
    eval_fails(&c, VIOLET_ESHAPE, "has no head of answers",
               "--type=qaoe --task=oe --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_ESHAPE, "has no head that matches",
               "--type=retrieval --task=t --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "long", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                           "\"answer\": 1}], \"vocab\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}");
    eval_fails(&c, VIOLET_ESHAPE, "has 4 answers, the list of",
               "--type=qaoe --task=long --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "none", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                           "\"answer\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "no list of answers",
               "--type=qaoe --task=none --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "whole", "{\"train\": [{\"video\": \"v0\", \"question\": \"what\", "
                            "\"answer\": 1}], \"vocab\": [\"a\", \"b\"]}");
    eval_fails(&c, VIOLET_EFORMAT, "no sentence has a blank",
               "--type=fib --task=whole --path_ckpt=FOLDER/a.safetensors");
    eval_items(&c, "far", "{\"train\": [{\"video\": \"x\", \"caption\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "none of the 1 videos",
               "--type=retrieval --task=far --path_ckpt=FOLDER/m.safetensors");
    eval_items(&c, "bad", "{\"train\": [{\"video\": \"v3\", \"caption\": \"cat\"}]}");
    eval_fails(&c, VIOLET_EFORMAT, "none of its videos could be scored",
               "--type=retrieval --task=bad --path_ckpt=FOLDER/m.safetensors");
    eval_fails(&c, VIOLET_EINVAL, "one of them", RETRIEVAL "--shard=1/2 --merge=2");
    eval_fails(&c, VIOLET_EINVAL, "2 or more", RETRIEVAL "--merge=1");
    eval_fails(&c, VIOLET_EINVAL, "--merge writes them", RETRIEVAL "--shard=1/2 --predictions=x");
    eval_fails(&c, VIOLET_EINVAL, "shard is '3/2'", RETRIEVAL "--shard=3/2");
    eval_fails(&c, VIOLET_EINVAL, "parts need a folder", RETRIEVAL "--shard=1/2 --output=");
    eval_fails(&c, VIOLET_ESHAPE, "2 x 2", RETRIEVAL "--size_img=96");
    assert_int_equal(corpus_count(&c, "wrong", ""), 0); /* nothing that would be in the way */
    eval_fails(&c, VIOLET_EIO, "nowhere/p.jsonl", RETRIEVAL "--predictions=FOLDER/nowhere/p.jsonl");
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
        cmocka_unit_test(compat_keeps_the_last_caption),
        cmocka_unit_test(ties_share_the_middle),
        cmocka_unit_test(choices_are_what_the_model_says),
        cmocka_unit_test(answers_are_what_the_model_says),
        cmocka_unit_test(answers_of_the_checkpoint),
        cmocka_unit_test(fine_tuning_agrees),
        cmocka_unit_test(a_stop_changes_nothing),
        cmocka_unit_test(parts_make_the_same_whole),
        cmocka_unit_test(folders_are_not_mixed_up),
        cmocka_unit_test(caches_are_used),
        cmocka_unit_test(wrong_runs_are_told),
        cmocka_unit_test(real_annotations),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
