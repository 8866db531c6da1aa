/* Loads a checkpoint as often as it is asked to, beside reading its bytes; a command a line on
 * stdin, a JSON line on stdout for each (lines.h). Its counterpart is bench/peer/load.py.
 *
 *     prepare {"preset": "violet1"}   lays out a model, whose memory is not touched by that;
 *                                     "draw": true: and gives it its initial values
 *     read {"file": "X.pt"}           all bytes by read(2) into a fresh buffer of that size
 *     load {"file": "X.pt"}           vl_load into the model; again: its memory is there already
 *     check                           {"tensors", "crc"} of the model: each tensor's name and
 *                                     bytes, exclusive or of all
 *
 * Seconds and cpu are those of reading and loading alone: giving up memory does not count. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "lines.h"
#include "model/load.h"
#include "model/model.h"

typedef struct loader {
    vl_config config;
    vl_model model;
    int ready;
} loader;

static const char *file_of(const json_t *given)
{
    const char *path = json_string_value(json_object_get(given, "file"));
    return path ? path : "";
}

static violet_status prepare(void *state, const json_t *given, json_t *answer)
{
    loader *l = state;
    const char *preset = json_string_value(json_object_get(given, "preset"));
    (void)answer;
    if (l->ready) vl_model_release(&l->model);
    l->ready = 0;
    violet_status status = vl_config_preset(&l->config, preset ? preset : "violet1");
    if (status == VIOLET_OK)
        status = vl_model_init(&l->model, &l->config, VL_HEADS_PRETRAIN, 0, 0);
    l->ready = status == VIOLET_OK;
    if (l->ready && json_is_true(json_object_get(given, "draw")))
        vl_params_draw(&l->model.params, 1);
    return status;
}

static violet_status not_ready(void)
{
    return vl_err(VIOLET_EINVAL, "nothing is prepared");
}

static void put_times(json_t *answer, double start, double cpu)
{
    bench_put(answer, "seconds", json_real(vl_now() - start));
    bench_put(answer, "cpu", json_real(bench_cpu() - cpu));
}

static violet_status read_whole(void *state, const json_t *given, json_t *answer)
{
    const char *path = file_of(given);
    struct stat st;
    size_t at = 0;
    ssize_t n = 1;
    (void)state;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        violet_status status = vl_err_errno("open '%s'", path);
        if (fd >= 0) close(fd);
        return status;
    }
    double start = vl_now(), cpu = bench_cpu();
    char *bytes = malloc((size_t)st.st_size + 1);
    while (bytes && n > 0 && at < (size_t)st.st_size) {
        n = read(fd, bytes + at, (size_t)st.st_size - at);
        if (n > 0) at += (size_t)n;
        if (n < 0 && errno == EINTR) n = 1;
    }
    put_times(answer, start, cpu);
    bench_put(answer, "bytes", json_integer((json_int_t)at));
    free(bytes);
    close(fd);
    return at == (size_t)st.st_size ? VIOLET_OK : vl_err(VIOLET_EIO, "%s: %zu bytes", path, at);
}

static violet_status load(void *state, const json_t *given, json_t *answer)
{
    loader *l = state;
    const vl_load_options o = {.part = VL_LOAD_ALL, .strict = true};
    vl_load_report report = {0};
    if (!l->ready) return not_ready();
    double start = vl_now(), cpu = bench_cpu();
    violet_status status =
        vl_load(&l->model.params, &l->config, file_of(given), &o, &report);
    put_times(answer, start, cpu);
    bench_put(answer, "tensors", json_integer((json_int_t)report.tensors[VL_LOAD_MATCHED]));
    bench_put(answer, "values", json_integer((json_int_t)report.elements[VL_LOAD_MATCHED]));
    vl_load_report_release(&report);
    return status;
}

static violet_status check(void *state, const json_t *given, json_t *answer)
{
    const loader *l = state;
    uLong all = 0;
    (void)given;
    if (!l->ready) return not_ready();
    const vl_params *p = &l->model.params;
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        uLong crc = crc32_z(0, (const Bytef *)e->name, strlen(e->name));
        all ^= crc32_z(crc, (const Bytef *)vl_param_weights(p, e), e->count * sizeof(real));
    }
    bench_put(answer, "tensors", json_integer(p->n));
    bench_put(answer, "crc", json_integer((json_int_t)all));
    return VIOLET_OK;
}

int main(void)
{
    static const bench_command commands[] = {
        {"prepare", prepare}, {"read", read_whole}, {"load", load}, {"check", check}};
    loader l = {.ready = 0};
    int status = bench_lines(commands, sizeof commands / sizeof *commands, &l);
    if (l.ready) vl_model_release(&l.model);
    return status;
}
