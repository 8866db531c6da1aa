/* Pickles and documents of PyTorch's made to cost time, memory or a crash. What single damaged
 * bytes do stands in test_torch.c and test_pickle.c, next to what is read; archives and safetensors
 * in test_hostile_files.c. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "unit/hostile.h"
#include "unit/make_torch.h"

/* ---- making ---------------------------------------------------------------------------------- */

/* Turns the program in `b` into an archive with two storages, or a legacy file with storage 0. */
static void into_zip(vl_buf *b)
{
    zip_maker z = {0};
    put_text(b, ".");
    zip_of(&z, b->data, b->n, 2);
    vl_buf_clear(b);
    put_bytes(b, z.data.data, z.data.n);
    zip_free(&z);
}

static void into_legacy(vl_buf *b)
{
    vl_buf program = *b;
    *b = (vl_buf){0};
    put_bytes(b, legacy_head, legacy_head_bytes);
    put_bytes(b, program.data, program.n);
    put_text(b, ".(lS'0'\na.");
    put_number(b, 24, 8);
    for (int i = 0; i < 24; i++) put_number(b, 0, 4);
    vl_buf_free(&program);
}

/* head, a part many times, another one, the end. */
typedef struct flood {
    const char *head, *part;
    size_t times;
    const char *then;
    size_t then_times;
    const char *end;
} flood;

static void make_flood(vl_buf *b, const void *arg)
{
    const flood *f = arg;
    if (f->head) put_text(b, f->head);
    put_repeated(b, f->part, strlen(f->part), f->times);
    if (f->then) put_repeated(b, f->then, strlen(f->then), f->then_times);
    if (f->end) put_text(b, f->end);
}

static void make_flood_zip(vl_buf *b, const void *arg)
{
    make_flood(b, arg);
    into_zip(b);
}

static void make_flood_legacy(vl_buf *b, const void *arg)
{
    make_flood(b, arg);
    into_legacy(b);
}

#define FLOOD(...) (&(const flood){__VA_ARGS__})
#define TEXT(s) (&(const flood){.part = s, .times = 1})

/* ---- shapes, strides, offsets, storages: both containers ------------------------------------- */

typedef struct geometry {
    const char *name, *storage;
    long long n, offset;
    const char *shape, *stride, *why;
} geometry;

static void make_geometry(vl_buf *b, const void *arg)
{
    const geometry *g = arg;
    put_tensor(b, g->storage, "0", g->n, g->offset, g->shape, g->stride);
}

static void make_geometry_zip(vl_buf *b, const void *arg)
{
    make_geometry(b, arg);
    into_zip(b);
}

static void make_geometry_legacy(vl_buf *b, const void *arg)
{
    make_geometry(b, arg);
    into_legacy(b);
}

#define EXA "L1152921504606846976L\n" /* 2^60 */

static void absurd_tensors(void **state)
{
    (void)state;
    static const geometry cases[] = {
        {"2^60 elements", "FloatStorage", 24, 0, EXA, "I1\n", "reaches element"},
        {"2^60, its storage, too", "FloatStorage", 1LL << 60, 0, EXA, "I1\n", "elements"},
        {"a storage of 2^66 bytes", "DoubleStorage", INT64_MAX - 1, 0, "I1\n", "I1\n", "elements"},
        {"2^120 elements", "FloatStorage", 24, 0, EXA EXA, "I0\nI0\n", "overflows"},
        {"2^120 elements of 0", "FloatStorage", 24, 0, EXA EXA EXA "I0\n", "I0\nI0\nI0\nI0\n",
         "overflows"},
        {"0 of 2^120 elements", "FloatStorage", 24, 0, "I0\n" EXA EXA, "I1\nI1\nI1\n", NULL},
        {"strides that overflow", "FloatStorage", 24, 0, "I2\nI3\n", EXA "L9223372036854775800L\n",
         "overflows"},
        {"an offset of 2^63", "FloatStorage", 24, INT64_MAX - 1, "I2\n", "I1\n", "reaches element"},
        {"a negative stride", "FloatStorage", 24, 23, "I2\n", "I-1\n", "strides of 0 or more"},
        {"a negative offset", "FloatStorage", 24, -1, "I2\n", "I1\n", "offset"},
        {"a row too far", "FloatStorage", 24, 4, "I3\nI3\n", "I9\nI1\n", "reaches element 4 + 20"},
        {"a size of 2^76", "FloatStorage", 24, 0, "L99999999999999999999999L\n", "I1\n",
         "beyond 64 bits"},
        {"a view of 2^24", "FloatStorage", 24, 0, "L16777217L\n", "I0\n", "elements of a storage"},
        {"a size of 2.5", "FloatStorage", 24, 0, "F2.5\n", "I1\n", "sizes and strides"},
        {"a size that is a tuple", "FloatStorage", 24, 0, "(I1\nt", "I1\n", "sizes and strides"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const geometry *g = &cases[i];
        const hostile zip = {ROW(g->name, make_geometry_zip, g, g->why)};
        const hostile legacy = {ROW(g->name, make_geometry_legacy, g, g->why)};
        hostile_check(&zip, false);
        hostile_check(&legacy, false);
    }
}

/* ---- pickles --------------------------------------------------------------------------------- */

/* A key of 1 MiB, then a part that takes it out of the memo ("h\1") many times. */
static void make_long_key(vl_buf *b, const void *arg)
{
    static char key[1 << 20];
    memset(key, 'k', sizeof key);
    put_text(b, "X");
    put_number(b, sizeof key, 4);
    put_bytes(b, key, sizeof key);
    put_text(b, "q\1" "0");
    make_flood(b, arg);
}

static void make_long_key_zip(vl_buf *b, const void *arg)
{
    make_long_key(b, arg);
    into_zip(b);
}

static void make_long_key_legacy(vl_buf *b, const void *arg)
{
    make_long_key(b, arg);
    into_legacy(b);
}

static void make_large_memo_index(vl_buf *b, const void *arg)
{
    (void)arg;
    put_bytes(b, legacy_head, legacy_head_bytes);
    put_bytes(b, "Nr\xff\xff\xff\xfe.", 7);
}

static void make_shared_legacy(vl_buf *b, const void *arg)
{
    (void)arg;
    put_bytes(b, legacy_head, legacy_head_bytes);
    put_text(b, "N");
    put_repeated(b, "2\x86", 2, 31);
    put_text(b, ".");
}

static void make_counted(vl_buf *b, const void *arg)
{
    put_bytes(b, arg, 9);
    put_text(b, "abc.");
}

static void hostile_pickles(void **state)
{
    (void)state;
    const hostile rows[] = {
        {ROW("dict in itself", make_flood, TEXT("(dp0\nS'k'\ng0\ns."), "itself")},
        {ROW("tuple in a list in it", make_flood, TEXT("(lp0\n(g0\nta."), "itself")},
        {ROW("set in itself", make_flood, TEXT("\x8fp0\n(g0\n\x90."), "itself")},
        {ROW("its own state", make_flood, TEXT("cmy\nN\n)\x81p0\ng0\nb."), "itself")},
        {ROW("its own item", make_flood, TEXT("cmy\nN\n)\x81p0\nS'k'\ng0\ns."), "itself")},
        {ROW("its own argument", make_flood, TEXT("(lp0\n0cmy\nN\n(g0\nt\x81p1\n0g0\ng1\na."),
             "itself")},
        {ROW("deep lists", make_flood, FLOOD("]", "]", 100000, "a", 100000, "."), "deeper")},
        {ROW("deep tuples", make_flood, FLOOD("N", "\x85", 100000, "", 0, "."), "deeper")},
        {ROW("deep dicts", make_flood, FLOOD("}", "N}", 100000, "s", 100000, "."), "deeper")},
        {ROW("deep objects", make_flood,
             FLOOD("cm\nN\np0\n)\x81", "g0\n)\x81", 100000, "b", 100000, "."), "deeper")},
        {ROW("twice, tuples", make_flood, FLOOD("N", "2\x86", 60, "", 0, "."), "unfold")},
        {ROW("twice, dicts", make_flood, FLOOD("}", "p0\n0}Ng0\nsI1\ng0\ns", 50, "", 0, "."),
             "unfold")},
        {ROW("twice, objects", make_flood,
             FLOOD("N", "p0\n0cm\nN\n(g0\ng0\nt\x81", 30, "", 0, "."), "unfold")},
        {ROW("4 M marks", make_flood, FLOOD("", "(", 4000000, "", 0, "."), "stack"), .mib = 64},
        {ROW("4 M Nones", make_flood, FLOOD("", "N", 4000000, "", 0, "."), NULL), .mib = 80},
        {ROW("4 M copies", make_flood, FLOOD("N", "2", 4000000, "", 0, "."), NULL), .mib = 80},
        {ROW("400000 dicts", make_flood, FLOOD("", "}", 400000, "", 0, "."), NULL), .mib = 80},
        {ROW("100000 globals", make_flood, FLOOD("", "cm\nN\n", 100000, "", 0, "."), NULL)},
        {ROW("one key 300000 times", make_flood,
             FLOOD("}(S'k'\np0\n0", "g0\nN", 300000, "", 0, "u."), NULL), .mib = 80},
        {ROW("one long key 100000 times", make_long_key, FLOOD("}(", "h\1N", 100000, "", 0, "u."),
             "shared keys")},
        {ROW("text number of 1 MiB", make_flood, FLOOD("L", "9", MIB, "", 0, "L\n."),
             "1 to 63 characters")},
        {ROW("str of 2^63 bytes", make_counted, "\x8d\0\0\0\0\0\0\0\x80", "more bytes")},
        {ROW("bytes of 2^64 - 1", make_counted, "\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
             "more bytes")},
        {ROW("bytearray of 2^62", make_counted, "\x96\0\0\0\0\0\0\0\x40", "more bytes")},
        {ROW("frame of 2^63", make_counted, "\x95\0\0\0\0\0\0\0\x80", "frame longer")},
        {ROW("big int of 4 GiB", make_counted, "\x8b\xff\xff\xff\xff....", "more bytes")},
    };
    HOSTILE_CHECK_ALL(rows, true);
}

/* ---- documents of PyTorch's ------------------------------------------------------------------ */

static void make_views(vl_buf *b, const void *arg)
{
    put_text(b, "(l");
    for (int i = 0; i < 1000; i++) {
        put_tensor(b, "FloatStorage", "0", 24, 0, arg, "I0\n");
        put_text(b, "a");
    }
    into_zip(b);
}

/* 1500 tensors, each all of one storage of 2^18 elements. */
static void make_shares(vl_buf *b, const void *arg)
{
    static char zeros[1 << 20];
    zip_maker z = {0};
    put_text(b, "(l");
    for (int i = 0; i < 1500; i++) {
        put_tensor(b, "FloatStorage", "0", 1 << 18, 0, arg, "I1\n");
        put_text(b, "a");
    }
    put_text(b, ".");
    zip_put(&z, "x/data.pkl", b->data, b->n);
    zip_put(&z, "x/data/0", zeros, sizeof zeros);
    zip_end(&z);
    vl_buf_clear(b);
    put_bytes(b, z.data.data, z.data.n);
    zip_free(&z);
}

/* Many tensors with names of their own, as short as a pickle can tell them. */
static void make_many_tensors(vl_buf *b, const void *arg)
{
    static const char head[] = "ctorch._utils\n_rebuild_tensor_v2\nq\0" "0";
    const int *n = arg;
    put_bytes(b, head, sizeof head - 1);
    put_text(b, "((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI24\ntQI0\n(I0\nt(I1\nttq\1" "0"
               "}(");
    for (int i = 0; i < *n; i++) {
        char name[20];
        int n_name = snprintf(name, sizeof name, "%07d", i);
        put_bytes(b, "X\7\0\0\0", 5);
        put_bytes(b, name, (size_t)n_name);
        put_bytes(b, "h\0h\1R", 5);
    }
    put_text(b, "u");
}

static void make_many_zip(vl_buf *b, const void *arg)
{
    make_many_tensors(b, arg);
    into_zip(b);
}

static void make_many_legacy(vl_buf *b, const void *arg)
{
    make_many_tensors(b, arg);
    into_legacy(b);
}

static void make_name(vl_buf *b, const void *arg)
{
    const char *name = arg; /* of 4 bytes */
    put_text(b, "}X");
    put_number(b, 4, 4);
    put_bytes(b, name, 4);
    put_vector(b, "0", 2);
    put_text(b, "s");
    into_zip(b);
}

static void hostile_documents(void **state)
{
    (void)state;
    static const int many = 200000;
    static const char key[] = "](S'storage'\nctorch\nFloatStorage\nh\1S'cpu'\nI24\ntQ";
    const flood cyclic = {.part = "(dp0\nS'model'\ng0\ns", .times = 1};
    const hostile rows[] = {
        {ROW("views of 2^24 elements", make_views, "L16777216L\n", "elements of a storage")},
        {ROW("views of 10^4 elements", make_views, "I10000\n", NULL)},
        {ROW("all of a storage, often", make_shares, "I262144\n", "all tensors so far")},
        {ROW("some of a storage, often", make_shares, "I1000\n", NULL)},
        {ROW("200000 tensors, zip", make_many_zip, &many, NULL), .mib = 160, .ms = 1000},
        {ROW("200000 tensors, legacy", make_many_legacy, &many, NULL), .mib = 160, .ms = 1000},
        {ROW("a name with a zero byte", make_name, "a\0bc", "zero byte")},
        {ROW("a name of control characters", make_name, "\x1b[2J", NULL)},
        {ROW("a name that is no UTF-8", make_name, "\xff\xfe\xc0\x80", NULL)},
        {ROW("long name, many dicts", make_long_key_zip, FLOOD("](", "}h\1Ns", 100000, "", 0, "e"),
             "shared names")},
        {ROW("long key of a storage", make_long_key_zip, TEXT(key), "storage's key")},
        {ROW("long key of a storage, legacy", make_long_key_legacy, TEXT(key), "storage's key")},
        {ROW("cyclic state", make_flood_zip, &cyclic, "itself")},
        {ROW("cyclic state, legacy", make_flood_legacy, &cyclic, "itself")},
        {ROW("modules in modules", make_flood_zip,
             FLOOD("cm\nN\np0\n)\x81", "}S'_modules'\n}S'm'\ng0\n)\x81", 1000, "ssb", 1000, ""),
             "deeper")},
        {ROW("wrappers in wrappers", make_flood_legacy,
             FLOOD("}", "S'model'\n}", 5000, "s", 5000, ""), "deeper")},
        {ROW("memo index of 2^32, 8 GiB", make_large_memo_index, NULL, "memo index"),
             .pad = 8192 * MIB},
        {ROW("2^31 Nones, 1 GiB", make_shared_legacy, NULL, "unfold"), .pad = 1024 * MIB},
    };
    HOSTILE_CHECK_ALL(rows, false);
}

int main(void)
{
    hostile_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absurd_tensors),
        cmocka_unit_test(hostile_pickles),
        cmocka_unit_test(hostile_documents),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    hostile_end();
    return failed;
}
