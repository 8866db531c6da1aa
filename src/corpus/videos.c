/* The clips, drawn and encoded by threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cores.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/ordered.h"
#include "base/progress.h"
#include "corpus/corpus_internal.h"
#include "corpus/draw.h"
#include "media/video_write.h"

#define FILE_MOST ((size_t)256 << 20)

typedef struct made {
    violet_status status;
    char error[1024];
    uint64_t hash;
} made;

/* A thread's. */
typedef struct worker {
    vl_canvas canvas;
    vl_picture picture;
    const volatile sig_atomic_t *stop;
} worker;

static void begin(void *own, const volatile sig_atomic_t *stop)
{
    ((worker *)own)->stop = stop;
}

static void finish(void *own)
{
    worker *w = own;
    vl_canvas_close(&w->canvas);
    vl_picture_release(&w->picture);
}

static violet_status open_worker(worker *w, int side)
{
    if (w->picture.rgb) return VIOLET_OK;
    violet_status status = vl_canvas_open(&w->canvas, side);
    if (status != VIOLET_OK) return status;
    w->picture = (vl_picture){side, side, malloc(3 * (size_t)side * (size_t)side)};
    if (w->picture.rgb) return VIOLET_OK;
    vl_canvas_close(&w->canvas);
    return vl_err_nomem();
}

static violet_status draw(worker *w, const corpus *c, const vl_scene *s, const char *path)
{
    const vl_corpus_options *o = c->o;
    const vl_video_write_options how = {o->size, o->size, o->fps, (vl_video_codec)o->codec, 0};
    vl_look look;
    vl_video_writer *out;
    violet_status status = open_worker(w, o->size);
    if (status != VIOLET_OK) return status;
    if ((status = vl_video_write_open(&out, path, &how)) != VIOLET_OK) return status;
    vl_look_make(&look, s, c->rules.seed);
    vl_canvas_start(&w->canvas, &look);
    for (int i = 0; i < o->frames && status == VIOLET_OK; i++) {
        vl_canvas_frame(&w->picture, &w->canvas, &look, i, o->frames);
        status = vl_video_write_frame(out, &w->picture);
        if (status == VIOLET_OK && w->stop && *w->stop) status = vl_interrupted("make-corpus");
    }
    if (status == VIOLET_OK) status = vl_video_write_commit(out);
    vl_video_write_free(out);
    return status;
}

static violet_status make(uint64_t *hash, worker *w, const corpus *c, const vl_scene *s)
{
    char id[CORPUS_ID], path[PATH_MAX], *bytes;
    size_t n;
    violet_status status = VIOLET_OK;
    if (snprintf(path, sizeof path, "%s/%s.mp4", c->videos, corpus_id(id, s)) >= PATH_MAX)
        return vl_err(VIOLET_EINVAL, "path too long: '%.100s...'", c->videos);
    if (!vl_file_exists(path)) status = draw(w, c, s, path);
    if (status == VIOLET_OK) status = vl_file_read(&bytes, &n, path, FILE_MOST);
    if (status != VIOLET_OK) return status;
    *hash = vl_hash(0, bytes, n);
    free(bytes);
    return VIOLET_OK;
}

static void do_clip(void *result, size_t i, void *own, void *user)
{
    made *m = result;
    const corpus *c = user;
    m->status = make(&m->hash, own, c, corpus_clip(c, i));
    m->error[0] = 0;
    if (m->status != VIOLET_OK) strncat(m->error, violet_error(), sizeof m->error - 1);
}

violet_status corpus_make_videos(corpus *c)
{
    size_t n = corpus_n(c), done = 0;
    const vl_ordered_options o = {.end = n,
                                  .n_threads = c->o->workers ? c->o->workers : vl_cores(),
                                  .user = c,
                                  .work = do_clip,
                                  .result_bytes = sizeof(made),
                                  .own_bytes = sizeof(worker),
                                  .begin = begin,
                                  .finish = finish,
                                  .stop = c->hooks ? c->hooks->stop : NULL};
    vl_progress progress;
    vl_ordered *w;
    made *m;
    violet_status status = vl_ordered_start(&w, &o);
    if (status != VIOLET_OK) return status;
    vl_progress_start(&progress, c->hooks, "clips", 0, n);
    while (status == VIOLET_OK && (m = vl_ordered_next(w))) {
        if (m->status != VIOLET_OK) status = vl_err(m->status, "%s", m->error);
        c->hash = vl_hash(c->hash, &m->hash, sizeof m->hash);
        vl_ordered_done(w);
        if (status == VIOLET_OK) vl_progress_item(&progress, ++done, 0);
    }
    vl_ordered_free(w);
    return status == VIOLET_OK && done < n ? vl_interrupted("make-corpus") : status;
}
