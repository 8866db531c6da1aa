/* Retrieval: ranks from the scores of all videos with all captions, read row by row, a row a video,
 * so that the matrix is never in memory.
 *
 * Text to video: each caption ranks the videos; its rank is that of its own video. Video to text:
 * each video ranks the captions; its rank is that of the best of its own, counted among those of
 * the other videos. Only videos that were scored take part, and their captions. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/eval_internal.h"
#include "train/run_folder.h"

/* The best of a ranking so far. */
typedef struct best {
    double score;
    int of; /* a video, or an item */
} best;

typedef struct query {
    int item, video; /* video: of the caption; of a video's query itself, with item -1 */
    int unit;        /* number of the video among those that were scored */
    int n_best;
    best *best; /* (top); NULL: not wanted */
    vl_tally tally;
    double rank;
} query;

typedef struct retrieval {
    eval *e;
    int *unit;       /* (n_videos), -1: not scored */
    int n_units, n_captions, top;
    query *caption;  /* (n_captions), by item */
    query *video;    /* (n_units) */
    int *first;      /* (n_units + 1): captions of ... in by_video */
    int *by_video;   /* (n_captions) numbers of captions */
    real *row;       /* (texts) */
    best *memory;
} retrieval;

/* ---- ranks ----------------------------------------------------------------------------------- */

static double score_of(const retrieval *r, const query *caption)
{
    const eval_texts *t = &r->e->texts;
    return (double)r->row[t->of[(size_t)caption->item * (size_t)t->rows]];
}

/* Equals stay behind what came before. */
static void offer(query *q, double score, int of, int top)
{
    if (!q->best || (q->n_best == top && score <= q->best[top - 1].score)) return;
    int at = q->n_best < top ? q->n_best++ : top - 1;
    for (; at > 0 && q->best[at - 1].score < score; at--) q->best[at] = q->best[at - 1];
    q->best[at] = (best){score, of};
}

/* What is right gets its score. */
static void find_ours(retrieval *r)
{
    for (int u = 0; u < r->n_units; u++) {
        query *v = &r->video[u];
        vl_features_get(r->row, r->e->scores, v->video);
        for (int i = r->first[u]; i < r->first[u + 1]; i++) {
            query *c = &r->caption[r->by_video[i]];
            c->tally.ours = score_of(r, c);
            if (i == r->first[u] || v->tally.ours < c->tally.ours) v->tally.ours = c->tally.ours;
        }
    }
}

/* The others are counted. */
static violet_status count_others(retrieval *r)
{
    for (int u = 0; u < r->n_units; u++) {
        query *v = &r->video[u];
        if (vl_stopped(r->e->hooks)) return vl_interrupted("eval");
        vl_features_get(r->row, r->e->scores, v->video);
        for (int k = 0; k < r->n_captions; k++) {
            query *c = &r->caption[k];
            double score = score_of(r, c);
            offer(c, score, v->video, r->top);
            offer(v, score, c->item, r->top);
            if (c->unit == u) continue;
            vl_tally_add(&c->tally, score, u < c->unit);
            vl_tally_add(&v->tally, score, c->unit < u);
        }
    }
    for (int k = 0; k < r->n_captions; k++)
        r->caption[k].rank = vl_tally_rank(&r->caption[k].tally, r->e->rule);
    for (int u = 0; u < r->n_units; u++)
        r->video[u].rank = vl_tally_rank(&r->video[u].tally, r->e->rule);
    return VIOLET_OK;
}

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
        status = eval_add(r->e, g, names[i], labels[i], i < VL_RECALLS, value[i], interval[i],
                          (size_t)n);
    free(k.rank);
    free(k.unit);
    free(k.times);
    return status;
}

static violet_status add_metrics(retrieval *r)
{
    char protocol[400];
    bool compat = r->e->compat;
    snprintf(protocol, sizeof protocol, "%d captions%s, each ranks %d videos; %s", r->n_captions,
             compat ? ", the last of each video" : "", r->n_units,
             compat ? "equal scores in the order of the videos, median rounded down"
                    : "equal scores share the middle of their ranks");
    violet_status status = add_direction(r, &(eval_group){"text to video", protocol, "t2v"},
                                         r->caption, r->n_captions);
    if (status != VIOLET_OK || compat) return status; /* the published evaluation has no other */
    snprintf(protocol, sizeof protocol,
             "%d videos, each ranks %d captions; a video's rank is that of the best of its own "
             "among those of other videos; equal scores share the middle of their ranks",
             r->n_units, r->n_captions);
    return add_direction(r, &(eval_group){"video to text", protocol, "v2t"}, r->video, r->n_units);
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
    bad |= vl_json_put(o, "top", best_list(r, q));
    if (!bad) return eval_line(f, o);
    json_decref(o);
    return vl_err_nomem();
}

static violet_status write_all(const retrieval *r, FILE *f)
{
    violet_status status = VIOLET_OK;
    for (int k = 0; k < r->n_captions && status == VIOLET_OK; k++)
        status = write_query(r, &r->caption[k], f);
    for (int u = 0; u < (r->e->compat ? 0 : r->n_units) && status == VIOLET_OK; u++)
        status = write_query(r, &r->video[u], f);
    return status;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static void list_queries(retrieval *r)
{
    eval *e = r->e;
    for (int v = 0, u = 0; v < e->n_videos; v++) {
        r->unit[v] = vl_features_rows(e->scores, v) ? u++ : -1;
        if (r->unit[v] < 0) continue;
        r->video[r->unit[v]] = (query){.item = -1, .video = v, .unit = r->unit[v]};
        r->n_units = u;
    }
    for (size_t i = 0; i < vl_items_n(e->items); i++) {
        int v = vl_items_at(e->items, i)->video;
        if (r->unit[v] < 0 || !eval_is_used(e, i)) continue;
        r->caption[r->n_captions++] = (query){.item = (int)i, .video = v, .unit = r->unit[v]};
    }
    for (int k = 0; k < r->n_captions; k++) r->first[r->caption[k].unit + 1]++;
    for (int u = 0; u < r->n_units; u++) r->first[u + 1] += r->first[u];
    for (int k = r->n_captions - 1; k >= 0; k--) { /* backwards: first[u + 1] moves down to u's */
        int *end = &r->first[r->caption[k].unit + 1];
        r->by_video[--*end] = k;
    }
    for (int u = 0; u < r->n_units; u++) r->first[u] = r->first[u + 1];
    r->first[r->n_units] = r->n_captions;
}

static violet_status open_memory(retrieval *r, bool predictions)
{
    size_t videos = (size_t)r->e->n_videos, items = vl_items_n(r->e->items);
    r->unit = malloc(videos * sizeof *r->unit);
    r->video = calloc(videos, sizeof *r->video);
    r->caption = calloc(items, sizeof *r->caption);
    r->first = calloc(videos + 2, sizeof *r->first);
    r->by_video = malloc(items * sizeof *r->by_video);
    r->row = malloc((size_t)r->e->texts.n * sizeof *r->row);
    if (!r->unit || !r->video || !r->caption || !r->first || !r->by_video || !r->row)
        return vl_err_nomem();
    list_queries(r);
    if (!predictions) return VIOLET_OK;
    size_t top = (size_t)r->top, n = (size_t)(r->n_captions + r->n_units);
    if (!(r->memory = malloc((n * top + 1) * sizeof *r->memory))) return vl_err_nomem();
    for (int k = 0; k < r->n_captions; k++) r->caption[k].best = r->memory + (size_t)k * top;
    for (int u = 0; u < r->n_units; u++)
        r->video[u].best = r->memory + (size_t)(r->n_captions + u) * top;
    return VIOLET_OK;
}

static violet_status measure(eval *e, FILE *f)
{
    retrieval r = {.e = e, .top = e->o->top};
    violet_status status = open_memory(&r, f != NULL);
    if (status == VIOLET_OK && r.n_captions == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: none of its videos could be scored",
                        vl_items_path(e->items));
    if (status == VIOLET_OK) find_ours(&r);
    if (status == VIOLET_OK) status = count_others(&r);
    if (status == VIOLET_OK) status = add_metrics(&r);
    if (status == VIOLET_OK && f) status = write_all(&r, f);
    free(r.unit);
    free(r.video);
    free(r.caption);
    free(r.first);
    free(r.by_video);
    free(r.row);
    free(r.memory);
    return status;
}

const eval_kind eval_retrieval = {
    .type = "retrieval",
    .items = VL_TASK_RETRIEVAL,
    .head = VL_HEAD_MATCH,
    .all_pairs = true,
    .measure = measure,
};
