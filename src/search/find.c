/* Sentences looked for in a collection; see search.h. */
#include <stdlib.h>

#include "base/progress.h"
#include "base/status.h"
#include "model/dual.h"
#include "search/search.h"

/* A search under way. */
typedef struct search {
    const violet_collection *c;
    violet_session *s;
    vl_features *texts; /* (n_texts) items */
    int n_texts, n;     /* n: videos that can be used */
    int *video;         /* (n) their numbers in the list */
    vl_use_ranked *list; /* (n) of one sentence */
    vl_progress progress;
    uint64_t n_scored; /* pairs */
    const violet_hooks *hooks;
} search;

/* ---- scores ---------------------------------------------------------------------------------- */

enum { LOT = 16 }; /* videos in memory at once, where they come from a file */

/* score (n, texts) of the videos with these numbers. */
static violet_status score_lot(float *score, search *q, const int *video, int n,
                               const vl_features *texts)
{
    violet_video *lent[LOT];
    int n_lent = 0;
    violet_status status = VIOLET_OK;
    for (; n_lent < n; n_lent++) {
        status = vl_collection_lend(&lent[n_lent], q->c, video[n_lent]);
        if (status != VIOLET_OK) break;
    }
    if (status == VIOLET_OK)
        status = vl_use_pairs(score, q->s, (const violet_video *const *)lent, n, texts);
    for (int i = 0; i < n_lent; i++) vl_collection_return(q->c, video[i], lent[i]);
    return status;
}

static violet_status score_all(float *score, search *q, const int *video, int n,
                               const vl_features *texts)
{
    int n_texts = vl_features_key_of(texts)->n;
    for (int i = 0, lot; i < n; i += lot) {
        if (vl_stopped(q->hooks)) return vl_interrupted("search");
        lot = n - i < LOT ? n - i : LOT;
        violet_status status =
            score_lot(score + (size_t)i * (size_t)n_texts, q, video + i, lot, texts);
        if (status != VIOLET_OK) return status;
        q->n_scored += (uint64_t)lot * (uint64_t)n_texts;
        vl_progress_item(&q->progress, q->n_scored, 0);
    }
    return VIOLET_OK;
}

/* The best of the list are results; their numbers count usable videos. */
static void hand_over(violet_found *best, const search *q, int top)
{
    for (int i = 0; i < top; i++) {
        int at = q->video[q->list[i].of];
        best[i] = (violet_found){.name = q->c->item[at].name,
                                 .path = q->c->list.file[at].path,
                                 .score = q->list[i].score};
    }
}

/* All pairs: a pass over the videos for all sentences. */
static violet_status rank_by_scores(violet_found *best, search *q, int top)
{
    size_t n_texts = (size_t)q->n_texts;
    float *score = malloc((size_t)q->n * n_texts * sizeof *score);
    vl_progress_start(&q->progress, q->hooks, "pairs", 0, (uint64_t)q->n * n_texts);
    violet_status status = score ? score_all(score, q, q->video, q->n, q->texts) : vl_err_nomem();
    for (size_t t = 0; t < n_texts && status == VIOLET_OK; t++) {
        for (int i = 0; i < q->n; i++)
            q->list[i] = (vl_use_ranked){score[(size_t)i * n_texts + t], i};
        vl_use_rank(q->list, q->n);
        hand_over(best + t * (size_t)top, q, top);
    }
    free(score);
    return status;
}

/* ---- the first stage ------------------------------------------------------------------------- */

/* Sentence t by the vectors. */
static violet_status rank_by_vectors(search *q, int t)
{
    int E = q->c->E;
    real *text = malloc((size_t)E * sizeof *text);
    violet_status status =
        text ? vl_use_vector(text, q->s, q->texts, t, true) : vl_err_nomem();
    for (int i = 0; i < q->n && status == VIOLET_OK; i++)
        q->list[i] = (vl_use_ranked){
            vl_dual_product(q->c->vector + (size_t)q->video[i] * (size_t)E, text, E), i};
    if (status == VIOLET_OK) vl_use_rank(q->list, q->n);
    free(text);
    return status;
}

/* The sentence alone. */
static violet_status take_text(vl_features **out, const search *q, int t)
{
    const vl_features_key *k = vl_features_key_of(q->texts);
    real *x = malloc((size_t)k->rows * (size_t)k->cols * sizeof *x);
    violet_status status = x ? vl_use_features(out, q->s->of, "text", 1, k->rows) : vl_err_nomem();
    if (status == VIOLET_OK) vl_features_get(x, q->texts, t);
    if (status == VIOLET_OK) status = vl_features_put(*out, 0, x, vl_features_rows(q->texts, t));
    free(x);
    return status;
}

/* The first K of the list, anew. */
static violet_status score_chosen(search *q, int t, int K)
{
    vl_features *text = NULL;
    float *score = malloc((size_t)K * sizeof *score);
    int *video = malloc((size_t)K * sizeof *video);
    violet_status status = score && video ? take_text(&text, q, t) : vl_err_nomem();
    for (int i = 0; i < K && status == VIOLET_OK; i++) video[i] = q->video[q->list[i].of];
    if (status == VIOLET_OK) status = score_all(score, q, video, K, text);
    for (int i = 0; i < K && status == VIOLET_OK; i++) q->list[i].score = score[i];
    if (status == VIOLET_OK) vl_use_rank(q->list, K);
    vl_features_close(text);
    free(score);
    free(video);
    return status;
}

/* K: so many are scored of each sentence; 0: none. */
static violet_status rank_by_stages(violet_found *best, search *q, int top, int K)
{
    violet_status status = VIOLET_OK;
    vl_progress_start(&q->progress, q->hooks, "pairs", 0, (uint64_t)K * (uint64_t)q->n_texts);
    for (int t = 0; t < q->n_texts && status == VIOLET_OK; t++) {
        status = rank_by_vectors(q, t);
        if (status == VIOLET_OK && K) status = score_chosen(q, t, K);
        if (status == VIOLET_OK) hand_over(best + (size_t)t * (size_t)top, q, top);
    }
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static violet_status find(violet_found *best, search *q, int top, int first_stage)
{
    const violet_model *m = q->s->of;
    int K = first_stage < top ? top : first_stage; /* what is told is scored */
    if (!(m->heads & VL_HEAD_MATCH)) return rank_by_stages(best, q, top, 0);
    if (!q->c->E || first_stage == 0 || K >= q->n) return rank_by_scores(best, q, top);
    return rank_by_stages(best, q, top, K);
}

static violet_status list_videos(search *q)
{
    size_t n = q->c->list.n;
    q->video = malloc(n * sizeof *q->video);
    q->list = malloc(n * sizeof *q->list);
    if (!q->video || !q->list) return vl_err_nomem();
    for (size_t i = 0; i < n; i++)
        if (vl_collection_has(q->c, i)) q->video[q->n++] = (int)i;
    return VIOLET_OK;
}

static violet_status check(const violet_collection *c, const violet_session *s, int top, int n,
                           int first_stage)
{
    if (top < 1 || n < 1 || n > VL_USE_TEXTS_MOST || first_stage < 0)
        return vl_err(VIOLET_EINVAL, "a search for the best %d of %d sentences, first stage %d: "
                      "expected at least 1 of 1 to %d, first stage 0 or more", top, n, first_stage,
                      VL_USE_TEXTS_MOST);
    if (c && c->of != s->of)
        return vl_err(VIOLET_EINVAL, "the collection was encoded by another model");
    return vl_search_can(s->of);
}

violet_status violet_search(violet_found *best, int *top, const violet_collection *c,
                            violet_session *s, const char *const *texts, int n_texts,
                            int first_stage, const violet_hooks *hooks)
{
    search q = {.c = c, .s = s, .n_texts = n_texts, .hooks = hooks};
    vl_buf_clear(&s->notes);
    violet_status status = check(c, s, *top, n_texts, first_stage);
    if (status != VIOLET_OK) return status;
    int *ids = malloc((size_t)n_texts * (size_t)s->of->size_txt * sizeof *ids);
    status = ids ? vl_use_sentences(ids, s, "sentence", texts, n_texts) : vl_err_nomem();
    if (status == VIOLET_OK && c) status = vl_use_encode(&q.texts, s, ids, NULL, n_texts);
    if (status == VIOLET_OK && c) status = list_videos(&q);
    if (status == VIOLET_OK && c && *top > q.n) *top = q.n;
    if (status == VIOLET_OK && c) status = find(best, &q, *top, first_stage);
    vl_features_close(q.texts);
    free(q.video);
    free(q.list);
    free(ids);
    return status;
}
