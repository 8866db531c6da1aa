/* See thumbs.h. A video's pictures are decoded once; where they come again, the page is copied. */
#include "report/thumbs.h"

#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "base/index.h"
#include "base/status.h"
#include "base/str.h"
#include "base/strings.h"
#include "data/names.h"
#include "data/pictures.h"

#define PARTS 64
#define QUALITY 80
#define FRAMES 5 /* of an evaluation whose options leave it open, see data/dataset.h */

/* Where a video's pictures stand in the page. */
typedef struct span {
    size_t at, n;
} span;

struct thumbs {
    const vl_report_options *o;
    const volatile sig_atomic_t *stop;
    vl_pictures *part[PARTS];
    int n_parts, T;
    char missing[1100];
    vl_record record;
    vl_string_index written; /* videos: numbers of spans */
    span *span;
    size_t n, cap;
    vl_strings strings;
};

/* ---- opening --------------------------------------------------------------------------------- */

/* The name of a choice in the args as vl_shape; they are in the same order. */
static vl_shape shape_of(const phase *eval)
{
    const char *shape = phase_text(eval, "shape");
    if (strcmp(shape, "square") == 0) return VL_SHAPE_SQUARE;
    return strcmp(shape, "stored") == 0 ? VL_SHAPE_STORED : VL_SHAPE_UPRIGHT;
}

static violet_status open_part(thumbs *t, const phase *eval, const char *path, bool videos)
{
    const vl_pictures_options o = {.videos = videos,
                                   .fast = true,
                                   .shape = shape_of(eval)};
    violet_status status = vl_pictures_open(&t->part[t->n_parts], path, &o);
    if (status != VIOLET_OK) return status;
    return vl_pictures_index(t->part[t->n_parts++]);
}

static violet_status open_named(thumbs *t, const phase *eval, const char *folder)
{
    const char *name = phase_text(eval, "dataset"), *split = phase_text(eval, "split");
    violet_status status = VIOLET_OK;
    while (t->n_parts < PARTS && status == VIOLET_OK) {
        char path[VL_PATH_BYTES];
        bool whole;
        status = vl_name_pictures(path, &whole, folder, name, *split ? split : "test", t->n_parts);
        if (status == VIOLET_OK && !path[0]) break;
        if (status == VIOLET_OK) status = open_part(t, eval, path, false);
    }
    if (status == VIOLET_OK && !t->n_parts)
        status = vl_err(VIOLET_EIO, "data set '%s' is not in '%s'", name, folder);
    return status;
}

static violet_status open_parts(thumbs *t, const phase *eval)
{
    char path[4096];
    const char *videos = phase_text(eval, "videos"), *data = phase_text(eval, "data");
    if (!eval->args)
        return vl_err(VIOLET_EIO, "eval_args.json, which says where they are, is not there");
    if (phase_file(path, eval, videos)) return open_part(t, eval, path, true);
    if (*videos) return vl_err(VIOLET_EIO, "'%s' is not there", videos);
    if (phase_file(path, eval, data)) return open_named(t, eval, path);
    return vl_err(VIOLET_EIO, "folder '%s' is not there", data);
}

violet_status thumbs_open(thumbs **out, const phase *eval, const vl_report_options *o,
                          const volatile sig_atomic_t *stop)
{
    thumbs *t = *out = calloc(1, sizeof *t);
    if (!t) return vl_err_nomem();
    t->o = o;
    t->record.stop = t->stop = stop;
    t->T = (int)phase_number(eval, "size_frame");
    if (t->T < 1 || t->T > 256) t->T = FRAMES;
    violet_status status = open_parts(t, eval);
    if (status == VIOLET_ENOMEM) return status;
    if (status != VIOLET_OK) snprintf(t->missing, sizeof t->missing, "%s", violet_error());
    return VIOLET_OK;
}

const char *thumbs_missing(const thumbs *t)
{
    return t->missing[0] ? t->missing : NULL;
}

void thumbs_close(thumbs *t)
{
    if (!t) return;
    for (int i = 0; i < PARTS; i++) vl_pictures_close(t->part[i]);
    vl_record_release(&t->record);
    vl_index_free(&t->written);
    vl_strings_release(&t->strings);
    free(t->span);
    free(t);
}

/* ---- one picture ----------------------------------------------------------------------------- */

/* Shrinks it, its longer side to `side`, and makes a JPEG of it: the padding of the square is cut
 * away again. */
static violet_status shrink(vl_buf *jpeg, int *width, int *height, const vl_picture *p, int side)
{
    int longer = p->width > p->height ? p->width : p->height;
    if (side > longer) side = longer;
    *width = (int)((int64_t)p->width * side / longer);
    *height = (int)((int64_t)p->height * side / longer);
    if (*width < 1) *width = 1;
    if (*height < 1) *height = 1;
    size_t plane = (size_t)side * (size_t)side, n = (size_t)*width * (size_t)*height;
    uint8_t *square = malloc(3 * plane), *rgb = malloc(3 * n);
    violet_status status = square && rgb ? VIOLET_OK : vl_err_nomem();
    if (status == VIOLET_OK) status = vl_picture_square(square, side, p, VL_PAD_EXACT);
    int left = (side - *width) / 2, top = (side - *height) / 2;
    for (int y = 0; y < *height && status == VIOLET_OK; y++)
        for (int x = 0; x < *width; x++)
            for (int c = 0; c < 3; c++)
                rgb[3 * ((size_t)y * (size_t)*width + (size_t)x) + (size_t)c] =
                    square[(size_t)c * plane + (size_t)(y + top) * (size_t)side +
                           (size_t)(x + left)];
    const vl_picture small = {*width, *height, rgb};
    if (status == VIOLET_OK) status = vl_jpeg_encode(jpeg, &small, QUALITY);
    free(square);
    free(rgb);
    return status;
}

/* ---- a video --------------------------------------------------------------------------------- */

typedef struct strip {
    html *h;
    const thumbs *t;
    const char *video;
    int T, shown; /* frames that come, and that are wanted */
    int next;     /* of these */
} strip;

static violet_status give(void *user, int i, const vl_picture *picture)
{
    strip *s = user;
    vl_buf jpeg = {0};
    int width, height;
    if (s->next >= s->shown || i != vl_pictures_pick(s->next, s->T, s->shown)) return VIOLET_OK;
    s->next++;
    violet_status status = shrink(&jpeg, &width, &height, picture, s->t->o->thumb);
    if (status == VIOLET_OK) html_image(s->h, "jpeg", jpeg.data, jpeg.n, width, height, s->video);
    vl_buf_free(&jpeg);
    return status == VIOLET_OK ? s->h->status : status;
}

static violet_status decode(html *h, thumbs *t, const char *video)
{
    size_t record = 0;
    int k = 0;
    strip s = {h, t, video, t->T, t->o->frames, 0};
    while (k < t->n_parts && !vl_pictures_find(&record, t->part[k], video, strlen(video))) k++;
    if (k == t->n_parts) return vl_err(VIOLET_EIO, "no pictures of it");
    violet_status status = vl_pictures_look(&t->record, t->part[k], record);
    if (status != VIOLET_OK) return status;
    if (t->record.n_frames && t->record.n_frames < s.T) s.T = t->record.n_frames;
    if (s.shown > s.T) s.shown = s.T;
    html_printf(h, "<div class=\"frames%s\">", s.shown == 1 ? " one" : "");
    status = vl_pictures_decode(&t->record, s.T, give, &s);
    html_put(h, "</div>");
    return status == VIOLET_OK ? h->status : status;
}

/* What is in the page already, once more. */
static void copy(html *h, span s)
{
    if (h->status == VIOLET_OK) h->status = vl_buf_reserve(&h->b, s.n);
    if (h->status == VIOLET_OK) h->status = vl_buf_append(&h->b, h->b.data + s.at, s.n);
}

static violet_status remember(thumbs *t, const char *video, span s)
{
    uint32_t number = (uint32_t)t->n;
    size_t n = strlen(video);
    const char *kept = vl_strings_keep(&t->strings, video, n);
    if (!kept) return vl_err_nomem();
    violet_status status = vl_grow(&t->span, &t->cap, t->n, sizeof *t->span, 32);
    if (status == VIOLET_OK) status = vl_index_add(&t->written, &number, kept, n);
    if (status == VIOLET_OK) t->span[t->n++] = s;
    return status;
}

void thumbs_put(html *h, thumbs *t, const char *video)
{
    uint32_t number;
    size_t at = h->b.n;
    if (h->status != VIOLET_OK || thumbs_missing(t)) return;
    if (vl_index_find(&t->written, &number, video, strlen(video))) {
        copy(h, t->span[number]);
        return;
    }
    violet_status status = decode(h, t, video);
    if (status == VIOLET_ENOMEM || status == VIOLET_EINTERRUPTED) h->status = status;
    if (h->status != VIOLET_OK) return;
    if (status != VIOLET_OK) {
        h->b.data[h->b.n = at] = 0;
        html_put(h, "<div class=\"none\">no picture: ");
        html_text(h, violet_error());
        html_put(h, "</div>");
    }
    if (h->status == VIOLET_OK) h->status = remember(t, video, (span){at, h->b.n - at});
}
