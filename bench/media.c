/* Our extraction as a process to measure, the counterpart of bench/peer/media.py: a command a line
 * on stdin, a JSON line on stdout for each (lines.h). One thread.
 *
 *     frames    {"clips": [path, ...], "sample": 5, "fast": false, "jpeg": true}: the frames of
 *               every clip by the published rule, as base64 JPEGs or as RGB in memory
 *     pictures  {"files": [X.tsv, ...]}: keeps the JPEGs of these files in memory
 *     square    {"size": 224}: decodes, pads and resizes all of them
 *     make      {"path": X.mp4, "width": 320, "height": 240, "fps": 25, "frames": 30000}
 *
 * "show": true adds what a driver compares: "seen", of each frame the means of 4 x 4 parts and 3
 * channels; of each picture a sum over all bytes. */
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/status.h"
#include "clip.h"
#include "file/tsv.h"
#include "lines.h"
#include "media/picture.h"
#include "media/video.h"

typedef struct jpeg {
    uint8_t *bytes;
    size_t n;
} jpeg;

typedef struct server {
    jpeg *picture;
    size_t n_pictures;
} server;

/* ---- frames of clips ------------------------------------------------------------------------- */

/* One clip's frames, as extract-frames keeps them (text) or as decord gives them (rgb). */
typedef struct kept {
    int as_jpeg;
    json_t *seen; /* NULL: do not look */
    vl_buf jpeg, text, rgb;
} kept;

static void look(json_t *seen, const vl_picture *p)
{
    json_t *means = json_array();
    for (int part = 0; part < 16; part++) {
        int x0 = part % 4 * p->width / 4, x1 = (part % 4 + 1) * p->width / 4;
        int y0 = part / 4 * p->height / 4, y1 = (part / 4 + 1) * p->height / 4;
        double sum[3] = {0};
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++)
                for (int c = 0; c < 3; c++) sum[c] += p->rgb[3 * ((long)y * p->width + x) + c];
        for (int c = 0; c < 3; c++)
            json_array_append_new(means, json_real(sum[c] / ((double)(y1 - y0) * (x1 - x0))));
    }
    json_array_append_new(seen, means);
}

static violet_status look_at_jpeg(json_t *seen, const vl_buf *bytes)
{
    vl_picture p;
    violet_status status = vl_jpeg_decode(&p, bytes->data, bytes->n);
    if (status == VIOLET_OK) look(seen, &p);
    vl_picture_release(&p);
    return status;
}

static violet_status keep(void *user, int i, const vl_picture *p)
{
    kept *k = user;
    violet_status status;
    (void)i;
    if (!k->as_jpeg) {
        if (k->seen) look(k->seen, p);
        return vl_buf_append(&k->rgb, p->rgb, 3 * (size_t)p->width * (size_t)p->height);
    }
    vl_buf_clear(&k->jpeg);
    if ((status = vl_jpeg_encode(&k->jpeg, p, 75)) != VIOLET_OK) return status;
    size_t n = vl_base64_encoded(k->jpeg.n);
    if ((status = vl_buf_reserve(&k->text, n)) != VIOLET_OK) return status;
    vl_base64_encode(k->text.data + k->text.n, (const uint8_t *)k->jpeg.data, k->jpeg.n);
    k->text.n += n;
    return k->seen ? look_at_jpeg(k->seen, &k->jpeg) : VIOLET_OK;
}

static json_t *describe(const vl_video_result *r, int n_samples, double seconds, double cpu)
{
    json_t *index = json_array();
    for (int i = 0; i < n_samples; i++) json_array_append_new(index, json_integer(r->index[i]));
    return json_pack("{sI, so, si, si, sf, sf}", "frames", (json_int_t)r->n_frames, "index", index,
                     "width", r->width, "height", r->height, "seconds", seconds, "cpu", cpu);
}

static violet_status frames(void *state, const json_t *given, json_t *answer)
{
    (void)state;
    kept k = {.as_jpeg = json_is_true(json_object_get(given, "jpeg"))};
    vl_video_pick pick = {
        .n_samples = (int)json_integer_value(json_object_get(given, "sample")),
        .fast = json_is_true(json_object_get(given, "fast")),
        .shape = VL_SHAPE_STORED, /* as PyAV and decord give them */
    };
    json_t *clips = json_array(), *path, *seen = json_array();
    size_t i;
    violet_status status = VIOLET_OK;
    if (json_is_true(json_object_get(given, "show"))) k.seen = seen;
    double start = vl_now(), cpu = bench_cpu();
    json_array_foreach(json_object_get(given, "clips"), i, path)
    {
        vl_video_result r;
        double clip_start = vl_now(), clip_cpu = bench_cpu();
        vl_buf_clear(&k.text);
        vl_buf_clear(&k.rgb);
        status = vl_video_sample(&r, json_string_value(path), &pick, keep, &k);
        if (status != VIOLET_OK) goto done;
        json_array_append_new(
            clips, describe(&r, pick.n_samples, vl_now() - clip_start, bench_cpu() - clip_cpu));
    }
    bench_put(answer, "seconds", json_real(vl_now() - start));
    bench_put(answer, "cpu", json_real(bench_cpu() - cpu));
    bench_put(answer, "clips", json_incref(clips));
    if (k.seen) bench_put(answer, "seen", json_incref(seen));
done:
    json_decref(clips);
    json_decref(seen);
    vl_buf_free(&k.jpeg);
    vl_buf_free(&k.text);
    vl_buf_free(&k.rgb);
    return status;
}

/* ---- pictures -------------------------------------------------------------------------------- */

static void forget_pictures(server *s)
{
    for (size_t i = 0; i < s->n_pictures; i++) free(s->picture[i].bytes);
    free(s->picture);
    *s = (server){0};
}

static violet_status add_picture(server *s, vl_slice text)
{
    jpeg *more = realloc(s->picture, (s->n_pictures + 1) * sizeof *more);
    if (!more) return vl_err_nomem();
    s->picture = more;
    jpeg *j = &more[s->n_pictures];
    j->bytes = malloc(vl_base64_decoded_most(text.n) + 1);
    if (!j->bytes) return vl_err_nomem();
    s->n_pictures++;
    return vl_base64_decode(j->bytes, &j->n, text.s, text.n);
}

static violet_status add_file(server *s, const char *path)
{
    vl_tsv *t;
    violet_status status = vl_tsv_open(&t, path);
    if (status != VIOLET_OK) return status;
    for (size_t i = 0; i < vl_tsv_n(t) && status == VIOLET_OK; i++) {
        vl_tsv_row row;
        status = vl_tsv_read(&row, t, i);
        for (int f = 0; status == VIOLET_OK && f < row.n_frames; f++)
            status = add_picture(s, row.frame[f]);
    }
    vl_tsv_close(t);
    return status;
}

static violet_status pictures(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    json_t *path;
    size_t i;
    violet_status status = VIOLET_OK;
    forget_pictures(s);
    json_array_foreach(json_object_get(given, "files"), i, path)
    {
        status = add_file(s, json_string_value(path));
        if (status != VIOLET_OK) return status;
    }
    bench_put(answer, "pictures", json_integer((json_int_t)s->n_pictures));
    return status;
}

static violet_status square(void *state, const json_t *given, json_t *answer)
{
    const server *s = state;
    int size = (int)json_integer_value(json_object_get(given, "size"));
    int show = json_is_true(json_object_get(given, "show"));
    if (size < 1 || size > 4096) return vl_err(VIOLET_EINVAL, "square: no such size");
    violet_status status = VIOLET_OK;
    size_t n = 3 * (size_t)size * (size_t)size;
    json_t *seen = json_array();
    uint8_t *out = malloc(n);
    if (!out) status = vl_err_nomem();
    double start = vl_now(), cpu = bench_cpu(), decoding = 0;
    for (size_t i = 0; i < s->n_pictures && status == VIOLET_OK; i++) {
        vl_picture p;
        double before = vl_now();
        status = vl_jpeg_decode(&p, s->picture[i].bytes, s->picture[i].n);
        decoding += vl_now() - before;
        if (status == VIOLET_OK) status = vl_picture_square(out, size, &p, VL_PAD_COMPAT);
        vl_picture_release(&p);
        if (status != VIOLET_OK || !show) continue;
        json_int_t sum = 0;
        for (size_t k = 0; k < n; k++) sum += out[k] * (json_int_t)(k % 251 + 1);
        json_array_append_new(seen, json_integer(sum));
    }
    bench_put(answer, "seconds", json_real(vl_now() - start));
    bench_put(answer, "cpu", json_real(bench_cpu() - cpu));
    bench_put(answer, "parts", json_pack("{sf}", "decode", decoding));
    bench_put(answer, "seen", seen);
    free(out);
    return status;
}

/* ---- clips to make --------------------------------------------------------------------------- */

static violet_status make(void *state, const json_t *given, json_t *answer)
{
    const char *path;
    int width = 320, height = 240, fps = 25, n_frames;
    json_error_t error;
    (void)state;
    (void)answer;
    if (json_unpack_ex((json_t *)given, &error, JSON_STRICT, "{ss, s?i, s?i, s?i, si}", "path",
                       &path, "width", &width, "height", &height, "fps", &fps, "frames",
                       &n_frames) != 0)
        return vl_err(VIOLET_EINVAL, "make: %s", error.text);
    return bench_clip_make(path, width, height, fps, n_frames);
}

static const bench_command commands[] = {
    {"frames", frames}, {"pictures", pictures}, {"square", square}, {"make", make}};

int main(void)
{
    server s = {0};
    av_log_set_level(AV_LOG_ERROR);
    int code = bench_lines(commands, sizeof commands / sizeof *commands, &s);
    forget_pictures(&s);
    return code;
}
