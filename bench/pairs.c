/* Our program as a process that scores pairs of videos and texts, the counterpart of
 * bench/peer/pairs.py: a command a line on stdin, a JSON line on stdout for each (lines.h).
 *
 *     setup   {"preset": "tiny", "frames": 5, "size_img": 224, "size_txt": 25, "videos": 100,
 *              "lengths": [11, 8, ...]}
 *               preset: violet1, tiny, or an object of sizes; lengths: positions of each text,
 *               [CLS] and [SEP] among them; also "threads" (2), "seed" (0), "block" (0: chosen),
 *               "dtype" ("F32", "BF16": how encoded items are kept)
 *     encode  {"first": 0, "n": 4}: those videos and, with the first of them, all texts
 *     repeat  {"n": 4}: the others become copies of the first n videos, which cost as much to score
 *     score   {"video": [0, ...], "text": [5, ...]}: the scores of those pairs
 *     lengths {"file": "txt_X.json", "n": 100, "size_txt": 25}: of the first captions of its test
 *               and validation splits, by WordPiece
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "lines.h"
#include "made.h"
#include "model/scorer.h"
#include "text/wordpiece.h"

enum { ENCODE_AT_ONCE = 1 }; /* videos: more is no faster, and takes more memory */

typedef struct server {
    int ready, frames, size_img, X, n_videos, n_texts, block, threads;
    uint64_t seed;
    vl_config config;
    vl_dtype dtype;
    vl_model model;
    vl_device *device;
    vl_tape tape;
    vl_swin_plans plans;
    vl_features *videos, *texts;
    vl_scorer *scorer;
    uint8_t *image;
    int *ids; /* (n_texts, X) */
} server;

static void release(server *s)
{
    vl_scorer_close(s->scorer);
    vl_features_close(s->videos);
    vl_features_close(s->texts);
    vl_swin_plans_release(&s->plans);
    vl_tape_release(&s->tape);
    if (s->device) vl_backend_fast()->close(s->device);
    vl_model_release(&s->model);
    free(s->image);
    free(s->ids);
    memset(s, 0, sizeof *s);
}

/* ---- setup ----------------------------------------------------------------------------------- */

static violet_status read_options(server *s, const json_t *given, const json_t **lengths)
{
    json_t *preset = NULL, *list = NULL;
    json_error_t error;
    json_int_t seed = 0;
    const char *dtype = "F32";
    s->frames = 5, s->size_img = 224, s->X = 25, s->n_videos = 100, s->threads = 2;
    if (json_unpack_ex((json_t *)given, &error, JSON_STRICT,
                       "{s?o, s?i, s?i, s?i, s?i, s:o, s?i, s?I, s?i, s?s}", "preset", &preset,
                       "frames", &s->frames, "size_img", &s->size_img, "size_txt", &s->X, "videos",
                       &s->n_videos, "lengths", &list, "threads", &s->threads, "seed", &seed,
                       "block", &s->block, "dtype", &dtype) != 0)
        return vl_err(VIOLET_EINVAL, "setup: %s", error.text);
    s->seed = (uint64_t)seed;
    s->dtype = strcmp(dtype, "BF16") == 0 ? VL_DT_BF16 : VL_DT_F32;
    s->n_texts = (int)json_array_size(list);
    *lengths = list;
    if (s->frames < 1 || s->size_img < 32 || s->size_img % 32 || s->X < 3 || s->n_videos < 1 ||
        s->n_texts < 1)
        return vl_err(VIOLET_EINVAL, "setup: no such videos and texts");
    return bench_read_config(&s->config, preset);
}

/* Words by the peer's stream, one text after the other. */
static violet_status draw_texts(server *s, const json_t *lengths)
{
    bench_stream word =
        bench_stream_open("bench.text", s->seed, BENCH_FIRST_WORD, s->config.size_vocab);
    s->ids = calloc((size_t)s->n_texts * (size_t)s->X, sizeof *s->ids);
    if (!s->ids) return vl_err_nomem();
    for (int k = 0; k < s->n_texts; k++) {
        int n = (int)json_integer_value(json_array_get(lengths, (size_t)k));
        int *row = s->ids + (size_t)k * (size_t)s->X;
        if (n < 2 || n > s->X)
            return vl_err(VIOLET_EINVAL, "setup: text %d of %d positions, at most %d", k, n, s->X);
        row[0] = BENCH_CLS;
        for (int i = 1; i < n - 1; i++) row[i] = bench_draw(&word);
        row[n - 1] = BENCH_SEP;
    }
    return VIOLET_OK;
}

static violet_status open_features(server *s)
{
    int side = s->size_img / BENCH_PATCH;
    vl_features_key key = {.kind = "video", .n = s->n_videos, .rows = s->frames * (1 + side * side),
                           .cols = s->config.hidden, .dtype = s->dtype};
    violet_status status = vl_features_open(&s->videos, NULL, &key);
    key.kind = "text", key.n = s->n_texts, key.rows = s->X;
    if (status == VIOLET_OK) status = vl_features_open(&s->texts, NULL, &key);
    return status;
}

static violet_status open_all(server *s, const json_t *lengths)
{
    violet_status status = vl_model_init(&s->model, &s->config, VL_HEAD_MATCH, 0, 0);
    if (status == VIOLET_OK && !(s->device = vl_backend_fast()->open(s->threads)))
        status = VIOLET_ENOMEM;
    if (status == VIOLET_OK) status = vl_tape_init(&s->tape, vl_backend_fast(), s->device, 0);
    if (status == VIOLET_OK) status = draw_texts(s, lengths);
    if (status == VIOLET_OK) status = open_features(s);
    s->image = malloc(ENCODE_AT_ONCE * (size_t)s->frames * 3 * (size_t)s->size_img *
                      (size_t)s->size_img);
    if (status == VIOLET_OK && !s->image) status = vl_err_nomem();
    if (status == VIOLET_OK) {
        vl_scorer_options o = {.block = s->block};
        bench_draw_weights(&s->model.params, s->seed);
        status = vl_scorer_open(&s->scorer, &s->model, &s->tape, s->videos, s->texts, &o);
    }
    return status;
}

static violet_status setup(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    const json_t *lengths = NULL;
    release(s); /* before the new one takes memory */
    violet_status status = read_options(s, given, &lengths);
    if (status == VIOLET_OK) status = open_all(s, lengths);
    if (status != VIOLET_OK) {
        release(s);
        return status;
    }
    s->ready = 1;
    bench_put(answer, "parameters", json_integer((json_int_t)vl_params_count(&s->model.params)));
    bench_put(answer, "threads", json_integer(s->threads));
    bench_put(answer, "violet", json_string(VIOLET_VERSION));
    bench_put(answer, "config", vl_config_save(&s->config));
    return VIOLET_OK;
}

/* ---- work ------------------------------------------------------------------------------------ */

static violet_status not_ready(void)
{
    return vl_err(VIOLET_EINVAL, "no setup yet");
}

/* The noise of one video, and what is encoded of it; the time is that of encoding. */
static violet_status encode_video(server *s, int video, double *seconds)
{
    size_t n = (size_t)s->frames * 3 * (size_t)s->size_img * (size_t)s->size_img;
    char name[40];
    snprintf(name, sizeof name, "bench.image.%d", video);
    bench_stream pixel = bench_stream_open(name, s->seed, 0, 256);
    for (size_t i = 0; i < n; i++) s->image[i] = (uint8_t)bench_draw(&pixel);
    double start = vl_now();
    const vl_swin_plan *plan = vl_swin_plans_get(&s->plans, &s->config.video, ENCODE_AT_ONCE,
                                                 s->frames, s->size_img, s->size_img);
    if (!plan) return VIOLET_ENOMEM;
    violet_status status =
        vl_encode_videos(s->videos, &video, &s->tape, &s->model, plan, s->image);
    *seconds += vl_now() - start;
    return status;
}

static violet_status encode_texts(server *s, double *seconds)
{
    int *item = malloc((size_t)s->n_texts * sizeof *item);
    if (!item) return vl_err_nomem();
    for (int i = 0; i < s->n_texts; i++) item[i] = i;
    double start = vl_now();
    violet_status status = vl_encode_texts(s->texts, item, &s->tape, &s->model, s->ids, NULL,
                                           s->n_texts, s->X);
    *seconds += vl_now() - start;
    free(item);
    return status;
}

static violet_status encode(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    if (!s->ready) return not_ready();
    int first = (int)json_integer_value(json_object_get(given, "first")),
        n = (int)json_integer_value(json_object_get(given, "n"));
    double seconds = 0, texts = 0;
    if (first < 0 || n < 1 || first + n > s->n_videos)
        return vl_err(VIOLET_EINVAL, "encode: videos %d to %d of %d", first, first + n - 1,
                      s->n_videos);
    violet_status status = first == 0 ? encode_texts(s, &texts) : VIOLET_OK;
    for (int i = first; i < first + n && status == VIOLET_OK; i++)
        status = encode_video(s, i, &seconds);
    if (status != VIOLET_OK) return status;
    bench_put(answer, "seconds", json_real(seconds + texts));
    bench_put(answer, "parts", json_pack("{sf, sf}", "videos", seconds, "texts", texts));
    return VIOLET_OK;
}

static violet_status repeat(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    int n = (int)json_integer_value(json_object_get(given, "n"));
    (void)answer;
    if (!s->ready) return not_ready();
    const vl_features_key *key = vl_features_key_of(s->videos);
    real *x = malloc((size_t)key->rows * (size_t)key->cols * sizeof *x);
    violet_status status = x ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK && (n < 1 || vl_features_done(s->videos) < n))
        status = vl_err(VIOLET_EINVAL, "repeat: %d videos", n);
    for (int i = n; i < s->n_videos && status == VIOLET_OK; i++) {
        vl_features_get(x, s->videos, i % n);
        status = vl_features_put(s->videos, i, x, vl_features_rows(s->videos, i % n));
    }
    free(x);
    return status;
}

static int *numbers(const json_t *given, const char *key, size_t *n)
{
    const json_t *list = json_object_get(given, key);
    *n = json_array_size(list);
    int *x = malloc((*n + 1) * sizeof *x);
    for (size_t i = 0; x && i < *n; i++)
        x[i] = (int)json_integer_value(json_array_get(list, i));
    return x;
}

static violet_status score(void *state, const json_t *given, json_t *answer)
{
    server *s = state;
    if (!s->ready) return not_ready();
    size_t n, m;
    int *video = numbers(given, "video", &n), *text = numbers(given, "text", &m);
    real *y = malloc((n + 1) * sizeof *y);
    violet_status status = video && text && y ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK && n != m)
        status = vl_err(VIOLET_EINVAL, "score: %zu videos, %zu texts", n, m);
    double start = vl_now(), cpu = bench_cpu();
    if (status == VIOLET_OK) status = vl_scorer_score(s->scorer, y, video, text, (int)n);
    if (status == VIOLET_OK) {
        json_t *list = json_array();
        bench_put(answer, "seconds", json_real(vl_now() - start));
        bench_put(answer, "cpu", json_real(bench_cpu() - cpu));
        for (size_t i = 0; i < n; i++) json_array_append_new(list, json_real((double)y[i]));
        bench_put(answer, "score", list);
    }
    free(video);
    free(text);
    free(y);
    return status;
}

/* ---- lengths of real captions ---------------------------------------------------------------- */

static violet_status lengths(void *state, const json_t *given, json_t *answer)
{
    static const char *const splits[] = {"test", "val"};
    vl_wordpiece *wp;
    json_error_t error;
    const char *file = NULL;
    int n = 100, X = 25;
    (void)state;
    if (json_unpack_ex((json_t *)given, &error, JSON_STRICT, "{s:s, s?i, s?i}", "file", &file, "n",
                       &n, "size_txt", &X) != 0)
        return vl_err(VIOLET_EINVAL, "lengths: %s", error.text);
    if (X < 2 || X > 512) return vl_err(VIOLET_EINVAL, "lengths: %d text positions", X);
    json_t *all = json_load_file(file, 0, &error), *list = json_array();
    bench_put(answer, "lengths", list);
    if (!all) return vl_err(VIOLET_EFORMAT, "%s: %s", file, error.text);
    violet_status status = vl_wordpiece_open(&wp, NULL);
    for (int k = 0; k < 2 && status == VIOLET_OK; k++) {
        const json_t *item, *split = json_object_get(all, splits[k]);
        size_t i;
        json_array_foreach(split, i, item)
        {
            int32_t ids[512];
            const char *caption = json_string_value(json_object_get(item, "caption"));
            if (caption && (int)json_array_size(list) < n)
                json_array_append_new(list,
                                      json_integer(vl_wordpiece_encode(wp, ids, X, caption, NULL)));
        }
    }
    if (status == VIOLET_OK) vl_wordpiece_free(wp);
    json_decref(all);
    return status;
}

static const bench_command commands[] = {
    {"setup", setup}, {"encode", encode}, {"repeat", repeat}, {"score", score},
    {"lengths", lengths}};

int main(void)
{
    server s = {0};
    int code = bench_lines(commands, sizeof commands / sizeof *commands, &s);
    release(&s);
    return code;
}
