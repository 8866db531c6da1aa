/* Record files into a pickle: one of a whole run, or all shards' of one. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "extract/vq_internal.h"
#include "file/pickle.h"

violet_status vq_any_good(const vq_counts *c, const char *path)
{
    if (c->n == 0 || c->n > c->n_bad) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: none of %zu record%s could be read", path, c->n,
                  c->n == 1 ? "" : "s");
}

/* All records of a file, which must be n, with nothing behind them. */
static violet_status put_records(vl_pickle_writer *w, vq_counts *c, vq_reader *r, const char *path,
                                 size_t n)
{
    vq_record record;
    vl_buf id = {0}, tokens = {0};
    size_t n_here = 0;
    violet_status status = VIOLET_OK;
    while (status == VIOLET_OK && n_here < n && vq_reader_next(&record, r)) {
        const int64_t shape[3] = {record.T, r->h, r->h};
        size_t bytes = 2 * (size_t)record.T * (size_t)r->h * (size_t)r->h;
        n_here++;
        c->n++;
        c->n_bad += record.T == 0;
        c->n_frames += (size_t)record.T;
        if (record.T == 0) continue;
        vl_buf_clear(&id);
        vl_buf_clear(&tokens);
        status = vl_buf_append(&id, record.id.s, record.id.n);
        /* a copy, because the file's are not aligned */
        if (status == VIOLET_OK) status = vl_buf_append(&tokens, record.tokens, bytes);
        if (status == VIOLET_OK)
            status = vl_pickle_put_i16(w, id.n ? id.data : "",
                                       (const int16_t *)(const void *)tokens.data, shape, 3);
    }
    vl_buf_free(&id);
    vl_buf_free(&tokens);
    if (status == VIOLET_OK && n_here != n)
        status = vl_err(VIOLET_EFORMAT, "%s: damaged after %zu of %zu records", path, n_here, n);
    if (status == VIOLET_OK && r->at != r->map.n)
        status = vl_err(VIOLET_EFORMAT, "%s: %zu bytes too many behind its %zu records", path,
                        r->map.n - r->at, n);
    return status;
}

violet_status vq_write_pickle(vq_counts *out, const char *pkl, const char *records, size_t n)
{
    vq_reader r;
    vl_pickle_writer *w = NULL;
    *out = (vq_counts){0};
    violet_status status = vq_reader_open(&r, records);
    if (status == VIOLET_OK) status = vl_pickle_create(&w, pkl);
    if (status == VIOLET_OK) status = put_records(w, out, &r, records, n);
    if (status == VIOLET_OK)
        status = vl_pickle_finish(w);
    else
        vl_pickle_abandon(w);
    vq_reader_close(&r);
    return status;
}

/* ---- shards ---------------------------------------------------------------------------------- */

/* *whole is the first shard's header without its shard; the others' must be the same. */
static violet_status check_header(json_t **whole, json_t *header, const char *path,
                                  const vl_vq_options *o, int i)
{
    char shard[20];
    snprintf(shard, sizeof shard, "%d/%d", i, o->merge);
    const char *found = json_string_value(json_object_get(header, "shard"));
    if (!found || strcmp(found, shard) != 0)
        return vl_err(VIOLET_EFORMAT, "%s: expected shard %s, found %.40s", path, shard,
                      found ? found : "none");
    json_object_del(header, "shard");
    if (*whole) {
        vq_names one;
        violet_status status = vq_name(&one, o, &(vl_shard){1, o->merge});
        if (status == VIOLET_OK) status = vl_manifest_alike(*whole, one.shard, header, path);
        vq_names_release(&one);
        return status;
    }
    *whole = json_incref(header);
    return VIOLET_OK;
}

static violet_status put_shard(vl_pickle_writer *w, vq_counts *c, json_t **whole,
                               const vl_vq_options *o, int i)
{
    vq_names names;
    vq_reader r = {0};
    size_t first, end;
    const vl_shard shard = {i, o->merge};
    violet_status status = vq_name(&names, o, &shard);
    if (status == VIOLET_OK && !vl_file_exists(names.shard) && vl_file_exists(names.partial))
        status = vl_err(VIOLET_EINVAL, "%s: this shard is not finished", names.partial);
    if (status == VIOLET_OK) status = vq_reader_open(&r, names.shard);
    if (status == VIOLET_OK && !r.header)
        status = vl_err(VIOLET_EFORMAT, "%s: no header", names.shard);
    if (status == VIOLET_OK) status = check_header(whole, r.header, names.shard, o, i);
    if (status == VIOLET_OK) {
        json_int_t n = json_integer_value(json_object_get(*whole, "records"));
        vl_shard_range(&first, &end, &shard, n > 0 ? (size_t)n : 0);
        status = put_records(w, c, &r, names.shard, end - first);
    }
    vq_reader_close(&r);
    vq_names_release(&names);
    return status;
}

violet_status vq_merge(const vl_vq_options *o, const violet_hooks *hooks)
{
    vq_names names;
    vq_counts c = {0};
    json_t *whole = NULL;
    vl_pickle_writer *w = NULL;
    vl_progress progress;
    violet_status status = vq_name(&names, o, &(vl_shard){1, 1});
    if (status == VIOLET_OK && vl_file_exists(names.pkl) && !o->restart)
        status = vl_err(VIOLET_EINVAL, "%s is there: --restart replaces it", names.pkl);
    if (status == VIOLET_OK) status = vl_pickle_create(&w, names.pkl);
    vl_progress_start(&progress, hooks, "shards", 0, (uint64_t)o->merge);
    for (int i = 1; i <= o->merge && status == VIOLET_OK; i++) {
        status = put_shard(w, &c, &whole, o, i);
        vl_progress_item(&progress, (uint64_t)i, 0);
        if (status == VIOLET_OK && vl_stopped(hooks)) status = vl_interrupted("extract-vq");
    }
    if (status == VIOLET_OK) status = vq_any_good(&c, names.pkl);
    if (status == VIOLET_OK)
        status = vl_pickle_finish(w);
    else
        vl_pickle_abandon(w);
    if (status == VIOLET_OK)
        vl_tell(hooks, VIOLET_EVENT_MESSAGE, "%s: %zu record%s with %zu frame%s, %zu skipped",
                names.pkl, c.n - c.n_bad, c.n - c.n_bad == 1 ? "" : "s", c.n_frames,
                c.n_frames == 1 ? "" : "s", c.n_bad);
    json_decref(whole);
    vq_names_release(&names);
    return status;
}
