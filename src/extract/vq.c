/* A run of extract-vq; see vq.h. */
#include "extract/vq.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "extract/output.h"
#include "extract/vq_internal.h"
#include "media/video.h"

#define S vl_vq_options
#define VERSION 1
#define IDS_HASHED 1000
#define CODES_MOST 32768 /* of int16 */

const vl_option vl_vq_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Data",
                   "X.tsv, X.pkl, a video, a folder or list of videos; X alone: the first that "
                   "is there"),
    VL_OPTION_PATH(S, output, NULL, "Data", "OUTPUT of OUTPUT.pkl (default: X_vq)"),
    VL_OPTION_PATH(S, dvae, NULL, "Data",
                   "the dVAE: published encoder.pkl, .pt, or .safetensors"),
    VL_OPTION_INT(S, frame, "224", 32, 1024, "Frames",
                  "side of the pictures that the tokens go with: one token for 32 pixels"),
    VL_OPTION_ENUM(S, pad, "compat", "exact|compat", "Frames",
                   "how pictures become squares; compat: a pixel off where the published tool is"),
    VL_OPTION_INT(S, sample, "5", 1, VL_VIDEO_SAMPLES_MOST, "Frames", "frames of a video"),
    VL_OPTION_BOOL(S, fast, "false", "Frames", "find frames of videos by seeking"),
    VL_OPTION_ENUM(S, shape, "upright", VL_SHAPES, "Frames",
                   "of videos; upright: rotated as the video says; square: and stretched to square "
                   "pixels; stored: neither"),
    VL_OPTION_INT(S, jpeg, "75", 0, 100, "Frames",
                  "quality of the JPEG that frames of videos go through, as extract-frames has it; "
                  "0: none"),
    VL_OPTION_INT(S, size_batch, "16", 1, 1024, "Run", "frames in a batch"),
    VL_OPTION_INT(S, threads, "0", 0, 1024, "Run", "of the dVAE; 0: all"),
    VL_OPTION_INT(S, workers, "0", 0, 1024, "Run", "threads that decode ahead; 0: one a core"),
    VL_OPTION_STRING(S, shard, NULL, "Run",
                     "i/n: do only the i-th of n parts of the records, into OUTPUT.i-of-n.vq"),
    VL_OPTION_INT(S, merge, "0", 0, 999999, "Run",
                  "n: join OUTPUT.1-of-n.vq to OUTPUT.n-of-n.vq into OUTPUT.pkl, and nothing else"),
    VL_OPTION_BOOL(S, restart, "false", "Run", "throw away what an earlier run wrote"),
    {0},
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool ends_in(const char *s, size_t n, const char *ending)
{
    size_t k = strlen(ending);
    return n > k && memcmp(s + n - k, ending, k) == 0;
}

static violet_status put_stem(vl_buf *out, const vl_vq_options *o)
{
    const char *s = o->output ? o->output : o->path ? o->path : "";
    size_t n = strlen(s);
    if (o->output && ends_in(s, n, ".pkl")) n -= 4;
    if (!o->output) {
        while (n > 1 && s[n - 1] == '/') n--;
        if (ends_in(s, n, ".tsv") || ends_in(s, n, ".pkl")) n -= 4;
    }
    violet_status status = o->output ? vl_output_stem("extract-vq", s, n) : VIOLET_OK;
    if (status != VIOLET_OK) return status;
    if (!n || s[n - 1] == '/' || s[n - 1] == '.')
        return vl_err(VIOLET_EINVAL, "extract-vq: --output is missing");
    status = vl_buf_append(out, s, n);
    return status == VIOLET_OK && !o->output ? vl_buf_puts(out, "_vq") : status;
}

violet_status vq_name(vq_names *out, const vl_vq_options *o, const vl_shard *s)
{
    vl_buf b = {0};
    *out = (vq_names){0};
    violet_status status = put_stem(&b, o);
    if (status == VIOLET_OK) out->pkl = vl_output_name(b.data, ".pkl");
    if (status == VIOLET_OK && s->n > 1) status = vl_buf_printf(&b, ".%d-of-%d", s->i, s->n);
    if (status == VIOLET_OK) {
        out->shard = vl_output_name(b.data, ".vq");
        out->partial = vl_output_name(b.data, ".vq.partial");
        if (!out->pkl || !out->shard || !out->partial) status = vl_err_nomem();
    }
    vl_buf_free(&b);
    return status;
}

void vq_names_release(vq_names *n)
{
    free(n->pkl);
    free(n->partial);
    free(n->shard);
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* A file is itself; else frames that were extracted go before the videos of a folder, as they do in
 * training. */
static violet_status open_pictures(vq_run *r)
{
    static const char *const endings[] = {"", ".tsv", ".pkl"};
    const vl_vq_options *o = r->o;
    char *path = NULL;
    for (int i = 0; i < 3 && !path; i++) {
        if (!(path = vl_output_name(o->path, endings[i]))) return vl_err_nomem();
        if (is_file(path)) break;
        free(path);
        path = NULL;
    }
    const char *found = path ? path : o->path;
    size_t n = strlen(found);
    const vl_pictures_options p = {.videos = path && !ends_in(found, n, ".tsv") &&
                                             !ends_in(found, n, ".pkl"),
                                   .fast = o->fast,
                                   .shape = (vl_shape)o->shape,
                                   .jpeg = o->jpeg};
    violet_status status = vl_pictures_open(&r->pictures, found, &p);
    free(path);
    return status;
}

/* None of the outputs is what is read. */
static violet_status check_apart(const vq_run *r)
{
    const char *const outputs[] = {r->names.pkl, r->names.partial, r->names.shard};
    violet_status status = vl_output_apart(outputs, 3, vl_pictures_path(r->pictures));
    return status == VIOLET_OK ? vl_output_apart(outputs, 3, r->o->dvae) : status;
}

/* Of ids spread over the records. */
static uint64_t hash_ids(const vl_pictures *p)
{
    uint64_t h = 0xcbf29ce484222325u;
    size_t n = vl_pictures_n(p), n_ids = n < IDS_HASHED ? n : IDS_HASHED;
    for (size_t i = 0; i < n_ids; i++) {
        vl_slice id = vl_pictures_id(p, i * n / n_ids);
        for (size_t k = 0; k < id.n; k++) h = (h ^ (uint8_t)id.s[k]) * 0x100000001b3u;
        h = (h ^ 0xff) * 0x100000001b3u;
    }
    return h;
}

static violet_status make_header(vq_run *r)
{
    const vl_vq_options *o = r->o;
    char dvae[20], list[20], shard[20];
    struct stat st;
    bool videos = vl_pictures_are_videos(r->pictures);
    json_int_t bytes = !videos && stat(vl_pictures_path(r->pictures), &st) == 0 ? st.st_size : 0;
    snprintf(dvae, sizeof dvae, "%016" PRIx64, vl_params_hash(&r->dvae->params));
    snprintf(list, sizeof list, "%016" PRIx64, hash_ids(r->pictures));
    snprintf(shard, sizeof shard, "%d/%d", r->shard.i, r->shard.n);
    r->header = json_pack("{ss si si si ss ss si sI sI ss ss}", "violet", "extract-vq", "version",
                          VERSION, "frame", o->frame, "grid", o->frame / 32, "pad",
                          o->pad == VL_PAD_COMPAT ? "compat" : "exact", "dvae", dvae, "size_batch",
                          o->size_batch, "records", (json_int_t)vl_pictures_n(r->pictures),
                          "bytes", bytes, "list", list, "shard", shard);
    if (r->header && videos &&
        json_object_update_new(r->header, json_pack("{si si sb ss}", "sample", o->sample, "jpeg",
                                                    o->jpeg, "fast", (int)o->fast, "shape",
                                                    vl_shape_name((vl_shape)o->shape))))
        return vl_err_nomem();
    return r->header ? VIOLET_OK : vl_err_nomem();
}

static violet_status open_run(vq_run *r)
{
    const vl_vq_options *o = r->o;
    if (!o->path) return vl_err(VIOLET_EINVAL, "extract-vq: --path is missing");
    if (!o->dvae) return vl_err(VIOLET_EINVAL, "extract-vq: --dvae is missing");
    if (o->frame % 32)
        return vl_err(VIOLET_EINVAL, "extract-vq: --frame %d, expected a multiple of 32", o->frame);
    violet_status status = vl_shard_parse(&r->shard, o->shard);
    if (status == VIOLET_OK) status = vq_name(&r->names, o, &r->shard);
    if (status == VIOLET_OK) status = open_pictures(r);
    if (status == VIOLET_OK) status = check_apart(r);
    if (status == VIOLET_OK) status = vl_dvae_open(&r->dvae, o->dvae, 0);
    if (status != VIOLET_OK) return status;
    if (r->dvae->config.n_code > CODES_MOST)
        return vl_err(VIOLET_EUNSUPPORTED, "%s: %d codes, expected at most %d for int16 tokens",
                      o->dvae, r->dvae->config.n_code, CODES_MOST);
    vl_shard_range(&r->first, &r->end, &r->shard, vl_pictures_n(r->pictures));
    if (!(r->used = calloc((size_t)r->dvae->config.n_code, 1))) return vl_err_nomem();
    return make_header(r);
}

static vl_slice id_of(const void *user, size_t i)
{
    const vq_run *r = user;
    if (r->first + i >= r->end) return (vl_slice){NULL, 0};
    vl_slice id = vl_pictures_id(r->pictures, r->first + i);
    return id.s ? id : (vl_slice){"", 0};
}

/* ---- the end --------------------------------------------------------------------------------- */

static void tell_end(const vq_run *r, const vq_counts *c, const char *path)
{
    size_t n_used = 0;
    double rate = vl_progress_rate(&r->progress, c->n);
    for (int i = 0; i < r->dvae->config.n_code; i++) n_used += r->used[i];
    vl_tell(r->hooks, VIOLET_EVENT_MESSAGE, "%s: %zu record%s with %zu frame%s, %zu skipped",
            path, c->n - c->n_bad, c->n - c->n_bad == 1 ? "" : "s", c->n_frames,
            c->n_frames == 1 ? "" : "s", c->n_bad);
    if (rate > 0)
        vl_tell(r->hooks, VIOLET_EVENT_MESSAGE,
                "%zu of %d codes used; %.3g records/s, peak memory %.0f MB", n_used,
                r->dvae->config.n_code, rate, 1e-6 * (double)vl_memory_peak());
}

static violet_status finish(vq_run *r)
{
    vq_counts c = {r->file.n, r->file.n_bad, r->file.n_frames};
    const char *made = r->shard.n > 1 ? r->names.shard : r->names.pkl;
    violet_status status = vq_file_sync(&r->file);
    if (status == VIOLET_OK && r->shard.n > 1) { /* of which all may be bad: the merge looks */
        if (rename(r->names.partial, made) != 0) status = vl_err_errno("rename to '%s'", made);
    } else if (status == VIOLET_OK) {
        status = vq_any_good(&c, vl_pictures_path(r->pictures));
        if (status != VIOLET_OK) return status;
        status = vq_write_pickle(&c, made, r->names.partial, r->end - r->first);
        if (status == VIOLET_OK && unlink(r->names.partial) != 0)
            status = vl_err_errno("remove '%s'", r->names.partial);
    }
    if (status == VIOLET_OK) tell_end(r, &c, made);
    return status;
}

/* What is there already: nothing (*done false), this very shard (true), or something in the way. */
static violet_status look_around(bool *done, const vq_run *r)
{
    *done = false;
    if (r->o->restart || vl_file_exists(r->names.partial)) return VIOLET_OK;
    if (r->shard.n == 1 && vl_file_exists(r->names.pkl))
        return vl_err(VIOLET_EINVAL,
                      "%s is there: choose another --output, or --restart replaces it",
                      r->names.pkl);
    if (r->shard.n == 1 || !vl_file_exists(r->names.shard)) return VIOLET_OK;
    vq_reader reader;
    violet_status status = vq_reader_open(&reader, r->names.shard);
    if (status == VIOLET_OK && !reader.header)
        status = vl_err(VIOLET_EFORMAT, "%s: no header; --restart begins anew", r->names.shard);
    if (status == VIOLET_OK) status = vl_manifest_same(r->header, reader.header, r->names.shard);
    vq_reader_close(&reader);
    *done = status == VIOLET_OK;
    return status;
}

static violet_status run(vq_run *r)
{
    bool done;
    violet_status status = look_around(&done, r);
    if (status == VIOLET_OK && done)
        vl_tell(r->hooks, VIOLET_EVENT_MESSAGE, "%s: finished before", r->names.shard);
    if (status != VIOLET_OK || done) return status;
    status = vq_file_open(&r->file, r->names.partial, r->header, r->o->restart, id_of, r);
    if (status != VIOLET_OK) return status;
    size_t n = r->end - r->first;
    if (!n)
        vl_tell(r->hooks, VIOLET_EVENT_WARNING, "shard %d/%d has no records: there are only %zu",
                r->shard.i, r->shard.n, vl_pictures_n(r->pictures));
    vl_tell(r->hooks, VIOLET_EVENT_MESSAGE, "%zu record%s, %dx%d tokens a frame, %d codes", n,
            n == 1 ? "" : "s", r->file.h, r->file.h, r->dvae->config.n_code);
    if (r->file.n)
        vl_tell(r->hooks, VIOLET_EVENT_MESSAGE, "going on after %zu of them", r->file.n);
    vl_progress_start(&r->progress, r->hooks, "records", r->file.n, n);
    status = vq_work(r);
    if (status == VIOLET_OK) return finish(r);
    char why[1024]; /* a failing sync would hide it */
    snprintf(why, sizeof why, "%s", violet_error());
    if (vq_file_sync(&r->file) != VIOLET_OK) return vl_err(status, "%s", why);
    return status;
}

violet_status vl_vq_run(const vl_vq_options *o, const violet_hooks *hooks)
{
    if (o->merge && o->shard)
        return vl_err(VIOLET_EINVAL, "extract-vq: --shard and --merge exclude each other");
    if (o->merge) return vq_merge(o, hooks);
    vq_run r = {.o = o, .hooks = hooks, .file = {.fd = -1}};
    violet_status status = open_run(&r);
    if (status == VIOLET_OK) status = run(&r);
    vq_file_close(&r.file);
    json_decref(r.header);
    vl_dvae_close(r.dvae);
    vl_pictures_close(r.pictures);
    vq_names_release(&r.names);
    free(r.used);
    return status;
}
