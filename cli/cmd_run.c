/* Commands that work for long: how they are interrupted, show progress, and end. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t stop;
static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

/* The first signal asks for an orderly end, the next one of any kind is the system's. */
static void on_signal(int number)
{
    static const char text[] = "\nviolet: stopping where it can go on later; again: stop at once\n";
    (void)number;
    stop = 1;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], SIG_DFL);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) return; /* nobody reads it */
}

static void catch_signals(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction was;
        sigaction(ends[i], NULL, &was);
        if (ends[i] == SIGHUP && was.sa_handler == SIG_IGN) continue; /* nohup */
        sigaction(ends[i], &a, NULL);
    }
    signal(SIGPIPE, SIG_IGN); /* a closed pager must not end a run of days */
    signal(SIGXFSZ, SIG_IGN); /* a limit of file size is an error of that file */
}

/* As one types it in a shell. */
static void put_word(const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=+:,@%";
    if (*s && s[strspn(s, plain)] == 0) {
        fprintf(stderr, " %s", s);
        return;
    }
    fputs(" '", stderr);
    for (; *s; s++)
        if (*s == '\'')
            fputs("'\\''", stderr);
        else
            fputc(*s, stderr);
    fputc('\'', stderr);
}

/* resume: the flag that goes on, "" where the same command does. */
static int tell_resume(const char *name, const char *resume, int argc, char **argv)
{
    int resumes = !*resume;
    fprintf(stderr, "violet: stopped; to go on: violet %s", name);
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--restart") == 0) continue; /* would throw away what was saved */
        resumes |= strcmp(argv[i], resume) == 0;
        put_word(argv[i]);
    }
    fprintf(stderr, "%s%s\n", resumes ? "" : " ", resumes ? "" : resume);
    return EXIT_INTERRUPTED;
}

int run_long(const char *name, const char *resume, long_work work, int argc, char **argv)
{
    int status = 0;
    violet_options *o = read_options(&status, name, argc, argv);
    return o ? run_with(o, name, resume, work, argc, argv) : status;
}

/* rest: n arguments that are no flags. */
static int set_named(violet_options *o, const char *name, const char *const *option,
                     const char *words, int n, char **rest)
{
    int expected = 0;
    violet_status status = VIOLET_OK;
    while (option[expected]) expected++;
    if (n != 0 && n != expected)
        return complain(EXIT_USAGE, "%s: expected %s, found %d argument%s; 'violet help %s' tells "
                        "more", name, words, n, n == 1 ? "" : "s", name);
    for (int i = 0; i < n && status == VIOLET_OK; i++)
        status = violet_options_set(o, option[i], rest[i]);
    return status == VIOLET_OK ? 0 : complain_options(status);
}

int run_named(const char *name, const char *const *option, const char *words, long_work work,
              int argc, char **argv)
{
    violet_options *o = NULL;
    int n = 0;
    char **rest = malloc((argc + 1) * sizeof *rest); /* parsing moves its pieces */
    violet_status code = rest ? violet_options_new(&o, name) : VIOLET_ENOMEM;
    if (rest) memcpy(rest, argv, argc * sizeof *rest);
    if (code == VIOLET_OK) code = violet_options_parse(o, argc, rest, &n);
    int status = code == VIOLET_OK ? set_named(o, name, option, words, n, rest)
                                   : complain_options(code);
    free(rest);
    if (status == 0) return run_with(o, name, "", work, argc, argv);
    violet_options_free(o);
    return status;
}

int run_with(violet_options *o, const char *name, const char *resume, long_work work, int argc,
             char **argv)
{
    violet_hooks hooks = {.event = progress_event, .stop = &stop};
    catch_signals();
    violet_log_set(progress_log, NULL);
    violet_status code = work(o, &hooks);
    progress_end();
    violet_options_free(o);
    if (code == VIOLET_EINTERRUPTED) return tell_resume(name, resume, argc, argv);
    return code == VIOLET_OK ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}

int cmd_pretrain(int argc, char **argv)
{
    return run_long("pretrain", "--resume", violet_pretrain, argc, argv);
}

int cmd_finetune(int argc, char **argv)
{
    return run_long("finetune", "--resume", violet_finetune, argc, argv);
}

int cmd_make_corpus(int argc, char **argv)
{
    static const char *const option[] = {"output", NULL};
    return run_named("make-corpus", option, "one DIR", violet_make_corpus, argc, argv);
}

int cmd_convert(int argc, char **argv)
{
    static const char *const option[] = {"input", "output", NULL};
    return run_named("convert", option, "IN and OUT", violet_convert, argc, argv);
}

int cmd_extract_frames(int argc, char **argv)
{
    return run_long("extract-frames", "", violet_extract_frames, argc, argv);
}

int cmd_extract_tsv(int argc, char **argv)
{
    return run_long("extract-tsv", "", violet_extract_tsv, argc, argv);
}

int cmd_extract_vq(int argc, char **argv)
{
    return run_long("extract-vq", "", violet_extract_vq, argc, argv);
}

int cmd_train_dvae(int argc, char **argv)
{
    return run_long("train-dvae", "--resume", violet_train_dvae, argc, argv);
}

int cmd_link(int argc, char **argv)
{
    return run_long("link", "", violet_link, argc, argv);
}
