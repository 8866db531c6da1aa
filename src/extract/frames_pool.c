/* Videos decoded by threads, written in the order of the list. Memory depends on neither the number
 * nor the length of the videos: base/ordered.h bounds how far the threads run ahead, by videos and
 * by BYTES_MOST of pictures that wait to be written. */
#include <string.h>

#include "base/base64.h"
#include "base/cores.h"
#include "base/ordered.h"
#include "base/status.h"
#include "extract/frames_internal.h"

#define BYTES_MOST ((size_t)16 << 20)
#define BYTES_KEPT ((size_t)1 << 20)

/* ---- a video --------------------------------------------------------------------------------- */

typedef struct taker {
    frames_video *v;
    vl_buf *jpeg;
    int quality;
} taker;

static violet_status take(void *user, int i, const vl_picture *picture)
{
    taker *t = user;
    vl_buf_clear(t->jpeg);
    violet_status status = vl_jpeg_encode(t->jpeg, picture, t->quality);
    if (status != VIOLET_OK) return status;
    size_t n = vl_base64_encoded(t->jpeg->n);
    if ((status = vl_buf_reserve(&t->v->text, n)) != VIOLET_OK) return status;
    vl_base64_encode(t->v->text.data + t->v->text.n, (const uint8_t *)t->jpeg->data, t->jpeg->n);
    t->v->text.n += n;
    t->v->n_bytes[i] = n;
    t->v->n = i + 1;
    return VIOLET_OK;
}

/* A thread's. */
typedef struct worker {
    vl_buf jpeg;
    const volatile sig_atomic_t *stop;
} worker;

static void begin(void *own, const volatile sig_atomic_t *stop)
{
    ((worker *)own)->stop = stop;
}

static void finish(void *own)
{
    vl_buf_free(&((worker *)own)->jpeg);
}

static void do_video(void *result, size_t i, void *own, void *user)
{
    frames_video *v = result;
    worker *w = own;
    const frames *f = user;
    const vl_frames_options *o = f->o;
    vl_video_pick pick = {.n_samples = o->sample,
                          .fast = o->fast,
                          .shape = (vl_shape)o->shape,
                          .max_side = o->max_side,
                          .stop = w->stop};
    taker t = {v, &w->jpeg, o->quality};
    memset(&v->result, 0, sizeof v->result);
    vl_buf_clear(&v->text);
    v->n = 0;
    v->error[0] = 0;
    v->status = VIOLET_OK;
    if ((v->taken = frames_has_earlier(f, i))) return;
    v->status = vl_video_sample(&v->result, f->list.file[i].path, &pick, take, &t);
    if (v->status == VIOLET_OK && v->n != o->sample)
        v->status = vl_err(VIOLET_EFORMAT, "%d pictures, expected %d", v->n, o->sample);
    if (v->status == VIOLET_OK) return;
    strncat(v->error, violet_error(), sizeof v->error - 1);
    vl_buf_clear(&v->text);
}

static void release(void *result)
{
    vl_buf_free(&((frames_video *)result)->text);
}

static size_t weight(const void *result)
{
    return ((const frames_video *)result)->text.n;
}

/* ---- the caller ------------------------------------------------------------------------------ */

static int n_workers(const frames *f)
{
    return f->o->workers ? f->o->workers : vl_cores();
}

static violet_status put(vl_ordered *w, frames *f, frames_video *v)
{
    violet_status status = frames_put(f, v);
    if (v->text.cap > BYTES_KEPT) vl_buf_free(&v->text);
    vl_ordered_done(w);
    return status;
}

violet_status frames_pool(frames *f)
{
    const vl_ordered_options o = {.first = f->next,
                                  .end = f->end,
                                  .n_threads = n_workers(f),
                                  .user = f,
                                  .work = do_video,
                                  .result_bytes = sizeof(frames_video),
                                  .release = release,
                                  .weight = weight,
                                  .most_weight = BYTES_MOST,
                                  .own_bytes = sizeof(worker),
                                  .begin = begin,
                                  .finish = finish,
                                  .stop = f->hooks ? f->hooks->stop : NULL};
    vl_ordered *w;
    frames_video *v;
    if (f->next == f->end) return VIOLET_OK;
    violet_status status = vl_ordered_start(&w, &o);
    if (status != VIOLET_OK) return status;
    while (status == VIOLET_OK && (v = vl_ordered_next(w))) status = put(w, f, v);
    vl_ordered_join(w);
    /* stopped: what is done is not lost */
    while (status == VIOLET_OK && (v = vl_ordered_next(w)) && v->status != VIOLET_EINTERRUPTED)
        status = put(w, f, v);
    if (status == VIOLET_OK && f->next < f->end) status = vl_interrupted("extract-frames");
    vl_ordered_free(w);
    return status;
}
