/* See ordered.h. Item i belongs to slot i mod n_slots. A slot goes FREE -> BUSY (a thread works) ->
 * READY -> FREE (taken, by the thread that called):
 *
 *     taken ... [ READY  BUSY  READY  BUSY ] next ... end
 *                 ^ waited for */
#include "base/ordered.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/status.h"

#define POLL_NS 100000000 /* how soon a stop is seen */
#define LINE 64           /* bytes; what two threads write lies on different lines of the cache */

typedef struct slot {
    enum { FREE, BUSY, READY } state;
    size_t weight;
} slot;

typedef struct thread {
    struct vl_ordered *w;
    void *own;
    pthread_t id;
} thread;

struct vl_ordered {
    vl_ordered_options o;
    /* ends items midway; looked at without the mutex, as a signal handler's flag would be */
    volatile sig_atomic_t stop;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work, ready;
    size_t next, taken; /* to be begun; to be taken */
    size_t weight;      /* of what is READY */
    bool closing;
    slot *slots;
    size_t n_slots;
    /* a slot's belong to who has it BUSY, then to the caller */
    char *results;
    size_t result_bytes;
    /* the caller's */
    thread *threads;
    int n_threads;
    char *own;
};

/* ---- threads --------------------------------------------------------------------------------- */

static void *result_of(const vl_ordered *w, size_t slot_number)
{
    return w->results + slot_number * w->result_bytes;
}

static bool may_begin(const vl_ordered *w)
{
    size_t ahead = w->next - w->taken;
    if (ahead == 0) return true;
    return ahead < w->n_slots && (!w->o.weight || w->weight < w->o.most_weight);
}

static void *run(void *arg)
{
    thread *t = arg;
    vl_ordered *w = t->w;
    if (w->o.begin) w->o.begin(t->own, &w->stop);
    pthread_mutex_lock(&w->mutex);
    while (!w->closing && w->next < w->o.end) {
        if (!may_begin(w)) {
            pthread_cond_wait(&w->work, &w->mutex);
            continue;
        }
        size_t i = w->next++, k = i % w->n_slots;
        w->slots[k].state = BUSY;
        pthread_mutex_unlock(&w->mutex);
        w->o.work(result_of(w, k), i, t->own, w->o.user);
        size_t weight = w->o.weight ? w->o.weight(result_of(w, k)) : 0;
        pthread_mutex_lock(&w->mutex);
        w->slots[k] = (slot){READY, weight};
        w->weight += weight;
        pthread_cond_signal(&w->ready);
    }
    pthread_mutex_unlock(&w->mutex);
    if (w->o.finish) w->o.finish(t->own);
    return NULL;
}

/* ---- begin and end --------------------------------------------------------------------------- */

static size_t whole_lines(size_t n)
{
    return (n + LINE - 1) / LINE * LINE;
}

static violet_status start_threads(vl_ordered *w, int n)
{
    size_t own_bytes = whole_lines(w->o.own_bytes);
    w->slots = calloc(w->n_slots, sizeof *w->slots);
    w->results = calloc(w->n_slots, w->result_bytes);
    w->threads = calloc((size_t)n, sizeof *w->threads);
    w->own = calloc((size_t)n, own_bytes ? own_bytes : 1);
    if (!w->slots || !w->results || !w->threads || !w->own) return vl_err_nomem();
    while (w->n_threads < n) {
        thread *t = &w->threads[w->n_threads];
        t->w = w;
        t->own = w->own + (size_t)w->n_threads * own_bytes;
        int code = pthread_create(&t->id, NULL, run, t);
        if (code == 0) {
            w->n_threads++;
            continue;
        }
        if (w->n_threads) break; /* fewer do it, too */
        errno = code;
        return vl_err_errno("start a thread");
    }
    return VIOLET_OK;
}

violet_status vl_ordered_start(vl_ordered **out, const vl_ordered_options *o)
{
    pthread_condattr_t attr;
    size_t left = o->end - o->first;
    int n = o->n_threads;
    *out = NULL;
    vl_ordered *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    if (n > 0 && (size_t)n > left) n = (int)left;
    if (n < 1) n = 1;
    w->o = *o;
    w->next = w->taken = o->first;
    w->n_slots = (size_t)n * VL_ORDERED_AHEAD;
    w->result_bytes = whole_lines(o->result_bytes);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->ready, &attr);
    pthread_condattr_destroy(&attr);
    violet_status status = start_threads(w, n);
    if (status == VIOLET_OK)
        *out = w;
    else
        vl_ordered_free(w);
    return status;
}

void vl_ordered_join(vl_ordered *w)
{
    pthread_mutex_lock(&w->mutex);
    __atomic_store_n(&w->stop, 1, __ATOMIC_RELAXED);
    w->closing = true;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->mutex);
    for (int i = 0; i < w->n_threads; i++) pthread_join(w->threads[i].id, NULL);
    w->n_threads = 0;
}

void vl_ordered_free(vl_ordered *w)
{
    if (!w) return;
    vl_ordered_join(w);
    for (size_t k = 0; w->o.release && w->results && k < w->n_slots; k++)
        w->o.release(result_of(w, k));
    free(w->slots);
    free(w->results);
    free(w->threads);
    free(w->own);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->ready);
    pthread_mutex_destroy(&w->mutex);
    free(w);
}

/* ---- the caller ------------------------------------------------------------------------------ */

static bool goes_on(const vl_ordered *w)
{
    return w->n_threads && !(w->o.stop && __atomic_load_n(w->o.stop, __ATOMIC_RELAXED));
}

void *vl_ordered_next(vl_ordered *w)
{
    if (w->taken >= w->o.end) return NULL;
    size_t k = w->taken % w->n_slots;
    pthread_mutex_lock(&w->mutex);
    while (w->slots[k].state != READY && goes_on(w)) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += POLL_NS;
        t.tv_sec += t.tv_nsec / 1000000000;
        t.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&w->ready, &w->mutex, &t);
    }
    bool ready = w->slots[k].state == READY;
    pthread_mutex_unlock(&w->mutex);
    return ready && (goes_on(w) || !w->n_threads) ? result_of(w, k) : NULL;
}

void vl_ordered_done(vl_ordered *w)
{
    pthread_mutex_lock(&w->mutex);
    slot *s = &w->slots[w->taken % w->n_slots];
    w->weight -= s->weight;
    *s = (slot){FREE, 0};
    w->taken++;
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->mutex);
}
