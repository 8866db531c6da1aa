/* Commands on stdin, answers on stdout; see lines.h. */
#include "lines.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/status.h"
#include "cpu/peak.h"

void bench_put(json_t *answer, const char *key, json_t *value)
{
    json_object_set_new(answer, key, value);
}

double bench_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- commands of all programs ------------------------------------------------------------------
 */

static violet_status memory(void *state, const json_t *given, json_t *answer)
{
    char line[256];
    int64_t kib;
    FILE *f = fopen("/proc/self/status", "r");
    (void)state;
    (void)given;
    if (!f) return vl_err(VIOLET_EIO, "no /proc/self/status");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmHWM: %" SCNd64, &kib) == 1)
            bench_put(answer, "peak", json_integer(kib << 10));
        if (sscanf(line, "VmRSS: %" SCNd64, &kib) == 1)
            bench_put(answer, "now", json_integer(kib << 10));
    }
    fclose(f);
    return VIOLET_OK;
}

static violet_status forget_peak(void *state, const json_t *given, json_t *answer)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    (void)state;
    (void)given;
    (void)answer;
    int ok = f && fputs("5", f) >= 0;
    if (f && fclose(f) != 0) ok = 0;
    return ok ? VIOLET_OK : vl_err(VIOLET_EIO, "cannot write /proc/self/clear_refs");
}

static violet_status machine(void *state, const json_t *given, json_t *answer)
{
    vl_peak p;
    (void)state;
    violet_status status =
        vl_cpu_peak(&p, (int)json_integer_value(json_object_get(given, "threads")));
    if (status != VIOLET_OK) return status;
    bench_put(answer, "threads", json_integer(p.threads));
    bench_put(answer, "isa", json_string(p.isa));
    bench_put(answer, "flops", json_real(p.flops));
    bench_put(answer, "triad", json_real(p.triad));
    bench_put(answer, "copy", json_real(p.copy));
    return VIOLET_OK;
}

static const bench_command common[] = {
    {"memory", memory}, {"peak", forget_peak}, {"machine", machine}};

/* ---- lines -------------------------------------------------------------------------------------
 */

static const bench_command *find(const bench_command *c, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].name, name) == 0) return &c[i];
    return NULL;
}

static void answer_line(const bench_command *commands, size_t n, void *state, char *line)
{
    json_error_t error;
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = 0;
    json_t *given = *rest ? json_loads(rest, 0, &error) : json_object(), *answer = json_object();
    const bench_command *c = find(commands, n, line);
    if (!c) c = find(common, sizeof common / sizeof *common, line);
    bench_put(answer, "command", json_string(line));
    double start = vl_now(), cpu = bench_cpu();
    violet_status status;
    if (!given)
        status = vl_err(VIOLET_EINVAL, "%s: %s", line, error.text);
    else if (!c)
        status = vl_err(VIOLET_EINVAL, "'%s' is no command", line);
    else
        status = c->run(state, given, answer);
    if (status != VIOLET_OK) bench_put(answer, "error", json_string(violet_error()));
    if (!json_object_get(answer, "seconds"))
        bench_put(answer, "seconds", json_real(vl_now() - start));
    if (!json_object_get(answer, "cpu")) bench_put(answer, "cpu", json_real(bench_cpu() - cpu));
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(given);
    json_decref(answer);
}

int bench_lines(const bench_command *commands, size_t n_commands, void *state)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, stdin)) >= 0) {
        while (n > 0 && strchr(" \r\n", line[n - 1])) line[--n] = 0;
        if (strcmp(line, "quit") == 0) break;
        if (n > 0) answer_line(commands, n_commands, state, line);
    }
    free(line);
    return 0;
}
