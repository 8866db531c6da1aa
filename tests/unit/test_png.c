/* PNG files decode to the very picture they were made of. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "media/png.h"

static vl_picture noise(int width, int height)
{
    vl_picture p = {width, height, malloc(3 * (size_t)width * (size_t)height)};
    assert_non_null(p.rgb);
    for (int i = 0; i < 3 * width * height; i++)
        p.rgb[i] = (uint8_t)vl_rng_below(vl_rng_key(1, (uint64_t)width, 0), (uint64_t)i, 256);
    return p;
}

static void decodes_to(const vl_buf *png, const vl_picture *p)
{
    AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_PNG));
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_open2(c, NULL, NULL), 0);
    assert_int_equal(av_new_packet(packet, (int)png->n), 0);
    memcpy(packet->data, png->data, png->n);
    assert_int_equal(avcodec_send_packet(c, packet), 0);
    avcodec_send_packet(c, NULL);
    assert_int_equal(avcodec_receive_frame(c, frame), 0);
    assert_int_equal(frame->format, AV_PIX_FMT_RGB24);
    assert_int_equal(frame->width, p->width);
    assert_int_equal(frame->height, p->height);
    for (int y = 0; y < p->height; y++)
        assert_memory_equal(frame->data[0] + y * frame->linesize[0], p->rgb + 3 * y * p->width,
                            3 * (size_t)p->width);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&c);
}

static void pictures_come_back(void **state)
{
    static const int sizes[][2] = {{1, 1}, {1, 9}, {17, 1}, {56, 56}, {333, 77}};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        vl_picture p = noise(sizes[i][0], sizes[i][1]);
        vl_buf png = {0};
        assert_int_equal(vl_buf_puts(&png, ""), VIOLET_OK);
        assert_int_equal(vl_png_encode(&png, &p), VIOLET_OK);
        assert_memory_equal(png.data, "\x89PNG\r\n\x1a\n", 8);
        decodes_to(&png, &p);
        vl_buf_free(&png);
        vl_picture_release(&p);
    }
}

static void appends(void **state)
{
    (void)state;
    vl_picture p = noise(5, 4);
    vl_buf png = {0};
    assert_int_equal(vl_buf_puts(&png, "front"), VIOLET_OK);
    assert_int_equal(vl_png_encode(&png, &p), VIOLET_OK);
    assert_memory_equal(png.data, "front\x89PNG", 9);
    vl_buf_free(&png);
    vl_picture_release(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_back),
        cmocka_unit_test(appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
