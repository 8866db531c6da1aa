/* Commands that work for long: how they are interrupted, show progress, and end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t stop;
static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

/* The first signal asks for an orderly end, the next one of any kind is the system's. */
static void on_signal(int number)
{
    static const char text[] = "\nviolet: stopping where it can go on later; again: stop at once\n";
    int code = errno; /* whoever is interrupted may be about to look at it */
    (void)number;
    stop = 1;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], SIG_DFL);
    ssize_t wrote = write(STDERR_FILENO, text, sizeof text - 1); /* perhaps nobody reads it */
    (void)wrote;
    errno = code;
}

/* A hang-up that nohup has turned off stays off. An interrupt that a script's & has turned off does
 * not: no terminal sends it there, so who does means it. */
static void catch_signals(void)
{
    struct sigaction a;
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    a.sa_flags = SA_RESTART;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction was;
        sigaction(ends[i], NULL, &was);
        if (ends[i] == SIGHUP && was.sa_handler == SIG_IGN) continue;
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

int run_long(const command *c, int argc, char **argv)
{
    int status = 0;
    violet_options *o = c->words[0] ? read_named(&status, c, argc, argv)
                                    : read_options(&status, c->name, argc, argv);
    if (!o) return status;
    return run_with(o, c->name, c->resume ? c->resume : "", c->work, argc, argv);
}

int run_with(violet_options *o, const char *name, const char *resume, long_work work, int argc,
             char **argv)
{
    if (only_checking()) {
        violet_options_free(o);
        return EXIT_CHECKED;
    }
    violet_hooks hooks = {.event = progress_event, .stop = &stop};
    catch_signals();
    violet_log_set(progress_log, NULL);
    violet_status code = work(o, &hooks);
    progress_end();
    violet_options_free(o);
    if (code == VIOLET_EINTERRUPTED) return tell_resume(name, resume, argc, argv);
    return code == VIOLET_OK ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}
