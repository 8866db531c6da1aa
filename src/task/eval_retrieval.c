/* Retrieval: ranks from the scores of all videos with all captions, read row by row, a row a video,
 * so that the matrix is never in memory.
 *
 * Text to video: each caption ranks the videos; its rank is that of its own video. Video to text:
 * each video ranks the captions; its rank is that of the best of its own, counted among those of
 * the other videos. Only videos that were scored take part, and their captions.
 *
 * With a first stage (eval_first.c: cosines in place of scores) everything is ranked by that first.
 * Then the K best of a query are ranked anew by their scores; a query whose own are not among them
 * has its rank behind them, as the first stage orders the others. So what the first stage loses is
 * seen as such, and with K as large as all, the ranks are those of no first stage. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/groups.h"
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
    vl_tally first; /* by the first stage */
    int chosen;     /* others that the first stage has left */
    bool within;    /* what is right is among them */
    double rank;
} query;

typedef struct retrieval {
    eval *e;
    int *unit;       /* (n_videos), -1: not scored */
    int n_units, n_captions, top;
    query *caption;  /* (n_captions), by item */
    query *video;    /* (n_units) */
    vl_groups own;   /* captions by unit */
    real *row;       /* (texts) */
    uint8_t *mark;   /* (texts) the pairs of the row: EVAL_BY_... */
    bool cosines;    /* now ranking by the first stage */
    best *memory;
} retrieval;

/* ---- ranks ----------------------------------------------------------------------------------- */

static int text_of(const retrieval *r, const query *caption)
{
    const eval_texts *t = &r->e->texts;
    return t->of[(size_t)caption->item * (size_t)t->rows];
}

/* Scores of a video with all texts, and which count for whom. */
static void read_row(retrieval *r, int video)
{
    bool all = r->cosines || !r->e->first;
    if (r->cosines)
        eval_first_row(r->row, r->e, video);
    else
        vl_features_get(r->row, r->e->scores, video);
    if (all)
        memset(r->mark, EVAL_BY_TEXT | EVAL_BY_VIDEO, (size_t)r->e->texts.n);
    else
        eval_first_marks(r->mark, r->e, video);
}

/* Equals stay behind what came before. */
static void offer(query *q, double score, int of, int top)
{
    if (!q->best || (q->n_best == top && score <= q->best[top - 1].score)) return;
    int at = q->n_best < top ? q->n_best++ : top - 1;
    for (; at > 0 && q->best[at - 1].score < score; at--) q->best[at] = q->best[at - 1];
    q->best[at] = (best){score, of};
}

/* What is right gets its score, if there is one. */
static void find_ours(retrieval *r)
{
    for (int u = 0; u < r->n_units; u++) {
        query *v = &r->video[u];
        v->tally = (vl_tally){0};
        v->chosen = 0;
        v->within = false;
        read_row(r, v->video);
        for (size_t i = r->own.first[u]; i < r->own.first[u + 1]; i++) {
            query *c = &r->caption[r->own.of[i]];
            int t = text_of(r, c);
            c->tally = (vl_tally){.ours = (double)r->row[t]};
            c->chosen = 0;
            c->within = r->mark[t] & EVAL_BY_TEXT;
            if (!(r->mark[t] & EVAL_BY_VIDEO)) continue;
            if (!v->within || v->tally.ours < c->tally.ours) v->tally.ours = c->tally.ours;
            v->within = true;
        }
    }
}

/* The others are counted. */
static violet_status count_others(retrieval *r)
{
    for (int u = 0; u < r->n_units; u++) {
        query *v = &r->video[u];
        if (vl_stopped(r->e->hooks)) return vl_interrupted("eval");
        read_row(r, v->video);
        for (int k = 0; k < r->n_captions; k++) {
            query *c = &r->caption[k];
            int t = text_of(r, c);
            double score = (double)r->row[t];
            bool by_text = r->mark[t] & EVAL_BY_TEXT, by_video = r->mark[t] & EVAL_BY_VIDEO;
            if (by_text && !r->cosines) offer(c, score, v->video, r->top);
            if (by_video && !r->cosines) offer(v, score, c->item, r->top);
            if (c->unit == u) continue;
            c->chosen += by_text;
            v->chosen += by_video;
            if (by_text) vl_tally_add(&c->tally, score, u < c->unit);
            if (by_video) vl_tally_add(&v->tally, score, c->unit < u);
        }
    }
    return VIOLET_OK;
}

/* What is right but not among those that the first stage has left is behind all of these, some of
 * which may be its equals there; where among the others, the first stage says. */
static vl_tally behind_chosen(const query *q)
{
    vl_tally t = q->first;
    int equal = q->chosen > t.above ? q->chosen - t.above : 0;
    t.above += equal;
    t.equal -= equal;
    t.before = t.before > equal ? t.before - equal : 0;
    return t;
}

static void set_rank(query *q, bool cosines, vl_rank_rule rule)
{
    if (cosines) q->first = q->tally;
    const vl_tally t = q->within ? q->tally : behind_chosen(q);
    q->rank = vl_tally_rank(&t, rule);
}

static violet_status rank_all(retrieval *r, bool cosines)
{
    r->cosines = cosines;
    find_ours(r);
    violet_status status = count_others(r);
    for (int k = 0; k < r->n_captions; k++) set_rank(&r->caption[k], cosines, r->e->rule);
    for (int u = 0; u < r->n_units; u++) set_rank(&r->video[u], cosines, r->e->rule);
    return status;
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

/* Metrics of the ranks as they are now. */
static violet_status add_metrics(retrieval *r)
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

static violet_status write_all(const retrieval *r, FILE *f)
{
    violet_status status = VIOLET_OK;
    for (int k = 0; k < r->n_captions && is_wanted(r->e, 0) && status == VIOLET_OK; k++)
        status = write_query(r, &r->caption[k], f);
    for (int u = 0; u < r->n_units && is_wanted(r->e, 1) && status == VIOLET_OK; u++)
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
}

static violet_status list_own(retrieval *r)
{
    violet_status status = vl_groups_open(&r->own, r->n_units, (size_t)r->n_captions);
    if (status != VIOLET_OK) return status;
    for (int k = 0; k < r->n_captions; k++) vl_groups_count(&r->own, r->caption[k].unit);
    vl_groups_counted(&r->own);
    for (int k = 0; k < r->n_captions; k++) vl_groups_put(&r->own, r->caption[k].unit, k);
    return VIOLET_OK;
}

static violet_status open_memory(retrieval *r, bool predictions)
{
    size_t videos = (size_t)r->e->n_videos, items = vl_items_n(r->e->items);
    r->unit = malloc(videos * sizeof *r->unit);
    r->video = calloc(videos, sizeof *r->video);
    r->caption = calloc(items, sizeof *r->caption);
    r->row = malloc((size_t)r->e->texts.n * sizeof *r->row);
    r->mark = malloc((size_t)r->e->texts.n);
    if (!r->unit || !r->video || !r->caption || !r->row || !r->mark) return vl_err_nomem();
    list_queries(r);
    violet_status status = list_own(r);
    if (status != VIOLET_OK || !predictions) return status;
    size_t top = (size_t)r->top, n = (size_t)(r->n_captions + r->n_units);
    if (!(r->memory = malloc((n * top + 1) * sizeof *r->memory))) return vl_err_nomem();
    for (int k = 0; k < r->n_captions; k++) r->caption[k].best = r->memory + (size_t)k * top;
    for (int u = 0; u < r->n_units; u++)
        r->video[u].best = r->memory + (size_t)(r->n_captions + u) * top;
    return VIOLET_OK;
}

violet_status eval_rankings(eval *e, FILE *f)
{
    retrieval r = {.e = e, .top = e->o->top};
    violet_status status = open_memory(&r, f != NULL);
    if (status == VIOLET_OK && r.n_captions == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: none of its videos could be scored",
                        vl_items_path(e->items));
    if (status == VIOLET_OK && e->first) {
        status = rank_all(&r, true);
        if (status == VIOLET_OK) status = add_metrics(&r);
    }
    if (status == VIOLET_OK) status = rank_all(&r, false);
    if (status == VIOLET_OK) status = add_metrics(&r);
    if (status == VIOLET_OK && f) status = write_all(&r, f);
    free(r.unit);
    free(r.video);
    free(r.caption);
    vl_groups_release(&r.own);
    free(r.row);
    free(r.mark);
    free(r.memory);
    return status;
}
