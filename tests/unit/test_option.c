/* The option table: text, flags and JSON in, JSON, help and man page out, and every kind of wrong
 * value refused in words. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/option.h"
#include "base/status.h"

typedef struct settings {
    int size_img;
    int64_t seed;
    double lr;
    bool fast, shuffle;
    char *out_dir, *name;
    int pad;
} settings;

static const vl_option table[] = {
    VL_OPTION_INT(settings, size_img, "224", 32, 1024, "Picture", "side of the pictures"),
    VL_OPTION_INT64(settings, seed, "-5", 0, 0, "Training", "seed of everything random"),
    VL_OPTION_DOUBLE(settings, lr, "1.2e-5", 0, 1, "Training", "learning rate"),
    VL_OPTION_BOOL(settings, fast, "false", "Training", "skip the checks"),
    VL_OPTION_BOOL(settings, shuffle, "true", "Training", "mix the samples"),
    VL_OPTION_PATH_ALSO(settings, out_dir, "output", NULL, NULL, "where to write"),
    VL_OPTION_STRING(settings, name, "a.b", NULL, ".what it is called"),
    VL_OPTION_ENUM(settings, pad, "exact", "exact|compat", "Picture", "how to pad"),
    {0},
};

/* Strings that have usual words, or take a file instead. */
static const vl_option words[] = {
    VL_OPTION_WORD(settings, name, NULL, "one|two", NULL, "which"),
    VL_OPTION_PATH_OR(settings, out_dir, NULL, "one|two", NULL,
                      "which of the many folders that there are, and it goes on"),
    {0},
};

static int init(void **state)
{
    settings *s = calloc(1, sizeof *s);
    *state = s;
    return s && vl_option_defaults(table, s) == VIOLET_OK ? 0 : -1;
}

static int release(void **state)
{
    vl_option_release(table, *state);
    free(*state);
    return 0;
}

static void defaults(void **state)
{
    settings *s = *state;
    assert_int_equal(s->size_img, 224);
    assert_int_equal(s->seed, -5);
    assert_true(s->lr == 1.2e-5);
    assert_false(s->fast);
    assert_true(s->shuffle);
    assert_null(s->out_dir);
    assert_string_equal(s->name, "a.b");
    assert_int_equal(s->pad, 0);
}

static void refused(settings *s, const char *name, const char *value, const char *message)
{
    assert_int_equal(vl_option_set(table, s, name, value), VIOLET_EINVAL);
    assert_string_equal(violet_error(), message);
}

static void wrong_values_are_refused_in_words(void **state)
{
    settings *s = *state;
    refused(s, "size_img", "31",
            "option size_img is '31', expected a whole number from 32 to 1024");
    refused(s, "size_img", "1025",
            "option size_img is '1025', expected a whole number from 32 to 1024");
    refused(s, "size_img", "64x",
            "option size_img is '64x', expected a whole number from 32 to 1024");
    refused(s, "seed", "9223372036854775808",
            "option seed is '9223372036854775808', expected a whole number");
    refused(s, "seed", "", "option seed is '', expected a whole number");
    refused(s, "seed", " 1", "option seed is ' 1', expected a whole number");
    refused(s, "lr", "nan", "option lr is 'nan', expected a number from 0 to 1");
    refused(s, "lr", "1e999", "option lr is '1e999', expected a number from 0 to 1");
    refused(s, "fast", "maybe", "option fast is 'maybe', expected true or false");
    refused(s, "pad", "comp", "option pad is 'comp', expected one of exact|compat; did you mean 'compat'?");
    refused(s, "pad", "", "option pad is '', expected one of exact|compat");
    refused(s, "size_imgs", "1", "unknown option 'size_imgs'; did you mean 'size_img'?");
    refused(s, "sise-img", "1", "unknown option 'sise-img'; did you mean 'size_img'?");
    refused(s, "zzzzzzzz", "1", "unknown option 'zzzzzzzz'");
    defaults(state); /* and nothing changed */
}

static void limits_are_allowed(void **state)
{
    settings *s = *state;
    assert_int_equal(vl_option_set(table, s, "size-img", "32"), VIOLET_OK);
    assert_int_equal(vl_option_set(table, s, "size_img", "1024"), VIOLET_OK);
    assert_int_equal(vl_option_set(table, s, "lr", "0"), VIOLET_OK);
    assert_int_equal(vl_option_set(table, s, "seed", "-9223372036854775808"), VIOLET_OK);
    assert_true(s->size_img == 1024 && s->lr == 0 && s->seed == INT64_MIN);
}

static void flags_in_every_spelling(void **state)
{
    settings *s = *state;
    char *argv[] = {"in.tsv", "--size-img", "64", "--out_dir=a=b", "--fast", "--no-shuffle",
                    "--pad=compat", "--seed", "-7", "-", "--", "--lr"};
    char *rest[12];
    int n;
    assert_int_equal(vl_option_args(table, s, 12, argv, rest, &n), VIOLET_OK);
    assert_int_equal(n, 3);
    assert_string_equal(rest[0], "in.tsv");
    assert_string_equal(rest[1], "-");
    assert_string_equal(rest[2], "--lr");
    assert_int_equal(s->size_img, 64);
    assert_string_equal(s->out_dir, "a=b");
    assert_true(s->fast);
    assert_false(s->shuffle);
    assert_int_equal(s->pad, 1);
    assert_int_equal(s->seed, -7);
    argv[0] = "--lr";
    assert_int_equal(vl_option_args(table, s, 1, argv, rest, &n), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "option lr: its value is missing");
    argv[0] = "--no-lr";
    assert_int_equal(vl_option_args(table, s, 1, argv, rest, &n), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "option lr takes a value, expected --lr VALUE");
    argv[0] = "--fats";
    assert_int_equal(vl_option_args(table, s, 1, argv, rest, &n), VIOLET_EINVAL);
    assert_string_equal(violet_error(), "unknown option 'fats'; did you mean 'fast'?");
}

static violet_status load(settings *s, const char *text)
{
    static const char *const ignored[] = {"comment", NULL};
    json_t *object = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(object);
    violet_status status = vl_option_load(table, s, object, ignored);
    json_decref(object);
    return status;
}

static void json_there_and_back(void **state)
{
    settings *s = *state, back = {0};
    json_t *object;
    assert_int_equal(load(s, "{\"size_img\": 96, \"lr\": 1, \"fast\": true, \"out_dir\": \"x\","
                             "\"name\": null, \"pad\": \"compat\", \"comment\": [1]}"),
                     VIOLET_OK);
    assert_int_equal(s->size_img, 96);
    assert_true(s->lr == 1.0);
    assert_null(s->name);
    assert_int_equal(vl_option_json(&object, table, s), VIOLET_OK);
    assert_int_equal(vl_option_defaults(table, &back), VIOLET_OK);
    assert_int_equal(vl_option_load(table, &back, object, NULL), VIOLET_OK);
    assert_int_equal(back.size_img, 96);
    assert_int_equal(back.seed, -5);
    assert_true(back.lr == 1.0);
    assert_true(back.fast && back.shuffle);
    assert_string_equal(back.out_dir, "x");
    assert_null(back.name);
    assert_int_equal(back.pad, 1);
    json_decref(object);
    vl_option_release(table, &back);
}

static void json_of_wrong_types(void **state)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"[]", "options: expected a JSON object at the top"},
        {"{\"size_img\": 96.5}",
         "option size_img is '96.5', expected a whole number from 32 to 1024"},
        {"{\"size_img\": \"96\"}",
         "option size_img is '96', expected a whole number from 32 to 1024"},
        {"{\"lr\": 2}", "option lr is '2', expected a number from 0 to 1"},
        {"{\"fast\": 1}", "option fast is '1', expected true or false"},
        {"{\"pad\": null}", "option pad is 'null', expected one of exact|compat"},
        {"{\"name\": [1]}", "option name is [1], expected a string"},
        {"{\"size_batch\": 1}", "unknown option 'size_batch'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(load(*state, cases[i].json), VIOLET_EINVAL);
        assert_string_equal(violet_error(), cases[i].message);
    }
    defaults(state);
}

/* A second name does wherever one is read; written is the first. */
static void second_names(void **state)
{
    settings *s = *state;
    char *argv[] = {"--output=b", NULL}, *rest[1];
    int n_rest;
    assert_int_equal(vl_option_set(table, s, "output", "a"), VIOLET_OK);
    assert_string_equal(s->out_dir, "a");
    assert_int_equal(vl_option_args(table, s, 1, argv, rest, &n_rest), VIOLET_OK);
    assert_string_equal(s->out_dir, "b");
    json_t *object = json_pack("{s:s}", "output", "c"), *saved;
    assert_int_equal(vl_option_load(table, s, object, NULL), VIOLET_OK);
    assert_string_equal(s->out_dir, "c");
    assert_int_equal(vl_option_json(&saved, table, s), VIOLET_OK);
    assert_string_equal(json_string_value(json_object_get(saved, "out_dir")), "c");
    assert_null(json_object_get(saved, "output"));
    json_decref(object);
    json_decref(saved);
}

static void help_and_man(void **state)
{
    (void)state;
    vl_buf b = {0};
    assert_int_equal(vl_option_help(&b, table), VIOLET_OK);
    assert_string_equal(b.data,
                        "Picture:\n"
                        "  --size-img N                side of the pictures (default 224; "
                        "32 to 1024)\n"
                        "  --pad exact|compat          how to pad (default exact)\n"
                        "Training:\n"
                        "  --seed N                    seed of everything random (default -5)\n"
                        "  --lr X                      learning rate (default 1.2e-5; 0 to 1)\n"
                        "  --fast                      skip the checks\n"
                        "  --[no-]shuffle              mix the samples (default true)\n"
                        "Options:\n"
                        "  --out-dir PATH              where to write, also --output\n"
                        "  --name TEXT                 .what it is called (default a.b)\n");
    vl_buf_clear(&b);
    assert_int_equal(vl_option_help(&b, words), VIOLET_OK);
    assert_string_equal(b.data, "Options:\n"
                                "  --name one|two              which\n"
                                "  --out-dir one|two|PATH      which of the many folders that there are, and it\n"
                                "                              goes on\n");
    vl_buf_clear(&b);
    assert_int_equal(vl_option_man(&b, table), VIOLET_OK);
    assert_non_null(strstr(b.data, ".SS Picture\n.TP\n.B \\-\\-size\\-img N\n\\&side of the "
                                   "pictures (default 224; 32 to 1024).\n"));
    assert_non_null(strstr(b.data, "\n\\&.what it is called"));
    vl_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, init, release),
        cmocka_unit_test_setup_teardown(wrong_values_are_refused_in_words, init, release),
        cmocka_unit_test_setup_teardown(limits_are_allowed, init, release),
        cmocka_unit_test_setup_teardown(flags_in_every_spelling, init, release),
        cmocka_unit_test_setup_teardown(json_there_and_back, init, release),
        cmocka_unit_test_setup_teardown(json_of_wrong_types, init, release),
        cmocka_unit_test_setup_teardown(second_names, init, release),
        cmocka_unit_test_setup_teardown(help_and_man, init, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
