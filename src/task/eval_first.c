/* The first stage of retrieval: all videos and texts as vectors of the dual encoder (model/dual.h),
 * and the pairs that it leaves to the cross-encoder: of each text its K best videos, of each video
 * its K best texts, as the directions that are asked for need them. Equal cosines go by number.
 *
 * Vectors are kept in the folder (vectors.bin: the videos', then the texts'), so that what is
 * chosen is the same after a stop; a product of two is a plain sum in double, the same bits on any
 * number of threads. All of them are in memory; of the products a row. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/groups.h"
#include "base/status.h"
#include "model/dual.h"
#include "task/eval_internal.h"

#define TEXTS_AT_ONCE 32

/* One of the best so far. */
typedef struct choice {
    float score;
    int of;
} choice;

struct eval_first {
    int K, E, n_videos, n_texts;
    vl_features *kept;
    real *video, *text; /* (n_videos, E), (n_texts, E) */
    bool chosen;
    vl_groups by_text;  /* of each video: texts that it is among the K best of */
    vl_groups by_video; /* of each video: its own K best texts */
    vl_groups meets;    /* of each video: either, each once, shorter texts first */
};

/* ---- vectors --------------------------------------------------------------------------------- */

static violet_status open_kept(eval_first *s, const eval *e)
{
    char path[4096];
    bool folder = e->o->run.output && *e->o->run.output;
    vl_features_key key = {.kind = "vectors", .weights = e->weights, .items = eval_hash(e),
                           .n = s->n_videos + s->n_texts, .rows = 1, .cols = s->E,
                           .dtype = VL_DT_F32, .frames = e->T, .height = e->o->run.size_img,
                           .width = e->o->run.size_img};
    if (!folder) return vl_features_open(&s->kept, NULL, &key);
    violet_status status = vl_path_join(path, sizeof path, e->o->run.output, "vectors.bin");
    if (status != VIOLET_OK) return status;
    if (!e->o->restart) status = vl_features_open(&s->kept, path, &key);
    if (!e->o->restart && status != VIOLET_EINVAL) return status;
    /* of another evaluation, and as quickly made again: eval_store has seen to what is dear */
    return vl_features_renew(&s->kept, path, &key);
}

violet_status eval_first_open(eval *e)
{
    if (!e->o->first_stage) return VIOLET_OK;
    eval_first *s = calloc(1, sizeof *s);
    if (!s) return vl_err_nomem();
    e->first = s;
    s->K = e->o->first_stage;
    s->E = e->config.dual_width;
    s->n_videos = e->n_videos;
    s->n_texts = e->texts.n;
    size_t E = (size_t)s->E;
    s->video = calloc((size_t)s->n_videos * E + 1, sizeof *s->video);
    s->text = calloc((size_t)s->n_texts * E + 1, sizeof *s->text);
    return s->video && s->text ? open_kept(s, e) : vl_err_nomem();
}

void eval_first_close(eval_first *s)
{
    if (!s) return;
    vl_features_close(s->kept);
    vl_groups_release(&s->by_text);
    vl_groups_release(&s->by_video);
    vl_groups_release(&s->meets);
    free(s->video);
    free(s->text);
    free(s);
}

bool eval_first_has(const eval_first *s, int video)
{
    return vl_features_rows(s->kept, video) > 0;
}

violet_status eval_first_video(eval *e, int video, int slot)
{
    eval_first *s = e->first;
    real *x = s->video + (size_t)video * (size_t)s->E;
    violet_status status = vl_dual_videos_of(x, &e->tape, &e->model, e->videos, &slot, 1);
    return status == VIOLET_OK ? vl_features_put(s->kept, video, x, 1) : status;
}

/* Texts that are not there yet, in groups that depend on their numbers alone. */
static violet_status make_texts(eval *e)
{
    eval_first *s = e->first;
    int item[TEXTS_AT_ONCE];
    for (int first = 0, n; first < s->n_texts; first += n) {
        n = s->n_texts - first < TEXTS_AT_ONCE ? s->n_texts - first : TEXTS_AT_ONCE;
        bool all = true;
        for (int i = 0; i < n; i++) {
            item[i] = first + i;
            all &= vl_features_rows(s->kept, s->n_videos + first + i) > 0;
        }
        if (all) continue;
        if (vl_stopped(e->hooks)) return vl_interrupted("eval");
        real *x = s->text + (size_t)first * (size_t)s->E;
        violet_status status = vl_dual_texts_of(x, &e->tape, &e->model, e->encoded, item, n);
        for (int i = 0; i < n && status == VIOLET_OK; i++)
            status = vl_features_put(s->kept, s->n_videos + first + i, x + (size_t)i * (size_t)s->E,
                                     1);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* All vectors as they were kept, whether this process or one before it has made them. */
static void read_kept(eval_first *s)
{
    size_t E = (size_t)s->E;
    for (int i = 0; i < s->n_videos + s->n_texts; i++)
        if (vl_features_rows(s->kept, i))
            vl_features_get(i < s->n_videos ? s->video + (size_t)i * E
                                            : s->text + (size_t)(i - s->n_videos) * E,
                            s->kept, i);
}

void eval_first_row(real *row, const eval *e, int video)
{
    const eval_first *s = e->first;
    const real *v = s->video + (size_t)video * (size_t)s->E;
    for (int t = 0; t < s->n_texts; t++)
        row[t] = (real)vl_dual_product(v, s->text + (size_t)t * (size_t)s->E, s->E);
}

/* ---- the best -------------------------------------------------------------------------------- */

static bool is_worse(choice a, choice b)
{
    return a.score != b.score ? a.score < b.score : a.of > b.of;
}

/* A heap of the best `most`, the worst of them in front. */
static void offer(choice *heap, int *n, int most, choice x)
{
    int at = 0;
    if (*n < most) {
        for (at = (*n)++; at > 0 && is_worse(x, heap[(at - 1) / 2]); at = (at - 1) / 2)
            heap[at] = heap[(at - 1) / 2];
        heap[at] = x;
        return;
    }
    if (!is_worse(heap[0], x)) return;
    for (int child; (child = 2 * at + 1) < most; at = child) {
        if (child + 1 < most && is_worse(heap[child + 1], heap[child])) child++;
        if (!is_worse(heap[child], x)) break;
        heap[at] = heap[child];
    }
    heap[at] = x;
}

/* Room for the choices of one kind. */
typedef struct chooser {
    int of_text, of_video; /* so many are chosen; 0: that direction is not wanted */
    choice *text;          /* (n_texts, of_text) heaps */
    int *n_text;           /* (n_texts) */
    choice *video;         /* (of_video) */
    real *row;             /* (n_texts) */
} chooser;

static int least(int a, int b)
{
    return a < b ? a : b;
}

static violet_status open_chooser(chooser *c, const eval *e)
{
    const eval_first *s = e->first;
    bool t2v = e->o->direction != EVAL_VIDEO_TO_TEXT;
    bool v2t = e->o->direction != EVAL_TEXT_TO_VIDEO && !e->compat;
    c->of_text = t2v ? least(s->K, s->n_videos) : 0;
    c->of_video = v2t ? least(s->K, s->n_texts) : 0;
    c->text = malloc((size_t)s->n_texts * (size_t)c->of_text * sizeof *c->text + 1);
    c->n_text = calloc((size_t)s->n_texts + 1, sizeof *c->n_text);
    c->video = malloc((size_t)c->of_video * sizeof *c->video + 1);
    c->row = malloc((size_t)s->n_texts * sizeof *c->row + 1);
    return c->text && c->n_text && c->video && c->row ? VIOLET_OK : vl_err_nomem();
}

static void close_chooser(chooser *c)
{
    free(c->text);
    free(c->n_text);
    free(c->video);
    free(c->row);
}

static violet_status choose_by_videos(eval *e, chooser *c)
{
    eval_first *s = e->first;
    vl_groups *own = &s->by_video;
    violet_status status =
        vl_groups_open(own, s->n_videos, (size_t)s->n_videos * (size_t)c->of_video);
    if (status != VIOLET_OK) return status;
    for (int v = 0; v < s->n_videos; v++) {
        int n = 0;
        if (vl_stopped(e->hooks)) return vl_interrupted("eval");
        if (eval_first_has(s, v)) eval_first_row(c->row, e, v);
        for (int t = 0; t < s->n_texts && eval_first_has(s, v); t++) {
            if (c->of_text)
                offer(c->text + (size_t)t * (size_t)c->of_text, &c->n_text[t], c->of_text,
                      (choice){(float)c->row[t], v});
            if (c->of_video) offer(c->video, &n, c->of_video, (choice){(float)c->row[t], t});
        }
        for (int i = 0; i < n; i++) own->of[own->first[v] + (size_t)i] = c->video[i].of;
        own->first[v + 1] = own->first[v] + (size_t)n;
    }
    return VIOLET_OK;
}

/* The choices of the texts, turned round. */
static violet_status turn_round(eval_first *s, const chooser *c)
{
    vl_groups *x = &s->by_text;
    size_t K = (size_t)c->of_text;
    violet_status status = vl_groups_open(x, s->n_videos, (size_t)s->n_texts * K);
    if (status != VIOLET_OK) return status;
    for (int t = 0; t < s->n_texts; t++)
        for (int i = 0; i < c->n_text[t]; i++)
            vl_groups_count(x, c->text[(size_t)t * K + (size_t)i].of);
    vl_groups_counted(x);
    for (int t = 0; t < s->n_texts; t++)
        for (int i = 0; i < c->n_text[t]; i++)
            vl_groups_put(x, c->text[(size_t)t * K + (size_t)i].of, t);
    return VIOLET_OK;
}

static violet_status join(eval *e)
{
    eval_first *s = e->first;
    vl_groups *x = &s->meets;
    size_t most = s->by_text.first[s->n_videos] + s->by_video.first[s->n_videos];
    violet_status status = vl_groups_open(x, s->n_videos, most);
    uint8_t *mark = status == VIOLET_OK ? malloc((size_t)s->n_texts + 1) : NULL;
    if (!mark) return status == VIOLET_OK ? vl_err_nomem() : status;
    for (int v = 0; v < s->n_videos; v++) {
        size_t n = 0;
        eval_first_marks(mark, e, v);
        for (int t = 0; t < s->n_texts; t++)
            if (mark[t]) x->of[x->first[v] + n++] = t;
        eval_texts_sort(x->of + x->first[v], (int)n, &e->texts);
        x->first[v + 1] = x->first[v] + n;
    }
    free(mark);
    return VIOLET_OK;
}

violet_status eval_first_choose(eval *e)
{
    chooser c = {0};
    double start = vl_now();
    violet_status status = make_texts(e);
    if (status == VIOLET_OK) read_kept(e->first);
    if (status == VIOLET_OK) status = open_chooser(&c, e);
    if (status == VIOLET_OK) status = choose_by_videos(e, &c);
    if (status == VIOLET_OK) status = turn_round(e->first, &c);
    if (status == VIOLET_OK) status = join(e);
    close_chooser(&c);
    if (status != VIOLET_OK) return status;
    e->first->chosen = true;
    vl_tell(e->hooks, VIOLET_EVENT_MESSAGE,
            "first stage: %d texts and what is left of %d videos in %.2f s, %zu of %zu pairs to "
            "be scored",
            e->first->n_texts, e->first->n_videos, vl_now() - start, eval_first_pairs(e->first),
            (size_t)e->first->n_texts * (size_t)e->first->n_videos);
    return VIOLET_OK;
}

/* ---- what was chosen ------------------------------------------------------------------------- */

void eval_first_marks(uint8_t *mark, const eval *e, int video)
{
    const eval_first *s = e->first;
    const vl_groups *a = &s->by_text, *b = &s->by_video;
    memset(mark, 0, (size_t)s->n_texts);
    for (size_t i = a->first[video]; i < a->first[video + 1]; i++) mark[a->of[i]] |= EVAL_BY_TEXT;
    for (size_t i = b->first[video]; i < b->first[video + 1]; i++)
        mark[b->of[i]] |= EVAL_BY_VIDEO;
}

const int *eval_first_texts(size_t *n, const eval_first *s, int video)
{
    *n = s->chosen ? s->meets.first[video + 1] - s->meets.first[video] : (size_t)s->n_texts;
    return s->chosen ? s->meets.of + s->meets.first[video] : NULL;
}

size_t eval_first_pairs(const eval_first *s)
{
    return s->meets.first ? s->meets.first[s->n_videos] : 0;
}
