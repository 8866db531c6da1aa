/* Caches of encoded items: values, both types, files written, gone on with, refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/features.h"
#include "unit/make_data.h"

enum { N = 5, ROWS = 3, COLS = 300 };

static char folder[64], path[128];

static const vl_features_key key = {.kind = "video", .weights = 11, .items = 22, .n = N,
                                    .rows = ROWS, .cols = COLS, .dtype = VL_DT_F32,
                                    .frames = 5, .height = 64, .width = 96};

static int make(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/videos.cache", folder);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

static vl_features *opened(const char *at, const vl_features_key *k)
{
    vl_features *f;
    if (vl_features_open(&f, at, k) != VIOLET_OK) fail_msg("%s", violet_error());
    return f;
}

static void refused(const vl_features_key *k, violet_status code, const char *why)
{
    vl_features *f;
    assert_int_equal(vl_features_open(&f, path, k), code);
    assert_null(f);
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
    if (!strstr(violet_error(), path)) fail_msg("'%s' lacks the path", violet_error());
}

/* value (row, col) of item i */
static real value(int i, int k)
{
    return (real)((k * 7 + i * 1001) % 513 - 256) / 64;
}

static void put(vl_features *f, int i, int rows)
{
    real x[ROWS * COLS];
    for (int k = 0; k < rows * COLS; k++) x[k] = value(i, k);
    if (vl_features_put(f, i, x, rows) != VIOLET_OK) fail_msg("%s", violet_error());
}

static void expect(const vl_features *f, int i, int rows, double tolerance)
{
    real x[ROWS * COLS + 1];
    assert_int_equal(vl_features_rows(f, i), rows);
    x[rows * COLS] = 99;
    vl_features_get(x, f, i);
    for (int k = 0; k < rows * COLS; k++)
        if (!(fabs((double)(x[k] - value(i, k))) <= tolerance * fabs((double)value(i, k))))
            fail_msg("item %d, element %d: %g, expected %g", i, k, (double)x[k],
                     (double)value(i, k));
    assert_true(x[rows * COLS] == 99);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void items_in_any_order(void **state)
{
    (void)state;
    for (int file = 0; file < 2; file++) {
        vl_features *f = opened(file ? path : NULL, &key);
        assert_int_equal(vl_features_done(f), 0);
        put(f, 3, 2);
        put(f, 0, 3);
        assert_int_equal(vl_features_rows(f, 1), 0);
        put(f, 3, 1); /* once more, shorter */
        assert_int_equal(vl_features_done(f), 2);
        expect(f, 3, 1, 0);
        expect(f, 0, 3, 0);
        vl_features_close(f);
    }
}

static void bfloat16_rounds_to_nearest_even(void **state)
{
    (void)state;
    vl_features_key k = key;
    k.dtype = VL_DT_BF16;
    vl_features *f = opened(NULL, &k);
    /* a step of a bfloat16 at 1 is 2^-7: ties go to the even one, all else to the nearer */
    real x[COLS] = {1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.01p-8f, 1 - 0x1p-9f, -3.25f, 0};
    const real right[] = {1, 1 + 0x1p-6f, 1 + 0x1p-7f, 1, -3.25f, 0}; /* below 1 a step is 2^-8 */
    assert_int_equal(vl_features_put(f, 2, x, 1), VIOLET_OK);
    vl_features_get(x, f, 2);
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        if (x[i] != right[i]) fail_msg("%zu: %.9g, expected %.9g", i, (double)x[i],
                                       (double)right[i]);
    put(f, 1, 3);
    expect(f, 1, 3, 0x1p-8);
    vl_features_close(f);
}

static void what_cannot_be_kept_is_an_error(void **state)
{
    (void)state;
    vl_features *f = opened(path, &key);
    real x[ROWS * COLS] = {0};
    assert_int_equal(vl_features_put(f, N, x, 1), VIOLET_EINVAL);
    assert_int_equal(vl_features_put(f, -1, x, 1), VIOLET_EINVAL);
    assert_int_equal(vl_features_put(f, 0, x, ROWS + 1), VIOLET_EINVAL);
    assert_int_equal(vl_features_put(f, 0, x, 0), VIOLET_EINVAL);
    put(f, 1, 2);
    x[ROWS * COLS - 1] = NAN;
    assert_int_equal(vl_features_put(f, 1, x, ROWS), VIOLET_EFORMAT);
    assert_non_null(strstr(violet_error(), "video 1"));
    expect(f, 1, 2, 0); /* what was there stays */
    vl_features_close(f);
    vl_features_key k = key;
    k.dtype = VL_DT_F16;
    assert_int_equal(vl_features_open(&f, NULL, &k), VIOLET_EINVAL);
    k = key, k.n = 0;
    assert_int_equal(vl_features_open(&f, NULL, &k), VIOLET_EINVAL);
    k = key, k.n = k.rows = k.cols = 1 << 30;
    assert_int_equal(vl_features_open(&f, NULL, &k), VIOLET_EINVAL);
    assert_non_null(strstr(violet_error(), "too large"));
}

static size_t item_at(int i)
{
    return 4096 + (size_t)i * ROWS * COLS * sizeof(float);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void a_file_is_gone_on_with(void **state)
{
    (void)state;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        vl_features_key k = key;
        if (bf16) k.dtype = VL_DT_BF16;
        vl_features *f = opened(path, &k);
        put(f, 4, 3);
        put(f, 1, 1);
        vl_features_close(f);
        f = opened(path, &k);
        assert_int_equal(vl_features_done(f), 2);
        assert_int_equal(vl_features_lost(f), 0);
        expect(f, 4, 3, bf16 ? 0x1p-8 : 0);
        expect(f, 1, 1, bf16 ? 0x1p-8 : 0);
        put(f, 0, 2);
        vl_features_close(f);
        f = opened(path, &k);
        assert_int_equal(vl_features_done(f), 3);
        expect(f, 0, 2, bf16 ? 0x1p-8 : 0);
        vl_features_close(f);
        assert_int_equal(unlink(path), 0);
    }
}

static void another_making_is_refused(void **state)
{
    (void)state;
    vl_features_close(opened(path, &key));
    vl_features_key k = key;
    k.weights++;
    refused(&k, VIOLET_EINVAL, "other weights");
    k = key, k.items++;
    refused(&k, VIOLET_EINVAL, "other items");
    k = key, k.n++;
    refused(&k, VIOLET_EINVAL, "number of items");
    k = key, k.rows++;
    refused(&k, VIOLET_EINVAL, "rows an item");
    k = key, k.cols++;
    refused(&k, VIOLET_EINVAL, "width of rows");
    k = key, k.dtype = VL_DT_BF16;
    refused(&k, VIOLET_EINVAL, "element type");
    k = key, k.frames++;
    refused(&k, VIOLET_EINVAL, "number of frames");
    k = key, k.width++;
    refused(&k, VIOLET_EINVAL, "pictures of another size");
    k = key, k.height++;
    refused(&k, VIOLET_EINVAL, "pictures of another size");
    k = key, k.kind = "text";
    refused(&k, VIOLET_EINVAL, "another kind");
    vl_features_close(opened(path, &key));
}

static void one_process_at_a_time(void **state)
{
    (void)state;
    vl_features *f = opened(path, &key);
    vl_features *g;
    put(f, 2, 3);
    refused(&key, VIOLET_EIO, "another process");
    assert_int_equal(vl_features_renew(&g, path, &key), VIOLET_EIO); /* and hurts nothing */
    assert_int_equal(vl_features_view(&g, path, &key), VIOLET_EIO);
    vl_features_close(f);
    f = opened(path, &key);
    expect(f, 2, 3, 0);
    vl_features_close(f);
}

static void a_file_is_begun_anew(void **state)
{
    (void)state;
    vl_features *f = opened(path, &key);
    put(f, 2, 3);
    vl_features_close(f);
    vl_features_key k = key;
    k.weights++; /* of whatever key */
    assert_int_equal(vl_features_renew(&f, path, &k), VIOLET_OK);
    assert_int_equal(vl_features_done(f), 0);
    assert_int_equal(vl_features_lost(f), 0);
    put(f, 1, 2);
    vl_features_close(f);
    f = opened(path, &k);
    expect(f, 1, 2, 0);
    vl_features_close(f);
}

static void a_file_is_only_read(void **state)
{
    (void)state;
    vl_features *f;
    real x[COLS] = {0};
    assert_int_equal(vl_features_view(&f, path, &key), VIOLET_EIO); /* and makes none */
    assert_false(vl_file_exists(path));
    f = opened(path, &key);
    put(f, 2, 3);
    vl_features_close(f);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(vl_features_view(&f, path, &key), VIOLET_OK);
    expect(f, 2, 3, 0);
    assert_int_equal(vl_features_put(f, 1, x, 1), VIOLET_EINVAL);
    vl_features_close(f);
    vl_features_key k = key;
    k.weights++;
    assert_int_equal(vl_features_view(&f, path, &k), VIOLET_EINVAL);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(truncate(path, (off_t)item_at(N) - 1), 0);
    assert_int_equal(vl_features_view(&f, path, &key), VIOLET_EFORMAT);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, (off_t)item_at(N) - 1); /* left as it was */
}

/* ---- damage ---------------------------------------------------------------------------------- */

static char *whole(size_t *n)
{
    char *data;
    assert_int_equal(vl_file_read(&data, n, path, 1 << 20), VIOLET_OK);
    return data;
}

/* Cut anywhere, a file opens with the items that are whole, or is no cache at all. */
static void truncated_files(void **state)
{
    (void)state;
    vl_features *f = opened(path, &key);
    for (int i = 0; i < N; i++) put(f, i, ROWS);
    vl_features_close(f);
    size_t n;
    char *data = whole(&n);
    assert_int_equal(n, item_at(N));
    for (size_t cut = 1; cut < n; cut += cut < 200 ? 1 : 997) {
        write_text(folder, "videos.cache", data, cut);
        if (cut < 80) {
            refused(&key, VIOLET_EFORMAT, "not a cache");
            continue;
        }
        f = opened(path, &key);
        for (int i = 0; i < N; i++) {
            int marked = cut >= 80 + 8 * (size_t)(i + 1), there = item_at(i + 1) <= cut;
            if (there) expect(f, i, ROWS, 0);
            if (marked && !there) assert_int_equal(vl_features_rows(f, i), 0);
        }
        if (cut > 4096) assert_int_equal(vl_features_done(f) + vl_features_lost(f), N);
        vl_features_close(f);
    }
    write_text(folder, "videos.cache", data, 0); /* killed right after it was made */
    f = opened(path, &key);
    assert_int_equal(vl_features_done(f), 0);
    vl_features_close(f);
    free(data);
}

static void changed_bytes(void **state)
{
    (void)state;
    vl_features *f = opened(path, &key);
    for (int i = 0; i < N; i++) put(f, i, ROWS);
    vl_features_close(f);
    size_t n;
    char *data = whole(&n);
    for (size_t i = 0; i < 80; i++) { /* a header that is not ours is never believed */
        data[i] ^= 0x20;
        write_text(folder, "videos.cache", data, n);
        refused(&key, VIOLET_EFORMAT, "not a cache");
        data[i] ^= 0x20;
    }
    for (size_t i = 80; i < 80 + 8 * N; i++) { /* rows and hashes */
        data[i] ^= 0x20;
        write_text(folder, "videos.cache", data, n);
        f = opened(path, &key);
        assert_int_equal(vl_features_done(f), N - 1);
        assert_int_equal(vl_features_lost(f), 1);
        assert_int_equal(vl_features_rows(f, (int)(i - 80) / 8), 0);
        vl_features_close(f);
        data[i] ^= 0x20;
    }
    data[item_at(2) + 17] ^= 1;
    write_text(folder, "videos.cache", data, n);
    f = opened(path, &key);
    assert_int_equal(vl_features_lost(f), 1);
    assert_int_equal(vl_features_rows(f, 2), 0);
    expect(f, 3, ROWS, 0);
    put(f, 2, 1); /* and is done again */
    vl_features_close(f);
    f = opened(path, &key);
    assert_int_equal(vl_features_lost(f), 0);
    expect(f, 2, 1, 0);
    vl_features_close(f);
    free(data);
}

/* Whole items, with their hashes, in each other's places. */
static void exchanged_items(void **state)
{
    (void)state;
    enum { BYTES = ROWS * COLS * sizeof(float) };
    char one[BYTES], entry[8];
    vl_features *f = opened(path, &key);
    for (int i = 0; i < N; i++) put(f, i, ROWS);
    vl_features_close(f);
    size_t n;
    char *data = whole(&n);
    memcpy(one, data + item_at(1), BYTES);
    memcpy(data + item_at(1), data + item_at(3), BYTES);
    memcpy(data + item_at(3), one, BYTES);
    memcpy(entry, data + 80 + 8, 8);
    memcpy(data + 80 + 8, data + 80 + 3 * 8, 8);
    memcpy(data + 80 + 3 * 8, entry, 8);
    write_text(folder, "videos.cache", data, n);
    f = opened(path, &key);
    assert_int_equal(vl_features_lost(f), 2);
    assert_int_equal(vl_features_rows(f, 1) + vl_features_rows(f, 3), 0);
    vl_features_close(f);
    free(data);
}

static void longer_than_it_can_be(void **state)
{
    (void)state;
    vl_features_close(opened(path, &key));
    assert_int_equal(truncate(path, (off_t)item_at(N) + 1), 0);
    refused(&key, VIOLET_EFORMAT, "expected");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(vl_dir_make(path), VIOLET_OK);
    vl_features *f;
    assert_int_equal(vl_features_open(&f, path, &key), VIOLET_EIO);
    assert_int_equal(rmdir(path), 0);
}

static void hashes_tell_lengths(void **state)
{
    (void)state;
    assert_true(vl_hash(0, "a", 1) != vl_hash(0, "a\0", 2));
    assert_true(vl_hash(0, "", 0) != vl_hash(1, "", 0));
    assert_true(vl_hash(0, "12345678a", 9) != vl_hash(0, "12345678b", 9));
    assert_true(vl_hash(0, "x2345678a", 9) != vl_hash(0, "12345678a", 9));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(items_in_any_order),
        TEST(bfloat16_rounds_to_nearest_even),
        TEST(what_cannot_be_kept_is_an_error),
        TEST(a_file_is_gone_on_with),
        TEST(another_making_is_refused),
        TEST(one_process_at_a_time),
        TEST(a_file_is_begun_anew),
        TEST(a_file_is_only_read),
        TEST(truncated_files),
        TEST(changed_bytes),
        TEST(exchanged_items),
        TEST(longer_than_it_can_be),
        cmocka_unit_test(hashes_tell_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
