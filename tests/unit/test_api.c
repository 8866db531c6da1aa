/* The options handle and the thin calls of violet.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "make_data.h"
#include "violet.h"

static void says(const char *word)
{
    if (!strstr(violet_error(), word)) fail_msg("no '%s' in '%s'", word, violet_error());
}

static void knows_its_commands(void **state)
{
    (void)state;
    violet_options *o;
    assert_int_equal(violet_options_new(&o, "dance"), VIOLET_EINVAL);
    assert_null(o);
    says("dance");
    violet_options_free(NULL);
    violet_text_free(NULL);
    assert_true(strlen(violet_version()) >= 5);
}

static void tells_of_itself(void **state)
{
    static const char *const words[] = {"pretrain", "plan", "info"};
    char *text = NULL, first[64];
    (void)state;
    assert_int_equal(violet_about(&text), VIOLET_OK);
    snprintf(first, sizeof first, "violet %s\n", violet_version());
    assert_int_equal(strncmp(text, first, strlen(first)), 0);
    assert_non_null(strstr(text, "oneDNN "));
    assert_non_null(strstr(text, "processor: "));
    violet_text_free(text);
    assert_int_equal(violet_nearest("plna", words, 3), 1);
    assert_int_equal(violet_nearest("inof", words, 2), -1);
    assert_int_equal(violet_nearest("inof", words, 3), 2);
}

/* Every kind of option, as the table has it. */
static void describes_options(void **state)
{
    violet_options *o;
    violet_option_facts f;
    int seen[5] = {0}, n = 0;
    (void)state;
    assert_int_equal(violet_options_new(&o, "finetune"), VIOLET_OK);
    assert_int_equal(violet_options_describe(&f, o, -1), 0);
    for (; violet_options_describe(&f, o, n); n++) {
        assert_true(*f.name && *f.help);
        seen[f.kind]++;
        if (strcmp(f.name, "path_ckpt") == 0) assert_string_equal(f.also, "checkpoint");
        if (strcmp(f.name, "type") == 0)
            assert_string_equal(f.choices, "retrieval|qamc|qaoe|fib");
        if (strcmp(f.name, "config") == 0) assert_int_equal(f.kind, VIOLET_OPTION_PATH);
        if (strcmp(f.name, "lr") == 0) assert_string_equal(f.fallback, "1.2e-5");
    }
    assert_true(n > 30);
    for (int k = 0; k < 5; k++) assert_true(seen[k]);
    violet_options_free(o);
}

static void refuses_another_commands_options(void **state)
{
    (void)state;
    violet_options *o;
    violet_plan_report r;
    assert_int_equal(violet_options_new(&o, "pretrain"), VIOLET_OK);
    assert_int_equal(violet_plan(&r, o), VIOLET_EINVAL);
    says("expected those of 'plan'");
    violet_options_free(o);
    assert_int_equal(violet_options_new(&o, "plan"), VIOLET_OK);
    assert_int_equal(violet_pretrain(o, NULL), VIOLET_EINVAL);
    violet_options_free(o);
}

static void sets_and_parses(void **state)
{
    (void)state;
    violet_options *o;
    char *argv[] = {"a.json", "--size-batch", "3", "--no-checkpointing", "b", "--", "--c", NULL};
    int n;
    assert_int_equal(violet_options_new(&o, "plan"), VIOLET_OK);
    assert_int_equal(violet_options_set(o, "size_frame", "2"), VIOLET_OK);
    assert_int_equal(violet_options_set(o, "size_frme", "2"), VIOLET_EINVAL);
    says("'size_frame'");
    assert_int_equal(violet_options_parse(o, 7, argv, &n), VIOLET_OK);
    assert_int_equal(n, 3);
    assert_string_equal(argv[0], "a.json");
    assert_string_equal(argv[1], "b");
    assert_string_equal(argv[2], "--c");
    const char *json = violet_options_json(o);
    assert_non_null(strstr(json, "\"size_batch\": 3"));
    assert_non_null(strstr(json, "\"size_frame\": 2"));
    assert_non_null(strstr(violet_options_help(o), "--size-frame"));
    assert_non_null(strstr(violet_options_man(o), ".TP"));
    violet_options_free(o);
}

/* What one handle writes another reads, and args files of other commands and of the reference. */
static void loads_what_it_wrote(void **state)
{
    (void)state;
    char folder[64], path[128], *first;
    violet_options *o, *p;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/args.json", folder);
    assert_int_equal(violet_options_new(&o, "pretrain"), VIOLET_OK);
    assert_int_equal(violet_options_set(o, "lr", "0.00012"), VIOLET_OK);
    assert_int_equal(violet_options_set(o, "size_batch", "7"), VIOLET_OK);
    first = strdup(violet_options_json(o));
    write_text(folder, "args.json", first, strlen(first));
    assert_int_equal(violet_options_new(&p, "pretrain"), VIOLET_OK);
    assert_int_equal(violet_options_load(p, path), VIOLET_OK);
    assert_string_equal(violet_options_json(p), first);
    violet_options_free(p);
    assert_int_equal(violet_options_new(&p, "plan"), VIOLET_OK);
    assert_int_equal(violet_options_load(p, path), VIOLET_OK);
    assert_non_null(strstr(violet_options_json(p), "\"size_batch\": 7"));
    static const char published[] = "{\"size_vocab\": 30522, \"task\": \"x\", \"size_txt\": 25}";
    write_text(folder, "args.json", published, sizeof published - 1);
    assert_int_equal(violet_options_load(p, path), VIOLET_OK);
    write_text(folder, "args.json", "{\"size_txt\": 25, \"sise_img\": 1}", 31);
    assert_int_equal(violet_options_load(p, path), VIOLET_EINVAL);
    says("args.json: ");
    says("'size_img'");
    violet_options_free(p);
    violet_options_free(o);
    free(first);
    remove_folder(folder);
}

static void keep(void *user, violet_log_level level, const char *line)
{
    if (level == VIOLET_LOG_INFO) snprintf(user, 200, "%s", line);
}

static void passes_log_lines_on(void **state)
{
    (void)state;
    char folder[64], path[128], line[200] = "", *text;
    make_folder(folder);
    write_text(folder, "x.tsv", "", 0);
    snprintf(path, sizeof path, "%s/x.tsv", folder);
    violet_log_set(keep, line);
    assert_int_equal(violet_info(&text, path, 0), VIOLET_OK);
    violet_log_set(NULL, NULL);
    violet_text_free(text);
    assert_non_null(strstr(line, "x.tsv"));
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_commands),  cmocka_unit_test(tells_of_itself),
        cmocka_unit_test(describes_options),   cmocka_unit_test(refuses_another_commands_options),
        cmocka_unit_test(sets_and_parses),     cmocka_unit_test(loads_what_it_wrote),
        cmocka_unit_test(passes_log_lines_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
