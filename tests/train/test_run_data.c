/* A run goes on with the data that it was begun with, or is refused; and whatever a state says, a
 * run comes to an end. */
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

#include "corpus.h"

/* Two batches an epoch. */
#define RUN "--type=qaoe --task=oe --dataset=eight --size_frame=2 --lr=1e-3 "

static corpus c;

typedef struct questions {
    int n;
    const char *word;
} questions;

static bool put_question(char *to, size_t room, const char *split, int i, const void *user)
{
    static const char *const answer[] = {"cat", "dog", "bird", "red"};
    const questions *q = user;
    bool other = strcmp(split, "other") == 0;
    if (i == (other || strcmp(split, "train") == 0 ? q->n : 4)) return false;
    snprintf(to, room, "\"video\": \"v%d\", \"question\": \"now %s there\", \"answer\": \"%s\"",
             (i + other) % 8, q->word, answer[i % 4]);
    return true;
}

/* data/txt_NAME.json: splits train, other, val, test of n, n, 4, 4 questions; `word` is in them. */
static void write_items(const char *name, int n, const char *word)
{
    static const char *const splits[] = {"train", "other", "val", "test", NULL};
    corpus_items(&c, name, splits, put_question, &(questions){n, word});
}

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add_videos(&c, "eight", 8, 2, NULL);
    write_items("oe", 8, "red");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static void refused(const char *output, const char *flags, const char *says)
{
    run_result r = corpus_finetune(&c, output, flags, 0);
    if (r.status != VIOLET_EINVAL || !strstr(r.error, says))
        fail_msg("%s: %d '%s' does not say '%s'", flags, r.status, r.error, says);
    assert_null(strchr(r.error, '\n'));
    assert_int_equal(r.n_steps, 0);
}

/* ---- the same data --------------------------------------------------------------------------- */

static void another_number_of_batches_is_refused(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "cut", RUN "--size_epoch=3");
    write_items("oe", 4, "red");
    refused("cut", RUN "--size_epoch=4 --resume",
            "had 2 batches an epoch of eight, now there are 1");
    write_items("oe", 8, "red");
    run_result r = corpus_finetune_ok(&c, "cut", RUN "--size_epoch=4 --resume");
    assert_int_equal(r.n_steps, 2);
    assert_int_equal(r.n_valid, 1);
}

static void other_texts_and_splits_are_refused(void **state)
{
    (void)state;
    assert_int_equal(corpus_finetune(&c, "texts", RUN, 1).status, VIOLET_EINTERRUPTED);
    write_items("oe", 8, "green");
    refused("texts", RUN "--resume", "training data of eight");
    write_items("oe", 8, "red");
    refused("texts", RUN "--resume --dataset=eight:other",
            "split 'train' of eight, this is 'other'");
    refused("texts", RUN "--resume --valid_batches=1", "'valid_batches'");
    corpus_finetune_ok(&c, "texts", RUN "--resume");
}

static void other_validation_data_are_refused(void **state)
{
    (void)state;
    char text[2000] = "{\"train\": [";
    for (int i = 0; i < 4; i++)
        sprintf(text + strlen(text), "%s{\"video\": \"v%d\", \"question\": \"red\", \"answer\": "
                "\"cat\"}", i ? ", " : "", i);
    char other[2100];
    const char *end = "], \"val\": [{\"video\": \"v0\", \"question\": \"%s\", "
                      "\"answer\": \"cat\"}]}";
    const char *flags = RUN "--task=val --test_split=";
    snprintf(other, sizeof other, end, "red");
    strcat(text, other);
    corpus_write(&c, "data/txt_val.json", text);
    assert_int_equal(corpus_finetune(&c, "valid", flags, 1).status, VIOLET_EINTERRUPTED);
    memcpy(strstr(strstr(text, "val"), "red"), "dog", 3);
    corpus_write(&c, "data/txt_val.json", text);
    refused("valid", RUN "--task=val --test_split= --resume", "validation data of eight");
}

static void another_vocabulary_is_refused(void **state)
{
    (void)state;
    char path[200], line[200], other[200];
    snprintf(path, sizeof path, "%s/vocab.txt", c.folder);
    snprintf(other, sizeof other, "%s/other.txt", c.folder);
    FILE *from = fopen(path, "r"), *to = fopen(other, "w");
    assert_true(from && to);
    while (fgets(line, sizeof line, from)) fputs(strcmp(line, "flies\n") ? line : "flown\n", to);
    fclose(from);
    fclose(to);
    assert_int_equal(corpus_finetune(&c, "vocab", RUN, 1).status, VIOLET_EINTERRUPTED);
    refused("vocab", RUN "--resume --vocab=FOLDER/other.txt", "vocabulary");
    corpus_finetune_ok(&c, "vocab", RUN "--resume");
}

static void data_that_moved_are_the_same(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "cd %s && cp -r data moved", c.folder);
    corpus_finetune_ok(&c, "stays", RUN);
    assert_int_equal(corpus_finetune(&c, "moves", RUN, 1).status, VIOLET_EINTERRUPTED);
    assert_int_equal(system(command), 0);
    corpus_finetune_ok(&c, "moves", RUN "--resume --data=FOLDER/moved");
    corpus_same(&c, "stays", "moves", "steps.jsonl");
    corpus_same(&c, "stays", "moves", "test.json");
}

static void pretraining_data_are_the_same(void **state)
{
    (void)state;
    const char *flags = "--dataset=p --steps=3 --lr=1e-3";
    corpus_add(&c, "p", 1, (const char *[]){"........", NULL}, "....");
    corpus_run_ok(&c, "pre", flags);
    corpus_add(&c, "p", 1, (const char *[]){".......c", NULL}, "....");
    run_result r = corpus_run(&c, "pre", "--dataset=p --steps=4 --lr=1e-3 --resume");
    assert_int_equal(r.status, VIOLET_EINVAL);
    if (!strstr(r.error, "training data of p")) fail_msg("%s", r.error);
}

/* ---- what a state says ----------------------------------------------------------------------- */

/* Writes FOLDER/OUTPUT/last.safetensors anew, its state changed by `change`. */
static void change_state(const char *output, void (*change)(json_t *state, const json_t *value),
                         const json_t *value)
{
    size_t n;
    char path[200], *bytes = corpus_read(&n, &c, output, "last.safetensors");
    uint64_t n_header;
    memcpy(&n_header, bytes, 8);
    json_t *header = json_loadb(bytes + 8, n_header, 0, NULL);
    json_t *metadata = json_object_get(header, "__metadata__");
    json_t *s = json_loads(json_string_value(json_object_get(metadata, "state")), 0, NULL);
    assert_non_null(s);
    change(s, value);
    char *text = json_dumps(s, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_object_set_new(metadata, "state", json_string(text));
    char *whole = json_dumps(header, JSON_COMPACT);
    snprintf(path, sizeof path, "%s/%s/last.safetensors", c.folder, output);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    uint64_t length = (strlen(whole) + 7) / 8 * 8;
    fwrite(&length, 8, 1, f);
    fprintf(f, "%-*s", (int)length, whole);
    fwrite(bytes + 8 + n_header, 1, n - 8 - n_header, f);
    assert_int_equal(fclose(f), 0);
    json_decref(s);
    json_decref(header);
    free(whole);
    free(text);
    free(bytes);
}

static const char *changed_key;

static void set_value(json_t *state, const json_t *value)
{
    json_object_set_new(state, changed_key, json_deep_copy(value));
}

static void drop_data(json_t *state, const json_t *value)
{
    (void)value;
    json_object_del(state, "data");
}

static void a_hostile_state_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *says;
    } cases[] = {
        {"step", "-3", "'step' is no number"},
        {"step", "3", "step 3 is not that of"},
        {"step", "\"x\"", "'step' is no number"},
        {"epoch", "9007199254740992", "not that of"},
        {"samples", "-1", "'samples' is no number"},
        {"finished", "99", "not that of"},
        {"unit", "7", "units of"},
        {"log", "[1]", "'log' is no object"},
        {"log", "{\"eight\": 3}", "'log' of 'eight' is no object"},
        {"log", "{\"eight\": {\"ls_qaoe\": 3}}", "'ls_qaoe' in 'log' is no list"},
        {"best", "{\"step\": -1}", "'best step' is no number"},
    };
    char command[200];
    corpus_finetune_ok(&c, "kept", RUN "--size_epoch=1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command, "cd %s && rm -rf hostile && cp -r kept hostile",
                 c.folder);
        assert_int_equal(system(command), 0);
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);
        changed_key = cases[i].key;
        change_state("hostile", set_value, value);
        json_decref(value);
        run_result r = corpus_finetune(&c, "hostile", RUN "--size_epoch=2 --resume", 0);
        if (r.status != VIOLET_EFORMAT || !strstr(r.error, cases[i].says) ||
            !strstr(r.error, "last.safetensors"))
            fail_msg("%s %s: %d %s", cases[i].key, cases[i].value, r.status, r.error);
    }
}

/* A state of before there was `data` goes on, and comes to an end whatever its data are now. */
static void a_state_that_does_not_tell_its_data_goes_on(void **state)
{
    (void)state;
    corpus_finetune_ok(&c, "older", RUN "--size_epoch=3");
    change_state("older", drop_data, NULL);
    run_result r = corpus_finetune_ok(&c, "older", RUN "--size_epoch=4 --resume");
    assert_int_equal(r.n_steps, 2);
    change_state("older", drop_data, NULL);
    write_items("oe", 4, "red");
    r = corpus_finetune(&c, "older", RUN "--size_epoch=5 --resume", 0);
    write_items("oe", 8, "red");
    assert_int_equal(r.status, VIOLET_EFORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_number_of_batches_is_refused),
        cmocka_unit_test(other_texts_and_splits_are_refused),
        cmocka_unit_test(other_validation_data_are_refused),
        cmocka_unit_test(another_vocabulary_is_refused),
        cmocka_unit_test(data_that_moved_are_the_same),
        cmocka_unit_test(pretraining_data_are_the_same),
        cmocka_unit_test(a_hostile_state_is_told),
        cmocka_unit_test(a_state_that_does_not_tell_its_data_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
