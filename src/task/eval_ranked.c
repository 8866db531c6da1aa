/* Rankings of retrieval: their metrics and predictions; see eval_ranked.h. */
#include "task/eval_ranked.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "train/run_folder.h"

/* ---- metrics --------------------------------------------------------------------------------- */

enum { N_METRICS = VL_RECALLS + 2 };

/* Ranks of one direction, sorted. */
typedef struct ranks {
    double *rank; /* (n) */
    int *unit, *times, n;
    vl_rank_rule rule;
} ranks;

static void put_ranking(double *metric, const vl_ranking *g)
{
    memcpy(metric, g->recall, sizeof g->recall);
    metric[VL_RECALLS] = g->median;
    metric[VL_RECALLS + 1] = g->mean;
}

static void of_sample(double *metric, const int *times, void *user)
{
    const ranks *k = user;
    for (int i = 0; i < k->n; i++) k->times[i] = times[k->unit[i]];
    vl_ranking g = vl_ranking_sorted(k->rank, k->times, k->n, k->rule);
    put_ranking(metric, &g);
}

static int by_rank(const void *a, const void *b)
{
    double x = (*(const query *const *)a)->rank, y = (*(const query *const *)b)->rank;
    return (x > y) - (x < y);
}

static violet_status fill_ranks(ranks *k, const query *q)
{
    size_t n = (size_t)k->n;
    const query **sorted = malloc((n + 1) * sizeof *sorted);
    k->rank = malloc((n + 1) * sizeof *k->rank);
    k->unit = malloc((n + 1) * sizeof *k->unit);
    k->times = malloc((n + 1) * sizeof *k->times);
    bool whole = sorted && k->rank && k->unit && k->times;
    for (size_t i = 0; i < n && whole; i++) sorted[i] = &q[i];
    if (whole) qsort(sorted, n, sizeof *sorted, by_rank);
    for (size_t i = 0; i < n && whole; i++) {
        k->rank[i] = sorted[i]->rank;
        k->unit[i] = sorted[i]->unit;
    }
    free(sorted);
    return whole ? VIOLET_OK : vl_err_nomem();
}

static violet_status add_one(eval *e, const eval_group *g, const char *name, const char *label,
                             bool share, double value, vl_interval interval, int n)
{
    const eval_metric m = {.name = name, .label = label, .share = share, .value = value,
                           .interval = interval, .n = (size_t)n};
    return eval_add(e, g, &m);
}

static violet_status add_direction(retrieval *r, const eval_group *g, const query *q, int n)
{
    static const char *const names[N_METRICS] = {"recall_1", "recall_5", "recall_10",
                                                 "median_rank", "mean_rank"};
    static const char *const labels[N_METRICS] = {"R@1", "R@5", "R@10", "median rank",
                                                  "mean rank"};
    double value[N_METRICS];
    vl_interval interval[N_METRICS];
    ranks k = {.n = n, .rule = r->e->rule};
    violet_status status = fill_ranks(&k, q);
    if (status == VIOLET_OK)
        status = vl_bootstrap(interval, N_METRICS, r->n_units, (uint64_t)r->e->o->run.seed,
                              of_sample, &k);
    if (status == VIOLET_OK) {
        vl_ranking whole = vl_ranking_sorted(k.rank, NULL, n, k.rule);
        put_ranking(value, &whole);
    }
    for (int i = 0; i < N_METRICS && status == VIOLET_OK; i++)
        status = add_one(r->e, g, names[i], labels[i], i < VL_RECALLS, value[i], interval[i], n);
    free(k.rank);
    free(k.unit);
    free(k.times);
    return status;
}

typedef struct kept {
    const query *q;
    int n;
} kept;

static void of_kept(double *metric, const int *times, void *user)
{
    const kept *k = user;
    double n = 0, within = 0;
    for (int i = 0; i < k->n; i++) {
        n += times[k->q[i].unit];
        within += k->q[i].within ? times[k->q[i].unit] : 0;
    }
    *metric = n > 0 ? within / n : NAN;
}

/* The share of queries whose own is among the K best of the first stage: no more can be found. */
static violet_status add_within(retrieval *r, const eval_group *g, const query *q, int n)
{
    char label[40];
    kept k = {q, n};
    int within = 0;
    vl_interval interval;
    for (int i = 0; i < n; i++) within += q[i].within;
    snprintf(label, sizeof label, "within %d", r->e->o->first_stage);
    violet_status status =
        vl_bootstrap(&interval, 1, r->n_units, (uint64_t)r->e->o->run.seed, of_kept, &k);
    if (status != VIOLET_OK) return status;
    return add_one(r->e, g, "within", label, true, n ? (double)within / n : NAN, interval, n);
}

/* The two directions: titles and prefixes, by the first stage and as they end. */
static const struct direction {
    int other;         /* option `direction` that leaves this one out */
    const char *prefix[2], *title[2];
} directions[] = {
    {EVAL_VIDEO_TO_TEXT, {"t2v", "t2v_first"}, {"text to video", "text to video, first stage"}},
    {EVAL_TEXT_TO_VIDEO, {"v2t", "v2t_first"}, {"video to text", "video to text, first stage"}},
};

/* The published evaluation has one direction. */
static bool is_wanted(const eval *e, int k)
{
    return e->o->direction != directions[k].other && !(k == 1 && e->compat);
}

static void describe(char *to, size_t size, const retrieval *r, int k)
{
    bool compat = r->e->compat;
    int n;
    if (k == 0)
        n = snprintf(to, size, "%d captions%s, each ranks %d videos; %s", r->n_captions,
                     compat ? ", the last of each video" : "", r->n_units,
                     compat ? "equal scores in the order of the videos, median rounded down"
                            : "equal scores share the middle of their ranks");
    else
        n = snprintf(to, size,
                     "%d videos, each ranks %d captions; a video's rank is that of the best of its "
                     "own among those of other videos; equal scores share the middle of their "
                     "ranks",
                     r->n_units, r->n_captions);
    if (!r->e->first || n >= (int)size) return;
    if (r->cosines)
        snprintf(to + n, size - (size_t)n, "; by the cosine of their vectors");
    else
        snprintf(to + n, size - (size_t)n, "; the %d best of the first stage ranked anew, others "
                 "behind them in its order", r->e->o->first_stage);
}

violet_status eval_ranked_metrics(retrieval *r)
{
    violet_status status = VIOLET_OK;
    for (int k = 0; k < 2 && status == VIOLET_OK; k++) {
        char protocol[500];
        const eval_group g = {directions[k].title[r->cosines], protocol,
                              directions[k].prefix[r->cosines]};
        const query *q = k == 0 ? r->caption : r->video;
        int n = k == 0 ? r->n_captions : r->n_units;
        if (!is_wanted(r->e, k)) continue;
        describe(protocol, sizeof protocol, r, k);
        status = add_direction(r, &g, q, n);
        if (status == VIOLET_OK && r->e->first && !r->cosines) status = add_within(r, &g, q, n);
    }
    return status;
}

/* ---- predictions ----------------------------------------------------------------------------- */

static json_t *best_list(const retrieval *r, const query *q)
{
    const vl_items *items = r->e->items;
    json_t *list = json_array();
    for (int i = 0; i < q->n_best; i++) {
        json_t *o = json_object();
        const vl_item *x = q->item < 0 ? vl_items_at(items, (size_t)q->best[i].of) : NULL;
        int video = x ? x->video : q->best[i].of;
        int bad = vl_json_put(o, "video", json_string(vl_items_video(items, video)));
        if (x) bad |= vl_json_put(o, "caption", json_string(x->text));
        bad |= vl_json_put(o, "score", json_real(q->best[i].score));
        if (vl_json_put(list, NULL, o) || bad) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static violet_status write_query(const retrieval *r, const query *q, FILE *f)
{
    const vl_items *items = r->e->items;
    json_t *o = json_object();
    const vl_item *x = q->item < 0 ? NULL : vl_items_at(items, (size_t)q->item);
    int bad = vl_json_put(o, "query", json_string(x ? "text" : "video"));
    if (x) bad |= vl_json_put(o, "entry", json_integer((json_int_t)x->entry));
    if (x) bad |= vl_json_put(o, "caption", json_string(x->text));
    bad |= vl_json_put(o, "video", json_string(vl_items_video(items, q->video)));
    bad |= vl_json_put(o, "rank", json_real(q->rank));
    if (q->within) bad |= vl_json_put(o, "score", vl_json_real(q->tally.ours));
    bad |= vl_json_put(o, "top", best_list(r, q));
    if (!bad) return eval_line(r->e, f, o);
    json_decref(o);
    return vl_err_nomem();
}

violet_status eval_ranked_write(const retrieval *r, FILE *f)
{
    violet_status status = VIOLET_OK;
    for (int k = 0; k < r->n_captions && is_wanted(r->e, 0) && status == VIOLET_OK; k++)
        status = write_query(r, &r->caption[k], f);
    for (int u = 0; u < r->n_units && is_wanted(r->e, 1) && status == VIOLET_OK; u++)
        status = write_query(r, &r->video[u], f);
    return status;
}
