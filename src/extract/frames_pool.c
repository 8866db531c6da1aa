/* Threads over videos, results in the order of the list.
 *
 * Video i belongs to slot i mod n_slots. A slot goes FREE -> BUSY (a worker decodes) -> READY ->
 * FREE (written, by the thread that called):
 *
 *     written ... [ READY  BUSY  READY  BUSY ] next ... end
 *                  ^ waited for
 *
 * Workers run ahead of the one that is waited for by at most n_slots videos, and only while what
 * lies READY is below BYTES_MOST; so memory depends on neither the number nor the length of the
 * videos, however unevenly long they are. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/status.h"
#include "extract/frames_internal.h"

#define SLOTS_A_WORKER 8
#define BYTES_MOST ((size_t)16 << 20)
#define BYTES_KEPT ((size_t)1 << 20)
#define POLL_NS 100000000 /* how soon a stop is seen */

typedef enum slot_state { FREE, BUSY, READY } slot_state;

typedef struct slot {
    slot_state state;
    frames_video video;
} slot;

typedef struct pool {
    frames *f;
    /* ends videos midway; read without the mutex, as a signal handler's flag would be */
    volatile sig_atomic_t stop;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work, ready;
    size_t next, written; /* to be begun; to be written */
    size_t ready_bytes;
    bool closing;
    int n_slots;
    slot *slots;
    /* the caller's */
    int n_threads;
    pthread_t *threads;
} pool;

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

static void do_video(frames_video *v, const pool *p, size_t i, vl_buf *jpeg)
{
    const vl_frames_options *o = p->f->o;
    vl_video_pick pick = {.n_samples = o->sample,
                          .fast = o->fast,
                          .shape = (vl_shape)o->shape,
                          .max_side = o->max_side,
                          .stop = &p->stop};
    taker t = {v, jpeg, o->quality};
    memset(&v->result, 0, sizeof v->result);
    vl_buf_clear(&v->text);
    v->n = 0;
    v->error[0] = 0;
    v->status = vl_video_sample(&v->result, p->f->list.file[i].path, &pick, take, &t);
    if (v->status == VIOLET_OK && v->n != o->sample)
        v->status = vl_err(VIOLET_EFORMAT, "%d pictures, expected %d", v->n, o->sample);
    if (v->status == VIOLET_OK) return;
    strncat(v->error, violet_error(), sizeof v->error - 1);
    vl_buf_clear(&v->text);
}

/* ---- workers --------------------------------------------------------------------------------- */

static bool may_begin(const pool *p)
{
    size_t ahead = p->next - p->written;
    return ahead == 0 || (ahead < (size_t)p->n_slots && p->ready_bytes < BYTES_MOST);
}

static void *work(void *arg)
{
    pool *p = arg;
    vl_buf jpeg = {0};
    pthread_mutex_lock(&p->mutex);
    while (!p->closing && p->next < p->f->end) {
        if (!may_begin(p)) {
            pthread_cond_wait(&p->work, &p->mutex);
            continue;
        }
        size_t i = p->next++;
        slot *s = &p->slots[i % (size_t)p->n_slots];
        s->state = BUSY;
        pthread_mutex_unlock(&p->mutex);
        do_video(&s->video, p, i, &jpeg);
        pthread_mutex_lock(&p->mutex);
        s->state = READY;
        p->ready_bytes += s->video.text.n;
        pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->mutex);
    vl_buf_free(&jpeg);
    return NULL;
}

static int workers_of(const frames *f)
{
    cpu_set_t set;
    int n = f->o->workers;
    if (n == 0) n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    size_t left = f->end - f->next;
    return (size_t)n > left ? (int)left : n;
}

static violet_status start(pool *p, frames *f)
{
    pthread_condattr_t attr;
    int n = workers_of(f);
    *p = (pool){.f = f, .next = f->next, .written = f->next, .n_slots = n * SLOTS_A_WORKER};
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ready, &attr);
    pthread_condattr_destroy(&attr);
    p->slots = calloc((size_t)p->n_slots, sizeof *p->slots);
    p->threads = calloc((size_t)n, sizeof *p->threads);
    if (!p->slots || !p->threads) return vl_err_nomem();
    for (int code; p->n_threads < n; p->n_threads++) {
        if ((code = pthread_create(&p->threads[p->n_threads], NULL, work, p)) == 0) continue;
        if (p->n_threads) break; /* fewer do it, too */
        errno = code;
        return vl_err_errno("start a thread");
    }
    return VIOLET_OK;
}

static void join(pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->stop = 1;
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    p->n_threads = 0;
}

static void release(pool *p)
{
    for (int i = 0; p->slots && i < p->n_slots; i++) vl_buf_free(&p->slots[i].video.text);
    free(p->slots);
    free(p->threads);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->ready);
    pthread_mutex_destroy(&p->mutex);
}

/* ---- the caller ------------------------------------------------------------------------------ */

/* Waits for the slot that comes next; NULL: it was asked to stop before. */
static slot *wait_for_next(pool *p)
{
    slot *s = &p->slots[p->written % (size_t)p->n_slots];
    pthread_mutex_lock(&p->mutex);
    while (s->state != READY && !vl_stopped(p->f->hooks)) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += POLL_NS;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->ready, &p->mutex, &t);
    }
    bool ready = s->state == READY;
    pthread_mutex_unlock(&p->mutex);
    return ready && !vl_stopped(p->f->hooks) ? s : NULL;
}

static violet_status put(pool *p, slot *s)
{
    violet_status status = frames_put(p->f, &s->video);
    pthread_mutex_lock(&p->mutex);
    p->ready_bytes -= s->video.text.n;
    if (s->video.text.cap > BYTES_KEPT) vl_buf_free(&s->video.text);
    s->state = FREE;
    p->written++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    return status;
}

violet_status frames_pool(frames *f)
{
    pool p;
    slot *s = NULL;
    if (f->next == f->end) return VIOLET_OK;
    violet_status status = start(&p, f);
    while (status == VIOLET_OK && p.written < f->end && (s = wait_for_next(&p)))
        status = put(&p, s);
    join(&p);
    if (status == VIOLET_OK && p.written < f->end) { /* stopped: what is done is not lost */
        for (;;) {
            s = &p.slots[p.written % (size_t)p.n_slots];
            if (s->state != READY || s->video.status == VIOLET_EINTERRUPTED) break;
            if ((status = put(&p, s)) != VIOLET_OK) break;
        }
        if (status == VIOLET_OK && p.written < f->end) status = vl_interrupted("extract-frames");
    }
    release(&p);
    return status;
}
