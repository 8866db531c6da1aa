/* Runs that are killed or stopped and resumed write the same bytes as one that was let alone.
 *
 * Each run is a process of its own (this program again, see child()), so that it can be killed and
 * so that no OpenMP thread is forked. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "corpus.h"

/* Sequential, so that there are many units; random captions and batches that accumulate. */
#define RUN "--dataset=vid,pic --parts=sequential --accumulate=2 --caption=random --seed=9 " \
            "--workers=1 --save_every=1 --lr=1e-3"

static corpus c;

/* ---- the process that runs ------------------------------------------------------------------- */

/* When to end it: "never", "kill-step N", "kill-valid N", "kill-saving N", "stop-step N",
 * "stop-valid N"; N counts from 1. */
static struct {
    char what[20];
    int n, steps, valids;
    volatile sig_atomic_t stop;
    char output[128];
} plan;

static void child_event(void *user, const violet_event *e)
{
    (void)user;
    int now = 0;
    if (e->kind == VIOLET_EVENT_STEP && strstr(plan.what, "-step")) now = ++plan.steps;
    if (e->kind == VIOLET_EVENT_VALID && strstr(plan.what, "-valid")) now = ++plan.valids;
    if (now != plan.n || !now) return;
    if (plan.what[0] == 'k') raise(SIGKILL);
    plan.stop = 1;
}

/* Kills the process when a temporary of last.safetensors shows for the n-th time. */
static void *watch(void *arg)
{
    char path[256];
    int seen = 0, was = 0;
    (void)arg;
    snprintf(path, sizeof path, "%s/last.safetensors.tmp.%ld", plan.output, (long)getpid());
    for (;;) {
        int is = access(path, F_OK) == 0;
        if (is && !was && ++seen == plan.n) raise(SIGKILL);
        was = is;
    }
    return NULL;
}

/* argv: program, folder, output, flags, what, n */
static int child(char **argv)
{
    vl_pretrain_options o;
    violet_hooks hooks = {.event = child_event, .stop = &plan.stop};
    pthread_t thread;
    snprintf(c.folder, sizeof c.folder, "%s", argv[1]);
    snprintf(c.data, sizeof c.data, "%s/data", argv[1]);
    corpus_options(&o, &c, argv[2], argv[3]);
    snprintf(plan.what, sizeof plan.what, "%s", argv[4]);
    snprintf(plan.output, sizeof plan.output, "%s", o.run.output);
    plan.n = atoi(argv[5]);
    if (strcmp(plan.what, "kill-saving") == 0) pthread_create(&thread, NULL, watch, NULL);
    violet_status status = vl_pretrain_run(&o, &hooks);
    if (status != VIOLET_OK) fprintf(stderr, "%s\n", violet_error());
    vl_option_release(vl_pretrain_option_table, &o);
    return (int)status;
}

/* Runs one; after `seconds` (0: never) it is killed. Returns its status, or -1 if it was killed. */
static int run(const char *output, const char *flags, const char *what, int n, double seconds)
{
    char count[20], self[256];
    int status;
    ssize_t got = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(got > 0);
    self[got] = 0;
    snprintf(count, sizeof count, "%d", n);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *argv[] = {self, c.folder, (char *)output, (char *)flags, (char *)what, count, NULL};
        execv(self, argv);
        _exit(99);
    }
    if (seconds > 0) {
        struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
        nanosleep(&t, NULL);
        kill(pid, SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        if (WTERMSIG(status) != SIGKILL) fail_msg("ended by signal %d", WTERMSIG(status));
        return -1;
    }
    return WEXITSTATUS(status);
}

static void assert_as_whole(const char *output)
{
    corpus_same(&c, "whole", output, "steps.jsonl");
    corpus_same(&c, "whole", output, "log.json");
    corpus_same(&c, "whole", output, "last.safetensors");
    corpus_same(&c, "whole", output, "2_pic_1.safetensors");
    assert_int_equal(corpus_count(&c, output, ".tmp."), 0);
}

static double whole_seconds;

static int set_up(void **state)
{
    (void)state;
    corpus_open(&c);
    corpus_add(&c, "vid", 2, (const char *[]){"........", "....j...", NULL}, ".....");
    corpus_add(&c, "pic", 1, (const char *[]){"....", "........", NULL}, "...");
    corpus_add(&c, "few", 1, (const char *[]){"....", NULL}, NULL);
    double start = vl_now();
    int status = run("whole", RUN, "never", 0, 0);
    whole_seconds = vl_now() - start;
    return status;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_close(&c);
    return 0;
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* Of a whole run's time, when it is killed. */
static double share(int k, int i)
{
    return 0.1 + 0.8 * (double)((k * 7 + i * 11) % 17) / 17;
}

static void killed_at_any_moment_and_resumed(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        char output[24];
        int status, tries = 0;
        /* one that is through before it is killed tells that runs are quicker by now */
        do {
            snprintf(output, sizeof output, "random%d-%d", k, tries);
            status = run(output, RUN, "never", 0, whole_seconds * share(k, 0));
            if (status != -1) whole_seconds /= 2;
        } while (status != -1 && ++tries < 10);
        assert_int_equal(status, -1);
        for (int i = 1; i < 3 && status == -1; i++)
            status = run(output, RUN " --resume", "never", 0, whole_seconds * share(k, i));
        if (status == -1) status = run(output, RUN " --resume", "never", 0, 0);
        assert_int_equal(status, VIOLET_OK);
        assert_as_whole(output);
    }
}

static void killed_at_chosen_moments_and_resumed(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int n;
    } moments[] = {{"kill-step", 1}, {"kill-step", 5}, {"kill-valid", 1}, {"kill-valid", 7},
                   {"kill-saving", 1}, {"kill-saving", 4}};
    for (size_t k = 0; k < sizeof moments / sizeof *moments; k++) {
        char output[40];
        snprintf(output, sizeof output, "%s%d", moments[k].what, moments[k].n);
        assert_int_equal(run(output, RUN, moments[k].what, moments[k].n, 0), -1);
        /* and once more, at the first moment of that kind, which is another one now */
        if (moments[k].n > 1) run(output, RUN " --resume", moments[k].what, 1, 0);
        assert_int_equal(run(output, RUN " --resume", "never", 0, 0), VIOLET_OK);
        assert_as_whole(output);
    }
}

static void stopped_and_resumed(void **state)
{
    (void)state;
    static const char *const moments[] = {"stop-step", "stop-valid"};
    for (int k = 0; k < 2; k++) {
        int status, times = 0;
        /* stop after the first step, and after each that the rest begins with, to the end */
        do {
            status = run(moments[k], times ? RUN " --resume" : RUN, moments[k], 1 + times % 2, 0);
            times++;
            assert_true(times < 30);
            assert_true(corpus_has(&c, moments[k], "last.safetensors"));
        } while (status == VIOLET_EINTERRUPTED);
        assert_int_equal(status, VIOLET_OK);
        assert_true(times > 3);
        assert_as_whole(moments[k]);
    }
}

/* A loss that is no number is part of the sums a state keeps. */
static void a_diverged_run_resumes_as_it_was(void **state)
{
    (void)state;
    corpus_checkpoint(&c, "wild.safetensors", 3e38);
    const char *flags = "--dataset=vid,pic --path_ckpt=FOLDER/wild.safetensors --size_epoch=1";
    char again[200];
    snprintf(again, sizeof again, "%s --resume", flags);
    assert_int_equal(run("wild", flags, "never", 0, 0), VIOLET_OK);
    assert_int_equal(run("wild2", flags, "stop-step", 6, 0), VIOLET_EINTERRUPTED);
    assert_int_equal(run("wild2", again, "never", 0, 0), VIOLET_OK);
    corpus_same(&c, "wild", "wild2", "steps.jsonl");
    corpus_same(&c, "wild", "wild2", "log.json");
    corpus_same(&c, "wild", "wild2", "last.safetensors");
}

/* Without states in between (save_every 0), a kill goes back to the last unit. */
static void a_kill_between_states_goes_back_to_the_last_one(void **state)
{
    (void)state;
    assert_int_equal(run("rare", RUN " --save_every=0", "kill-step", 2, 0), -1);
    assert_int_equal(run("rare", RUN " --save_every=0 --resume", "kill-step", 4, 0), -1);
    assert_int_equal(run("rare", RUN " --save_every=0 --resume", "never", 0, 0), VIOLET_OK);
    assert_as_whole("rare");
}

static void resuming_a_finished_run_does_nothing(void **state)
{
    (void)state;
    run_result r = corpus_run_ok(&c, "finished", RUN);
    assert_true(r.n_steps > 0);
    r = corpus_run_ok(&c, "finished", RUN " --resume");
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.n_valid, 0);
    assert_as_whole("finished");
}

static void an_existing_run_is_refused_and_untouched(void **state)
{
    (void)state;
    run_result r = corpus_run(&c, "finished", RUN " --seed=77");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "--resume"));
    assert_as_whole("finished");
    json_t *args = corpus_json(&c, "finished", "args.json");
    assert_int_equal(json_integer_value(json_object_get(args, "seed")), 9);
    json_decref(args);
}

static void a_run_that_another_process_writes_is_untouched(void **state)
{
    (void)state;
    char path[200];
    struct stat before, after;
    snprintf(path, sizeof path, "%s/finished/steps.jsonl", c.folder);
    int fd = open(path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    snprintf(path, sizeof path, "%s/finished/args.json", c.folder);
    assert_int_equal(stat(path, &before), 0);
    run_result r = corpus_run(&c, "finished", RUN " --resume");
    close(fd);
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "another process"));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* not even written anew */
    assert_as_whole("finished");
}

static void other_data_sets_are_refused(void **state)
{
    (void)state;
    static const char *const other[] = {"vid", "pic,vid", "vid,few", "vid,pic,few"};
    for (int k = 0; k < 4; k++) {
        char flags[300];
        snprintf(flags, sizeof flags, RUN " --resume --dataset=%s", other[k]);
        run_result r = corpus_run(&c, "finished", flags);
        assert_int_equal(r.status, VIOLET_EINVAL);
        assert_non_null(strstr(r.error, "data set"));
        assert_as_whole("finished");
    }
}

static void a_damaged_state_is_refused(void **state)
{
    (void)state;
    char path[200];
    corpus_run_ok(&c, "damaged", RUN);
    snprintf(path, sizeof path, "%s/damaged/last.safetensors", c.folder);
    assert_int_equal(truncate(path, 100000), 0);
    run_result r = corpus_run(&c, "damaged", RUN " --resume");
    assert_int_equal(r.status, VIOLET_EFORMAT);
    assert_non_null(strstr(r.error, "last.safetensors"));
    corpus_same(&c, "whole", "damaged", "steps.jsonl");
    /* weights alone are no state to resume from */
    snprintf(path, sizeof path, "cd %s/damaged && cp 2_pic_1.safetensors last.safetensors",
             c.folder);
    assert_int_equal(system(path), 0);
    r = corpus_run(&c, "damaged", RUN " --resume");
    assert_int_equal(r.status, VIOLET_ESHAPE);
    assert_non_null(strstr(r.error, "adam.m/"));
}

/* Losing a log must not stop the training, and must not leave zero bytes in it. */
static void a_lost_log_is_told_and_begun_anew(void **state)
{
    (void)state;
    char path[200];
    size_t n;
    assert_int_equal(run("lost", RUN, "stop-step", 3, 0), VIOLET_EINTERRUPTED);
    snprintf(path, sizeof path, "%s/lost/steps.jsonl", c.folder);
    unlink(path);
    run_result r = corpus_run_ok(&c, "lost", RUN " --resume");
    if (!strstr(r.first_warning, "steps.jsonl")) fail_msg("'%s'", r.first_warning);
    char *text = corpus_read(&n, &c, "lost", "steps.jsonl");
    assert_true(n > 0 && strlen(text) == n && text[0] == '{');
    free(text);
}

/* The last step is trained and saved, but a kill comes before it is validated and logged. */
static void a_kill_in_the_last_validation_leaves_it_to_be_done(void **state)
{
    (void)state;
    const char *flags = "--dataset=vid --steps=3 --save_every=3";
    char again[100];
    snprintf(again, sizeof again, "%s --resume", flags);
    assert_int_equal(run("last", flags, "never", 0, 0), VIOLET_OK);
    assert_int_equal(run("last2", flags, "kill-valid", 1, 0), -1);
    assert_int_equal(run("last2", again, "never", 0, 0), VIOLET_OK);
    corpus_same(&c, "last", "last2", "steps.jsonl");
    corpus_same(&c, "last", "last2", "log.json");
    corpus_same(&c, "last", "last2", "last.safetensors");
}

static void options_that_decide_the_order_must_be_the_same(void **state)
{
    (void)state;
    assert_int_equal(run("order", RUN, "stop-step", 3, 0), VIOLET_EINTERRUPTED);
    run_result r = corpus_run(&c, "order", RUN " --resume --parts=mixed");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "'parts'"));
    r = corpus_run(&c, "order", RUN " --resume --seed=10");
    assert_int_equal(r.status, VIOLET_EINVAL);
    assert_non_null(strstr(r.error, "'seed'"));
    r = corpus_run(&c, "order", RUN " --type=qaoe");
    assert_int_equal(r.status, VIOLET_EINVAL);
    corpus_run_ok(&c, "order", RUN " --resume --lr=1e-3");
    assert_as_whole("order");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_and_resumed),
        cmocka_unit_test(killed_at_chosen_moments_and_resumed),
        cmocka_unit_test(stopped_and_resumed),
        cmocka_unit_test(a_diverged_run_resumes_as_it_was),
        cmocka_unit_test(a_kill_between_states_goes_back_to_the_last_one),
        cmocka_unit_test(resuming_a_finished_run_does_nothing),
        cmocka_unit_test(an_existing_run_is_refused_and_untouched),
        cmocka_unit_test(a_run_that_another_process_writes_is_untouched),
        cmocka_unit_test(other_data_sets_are_refused),
        cmocka_unit_test(a_damaged_state_is_refused),
        cmocka_unit_test(a_lost_log_is_told_and_begun_anew),
        cmocka_unit_test(a_kill_in_the_last_validation_leaves_it_to_be_done),
        cmocka_unit_test(options_that_decide_the_order_must_be_the_same),
    };
    if (argc == 6) return child(argv);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
