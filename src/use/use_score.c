/* Scores of sentences and of options; see use.h. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/item_text.h"
#include "model/scorer.h"
#include "use/use.h"

/* ---- pairs ----------------------------------------------------------------------------------- */

/* Several videos as one lot; of one its own features do. */
static violet_status gather_videos(vl_features **out, const violet_model *m,
                                   const violet_video *const *videos, int n)
{
    const vl_features_key *k = vl_features_key_of(videos[0]->x);
    real *x = malloc((size_t)k->rows * (size_t)k->cols * sizeof *x);
    violet_status status = x ? vl_use_features(out, m, "video", n, k->rows) : vl_err_nomem();
    for (int i = 0; i < n && status == VIOLET_OK; i++) {
        vl_features_get(x, videos[i]->x, 0);
        status = vl_features_put(*out, i, x, vl_features_rows(videos[i]->x, 0));
    }
    free(x);
    return status;
}

/* All pairs of n_videos videos and the texts, in one call of the scorer. */
static violet_status score_lot(float *score, violet_session *s, const vl_features *videos,
                               int n_videos, const vl_features *texts)
{
    vl_scorer *scorer = NULL;
    int n_texts = vl_features_key_of(texts)->n, n = n_videos * n_texts;
    size_t columns = (size_t)s->of->n_classes;
    int *pair = malloc(2 * (size_t)n * sizeof *pair);
    real *y = malloc((size_t)n * columns * sizeof *y);
    violet_status status = pair && y ? VIOLET_OK : vl_err_nomem();
    for (int i = 0; status == VIOLET_OK && i < n; i++) {
        pair[i] = i / n_texts;
        pair[n + i] = i % n_texts;
    }
    if (status == VIOLET_OK)
        status = vl_scorer_open(&scorer, &s->of->m, &s->tape, videos, texts, NULL);
    if (status == VIOLET_OK) status = vl_scorer_score(scorer, y, pair, pair + n, n);
    for (size_t i = 0; status == VIOLET_OK && i < (size_t)n * columns; i++) {
        score[i] = (float)y[i];
        if (!isfinite(score[i]))
            status = vl_err(VIOLET_EFORMAT, "%s: a score that is not a finite number", s->of->path);
    }
    vl_scorer_close(scorer);
    free(pair);
    free(y);
    return status;
}

/* Videos by lots that fill a block of the scorer, so that memory depends on no number of them. */
violet_status vl_use_pairs(float *score, violet_session *s, const violet_video *const *videos,
                           int n_videos, const vl_features *texts)
{
    violet_status status = VIOLET_OK;
    int n_texts = vl_features_key_of(texts)->n;
    size_t row = (size_t)n_texts * (size_t)s->of->n_classes;
    for (int i = 0; i < n_videos; i++)
        if (videos[i]->of != s->of)
            return vl_err(VIOLET_EINVAL, "video %d was encoded by another model", i);
    for (int i = 0, lot; i < n_videos && status == VIOLET_OK; i += lot) {
        vl_features *some = NULL;
        lot = (int)(VL_SCORER_ROWS / ((int64_t)n_texts * vl_features_rows(videos[i]->x, 0)));
        if (lot > n_videos - i) lot = n_videos - i;
        if (lot < 1) lot = 1;
        if (lot > 1) status = gather_videos(&some, s->of, videos + i, lot);
        if (status == VIOLET_OK)
            status = score_lot(score + (size_t)i * row, s, some ? some : videos[i]->x, lot, texts);
        vl_features_close(some);
    }
    return status;
}

/* ---- ranks ----------------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const vl_use_ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return (x->of > y->of) - (x->of < y->of);
}

void vl_use_rank(vl_use_ranked *list, int n)
{
    qsort(list, (size_t)n, sizeof *list, by_score);
}

/* ---- sentences ------------------------------------------------------------------------------- */

static violet_status check_counts(int n_videos, int n_texts)
{
    if (n_videos < 0 || n_texts < 1 || n_texts > VL_USE_TEXTS_MOST)
        return vl_err(VIOLET_EINVAL, "%d videos and %d texts: expected 1 to %d texts", n_videos,
                      n_texts, VL_USE_TEXTS_MOST);
    return VIOLET_OK;
}

violet_status violet_score(float *score, violet_session *s, violet_video *const *videos,
                           int n_videos, const char *const *texts, int n_texts)
{
    vl_features *x = NULL;
    vl_buf_clear(&s->notes);
    violet_status status = check_counts(n_videos, n_texts);
    if (status == VIOLET_OK) status = vl_use_need(s->of, VL_HEAD_MATCH, "score sentences");
    if (status != VIOLET_OK) return status;
    int *ids = malloc((size_t)n_texts * (size_t)s->of->size_txt * sizeof *ids);
    status = ids ? vl_use_sentences(ids, s, "sentence", texts, n_texts) : vl_err_nomem();
    if (status == VIOLET_OK && n_videos) status = vl_use_encode(&x, s, ids, NULL, n_texts);
    if (status == VIOLET_OK && n_videos)
        status = vl_use_pairs(score, s, (const violet_video *const *)videos, n_videos, x);
    vl_features_close(x);
    free(ids);
    return status;
}
