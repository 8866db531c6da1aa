/* See vq_pool.h. Record i belongs to slot i mod n_slots; a slot goes FREE -> BUSY -> READY -> FREE,
 * the last step by the thread that takes. */
#include "extract/vq_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/status.h"

#define SLOTS_A_THREAD 8
#define POLL_NS 100000000 /* how soon a stop is seen */

typedef struct slot {
    enum { FREE, BUSY, READY } state;
    vq_squares squares;
} slot;

struct vq_pool {
    vq_pool_options o;
    volatile sig_atomic_t stop; /* ends videos midway */
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work, ready;
    size_t next, taken;
    bool closing;
    slot *slots;
    size_t n_slots;
    /* the caller's */
    int n_threads;
    pthread_t *threads;
};

/* ---- a record -------------------------------------------------------------------------------- */

typedef struct taker {
    vq_squares *to;
    const vq_pool_options *o;
} taker;

static violet_status take(void *user, int i, const vl_picture *picture)
{
    const taker *t = user;
    size_t area = 3 * (size_t)t->o->side * (size_t)t->o->side;
    return vl_picture_square(t->to->image + (size_t)i * area, t->o->side, picture, t->o->pad);
}

static violet_status look(vq_squares *s, const vq_pool *p, vl_record *r)
{
    violet_status status = vl_pictures_look(r, p->o.pictures, s->i);
    if (status != VIOLET_OK) return status;
    s->T = vl_pictures_are_videos(p->o.pictures) ? p->o.n_samples : r->n_frames;
    if (s->T < 1)
        return vl_err(VIOLET_EFORMAT, "%s record %zu: no frames", vl_pictures_path(p->o.pictures),
                      s->i);
    if (memchr(r->id.s, 0, r->id.n)) return vl_err(VIOLET_EFORMAT, "an id with a zero byte");
    size_t n = (size_t)s->T * 3 * (size_t)p->o.side * (size_t)p->o.side;
    if (n > s->cap) {
        free(s->image);
        s->cap = 0;
        if (!(s->image = malloc(n))) return vl_err_nomem();
        s->cap = n;
    }
    taker t = {s, &p->o};
    status = vl_pictures_decode(r, s->T, take, &t);
    if (status != VIOLET_OK && !vl_pictures_are_videos(p->o.pictures)) /* a video's names it */
        vl_err_at(status, "%s '%.*s'", vl_pictures_path(p->o.pictures),
                  (int)(r->id.n < 128 ? r->id.n : 128), r->id.s);
    return status;
}

static void do_record(vq_squares *s, const vq_pool *p, size_t i, vl_record *r)
{
    s->i = i;
    s->error[0] = 0;
    s->status = look(s, p, r);
    if (s->status != VIOLET_OK) strncat(s->error, violet_error(), sizeof s->error - 1);
}

/* ---- threads --------------------------------------------------------------------------------- */

static void *work(void *arg)
{
    vq_pool *p = arg;
    vl_record r = {.stop = &p->stop};
    pthread_mutex_lock(&p->mutex);
    while (!p->closing && p->next < p->o.end) {
        if (p->next - p->taken >= p->n_slots) {
            pthread_cond_wait(&p->work, &p->mutex);
            continue;
        }
        size_t i = p->next++;
        slot *s = &p->slots[i % p->n_slots];
        s->state = BUSY;
        pthread_mutex_unlock(&p->mutex);
        do_record(&s->squares, p, i, &r);
        pthread_mutex_lock(&p->mutex);
        s->state = READY;
        pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->mutex);
    vl_record_release(&r);
    return NULL;
}

violet_status vq_pool_start(vq_pool **out, const vq_pool_options *o)
{
    pthread_condattr_t attr;
    violet_status status = VIOLET_OK;
    *out = NULL;
    vq_pool *p = calloc(1, sizeof *p);
    if (!p) return vl_err_nomem();
    p->o = *o;
    p->next = p->taken = o->first;
    p->n_slots = (size_t)o->n_threads * SLOTS_A_THREAD;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ready, &attr);
    pthread_condattr_destroy(&attr);
    p->slots = calloc(p->n_slots, sizeof *p->slots);
    p->threads = calloc((size_t)o->n_threads, sizeof *p->threads);
    if (!p->slots || !p->threads) status = vl_err_nomem();
    while (status == VIOLET_OK && p->n_threads < o->n_threads) {
        int code = pthread_create(&p->threads[p->n_threads], NULL, work, p);
        if (code == 0) {
            p->n_threads++;
            continue;
        }
        if (p->n_threads) break; /* fewer do it, too */
        errno = code;
        status = vl_err_errno("start a thread");
    }
    if (status == VIOLET_OK)
        *out = p;
    else
        vq_pool_stop(p);
    return status;
}

void vq_pool_stop(vq_pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    p->stop = 1;
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (int i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    for (size_t i = 0; p->slots && i < p->n_slots; i++) free(p->slots[i].squares.image);
    free(p->slots);
    free(p->threads);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->ready);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

/* ---- the caller ------------------------------------------------------------------------------ */

static bool stopped(const vq_pool *p)
{
    return p->o.stop && *p->o.stop;
}

vq_squares *vq_pool_next(vq_pool *p)
{
    if (p->taken >= p->o.end) return NULL;
    slot *s = &p->slots[p->taken % p->n_slots];
    pthread_mutex_lock(&p->mutex);
    while (s->state != READY && !stopped(p)) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += POLL_NS;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&p->ready, &p->mutex, &t);
    }
    pthread_mutex_unlock(&p->mutex);
    return stopped(p) ? NULL : &s->squares;
}

void vq_pool_done(vq_pool *p)
{
    pthread_mutex_lock(&p->mutex);
    p->slots[p->taken % p->n_slots].state = FREE;
    p->taken++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
}
