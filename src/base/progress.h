/* What long work on items tells its caller.
 *
 *     vl_progress p;
 *     vl_progress_start(&p, hooks, "videos", n_done_before, n);
 *     ... after each: vl_progress_item(&p, n_done, n_bad);
 *     if (vl_stopped(hooks)) return vl_interrupted("extract-frames");
 *     vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%zu videos", n);
 *
 * hooks may be NULL, and so may each of its fields. Events come from the thread that calls. */
#ifndef VL_BASE_PROGRESS_H
#define VL_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "violet.h"

typedef struct vl_progress {
    const violet_hooks *hooks;
    const char *text; /* of what; borrowed */
    uint64_t first, n; /* done before this process began; in all (0: not known) */
    double start;
} vl_progress;

void vl_progress_start(vl_progress *p, const violet_hooks *hooks, const char *text, uint64_t first,
                       uint64_t n);
/* VIOLET_EVENT_ITEM: `done` of n, with rate, time left and peak memory. */
void vl_progress_item(const vl_progress *p, uint64_t done, uint64_t n_bad);
/* Items a second since the start, 0 when nothing is done yet. */
double vl_progress_rate(const vl_progress *p, uint64_t done);

/* A line for the user. */
void vl_tell(const violet_hooks *hooks, violet_event_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool vl_stopped(const violet_hooks *hooks);
/* VIOLET_EINTERRUPTED with its message. */
violet_status vl_interrupted(const char *what);

#endif
