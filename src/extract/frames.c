/* A run of extract-frames: begun or gone on with, written in order, finished; see frames.h.
 *
 * A video's line goes to the .tsv, then to the index, then to the manifest. Whenever a process
 * ends, what is whole in all three counts: the manifest is cut to as many good videos as the .tsv
 * has lines, the .tsv to as many as the manifest knows. At the end the .tsv and its index are
 * renamed, the .pkl is made of them, and the manifest is renamed last. */
#include "extract/frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "extract/frames_internal.h"
#include "extract/output.h"
#include "extract/tsv.h"

#define SYNC_SECONDS 10

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Without --output: the path's last part without an ending. */
static violet_status put_stem(vl_buf *out, const vl_frames_options *o)
{
    const char *s = o->output ? o->output : o->path ? o->path : "";
    size_t n = strlen(s);
    if (o->output && n > 4 && strcmp(s + n - 4, ".tsv") == 0) n -= 4;
    if (!o->output) {
        while (n > 1 && s[n - 1] == '/') n--;
        const char *slash = n ? memrchr(s, '/', n) : NULL;
        if (slash) n -= (size_t)(slash + 1 - s), s = slash + 1;
        const char *dot = n && !is_folder(o->path) ? memrchr(s, '.', n) : NULL;
        if (dot && dot > s) n = (size_t)(dot - s);
    }
    if (o->output) {
        violet_status status = vl_output_stem("extract-frames", s, n);
        if (status != VIOLET_OK) return status;
    }
    if (!n || strncmp(s, ".", n) == 0 || strncmp(s, "..", n) == 0)
        return vl_err(VIOLET_EINVAL, "extract-frames: --output is missing");
    return vl_buf_append(out, s, n);
}

violet_status frames_name(frames_names *out, const vl_frames_options *o, const vl_shard *s)
{
    vl_buf b = {0};
    *out = (frames_names){0};
    violet_status status = put_stem(&b, o);
    if (status == VIOLET_OK && s->n > 1) status = vl_buf_printf(&b, ".%d-of-%d", s->i, s->n);
    if (status == VIOLET_OK) {
        *out = (frames_names){.tsv = vl_output_name(b.data, ".tsv"),
                              .index = vl_output_name(b.data, ".lineidx"),
                              .pkl = vl_output_name(b.data, ".pkl"),
                              .manifest = vl_output_name(b.data, ".manifest.jsonl"),
                              .partial = vl_output_name(b.data, ".manifest.jsonl.partial")};
        if (!out->tsv || !out->index || !out->pkl || !out->manifest || !out->partial)
            status = vl_err_nomem();
    }
    vl_buf_free(&b);
    return status;
}

void frames_names_release(frames_names *n)
{
    free(n->tsv);
    free(n->index);
    free(n->pkl);
    free(n->manifest);
    free(n->partial);
}

/* None of the outputs, whole or partial, is what is read. */
static violet_status check_apart(const frames *f)
{
    enum { N = 5 };
    const frames_names *n = &f->names;
    const char *const whole[N] = {n->tsv, n->index, n->pkl, n->manifest, n->partial};
    char *outputs[2 * N] = {0};
    violet_status status = VIOLET_OK;
    for (int i = 0; i < 2 * N; i++)
        if (!(outputs[i] = vl_output_name(whole[i / 2], i % 2 ? ".partial" : "")))
            status = vl_err_nomem();
    const char *const *const all = (const char *const *)outputs;
    if (status == VIOLET_OK) status = vl_output_apart(all, 2 * N, f->o->path);
    if (status == VIOLET_OK) status = vl_output_apart_list(all, 2 * N, &f->list);
    for (int i = 0; i < 2 * N; i++) free(outputs[i]);
    return status;
}

/* ---- the manifest ---------------------------------------------------------------------------- */

violet_status frames_append(frames *f, const char *line, size_t n_line)
{
    return vl_fd_append(f->fd, &f->bytes, line, n_line, f->names.partial);
}

static violet_status sync_all(frames *f)
{
    violet_status status = vl_tsv_flush(f->w);
    if (status == VIOLET_OK) status = vl_fd_sync(f->fd, f->names.partial);
    f->synced = vl_now();
    return status;
}

static violet_status open_manifest(frames *f)
{
    f->fd = open(f->names.partial, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (f->fd < 0) return vl_err_errno("create '%s'", f->names.partial);
    return vl_fd_lock(f->fd, f->names.partial);
}

/* ---- beginning and going on ------------------------------------------------------------------ */

/* Files in the way that no manifest tells of. */
static violet_status refuse_existing(const frames *f)
{
    const char *there = NULL;
    if (f->o->pkl != VL_FRAMES_PKL_NONE && vl_file_exists(f->names.pkl)) there = f->names.pkl;
    if (vl_file_exists(f->names.index)) there = f->names.index;
    if (vl_file_exists(f->names.tsv)) there = f->names.tsv;
    if (!there) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "%s is there, and no manifest that tells what it is: choose "
                  "another --output, or --restart replaces it", there);
}

/* known: what lies there is a run's that would write the same. */
static violet_status begin(frames *f, bool known)
{
    bool may = f->o->restart || known || (f->o->retry && vl_file_exists(f->names.manifest));
    violet_status status = may ? VIOLET_OK : refuse_existing(f);
    if (status == VIOLET_OK) status = vl_tsv_create(&f->w, f->names.tsv, false);
    if (status == VIOLET_OK && ftruncate(f->fd, 0) != 0)
        status = vl_err_errno("truncate '%s'", f->names.partial);
    vl_buf_clear(&f->line);
    if (status == VIOLET_OK) status = vl_manifest_line(&f->line, f->header);
    return status == VIOLET_OK ? frames_append(f, f->line.data, f->line.n) : status;
}

/* Cuts manifest and lines to what is in both. */
static violet_status go_on(frames *f, vl_manifest *m)
{
    violet_status status = vl_tsv_create(&f->w, f->names.tsv, true);
    if (status != VIOLET_OK) return status;
    size_t n = vl_tsv_put_n(f->w);
    if (n < m->n_ok) {
        vl_manifest_release(m);
        status = vl_manifest_read(m, f->names.partial, &f->list, f->first, f->end, n);
    }
    if (status == VIOLET_OK) status = vl_tsv_cut(f->w, m->n_ok);
    if (status == VIOLET_OK && ftruncate(f->fd, (off_t)m->bytes) != 0)
        status = vl_err_errno("truncate '%s'", f->names.partial);
    f->bytes = m->bytes;
    f->next = f->first + m->n;
    f->n_ok = m->n_ok;
    f->n_bad = m->n - m->n_ok;
    return status;
}

violet_status frames_begin(frames *f, bool anew)
{
    vl_manifest m;
    const vl_video_list *list = f->list.n ? &f->list : NULL;
    violet_status status = open_manifest(f);
    if (status == VIOLET_OK)
        status = vl_manifest_read(&m, f->names.partial, list, f->first, f->end, SIZE_MAX);
    if (status != VIOLET_OK) return status;
    if (m.header && !f->o->restart)
        status = vl_manifest_same(f->header, m.header, f->names.partial);
    if (status == VIOLET_OK) status = m.header && !anew ? go_on(f, &m) : begin(f, m.header != NULL);
    vl_manifest_release(&m);
    f->synced = vl_now();
    return status;
}

/* ---- videos ---------------------------------------------------------------------------------- */

static violet_status put_frames(frames *f, const vl_video_entry *file, const frames_video *v)
{
    vl_slice frame[VL_VIDEO_SAMPLES_MOST];
    size_t at = 0;
    for (int i = 0; i < v->n; i++) {
        frame[i] = (vl_slice){v->text.data + at, v->n_bytes[i]};
        at += v->n_bytes[i];
    }
    return vl_tsv_put(f->w, file->id, strlen(file->id), frame, v->n);
}

/* Makes the line of the video that is next. */
static violet_status put_video(frames *f, const frames_video *v)
{
    const vl_video_entry *file = &f->list.file[f->next];
    vl_buf_clear(&f->line);
    if (v->taken) return frames_take_over(f);
    violet_status status = v->status == VIOLET_OK ? put_frames(f, file, v) : VIOLET_OK;
    if (status != VIOLET_OK) return status;
    return vl_manifest_entry(&f->line, file, &v->result, f->o->sample, v->status, v->error);
}

static void warn(const frames *f, const frames_video *v)
{
    if (f->n_bad <= FRAMES_WARNINGS_TOLD)
        vl_tell(f->hooks, VIOLET_EVENT_WARNING, "%s", v->error);
    if (f->n_bad == FRAMES_WARNINGS_TOLD)
        vl_tell(f->hooks, VIOLET_EVENT_WARNING, "further failures stand in the manifest alone");
}

violet_status frames_put(frames *f, const frames_video *v)
{
    violet_status status = put_video(f, v);
    if (status == VIOLET_OK) status = frames_append(f, f->line.data, f->line.n);
    if (status != VIOLET_OK) return status;
    f->next++;
    if (v->status == VIOLET_OK) {
        f->n_ok++;
    } else {
        f->n_bad++;
        warn(f, v);
    }
    vl_progress_item(&f->progress, f->next - f->first, f->n_bad);
    return vl_now() - f->synced > SYNC_SECONDS ? sync_all(f) : VIOLET_OK;
}

/* ---- the end --------------------------------------------------------------------------------- */

violet_status frames_end(const frames *f, const char *how)
{
    double rate = vl_progress_rate(&f->progress, f->next - f->first);
    vl_buf b = {0};
    size_t n = f->n_ok + f->n_bad;
    violet_status status = vl_buf_printf(&b, "%s%zu video%s: %zu with frames, %zu failed", how, n,
                                         n == 1 ? "" : "s", f->n_ok, f->n_bad);
    if (status == VIOLET_OK && f->n_bad)
        status = vl_buf_printf(&b, " (%s tells why%s)", f->names.manifest,
                               *how ? "; --retry tries them again" : "");
    if (status == VIOLET_OK && rate > 0)
        status = vl_buf_printf(&b, "; %.3g videos/s, peak memory %.0f MB", rate,
                               1e-6 * (double)vl_memory_peak());
    if (status == VIOLET_OK) vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "%s", b.data);
    vl_buf_free(&b);
    if (status == VIOLET_OK && f->n_ok == 0 && f->n_bad)
        status = vl_err(VIOLET_EFORMAT, "none of %zu video%s gave frames; %s tells why", f->n_bad,
                        f->n_bad == 1 ? "" : "s", f->names.manifest);
    return status;
}

/* A run without a good video, over a finished one: that stays. */
static violet_status give_up(frames *f)
{
    vl_tsv_abandon(f->w);
    f->w = NULL;
    unlink(f->names.partial);
    return vl_err(VIOLET_EFORMAT, "none of %zu video%s gave frames; %s stays as it was", f->n_bad,
                  f->n_bad == 1 ? "" : "s", f->names.tsv);
}

/* The .tsv goes only once all else is in place: until then an interrupted finish needs it. */
violet_status frames_finish(frames *f)
{
    if (!f->n_ok && f->n_bad && vl_file_exists(f->names.manifest)) return give_up(f);
    violet_status status = sync_all(f);
    if (status != VIOLET_OK) return status;
    status = vl_tsv_finish(f->w);
    f->w = NULL;
    if (status == VIOLET_OK && f->o->pkl != VL_FRAMES_PKL_NONE)
        status = vl_extract_pickle(f->names.tsv, f->names.pkl, f->hooks);
    if (status == VIOLET_OK && rename(f->names.partial, f->names.manifest) != 0)
        status = vl_err_errno("rename to '%s'", f->names.manifest);
    if (status == VIOLET_OK && f->o->pkl == VL_FRAMES_PKL_ONLY) {
        unlink(f->names.tsv);
        unlink(f->names.index);
    }
    if (status == VIOLET_OK && f->o->pkl == VL_FRAMES_PKL_NONE && vl_file_exists(f->names.pkl))
        vl_tell(f->hooks, VIOLET_EVENT_WARNING, "%s is not of this run; --pkl also makes it anew",
                f->names.pkl);
    return status;
}

static void tell_beginning(const frames *f)
{
    size_t n = f->end - f->first;
    if (!n)
        vl_tell(f->hooks, VIOLET_EVENT_WARNING, "shard %d/%d has no videos: there are only %zu",
                f->shard.i, f->shard.n, f->list.n);
    vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "%zu video%s, %d frame%s each", n, n == 1 ? "" : "s",
            f->o->sample, f->o->sample == 1 ? "" : "s");
    if (f->list.n_other)
        vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "other files, passed over: %zu", f->list.n_other);
    if (f->list.n_kept)
        vl_tell(f->hooks, VIOLET_EVENT_MESSAGE,
                "ids that keep their ending, because files differ in nothing else: %zu",
                f->list.n_kept);
    if (f->next > f->first)
        vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "going on after %zu of them", f->next - f->first);
    if (f->earlier.entry)
        vl_tell(f->hooks, VIOLET_EVENT_MESSAGE, "trying again those that failed: %zu",
                f->earlier.n_bad);
}

static violet_status run(frames *f)
{
    violet_status status = frames_begin(f, f->o->restart);
    if (status == VIOLET_OK && f->o->retry) status = frames_earlier_open(f);
    if (status == VIOLET_OK) {
        tell_beginning(f);
        vl_progress_start(&f->progress, f->hooks, "videos", f->next - f->first, f->end - f->first);
        status = frames_pool(f);
    }
    if (status == VIOLET_OK) status = frames_finish(f);
    if (status == VIOLET_OK) return frames_end(f, "");
    /* the state is of more use on the disk; its failing would hide why we are here */
    char why[1024];
    snprintf(why, sizeof why, "%s", violet_error());
    if (f->w && sync_all(f) != VIOLET_OK) return vl_err(status, "%s", why);
    return status;
}

static violet_status open_run(frames *f)
{
    violet_status status = vl_shard_parse(&f->shard, f->o->shard);
    if (status == VIOLET_OK) status = frames_name(&f->names, f->o, &f->shard);
    if (status == VIOLET_OK) status = vl_video_list_open(&f->list, f->o->path);
    if (status == VIOLET_OK) status = check_apart(f);
    if (status != VIOLET_OK) return status;
    vl_shard_range(&f->first, &f->end, &f->shard, f->list.n);
    f->next = f->first;
    f->header = vl_manifest_header(f->o, &f->list, &f->shard);
    return f->header ? VIOLET_OK : vl_err_nomem();
}

/* Partial files of this very run. */
static bool is_begun(const frames *f)
{
    vl_manifest m;
    if (!vl_file_exists(f->names.partial) ||
        vl_manifest_read(&m, f->names.partial, NULL, 0, 0, 0) != VIOLET_OK)
        return false;
    bool is = m.header && vl_manifest_same(f->header, m.header, "") == VIOLET_OK;
    vl_manifest_release(&m);
    return is;
}

/* *again: this brought an earlier run to its end; what failed in it is not tried again yet. */
static violet_status run_once(bool *again, const vl_frames_options *o, const violet_hooks *hooks)
{
    frames f = {.o = o, .hooks = hooks, .fd = -1};
    *again = false;
    violet_status status = open_run(&f);
    if (status != VIOLET_OK) goto done;
    bool finished = vl_file_exists(f.names.manifest), begun = is_begun(&f);
    *again = o->retry && begun && !finished;
    if (!finished || begun || o->restart) {
        status = run(&f);
        goto done;
    }
    status = frames_check_finished(&f);
    if (status == VIOLET_OK && o->retry && f.n_bad) {
        f.next = f.first;
        f.n_ok = f.n_bad = 0;
        status = run(&f);
    } else if (status == VIOLET_OK) {
        status = frames_end(&f, "finished before: ");
    }
done:
    vl_tsv_suspend(f.w);
    frames_earlier_close(&f);
    if (f.fd >= 0) close(f.fd);
    json_decref(f.header);
    vl_buf_free(&f.line);
    vl_video_list_release(&f.list);
    frames_names_release(&f.names);
    return status;
}

static violet_status check_options(const vl_frames_options *o)
{
    if (o->merge && o->shard)
        return vl_err(VIOLET_EINVAL, "extract-frames: --shard and --merge exclude each other");
    if (o->retry && (o->restart || o->merge))
        return vl_err(VIOLET_EINVAL, "extract-frames: --retry and --%s exclude each other",
                      o->merge ? "merge" : "restart");
    if (o->shard && o->pkl == VL_FRAMES_PKL_ONLY)
        return vl_err(VIOLET_EINVAL, "extract-frames: --pkl only is for the --merge, which needs "
                      "the .tsv of every shard");
    if (!o->merge && !o->path) return vl_err(VIOLET_EINVAL, "extract-frames: --path is missing");
    return VIOLET_OK;
}

violet_status vl_frames_run(const vl_frames_options *o, const violet_hooks *hooks)
{
    bool again = false;
    violet_status status = check_options(o);
    if (status != VIOLET_OK) return status;
    if (o->merge) return frames_merge(o, hooks);
    status = run_once(&again, o, hooks);
    return status == VIOLET_OK && again ? run_once(&again, o, hooks) : status;
}
