/* Lines of JSON about videos; see manifest.h. */
#include "extract/manifest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

#define VERSION 1

/* ---- the first line -------------------------------------------------------------------------- */

/* FNV-1a over names and ids with their closing 0. */
static uint64_t hash_of(const vl_video_list *l)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < l->n; i++)
        for (int k = 0; k < 2; k++) {
            const char *s = k ? l->file[i].id : l->file[i].name;
            do h = (h ^ (uint8_t)*s) * 0x100000001b3u;
            while (*s++);
        }
    return h;
}

json_t *vl_manifest_header(const vl_frames_options *o, const vl_video_list *l, const vl_shard *s)
{
    char hash[20], shard[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, hash_of(l));
    snprintf(shard, sizeof shard, "%d/%d", s->i, s->n);
    json_t *h = json_pack("{ss si si si si sb ss sI ss}", "violet", "extract-frames", "version",
                          VERSION, "sample", o->sample, "quality", o->quality, "max_side",
                          o->max_side, "fast", (int)o->fast, "shape",
                          vl_shape_name((vl_shape)o->shape),
                          "videos", (json_int_t)l->n, "list", hash);
    if (h && s->n > 1 && json_object_set_new(h, "shard", json_string(shard))) {
        json_decref(h);
        return NULL;
    }
    return h;
}

/* The first key that is not the same, NULL if all are; "" if `found` has other keys besides. */
static const char *first_other(const json_t *mine, const json_t *found)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)mine, key, value)
        if (!json_equal(value, json_object_get(found, key))) return key;
    return json_object_size(mine) == json_object_size(found) ? NULL : "";
}

static char *dump(const json_t *value)
{
    return value ? json_dumps(value, JSON_ENCODE_ANY) : strdup("missing");
}

violet_status vl_manifest_same(const json_t *mine, const json_t *found, const char *path)
{
    const char *key = first_other(mine, found);
    if (!key) return VIOLET_OK;
    if (!*key)
        return vl_err(VIOLET_EINVAL, "%s: of another kind of run; --restart begins anew", path);
    if (strcmp(key, "list") == 0)
        return vl_err(VIOLET_EINVAL, "%s: begun with other videos than there are now; --restart "
                      "begins anew", path);
    char *a = dump(json_object_get(found, key)), *b = dump(json_object_get(mine, key));
    violet_status status =
        vl_err(VIOLET_EINVAL, "%s: begun with %s %s, now it is %s; --restart begins anew", path,
               key, a ? a : "?", b ? b : "?");
    free(a);
    free(b);
    return status;
}

violet_status vl_manifest_alike(const json_t *first, const char *first_path, const json_t *found,
                                const char *path)
{
    const char *key = first_other(first, found);
    if (!key) return VIOLET_OK;
    if (!*key) return vl_err(VIOLET_EINVAL, "%s: of another kind of run than %s", path, first_path);
    if (strcmp(key, "list") == 0)
        return vl_err(VIOLET_EINVAL, "%s: of other videos than %s", path, first_path);
    char *a = dump(json_object_get(found, key)), *b = dump(json_object_get(first, key));
    violet_status status = vl_err(VIOLET_EINVAL, "%s: %s %s, but %s has %s", path, key,
                                  a ? a : "?", first_path, b ? b : "?");
    free(a);
    free(b);
    return status;
}

/* ---- entries --------------------------------------------------------------------------------- */

violet_status vl_manifest_line(vl_buf *out, const json_t *object)
{
    char *text = json_dumps(object, JSON_REAL_PRECISION(9));
    if (!text) return vl_err_nomem();
    violet_status status = vl_buf_printf(out, "%s\n", text);
    free(text);
    return status;
}

/* Text of any bytes as a string, since JSON holds nothing but UTF-8. */
static int put_text(json_t *o, const char *key, const char *s)
{
    vl_buf b = {0};
    int bad = vl_escape(&b, s, strlen(s)) != VIOLET_OK ||
              json_object_set_new(o, key, json_string(b.n ? b.data : ""));
    vl_buf_free(&b);
    return bad;
}

static int put_int(json_t *o, const char *key, int64_t x)
{
    return json_object_set_new(o, key, json_integer((json_int_t)x));
}

static int put_indices(json_t *o, const int64_t *index, int n)
{
    json_t *list = json_array();
    int bad = !list;
    for (int i = 0; i < n; i++)
        bad |= json_array_append_new(list, json_integer((json_int_t)index[i]));
    return json_object_set_new(o, "indices", list) || bad;
}

/* What the container says, as far as it does. */
static int put_info(json_t *o, const vl_video_info *v)
{
    int bad = 0;
    if (v->seconds > 0 && isfinite(v->seconds))
        bad |= json_object_set_new(o, "seconds", json_real(v->seconds));
    if (v->codec[0]) bad |= put_text(o, "codec", v->codec);
    if (v->container[0]) bad |= put_text(o, "container", v->container);
    return bad;
}

static int put_result(json_t *o, const vl_video_result *r, int n_samples)
{
    char note[256];
    bool repeats = r->n_frames < n_samples; /* with n = S they are 0 .. S - 1 */
    int bad = put_int(o, "frames", r->n_frames);
    bad |= json_object_set_new(o, "counted", json_boolean(r->counted));
    bad |= put_indices(o, r->index, n_samples);
    bad |= put_int(o, "width", r->width);
    bad |= put_int(o, "height", r->height);
    bad |= put_int(o, "rotation", r->rotation);
    bad |= put_info(o, &r->info);
    snprintf(note, sizeof note, "%s%s%s",
             repeats ? "fewer frames than samples: indices repeat" : "",
             repeats && r->note[0] ? "; " : "", r->note);
    return note[0] ? bad | put_text(o, "note", note) : bad;
}

/* Messages begin with the path, or with open 'PATH'; the line has it already. */
static const char *without_path(const char *error, const char *path)
{
    size_t n = strlen(path);
    if (strncmp(error, path, n) == 0 && strncmp(error + n, ": ", 2) == 0) return error + n + 2;
    if (strncmp(error, "open '", 6) == 0 && strncmp(error + 6, path, n) == 0 &&
        strncmp(error + 6 + n, "': ", 3) == 0)
        return error + 6 + n + 3;
    return error;
}

violet_status vl_manifest_entry(vl_buf *out, const vl_video_entry *f, const vl_video_result *r,
                                int n_samples, violet_status status, const char *error)
{
    json_t *o = json_object();
    error = without_path(error, f->path);
    int bad = put_text(o, "id", f->id) | put_text(o, "path", f->name);
    bad |= put_text(o, "status", status == VIOLET_OK ? "ok" : "failed");
    if (status == VIOLET_OK)
        bad |= put_result(o, r, n_samples);
    else
        bad |= put_text(o, "error", error) | put_info(o, &r->info);
    status = bad ? vl_err_nomem() : vl_manifest_line(out, o);
    json_decref(o);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

void vl_manifest_release(vl_manifest *m)
{
    json_decref(m->header);
    memset(m, 0, sizeof *m);
}

bool vl_manifest_is_entry(bool *ok, const char *line, size_t n, const vl_video_entry *f)
{
    json_t *o = json_loadb(line, n, 0, NULL);
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *what = json_string_value(json_object_get(o, "status"));
    bool is = id && what && (!f || strcmp(id, f->id) == 0);
    *ok = is && strcmp(what, "ok") == 0;
    is &= *ok || (what && strcmp(what, "failed") == 0);
    json_decref(o);
    return is;
}

violet_status vl_manifest_read(vl_manifest *out, const char *path, const vl_video_list *l,
                               size_t first, size_t end, size_t most_ok)
{
    violet_status status = VIOLET_OK;
    char *line = NULL;
    size_t cap = 0;
    *out = (vl_manifest){0};
    FILE *f = fopen(path, "rbe");
    if (!f) return vl_err_errno("open '%s'", path);
    for (ssize_t n; (n = getline(&line, &cap, f)) > 0;) {
        bool ok = false;
        if (line[n - 1] != '\n') break; /* cut off */
        if (!out->header) {
            out->header = json_loadb(line, (size_t)n, 0, NULL);
            if (!json_is_object(out->header)) break;
        } else {
            size_t i = first + out->n;
            const vl_video_entry *file = l && i < end ? &l->file[i] : NULL;
            if (i >= end || !vl_manifest_is_entry(&ok, line, (size_t)n, file)) break;
            if (out->n_ok + ok > most_ok) break;
            out->n++;
            out->n_ok += ok;
        }
        out->bytes += (uint64_t)n;
    }
    if (ferror(f)) status = vl_err_errno("read '%s'", path);
    if (out->header && !json_is_object(out->header)) {
        json_decref(out->header);
        out->header = NULL;
        out->bytes = 0;
    }
    free(line);
    fclose(f);
    if (status != VIOLET_OK) vl_manifest_release(out);
    return status;
}
