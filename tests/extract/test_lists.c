/* Which videos a folder or a list names, and their ids. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clips.h"
#include "file/tsv.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    static const char *const names[] = {"v/clip0.y4m", "v/clip2.y4m", "v/sub/clip3.y4m",
                                        "v/clip5.y4m"};
    clips_open(folder);
    mkdir(clips_path(folder, "v"), 0777);
    mkdir(clips_path(folder, "v/sub"), 0777);
    for (int i = 0; i < 4; i++) clips_y4m(folder, names[i], 16, 16, 9, i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clips_close(folder);
    return 0;
}

static void assert_id(const char *output, int i, const char *id)
{
    char name[100];
    snprintf(name, sizeof name, "%s.manifest.jsonl", output);
    json_t *o = clips_line(folder, name, i);
    assert_string_equal(clips_text(o, "id"), id);
    assert_string_equal(clips_text(o, "status"), "ok");
    json_decref(o);
}

static void ids_of_a_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a b.y4m", "a\tb.mp4", "a\nb.mp4", "\xc3\xbc.webm",
                                        "\xff.mov", "c.mp4", "c.MKV", "d.mp4.mkv", "d.mkv",
                                        "d.avi", ".hidden.mp4", "e.d/f.gif", "%09.mp4"};
    static const char *const ids[] = {"%09", "%FF", "a b", "a%09b", "a%0Ab", "c.MKV", "c.mp4",
                                      "d.avi", "d.mkv", "d.mp4", "e.d/f", "\xc3\xbc"};
    mkdir(clips_path(folder, "ids"), 0777);
    mkdir(clips_path(folder, "ids/e.d"), 0777);
    assert_int_equal(symlink(".", clips_path(folder, "ids/loop")), 0);
    for (int i = 0; i < 13; i++) {
        char name[60];
        snprintf(name, sizeof name, "ids/%s", names[i]);
        clips_y4m(folder, name, 16, 16, 7, 0);
    }
    clips_ok(folder, "ids", "ids1", "");
    for (int i = 0; i < 12; i++) assert_id("ids1", i + 1, ids[i]);
    vl_tsv *t;
    assert_int_equal(vl_tsv_open(&t, clips_path(folder, "ids1.tsv")), VIOLET_OK);
    assert_int_equal(vl_tsv_n(t), 12);
    vl_slice id = vl_tsv_id(t, 4);
    assert_true(id.n == 5 && memcmp(id.s, "a%0Ab", 5) == 0);
    vl_tsv_close(t);
    /* after escaping, two have one name: both keep the ending, which does not help */
    clips_y4m(folder, "ids/\t.mp4", 16, 16, 7, 0);
    clips_fails(folder, "ids", "ids2", "", VIOLET_EINVAL, "two videos have the id '%09.mp4'");
}

static void lists(void **state)
{
    (void)state;
    char text[400];
    int n = snprintf(text, sizeof text,
                     "v/clip2.y4m\tmy id\r\n\n./v/sub/clip3.y4m\n%s\nv/../v/clip5.y4m",
                     clips_path(folder, "v/clip0.y4m"));
    clips_write(folder, "list.txt", text, (size_t)n);
    clips_ok(folder, "list.txt", "list", "");
    assert_id("list", 1, "my id");
    assert_id("list", 2, "v/sub/clip3");
    assert_id("list", 3, "clip0");
    assert_id("list", 4, "clip5");
    clips_write(folder, "twice.txt", "a.mp4\tx\nb.mp4\tx\n", 16);
    clips_fails(folder, "twice.txt", "l", "", VIOLET_EINVAL,
                "twice.txt: lines 1 and 2: two videos have the id 'x'");
    clips_write(folder, "tab.txt", "a.mp4\n\tx\n", 9);
    clips_fails(folder, "tab.txt", "l", "", VIOLET_EFORMAT, "tab.txt: line 2: expected a path");
    clips_write(folder, "columns.txt", "a.mp4\n# two\nb.mp4\tx\t\n", 21);
    clips_fails(folder, "columns.txt", "l", "", VIOLET_EFORMAT,
                "columns.txt: line 3: expected a path, TAB and an id, found a third column");
    clips_write(folder, "none.txt", "\n \t\r\n# none\n", 12);
    clips_fails(folder, "none.txt", "l", "", VIOLET_EINVAL, "no videos");
    mkdir(clips_path(folder, "empty"), 0777);
    clips_fails(folder, "empty", "l", "", VIOLET_EINVAL, "no videos");
    clips_fails(folder, "nowhere", "l", "", VIOLET_EIO, "nowhere");
}

/* As people and their editors write lists. */
static void lists_with_comments(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf" "v/clip2.y4m\r\n# a comment\n  \r\n\t\n\n./#x.y4m\n"
                               "v/clip5.y4m\tid 5\n#";
    clips_y4m(folder, "#x.y4m", 16, 16, 9, 0);
    clips_write(folder, "marked.txt", text, strlen(text));
    clips_result r = clips_ok(folder, "marked.txt", "marked", "");
    assert_non_null(strstr(r.messages, "3 videos: 3 with frames"));
    assert_id("marked", 1, "v/clip2");
    assert_id("marked", 2, "#x");
    assert_id("marked", 3, "id 5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_a_folder),
        cmocka_unit_test(lists),
        cmocka_unit_test(lists_with_comments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
