/* The ring of slots and its threads; see loader.h.
 *
 * One mutex guards slots' states and the dispatcher; decoding happens outside it. A slot goes
 *
 *     FREE -> BUSY (a worker decodes) -> READY (good or bad) -> FREE (the consumer took it)
 *
 * The dispatcher hands out B positions a step of the plan, from given[part]. The consumer, who
 * needs one more of a part for each bad sample, may run ahead of it: then it decodes the sample
 * itself and moves given[part] on. So every position is decoded once, and no slot is ever waited
 * for that nobody fills. */
#include "data/loader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

typedef enum slot_state { FREE, BUSY, READY } slot_state;

typedef struct slot {
    slot_state state;
    int part;
    uint64_t position;
    vl_sample sample;
    violet_status status;
    vl_bad why;
    char message[512];
} slot;

typedef struct worker {
    struct vl_loader *loader;
    vl_scratch *scratch;
    pthread_t thread;
    bool started;
} worker;

struct vl_loader {
    const vl_dataset *d;
    vl_loader_options o;
    vl_plan plan;
    vl_order order[VL_MAX_PARTS];
    vl_cursor cursor;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work, ready; /* something to do; a slot became READY or idle */
    bool running, closing;
    volatile sig_atomic_t stop; /* nobody wants the videos that are being decoded */
    int n_busy;
    uint64_t next_step, given[VL_MAX_PARTS];
    int next_in_step;
    slot *slots;
    int n_slots;
    /* the consumer's */
    worker *workers;
    vl_scratch *scratch;
    slot own; /* its sample points into the batch */
    uint8_t *image, *small;
    int32_t *text, *vq;
    int *n_text;
    vl_item_facts *facts;
    char (*id)[VL_ID_BYTES];
    vl_batch batch;
    uint64_t bad[VL_BAD_REASONS], n_shortened;
    double waited_s;
};

/* ---- which sample ---------------------------------------------------------------------------- */

/* Records of this rank; positions p of it are p * n_ranks + rank of the part's order. */
static uint64_t records(const vl_loader *l, int part)
{
    uint64_t n = vl_dataset_n(l->d, part), ranks = (uint64_t)l->o.n_ranks;
    if (!l->o.once) return n / ranks ? n / ranks : 1;
    return n / ranks + ((uint64_t)l->o.rank < n % ranks);
}

static uint64_t record_at(const vl_loader *l, int part, uint64_t position)
{
    uint64_t p = position % records(l, part) * (uint64_t)l->o.n_ranks + (uint64_t)l->o.rank;
    return vl_order_at(&l->order[part], p % vl_dataset_n(l->d, part));
}

/* Are there positions from here on? Training goes round for ever. */
static bool exists(const vl_loader *l, int part, uint64_t position)
{
    return !l->o.once || position < records(l, part);
}

static void decode(slot *s, const vl_loader *l, uint64_t epoch, vl_scratch *scratch)
{
    uint64_t record = record_at(l, s->part, s->position);
    s->status = vl_dataset_read(&s->sample, &s->why, l->d, s->part, record, epoch, scratch);
    s->message[0] = 0;
    if (s->status != VIOLET_OK) strncat(s->message, violet_error(), sizeof s->message - 1);
}

/* ---- workers --------------------------------------------------------------------------------- */

/* The next position in the order the plan expects, or false: all of the epoch is given out. */
static bool dispatch(vl_loader *l, slot *s)
{
    while (l->next_step < l->plan.n) {
        int part;
        uint64_t batch;
        vl_plan_at(&part, &batch, &l->plan, l->next_step);
        bool more = l->next_in_step < l->o.batch && exists(l, part, l->given[part]);
        if (!more) {
            l->next_step++;
            l->next_in_step = 0;
            continue;
        }
        s->part = part;
        s->position = l->given[part]++;
        l->next_in_step++;
        return true;
    }
    return false;
}

static slot *free_slot(vl_loader *l)
{
    for (int i = 0; i < l->n_slots; i++)
        if (l->slots[i].state == FREE) return &l->slots[i];
    return NULL;
}

static void *work(void *arg)
{
    worker *w = arg;
    vl_loader *l = w->loader;
    pthread_mutex_lock(&l->mutex);
    while (!l->closing) {
        slot *s = l->running ? free_slot(l) : NULL;
        if (!s || !dispatch(l, s)) {
            pthread_cond_wait(&l->work, &l->mutex);
            continue;
        }
        uint64_t epoch = l->cursor.epoch;
        s->state = BUSY;
        l->n_busy++;
        pthread_mutex_unlock(&l->mutex);
        decode(s, l, epoch, w->scratch);
        pthread_mutex_lock(&l->mutex);
        s->state = READY;
        l->n_busy--;
        pthread_cond_broadcast(&l->ready);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int most_frames(const vl_dataset *d)
{
    int most = 1;
    for (int i = 0; i < vl_dataset_parts(d); i++)
        if (vl_dataset_frames(d, i) > most) most = vl_dataset_frames(d, i);
    return most;
}

static size_t image_bytes(const vl_dataset *d, int T)
{
    size_t S = (size_t)vl_dataset_size_img(d);
    return 3 * S * S * (size_t)T;
}

static size_t small_bytes(const vl_dataset *d, int T)
{
    size_t s = (size_t)vl_dataset_size_small(d);
    return 3 * s * s * (size_t)T;
}

static size_t token_count(const vl_dataset *d, int T)
{
    size_t g = (size_t)vl_dataset_grid(d);
    return g * g * (size_t)T;
}

/* Ids of a sample's texts. */
static size_t text_count(const vl_dataset *d)
{
    return (size_t)vl_dataset_texts(d) * (size_t)vl_dataset_size_txt(d);
}

static violet_status make_slot(vl_sample *s, const vl_loader *l, int T)
{
    /* one more, that malloc's answer is never NULL for 0 */
    s->image = malloc(image_bytes(l->d, T));
    s->small = malloc(small_bytes(l->d, T) + 1);
    s->text = malloc((text_count(l->d) + 1) * sizeof *s->text);
    s->n_text = malloc(((size_t)vl_dataset_texts(l->d) + 1) * sizeof *s->n_text);
    s->vq = malloc((token_count(l->d, T) + 1) * sizeof *s->vq);
    return s->image && s->small && s->text && s->n_text && s->vq ? VIOLET_OK : vl_err_nomem();
}

static violet_status make_buffers(vl_loader *l)
{
    int T = most_frames(l->d);
    size_t B = (size_t)l->o.batch, n_texts = (size_t)vl_dataset_texts(l->d);
    violet_status status = VIOLET_OK;
    l->image = malloc(B * image_bytes(l->d, T));
    l->small = malloc(B * small_bytes(l->d, T) + 1);
    l->text = malloc((B * text_count(l->d) + 1) * sizeof *l->text);
    l->vq = malloc((B * token_count(l->d, T) + 1) * sizeof *l->vq);
    l->n_text = malloc((B * n_texts + 1) * sizeof *l->n_text);
    l->facts = malloc(B * sizeof *l->facts);
    l->id = malloc(B * sizeof *l->id);
    l->n_slots = l->o.workers ? l->o.ahead : 0;
    l->slots = calloc((size_t)l->n_slots + 1, sizeof *l->slots);
    l->workers = calloc((size_t)l->o.workers + 1, sizeof *l->workers);
    if (!l->image || !l->small || !l->text || !l->vq || !l->n_text || !l->facts || !l->id ||
        !l->slots || !l->workers)
        return vl_err_nomem();
    for (int i = 0; i < l->n_slots && status == VIOLET_OK; i++)
        status = make_slot(&l->slots[i].sample, l, T);
    if (status != VIOLET_OK) return status;
    return vl_scratch_new(&l->scratch, l->d);
}

static violet_status start_workers(vl_loader *l)
{
    for (int i = 0; i < l->o.workers; i++) {
        worker *w = &l->workers[i];
        w->loader = l;
        violet_status status = vl_scratch_new(&w->scratch, l->d);
        if (status != VIOLET_OK) return status;
        vl_scratch_stop(w->scratch, &l->stop);
        int code = pthread_create(&w->thread, NULL, work, w);
        if (code) return vl_err(VIOLET_ENOMEM, "start a thread: %s", strerror(code));
        w->started = true;
    }
    return VIOLET_OK;
}

violet_status vl_loader_open(vl_loader **out, const vl_dataset *d, const vl_loader_options *o)
{
    *out = NULL;
    if (o->batch < 1 || o->batch > 1 << 20 || o->workers < 0 || o->workers > 1024 ||
        o->ahead < 0 || o->ahead > 1 << 20 || o->n_ranks < 0 || o->rank < 0 ||
        o->rank >= (o->n_ranks ? o->n_ranks : 1))
        return vl_err(VIOLET_EINVAL, "loader: batch %d, workers %d, ahead %d, rank %d of %d cannot "
                      "be", o->batch, o->workers, o->ahead, o->rank, o->n_ranks);
    vl_loader *l = calloc(1, sizeof *l);
    if (!l) return vl_err_nomem();
    l->d = d;
    l->o = *o;
    if (!l->o.n_ranks) l->o.n_ranks = 1;
    if (!l->o.ahead) l->o.ahead = 2 * o->batch + o->workers;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->work, NULL);
    pthread_cond_init(&l->ready, NULL);
    violet_status status = make_buffers(l);
    if (status == VIOLET_OK) status = start_workers(l);
    if (status == VIOLET_OK)
        *out = l;
    else
        vl_loader_close(l);
    return status;
}

void vl_loader_close(vl_loader *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->mutex);
    l->closing = true;
    __atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
    for (int i = 0; l->workers && i < l->o.workers; i++) {
        if (l->workers[i].started) pthread_join(l->workers[i].thread, NULL);
        vl_scratch_free(l->workers[i].scratch);
    }
    for (int i = 0; l->slots && i < l->n_slots; i++) {
        free(l->slots[i].sample.image);
        free(l->slots[i].sample.small);
        free(l->slots[i].sample.text);
        free(l->slots[i].sample.n_text);
        free(l->slots[i].sample.vq);
    }
    vl_scratch_free(l->scratch);
    free(l->slots);
    free(l->workers);
    free(l->image);
    free(l->small);
    free(l->text);
    free(l->vq);
    free(l->n_text);
    free(l->facts);
    free(l->id);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->work);
    pthread_cond_destroy(&l->ready);
    free(l);
}

/* ---- the consumer ---------------------------------------------------------------------------- */

/* Workers stand still between `pause` and `go`: nobody decodes, every slot is free. */
static void pause_workers(vl_loader *l)
{
    pthread_mutex_lock(&l->mutex);
    l->running = false;
    __atomic_store_n(&l->stop, 1, __ATOMIC_RELAXED);
    while (l->n_busy) pthread_cond_wait(&l->ready, &l->mutex);
    __atomic_store_n(&l->stop, 0, __ATOMIC_RELAXED);
    for (int i = 0; i < l->n_slots; i++) l->slots[i].state = FREE;
    pthread_mutex_unlock(&l->mutex);
}

static void go(vl_loader *l)
{
    pthread_mutex_lock(&l->mutex);
    l->next_step = l->cursor.step;
    l->next_in_step = 0;
    memcpy(l->given, l->cursor.at, sizeof l->given);
    l->running = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->mutex);
}

violet_status vl_loader_start(vl_loader *l, const vl_cursor *at)
{
    uint64_t n_batches[VL_MAX_PARTS];
    int n_parts = vl_dataset_parts(l->d);
    uint64_t B = (uint64_t)l->o.batch;
    pause_workers(l);
    l->cursor = *at;
    for (int i = 0; i < n_parts; i++) {
        uint64_t n = records(l, i);
        n_batches[i] = l->o.once ? (n + B - 1) / B : n / B;
        l->order[i] = l->o.once ? vl_order_plain(vl_dataset_n(l->d, i))
                                : vl_order_init(l->o.seed, at->epoch, (uint64_t)i,
                                                vl_dataset_n(l->d, i));
    }
    violet_status status = vl_plan_init(&l->plan, l->o.seed, at->epoch,
                                        l->o.once ? VL_PLAN_SEQUENTIAL : l->o.plan, n_batches,
                                        n_parts);
    if (status == VIOLET_OK) go(l);
    return status;
}

static slot *find_slot(vl_loader *l, int part, uint64_t position)
{
    for (int i = 0; i < l->n_slots; i++) {
        slot *s = &l->slots[i];
        if (s->state != FREE && s->part == part && s->position == position) return s;
    }
    return NULL;
}

/* The consumer takes a position that nobody was given. It counts towards the dispatcher's step if
 * that is the present one; else it stands in for a bad sample and is on top. So the dispatcher
 * never gives out more than is consumed, and no unwanted slot can clog the ring. */
static void overtake(vl_loader *l, int part, uint64_t position)
{
    if (l->given[part] <= position) l->given[part] = position + 1;
    if (l->next_step == l->cursor.step && l->next_in_step < l->o.batch) l->next_in_step++;
}

/* Steps that the consumer did alone need no workers any more. */
static void catch_up(vl_loader *l)
{
    pthread_mutex_lock(&l->mutex);
    if (l->next_step < l->cursor.step) {
        l->next_step = l->cursor.step;
        l->next_in_step = 0;
    }
    pthread_mutex_unlock(&l->mutex);
}

/* Sample (part, position) into row `row` of the batch; its outcome is left in l->own. */
static void fetch(vl_loader *l, int row, int part, uint64_t position)
{
    size_t image = image_bytes(l->d, l->batch.T), tokens = token_count(l->d, l->batch.T);
    size_t small = small_bytes(l->d, l->batch.T), text = text_count(l->d);
    size_t n_texts = (size_t)vl_dataset_texts(l->d), k = (size_t)row;
    slot *own = &l->own;
    own->sample.image = l->image + k * image;
    own->sample.small = l->small + k * small;
    own->sample.text = l->text + k * text;
    own->sample.n_text = l->n_text + k * n_texts;
    own->sample.vq = l->vq + k * tokens;
    own->part = part;
    own->position = position;
    pthread_mutex_lock(&l->mutex);
    slot *s = find_slot(l, part, position);
    while (s && s->state == BUSY) pthread_cond_wait(&l->ready, &l->mutex);
    if (!s) overtake(l, part, position);
    pthread_mutex_unlock(&l->mutex);
    if (!s) {
        decode(own, l, l->cursor.epoch, l->scratch);
        return;
    }
    own->status = s->status;
    own->why = s->why;
    memcpy(own->message, s->message, sizeof own->message);
    if (s->status == VIOLET_OK) {
        memcpy(own->sample.image, s->sample.image, image);
        memcpy(own->sample.small, s->sample.small, small);
        memcpy(own->sample.text, s->sample.text, text * sizeof *s->sample.text);
        memcpy(own->sample.n_text, s->sample.n_text, n_texts * sizeof *s->sample.n_text);
        memcpy(own->sample.vq, s->sample.vq, tokens * sizeof *s->sample.vq);
        memcpy(own->sample.id, s->sample.id, VL_ID_BYTES);
        own->sample.facts = s->sample.facts;
    }
    pthread_mutex_lock(&l->mutex);
    s->state = FREE;
    pthread_cond_signal(&l->work);
    pthread_mutex_unlock(&l->mutex);
}

/* Fills the batch from one part's cursor; b->n may stay below B only with `once`. */
static violet_status fill(vl_loader *l, int part)
{
    vl_batch *b = &l->batch;
    uint64_t *at = &l->cursor.at[part], bad_in_a_row = 0;
    while (b->n < l->o.batch && exists(l, part, *at)) {
        fetch(l, b->n, part, *at);
        violet_status status = l->own.status;
        if (status == VIOLET_ENOMEM || status == VIOLET_EINTERRUPTED)
            return vl_err(status, "%s", l->own.message);
        ++*at;
        if (status == VIOLET_OK) {
            l->facts[b->n] = l->own.sample.facts;
            l->n_shortened += l->own.sample.facts.shortened;
            memcpy(l->id[b->n++], l->own.sample.id, VL_ID_BYTES);
            bad_in_a_row = 0;
            continue;
        }
        l->bad[l->own.why]++;
        if (l->o.report) l->o.report(l->o.user, l->own.why, l->own.message);
        if (++bad_in_a_row >= records(l, part))
            return vl_err(VIOLET_EFORMAT, "%s: none of its %llu samples can be used; the last: %s",
                          vl_dataset_path(l->d, part), (unsigned long long)bad_in_a_row,
                          l->own.message);
    }
    return VIOLET_OK;
}

violet_status vl_loader_next(const vl_batch **out, vl_loader *l)
{
    vl_batch *b = &l->batch;
    double start = vl_now();
    *out = NULL;
    while (l->cursor.step < l->plan.n) {
        int part;
        uint64_t batch;
        vl_plan_at(&part, &batch, &l->plan, l->cursor.step);
        *b = (vl_batch){.T = vl_dataset_frames(l->d, part), .S = vl_dataset_size_img(l->d),
                        .X = vl_dataset_size_txt(l->d), .grid = vl_dataset_grid(l->d),
                        .side = vl_dataset_size_small(l->d), .part = part,
                        .n_texts = vl_dataset_texts(l->d), .facts = l->facts,
                        .image = l->image, .small = l->small, .text = l->text, .n_text = l->n_text,
                        .id = (const char (*)[VL_ID_BYTES])l->id, .before = l->cursor};
        b->vq = b->grid ? l->vq : NULL;
        catch_up(l);
        violet_status status = fill(l, part);
        if (status != VIOLET_OK) return status;
        l->cursor.step++;
        if (b->n == 0) continue; /* `once`, and bad samples used the part up */
        b->after = l->cursor;
        b->waited_s = vl_now() - start;
        l->waited_s += b->waited_s;
        *out = b;
        return VIOLET_OK;
    }
    return VIOLET_OK;
}

uint64_t vl_loader_batches(const vl_loader *l)
{
    return l->plan.n;
}

uint64_t vl_loader_bad(const vl_loader *l, vl_bad why)
{
    return l->bad[why];
}

uint64_t vl_loader_shortened(const vl_loader *l)
{
    return l->n_shortened;
}

double vl_loader_waited(const vl_loader *l)
{
    return l->waited_s;
}
