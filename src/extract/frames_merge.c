/* Shards into one: OUTPUT.1-of-n to OUTPUT.n-of-n become what a run without shards writes.
 *
 * First every manifest is read: all shards are there, finished, and of one run. Then lines are
 * taken over one by one, each checked against its index. A merge that fails leaves nothing; killed,
 * it leaves what a run without shards might have left, and the next merge starts anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "extract/frames_internal.h"
#include "extract/tsv.h"

typedef struct merge {
    frames f; /* of the whole: names, counts, header, writer, progress */
    int n;
    size_t *n_ok; /* (n) good videos of each shard */
    vl_tsv_row row;
} merge;

static violet_status shard_names(frames_names *out, const merge *m, int i)
{
    return frames_name(out, m->f.o, &(vl_shard){i, m->n});
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* The header of shard i fits: the first one decides what the whole is. */
static violet_status check_header(merge *m, json_t *header, int i, const char *path)
{
    char shard[20];
    snprintf(shard, sizeof shard, "%d/%d", i, m->n);
    const char *found = json_string_value(json_object_get(header, "shard"));
    if (!found || strcmp(found, shard) != 0)
        return vl_err(VIOLET_EINVAL, "%s: expected shard %s, found %.40s", path, shard,
                      found ? found : "none");
    json_object_del(header, "shard");
    if (m->f.header) {
        frames_names one;
        violet_status status = shard_names(&one, m, 1);
        if (status == VIOLET_OK)
            status = vl_manifest_alike(m->f.header, one.manifest, header, path);
        frames_names_release(&one);
        return status;
    }
    m->f.header = json_incref(header);
    json_int_t n = json_integer_value(json_object_get(header, "videos"));
    if (n < 1) return vl_err(VIOLET_EFORMAT, "%s: expected a number of videos", path);
    m->f.end = (size_t)n;
    return VIOLET_OK;
}

static violet_status check_shard(merge *m, int i)
{
    vl_manifest found = {0};
    frames_names names;
    size_t first, end;
    violet_status status = shard_names(&names, m, i);
    if (status == VIOLET_OK)
        status = vl_manifest_read(&found, names.manifest, NULL, 0, SIZE_MAX, SIZE_MAX);
    if (status != VIOLET_OK) {
        if (names.partial && vl_file_exists(names.partial))
            status = vl_err(VIOLET_EINVAL, "%s: this shard is not finished", names.partial);
        goto done;
    }
    status = found.header ? check_header(m, found.header, i, names.manifest)
                          : vl_err(VIOLET_EFORMAT, "%s: no manifest", names.manifest);
    if (status != VIOLET_OK) goto done;
    vl_shard_range(&first, &end, &(vl_shard){i, m->n}, m->f.end);
    if (found.n != end - first)
        status = vl_err(VIOLET_EFORMAT, "%s: %zu video%s, expected %zu", names.manifest,
                        found.n, found.n == 1 ? "" : "s", end - first);
    m->n_ok[i - 1] = found.n_ok;
    m->f.n_ok += found.n_ok;
    m->f.n_bad += found.n - found.n_ok;
done:
    vl_manifest_release(&found);
    frames_names_release(&names);
    return status;
}

/* ---- joining --------------------------------------------------------------------------------- */

static violet_status join_lines(merge *m, vl_tsv *t, size_t expected)
{
    if (vl_tsv_n(t) != expected)
        return vl_err(VIOLET_EFORMAT, "%s: %zu lines, its manifest has %zu good videos",
                      vl_tsv_path(t), vl_tsv_n(t), expected);
    for (size_t k = 0; k < expected; k++) {
        violet_status status = vl_tsv_read(&m->row, t, k);
        if (status == VIOLET_OK)
            status = vl_tsv_put(m->f.w, m->row.id.s, m->row.id.n, m->row.frame, m->row.n_frames);
        if (status != VIOLET_OK) return status;
        vl_tsv_forget(t, k);
        if (vl_stopped(m->f.hooks)) return vl_interrupted("extract-frames");
        vl_progress_item(&m->f.progress, vl_tsv_put_n(m->f.w), 0);
    }
    return VIOLET_OK;
}

/* All lines but the first. */
static violet_status join_manifest(frames *whole, const char *path)
{
    violet_status status = VIOLET_OK;
    char *line = NULL;
    size_t cap = 0, number = 0;
    FILE *f = fopen(path, "rbe");
    if (!f) return vl_err_errno("open '%s'", path);
    for (ssize_t n; status == VIOLET_OK && (n = getline(&line, &cap, f)) > 0;)
        if (number++) status = frames_append(whole, line, (size_t)n);
    if (status == VIOLET_OK && ferror(f)) status = vl_err_errno("read '%s'", path);
    free(line);
    fclose(f);
    return status;
}

static violet_status join_shard(merge *m, int i)
{
    frames_names names;
    vl_tsv *t = NULL;
    violet_status status = shard_names(&names, m, i);
    if (status == VIOLET_OK) status = vl_tsv_open(&t, names.tsv);
    if (status == VIOLET_OK) status = join_lines(m, t, m->n_ok[i - 1]);
    if (status == VIOLET_OK) status = join_manifest(&m->f, names.manifest);
    vl_tsv_close(t);
    frames_names_release(&names);
    return status;
}

/* The whole is there: from the same shards? */
static violet_status merged_before(frames *f)
{
    size_t n_ok = f->n_ok;
    violet_status status = frames_check_finished(f);
    if (status == VIOLET_OK && f->n_ok != n_ok)
        status = vl_err(VIOLET_EINVAL, "%s: of shards with frames of %zu in all, now it is %zu; "
                        "--restart joins them anew", f->names.manifest, f->n_ok, n_ok);
    return status == VIOLET_OK ? frames_end(f, "merged before: ") : status;
}

static violet_status join(merge *m)
{
    frames *f = &m->f;
    violet_status status = frames_begin(f, true);
    if (status != VIOLET_OK) return status;
    vl_progress_start(&f->progress, f->hooks, "videos", 0, f->n_ok);
    for (int i = 1; i <= m->n && status == VIOLET_OK; i++) status = join_shard(m, i);
    f->next = f->end;
    if (status == VIOLET_OK) return frames_finish(f);
    vl_tsv_abandon(f->w); /* nobody could go on with it */
    f->w = NULL;
    unlink(f->names.partial);
    return status;
}

static violet_status run(merge *m)
{
    frames *f = &m->f;
    violet_status status = frames_name(&f->names, f->o, &(vl_shard){1, 1});
    if (status == VIOLET_OK && !(m->n_ok = calloc((size_t)m->n, sizeof *m->n_ok)))
        status = vl_err_nomem();
    for (int i = 1; i <= m->n && status == VIOLET_OK; i++) status = check_shard(m, i);
    if (status != VIOLET_OK) return status;
    if (!f->o->restart && vl_file_exists(f->names.manifest)) return merged_before(f);
    status = join(m);
    return status == VIOLET_OK ? frames_end(f, "merged: ") : status;
}

violet_status frames_merge(const vl_frames_options *o, const violet_hooks *hooks)
{
    merge *m = calloc(1, sizeof *m);
    if (!m) return vl_err_nomem();
    m->f = (frames){.o = o, .hooks = hooks, .fd = -1};
    m->n = o->merge;
    violet_status status = run(m);
    vl_tsv_suspend(m->f.w);
    if (m->f.fd >= 0) close(m->f.fd);
    json_decref(m->f.header);
    frames_names_release(&m->f.names);
    vl_buf_free(&m->f.line);
    free(m->n_ok);
    free(m);
    return status;
}
