/* See vq_pool.h. */
#include "extract/vq_pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/ordered.h"
#include "base/status.h"

struct vq_pool {
    vq_pool_options o;
    vl_ordered *ordered;
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

static void do_record(void *result, size_t i, void *own, void *user)
{
    vq_squares *s = result;
    s->i = i;
    s->error[0] = 0;
    s->status = look(s, user, own);
    if (s->status != VIOLET_OK) strncat(s->error, violet_error(), sizeof s->error - 1);
}

static void release(void *result)
{
    free(((vq_squares *)result)->image);
}

static void begin(void *own, const volatile sig_atomic_t *stop)
{
    ((vl_record *)own)->stop = stop;
}

static void finish(void *own)
{
    vl_record_release(own);
}

/* ---- the caller ------------------------------------------------------------------------------ */

violet_status vq_pool_start(vq_pool **out, const vq_pool_options *o)
{
    *out = NULL;
    vq_pool *p = calloc(1, sizeof *p);
    if (!p) return vl_err_nomem();
    p->o = *o;
    const vl_ordered_options ordered = {.first = o->first,
                                        .end = o->end,
                                        .n_threads = o->n_threads,
                                        .user = p,
                                        .work = do_record,
                                        .result_bytes = sizeof(vq_squares),
                                        .release = release,
                                        .own_bytes = sizeof(vl_record),
                                        .begin = begin,
                                        .finish = finish,
                                        .stop = o->stop};
    violet_status status = vl_ordered_start(&p->ordered, &ordered);
    if (status == VIOLET_OK)
        *out = p;
    else
        free(p);
    return status;
}

void vq_pool_stop(vq_pool *p)
{
    if (!p) return;
    vl_ordered_free(p->ordered);
    free(p);
}

vq_squares *vq_pool_next(vq_pool *p)
{
    return vl_ordered_next(p->ordered);
}

void vq_pool_done(vq_pool *p)
{
    vl_ordered_done(p->ordered);
}
