/* Shuffled batches of pictures; see gallery_feed.h.
 *
 * A ring of slots, a batch each. Threads take single pictures in order of the sequence and wait
 * while the ring is full:
 *
 *     slot of batch b:  b % N_SLOTS      complete when all of its pictures are there
 *     taken             the next picture that a thread will make
 *     given             the batch that the caller has; the ones after it are being made */
#include "data/gallery_feed.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "data/sampler.h"

#define SITE_FEED 0x66656564u /* "feed": apart from all other draws of the seed */
#define MOST_TRIES 64         /* bad pictures in a row before a batch is given up */

enum { N_SLOTS = 4, MOST_WORKERS = 64 };

typedef struct slot {
    uint8_t *image; /* (batch, 3, side, side) */
    int made;       /* pictures that are there, or failed */
    uint64_t bad;
    violet_status status;
    char message[1024]; /* of the failure, or of a bad picture */
} slot;

/* One a thread. */
typedef struct maker {
    vl_feed *f;
    vl_gallery_scratch *scratch;
    uint8_t *square; /* (3, side + crop, side + crop) */
    pthread_t thread;
} maker;

struct vl_feed {
    vl_feed_options o;
    const size_t *training;
    size_t n;
    int n_workers; /* threads that run; makers[n_workers] is the caller's */
    maker makers[MOST_WORKERS + 1];
    slot slots[N_SLOTS];
    uint64_t taken, given;
    bool started, stop;
    pthread_mutex_t lock; /* of slots, taken, given, stop */
    pthread_cond_t work, done;
    uint64_t n_bad;
    double waited;
};

/* ---- one picture ----------------------------------------------------------------------------- */

/* A window of `from` (3, R, R) at (y, x), mirrored or not, into `to` (3, side, side). */
static void cut(uint8_t *to, const uint8_t *from, int side, int R, int y, int x, bool mirrored)
{
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < side; i++) {
            const uint8_t *row = from + ((size_t)c * (size_t)R + (size_t)(y + i)) * (size_t)R + x;
            uint8_t *out = to + ((size_t)c * (size_t)side + (size_t)i) * (size_t)side;
            if (!mirrored) memcpy(out, row, (size_t)side);
            else
                for (int k = 0; k < side; k++) out[k] = row[side - 1 - k];
        }
}

/* Picture `position` of the sequence, or the next that can be read. Counts bad ones in *bad, whose
 * last message stays this thread's. */
static violet_status make(uint8_t *out, maker *m, uint64_t position, uint64_t *bad)
{
    const vl_feed *f = m->f;
    int R = f->o.side + f->o.crop;
    uint64_t key = vl_rng_key(f->o.seed, position, SITE_FEED);
    violet_status status = VIOLET_EFORMAT;
    for (uint64_t k = position; k < position + MOST_TRIES && status != VIOLET_OK; k++) {
        vl_order order = vl_order_init(f->o.seed, k / f->n, 0, f->n);
        size_t i = f->training[vl_order_at(&order, k % f->n)];
        status = vl_gallery_read(m->square, R, f->o.gallery, i, m->scratch);
        if (status == VIOLET_ENOMEM || status == VIOLET_EINTERRUPTED) return status;
        *bad += status != VIOLET_OK;
    }
    if (status != VIOLET_OK) return status;
    uint32_t room = (uint32_t)f->o.crop + 1;
    cut(out, m->square, f->o.side, R, (int)vl_rng_below(key, 0, room),
        (int)vl_rng_below(key, 1, room), f->o.flip && vl_rng_below(key, 2, 2));
    return VIOLET_OK;
}

/* ---- batches --------------------------------------------------------------------------------- */

static size_t square(const vl_feed *f)
{
    return 3 * (size_t)f->o.side * (size_t)f->o.side;
}

/* Makes picture `number` into its slot; called without the lock. */
static void make_into_slot(maker *m, uint64_t number)
{
    vl_feed *f = m->f;
    uint64_t B = (uint64_t)f->o.batch, bad = 0;
    slot *s = &f->slots[number / B % N_SLOTS];
    violet_status status = make(s->image + number % B * square(f), m, number, &bad);
    pthread_mutex_lock(&f->lock);
    s->bad += bad;
    if (s->status == VIOLET_OK && (bad || status != VIOLET_OK))
        snprintf(s->message, sizeof s->message, "%s", violet_error());
    if (s->status == VIOLET_OK) s->status = status;
    if (++s->made == f->o.batch) pthread_cond_signal(&f->done);
    pthread_mutex_unlock(&f->lock);
}

static void *worker(void *arg)
{
    maker *m = arg;
    vl_feed *f = m->f;
    for (;;) {
        pthread_mutex_lock(&f->lock);
        while (!f->stop && f->taken / (uint64_t)f->o.batch >= f->given + N_SLOTS)
            pthread_cond_wait(&f->work, &f->lock);
        bool stop = f->stop;
        uint64_t number = f->taken++;
        pthread_mutex_unlock(&f->lock);
        if (stop) return NULL;
        make_into_slot(m, number);
    }
}

static void empty(slot *s)
{
    s->made = 0;
    s->bad = 0;
    s->status = VIOLET_OK;
}

violet_status vl_feed_next(const uint8_t **image, vl_feed *f)
{
    double start = vl_now();
    pthread_mutex_lock(&f->lock);
    if (f->started) { /* the slot that the caller had can be filled again */
        empty(&f->slots[f->given % N_SLOTS]);
        f->given++;
        pthread_cond_broadcast(&f->work);
    }
    f->started = true;
    slot *s = &f->slots[f->given % N_SLOTS];
    while (f->n_workers && s->made < f->o.batch) pthread_cond_wait(&f->done, &f->lock);
    pthread_mutex_unlock(&f->lock);
    while (s->made < f->o.batch)
        make_into_slot(&f->makers[0], f->given * (uint64_t)f->o.batch + (uint64_t)s->made);
    f->n_bad += s->bad;
    if (s->bad && s->status == VIOLET_OK && f->o.report) f->o.report(f->o.user, s->message);
    f->waited += vl_now() - start;
    *image = s->image;
    return s->status == VIOLET_OK ? VIOLET_OK : vl_err(s->status, "%s", s->message);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void stop_workers(vl_feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_cond_broadcast(&f->work);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < f->n_workers; i++) pthread_join(f->makers[i].thread, NULL);
    f->n_workers = 0;
}

violet_status vl_feed_start(vl_feed *f, uint64_t batch)
{
    int n = vl_gallery_cached(f->o.gallery) ? 0 : f->o.workers;
    stop_workers(f);
    f->given = batch;
    f->taken = batch * (uint64_t)f->o.batch;
    f->stop = f->started = false;
    for (int i = 0; i < N_SLOTS; i++) empty(&f->slots[i]);
    for (int i = 0; i < n; i++, f->n_workers++)
        if (pthread_create(&f->makers[i].thread, NULL, worker, &f->makers[i]) != 0) break;
    return VIOLET_OK; /* without threads the caller's own does the work */
}

static violet_status open_maker(maker *m, vl_feed *f)
{
    size_t R = (size_t)(f->o.side + f->o.crop);
    m->f = f;
    m->square = malloc(3 * R * R);
    return m->square ? vl_gallery_scratch_new(&m->scratch) : vl_err_nomem();
}

violet_status vl_feed_open(vl_feed **out, const vl_feed_options *o, const size_t *training,
                           size_t n)
{
    *out = NULL;
    if (n == 0) return vl_err(VIOLET_EINVAL, "no picture to train on");
    vl_feed *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    f->o = *o;
    f->training = training;
    f->n = n;
    if (f->o.workers > MOST_WORKERS) f->o.workers = MOST_WORKERS;
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->work, NULL);
    pthread_cond_init(&f->done, NULL);
    violet_status status = VIOLET_OK;
    for (int i = 0; i < N_SLOTS && status == VIOLET_OK; i++)
        if (!(f->slots[i].image = malloc((size_t)o->batch * square(f)))) status = vl_err_nomem();
    for (int i = 0; i <= f->o.workers && status == VIOLET_OK; i++)
        status = open_maker(&f->makers[i], f);
    if (status == VIOLET_OK) status = vl_feed_start(f, 0);
    if (status == VIOLET_OK)
        *out = f;
    else
        vl_feed_close(f);
    return status;
}

void vl_feed_close(vl_feed *f)
{
    if (!f) return;
    stop_workers(f);
    for (int i = 0; i <= MOST_WORKERS; i++) {
        vl_gallery_scratch_free(f->makers[i].scratch);
        free(f->makers[i].square);
    }
    for (int i = 0; i < N_SLOTS; i++) free(f->slots[i].image);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->work);
    pthread_cond_destroy(&f->done);
    free(f);
}

uint64_t vl_feed_bad(const vl_feed *f)
{
    return f->n_bad;
}

double vl_feed_waited(const vl_feed *f)
{
    return f->waited;
}
