/* JPEG and the padded resize against Pillow's own results (golden), the AVX2 passes against the
 * plain ones, and files that are damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/status.h"
#include "media/picture.h"
#include "media/resize_pass.h"

static uint8_t *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*n);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static uint8_t *jpeg_of(json_t *picture, size_t *n)
{
    json_t *text = json_object_get(picture, "jpeg_base64");
    uint8_t *jpeg = malloc(vl_base64_decoded_most(json_string_length(text)));
    assert_int_equal(vl_base64_decode(jpeg, n, json_string_value(text), json_string_length(text)),
                     VIOLET_OK);
    return jpeg;
}

/* The channels that the frame header names. */
static int channels_of(const uint8_t *jpeg)
{
    size_t at = 2;
    for (;;) {
        int marker = jpeg[at + 1];
        if (marker >= 0xc0 && marker <= 0xc2) return jpeg[at + 9];
        at += 2 + (size_t)(jpeg[at + 2] << 8 | jpeg[at + 3]);
    }
}

static void check_one(json_t *picture, int i, json_t *header, const uint8_t *data)
{
    static const int sizes[] = {56, 96, 224};
    size_t n;
    vl_picture p;
    uint8_t *jpeg = jpeg_of(picture, &n);
    int allowed = channels_of(jpeg) == 4 ? 2 : 0;
    if (vl_jpeg_decode(&p, jpeg, n) != VIOLET_OK) fail_msg("picture %d: %s", i, violet_error());
    assert_int_equal(p.width, json_integer_value(json_object_get(picture, "width")));
    assert_int_equal(p.height, json_integer_value(json_object_get(picture, "height")));
    for (int k = 0; k < 3; k++) {
        char name[40];
        int size = sizes[k], worst = 0;
        snprintf(name, sizeof name, "picture%d.rgb%d", i, size);
        json_t *offsets = json_object_get(json_object_get(header, name), "data_offsets");
        assert_non_null(offsets);
        const uint8_t *want = data + json_integer_value(json_array_get(offsets, 0));
        uint8_t *got = malloc(3 * (size_t)size * (size_t)size);
        assert_int_equal(vl_picture_square(got, size, &p, VL_PAD_COMPAT), VIOLET_OK);
        for (int x = 0; x < 3 * size * size; x++)
            if (abs(got[x] - want[x]) > worst) worst = abs(got[x] - want[x]);
        if (worst > allowed) fail_msg("%s is %d levels off, allowed %d", name, worst, allowed);
        free(got);
    }
    vl_picture_release(&p);
    free(jpeg);
}

static void check_golden(const char *json_path, const char *tensors_path)
{
    size_t n, i;
    uint8_t *file = read_all(tensors_path, &n);
    uint64_t header_bytes;
    memcpy(&header_bytes, file, 8);
    json_t *header = json_loadb((char *)file + 8, header_bytes, 0, NULL), *picture;
    json_t *pictures = json_load_file(json_path, 0, NULL);
    assert_non_null(header);
    assert_true(json_array_size(pictures) > 0);
    json_array_foreach(pictures, i, picture)
        check_one(picture, (int)i, header, file + 8 + header_bytes);
    json_decref(pictures);
    json_decref(header);
    free(file);
}

static void golden(void **state)
{
    (void)state;
    check_golden("tests/golden/pictures.json", "tests/golden/pictures.safetensors");
}

static void golden_real(void **state)
{
    (void)state;
    const char *path = "../shared/oracle/pictures-real.json";
    if (access(path, R_OK) != 0) {
        puts("skip: shared/oracle/pictures-real.json is not here");
        skip();
    }
    check_golden(path, "../shared/oracle/pictures-real.safetensors");
}

static vl_picture noise(int width, int height)
{
    vl_picture p = {width, height, malloc((size_t)width * (size_t)height * 3)};
    uint32_t s = (uint32_t)(width * 131 + height);
    for (int i = 0; i < width * height * 3; i++) {
        s = s * 1664525u + 1013904223u;
        p.rgb[i] = (uint8_t)(s >> 24);
    }
    return p;
}

/* What the folded padding must equal: the black border made, then resized. */
static void padding_is_as_if_it_were_made(void **state)
{
    (void)state;
    for (int w = 1; w < 40; w += 3) {
        for (int h = 1; h < 40; h += 2) {
            for (int pad = VL_PAD_EXACT; pad <= VL_PAD_COMPAT; pad++) {
                uint8_t folded[3 * 19 * 19], made[3 * 19 * 19];
                int side = w > h ? w : h, odd = pad == VL_PAD_COMPAT ? abs(w - h) % 2 : 0;
                int pw = w < h ? side - odd : w, ph = h < w ? side - odd : h;
                vl_picture p = noise(w, h);
                vl_picture q = {pw, ph, calloc(3, (size_t)pw * (size_t)ph)};
                for (int y = 0; y < h; y++)
                    memcpy(q.rgb + 3 * ((y + (ph - h) / 2) * pw + (pw - w) / 2), p.rgb + 3 * y * w,
                           (size_t)(3 * w));
                assert_int_equal(vl_picture_square(folded, 19, &p, (vl_pad)pad), VIOLET_OK);
                assert_int_equal(vl_picture_square(made, 19, &q, VL_PAD_COMPAT), VIOLET_OK);
                assert_memory_equal(folded, made, sizeof made);
                vl_picture_release(&p);
                vl_picture_release(&q);
            }
        }
    }
}

static void same_size_changes_nothing(void **state)
{
    (void)state;
    vl_picture p = noise(37, 37);
    uint8_t out[3 * 37 * 37];
    assert_int_equal(vl_picture_square(out, 37, &p, VL_PAD_EXACT), VIOLET_OK);
    for (int i = 0; i < 37 * 37; i++)
        for (int c = 0; c < 3; c++) assert_int_equal(out[c * 37 * 37 + i], p.rgb[3 * i + c]);
    vl_picture_release(&p);
}

static void avx2_equals_plain(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx2")) {
        puts("skip: no AVX2 on this machine");
        skip();
    }
    enum { S = 37, STRIDE = 12, W = 252, H = 6 };
    uint8_t rows[12 * S], a[3 * H * S], b[3 * H * S];
    uint8_t *picture = malloc(3 * W * H); /* of its exact size, for the address sanitizer */
    int first[S], n[S];
    int32_t weight[S * STRIDE];
    int16_t hi[S * STRIDE], lo[S * STRIDE];
    vl_taps t = {S, STRIDE, 0, first, n, weight, hi, lo};
    for (int i = 0; i < 3 * W * H; i++)
        picture[i] = (uint8_t)(i % 7 == 0 ? 255 : i * 73 + i / 9);
    memcpy(rows, picture + 5, sizeof rows);
    for (int i = 0; i < S; i++) {
        first[i] = i < 12 ? 0 : 10 * (i - 12);
        n[i] = i % (STRIDE + 1);
        for (int k = 0; k < STRIDE; k++) {
            int32_t w = k < n[i] ? (1 << 22) / n[i] + (k == 0) * 3 : 0;
            weight[i * STRIDE + k] = w;
            hi[i * STRIDE + k] = (int16_t)(w >> 11);
            lo[i * STRIDE + k] = (int16_t)(w & 2047);
        }
        if (first[i] + ((n[i] + 3) & ~3) > t.reach) t.reach = first[i] + ((n[i] + 3) & ~3);
    }
    for (int h = 1; h <= H; h++) { /* odd and even: rows go in pairs; the last ends the memory */
        vl_resize_rows_plain(a, picture + 3 * W * (H - h), W, h, &t);
        vl_resize_rows_avx2(b, picture + 3 * W * (H - h), W, h, &t);
        assert_memory_equal(a, b, 3 * (size_t)h * S);
    }
    for (int y = 0; y < 12; y++) {
        vl_resize_column_plain(a, rows, S, S, &t, y);
        vl_resize_column_avx2(b, rows, S, S, &t, y);
        assert_memory_equal(a, b, S);
    }
    free(picture);
}

static void every_cut_is_an_error(void **state)
{
    (void)state;
    size_t n;
    json_t *pictures = json_load_file("tests/golden/pictures.json", 0, NULL);
    uint8_t *jpeg = jpeg_of(json_array_get(pictures, 2), &n);
    for (size_t m = 0; m + 2 < n; m++) {
        vl_picture p;
        uint8_t *cut = malloc(m + 1); /* of its exact size, for the address sanitizer */
        memcpy(cut, jpeg, m);
        if (vl_jpeg_decode(&p, cut, m) != VIOLET_EFORMAT) fail_msg("cut at %zu was taken", m);
        assert_null(p.rgb);
        free(cut);
    }
    free(jpeg);
    json_decref(pictures);
}

static void huge_header_is_refused(void **state)
{
    (void)state;
    static const uint8_t header[] = {0xff, 0xd8, 0xff, 0xc0, 0, 11, 8, 0x40, 0x01, 0, 1, 1, 1, 0x11,
                                     0,    0xff, 0xda, 0,    8, 1,  1, 0,    0,    63, 0};
    vl_picture p;
    assert_int_equal(vl_jpeg_decode(&p, header, sizeof header), VIOLET_EFORMAT);
    assert_string_equal(violet_error(),
                        "jpeg: 1 x 16385 pixels, at most 16384 a side and 67108864 in all");
    assert_int_equal(vl_jpeg_decode(&p, "GIF89a", 6), VIOLET_EFORMAT);
}

static void encoded_comes_back(void **state)
{
    (void)state;
    vl_picture p = {64, 48, malloc(64 * 48 * 3)}, q;
    for (int i = 0; i < 64 * 48; i++)
        for (int c = 0; c < 3; c++) p.rgb[3 * i + c] = (uint8_t)(i % 64 * 2 + i / 64 + 20 * c);
    vl_buf b = {0};
    assert_int_equal(vl_buf_puts(&b, "kept"), VIOLET_OK);
    assert_int_equal(vl_jpeg_encode(&b, &p, 95), VIOLET_OK);
    assert_memory_equal(b.data, "kept", 4);
    assert_int_equal(vl_jpeg_decode(&q, b.data + 4, b.n - 4), VIOLET_OK);
    assert_int_equal(q.width, 64);
    assert_int_equal(q.height, 48);
    for (int i = 0; i < 64 * 48 * 3; i++) assert_true(abs(p.rgb[i] - q.rgb[i]) <= 6);
    assert_int_equal(vl_jpeg_encode(&b, &p, 0), VIOLET_EINVAL);
    vl_buf_free(&b);
    vl_picture_release(&p);
    vl_picture_release(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(golden_real),
        cmocka_unit_test(padding_is_as_if_it_were_made),
        cmocka_unit_test(same_size_changes_nothing),
        cmocka_unit_test(avx2_equals_plain),
        cmocka_unit_test(every_cut_is_an_error),
        cmocka_unit_test(huge_header_is_refused),
        cmocka_unit_test(encoded_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
