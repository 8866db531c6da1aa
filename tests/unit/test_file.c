/* Files: reads, maps, folders, output that appears whole or not at all; log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "make_data.h"

static int files_in(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void reads_and_maps(void **state)
{
    (void)state;
    char folder[64], path[100], *s;
    size_t n;
    vl_map m;
    make_folder(folder);
    write_text(folder, "a", "hello", 5);
    write_text(folder, "empty", "", 0);
    snprintf(path, sizeof path, "%s/a", folder);
    assert_int_equal(vl_file_read(&s, &n, path, 5), VIOLET_OK);
    assert_true(n == 5 && strcmp(s, "hello") == 0);
    free(s);
    assert_int_equal(vl_file_read(&s, &n, path, 4), VIOLET_EFORMAT);
    assert_null(s);
    assert_int_equal(vl_map_open(&m, path), VIOLET_OK);
    assert_true(m.n == 5 && memcmp(m.data, "hello", 5) == 0);
    vl_map_close(&m);
    snprintf(path, sizeof path, "%s/empty", folder);
    assert_int_equal(vl_map_open(&m, path), VIOLET_OK);
    assert_true(m.n == 0 && m.data);
    vl_map_close(&m);
    assert_int_equal(vl_map_open(&m, folder), VIOLET_EIO);
    assert_int_equal(vl_map_open(&m, "/nowhere/x"), VIOLET_EIO);
    assert_non_null(strstr(violet_error(), "/nowhere/x"));
    remove_folder(folder);
}

static void folders_and_paths(void **state)
{
    (void)state;
    char folder[64], path[200], joined[20];
    make_folder(folder);
    snprintf(path, sizeof path, "%s/x/y//z", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    assert_true(vl_file_exists(path));
    rmdir(path);
    snprintf(path, sizeof path, "%s/x/y", folder);
    rmdir(path);
    snprintf(path, sizeof path, "%s/x", folder);
    rmdir(path);
    write_text(folder, "f", "", 0);
    snprintf(path, sizeof path, "%s/f/g", folder);
    assert_int_equal(vl_dir_make(path), VIOLET_EIO);
    assert_int_equal(vl_path_join(joined, sizeof joined, "a", "b"), VIOLET_OK);
    assert_string_equal(joined, "a/b");
    assert_int_equal(vl_path_join(joined, sizeof joined, "a/", "b"), VIOLET_OK);
    assert_string_equal(joined, "a/b");
    assert_int_equal(vl_path_join(joined, sizeof joined, "a", "/b"), VIOLET_OK);
    assert_string_equal(joined, "/b");
    assert_int_equal(vl_path_join(joined, sizeof joined, "0123456789", "0123456789"),
                     VIOLET_EINVAL);
    remove_folder(folder);
}

static void output_is_whole_or_absent(void **state)
{
    (void)state;
    char folder[64], path[100], *s;
    size_t n;
    vl_out o;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out", folder);
    for (int round = 0; round < 2; round++) { /* the second replaces the first */
        assert_int_equal(vl_out_open(&o, path), VIOLET_OK);
        assert_int_equal(vl_out_write(&o, "abc", 3), VIOLET_OK);
        assert_int_equal(files_in(folder), 1 + round);
        assert_int_equal(vl_out_commit(&o), VIOLET_OK);
        assert_int_equal(files_in(folder), 1);
    }
    assert_int_equal(vl_out_open(&o, path), VIOLET_OK);
    assert_int_equal(vl_out_write(&o, "xx", 2), VIOLET_OK);
    vl_out_abandon(&o);
    vl_out_abandon(&o);
    assert_int_equal(files_in(folder), 1);
    assert_int_equal(vl_file_read(&s, &n, path, 10), VIOLET_OK);
    assert_string_equal(s, "abc");
    free(s);
    snprintf(path, sizeof path, "%s/no/out", folder);
    assert_int_equal(vl_out_open(&o, path), VIOLET_EIO);
    remove_folder(folder);
}

/* The descriptor behind the file cannot be written. */
static void a_patch_that_fails_is_told(void **state)
{
    (void)state;
    char folder[64], path[100], expected[160];
    vl_out o;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out", folder);
    assert_int_equal(vl_out_open(&o, path), VIOLET_OK);
    assert_int_equal(vl_out_write(&o, "abc", 3), VIOLET_OK);
    assert_non_null(o.file = freopen(o.temporary, "rb", o.file));
    assert_int_equal(vl_out_patch(&o, 1, "x", 1), VIOLET_EIO);
    snprintf(expected, sizeof expected, "write '%s': Bad file descriptor", path);
    assert_string_equal(violet_error(), expected);
    assert_int_equal(files_in(folder), 0);
    remove_folder(folder);
}

/* /dev/full takes the write and refuses the flush; the temporary there is a link to it. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    char folder[64], path[100], temporary[140];
    vl_out o;
    if (!vl_file_exists("/dev/full")) {
        printf("skip: no /dev/full\n");
        skip();
    }
    make_folder(folder);
    snprintf(path, sizeof path, "%s/out", folder);
    snprintf(temporary, sizeof temporary, "%s.tmp.%ld", path, (long)getpid());
    assert_int_equal(symlink("/dev/full", temporary), 0);
    assert_int_equal(vl_out_open(&o, path), VIOLET_OK);
    assert_int_equal(vl_out_write(&o, "abc", 3), VIOLET_OK);
    assert_int_equal(vl_out_commit(&o), VIOLET_EIO);
    assert_non_null(strstr(violet_error(), "No space left"));
    assert_non_null(strstr(violet_error(), path));
    assert_int_equal(files_in(folder), 0);
    remove_folder(folder);
}

static void keep(void *user, vl_log_level level, const char *line)
{
    if (level == VL_LOG_WARN) strcpy(user, line);
}

static void log_goes_to_the_callback(void **state)
{
    (void)state;
    char line[1024] = "";
    vl_log(VL_LOG_WARN, "nobody listens");
    vl_log_set(keep, line);
    vl_log(VL_LOG_WARN, "a%d\nb", 1);
    vl_log_set(NULL, NULL);
    assert_string_equal(line, "a1?b");
}

/* Only what a process that is gone left: 999999999 is above any system's largest number. */
static void a_sweep_takes_dead_processes_files(void **state)
{
    (void)state;
    static const char *const names[] = {"a.json.tmp.999999999", "a.safetensors.tmp.999999999",
                                        "a.json.tmp.", "a.json.tmp.12x", "tmp.999999999",
                                        "theirs.tmp.999999999",
                                        "a.json.tmp.99999999999999999999", NULL};
    char folder[64], path[200];
    make_folder(folder);
    for (int i = 0; names[i]; i++) write_text(folder, names[i], "x", 1);
    snprintf(path, sizeof path, "b.json.tmp.%ld", (long)getpid());
    write_text(folder, path, "x", 1);
    vl_out_sweep(folder);
    for (int i = 0; names[i]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(vl_file_exists(path), i > 1);
    }
    snprintf(path, sizeof path, "%s/b.json.tmp.%ld", folder, (long)getpid());
    assert_true(vl_file_exists(path));
    vl_out_sweep("/nonexistent");
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_maps),
        cmocka_unit_test(folders_and_paths),
        cmocka_unit_test(output_is_whole_or_absent),
        cmocka_unit_test(a_patch_that_fails_is_told),
        cmocka_unit_test(a_full_disk_is_told),
        cmocka_unit_test(log_goes_to_the_callback),
        cmocka_unit_test(a_sweep_takes_dead_processes_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
