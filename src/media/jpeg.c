/* JPEG through libjpeg; see picture.h.
 *
 * libjpeg reports errors by a callback that must not return, hence the longjmp. What it may jump
 * over lives in the structs below, in the frame that called setjmp, and every owner is released
 * there. */
#include "media/picture.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/status.h"

/* A progressive file may hold any number of scans over the whole picture: more is an attack. */
#define SCANS_MOST 300

typedef struct failure {
    struct jpeg_error_mgr base; /* first: libjpeg hands this pointer back */
    jmp_buf jump;
    violet_status status;
} failure;

static void fail(j_common_ptr cinfo)
{
    failure *f = (failure *)cinfo->err;
    char text[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, text);
    f->status = cinfo->err->msg_code == JERR_OUT_OF_MEMORY
                    ? vl_err_nomem()
                    : vl_err(VIOLET_EFORMAT, "jpeg: %s", text);
    longjmp(f->jump, 1);
}

/* Warnings that mean lost picture data are errors; stray bytes between markers are harmless. */
static void warn(j_common_ptr cinfo, int level)
{
    int code = cinfo->err->msg_code;
    if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) fail(cinfo);
}

static struct jpeg_error_mgr *failure_init(failure *f)
{
    memset(f, 0, sizeof *f);
    struct jpeg_error_mgr *err = jpeg_std_error(&f->base);
    err->error_exit = fail;
    err->emit_message = warn;
    return err;
}

void vl_picture_release(vl_picture *p)
{
    free(p->rgb);
    *p = (vl_picture){0};
}

/* ---- decode -------------------------------------------------------------------------------- */

static void count_scans(j_common_ptr cinfo)
{
    if (cinfo->is_decompressor && ((j_decompress_ptr)cinfo)->input_scan_number > SCANS_MOST) {
        failure *f = (failure *)cinfo->err;
        f->status = vl_err(VIOLET_EFORMAT, "jpeg: more than %d scans", SCANS_MOST);
        longjmp(f->jump, 1);
    }
}

/* Pillow's convert('RGB') of a CMYK picture whose four channels the file holds inverted, as Adobe
 * writes them: with inverted values, ink is 255 - value. */
static void rgb_of_cmyk(uint8_t *rgb, const uint8_t *inverted, int width)
{
    for (int x = 0; x < width; x++, rgb += 3, inverted += 4) {
        int light = inverted[3];
        for (int c = 0; c < 3; c++) {
            int t = (255 - inverted[c]) * light + 128;
            rgb[c] = (uint8_t)(light - ((t + (t >> 8)) >> 8));
        }
    }
}

static violet_status read_pixels(struct jpeg_decompress_struct *d, vl_picture *out)
{
    size_t width = d->image_width, height = d->image_height;
    if (width > VL_PICTURE_SIDE_MOST || height > VL_PICTURE_SIDE_MOST ||
        width * height > VL_PICTURE_PIXELS_MOST)
        return vl_err(VIOLET_EFORMAT, "jpeg: %zu x %zu pixels, at most %d a side and %zu in all",
                      width, height, VL_PICTURE_SIDE_MOST, VL_PICTURE_PIXELS_MOST);
    if (d->num_components != 1 && d->num_components != 3 && d->num_components != 4)
        return vl_err(VIOLET_EUNSUPPORTED, "jpeg: %d channels, expected 1, 3 or 4",
                      d->num_components);
    int is_cmyk = d->num_components == 4;
    d->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(d);
    out->rgb = malloc(width * height * 3);
    if (!out->rgb) return vl_err_nomem();
    out->width = (int)width;
    out->height = (int)height;
    /* libjpeg's own pool: freed with the decompressor, also after a jump */
    JSAMPARRAY four = is_cmyk ? d->mem->alloc_sarray((j_common_ptr)d, JPOOL_IMAGE,
                                                     (JDIMENSION)(width * 4), 1)
                              : NULL;
    while (d->output_scanline < d->output_height) {
        JSAMPROW row = out->rgb + (size_t)d->output_scanline * width * 3;
        jpeg_read_scanlines(d, four ? four : &row, 1);
        if (four) rgb_of_cmyk(row, four[0], (int)width);
    }
    return VIOLET_OK;
}

violet_status vl_jpeg_decode(vl_picture *out, const void *bytes, size_t n)
{
    struct jpeg_decompress_struct d;
    struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
    failure f;
    violet_status status;
    memset(&d, 0, sizeof d);
    *out = (vl_picture){0};
    if (n == 0) return vl_err(VIOLET_EFORMAT, "jpeg: empty");
    d.err = failure_init(&f);
    if (setjmp(f.jump)) {
        status = f.status;
        goto done;
    }
    jpeg_create_decompress(&d);
    d.progress = &progress;
    jpeg_mem_src(&d, (unsigned char *)bytes, (unsigned long)n);
    jpeg_read_header(&d, TRUE);
    status = read_pixels(&d, out);
done:
    /* no jpeg_finish_decompress: the pixels are complete, what follows them is no concern */
    jpeg_destroy_decompress(&d);
    if (status != VIOLET_OK) vl_picture_release(out);
    return status;
}

/* ---- encode -------------------------------------------------------------------------------- */

#define BLOCK_BYTES 16384

typedef struct sink {
    struct jpeg_destination_mgr base; /* first, as above */
    vl_buf *out;
} sink;

static void next_block(j_compress_ptr c)
{
    sink *s = (sink *)c->dest;
    if (vl_buf_reserve(s->out, BLOCK_BYTES) != VIOLET_OK) {
        failure *f = (failure *)c->err;
        f->status = VIOLET_ENOMEM;
        longjmp(f->jump, 1);
    }
    s->base.next_output_byte = (JOCTET *)s->out->data + s->out->n;
    s->base.free_in_buffer = BLOCK_BYTES;
}

static boolean block_full(j_compress_ptr c)
{
    ((sink *)c->dest)->out->n += BLOCK_BYTES;
    next_block(c);
    return TRUE;
}

static void last_block(j_compress_ptr c)
{
    sink *s = (sink *)c->dest;
    s->out->n += BLOCK_BYTES - s->base.free_in_buffer;
    s->out->data[s->out->n] = 0;
}

static void write_pixels(struct jpeg_compress_struct *c, const vl_picture *p, int quality)
{
    c->image_width = (JDIMENSION)p->width;
    c->image_height = (JDIMENSION)p->height;
    c->input_components = 3;
    c->in_color_space = JCS_RGB;
    jpeg_set_defaults(c); /* YCbCr, 4:2:0 */
    jpeg_set_quality(c, quality, TRUE);
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = p->rgb + (size_t)c->next_scanline * (size_t)p->width * 3;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

violet_status vl_jpeg_encode(vl_buf *out, const vl_picture *p, int quality)
{
    if (quality < 1 || quality > 100)
        return vl_err(VIOLET_EINVAL, "jpeg: quality is %d, expected 1 to 100", quality);
    if (p->width < 1 || p->height < 1 || p->width > 65500 || p->height > 65500)
        return vl_err(VIOLET_EINVAL, "jpeg: cannot write %d x %d pixels", p->width, p->height);
    struct jpeg_compress_struct c;
    failure f;
    sink s = {.out = out};
    size_t before = out->n;
    violet_status status;
    memset(&c, 0, sizeof c);
    s.base.init_destination = next_block;
    s.base.empty_output_buffer = block_full;
    s.base.term_destination = last_block;
    c.err = failure_init(&f);
    if (setjmp(f.jump)) {
        status = f.status;
        out->n = before;
        if (out->data) out->data[before] = 0;
        goto done;
    }
    jpeg_create_compress(&c);
    c.dest = &s.base;
    write_pixels(&c, p, quality);
    status = VIOLET_OK;
done:
    jpeg_destroy_compress(&c);
    return status;
}
