/* Threads over items, results in order: how far they run ahead, what stops them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/ordered.h"
#include "base/status.h"

/* ---- threads that cannot be had -------------------------------------------------------------- */

static int threads_left = -1; /* until pthread_create fails; -1: it does not */

int pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (threads_left == 0) return EAGAIN;
    if (threads_left > 0) threads_left--;
    *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return real(id, attr, run, arg);
}

/* ---- items ----------------------------------------------------------------------------------- */

enum { BAD = 7 }; /* the last digit of items that fail */

typedef struct result {
    violet_status status;
    char error[40];
    size_t i;
    char *text; /* kept from item to item */
} result;

typedef struct own {
    bool begun;
    size_t n;
    const volatile sig_atomic_t *stop;
} own;

typedef struct shared {
    atomic_size_t first; /* the first item that is not taken */
    atomic_size_t ahead; /* the most that were begun ahead of it */
    atomic_size_t n_begun, n_finished, n_worked, n_items, n_texts, n_held;
    size_t hold; /* the item that waits for `stop` */
} shared;

static shared all;

static void nap(long ms)
{
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void begin(void *p, const volatile sig_atomic_t *stop)
{
    own *o = p;
    assert_false(o->begun);
    *o = (own){.begun = true, .stop = stop};
    all.n_begun++;
}

static void finish(void *p)
{
    own *o = p;
    all.n_finished++;
    all.n_items += o->n;
}

static violet_status make(result *r, size_t i)
{
    if (i % 10 == BAD) return vl_err(VIOLET_EFORMAT, "item %zu", i);
    r->i = i;
    return VIOLET_OK;
}

static void work(void *p, size_t i, void *mine, void *user)
{
    shared *s = user;
    result *r = p;
    own *o = mine;
    size_t ahead = i - s->first, before = s->ahead;
    while (ahead > before && !atomic_compare_exchange_weak(&s->ahead, &before, ahead)) continue;
    o->n += o->begun;
    if (!r->text) {
        r->text = malloc(10);
        s->n_texts++;
    }
    if (i == s->hold) {
        s->n_held++;
        while (!__atomic_load_n(o->stop, __ATOMIC_RELAXED)) nap(1);
    }
    if (i % 13 == 3) nap(1); /* unevenly long */
    r->error[0] = 0;
    r->status = make(r, i);
    if (r->status != VIOLET_OK) snprintf(r->error, sizeof r->error, "%s", violet_error());
    s->n_worked++;
}

static void release(void *p)
{
    result *r = p;
    if (r->text) all.n_texts--;
    free(r->text);
}

static vl_ordered_options options(size_t first, size_t end, int n_threads)
{
    memset(&all, 0, sizeof all);
    all.first = first;
    all.hold = SIZE_MAX;
    return (vl_ordered_options){.first = first,
                                .end = end,
                                .n_threads = n_threads,
                                .user = &all,
                                .work = work,
                                .result_bytes = sizeof(result),
                                .release = release,
                                .own_bytes = sizeof(own),
                                .begin = begin,
                                .finish = finish};
}

static vl_ordered *start(const vl_ordered_options *o)
{
    vl_ordered *w;
    if (vl_ordered_start(&w, o) != VIOLET_OK) fail_msg("%s", violet_error());
    return w;
}

/* Takes the next result, which must be item i's; false: there is none. */
static bool takes(vl_ordered *w, size_t i)
{
    char error[40];
    const result *r = vl_ordered_next(w);
    if (!r) return false;
    snprintf(error, sizeof error, "item %zu", i);
    if (i % 10 == BAD) {
        assert_int_equal(r->status, VIOLET_EFORMAT);
        assert_string_equal(r->error, error);
    } else {
        assert_int_equal(r->status, VIOLET_OK);
        assert_int_equal(r->i, i);
    }
    all.first++;
    vl_ordered_done(w);
    return true;
}

/* Frees, and checks that all threads had their end and all results theirs. */
static void frees(vl_ordered *w, size_t n_threads, size_t n_items)
{
    vl_ordered_free(w);
    assert_int_equal(all.n_begun, n_threads);
    assert_int_equal(all.n_finished, n_threads);
    assert_int_equal(all.n_items, n_items);
    assert_int_equal(all.n_texts, 0);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void order_is_kept(void **state)
{
    (void)state;
    static const struct {
        size_t first, end;
        int n_threads;
        size_t threads;
    } cases[] = {{0, 500, 1, 1}, {0, 500, 2, 2}, {3, 500, 7, 7}, {1000, 1400, 32, 32},
                 {5, 8, 16, 3},  {5, 6, 4, 1},   {9, 9, 4, 1},   {0, 20, 0, 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        vl_ordered_options o = options(cases[k].first, cases[k].end, cases[k].n_threads);
        vl_ordered *w = start(&o);
        for (size_t i = o.first; i < o.end; i++) assert_true(takes(w, i));
        assert_null(vl_ordered_next(w));
        assert_true(all.ahead < cases[k].threads * VL_ORDERED_AHEAD);
        frees(w, cases[k].threads, o.end - o.first);
    }
}

/* Nothing but work and results. */
static void most_is_optional(void **state)
{
    (void)state;
    vl_ordered_options o = options(0, 100, 3);
    o.begin = NULL;
    o.finish = NULL;
    vl_ordered *w = start(&o);
    for (size_t i = 0; i < o.end; i++) assert_true(takes(w, i));
    vl_ordered_free(w);
    vl_ordered_free(NULL);
}

/* Work comes to rest when n items in all are done. */
static void rests_at(size_t n)
{
    for (int i = 0; i < 10000 && all.n_worked < n; i++) nap(1);
    nap(50);
    assert_int_equal(all.n_worked, n);
}

static void runs_ahead_within_bounds(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        vl_ordered_options o = options(0, 1000, n);
        vl_ordered *w = start(&o);
        size_t ahead = (size_t)n * VL_ORDERED_AHEAD;
        rests_at(ahead);
        for (size_t i = 0; i < 10; i++) assert_true(takes(w, i));
        rests_at(ahead + 10);
        frees(w, (size_t)n, ahead + 10);
    }
}

static size_t weight(const void *p)
{
    const result *r = p;
    return r->i == 4 ? 1000 : 1;
}

static void weight_bounds_what_waits(void **state)
{
    (void)state;
    vl_ordered_options o = options(0, 100, 1);
    o.weight = weight;
    o.most_weight = 4;
    vl_ordered *w = start(&o);
    rests_at(4);
    assert_true(takes(w, 0));
    rests_at(5); /* item 4, of weight 1000; and nothing behind it */
    assert_true(takes(w, 1) && takes(w, 2) && takes(w, 3));
    rests_at(5);
    frees(w, 1, 5);

    /* one that is too heavy alone is in nobody's way, nor is a limit of nothing */
    for (size_t most = 0; most <= 4; most += 4) {
        o = options(0, 100, 3);
        o.weight = weight;
        o.most_weight = most;
        w = start(&o);
        for (size_t i = 0; i < o.end; i++) assert_true(takes(w, i));
        assert_null(vl_ordered_next(w));
        frees(w, 3, 100);
    }
}

static volatile sig_atomic_t stop;

static void *stop_soon(void *arg)
{
    while (!all.n_held) nap(1);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return arg;
}

/* Item 5 never ends by itself: the stop ends the wait for it, and join its work. */
static void stops_while_it_waits(void **state)
{
    (void)state;
    pthread_t other;
    vl_ordered_options o = options(0, 100, 2);
    o.stop = &stop;
    all.hold = 5;
    stop = 0;
    vl_ordered *w = start(&o);
    size_t n = 0;
    assert_int_equal(pthread_create(&other, NULL, stop_soon, NULL), 0);
    while (takes(w, n)) n++;
    pthread_join(other, NULL);
    assert_true(n <= 5);
    /* what is ready may still be had, up to what is missing */
    vl_ordered_join(w);
    while (takes(w, n)) n++;
    assert_true(n > 5 && n < 100);
    assert_null(vl_ordered_next(w));
    assert_int_equal(all.n_items, n);
    frees(w, 2, n);
}

static void stopped_from_the_start(void **state)
{
    (void)state;
    vl_ordered_options o = options(0, 100, 2);
    o.stop = &stop;
    stop = 1;
    vl_ordered *w = start(&o);
    rests_at(2 * VL_ORDERED_AHEAD);
    assert_null(vl_ordered_next(w)); /* though it is ready */
    frees(w, 2, 2 * VL_ORDERED_AHEAD);
}

static void given_up_midway(void **state)
{
    (void)state;
    vl_ordered_options o = options(0, 100, 3);
    all.hold = 9;
    vl_ordered *w = start(&o);
    for (size_t i = 0; i < 5; i++) assert_true(takes(w, i));
    assert_non_null(vl_ordered_next(w)); /* and not given back */
    vl_ordered_free(w);
    assert_int_equal(all.n_finished, all.n_begun);
    assert_int_equal(all.n_texts, 0);
}

static void fewer_threads_will_do(void **state)
{
    (void)state;
    vl_ordered_options o = options(0, 100, 4);
    threads_left = 2;
    vl_ordered *w = start(&o);
    for (size_t i = 0; i < o.end; i++) assert_true(takes(w, i));
    frees(w, 2, 100);
    o = options(0, 100, 4);
    threads_left = 0;
    assert_int_equal(vl_ordered_start(&w, &o), VIOLET_EIO);
    threads_left = -1;
    assert_non_null(strstr(violet_error(), "start a thread"));
    assert_null(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(most_is_optional),
        cmocka_unit_test(runs_ahead_within_bounds),
        cmocka_unit_test(weight_bounds_what_waits),
        cmocka_unit_test(stops_while_it_waits),
        cmocka_unit_test(stopped_from_the_start),
        cmocka_unit_test(given_up_midway),
        cmocka_unit_test(fewer_threads_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
