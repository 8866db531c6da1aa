/* Text-to-video retrieval. Training tells the pairs of a batch apart; validation ranks all videos
 * of the split for each text, each video and each text being encoded once (model/scorer.h).
 *
 * compat violet1: a video has one caption, its last; equal scores keep the order of the videos, and
 * the median is rounded down. */
#include <math.h>
#include <stdlib.h>

#include "base/progress.h"
#include "base/status.h"
#include "model/scorer.h"
#include "task/finetune_internal.h"
#include "task/metric.h"

/* ---- training -------------------------------------------------------------------------------- */

static void forward(vl_tape *t, const vl_model *m, const finetune *f, const finetune_batch *b,
                    const vl_downstream_input *in, vl_downstream_output *out)
{
    vl_downstream_input own = *in;
    double weight = f->o->run.contrastive;
    uint8_t *same = vl_tape_alloc(t, (size_t)b->n * (size_t)b->n);
    if (vl_tape_failed(t)) return;
    for (int v = 0; v < b->n; v++)
        for (int x = 0; x < b->n; x++)
            same[v * b->n + x] =
                b->facts[v].video == b->facts[x].video || b->facts[v].text == b->facts[x].text;
    if (!f->compat) {
        own.same = same;
        own.symmetric = 1;
    }
    vl_retrieval_forward(t, m, &own, out);
    if (!(weight > 0) || vl_tape_failed(t)) return;
    const vl_contrast_input con = {b->n, out->image->rows / b->n, b->X, out->image, out->text,
                                   in->text_mask, same};
    vl_contrast_forward(t, m, &con, &out->con);
    out->total = vl_contrast_add(t, out->loss, &out->con, weight);
}

/* ---- validation ------------------------------------------------------------------------------ */

typedef struct ranking {
    vl_run *r;
    const vl_dataset *d;
    const vl_items *q;
    vl_features *videos, *texts;
    vl_scorer *scorer;
    int n_videos, n_texts; /* that are encoded */
    int *video;            /* (n_videos) their numbers */
    int *text;             /* (n_texts) numbers of items */
    int *pair;             /* (n_videos) room for one text's pairs */
    real *score;           /* (n_videos) */
    double *column, *rank; /* (n_videos), (n_texts) */
} ranking;

static const vl_items *items_of(const vl_run *r, const vl_dataset *d)
{
    const finetune *f = r->own;
    return f->items[d == f->test ? FINETUNE_TEST : FINETUNE_VALID];
}

static violet_status stopped(const vl_run *r)
{
    return vl_run_stopping(r) ? vl_err(VIOLET_EINTERRUPTED, "stopped during validation")
                              : VIOLET_OK;
}

static violet_status open_memory(ranking *k)
{
    const vl_run *r = k->r;
    int S = r->o->size_img, h = S / 32, T = vl_dataset_frames(k->d, 0);
    size_t n = (size_t)vl_items_n_videos(k->q), m = vl_items_n(k->q);
    vl_features_key key = {.kind = "video",
                           .n = (int)n,
                           .rows = T * (1 + h * h),
                           .cols = r->config.hidden,
                           .dtype = VL_DT_F32,
                           .frames = T,
                           .height = S,
                           .width = S};
    k->video = malloc((n + 1) * sizeof *k->video);
    k->text = malloc((m + 1) * sizeof *k->text);
    k->pair = malloc((n + 1) * sizeof *k->pair);
    k->score = malloc((n + 1) * sizeof *k->score);
    k->column = malloc((n + 1) * sizeof *k->column);
    k->rank = malloc((m + 1) * sizeof *k->rank);
    if (!k->video || !k->text || !k->pair || !k->score || !k->column || !k->rank)
        return vl_err_nomem();
    violet_status status = vl_features_open(&k->videos, NULL, &key);
    if (status != VIOLET_OK) return status;
    key = (vl_features_key){.kind = "text",
                            .n = (int)m,
                            .rows = r->o->size_txt,
                            .cols = r->config.hidden,
                            .dtype = VL_DT_F32};
    return vl_features_open(&k->texts, NULL, &key);
}

static void close_memory(ranking *k)
{
    vl_scorer_close(k->scorer);
    vl_features_close(k->videos);
    vl_features_close(k->texts);
    free(k->video);
    free(k->text);
    free(k->pair);
    free(k->score);
    free(k->column);
    free(k->rank);
}

static violet_status encode_batch(ranking *k, const vl_batch *b)
{
    vl_run *r = k->r;
    const vl_swin_plan *plan =
        vl_swin_plans_get(&r->plans, &r->config.video, b->n, b->T, b->S, b->S);
    if (!plan) return VIOLET_ENOMEM;
    int *item = k->video + k->n_videos;
    for (int i = 0; i < b->n; i++) item[i] = b->facts[i].video;
    k->n_videos += b->n;
    return vl_encode_videos(k->videos, item, &r->tape, &r->model, plan, b->image);
}

static violet_status encode_videos(ranking *k)
{
    vl_run *r = k->r;
    vl_loader *loader;
    const vl_batch *b = NULL;
    vl_cursor start = {0};
    int n = 0;
    vl_loader_options o = {.batch = r->o->size_batch,
                           .workers = r->o->workers,
                           .once = true,
                           .report = vl_run_report_bad,
                           .user = r};
    violet_status status = vl_loader_open(&loader, k->d, &o);
    if (status != VIOLET_OK) return status;
    vl_progress p;
    vl_progress_start(&p, &r->hooks, "videos encoded", 0, (uint64_t)vl_items_n_videos(k->q));
    status = vl_loader_start(loader, &start);
    while (status == VIOLET_OK && (status = vl_loader_next(&b, loader)) == VIOLET_OK && b) {
        if (r->o->valid_batches && n++ == r->o->valid_batches) break;
        status = stopped(r);
        if (status == VIOLET_OK) status = encode_batch(k, b);
        vl_progress_item(&p, (uint64_t)k->n_videos, 0);
    }
    vl_loader_close(loader);
    return status;
}

/* Is this caption ranked? As published a video's captions overwrite each other. */
static bool is_ranked(const ranking *k, size_t i)
{
    const finetune *f = k->r->own;
    if (!vl_features_rows(k->videos, vl_items_at(k->q, i)->video)) return false;
    return !f->compat || vl_items_is_last(k->q, i);
}

static violet_status encode_texts(ranking *k)
{
    enum { AT_ONCE = 32 };
    vl_run *r = k->r;
    int X = r->o->size_txt, *ids = malloc((size_t)AT_ONCE * (size_t)X * sizeof *ids), n_text, n = 0;
    vl_item_coder c = {.items = k->q, .wordpiece = r->wordpiece, .size_txt = X};
    vl_buf work = {0};
    violet_status status = ids ? VIOLET_OK : vl_err_nomem();
    for (size_t i = 0; i <= vl_items_n(k->q) && status == VIOLET_OK; i++) {
        bool end = i == vl_items_n(k->q);
        if (n == AT_ONCE || (end && n)) {
            status = vl_encode_texts(k->texts, k->text + k->n_texts, &r->tape, &r->model, ids, NULL,
                                     n, X);
            k->n_texts += n;
            n = 0;
        }
        if (end || status != VIOLET_OK || !is_ranked(k, i)) continue;
        vl_item_facts facts;
        status =
            vl_item_encode((int32_t *)ids + (size_t)n * (size_t)X, &n_text, &facts, &c, i, &work);
        k->text[k->n_texts + n++] = (int)i;
    }
    vl_buf_free(&work);
    free(ids);
    return status;
}

/* The rank of text i's own video among all. To a blind model they are one video, which is scored
 * once: else rounding, which goes by places in a batch, would rank them. */
static violet_status rank_text(ranking *k, int i, vl_rank_rule rule)
{
    bool one = k->r->o->blind;
    int right = 0, own = vl_items_at(k->q, (size_t)k->text[i])->video;
    for (int v = 0; v < k->n_videos; v++) {
        k->pair[v] = k->text[i];
        if (k->video[v] == own) right = v;
    }
    violet_status status =
        vl_scorer_score(k->scorer, k->score, k->video, k->pair, one ? 1 : k->n_videos);
    if (status != VIOLET_OK) return status;
    for (int v = 0; v < k->n_videos; v++) k->column[v] = (double)k->score[one ? 0 : v];
    k->rank[i] = vl_rank(k->column, k->n_videos, right, rule);
    return VIOLET_OK;
}

static violet_status rank_all(ranking *k, vl_run_result *out)
{
    finetune *f = k->r->own;
    vl_rank_rule rule = f->compat ? VL_RANK_COMPAT : VL_RANK_FAIR;
    violet_status status =
        vl_scorer_open(&k->scorer, &k->r->model, &k->r->tape, k->videos, k->texts, NULL);
    vl_progress p;
    vl_progress_start(&p, &k->r->hooks, "texts ranked", 0, (uint64_t)k->n_texts);
    for (int i = 0; i < k->n_texts && status == VIOLET_OK; i++) {
        status = stopped(k->r);
        if (status == VIOLET_OK) status = rank_text(k, i, rule);
        vl_progress_item(&p, (uint64_t)i + 1, 0);
    }
    if (status != VIOLET_OK) return status;
    vl_ranking found = vl_ranking_of(k->rank, k->n_texts, rule);
    for (int i = 0; i < VL_RECALLS; i++) out->metric[i] = found.recall[i];
    out->metric[VL_RECALLS] = found.median;
    f->n_seen = (uint64_t)k->n_texts;
    return VIOLET_OK;
}

static violet_status validate(vl_run *r, const vl_dataset *d, vl_run_result *out)
{
    ranking k = {.r = r, .d = d, .q = items_of(r, d)};
    violet_status status = open_memory(&k);
    if (status == VIOLET_OK) status = encode_videos(&k);
    if (status == VIOLET_OK) status = encode_texts(&k);
    if (status == VIOLET_OK && k.n_texts) status = rank_all(&k, out);
    close_memory(&k);
    return status;
}

static const char *const losses[] = {"retrieval"};
static const char *const metrics[] = {"recall_1", "recall_5", "recall_10", "median_rank"};

const finetune_kind finetune_retrieval = {
    .task = &vl_retrieval,
    .run = FINETUNE_RUN(losses, metrics, 4, 3, validate),
    .least_batch = 2,
    .forward = forward,
};
