/* Reading a model's weights beside what its user does meanwhile: decoding a video is one thread's
 * work and takes about as long.
 *
 *     vl_use_load     names and shapes are looked at; a thread begins to read
 *     vl_use_ready    waits for it; the error, if it met one
 *     vl_use_load_end at the model's end
 *
 * So what a file's head can tell is told when the model is opened; only values that are not finite
 * or cannot be read are told later. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/status.h"
#include "model/load.h"
#include "use/use.h"

struct vl_use_loading {
    violet_model *m;
    vl_load_options how;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    bool under_way;       /* the thread is still to be joined */
    violet_status status;
    char message[1024];
    double start;
    _Atomic double seconds; /* for whoever asks; 0: not done */
};

static violet_status read_weights(violet_model *m, const vl_load_options *how)
{
    vl_load_report report = {0};
    violet_status status = vl_load(&m->m.params, &m->m.config, m->path, how, &report);
    if (status == VIOLET_OK) status = vl_load_report_whole(&report);
    vl_load_report_release(&report);
    return status;
}

static void *run(void *user)
{
    struct vl_use_loading *l = user;
    l->status = read_weights(l->m, &l->how); /* the lock is not needed before the join */
    if (l->status != VIOLET_OK) snprintf(l->message, sizeof l->message, "%s", violet_error());
    l->seconds = vl_now() - l->start;
    return NULL;
}

violet_status vl_use_load(violet_model *m, const vl_use_options *o)
{
    struct vl_use_loading *l = calloc(1, sizeof *l);
    if (!l) return vl_err_nomem();
    m->loading = l;
    *l = (struct vl_use_loading){.m = m,
                                 .how = {.interpolate = o->interpolate,
                                         .grid_as_is = m->compat && !o->interpolate,
                                         .dry = true}};
    pthread_mutex_init(&l->lock, NULL);
    violet_status status = read_weights(m, &l->how);
    if (status != VIOLET_OK) return status;
    l->how.dry = false;
    l->start = vl_now();
    l->under_way = pthread_create(&l->thread, NULL, run, l) == 0;
    if (!l->under_way) run(l);
    return VIOLET_OK;
}

violet_status vl_use_ready(const violet_model *m)
{
    struct vl_use_loading *l = m->loading;
    pthread_mutex_lock(&l->lock);
    if (l->under_way) pthread_join(l->thread, NULL);
    l->under_way = false;
    pthread_mutex_unlock(&l->lock);
    return l->status == VIOLET_OK ? VIOLET_OK : vl_err(l->status, "%s", l->message);
}

double vl_use_load_seconds(const violet_model *m)
{
    return m->loading->seconds;
}

void vl_use_load_end(violet_model *m)
{
    if (!m->loading) return;
    (void)vl_use_ready(m);
    pthread_mutex_destroy(&m->loading->lock);
    free(m->loading);
}
