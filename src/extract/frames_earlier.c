/* Finished runs of extract-frames: is all there, and what of it can be taken over?
 *
 * --retry writes a new run, in the order of the list: what an earlier one has of a video is copied,
 * both its lines; the videos that failed are decoded. So it can be stopped and gone on with as any
 * run, and the finished one is replaced at the end. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "extract/frames_internal.h"
#include "extract/tsv.h"

/* ---- is all there? --------------------------------------------------------------------------- */

/* n lines, the last of them whole. */
static violet_status check_lines(vl_tsv *t, size_t n)
{
    if (vl_tsv_n(t) != n)
        return vl_err(VIOLET_EFORMAT, "%s: %zu lines, its manifest has %zu good videos",
                      vl_tsv_path(t), vl_tsv_n(t), n);
    vl_tsv_row *row = malloc(sizeof *row);
    if (!row) return vl_err_nomem();
    violet_status status = n ? vl_tsv_read(row, t, n - 1) : VIOLET_OK;
    free(row);
    return status;
}

static violet_status write_index(const frames *f, const vl_tsv *t)
{
    vl_out out;
    char line[32];
    violet_status status = vl_out_open(&out, f->names.index);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < vl_tsv_n(t) && status == VIOLET_OK; i++) {
        int n = snprintf(line, sizeof line, "%td\n", vl_tsv_id(t, i).s - vl_tsv_id(t, 0).s);
        status = vl_out_write(&out, line, (size_t)n);
    }
    if (status == VIOLET_OK) return vl_out_commit(&out);
    vl_out_abandon(&out);
    return status;
}

/* From the lines alone. */
static violet_status remake_index(const frames *f)
{
    vl_map map;
    vl_tsv *t = NULL;
    violet_status status = vl_map_open(&map, f->names.tsv);
    if (status != VIOLET_OK) return status;
    status = vl_tsv_parse(&t, map.data, map.n, NULL, 0, false, f->names.tsv);
    if (status == VIOLET_OK) status = check_lines(t, f->n_ok);
    if (status == VIOLET_EFORMAT) {
        char why[1024];
        snprintf(why, sizeof why, "%s", violet_error());
        status = vl_err(status, "%.800s; --restart begins anew", why);
    }
    if (status == VIOLET_OK) status = write_index(f, t);
    if (status == VIOLET_OK)
        vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "%s was missing or damaged: made from the .tsv",
                f->names.index);
    vl_tsv_close(t);
    vl_map_close(&map);
    return status;
}

static violet_status check_tsv(const frames *f)
{
    vl_tsv *t = NULL;
    bool fits = vl_file_exists(f->names.index) && vl_tsv_open(&t, f->names.tsv) == VIOLET_OK &&
                check_lines(t, f->n_ok) == VIOLET_OK;
    vl_tsv_close(t);
    return fits ? VIOLET_OK : remake_index(f);
}

static violet_status read_manifest(frames *f)
{
    vl_manifest m;
    const char *path = f->names.manifest;
    const vl_video_list *list = f->list.n ? &f->list : NULL;
    violet_status status = vl_manifest_read(&m, path, list, f->first, f->end, SIZE_MAX);
    if (status != VIOLET_OK) return status;
    if (!m.header)
        status = vl_err(VIOLET_EFORMAT, "%s: no manifest; --restart begins anew", path);
    else
        status = vl_manifest_same(f->header, m.header, path);
    if (status == VIOLET_OK && m.n != f->end - f->first)
        status = vl_err(VIOLET_EFORMAT, "%s: damaged after %zu video%s; --restart begins anew",
                        path, m.n, m.n == 1 ? "" : "s");
    f->next = f->first + m.n;
    f->n_ok = m.n_ok;
    f->n_bad = m.n - m.n_ok;
    f->progress.first = m.n; /* no rate */
    vl_manifest_release(&m);
    return status;
}

static bool is_newer(const char *a, const char *b)
{
    struct stat x, y;
    if (stat(a, &x) != 0 || stat(b, &y) != 0) return false;
    return x.st_mtim.tv_sec != y.st_mtim.tv_sec ? x.st_mtim.tv_sec > y.st_mtim.tv_sec
                                                : x.st_mtim.tv_nsec > y.st_mtim.tv_nsec;
}

violet_status frames_check_finished(frames *f)
{
    const frames_names *n = &f->names;
    violet_status status = read_manifest(f);
    if (status != VIOLET_OK) return status;
    bool tsv = vl_file_exists(n->tsv), pkl = vl_file_exists(n->pkl);
    if (!tsv && pkl && f->o->pkl == VL_FRAMES_PKL_ONLY && !f->o->retry) return VIOLET_OK;
    if (!tsv && pkl)
        return vl_err(VIOLET_EIO, "%s is not there: the run was --pkl only; violet extract-tsv "
                      "--path %s makes it", n->tsv, n->pkl);
    if (!tsv)
        return vl_err(VIOLET_EIO, "%s is there, but %s is not; --restart begins anew", n->manifest,
                      n->tsv);
    status = check_tsv(f);
    if (status == VIOLET_OK && !f->o->retry && f->o->pkl != VL_FRAMES_PKL_NONE &&
        (!pkl || is_newer(n->tsv, n->pkl)))
        status = vl_extract_pickle(n->tsv, n->pkl, f->hooks);
    return status;
}

/* ---- taking over ----------------------------------------------------------------------------- */

static violet_status find_entries(frames_earlier *e, const frames *f)
{
    const char *s = (const char *)e->manifest.data, *end = s + e->manifest.n, *newline;
    size_t n = f->end - f->first, line = 0, i = 0;
    if (!(e->entry = calloc(n + 1, sizeof *e->entry))) return vl_err_nomem();
    newline = memchr(s, '\n', (size_t)(end - s));
    for (const char *at = newline ? newline + 1 : end; i < n && at < end; at = newline + 1, i++) {
        bool ok;
        newline = memchr(at, '\n', (size_t)(end - at));
        size_t length = newline ? (size_t)(newline + 1 - at) : 0;
        if (!newline || !vl_manifest_is_entry(&ok, at, length, &f->list.file[f->first + i])) break;
        e->n_bad += !ok;
        e->entry[i] = (struct frames_entry){(size_t)(at - s), length, ok ? ++line : 0};
    }
    if (i == n && line == vl_tsv_n(e->t)) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s does not fit %s; --restart begins anew", f->names.manifest,
                  f->names.tsv);
}

violet_status frames_earlier_open(frames *f)
{
    frames_earlier *e = &f->earlier;
    if (f->next == f->end || !vl_file_exists(f->names.manifest)) return VIOLET_OK;
    violet_status status = vl_tsv_open(&e->t, f->names.tsv);
    if (status == VIOLET_OK) status = vl_map_open(&e->manifest, f->names.manifest);
    return status == VIOLET_OK ? find_entries(e, f) : status;
}

void frames_earlier_close(frames *f)
{
    vl_tsv_close(f->earlier.t);
    vl_map_close(&f->earlier.manifest);
    free(f->earlier.entry);
    f->earlier = (frames_earlier){0};
}

bool frames_has_earlier(const frames *f, size_t i)
{
    return f->earlier.entry && f->earlier.entry[i - f->first].line;
}

violet_status frames_take_over(frames *f)
{
    frames_earlier *e = &f->earlier;
    const struct frames_entry *from = &e->entry[f->next - f->first];
    const char *id = f->list.file[f->next].id;
    violet_status status = vl_tsv_read(&e->row, e->t, from->line - 1);
    if (status != VIOLET_OK) return status;
    if (e->row.id.n != strlen(id) || memcmp(e->row.id.s, id, e->row.id.n) != 0)
        return vl_err(VIOLET_EFORMAT, "%s line %zu: expected the video '%.200s'; --restart begins "
                      "anew", f->names.tsv, from->line, id);
    status = vl_tsv_put(f->w, id, e->row.id.n, e->row.frame, e->row.n_frames);
    vl_tsv_forget(e->t, from->line - 1);
    if (status != VIOLET_OK) return status;
    return vl_buf_append(&f->line, (const char *)e->manifest.data + from->at, from->n);
}
