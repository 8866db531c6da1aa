/* Pretraining on damaged data, in bad places and with absurd settings: what can be skipped is
 * skipped, counted and told; the rest is an error with a clear message, never a crash or a hang. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "corpus.h"

static corpus c;

static int set_up(void **state)
{
    (void)state;
    alarm(300); /* nothing here may hang */
    corpus_open(&c);
    corpus_add(&c, "good", 2, (const char *[]){"........", NULL}, "....");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

static void data_path(char path[256], const char *name)
{
    snprintf(path, 256, "%s/%s", c.data, name);
}

static void write_data(const char *name, const char *text)
{
    char path[256];
    data_path(path, name);
    FILE *f = fopen(path, "w");
    assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- records -------------------------------------------------------------------------------- */

/* One bad record of each kind in a part of nine: two batches of four, going round for more. */
static void a_bad_record_is_skipped_counted_and_told(void **state)
{
    (void)state;
    static const struct {
        const char *records, *why, *message;
    } kinds[] = {{"....j....", "skipped (picture)", "jpeg"},
                 {"....b....", "skipped (picture)", "base64"},
                 {"....c....", "skipped (caption)", "no caption"},
                 {"....v....", "skipped (tokens)", "no entry"},
                 {"....s....", "skipped (tokens)", "shape"},
                 {"....f....", "skipped (frames)", "1 frames, expected 2"},
                 {"........e", "skipped (line)", "truncated"}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int workers = 0; workers <= 2; workers += 2) {
            char name[20], flags[200];
            snprintf(name, sizeof name, "kind%zu_%d", k, workers);
            corpus_add(&c, name, 2, (const char *[]){kinds[k].records, NULL}, "..j..");
            snprintf(flags, sizeof flags, "--dataset=%s --size_epoch=4 --workers=%d", name,
                     workers);
            run_result r = corpus_run_ok(&c, name, flags);
            assert_int_equal(r.n_steps, 8);
            assert_int_equal(r.n_valid, 4);
            /* the validations' bad record, too, is told, but only the training's is summed up */
            assert_in_range(r.n_bad, 1, 4);
            assert_int_equal(r.n_warnings, r.n_bad + 4);
            const char *told = r.first_warning;
            if (!strstr(told, kinds[k].why) || !strstr(told, kinds[k].message))
                assert_non_null(strstr(told, "val.tsv"));
        }
}

/* Every record once: as many are skipped as are bad, whatever their order. */
static void the_count_is_right(void **state)
{
    (void)state;
    corpus_add(&c, "many", 1, (const char *[]){"j.c.v.s.", "bj......", NULL}, NULL);
    run_result r = corpus_run_ok(&c, "many", "--dataset=many --size_epoch=1 --size_batch=4 "
                                             "--parts=sequential");
    /* 8 records, 4 of them bad, for two batches of 4: twice round; then 2 of 8 at least */
    assert_int_equal(r.n_steps, 4);
    assert_int_equal(r.n_warnings, r.n_bad + 1); /* and that there is no validation */
    assert_in_range(r.n_bad, 8 + 2 - 1, 8 + 4);
}

static void only_so_many_are_told_one_by_one(void **state)
{
    (void)state;
    corpus_add(&c, "noisy", 1, (const char *[]){"jjjj....", NULL}, NULL);
    run_result r = corpus_run_ok(&c, "noisy", "--dataset=noisy --size_epoch=12 --valid_split=");
    assert_in_range(r.n_bad, 60, 96); /* 4 to 8 an epoch: twice round, but for the last */
    assert_int_equal(r.n_warnings, 21); /* 20 and that it is no more told */
}

static void nothing_but_bad_records_is_an_error(void **state)
{
    (void)state;
    static const char *const kinds[] = {"jjjjjjjj", "cccccccc", "vvvvvvvv", "ssssssss", "bbbbbbbb"};
    char name[20], flags[200];
    for (int k = 0; k < 5; k++)
        for (int workers = 0; workers <= 3; workers += 3) {
            snprintf(name, sizeof name, "bad%d_%d", k, workers);
            corpus_add(&c, name, 1, (const char *[]){kinds[k], NULL}, NULL);
            snprintf(flags, sizeof flags, "--dataset=%s --workers=%d", name, workers);
            corpus_fails(corpus_run(&c, name, flags), VIOLET_EFORMAT,
                         "none of its 8 samples can be used");
        }
    corpus_add(&c, "badval", 1, (const char *[]){"....", NULL}, "jj");
    /* in a validation it costs the training nothing but the accuracies */
    run_result r = corpus_run_ok(&c, "badval", "--dataset=badval");
    assert_int_equal(r.n_valid, 0);
    if (!strstr(r.last_warning, "no validation on badval")) fail_msg("'%s'", r.last_warning);
    corpus_add(&c, "half", 1, (const char *[]){"....", "jjjj", NULL}, NULL);
    corpus_fails(corpus_run(&c, "half", "--dataset=half"), VIOLET_EFORMAT, "half_train_1.tsv");
}

static void an_index_that_does_not_fit_is_found(void **state)
{
    (void)state;
    char path[256];
    struct stat st;
    corpus_add(&c, "index", 1, (const char *[]){"........", NULL}, NULL);
    data_path(path, "img_index_train_0.tsv");
    assert_int_equal(stat(path, &st), 0);
    /* offsets that ascend, but are no starts of lines: record by record */
    write_data("img_index_train_0.lineidx", "0\n10\n20\n30\n40\n50\n60\n70\n");
    corpus_fails(corpus_run(&c, "index", "--dataset=index"), VIOLET_EFORMAT, "img_index_train_0");
    write_data("img_index_train_0.lineidx", "0\n10\n5\n"); /* these do not even ascend */
    corpus_fails(corpus_run(&c, "index", "--dataset=index"), VIOLET_EFORMAT, "img_index_train_0");
    char text[100];
    snprintf(text, sizeof text, "0\n%ld\n", (long)st.st_size + 5);
    write_data("img_index_train_0.lineidx", text);
    corpus_fails(corpus_run(&c, "index", "--dataset=index"), VIOLET_EFORMAT, "img_index_train_0");
    data_path(path, "img_index_train_0.lineidx");
    unlink(path); /* none at all: the file is scanned */
    assert_int_equal(corpus_run_ok(&c, "index", "--dataset=index --size_epoch=1").n_steps, 2);
}

/* ---- data sets and files -------------------------------------------------------------------- */

static void missing_and_foolish_data_sets_are_refused(void **state)
{
    (void)state;
    corpus_fails(corpus_run(&c, "x", "--dataset=unknown"), VIOLET_EIO, "unknown");
    corpus_fails(corpus_run(&c, "x", "--dataset=good,unknown"), VIOLET_EIO, "unknown");
    corpus_fails(corpus_run(&c, "x", "--dataset="), VIOLET_EINVAL, "data set");
    corpus_fails(corpus_run(&c, "x", "--dataset=good --split=none"), VIOLET_EIO, "none");
    corpus_fails(corpus_run(&c, "x", "--dataset=good --data=/nonexistent"), VIOLET_EIO, "good");
    corpus_fails(corpus_run(&c, "x", "--dataset=good --size_batch=9"), VIOLET_EINVAL, "9 samples");
    corpus_fails(corpus_run(&c, "x", "--dataset=good --size_img=72"), VIOLET_EINVAL, "size_img");
    write_data("txt_good2.json", "{\"train\": {\"v0\": [\"a\"]");
    char path[256], to[256];
    data_path(path, "img_good_train_0.tsv");
    data_path(to, "img_good2_train_0.tsv");
    assert_int_equal(symlink(path, to), 0);
    corpus_fails(corpus_run(&c, "x", "--dataset=good2"), VIOLET_EFORMAT, "txt_good2.json");
    assert_false(corpus_has(&c, "x", "last.safetensors"));
}

static void more_frames_than_any_model_has_are_refused(void **state)
{
    (void)state;
    corpus_add(&c, "long", 65, (const char *[]){"....", NULL}, NULL);
    run_result r = corpus_run(&c, "long", "--dataset=long");
    if (r.status == VIOLET_OK) fail_msg("65 frames were taken");
    assert_non_null(strstr(r.error, "frames"));
    r = corpus_run_ok(&c, "long", "--dataset=long --size_frame=3 --size_epoch=1");
    assert_int_equal(r.n_steps, 1);
}

static void checkpoints_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    char path[256];
    const char *from = "--dataset=good --size_epoch=1 --path_ckpt=FOLDER/from.safetensors";
    corpus_fails(corpus_run(&c, "y", from), VIOLET_EIO, "from.safetensors");
    corpus_checkpoint(&c, "from.safetensors", NAN);
    corpus_fails(corpus_run(&c, "y", from), VIOLET_EFORMAT, "'fc.3.weight'");
    assert_false(corpus_has(&c, "y", "last.safetensors"));
    snprintf(path, sizeof path, "%s/from.safetensors", c.folder);
    assert_int_equal(truncate(path, 5000), 0);
    corpus_fails(corpus_run(&c, "y", from), VIOLET_EFORMAT, "from.safetensors");
    /* another size: what fits is taken, and the rest is told; if nothing does, it is an error */
    corpus_checkpoint(&c, "from.safetensors", 0);
    run_result r = corpus_run_ok(&c, "y", from);
    assert_true(r.n_messages >= 2);
    snprintf(path, sizeof path, "%s/other.json", c.folder);
    FILE *f = fopen(path, "w");
    fputs("{\"preset\": \"tiny\", \"embed_dim\": 6, \"hidden\": 47}", f);
    fclose(f);
    corpus_fails(corpus_run(&c, "z", "--dataset=good --config=FOLDER/other.json"), VIOLET_EINVAL,
                 "hidden is 47");
    f = fopen(path, "w");
    fputs("{\"preset\": \"tiny\", \"ct_layers\": 1,}", f);
    fclose(f);
    corpus_fails(corpus_run(&c, "z", "--dataset=good --config=FOLDER/other.json"), VIOLET_EFORMAT,
                 "other.json");
    corpus_fails(corpus_run(&c, "z", "--dataset=good --config=huge"), VIOLET_EINVAL, "huge");
}

/* ---- where a run writes --------------------------------------------------------------------- */

static void an_unwritable_output_is_an_error_before_any_step(void **state)
{
    (void)state;
    char path[256];
    snprintf(path, sizeof path, "%s/plain", c.folder);
    FILE *f = fopen(path, "w");
    fclose(f);
    run_result r = corpus_run(&c, "plain", "--dataset=good");
    corpus_fails(r, VIOLET_EIO, "plain");
    assert_int_equal(r.n_steps, 0);
    r = corpus_run(&c, "plain/below", "--dataset=good");
    corpus_fails(r, VIOLET_EIO, "plain");
    assert_int_equal(r.n_steps, 0);
    corpus_fails(corpus_run(&c, "q", "--dataset=good --output=/proc/nonexistent"), VIOLET_EIO,
                 "/proc/nonexistent");
}

/* A limit on file sizes stands in for the full disk. */
static run_result run_with_limit(const char *output, const char *flags, rlim_t bytes)
{
    struct rlimit was, limit;
    getrlimit(RLIMIT_FSIZE, &was);
    limit = (struct rlimit){bytes, was.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    run_result r = corpus_run(&c, output, flags);
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, handler);
    return r;
}

/* 40 steps of about 200 bytes: the disk is full half-way, long before a state is saved. */
static void a_log_on_a_full_disk_ends_the_run(void **state)
{
    (void)state;
    corpus_add(&c, "forty", 1,
               (const char *[]){"........................................", NULL}, NULL);
    run_result r = run_with_limit("full", "--dataset=forty --size_batch=1 --size_epoch=1 "
                                          "--save_every=0 --valid_split=", 4000);
    corpus_fails(r, VIOLET_EIO, "write logs in");
    assert_in_range(r.n_steps, 10, 30);
    assert_int_equal(corpus_count(&c, "full", "safetensors"), 0);
}

static void a_state_on_a_full_disk_keeps_the_old_one(void **state)
{
    (void)state;
    const char *first = "--dataset=good --size_epoch=1 --keep=false --valid_split=";
    corpus_run_ok(&c, "room", first);
    corpus_run_ok(&c, "none", first);
    corpus_same(&c, "room", "none", "last.safetensors");
    run_result r = run_with_limit("none", "--dataset=good --size_epoch=2 --keep=false --resume "
                                          "--valid_split=", 100000);
    corpus_fails(r, VIOLET_EIO, "last.safetensors");
    corpus_same(&c, "room", "none", "last.safetensors");
    assert_int_equal(corpus_count(&c, "none", ".tmp."), 0);
    /* with room again, it goes on as if nothing had been */
    corpus_run_ok(&c, "none", "--dataset=good --size_epoch=2 --keep=false --resume --valid_split=");
    corpus_run_ok(&c, "room", "--dataset=good --size_epoch=2 --keep=false --resume --valid_split=");
    corpus_same(&c, "room", "none", "last.safetensors");
    corpus_same(&c, "room", "none", "steps.jsonl");
}

/* ---- absurd sizes --------------------------------------------------------------------------- */

/* The published model on 4096 videos of 448 pixels a batch: more than any machine has. In a
 * process of its own, so that a kill for lack of memory would be seen. */
static void what_can_never_fit_is_refused(void **state)
{
    (void)state;
    char records[4097];
    int status;
    memset(records, '.', 4096);
    records[4096] = 0;
    corpus_add(&c, "huge", 1, (const char *[]){records, NULL}, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run_result r = corpus_run(&c, "huge", "--dataset=huge --config=violet1 --size_batch=4096 "
                                              "--size_img=448");
        if (r.status != VIOLET_ENOMEM) fprintf(stderr, "status %d: %s\n", r.status, r.error);
        _exit(r.status == VIOLET_ENOMEM && r.n_steps == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: it forks, and must not do so once OpenMP has threads */
        cmocka_unit_test(what_can_never_fit_is_refused),
        cmocka_unit_test(a_bad_record_is_skipped_counted_and_told),
        cmocka_unit_test(the_count_is_right),
        cmocka_unit_test(only_so_many_are_told_one_by_one),
        cmocka_unit_test(nothing_but_bad_records_is_an_error),
        cmocka_unit_test(an_index_that_does_not_fit_is_found),
        cmocka_unit_test(missing_and_foolish_data_sets_are_refused),
        cmocka_unit_test(more_frames_than_any_model_has_are_refused),
        cmocka_unit_test(checkpoints_that_do_not_fit_are_refused),
        cmocka_unit_test(an_unwritable_output_is_an_error_before_any_step),
        cmocka_unit_test(a_log_on_a_full_disk_ends_the_run),
        cmocka_unit_test(a_state_on_a_full_disk_keeps_the_old_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
