/* The videos of a collection, found and encoded; see search.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/status.h"
#include "search/search.h"

enum { TOLD = 10 }; /* so many that are bad, or odd, get a line of their own */

/* ---- one video ------------------------------------------------------------------------------- */

static void tell_notes(violet_collection *c, const violet_session *s, const violet_hooks *hooks)
{
    const char *notes = violet_session_notes(s);
    if (*notes && c->n_odd++ < TOLD) vl_tell(hooks, VIOLET_EVENT_WARNING, "%s", notes);
}

/* Is it the video that is to blame? */
static bool is_of_the_video(violet_status status)
{
    return status == VIOLET_EFORMAT || status == VIOLET_EIO || status == VIOLET_EUNSUPPORTED;
}

static violet_status encode(violet_collection *c, violet_session *s, size_t i,
                            const violet_hooks *hooks)
{
    violet_video *v;
    violet_status status = violet_video_encode(&v, s, c->list.file[i].path);
    if (status != VIOLET_OK) return status;
    tell_notes(c, s, hooks);
    if (c->E) status = vl_use_vector(c->vector + i * (size_t)c->E, s, v->x, 0, false);
    if (status == VIOLET_OK)
        c->item[i].video = v;
    else
        violet_video_free(v);
    return status;
}

/* The file is looked at before it is read: one that is changed meanwhile is encoded anew the next
 * time. */
static violet_status take(violet_collection *c, violet_session *s, size_t i,
                          const violet_hooks *hooks)
{
    violet_collection_facts *f = &c->facts;
    uint64_t size;
    int64_t time;
    bool there = c->path && vl_store_look(&size, &time, c->list.file[i].path);
    violet_status status = encode(c, s, i, hooks);
    if (is_of_the_video(status)) {
        if (f->n_bad++ < TOLD)
            vl_tell(hooks, VIOLET_EVENT_WARNING, "skipped: %s", violet_error());
        return VIOLET_OK;
    }
    f->n_encoded += status == VIOLET_OK;
    return status == VIOLET_OK && there ? vl_store_put(c, i, size, time) : status;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static violet_status encode_all(violet_collection *c, violet_session *s, const violet_hooks *hooks)
{
    vl_progress p;
    violet_status status = VIOLET_OK;
    uint64_t kept = (uint64_t)c->facts.n_kept, done = kept;
    vl_progress_start(&p, hooks, "videos", kept, c->list.n);
    for (size_t i = 0; i < c->list.n && status == VIOLET_OK; i++) {
        if (c->item[i].stored) continue;
        if (vl_stopped(hooks)) return vl_interrupted("search");
        status = take(c, s, i, hooks);
        vl_progress_item(&p, ++done, (uint64_t)c->facts.n_bad);
    }
    return status;
}

/* What is encoded is kept whatever happened; the first error is the one that is told. */
static violet_status fill(violet_collection *c, violet_session *s, const char *index,
                          const violet_hooks *hooks)
{
    char message[1024];
    violet_status status = vl_use_ready(c->of); /* what is wrong with the weights is no video's */
    if (status == VIOLET_OK && index) status = vl_store_open(c, index, hooks);
    if (status != VIOLET_OK) return status;
    status = encode_all(c, s, hooks);
    if (!index) return status;
    if (status == VIOLET_OK) return vl_store_finish(c);
    snprintf(message, sizeof message, "%s", violet_error());
    (void)vl_store_finish(c);
    return vl_err(status, "%s", message);
}

static violet_status check_some(violet_collection *c, const char *path)
{
    violet_collection_facts *f = &c->facts;
    f->n_videos = f->n_encoded + f->n_kept;
    if (f->n_videos > 0) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: none of its %d videos can be used", path, f->n_bad);
}

static void tell_end(const violet_collection *c, const char *index, const violet_hooks *hooks,
                     double seconds)
{
    const violet_collection_facts *f = &c->facts;
    char bad[64] = "", kept[64] = "", gone[64] = "", odd[64] = "";
    if (f->n_bad) snprintf(bad, sizeof bad, ", %d could not be used", f->n_bad);
    if (c->n_odd > TOLD) snprintf(odd, sizeof odd, ", %d are odd in some way", c->n_odd);
    if (index) snprintf(kept, sizeof kept, ", %d from the index", f->n_kept);
    if (f->n_gone) snprintf(gone, sizeof gone, ", %d dropped from the index", f->n_gone);
    vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%d videos: %d encoded in %.1f s%s%s%s%s", f->n_videos,
            f->n_encoded, seconds, kept, gone, odd, bad);
}

/* ---- open and close -------------------------------------------------------------------------- */

violet_status vl_search_can(const violet_model *m)
{
    if (m->heads & VL_HEAD_DUAL) return VIOLET_OK;
    return vl_use_need(m, VL_HEAD_MATCH, "search without a dual encoder");
}

static violet_status name_items(violet_collection *c)
{
    vl_buf name = {0};
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < c->list.n && status == VIOLET_OK; i++) {
        const char *raw = c->list.file[i].name;
        vl_buf_clear(&name);
        status = vl_escape(&name, raw, strlen(raw));
        if (status == VIOLET_OK)
            c->item[i].name = vl_strings_keep(&c->names, name.data, name.n);
        if (status == VIOLET_OK && !c->item[i].name) status = vl_err_nomem();
    }
    vl_buf_free(&name);
    return status;
}

static violet_status prepare(violet_collection *c, const char *path)
{
    violet_status status = vl_video_list_open(&c->list, path);
    if (status != VIOLET_OK) return status;
    if (c->list.n > INT_MAX)
        return vl_err(VIOLET_EINVAL, "%s: %zu videos, at most %d", path, c->list.n, INT_MAX);
    if (c->of->heads & VL_HEAD_DUAL) c->E = c->of->m.config.dual_width;
    c->item = calloc(c->list.n, sizeof *c->item);
    c->vector = calloc(c->list.n * (size_t)c->E + 1, sizeof *c->vector);
    return c->item && c->vector ? name_items(c) : vl_err_nomem();
}

violet_status violet_collection_open(violet_collection **out, violet_session *s, const char *path,
                                     const char *index, const violet_hooks *hooks)
{
    double start = vl_now();
    *out = NULL;
    violet_status status = vl_search_can(s->of);
    if (status != VIOLET_OK) return status;
    violet_collection *c = calloc(1, sizeof *c);
    if (!c) return vl_err_nomem();
    c->of = s->of;
    status = prepare(c, path);
    if (status == VIOLET_OK) status = fill(c, s, index, hooks);
    if (status == VIOLET_OK) status = check_some(c, path);
    if (status == VIOLET_OK) tell_end(c, index, hooks, vl_now() - start);
    if (status == VIOLET_OK)
        *out = c;
    else
        violet_collection_close(c);
    return status;
}

void violet_collection_close(violet_collection *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->list.n && c->item; i++) violet_video_free(c->item[i].video);
    vl_video_list_release(&c->list);
    vl_strings_release(&c->names);
    vl_search_index_close(&c->index);
    free(c->item);
    free(c->vector);
    free(c);
}

void violet_collection_describe(violet_collection_facts *out, const violet_collection *c)
{
    *out = c->facts;
}

/* ---- lent ------------------------------------------------------------------------------------ */

bool vl_collection_has(const violet_collection *c, size_t i)
{
    return c->item[i].video || c->item[i].stored;
}

static violet_status read_stored(violet_video **out, const violet_collection *c, int i)
{
    size_t n = (size_t)c->key.rows * (size_t)c->key.cols;
    real *x = malloc(n * sizeof *x);
    *out = NULL;
    if (!x) return vl_err_nomem();
    for (size_t k = 0; k < n; k++) x[k] = (real)c->item[i].stored->tokens[k];
    violet_status status = vl_use_video(out, c->of, x, (int)c->key.rows);
    free(x);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", c->item[i].name);
}

violet_status vl_collection_lend(violet_video **out, const violet_collection *c, int i)
{
    *out = c->item[i].video;
    return *out ? VIOLET_OK : read_stored(out, c, i);
}

void vl_collection_return(const violet_collection *c, int i, violet_video *v)
{
    if (v != c->item[i].video) violet_video_free(v);
}
