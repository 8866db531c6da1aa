/* A collection and its index; see search.h and index.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/progress.h"
#include "base/status.h"
#include "search/search.h"

/* ---- what is there --------------------------------------------------------------------------- */

/* What decides a video's tokens beside its file and the weights. */
static vl_search_key key_of(const violet_model *m)
{
    const vl_config *config = &m->m.config;
    const int how[] = {m->compat, m->shape, m->fast_video, m->size_img, m->size_frame,
                       config->video.exact_bias};
    uint64_t h = vl_hash(0, how, sizeof how);
    h = vl_hash(h, config->video.heads, sizeof config->video.heads);
    h = vl_hash(h, config->video.window, sizeof config->video.window);
    bool dual = m->heads & VL_HEAD_DUAL;
    return (vl_search_key){.weights = vl_params_hash(&m->m.params),
                           .how = h,
                           .rows = (uint32_t)vl_use_video_rows(m),
                           .cols = (uint32_t)config->hidden,
                           .width = dual ? (uint32_t)config->dual_width : 0};
}

bool vl_store_look(uint64_t *size, int64_t *time, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) return false;
    *size = (uint64_t)st.st_size;
    *time = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return true;
}

/* Points item i to its entry. */
static void take_entry(violet_collection *c, size_t i, const vl_search_entry *e)
{
    c->item[i].stored = e;
    real *vector = c->vector + i * (size_t)c->E;
    for (int k = 0; k < c->E; k++) vector[k] = (real)e->vector[k];
}

static violet_status take_old(violet_collection *c)
{
    const vl_search_index *x = &c->index;
    size_t n_seen = 0;
    uint8_t *seen = calloc(x->n + 1, 1);
    if (!seen) return vl_err_nomem();
    for (size_t i = 0; i < c->list.n; i++) {
        uint64_t size;
        int64_t time;
        const vl_search_entry *e = vl_search_index_find(x, c->list.file[i].name);
        if (!e || !vl_store_look(&size, &time, c->list.file[i].path)) continue;
        n_seen += !seen[e - x->entry];
        seen[e - x->entry] = 1;
        if (e->size != size || e->time != time) continue;
        take_entry(c, i, e);
        c->facts.n_kept++;
    }
    c->facts.n_gone = (int)(x->n - n_seen);
    free(seen);
    return VIOLET_OK;
}

violet_status vl_store_open(violet_collection *c, const char *path, const violet_hooks *hooks)
{
    c->key = key_of(c->of);
    violet_status status = vl_search_index_open(&c->index, path, &c->key, false);
    if (status != VIOLET_OK) return status;
    c->path = path;
    if (c->index.other)
        vl_tell(hooks, VIOLET_EVENT_WARNING, "%s: of another checkpoint or other options; it is "
                "made anew", path);
    else if (c->index.damaged && c->index.n_damaged)
        vl_tell(hooks, VIOLET_EVENT_WARNING, "%s: damaged; %zu of its %zu videos are encoded anew",
                path, c->index.n_damaged, c->index.n + c->index.n_damaged);
    else if (c->index.damaged)
        vl_tell(hooks, VIOLET_EVENT_WARNING, "%s: damaged; it is made anew", path);
    return take_old(c);
}

/* ---- what comes ------------------------------------------------------------------------------ */

/* What stays comes first; if nothing is new, the file need not be touched. */
static violet_status begin(violet_collection *c)
{
    violet_status status = vl_search_writer_open(&c->writer, c->path, &c->key);
    for (size_t i = 0; i < c->list.n && status == VIOLET_OK; i++) {
        if (!c->item[i].stored) continue;
        status = vl_search_writer_copy(&c->writer, c->item[i].stored);
        c->item[i].written = true;
    }
    return status;
}

static float *as_floats(const real *x, size_t n)
{
    float *y = malloc((n + 1) * sizeof *y);
    for (size_t k = 0; k < n && y; k++) y[k] = (float)x[k];
    return y;
}

static violet_status write_item(violet_collection *c, size_t i, uint64_t size, int64_t time)
{
    const char *name = c->list.file[i].name;
    size_t n = (size_t)c->key.rows * (size_t)c->key.cols, E = (size_t)c->E;
    real *x = malloc(n * sizeof *x);
    if (x) vl_features_get(x, c->item[i].video->x, 0);
    float *tokens = x ? as_floats(x, n) : NULL, *vector = as_floats(c->vector + i * E, E);
    const vl_search_entry e = {.name = name,
                               .n_name = (uint32_t)strlen(name),
                               .size = size,
                               .time = time,
                               .vector = vector,
                               .tokens = tokens};
    violet_status status =
        tokens && vector ? vl_search_writer_put(&c->writer, &e) : vl_err_nomem();
    free(x);
    free(tokens);
    free(vector);
    return status;
}

violet_status vl_store_put(violet_collection *c, size_t i, uint64_t size, int64_t time)
{
    violet_status status = c->writer.out.file ? VIOLET_OK : begin(c);
    if (status == VIOLET_OK) status = write_item(c, i, size, time);
    if (status != VIOLET_OK) return status;
    violet_video_free(c->item[i].video);
    c->item[i].video = NULL;
    c->item[i].written = true;
    return VIOLET_OK;
}

/* Is there anything to write though nothing was encoded? */
static bool has_changed(const violet_collection *c)
{
    return c->facts.n_kept > 0 && (c->facts.n_gone > 0 || c->index.n_damaged > 0);
}

violet_status vl_store_finish(violet_collection *c)
{
    violet_status status = VIOLET_OK;
    if (!c->writer.out.file && has_changed(c)) status = begin(c);
    if (status != VIOLET_OK || !c->writer.out.file) return status;
    status = vl_search_writer_commit(&c->writer);
    if (status != VIOLET_OK) return status;
    vl_search_index_close(&c->index);
    status = vl_search_index_open(&c->index, c->path, &c->key, true);
    for (size_t i = 0; i < c->list.n && status == VIOLET_OK; i++) {
        c->item[i].stored = NULL;
        if (!c->item[i].written) continue;
        const vl_search_entry *e = vl_search_index_find(&c->index, c->list.file[i].name);
        if (!e) return vl_err(VIOLET_EIO, "%s: was changed meanwhile", c->path);
        take_entry(c, i, e);
    }
    return status;
}
