/* Videos one by one: decoded by threads that run ahead, encoded once, scored with the texts they
 * meet, stored.
 *
 * A video's scores depend on itself and its texts alone, to the last bit: it is encoded by itself,
 * its pairs are scored in one order in pieces of one size, and the scorer forgets the videos before
 * it. What is lost by that is the first layer of the texts, computed anew for every video: a text
 * has some 25 rows of a layer, a pair 275 rows of twelve. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/ordered.h"
#include "base/status.h"
#include "task/eval_internal.h"

#define WARN_ONE_BY_ONE 20 /* bad videos told singly; after that only counted */
#define BLOCKS_A_PIECE 8   /* between looks for a stop */
#define TEXTS_AT_ONCE 64

/* ---- decoding -------------------------------------------------------------------------------- */

/* What a thread makes of a video. */
typedef struct decoded {
    uint8_t *image; /* (T,3,S,S) */
    bool wanted;    /* not scored before */
    violet_status status;
    vl_bad why;
    char error[512];
} decoded;

typedef struct own {
    vl_scratch *scratch;
    const volatile sig_atomic_t *stop;
} own;

static void begin(void *thread, const volatile sig_atomic_t *stop)
{
    ((own *)thread)->stop = stop;
}

static void finish(void *thread)
{
    vl_scratch_free(((own *)thread)->scratch);
}

static void release(void *result)
{
    free(((decoded *)result)->image);
}

static violet_status decode(decoded *r, const eval *e, size_t video, own *thread)
{
    size_t S = (size_t)e->o->run.size_img;
    if (!r->image && !(r->image = malloc((size_t)e->T * 3 * S * S))) return vl_err_nomem();
    if (!thread->scratch) {
        violet_status status = vl_scratch_new(&thread->scratch, e->set);
        if (status != VIOLET_OK) return status;
        vl_scratch_stop(thread->scratch, thread->stop);
    }
    vl_sample sample = {.image = r->image};
    return vl_dataset_read(&sample, &r->why, e->set, 0, video, 0, thread->scratch);
}

static bool is_cached(const eval *e)
{
    return e->o->cache && *e->o->cache;
}

bool eval_keeps(const eval *e)
{
    return is_cached(e) || e->first;
}

static bool is_encoded(const eval *e, int video)
{
    return eval_keeps(e) && vl_features_rows(e->videos, video) > 0;
}

typedef struct scoring scoring;

/* What is made of each video: its vector first, where there is a first stage, then its scores. */
typedef struct pass {
    const char *unit; /* of progress */
    bool (*wanted)(const eval *e, int video);
    size_t (*amount)(const eval *e, int video); /* of these units */
    violet_status (*run)(scoring *s, int video, const uint8_t *image);
} pass;

struct scoring {
    eval *e;
    const pass *pass;
    eval_cost *cost;
    int *text, *slot, *video; /* (most) of the present video's pairs */
    real *score;              /* (most, columns of fc) */
    int most, piece;
};

static void work(void *result, size_t i, void *thread, void *user)
{
    decoded *r = result;
    const scoring *s = user;
    const eval *e = s->e;
    r->wanted = s->pass->wanted(e, (int)i);
    r->status = VIOLET_OK;
    if (!r->wanted || is_encoded(e, (int)i)) return;
    r->status = decode(r, e, i, thread);
    if (r->status != VIOLET_OK) snprintf(r->error, sizeof r->error, "%s", violet_error());
}

/* ---- a video --------------------------------------------------------------------------------- */

static violet_status encode_texts(eval *e, const int *text, int n)
{
    const eval_texts *t = &e->texts;
    int X = e->o->run.size_txt, item[TEXTS_AT_ONCE], at[TEXTS_AT_ONCE];
    int *ids = malloc((size_t)TEXTS_AT_ONCE * (size_t)X * sizeof *ids);
    violet_status status = ids ? VIOLET_OK : vl_err_nomem();
    for (int i = 0, B; i < n && status == VIOLET_OK; i += B) {
        B = n - i < TEXTS_AT_ONCE ? n - i : TEXTS_AT_ONCE;
        for (int b = 0; b < B; b++) {
            int k = text ? text[i + b] : i + b;
            item[b] = i + b;
            at[b] = t->at[k];
            memcpy(ids + (size_t)b * (size_t)X, t->ids + (size_t)k * (size_t)X,
                   (size_t)X * sizeof *ids);
        }
        status = vl_encode_texts_at(e->encoded, item, &e->tape, &e->model, ids, NULL, at, B, X);
    }
    free(ids);
    return status;
}

static violet_status encode_video(eval *e, int video, int slot, const uint8_t *image)
{
    int S = e->o->run.size_img;
    const vl_swin_plan *plan = vl_swin_plans_get(&e->plans, &e->config.video, 1, e->T, S, S);
    if (!plan) return VIOLET_ENOMEM;
    violet_status status = vl_encode_videos(e->videos, &slot, &e->tape, &e->model, plan, image);
    if (status != VIOLET_OK)
        return vl_err_at(status, "video '%.100s'", vl_items_video(e->items, video));
    e->n_encoded++;
    return VIOLET_OK;
}

/* Encodes the video, unless that was done, to *slot of e->videos. */
static violet_status have_video(scoring *s, int *slot, int video, const uint8_t *image)
{
    eval *e = s->e;
    *slot = eval_keeps(e) ? video : 0;
    if (is_encoded(e, video)) return VIOLET_OK;
    e->flops += eval_cost_video(s->cost);
    return encode_video(e, video, *slot, image);
}

static bool wants_vector(const eval *e, int video)
{
    return !eval_first_has(e->first, video);
}

static size_t one_video(const eval *e, int video)
{
    (void)e, (void)video;
    return 1;
}

static violet_status make_vector(scoring *s, int video, const uint8_t *image)
{
    int slot;
    if (vl_stopped(s->e->hooks)) return vl_interrupted("eval");
    violet_status status = have_video(s, &slot, video, image);
    return status == VIOLET_OK ? eval_first_video(s->e, video, slot) : status;
}

/* A video that the first stage does not have is one that could not be read. */
static bool wants_scores(const eval *e, int video)
{
    return !eval_has(e, video) && (!e->first || eval_first_has(e->first, video));
}

static violet_status score_video(scoring *s, int video, const uint8_t *image)
{
    eval *e = s->e;
    int n, slot, columns = vl_scorer_columns(e->scorer);
    double flops;
    violet_status status = have_video(s, &slot, video, image);
    eval_texts_of(s->text, &n, e, video);
    if (status == VIOLET_OK && !e->kind->all_pairs) status = encode_texts(e, s->text, n);
    for (int i = 0; i < n; i++) {
        s->slot[i] = e->kind->all_pairs ? s->text[i] : i;
        s->video[i] = slot;
    }
    vl_scorer_forget(e->scorer);
    for (int i = 0; i < n && status == VIOLET_OK; i += s->piece) {
        if (vl_stopped(e->hooks)) return vl_interrupted("eval");
        status = vl_scorer_score(e->scorer, s->score + (size_t)i * (size_t)columns, s->video + i,
                                 s->slot + i, n - i < s->piece ? n - i : s->piece);
    }
    if (status == VIOLET_OK) status = eval_store_put(e, video, s->text, s->score, n);
    if (status == VIOLET_OK) status = eval_cost_pairs(&flops, s->cost, s->text, n);
    if (status != VIOLET_OK) return status;
    e->flops += flops;
    e->n_pairs += (size_t)n;
    return VIOLET_OK;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void count_bad(eval *e, const decoded *r)
{
    e->bad.videos++;
    e->bad.why[r->why]++;
    if (e->bad.videos <= WARN_ONE_BY_ONE)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "left out (%s): %s", vl_bad_name(r->why), r->error);
    if (e->bad.videos == WARN_ONE_BY_ONE)
        vl_tell(e->hooks, VIOLET_EVENT_WARNING,
                "further videos that are left out are only counted");
}

static violet_status take(scoring *s, int video, const decoded *r)
{
    if (!r->wanted) return VIOLET_OK;
    if (r->status == VIOLET_OK) return s->pass->run(s, video, r->image);
    if (r->status == VIOLET_ENOMEM || r->status == VIOLET_EINTERRUPTED)
        return vl_err(r->status, "%s", r->error);
    count_bad(s->e, r);
    return VIOLET_OK;
}

static const pass vectors = {"videos", wants_vector, one_video, make_vector},
                  scores = {"pairs", wants_scores, eval_pairs_of, score_video};

static violet_status run_pass(scoring *s, const pass *p, size_t first, size_t end)
{
    eval *e = s->e;
    vl_ordered *pool = NULL;
    decoded *r;
    vl_progress progress;
    const vl_ordered_options o = {.first = first, .end = end, .n_threads = e->o->run.workers,
                                  .user = s, .work = work, .result_bytes = sizeof(decoded),
                                  .release = release, .own_bytes = sizeof(own), .begin = begin,
                                  .finish = finish, .stop = e->hooks ? e->hooks->stop : NULL};
    uint64_t before = 0, all = 0, done;
    bool any = false;
    s->pass = p;
    for (size_t v = first; v < end; v++) {
        bool wanted = p->wanted(e, (int)v);
        all += p->amount(e, (int)v);
        before += wanted ? 0 : p->amount(e, (int)v);
        any |= wanted;
    }
    if (!any) return VIOLET_OK;
    done = before;
    vl_progress_start(&progress, e->hooks, p->unit, before, all);
    violet_status status = vl_ordered_start(&pool, &o);
    for (size_t v = first; status == VIOLET_OK && (r = vl_ordered_next(pool)); v++) {
        if (r->wanted) done += p->amount(e, (int)v);
        status = take(s, (int)v, r);
        if (status == VIOLET_OK && r->wanted) vl_progress_item(&progress, done, e->bad.videos);
        vl_ordered_done(pool);
    }
    vl_ordered_free(pool);
    if (status == VIOLET_OK && vl_stopped(e->hooks)) return vl_interrupted("eval");
    return status;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static violet_status open_features(eval *e, int most)
{
    bool cached = is_cached(e);
    vl_dtype dtype = e->o->cache_dtype ? VL_DT_BF16 : VL_DT_F32;
    char path[4096];
    vl_features_key key = {.kind = "video", .weights = e->encoder, .items = eval_hash_videos(e),
                           .n = eval_keeps(e) ? e->n_videos : 1, .rows = e->Ni,
                           .cols = e->config.hidden,
                           .dtype = dtype, .frames = e->T, .height = e->o->run.size_img,
                           .width = e->o->run.size_img};
    int n = snprintf(path, sizeof path, e->shard.n > 1 ? "%s.%d-of-%d" : "%s",
                     cached ? e->o->cache : "", e->shard.i, e->shard.n);
    if (n >= (int)sizeof path) return vl_err(VIOLET_EINVAL, "--cache: a name of %d bytes", n);
    violet_status status = vl_features_open(&e->videos, cached ? path : NULL, &key);
    if (status != VIOLET_OK) return status;
    key = (vl_features_key){.kind = "text", .weights = e->weights, .dtype = dtype,
                            .n = e->kind->all_pairs ? e->texts.n : most, .rows = e->texts.longest,
                            .cols = e->config.hidden};
    return vl_features_open(&e->encoded, NULL, &key);
}

static violet_status open_scoring(scoring *s)
{
    eval *e = s->e;
    s->most = eval_most_texts(e);
    violet_status status = open_features(e, s->most);
    if (status == VIOLET_OK && e->kind->all_pairs) status = encode_texts(e, NULL, e->texts.n);
    if (status == VIOLET_OK)
        status = vl_scorer_open(&e->scorer, &e->model, &e->tape, e->videos, e->encoded, NULL);
    if (status == VIOLET_OK) status = eval_cost_open(&s->cost, e);
    if (status != VIOLET_OK) return status;
    int block = VL_SCORER_ROWS / (e->Ni + e->texts.longest);
    size_t n = (size_t)s->most, columns = (size_t)vl_scorer_columns(e->scorer);
    s->piece = BLOCKS_A_PIECE * (block > 1 ? block : 1);
    s->text = malloc(n * sizeof *s->text);
    s->slot = malloc(n * sizeof *s->slot);
    s->video = malloc(n * sizeof *s->video);
    s->score = malloc(n * columns * sizeof *s->score);
    return s->text && s->slot && s->video && s->score ? VIOLET_OK : vl_err_nomem();
}

static void close_scoring(scoring *s)
{
    eval_cost_close(s->cost);
    free(s->text);
    free(s->slot);
    free(s->video);
    free(s->score);
}

violet_status eval_score(eval *e)
{
    scoring s = {.e = e};
    size_t first, end;
    vl_shard_range(&first, &end, &e->shard, (size_t)e->n_videos);
    violet_status status = open_scoring(&s);
    double start = vl_now();
    if (status == VIOLET_OK && e->first) status = run_pass(&s, &vectors, first, end);
    if (status == VIOLET_OK && e->first) status = eval_first_choose(e);
    if (status == VIOLET_OK) status = run_pass(&s, &scores, first, end);
    e->seconds = vl_now() - start;
    close_scoring(&s);
    return status;
}
