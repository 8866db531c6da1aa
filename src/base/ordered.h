/* Threads over items first <= i < end; the results come out in the order of the items.
 *
 *     const vl_ordered_options o = {.first = 0, .end = n, .n_threads = 4, .work = work,
 *                                   .result_bytes = sizeof(result), .release = release,
 *                                   .user = &shared, .stop = &stop};
 *     vl_ordered *w = NULL;
 *     result *r;
 *     status = vl_ordered_start(&w, &o);
 *     while (status == VIOLET_OK && (r = vl_ordered_next(w))) {  // NULL: no more, or stopped
 *         status = use(r);
 *         vl_ordered_done(w);                                    // r is the threads' again
 *     }
 *     vl_ordered_free(w);
 *
 * An item that fails says so in its result, with its words: violet_error() is its thread's own.
 * Threads run ahead of the result that is waited for by at most VL_ORDERED_AHEAD items each, and
 * only while the weights of the results that wait are below `most_weight`; so memory depends on
 * neither the number nor the size of the items, however uneven they are. */
#ifndef VL_BASE_ORDERED_H
#define VL_BASE_ORDERED_H

#include <signal.h>
#include <stddef.h>

#include "violet.h"

#define VL_ORDERED_AHEAD 8

typedef struct vl_ordered_options {
    size_t first, end;
    int n_threads; /* at most; at least one, and no more than there are items */
    void *user;    /* handed to work */
    /* Item i into `result`, which holds what an earlier item has left there, all zero before. */
    void (*work)(void *result, size_t i, void *own, void *user);
    size_t result_bytes;
    void (*release)(void *result);        /* what it holds, in the end; may be NULL */
    size_t (*weight)(const void *result); /* NULL: there is no limit */
    size_t most_weight;
    /* A thread's own memory, all zero at first, where it works; `stop` is set when no one wants the
     * items in work any more. Either may be NULL. */
    size_t own_bytes;
    void (*begin)(void *own, const volatile sig_atomic_t *stop);
    void (*finish)(void *own);
    const volatile sig_atomic_t *stop; /* asks vl_ordered_next to wait no longer; may be NULL */
} vl_ordered_options;

typedef struct vl_ordered vl_ordered;

/* Fewer threads than asked for will do, where no more can be had. */
violet_status vl_ordered_start(vl_ordered **out, const vl_ordered_options *o);
/* The next item's result, waited for; NULL: no more, or stopped. */
void *vl_ordered_next(vl_ordered *w);
/* Gives back the result that vl_ordered_next gave. */
void vl_ordered_done(vl_ordered *w);
/* Ends the threads. From then on vl_ordered_next gives what was ready, stopped or not, up to the
 * first result that is missing. */
void vl_ordered_join(vl_ordered *w);
/* Ends the threads and frees; NULL is fine. */
void vl_ordered_free(vl_ordered *w);

#endif
