/* Our program as a process to measure, the counterpart of bench/peer/serve.py: a command a line on
 * stdin, a JSON line on stdout for each (lines.h).
 *
 *     setup {"preset": "tiny", "frames": 4, "size_img": 224, "size_txt": 32, "batch": 2}
 *               preset: violet1, tiny, or an object of sizes; also "threads" (2), "seed" (0), "lr"
 *               (2e-5)
 *     forward   evaluation mode: the score of each video with its own text
 *     step      {"published": true}: one published pretraining step; without: as we do it
 *     check     the losses, gradient and update of a step without chance in it
 */
#include "base/clock.h"
#include "base/status.h"
#include "lines.h"
#include "made.h"
#include "work.h"

typedef struct server {
    int ready;
    bench_work work;
} server;

/* ---- commands -------------------------------------------------------------------------------- */

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
    if (o->batch < 1 || o->frames < 1 || o->size_img < 32 || o->size_img % 32 || o->size_txt < 3)
        return vl_err(VIOLET_EINVAL, "setup: no such batch");
    return bench_read_config(&o->config, preset);
}

static violet_status setup(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    bench_options o;
    violet_status status = read_options(&o, given);
    if (status != VIOLET_OK) return status;
    if (s->ready) bench_work_close(&s->work); /* before the new one takes memory */
    s->ready = 0;
    status = bench_work_open(&s->work, &o);
    if (status != VIOLET_OK) return status;
    s->ready = 1;
    bench_put(answer, "parameters",
              json_integer((json_int_t)vl_params_count(&s->work.model.params)));
    bench_put(answer, "threads", json_integer(o.threads));
    bench_put(answer, "violet", json_string(VIOLET_VERSION));
    bench_put(answer, "config", vl_config_save(&s->work.model.config));
    bench_put(answer, "kernels", json_string(s->work.tape.backend->name));
    return VIOLET_OK;
}

static violet_status not_ready(void)
{
    return vl_err(VIOLET_EINVAL, "no setup yet");
}

static violet_status forward(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    if (!s->ready) return not_ready();
    bench_forward f;
    (void)given;
    double start = vl_now();
    violet_status status = bench_run_forward(&s->work, &f);
    if (status != VIOLET_OK) return status;
    bench_put(answer, "seconds", json_real(vl_now() - start));
    json_t *score = json_array();
    for (int b = 0; b < s->work.o.batch; b++) json_array_append_new(score, json_real(f.score[b]));
    bench_put(answer, "score", score);
    bench_put(answer, "parts", json_pack("{sf, sf}", "image", f.image_s, "cross", f.cross_s));
    return VIOLET_OK;
}

static json_t *losses_of(const bench_step *s)
{
    json_t *losses = json_object();
    for (int k = 0; k < 3; k++) bench_put(losses, vl_pretrain_names[k], json_real(s->loss[k]));
    bench_put(losses, "sum", json_real(s->sum));
    return losses;
}

static violet_status step(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    if (!s->ready) return not_ready();
    bench_step b;
    int published = json_is_true(json_object_get(given, "published"));
    double start = vl_now();
    violet_status status = bench_run_step(&s->work, published, &b);
    if (status != VIOLET_OK) return status;
    bench_put(answer, "seconds", json_real(vl_now() - start));
    bench_put(answer, "losses", losses_of(&b));
    bench_put(answer, "parts",
              json_pack("{sf, sf, sf, sf}", "attended", b.attended_s, "forward", b.forward_s,
                        "backward", b.backward_s, "update", b.update_s));
    bench_put(answer, "attended", json_integer(b.attended));
    bench_put(answer, "asked", json_pack("[i, i, i]", b.asked[0], b.asked[1], b.asked[2]));
    return VIOLET_OK;
}

/* `ours` are the losses and gradient in our order of work, the rest is as published. */
static violet_status check(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    if (!s->ready) return not_ready();
    bench_check c;
    const bench_work *w = &s->work;
    (void)given;
    violet_status status = bench_run_check(&s->work, &c);
    if (status != VIOLET_OK) return status;
    json_t *weight = json_array();
    int n = w->o.batch * (w->Ni + w->o.size_txt);
    for (int i = 0; i < n; i += 16) /* a sample of them, as the peer's */
        json_array_append_new(weight, json_real(c.attended_weight[i]));
    bench_put(answer, "losses", losses_of(&c.published));
    bench_put(answer, "gradient", json_real(c.published.gradient));
    bench_put(answer, "ours",
              json_pack("{so, sf}", "losses", losses_of(&c.ours), "gradient", c.ours.gradient));
    bench_put(answer, "after", losses_of(&c.after));
    bench_put(answer, "attended_weight", weight);
    return VIOLET_OK;
}

static const bench_command commands[] = {
    {"setup", setup}, {"forward", forward}, {"step", step}, {"check", check}};

int main(void)
{
    server s = {0};
    int code = bench_lines(commands, sizeof commands / sizeof *commands, &s);
    if (s.ready) bench_work_close(&s.work);
    return code;
}
