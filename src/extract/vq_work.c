/* From squares to tokens: every batch has exactly size_batch pictures, so that the same kernels run
 * whatever the records' lengths and wherever a run began; the last is filled up with black. With
 * another size, matrix products may round otherwise and a code that is nearly as good win.
 *
 *     records   [a a a a a][b b b][c c c c c c] ...       in order; a bad one has none
 *     batches   [a a a a][a b b b][c c c c] ...
 *
 * A record is written when its last token is there, and after all before it. */
#include <stdlib.h>
#include <string.h>

#include "base/cores.h"
#include "base/status.h"
#include "extract/vq_internal.h"
#include "extract/vq_pool.h"

#define WARNINGS_TOLD 20

/* A record whose tokens are not all there. */
typedef struct pending {
    size_t i;
    int T, n_seen, n_done; /* frames: in all, put into a batch, with tokens */
    int32_t *tokens;       /* (T, h, h); NULL: bad */
} pending;

typedef struct worker {
    vq_run *run;
    int side, h, n_batch;
    vl_device *device;
    vl_tape tape;
    uint8_t *image;  /* (n_batch, 3, side, side) */
    int32_t *tokens; /* (n_batch, h, h) */
    int n_image;
    pending *queue;  /* (n_queue), oldest first */
    size_t n_queue, cap_queue;
} worker;

/* ---- records --------------------------------------------------------------------------------- */

static violet_status enqueue(worker *w, size_t i, int T)
{
    size_t area = (size_t)w->h * (size_t)w->h;
    if (w->n_queue == w->cap_queue) {
        size_t cap = w->cap_queue ? 2 * w->cap_queue : 64;
        pending *queue = realloc(w->queue, cap * sizeof *queue);
        if (!queue) return vl_err_nomem();
        w->queue = queue;
        w->cap_queue = cap;
    }
    pending p = {.i = i, .T = T};
    if (T && !(p.tokens = malloc((size_t)T * area * sizeof *p.tokens))) return vl_err_nomem();
    w->queue[w->n_queue++] = p;
    return VIOLET_OK;
}

/* Writes what is whole at the front of the queue. */
static violet_status write_whole(worker *w)
{
    vq_run *r = w->run;
    size_t n = 0;
    violet_status status = VIOLET_OK;
    for (; n < w->n_queue && w->queue[n].n_done == w->queue[n].T && status == VIOLET_OK; n++) {
        vl_slice id = vl_pictures_id(r->pictures, w->queue[n].i);
        if (!id.s) id = (vl_slice){"", 0};
        status = vq_file_put(&r->file, id, w->queue[n].tokens, w->queue[n].T);
        if (status == VIOLET_OK) vl_progress_item(&r->progress, r->file.n, r->file.n_bad);
        free(w->queue[n].tokens);
    }
    w->n_queue -= n;
    memmove(w->queue, w->queue + n, w->n_queue * sizeof *w->queue);
    return status;
}

static violet_status take_bad(worker *w, const vq_squares *s)
{
    vq_run *r = w->run;
    bool ours = s->status == VIOLET_EFORMAT || s->status == VIOLET_EUNSUPPORTED ||
                (s->status == VIOLET_EIO && vl_pictures_are_videos(r->pictures));
    if (!ours) return vl_err(s->status, "%s", s->error);
    if (++r->n_warned <= WARNINGS_TOLD)
        vl_tell(r->hooks, VIOLET_EVENT_WARNING, "skipped: %s", s->error);
    if (r->n_warned == WARNINGS_TOLD)
        vl_tell(r->hooks, VIOLET_EVENT_WARNING, "further skipped records are only counted");
    return enqueue(w, s->i, 0);
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Gives the batch's tokens to the records, which are in its order. */
static void hand_out(worker *w)
{
    size_t area = (size_t)w->h * (size_t)w->h;
    const int32_t *from = w->tokens;
    int left = w->n_image;
    for (size_t k = 0; k < w->n_queue && left; k++) {
        pending *p = &w->queue[k];
        int n = p->n_seen - p->n_done;
        if (n == 0) continue;
        memcpy(p->tokens + (size_t)p->n_done * area, from, (size_t)n * area * sizeof *from);
        p->n_done += n;
        from += (size_t)n * area;
        left -= n;
    }
}

static violet_status run_batch(worker *w)
{
    size_t area = 3 * (size_t)w->side * (size_t)w->side;
    if (w->n_image == 0) return VIOLET_OK;
    memset(w->image + (size_t)w->n_image * area, 0, (size_t)(w->n_batch - w->n_image) * area);
    violet_status status =
        vl_dvae_tokens(w->tokens, w->run->dvae, &w->tape, w->image, w->n_batch, w->side);
    if (status != VIOLET_OK) return status;
    size_t n = (size_t)w->n_image * (size_t)w->h * (size_t)w->h;
    for (size_t i = 0; i < n; i++) w->run->used[w->tokens[i]] = 1;
    hand_out(w);
    w->n_image = 0;
    return write_whole(w);
}

static violet_status take_record(worker *w, const vq_squares *s)
{
    size_t area = 3 * (size_t)w->side * (size_t)w->side;
    violet_status status = s->status == VIOLET_OK ? enqueue(w, s->i, s->T) : take_bad(w, s);
    for (int i = 0; status == VIOLET_OK && s->status == VIOLET_OK && i < s->T; i++) {
        memcpy(w->image + (size_t)w->n_image++ * area, s->image + (size_t)i * area, area);
        w->queue[w->n_queue - 1].n_seen++; /* it is the last as long as it is not whole */
        if (w->n_image == w->n_batch) status = run_batch(w);
    }
    return status == VIOLET_OK ? write_whole(w) : status;
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static violet_status start(worker *w, vq_run *r)
{
    const vl_backend *backend = vl_backend_fast();
    w->run = r;
    w->side = vl_dvae_side(r->o->frame);
    w->h = r->file.h;
    w->n_batch = r->o->size_batch;
    w->image = malloc((size_t)w->n_batch * 3 * (size_t)w->side * (size_t)w->side);
    w->tokens = malloc((size_t)w->n_batch * (size_t)w->h * (size_t)w->h * sizeof *w->tokens);
    if (!w->image || !w->tokens) return vl_err_nomem();
    return vl_tape_open(&w->tape, &w->device, backend, r->o->threads);
}

static void release(worker *w)
{
    for (size_t i = 0; i < w->n_queue; i++) free(w->queue[i].tokens);
    free(w->queue);
    if (w->tape.backend) vl_tape_release(&w->tape);
    if (w->device) vl_backend_fast()->close(w->device);
    free(w->image);
    free(w->tokens);
}

violet_status vq_work(vq_run *r)
{
    worker w = {0};
    vq_pool *pool = NULL;
    vq_squares *s;
    const vl_vq_options *o = r->o;
    size_t first = r->first + r->file.n;
    if (first == r->end) return VIOLET_OK;
    const vq_pool_options p = {.pictures = r->pictures,
                               .first = first,
                               .end = r->end,
                               .side = vl_dvae_side(o->frame),
                               .n_samples = o->sample,
                               .n_threads = o->workers ? o->workers : vl_cores(),
                               .pad = (vl_pad)o->pad,
                               .stop = r->hooks ? r->hooks->stop : NULL};
    violet_status status = start(&w, r);
    if (status == VIOLET_OK) status = vq_pool_start(&pool, &p);
    while (status == VIOLET_OK && (s = vq_pool_next(pool))) {
        status = take_record(&w, s);
        vq_pool_done(pool);
    }
    vq_pool_stop(pool);
    if (status == VIOLET_OK) status = run_batch(&w); /* the rest; when stopped, what is there */
    if (status == VIOLET_OK && r->file.n < r->end - r->first) status = vl_interrupted("extract-vq");
    release(&w);
    return status;
}
