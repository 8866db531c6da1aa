/* What an evaluation found, for people and for programs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/str.h"
#include "task/eval_internal.h"
#include "train/run_folder.h"

static const char *keep(eval *e, const char *s)
{
    return vl_strings_keep(&e->strings, s, strlen(s));
}

/* The group's, and what is the same in all of an evaluation. */
static const char *keep_protocol(eval *e, const eval_group *g)
{
    vl_buf b = {0};
    if (!e->o->run.blind) return keep(e, g->protocol);
    violet_status status = vl_buf_printf(&b, "%s; blind: no pictures are seen", g->protocol);
    const char *protocol = status == VIOLET_OK ? vl_strings_keep(&e->strings, b.data, b.n) : NULL;
    vl_buf_free(&b);
    return protocol;
}

violet_status eval_add(eval *e, const eval_group *g, const eval_metric *own)
{
    char name[80];
    violet_status status =
        vl_grow(&e->metric, &e->cap_metrics, e->n_metrics, sizeof *e->metric, 16);
    if (status != VIOLET_OK) return status;
    eval_metric *m = &e->metric[e->n_metrics];
    const eval_metric *last = e->n_metrics ? m - 1 : NULL;
    bool same = last && strcmp(last->group, g->title) == 0;
    *m = *own;
    snprintf(name, sizeof name, "%s%s%s", g->prefix, own->name ? "_" : "",
             own->name ? own->name : "");
    m->name = keep(e, name);
    m->label = keep(e, own->label);
    m->group = same ? last->group : keep(e, g->title);
    m->protocol = same ? last->protocol : keep_protocol(e, g);
    if (!m->name || !m->label || !m->group || !m->protocol) return vl_err_nomem();
    e->n_metrics++;
    return VIOLET_OK;
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* Videos that are scored, items that are used, and of these the ones of scored videos. */
typedef struct counts {
    size_t videos, items, scored;
} counts;

static counts count(const eval *e)
{
    counts c = {0};
    for (int v = 0; v < e->n_videos; v++) c.videos += eval_has(e, v);
    for (size_t i = 0; i < vl_items_n(e->items); i++) {
        if (!eval_is_used(e, i)) continue;
        c.items++;
        c.scored += eval_has(e, vl_items_at(e->items, i)->video);
    }
    return c;
}

/* ---- text ------------------------------------------------------------------------------------ */

static violet_status put_left_out(vl_buf *out, const eval *e, const counts *c)
{
    const char *between = ": ";
    violet_status status =
        vl_buf_printf(out, "  left out: %zu of %d videos, with %zu of %zu items", e->bad.videos,
                      e->n_videos, c->items - c->scored, c->items);
    for (int why = 0; why < VL_BAD_REASONS && status == VIOLET_OK; why++) {
        if (!e->bad.why[why]) continue;
        status = vl_buf_printf(out, "%s%zu %s", between, e->bad.why[why],
                               vl_bad_name((vl_bad)why));
        between = ", ";
    }
    return status == VIOLET_OK ? vl_buf_putc(out, '\n') : status;
}

/* NULL: a list without splits, all of it. */
static const char *split_of(const eval *e)
{
    return vl_items_any(e->items) ? NULL : vl_str_given(e->o->run.split);
}

static violet_status put_head(vl_buf *out, const eval *e)
{
    const char *split = split_of(e);
    counts c = count(e);
    violet_status status = vl_buf_printf(
        out, "%s on %s%s%s: %s%s%s\n", e->kind->type, vl_items_path(e->items),
        split ? ", " : ", all", split ? split : "", e->o->run.path_ckpt, e->compat ? ", as violet1" : "",
        e->o->run.blind ? ", blind" : "");
    if (status == VIOLET_OK && e->bad.videos) status = put_left_out(out, e, &c);
    if (status == VIOLET_OK && e->texts.n_overwritten)
        status = vl_buf_printf(out, "  as published, %zu captions of videos with several are not "
                               "used\n", e->texts.n_overwritten);
    if (status == VIOLET_OK && e->first)
        status = vl_buf_printf(out, "  first stage: %zu of %zu pairs scored, the %d best of each "
                               "query\n", eval_first_pairs(e->first),
                               (size_t)e->n_videos * (size_t)e->texts.n, e->o->first_stage);
    if (status == VIOLET_OK && e->texts.n_shortened)
        status = vl_buf_printf(out, "  shortened to %d tokens: the texts of %zu items",
                               e->o->run.size_txt, e->texts.n_shortened);
    if (status == VIOLET_OK && e->texts.n_cut)
        status = vl_buf_printf(out, ", of %zu also options", e->texts.n_cut);
    if (status == VIOLET_OK && e->texts.n_shortened) status = vl_buf_putc(out, '\n');
    return status;
}

static violet_status put_metric(vl_buf *out, const eval_metric *m)
{
    double scale = m->share ? 100 : 1;
    violet_status status = vl_buf_printf(out, "  %-14s %8.*f%s", m->label, m->share ? 2 : 1,
                                         scale * m->value, m->share ? " %" : "  ");
    if (status == VIOLET_OK && isfinite(m->interval.low))
        status = vl_buf_printf(out, "  [%.*f, %.*f]", m->share ? 2 : 1, scale * m->interval.low,
                               m->share ? 2 : 1, scale * m->interval.high);
    return status == VIOLET_OK ? vl_buf_printf(out, "  n %zu\n", m->n) : status;
}

violet_status eval_text(vl_buf *out, const eval *e)
{
    violet_status status = put_head(out, e);
    for (size_t i = 0; i < e->n_metrics && status == VIOLET_OK; i++) {
        const eval_metric *m = &e->metric[i];
        if (i == 0 || m->group != m[-1].group)
            status = vl_buf_printf(out, "%s: %s\n", m->group, m->protocol);
        if (status == VIOLET_OK) status = put_metric(out, m);
    }
    if (status != VIOLET_OK) return status;
    return vl_buf_printf(out, "intervals: 95 %%, from %d bootstrap samples of the videos, seed "
                         "%lld\n", VL_RESAMPLES, (long long)e->o->run.seed);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *metric_json(const eval_metric *m)
{
    json_t *o = json_object(), *between = json_array();
    int bad = vl_json_put(between, NULL, vl_json_real(m->interval.low));
    bad |= vl_json_put(between, NULL, vl_json_real(m->interval.high));
    bad |= vl_json_put(o, "value", vl_json_real(m->value));
    bad |= vl_json_put(o, "interval", between);
    bad |= vl_json_put(o, "n", json_integer((json_int_t)m->n));
    bad |= vl_json_put(o, "protocol", json_string(m->protocol));
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

static json_t *left_out_json(const eval *e, const counts *c)
{
    json_t *o = json_object();
    int bad = vl_json_put(o, "videos", json_integer((json_int_t)e->bad.videos));
    bad |= vl_json_put(o, "items", json_integer((json_int_t)(c->items - c->scored)));
    for (int why = 0; why < VL_BAD_REASONS; why++)
        if (e->bad.why[why])
            bad |= vl_json_put(o, vl_bad_name((vl_bad)why),
                               json_integer((json_int_t)e->bad.why[why]));
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

static json_t *string_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}

static json_t *first_json(const eval *e)
{
    json_t *o = json_object();
    size_t videos = (size_t)(e->n_videos - vl_dataset_missing(e->set));
    size_t all = videos * (size_t)e->texts.n;
    int bad = vl_json_put(o, "best", json_integer(e->o->first_stage));
    bad |= vl_json_put(o, "pairs", json_integer((json_int_t)eval_first_pairs(e->first)));
    bad |= vl_json_put(o, "all_pairs", json_integer((json_int_t)all));
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

/* Those of a type stand in an object of their own, whose names are the data's. */
static int put_metrics(json_t *o, const eval *e)
{
    json_t *whole = json_object(), *types = json_object();
    int bad = !whole || !types;
    for (size_t i = 0; i < e->n_metrics && !bad; i++) {
        const eval_metric *m = &e->metric[i];
        json_t *to = m->type ? json_object_get(types, m->type) : whole;
        if (!to) bad = vl_json_put(types, m->type, to = json_object());
        if (!bad) bad = vl_json_put(to, m->name, metric_json(m));
    }
    bool any = json_object_size(types) > 0;
    bad |= vl_json_put(o, "metrics", whole);
    if (any) return vl_json_put(o, "types", types) || bad;
    json_decref(types);
    return bad;
}

static json_t *chance_json(const eval_chance *c)
{
    json_t *o = json_object();
    int bad = vl_json_put(o, "uniform", json_real(c->uniform));
    if (c->answer) bad |= vl_json_put(o, "most_frequent", json_real(c->frequent));
    if (c->answer) bad |= vl_json_put(o, "answer", json_string(c->answer));
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

json_t *eval_json(const eval *e)
{
    const vl_run_options *run = &e->o->run;
    counts c = count(e);
    json_t *o = json_object();
    char part[40];
    snprintf(part, sizeof part, "%d/%d", e->shard.i, e->shard.n);
    int bad = vl_json_put(o, "type", json_string(e->kind->type));
    bad |= vl_json_put(o, "items", json_string(vl_items_path(e->items)));
    bad |= vl_json_put(o, "split", string_or_null(split_of(e)));
    bad |= vl_json_put(o, "checkpoint", json_string(run->path_ckpt));
    bad |= vl_json_put(o, "compat", json_string(e->compat ? "violet1" : "none"));
    bad |= vl_json_put(o, "blind", json_boolean(run->blind));
    bad |= vl_json_put(o, "key", json_string(e->key));
    if (e->shard.n > 1) bad |= vl_json_put(o, "shard", json_string(part));
    if (e->first) bad |= vl_json_put(o, "first_stage", first_json(e));
    bad |= vl_json_put(o, "scored_videos", json_integer((json_int_t)c.videos));
    bad |= vl_json_put(o, "scored_items", json_integer((json_int_t)c.scored));
    bad |= vl_json_put(o, "left_out", left_out_json(e, &c));
    bad |= vl_json_put(o, "overwritten", json_integer((json_int_t)e->texts.n_overwritten));
    bad |= vl_json_put(o, "shortened", json_integer((json_int_t)e->texts.n_shortened));
    if (e->kind == &vl_qamc) {
        bad |= vl_json_put(o, "options_cut", json_integer((json_int_t)e->texts.n_cut));
        bad |= vl_json_put(o, "options_equal", json_integer((json_int_t)e->texts.n_equal));
    }
    bad |= vl_json_put(o, "resamples", json_integer(VL_RESAMPLES));
    bad |= vl_json_put(o, "seed", json_integer((json_int_t)run->seed));
    if (e->chance.uniform > 0) bad |= vl_json_put(o, "chance", chance_json(&e->chance));
    bad |= put_metrics(o, e);
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

violet_status eval_line(const eval *e, FILE *f, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (!text) return vl_err_nomem();
    bool good = fputs(text, f) >= 0 && fputc('\n', f) != EOF;
    free(text);
    return good ? VIOLET_OK : vl_err_errno("write '%s'", e->o->predictions);
}

/* ---- speed ----------------------------------------------------------------------------------- */

violet_status eval_tell_speed(eval *e, json_t *object)
{
    if (e->n_pairs == 0 || !(e->seconds > 0)) return VIOLET_OK;
    double rate = e->flops / e->seconds, pairs = (double)e->n_pairs / e->seconds;
    double peak = e->backend->peak_flops(e->device), memory = (double)vl_memory_peak();
    vl_tell(e->hooks, VIOLET_EVENT_MESSAGE,
            "%zu pairs and %zu videos in %.1f s: %.3g pairs/s, %.1f GFLOP/s, %.1f %% of this "
            "machine's measured peak of %.1f; peak memory %.2f GiB",
            e->n_pairs, e->n_encoded, e->seconds, pairs, 1e-9 * rate,
            peak > 0 ? 100 * rate / peak : NAN, 1e-9 * peak, memory / (1 << 30));
    if (!object) return VIOLET_OK;
    json_t *o = json_object();
    int bad = vl_json_put(o, "pairs", json_integer((json_int_t)e->n_pairs));
    bad |= vl_json_put(o, "videos", json_integer((json_int_t)e->n_encoded));
    bad |= vl_json_put(o, "seconds", json_real(e->seconds));
    bad |= vl_json_put(o, "pairs_per_s", json_real(pairs));
    bad |= vl_json_put(o, "flops_per_s", json_real(rate));
    bad |= vl_json_put(o, "peak_flops_per_s", vl_json_real(peak));
    bad |= vl_json_put(o, "peak_memory_bytes", json_real(memory));
    return vl_json_put(object, "speed", o) || bad ? vl_err_nomem() : VIOLET_OK;
}
