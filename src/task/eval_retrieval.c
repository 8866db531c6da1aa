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
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/eval_ranked.h"

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
        if (status == VIOLET_OK) status = eval_ranked_metrics(&r);
    }
    if (status == VIOLET_OK) status = rank_all(&r, false);
    if (status == VIOLET_OK) status = eval_ranked_metrics(&r);
    if (status == VIOLET_OK && f) status = eval_ranked_write(&r, f);
    free(r.unit);
    free(r.video);
    free(r.caption);
    vl_groups_release(&r.own);
    free(r.row);
    free(r.mark);
    free(r.memory);
    return status;
}
