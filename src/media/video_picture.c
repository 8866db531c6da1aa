/* Scale, RGB, rotate; see video_picture.h. */
#include "media/video_picture.h"

#include <libavutil/display.h>
#include <libavutil/mem.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* swscale's vector code writes up to a few registers beyond a line. */
#define SLACK 64

/* As PyAV's to_image: where the size stays, the plain conversion. */
#define FLAGS_SAME SWS_BILINEAR
#define FLAGS_SCALE (SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT)

void vl_painter_release(vl_painter *p)
{
    sws_freeContext(p->sws);
    free(p->rgb);
    *p = (vl_painter){0};
}

/* ---- rotation -------------------------------------------------------------------------------- */

/* One of the eight ways to lay a picture: out(x, y) = in(y, x) if `transpose`, then mirrored. */
typedef struct pose {
    bool transpose, flip_x, flip_y;
} pose;

static bool is_near(int64_t a, int64_t b)
{
    int64_t least = llabs(a) > llabs(b) ? llabs(a) : llabs(b);
    return llabs(a - b) <= least / 16;
}

/* A display matrix maps (p, q) to (a p + c q, b p + d q); {a, b, u, c, d, v, x, y, w}. */
static pose pose_of(vl_painter *painter, const int32_t *m)
{
    int64_t a = m[0], b = m[1], c = m[3], d = m[4];
    pose at = {.transpose = llabs(b) + llabs(c) > llabs(a) + llabs(d)};
    if (a * d == b * c) return (pose){0}; /* no picture would be left */
    if (at.transpose) {
        at.flip_x = c < 0;
        at.flip_y = b < 0;
    } else {
        at.flip_x = a < 0;
        at.flip_y = d < 0;
    }
    int64_t large = at.transpose ? llabs(b) + llabs(c) : llabs(a) + llabs(d);
    int64_t small = at.transpose ? llabs(a) + llabs(d) : llabs(b) + llabs(c);
    if (!is_near(large, large + small)) painter->seen.odd_angle = true;
    return at;
}

static pose find_pose(vl_painter *p, const AVFrame *f)
{
    const AVFrameSideData *own = av_frame_get_side_data(f, AV_FRAME_DATA_DISPLAYMATRIX);
    size_t n = own ? own->size : 0;
    const uint8_t *bytes = own ? own->data
                               : av_stream_get_side_data(p->stream, AV_PKT_DATA_DISPLAYMATRIX, &n);
    int32_t matrix[9];
    pose at = {0};
    if (p->shape != VL_SHAPE_STORED && bytes && n >= sizeof matrix) {
        memcpy(matrix, bytes, sizeof matrix);
        at = pose_of(p, matrix);
    }
    p->seen.mirrored = at.transpose ^ at.flip_x ^ at.flip_y;
    if (at.transpose)
        p->seen.rotation = at.flip_x ? 90 : 270;
    else
        p->seen.rotation = at.flip_y ? 180 : 0;
    return at;
}

static void lay(uint8_t *out, const uint8_t *in, size_t stride, int width, int height, pose at)
{
    for (int y = 0; y < height; y++) {
        int v = at.flip_y ? height - 1 - y : y;
        if (!at.transpose && !at.flip_x) {
            memcpy(out, in + (size_t)v * stride, (size_t)width * 3);
            out += (size_t)width * 3;
            continue;
        }
        for (int x = 0; x < width; x++, out += 3) {
            int u = at.flip_x ? width - 1 - x : x;
            memcpy(out, at.transpose ? in + (size_t)u * stride + (size_t)v * 3
                                     : in + (size_t)v * stride + (size_t)u * 3, 3);
        }
    }
}

/* ---- size ------------------------------------------------------------------------------------ */

static bool fits(double width, double height)
{
    return width <= VL_PICTURE_SIDE_MOST && height <= VL_PICTURE_SIDE_MOST &&
           width * height <= (double)VL_PICTURE_PIXELS_MOST;
}

static void shrink(double *width, double *height, int max_side)
{
    double side = *width > *height ? *width : *height;
    if (max_side < 1 || side <= max_side) return;
    *width *= max_side / side;
    *height *= max_side / side;
}

static int whole(double side)
{
    return side < 1 ? 1 : (int)lrint(side);
}

/* Square pixels: the axis that comes out too short is stretched, the other one stays. */
static void size_of(int *width, int *height, vl_painter *p, const AVFrame *f)
{
    AVRational sar = av_guess_sample_aspect_ratio(NULL, p->stream, (AVFrame *)f);
    double w = f->width, h = f->height;
    p->seen.oblong = sar.num > 0 && sar.den > 0 && sar.num != sar.den &&
                     p->shape != VL_SHAPE_SQUARE;
    if (p->shape == VL_SHAPE_SQUARE && sar.num > 0 && sar.den > 0) {
        double ratio = av_q2d(sar);
        if (ratio > 1)
            w *= ratio;
        else
            h /= ratio;
    }
    shrink(&w, &h, p->max_side);
    if (!fits(w, h) || w * 4096 < h || h * 4096 < w) {
        p->seen.aspect_dropped = true;
        w = f->width, h = f->height;
        shrink(&w, &h, p->max_side);
    }
    *width = whole(w);
    *height = whole(h);
}

/* ---- colours --------------------------------------------------------------------------------- */

/* What the stream says of its colours; where it is silent, swscale's defaults stay. */
static void set_colours(struct SwsContext *sws, const AVFrame *f)
{
    int *from, *to, from_full, to_full, brightness, contrast, saturation;
    if (sws_getColorspaceDetails(sws, &from, &from_full, &to, &to_full, &brightness, &contrast,
                                 &saturation) < 0)
        return;
    const int *matrix = from;
    int full = from_full;
    if (f->colorspace != AVCOL_SPC_UNSPECIFIED && f->colorspace != AVCOL_SPC_RGB)
        matrix = sws_getCoefficients(f->colorspace);
    if (f->color_range == AVCOL_RANGE_JPEG) full = 1;
    if (f->color_range == AVCOL_RANGE_MPEG) full = 0;
    if (full == from_full && memcmp(matrix, from, 4 * sizeof *matrix) == 0) return;
    sws_setColorspaceDetails(sws, matrix, full, to, to_full, brightness, contrast, saturation);
}

static violet_status to_rgb(vl_painter *p, size_t *stride, int width, int height, const AVFrame *f)
{
    bool same = width == f->width && height == f->height;
    *stride = ((size_t)width * 3 + SLACK - 1) / SLACK * SLACK + SLACK;
    size_t bytes = *stride * ((size_t)height + 1);
    if (bytes > p->rgb_bytes) {
        uint8_t *more = realloc(p->rgb, bytes);
        if (!more) return vl_err_nomem();
        p->rgb = more;
        p->rgb_bytes = bytes;
    }
    if (p->matrix != f->colorspace || p->range != f->color_range) {
        sws_freeContext(p->sws); /* so that a silent frame gets the defaults */
        p->sws = NULL;
    }
    p->matrix = f->colorspace;
    p->range = f->color_range;
    p->sws = sws_getCachedContext(p->sws, f->width, f->height, (enum AVPixelFormat)f->format, width,
                                  height, AV_PIX_FMT_RGB24, same ? FLAGS_SAME : FLAGS_SCALE, NULL,
                                  NULL, NULL);
    if (!p->sws)
        return vl_err(VIOLET_EUNSUPPORTED, "libswscale cannot turn %d x %d pixels of format %d "
                      "into %d x %d of RGB", f->width, f->height, f->format, width, height);
    set_colours(p->sws, f);
    uint8_t *planes[4] = {p->rgb};
    int strides[4] = {(int)*stride};
    if (sws_scale(p->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height, planes,
                  strides) != height)
        return vl_err(VIOLET_EFORMAT, "libswscale cannot convert the picture");
    return VIOLET_OK;
}

violet_status vl_painter_paint(vl_picture *out, vl_painter *p, const AVFrame *f)
{
    int width, height;
    size_t stride;
    *out = (vl_picture){0};
    if (f->width < 1 || f->height < 1 || !fits(f->width, f->height))
        return vl_err(VIOLET_EFORMAT, "a frame of %d x %d pixels, at most %d a side and %zu in all",
                      f->width, f->height, VL_PICTURE_SIDE_MOST, VL_PICTURE_PIXELS_MOST);
    pose at = find_pose(p, f);
    size_of(&width, &height, p, f);
    violet_status status = to_rgb(p, &stride, width, height, f);
    if (status != VIOLET_OK) return status;
    out->width = at.transpose ? height : width;
    out->height = at.transpose ? width : height;
    out->rgb = malloc((size_t)width * (size_t)height * 3);
    if (!out->rgb) {
        vl_picture_release(out);
        return vl_err_nomem();
    }
    lay(out->rgb, p->rgb, stride, out->width, out->height, at);
    return VIOLET_OK;
}
