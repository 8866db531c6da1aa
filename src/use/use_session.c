/* Sessions, encoded videos and encoded texts; see use.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/status.h"
#include "data/item_text.h"
#include "model/scorer.h"
#include "use/use.h"


/* ---- sessions -------------------------------------------------------------------------------- */

violet_status violet_session_new(violet_session **out, const violet_model *m, int threads)
{
    *out = NULL;
    violet_session *s = calloc(1, sizeof *s);
    if (!s) return vl_err_nomem();
    s->of = m;
    violet_status status = vl_tape_open(&s->tape, &s->device, vl_backend_fast(),
                                        threads > 0 ? threads : m->threads);
    if (status == VIOLET_OK)
        *out = s;
    else
        violet_session_free(s);
    return status;
}

void violet_session_free(violet_session *s)
{
    if (!s) return;
    vl_swin_plans_release(&s->plans);
    if (s->tape.backend) vl_tape_release(&s->tape);
    if (s->device) vl_backend_fast()->close(s->device);
    vl_buf_free(&s->notes);
    vl_buf_free(&s->work);
    free(s);
}

const char *violet_session_notes(const violet_session *s)
{
    return s->notes.n ? s->notes.data : "";
}

violet_status vl_use_note(violet_session *s, const char *format, ...)
{
    va_list ap;
    violet_status status = s->notes.n ? vl_buf_putc(&s->notes, '\n') : VIOLET_OK;
    va_start(ap, format);
    if (status == VIOLET_OK) status = vl_buf_vprintf(&s->notes, format, ap);
    va_end(ap);
    return status;
}

violet_status vl_use_features(vl_features **out, const violet_model *m, const char *kind, int n,
                              int rows)
{
    const vl_features_key key = {.kind = kind, .n = n, .rows = rows, .cols = m->m.config.hidden,
                                 .dtype = VL_DT_F32};
    return vl_features_open(out, NULL, &key);
}

/* ---- videos ---------------------------------------------------------------------------------- */

/* Frames on their way into the image. */
typedef struct frames {
    const violet_model *of;
    uint8_t *image; /* (T,3,S,S) */
    vl_buf jpeg;
} frames;

static violet_status put_frame(const frames *f, int i, const vl_picture *p)
{
    size_t S = (size_t)f->of->size_img;
    return vl_picture_square(f->image + (size_t)i * 3 * S * S, (int)S, p,
                             f->of->compat ? VL_PAD_COMPAT : VL_PAD_EXACT);
}

/* As published: by way of the JPEG that stands in an extracted file. */
static violet_status give_frame(void *user, int i, const vl_picture *p)
{
    frames *f = user;
    vl_picture again = {0, 0, NULL};
    if (!f->of->compat) return put_frame(f, i, p);
    vl_buf_clear(&f->jpeg);
    violet_status status = vl_jpeg_encode(&f->jpeg, p, VL_PUBLISHED_QUALITY);
    if (status == VIOLET_OK) status = vl_jpeg_decode(&again, f->jpeg.data, f->jpeg.n);
    if (status == VIOLET_OK) status = put_frame(f, i, &again);
    vl_picture_release(&again);
    return status;
}

static violet_status take_frames(uint8_t *image, violet_video *v, violet_session *s,
                                 const char *path)
{
    const violet_model *m = s->of;
    const vl_video_pick pick = {.n_samples = m->size_frame,
                                .fast = m->fast_video,
                                .shape = m->shape};
    frames f = {m, image, {0}};
    vl_video_result *r = calloc(1, sizeof *r);
    if (!r) return vl_err_nomem();
    double start = vl_now();
    violet_status status = vl_video_sample(r, path, &pick, give_frame, &f);
    if (status == VIOLET_OK && r->note[0]) status = vl_use_note(s, "%s: %s", path, r->note);
    v->facts = (violet_video_facts){.n_frames = r->n_frames,
                                    .width = r->width,
                                    .height = r->height,
                                    .n_taken = m->size_frame,
                                    .decode_seconds = vl_now() - start};
    for (int i = 0; i < m->size_frame; i++) v->facts.taken[i] = r->index[i];
    vl_buf_free(&f.jpeg);
    free(r);
    return status;
}

int vl_use_video_rows(const violet_model *m)
{
    int side = m->size_img / 32;
    return m->size_frame * (1 + side * side);
}

static violet_status encode_frames(violet_video *v, violet_session *s, const uint8_t *image)
{
    const vl_model *m = &s->of->m;
    const int S = s->of->size_img, T = s->of->size_frame, first = 0;
    double start = vl_now(), ready;
    violet_status status = vl_use_ready(s->of);
    if (status != VIOLET_OK) return status;
    v->facts.wait_seconds = (ready = vl_now()) - start;
    const vl_swin_plan *plan = vl_swin_plans_get(&s->plans, &m->config.video, 1, T, S, S);
    if (!plan) return VIOLET_ENOMEM;
    status = vl_use_features(&v->x, s->of, "video", 1, vl_use_video_rows(s->of));
    if (status == VIOLET_OK) status = vl_encode_videos(v->x, &first, &s->tape, m, plan, image);
    v->facts.encode_seconds = vl_now() - ready;
    return status;
}

violet_status violet_video_encode(violet_video **out, violet_session *s, const char *path)
{
    size_t S = (size_t)s->of->size_img;
    *out = NULL;
    vl_buf_clear(&s->notes);
    violet_video *v = calloc(1, sizeof *v);
    uint8_t *image = malloc((size_t)s->of->size_frame * 3 * S * S);
    violet_status status = v && image ? VIOLET_OK : vl_err_nomem();
    if (v) v->of = s->of;
    if (status == VIOLET_OK) status = take_frames(image, v, s, path);
    if (status == VIOLET_OK) {
        status = encode_frames(v, s, image);
        if (status == VIOLET_EFORMAT) vl_err_at(status, "%s", path); /* values that overflow */
    }
    free(image);
    if (status == VIOLET_OK)
        *out = v;
    else
        violet_video_free(v);
    return status;
}

violet_status vl_use_video(violet_video **out, const violet_model *m, const real *x, int rows)
{
    *out = NULL;
    violet_video *v = calloc(1, sizeof *v);
    if (!v) return vl_err_nomem();
    v->of = m;
    v->facts.n_taken = m->size_frame;
    violet_status status = vl_use_features(&v->x, m, "video", 1, rows);
    if (status == VIOLET_OK) status = vl_features_put(v->x, 0, x, rows);
    if (status == VIOLET_OK)
        *out = v;
    else
        violet_video_free(v);
    return status;
}

void violet_video_free(violet_video *v)
{
    if (!v) return;
    vl_features_close(v->x);
    free(v);
}

void violet_video_describe(violet_video_facts *out, const violet_video *v)
{
    *out = v->facts;
}

/* ---- texts ----------------------------------------------------------------------------------- */

violet_status vl_use_sentences(int *ids, violet_session *s, const char *what,
                               const char *const *text, int n)
{
    const int X = s->of->size_txt;
    const vl_item_coder coder = {.wordpiece = s->of->wordpiece, .size_txt = X};
    for (int i = 0; i < n; i++) {
        const vl_item item = {.text = text[i]};
        vl_item_facts facts;
        int n_text;
        violet_status status = vl_item_encode_one(ids + (size_t)i * (size_t)X, &n_text, &facts,
                                                  &coder, VL_TASK_RETRIEVAL, 1, &item, &s->work);
        if (status == VIOLET_OK && n_text <= 2)
            return vl_err(VIOLET_EINVAL, "%s %d has no word: '%.60s'", what, i + 1, text[i]);
        if (status == VIOLET_OK && facts.shortened)
            status = vl_use_note(s, "%s %d was shortened: the model reads %d word pieces, this is "
                                    "longer: '%.40s...'", what, i + 1, X - 2, text[i]);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

violet_status vl_use_encode(vl_features **out, violet_session *s, const int *ids, const int *at,
                            int n)
{
    const int X = s->of->size_txt;
    *out = NULL;
    violet_status status = vl_use_ready(s->of);
    if (status != VIOLET_OK) return status;
    int *item = malloc((size_t)n * sizeof *item);
    status = item ? vl_use_features(out, s->of, "text", n, X) : vl_err_nomem();
    for (int i = 0; status == VIOLET_OK && i < n; i++) item[i] = i;
    if (status == VIOLET_OK)
        status = vl_encode_texts_at(*out, item, &s->tape, &s->of->m, ids, NULL, at, n, X);
    free(item);
    if (status == VIOLET_OK) return status;
    vl_features_close(*out);
    *out = NULL;
    return status;
}
