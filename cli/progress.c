/* Progress of long work; see cli.h. On a terminal the last line is rewritten at most ten times a
 * second and cut to the width; elsewhere a line comes with the first step, then every ten seconds
 * for two minutes, then every minute. */
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static int line_is_open; /* the terminal's last line holds progress */
static int aside;        /* progress goes to stderr */

static FILE *out(void)
{
    return aside ? stderr : stdout;
}

void progress_aside(void)
{
    aside = 1;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int width(void)
{
    struct winsize w;
    if (ioctl(fileno(out()), TIOCGWINSZ, &w) != 0 || w.ws_col < 20) return 80;
    return w.ws_col;
}

/* Appends at *at what fits. */
static void put(char *line, size_t n, size_t *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void put(char *line, size_t n, size_t *at, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int wrote = vsnprintf(line + *at, n - *at, format, ap);
    va_end(ap);
    if (wrote > 0) *at += (size_t)wrote < n - *at ? (size_t)wrote : n - *at - 1;
}

static void put_time(char *line, size_t n, size_t *at, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9) return;
    long s = (long)(seconds + 0.5);
    if (s >= 86400) put(line, n, at, "  left %ldd %ldh", s / 86400, s / 3600 % 24);
    else put(line, n, at, "  left %ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

static void put_tasks(char *line, size_t n, size_t *at, const violet_event *e)
{
    for (int k = 0; k < e->n_tasks && k < 8; k++) {
        if (isnan(e->loss_of[k])) continue;
        put(line, n, at, "  %s %.3f", e->names[k], e->loss_of[k]);
        if (!isnan(e->accuracy[k])) put(line, n, at, " (%.1f%%)", 100 * e->accuracy[k]);
    }
}

/* A rank is a number, all else a share. */
static void put_metrics(char *line, size_t n, size_t *at, const violet_event *e)
{
    for (int k = 0; k < e->n_metrics && k < 8; k++) {
        bool rank = strstr(e->metric_names[k], "rank") != NULL;
        put(line, n, at, rank ? "  %s %.1f" : "  %s %.1f%%", e->metric_names[k],
            rank ? e->metric[k] : 100 * e->metric[k]);
    }
}

static void format_step(char *line, size_t n, const violet_event *e)
{
    size_t at = 0;
    *line = 0;
    put(line, n, &at, "step %llu", e->step);
    if (e->n_steps) put(line, n, &at, "/%llu", e->n_steps);
    if (e->epoch) put(line, n, &at, "  epoch %d", e->epoch);
    if (e->n_epochs) put(line, n, &at, "/%d", e->n_epochs);
    put(line, n, &at, "  loss %.4f", e->loss);
    put_tasks(line, n, &at, e);
    if (e->samples_per_s > 0) put(line, n, &at, "  %.3g samples/s", e->samples_per_s);
    if (e->n_steps) put_time(line, n, &at, e->seconds_left);
    put(line, n, &at, "  data %.0f%%", 100 * e->share_waiting);
    if (e->bytes) put(line, n, &at, "  %.2f GB", 1e-9 * (double)e->bytes);
}

static void format_item(char *line, size_t n, const violet_event *e)
{
    size_t at = 0;
    *line = 0;
    put(line, n, &at, "%s %llu", e->text ? e->text : "done", e->step);
    if (e->n_steps) put(line, n, &at, "/%llu", e->n_steps);
    if (e->n_bad) put(line, n, &at, "  bad %llu", e->n_bad);
    if (e->samples_per_s > 0) put(line, n, &at, "  %.3g/s", e->samples_per_s);
    if (e->n_steps) put_time(line, n, &at, e->seconds_left);
    if (e->bytes) put(line, n, &at, "  %.2f GB", 1e-9 * (double)e->bytes);
}

static void clear_line(void)
{
    if (line_is_open) fputs("\r\033[K", out());
    line_is_open = 0;
}

static void show_progress(const violet_event *e)
{
    static double first, last;
    char line[512];
    int terminal = isatty(fileno(out())), final = e->n_steps && e->step >= e->n_steps;
    double at = now();
    if (first == 0) first = at;
    double pause = terminal ? 0.1 : at - first < 120 ? 10 : 60;
    if (last != 0 && at - last < pause && !final) return;
    last = at;
    if (e->kind == VIOLET_EVENT_ITEM) format_item(line, sizeof line, e);
    else format_step(line, sizeof line, e);
    if (terminal) {
        clear_line();
        fprintf(out(), "%.*s", width() - 1, line);
        line_is_open = 1;
    } else {
        fprintf(out(), "%s\n", line);
    }
    fflush(out());
}

static void show_validation(const violet_event *e)
{
    char line[512];
    size_t at = 0;
    *line = 0;
    bool test = e->kind == VIOLET_EVENT_TEST;
    put(line, sizeof line, &at, test ? "test on split '%s', weights of step %llu"
                                     : "validation %s, step %llu", e->text ? e->text : "", e->step);
    if (e->epoch) put(line, sizeof line, &at, ", epoch %d", e->epoch);
    put(line, sizeof line, &at, ":");
    put_tasks(line, sizeof line, &at, e);
    put_metrics(line, sizeof line, &at, e);
    clear_line();
    fprintf(out(), "%s\n", line);
    fflush(out());
}

void progress_event(void *user, const violet_event *e)
{
    (void)user;
    switch (e->kind) {
    case VIOLET_EVENT_STEP:
    case VIOLET_EVENT_ITEM: show_progress(e); break;
    case VIOLET_EVENT_VALID:
    case VIOLET_EVENT_TEST: show_validation(e); break;
    case VIOLET_EVENT_MESSAGE:
        clear_line();
        fprintf(out(), "%s\n", e->text);
        fflush(out());
        break;
    case VIOLET_EVENT_WARNING: progress_log(NULL, VIOLET_LOG_WARN, e->text); break;
    }
}

void progress_log(void *user, violet_log_level level, const char *line)
{
    (void)user;
    if (level == VIOLET_LOG_DEBUG) return;
    clear_line();
    fflush(out());
    fprintf(stderr, "violet: %s%s\n", level == VIOLET_LOG_WARN ? "warning: " : "", line);
}

void progress_end(void)
{
    if (line_is_open) fputc('\n', out());
    line_is_open = 0;
    fflush(out());
}
