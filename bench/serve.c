/* Our program as a process to measure, the counterpart of bench/peer/serve.py: a command a line on
 * stdin, a JSON line on stdout for each.
 *
 *     setup {"preset": "tiny", "frames": 4, "size_img": 224, "size_txt": 32, "batch": 2, "threads":
 * 2} preset: violet1, tiny, or an object of sizes; also "seed" (0), "lr" (2e-5) forward evaluation
 * mode: the score of each video with its own text step      {"published": true}: one published
 * pretraining step; without: as we do it check     the losses, gradient and update of a step
 * without chance in it memory    resident memory now and at its highest, in bytes peak      forgets
 * the highest so far machine   {"threads": 2}: what the cores and the memory can do at most,
 * measured now quit
 *
 * Every answer has "command" and "seconds"; a failed one has "error". With OMP_WAIT_POLICY=active
 * its threads go on spinning between commands: who lets another process compute stops this one
 * first. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "cpu/peak.h"
#include "work.h"

typedef struct server {
    int ready;
    bench_work work;
} server;

static void put(json_t *answer, const char *key, json_t *value)
{
    json_object_set_new(answer, key, value);
}

/* ---- commands -------------------------------------------------------------------------------- */

static violet_status read_config(vl_config *c, const json_t *preset)
{
    if (json_is_object(preset)) {
        violet_status status = vl_config_preset(c, "violet1");
        return status == VIOLET_OK ? vl_config_load(c, preset, NULL) : status;
    }
    return vl_config_preset(c, preset ? json_string_value(preset) : "violet1");
}

static violet_status read_options(bench_options *o, const json_t *given)
{
    json_t *preset = NULL;
    json_error_t error;
    json_int_t seed = 0;
    *o = (bench_options){
        .batch = 1, .frames = 4, .size_img = 224, .size_txt = 32, .threads = 2, .lr = 2e-5};
    if (json_unpack_ex((json_t *)given, &error, JSON_STRICT,
                       "{s?o, s?i, s?i, s?i, s?i, s?i, s?I, s?F}", "preset", &preset, "frames",
                       &o->frames, "size_img", &o->size_img, "size_txt", &o->size_txt, "batch",
                       &o->batch, "threads", &o->threads, "seed", &seed, "lr", &o->lr) != 0)
        return vl_err(VIOLET_EINVAL, "setup: %s", error.text);
    o->seed = (uint64_t)seed;
    if (preset && !json_is_object(preset) && !json_is_string(preset))
        return vl_err(VIOLET_EINVAL, "setup: preset is a name or an object");
    if (o->batch < 1 || o->frames < 1 || o->size_img < 32 || o->size_img % 32 || o->size_txt < 3)
        return vl_err(VIOLET_EINVAL, "setup: no such batch");
    return read_config(&o->config, preset);
}

static violet_status setup(server *s, const json_t *given, json_t *answer)
{
    bench_options o;
    violet_status status = read_options(&o, given);
    if (status != VIOLET_OK) return status;
    if (s->ready) bench_work_close(&s->work); /* before the new one takes memory */
    s->ready = 0;
    status = bench_work_open(&s->work, &o);
    if (status != VIOLET_OK) return status;
    s->ready = 1;
    put(answer, "parameters", json_integer((json_int_t)vl_params_count(&s->work.model.params)));
    put(answer, "threads", json_integer(o.threads));
    put(answer, "violet", json_string(VIOLET_VERSION));
    put(answer, "config", vl_config_save(&s->work.model.config));
    put(answer, "kernels", json_string(s->work.tape.backend->name));
    return VIOLET_OK;
}

static violet_status forward(server *s, const json_t *given, json_t *answer)
{
    bench_forward f;
    (void)given;
    double start = vl_now();
    violet_status status = bench_run_forward(&s->work, &f);
    if (status != VIOLET_OK) return status;
    put(answer, "seconds", json_real(vl_now() - start));
    json_t *score = json_array();
    for (int b = 0; b < s->work.o.batch; b++) json_array_append_new(score, json_real(f.score[b]));
    put(answer, "score", score);
    put(answer, "parts", json_pack("{sf, sf}", "image", f.image_s, "cross", f.cross_s));
    return VIOLET_OK;
}

static json_t *losses_of(const bench_step *s)
{
    json_t *losses = json_object();
    for (int k = 0; k < 3; k++) put(losses, vl_pretrain_names[k], json_real(s->loss[k]));
    put(losses, "sum", json_real(s->sum));
    return losses;
}

static violet_status step(server *s, const json_t *given, json_t *answer)
{
    bench_step b;
    int published = json_is_true(json_object_get(given, "published"));
    double start = vl_now();
    violet_status status = bench_run_step(&s->work, published, &b);
    if (status != VIOLET_OK) return status;
    put(answer, "seconds", json_real(vl_now() - start));
    put(answer, "losses", losses_of(&b));
    put(answer, "parts",
        json_pack("{sf, sf, sf, sf}", "attended", b.attended_s, "forward", b.forward_s, "backward",
                  b.backward_s, "update", b.update_s));
    put(answer, "attended", json_integer(b.attended));
    put(answer, "asked", json_pack("[i, i, i]", b.asked[0], b.asked[1], b.asked[2]));
    return VIOLET_OK;
}

/* `ours` are the losses and gradient in our order of work, the rest is as published. */
static violet_status check(server *s, const json_t *given, json_t *answer)
{
    bench_check c;
    const bench_work *w = &s->work;
    (void)given;
    violet_status status = bench_run_check(&s->work, &c);
    if (status != VIOLET_OK) return status;
    json_t *weight = json_array();
    int n = w->o.batch * (w->Ni + w->o.size_txt);
    for (int i = 0; i < n; i += 16) /* a sample of them, as the peer's */
        json_array_append_new(weight, json_real(c.attended_weight[i]));
    put(answer, "losses", losses_of(&c.published));
    put(answer, "gradient", json_real(c.published.gradient));
    put(answer, "ours",
        json_pack("{so, sf}", "losses", losses_of(&c.ours), "gradient", c.ours.gradient));
    put(answer, "after", losses_of(&c.after));
    put(answer, "attended_weight", weight);
    return VIOLET_OK;
}

static violet_status memory(server *s, const json_t *given, json_t *answer)
{
    char line[256];
    int64_t kib;
    FILE *f = fopen("/proc/self/status", "r");
    (void)s;
    (void)given;
    if (!f) return vl_err(VIOLET_EIO, "no /proc/self/status");
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmHWM: %" SCNd64, &kib) == 1)
            put(answer, "peak", json_integer(kib << 10));
        if (sscanf(line, "VmRSS: %" SCNd64, &kib) == 1) put(answer, "now", json_integer(kib << 10));
    }
    fclose(f);
    return VIOLET_OK;
}

static violet_status forget_peak(server *s, const json_t *given, json_t *answer)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    (void)s;
    (void)given;
    (void)answer;
    int ok = f && fputs("5", f) >= 0;
    if (f && fclose(f) != 0) ok = 0;
    return ok ? VIOLET_OK : vl_err(VIOLET_EIO, "cannot write /proc/self/clear_refs");
}

static violet_status machine(server *s, const json_t *given, json_t *answer)
{
    vl_peak p;
    (void)s;
    violet_status status =
        vl_cpu_peak(&p, (int)json_integer_value(json_object_get(given, "threads")));
    if (status != VIOLET_OK) return status;
    put(answer, "threads", json_integer(p.threads));
    put(answer, "isa", json_string(p.isa));
    put(answer, "flops", json_real(p.flops));
    put(answer, "triad", json_real(p.triad));
    put(answer, "copy", json_real(p.copy));
    return VIOLET_OK;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static const struct command {
    const char *name;
    int needs_setup;
    violet_status (*run)(server *s, const json_t *given, json_t *answer);
} commands[] = {
    {"setup", 0, setup},   {"forward", 1, forward},  {"step", 1, step},       {"check", 1, check},
    {"memory", 0, memory}, {"peak", 0, forget_peak}, {"machine", 0, machine},
};

static violet_status run(server *s, const char *name, const json_t *given, json_t *answer)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, name) != 0) continue;
        if (commands[i].needs_setup && !s->ready) return vl_err(VIOLET_EINVAL, "no setup yet");
        return commands[i].run(s, given, answer);
    }
    return vl_err(VIOLET_EINVAL, "'%s' is no command", name);
}

static void answer_line(server *s, char *line)
{
    json_error_t error;
    char *rest = line + strcspn(line, " ");
    if (*rest) *rest++ = 0;
    json_t *given = *rest ? json_loads(rest, 0, &error) : json_object(), *answer = json_object();
    double start = vl_now();
    put(answer, "command", json_string(line));
    violet_status status =
        given ? run(s, line, given, answer) : vl_err(VIOLET_EINVAL, "%s: %s", line, error.text);
    if (status != VIOLET_OK) put(answer, "error", json_string(violet_error()));
    if (!json_object_get(answer, "seconds")) put(answer, "seconds", json_real(vl_now() - start));
    json_dumpf(answer, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(given);
    json_decref(answer);
}

int main(void)
{
    server s = {0};
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    while ((n = getline(&line, &size, stdin)) >= 0) {
        while (n > 0 && strchr(" \r\n", line[n - 1])) line[--n] = 0;
        if (strcmp(line, "quit") == 0) break;
        if (n > 0) answer_line(&s, line);
    }
    if (s.ready) bench_work_close(&s.work);
    free(line);
    return 0;
}
