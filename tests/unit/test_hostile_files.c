/* Zip archives and safetensors made to cost time, memory or a crash; pickles in
 * test_hostile_tensors.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "file/torch.h"
#include "unit/hostile.h"
#include "unit/make_torch.h"

/* ---- archives with a zip64 directory --------------------------------------------------------- */

/* What a record of an archive says; the rest of it is true. */
typedef enum field {
    NOTHING, END_ENTRIES, END_BYTES, END_AT, RECORD_AT, RECORD_SIGNATURE, /* zip64's end */
    SIZE, PACKED, HEADER, SIZE_AND_PACKED, EXTRA_BYTES, METHOD, /* the last entry's */
} field;

typedef struct lie {
    field about;
    uint64_t value;
} lie;

static uint64_t told(const lie *l, field about, uint64_t truth)
{
    bool both = l->about == SIZE_AND_PACKED && (about == SIZE || about == PACKED);
    return l->about == about || both ? l->value : truth;
}

/* All sizes and offsets stand in zip64 fields. */
static void put_directory_entry(vl_buf *b, const char *name, uint64_t n, uint64_t at, const lie *l)
{
    put_text(b, "PK\1\2");
    put_number(b, 45 | 45 << 16, 4);
    put_number(b, 0, 2);
    put_number(b, told(l, METHOD, 0), 2);
    put_number(b, 0, 8); /* time, checksum */
    put_number(b, UINT64_MAX, 8);
    put_number(b, strlen(name), 2);
    put_number(b, 28, 2);
    put_number(b, 0, 2 + 2 + 2 + 4);
    put_number(b, UINT32_MAX, 4);
    put_text(b, name);
    put_number(b, 1, 2);
    put_number(b, told(l, EXTRA_BYTES, 24), 2);
    put_number(b, told(l, SIZE, n), 8);
    put_number(b, told(l, PACKED, n), 8);
    put_number(b, told(l, HEADER, at), 8);
}

static void put_end(vl_buf *b, uint64_t n_entries, uint64_t directory, const lie *l)
{
    uint64_t at = b->n;
    put_number(b, told(l, RECORD_SIGNATURE, 0x06064b50), 4);
    put_number(b, 44, 8);
    put_number(b, 45 | 45 << 16, 4);
    put_number(b, 0, 8);
    put_number(b, told(l, END_ENTRIES, n_entries), 8);
    put_number(b, told(l, END_ENTRIES, n_entries), 8);
    put_number(b, told(l, END_BYTES, at - directory), 8);
    put_number(b, told(l, END_AT, directory), 8);
    put_text(b, "PK\6\7");
    put_number(b, 0, 4);
    put_number(b, told(l, RECORD_AT, at), 8);
    put_number(b, 1, 4);
    put_text(b, "PK\5\6");
    put_number(b, 0, 4);
    put_number(b, UINT64_MAX, 8);
    put_number(b, UINT32_MAX, 4);
    put_number(b, 0, 2);
}

/* One tensor of 24 floats; the archive is as PyTorch's would be beyond 4 GiB, but for the lie. */
static void make_zip64(vl_buf *b, const void *arg)
{
    static const char *const names[] = {"ar/data.pkl", "ar/data/0"};
    zip_maker z = {0};
    vl_buf program = {0};
    uint64_t at[2] = {0}, n[2];
    put_text(&program, "(dS't'\n");
    put_vector(&program, "0", 24);
    put_text(&program, "s.");
    zip_put(&z, names[0], program.data, n[0] = program.n);
    at[1] = z.data.n;
    float x[24];
    for (int i = 0; i < 24; i++) x[i] = (float)i;
    zip_put(&z, names[1], x, n[1] = sizeof x);
    put_bytes(b, z.data.data, z.data.n);
    uint64_t directory = b->n;
    for (int i = 0; i < 2; i++)
        put_directory_entry(b, names[i], n[i], at[i], i ? arg : &(lie){NOTHING, 0});
    put_end(b, 2, directory, arg);
    vl_buf_free(&program);
    zip_free(&z);
}

#define LIE(...) (&(const lie){__VA_ARGS__})
#define EXBI ((uint64_t)1 << 60)

static void zip64_that_lies(void **state)
{
    (void)state;
    const hostile rows[] = {
        {ROW("no lie", make_zip64, LIE(NOTHING, 0), NULL)},
        {ROW("2^60 entries", make_zip64, LIE(END_ENTRIES, EXBI), "outside the file")},
        {ROW("2^64 - 1 entries", make_zip64, LIE(END_ENTRIES, UINT64_MAX), "outside the file")},
        {ROW("an entry more", make_zip64, LIE(END_ENTRIES, 3), "damaged central directory")},
        {ROW("an entry less", make_zip64, LIE(END_ENTRIES, 1), "'0' is not there")},
        {ROW("directory of 2^64 - 1", make_zip64, LIE(END_BYTES, UINT64_MAX), "outside")},
        {ROW("directory of 2^60", make_zip64, LIE(END_BYTES, EXBI), "outside")},
        {ROW("directory at 2^64 - 1", make_zip64, LIE(END_AT, UINT64_MAX), "outside the file")},
        {ROW("directory at 0", make_zip64, LIE(END_AT, 0), "damaged central directory")},
        {ROW("record at 2^64 - 1", make_zip64, LIE(RECORD_AT, UINT64_MAX), "zip64 record")},
        {ROW("record at 0", make_zip64, LIE(RECORD_AT, 0), "zip64 record")},
        {ROW("record of something", make_zip64, LIE(RECORD_SIGNATURE, 7), "zip64 record")},
        {ROW("size 2^60", make_zip64, LIE(SIZE, EXBI), "two sizes")},
        {ROW("size 2^64 - 1", make_zip64, LIE(SIZE_AND_PACKED, UINT64_MAX), "beyond the end")},
        {ROW("both sizes 2^60", make_zip64, LIE(SIZE_AND_PACKED, EXBI), "beyond the end")},
        {ROW("a byte less", make_zip64, LIE(SIZE_AND_PACKED, 95), "of 95 bytes")},
        {ROW("some bytes more", make_zip64, LIE(SIZE_AND_PACKED, 150), NULL)},
        {ROW("header at 2^64 - 1", make_zip64, LIE(HEADER, UINT64_MAX), "local header")},
        {ROW("header at 2^60", make_zip64, LIE(HEADER, EXBI), "local header")},
        {ROW("the pickle's header", make_zip64, LIE(HEADER, 0), NULL)}, /* entries overlap */
        {ROW("extra field too long", make_zip64, LIE(EXTRA_BYTES, 25), "extra field")},
        {ROW("extra field too short", make_zip64, LIE(EXTRA_BYTES, 20), "zip64 field")},
        {ROW("deflated to 2^60 bytes", make_zip64, LIE(METHOD, 8), "packed entry")},
        {ROW("of an unknown method", make_zip64, LIE(METHOD, 99), "entry 'ar/data/0'")},
    };
    HOSTILE_CHECK_ALL(rows, false);
}

static void zip64_cut_and_flipped(void **state)
{
    (void)state;
    vl_buf b = {0};
    vl_torch *f;
    make_zip64(&b, LIE(NOTHING, 0));
    for (size_t n = 0; n < b.n; n++) {
        char *part = malloc(n + 1); /* exactly as long, for the address sanitizer */
        memcpy(part, b.data, n);
        assert_int_not_equal(vl_torch_parse(&f, part, n, "cut"), VIOLET_OK);
        free(part);
    }
    for (size_t i = 0; i < b.n * 8; i++) {
        float x[24];
        b.data[i / 8] ^= (char)(1 << i % 8);
        const vl_stored *t = NULL;
        if (vl_torch_parse(&f, b.data, b.n, "flipped") == VIOLET_OK) t = vl_torch_at(f, 0);
        if (t && t->n <= 24) vl_stored_floats(x, t, 0, t->n);
        vl_torch_close(f);
        b.data[i / 8] ^= (char)(1 << i % 8);
    }
    vl_buf_free(&b);
}

/* ---- archives that unpack to much ------------------------------------------------------------ */

/* Raw deflate of `n` times c: about a thousandth of it. */
static char *deflated(size_t *n_packed, int c, size_t n)
{
    z_stream z = {0};
    char *from = malloc(n), *to = malloc(n / 500 + 1000);
    memset(from, c, n);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)from;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)to;
    z.avail_out = (uInt)(n / 500 + 1000);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *n_packed = z.total_out;
    deflateEnd(&z);
    free(from);
    return to;
}

static void set(char *at, uint64_t x, int n)
{
    for (int i = 0; i < n; i++, x >>= 8) at[i] = (char)x;
}

/* An entry of n times c, packed; it says to unpack to `size`. */
static void zip_put_packed(zip_maker *z, const char *name, int c, size_t n, size_t size)
{
    size_t n_packed, at = z->data.n, in_directory = z->directory.n;
    char *packed = deflated(&n_packed, c, n);
    zip_put(z, name, packed, n_packed);
    uint32_t crc = (uint32_t)crc32(0, NULL, 0);
    for (size_t i = 0; i < n; i++) crc = (uint32_t)crc32(crc, &(Bytef){(Bytef)c}, 1);
    char *const headers[] = {z->data.data + at, z->directory.data + in_directory + 2};
    for (int i = 0; i < 2; i++) {
        set(headers[i] + 8, 8, 2);
        set(headers[i] + 14, crc, 4);
        set(headers[i] + 22, size, 4);
    }
    free(packed);
}

static void finish(vl_buf *b, zip_maker *z)
{
    zip_end(z);
    put_bytes(b, z->data.data, z->data.n);
    zip_free(z);
}

typedef struct bomb {
    const char *name; /* of the packed entry */
    int c;
    size_t n, size;
} bomb;

/* A file with one tensor and a packed entry beside it or in its place. */
static void make_bomb(vl_buf *b, const void *arg)
{
    const bomb *p = arg;
    zip_maker z = {0};
    vl_buf program = {0};
    put_text(&program, "(dS't'\n");
    put_tensor(&program, "CharStorage", "9", 1000, 0, "I9\n", "I1\n");
    put_text(&program, "s.");
    if (strcmp(p->name, "ar/data.pkl") != 0)
        zip_put(&z, "ar/data.pkl", program.data, program.n);
    if (strcmp(p->name, "ar/data/9") != 0) zip_put(&z, "ar/data/9", "", 0);
    zip_put_packed(&z, p->name, p->c, p->n, p->size);
    finish(b, &z);
    vl_buf_free(&program);
}

/* 300 storages that are all one packed entry of 1 MiB: it would be unpacked 300 times. */
static void make_overlapping_bombs(vl_buf *b, const void *arg)
{
    (void)arg;
    zip_maker z = {0};
    vl_buf program = {0};
    put_text(&program, "(l");
    for (int i = 0; i < 300; i++) {
        char key[12];
        snprintf(key, sizeof key, "%d", i);
        put_tensor(&program, "CharStorage", key, 1 << 20, 0, "I1\n", "I1\n");
        put_text(&program, "a");
    }
    put_text(&program, ".");
    zip_put(&z, "ar/data.pkl", program.data, program.n);
    char entry[46]; /* of the directory, before its name */
    size_t first = z.directory.n;
    zip_put_packed(&z, "ar/data/0", 0, 1 << 20, 1 << 20);
    memcpy(entry, z.directory.data + first, sizeof entry);
    for (int i = 1; i < 300; i++) {
        char name[20];
        size_t at = z.directory.n;
        snprintf(name, sizeof name, "ar/data/%d", i);
        put_bytes(&z.directory, entry, sizeof entry);
        put_text(&z.directory, name);
        set(z.directory.data + at + 28, strlen(name), 2);
        z.n++;
    }
    finish(b, &z);
    vl_buf_free(&program);
}

static void make_metadata(vl_buf *b, const void *arg)
{
    zip_maker z = {0};
    vl_buf text = {0};
    const char *const *parts = arg; /* head, part, end */
    put_text(&text, parts[0]);
    put_repeated(&text, parts[1], strlen(parts[1]), 100000);
    put_text(&text, parts[2]);
    zip_put(&z, "ar/data.pkl", "}.", 2);
    zip_put(&z, "ar/violet.json", text.data, text.n);
    finish(b, &z);
    vl_buf_free(&text);
}

#define BOMB(...) (&(const bomb){__VA_ARGS__})
#define PARTS(...) ((const char *const[]){__VA_ARGS__})

static void zip_bombs(void **state)
{
    (void)state;
    const size_t large = 200 * MIB;
    const hostile rows[] = {
        {ROW("a packed storage", make_bomb, BOMB("ar/data/9", 7, 1000, 1000), NULL)},
        {ROW("of more than it says", make_bomb, BOMB("ar/data/9", 7, 1001, 1000), "packed entry")},
        {ROW("of less than it says", make_bomb, BOMB("ar/data/9", 7, 999, 1000), "packed entry")},
        {ROW("says 4 GiB", make_bomb, BOMB("ar/data/9", 7, 1000, UINT32_MAX - 1),
             "packed entries take more")},
        {ROW("200 MiB of a storage", make_bomb, BOMB("ar/data/9", 7, large, large),
             "packed entries take more")},
        {ROW("200 MiB, but says 1000", make_bomb, BOMB("ar/data/9", 7, large, 1000),
             "packed entry is damaged")},
        {ROW("a pickle of 40 MiB of lists", make_bomb,
             BOMB("ar/data.pkl", ']', 40 * MIB, 40 * MIB), "data.pkl: 41943040 bytes packed in")},
        {ROW("a pickle of 1 MiB of lists", make_bomb, BOMB("ar/data.pkl", ']', MIB, MIB),
             "ends before STOP"), .mib = 160},
        {ROW("byteorder of 40 MiB", make_bomb, BOMB("ar/byteorder", 'l', 40 * MIB, 40 * MIB),
             "byteorder: expected"), .mib = 64},
        {ROW("metadata of 40 MiB", make_bomb, BOMB("ar/violet.json", ' ', 40 * MIB, 40 * MIB),
             "violet.json: 41943040 bytes, expected at most")},
        {ROW("one packed entry 300 times", make_overlapping_bombs, NULL, "packed entr"),
             .mib = 96},
        {ROW("metadata of arrays", make_metadata, PARTS("{\"a\":[0", ",[]", "]}"), "brackets")},
        {ROW("metadata, deep", make_metadata, PARTS("{\"a\":", "[", ""), "brackets")},
        {ROW("metadata of numbers", make_metadata, PARTS("[0", ",0", "]"), "object of strings")},
        {ROW("metadata of one long string", make_metadata, PARTS("{\"a\":\"", "[", "\"}"), NULL)},
    };
    HOSTILE_CHECK_ALL(rows, false);
}

/* ---- safetensors ----------------------------------------------------------------------------- */

/* head, 8 bytes with a length of their own; then text. */
typedef struct lengths {
    uint64_t n;
    const char *text;
} lengths;

static void make_length(vl_buf *b, const void *arg)
{
    const lengths *l = arg;
    put_number(b, l->n, 8);
    put_text(b, l->text);
}

/* A header of head, 100000 times a part, the end; then 8 bytes of data. */
static void make_header(vl_buf *b, const void *arg)
{
    const char *const *parts = arg;
    size_t n = strlen(parts[0]) + 100000 * strlen(parts[1]) + strlen(parts[2]);
    put_number(b, n, 8);
    put_text(b, parts[0]);
    put_repeated(b, parts[1], strlen(parts[1]), 100000);
    put_text(b, parts[2]);
    put_number(b, 1, 8);
}

static void make_many(vl_buf *b, const void *arg)
{
    const int *n = arg;
    size_t each = strlen("\"0000000\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]},");
    put_number(b, each * (size_t)*n + 1, 8);
    for (int i = 0; i < *n; i++)
        assert_int_equal(vl_buf_printf(b, "%c\"%07d\":{\"dtype\":\"F32\",\"shape\":[0],"
                                          "\"data_offsets\":[0,0]}", i ? ',' : '{', i), VIOLET_OK);
    put_text(b, "}");
}

#define LENGTH(...) (&(const lengths){__VA_ARGS__})
#define ONE(name, shape, offsets)                                                                  \
    PARTS("{\"" name "\":{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}}",    \
          "", "")
#define TWO(offsets_a, offsets_b)                                                                  \
    PARTS("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets_a "},"                \
          "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" offsets_b "}}", "", "")

static void hostile_headers(void **state)
{
    (void)state;
    static const int many = 100000;
    const hostile rows[] = {
        {ROW("2^63 bytes", make_length, LENGTH((uint64_t)1 << 63, "{}"), "header of")},
        {ROW("2^64 - 1 bytes", make_length, LENGTH(UINT64_MAX, "{}"), "header of")},
        {ROW("2^64 - 8 bytes", make_length, LENGTH(UINT64_MAX - 7, "{}"), "header of")},
        {ROW("over the format's limit", make_length, LENGTH(100000001, "{}"), "header of"),
             .pad = 200 * MIB},
        {ROW("99 MB of zeros", make_length, LENGTH(99000000, "{}"), "expected its end"),
             .pad = 200 * MIB, .mib = 128},
        {ROW("nothing in it", make_length, LENGTH(2, "{}"), NULL)},
        {ROW("arrays nested", make_header, PARTS("{\"a\":", "[", ""), "brackets")},
        {ROW("arrays nested with room", make_header, PARTS("{\"a\":", "[         ", ""), "depth")},
        {ROW("objects nested with room", make_header, PARTS("", "{\"a\":     ", ""), "depth")},
        {ROW("empty arrays", make_header, PARTS("{\"a\":[0", ",[]", "]}"), "brackets")},
        {ROW("empty objects", make_header, PARTS("{\"a\":[0", ",{}", "]}"), "brackets")},
        {ROW("a shape of 100001 numbers", make_header,
             PARTS("{\"a\":{\"dtype\":\"U8\",\"shape\":[1", ",1", "],\"data_offsets\":[0,1]}}"),
             "100001 dimensions")},
        {ROW("metadata of metadata", make_header, PARTS("{\"__metadata__\":{\"a\":{}}}", "", ""),
             "expected a string")},
        {ROW("a name with \\u0000", make_header, ONE("a\\u0000b", "[1]", "[0,1]"), "header byte")},
        {ROW("a name with \\u001b", make_header, ONE("a\\u001b[2J", "[1]", "[0,1]"), NULL)},
        {ROW("a name with a raw control", make_header, ONE("a\nb", "[1]", "[0,1]"), "header byte")},
        {ROW("a name that is no UTF-8", make_header, ONE("\xff\xfe", "[1]", "[0,1]"),
             "header byte")},
        {ROW("2^60 elements", make_header, ONE("a", "[1152921504606846976]", "[0,8]"), "needs")},
        {ROW("2^60 elements and bytes", make_header,
             ONE("a", "[1152921504606846976]", "[0,1152921504606846976]"), "outside")},
        {ROW("2^120 elements", make_header,
             ONE("a", "[1152921504606846976,1152921504606846976]", "[0,8]"), "overflows")},
        {ROW("0 of 2^120 elements", make_header,
             ONE("a", "[0,1152921504606846976,1152921504606846976]", "[0,0]"), NULL)},
        {ROW("a size of 2^76", make_header, ONE("a", "[99999999999999999999999]", "[0,8]"),
             "too big integer")},
        {ROW("an offset of 1e300", make_header, ONE("a", "[8]", "[0,1e300]"), "expected integers")},
        {ROW("an offset of 1e400", make_header, ONE("a", "[8]", "[0,1e400]"), "header byte")},
        {ROW("an offset of 2^63 - 1", make_header, ONE("a", "[8]", "[9223372036854775807,8]"),
             "outside")},
        {ROW("the same bytes", make_header, TWO("[0,4]", "[0,4]"), "overlap")},
        {ROW("a byte of each other", make_header, TWO("[0,4]", "[3,7]"), "overlap")},
        {ROW("beside each other, backwards", make_header, TWO("[4,8]", "[0,4]"), NULL)},
        {ROW("100000 tensors", make_many, &many, NULL), .mib = 64, .ms = 1000},
    };
    HOSTILE_CHECK_ALL(rows, false);
}

int main(void)
{
    hostile_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zip64_that_lies),
        cmocka_unit_test(zip64_cut_and_flipped),
        cmocka_unit_test(zip_bombs),
        cmocka_unit_test(hostile_headers),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_end();
    return failed;
}
