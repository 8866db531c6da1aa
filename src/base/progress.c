/* Events of work on items; see progress.h. */
#include "base/progress.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"

void vl_progress_start(vl_progress *p, const violet_hooks *hooks, const char *text, uint64_t first,
                       uint64_t n)
{
    *p = (vl_progress){hooks, text, first, n, vl_now()};
}

double vl_progress_rate(const vl_progress *p, uint64_t done)
{
    double seconds = vl_now() - p->start;
    return done > p->first && seconds > 0 ? (double)(done - p->first) / seconds : 0;
}

void vl_progress_item(const vl_progress *p, uint64_t done, uint64_t n_bad)
{
    if (!p->hooks || !p->hooks->event) return;
    double rate = vl_progress_rate(p, done);
    violet_event e = {.kind = VIOLET_EVENT_ITEM,
                      .text = p->text,
                      .step = done,
                      .n_steps = p->n,
                      .n_bad = n_bad,
                      .samples_per_s = rate,
                      .bytes = vl_memory_peak()};
    if (rate > 0 && p->n > done) e.seconds_left = (double)(p->n - done) / rate;
    p->hooks->event(p->hooks->user, &e);
}

void vl_tell(const violet_hooks *hooks, violet_event_kind kind, const char *format, ...)
{
    if (!hooks || !hooks->event) return;
    char line[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    hooks->event(hooks->user, &(violet_event){.kind = kind, .text = line});
}

bool vl_stopped(const violet_hooks *hooks)
{
    return hooks && hooks->stop && *hooks->stop;
}

violet_status vl_interrupted(const char *what)
{
    return vl_err(VIOLET_EINTERRUPTED, "%s: stopped", what);
}
