/* Files of tensors beyond 4 GiB, all three containers. They are made of holes, so they take no
 * disk; where the file system cannot make any, the tests are skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file/tensors.h"
#include "unit/make_data.h"
#include "unit/make_torch.h"

#define GIB ((uint64_t)1 << 30)
#define LARGE (GIB + 100) /* floats: 4 GiB + 400 bytes */
#define N_SMALL 24

static char folder[64], path[100];

static int set_up(void **state)
{
    (void)state;
    make_folder(folder);
    snprintf(path, sizeof path, "%s/large", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_folder(folder);
    return 0;
}

/* ---- a file with holes ----------------------------------------------------------------------- */

typedef struct sparse {
    int fd;
    uint64_t at;
} sparse;

/* Skips the test where a hole costs disk. */
static sparse create(void)
{
    struct stat st;
    sparse s = {open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), 0};
    assert_true(s.fd >= 0);
    if (ftruncate(s.fd, (off_t)(5 * GIB)) != 0 || fstat(s.fd, &st) != 0 || st.st_blocks > 2048) {
        close(s.fd);
        unlink(path);
        printf("skip: no files with holes under /tmp\n");
        skip();
    }
    assert_int_equal(ftruncate(s.fd, 0), 0);
    return s;
}

static void put(sparse *s, const void *bytes, size_t n)
{
    assert_int_equal(pwrite(s->fd, bytes, n, (off_t)s->at), n);
    s->at += n;
}

static void put_buf(sparse *s, vl_buf *b)
{
    put(s, b->data, b->n);
    vl_buf_free(b);
}

/* LARGE floats: zeros, but for the last four. */
static void put_large(sparse *s)
{
    s->at += (LARGE - 4) * sizeof(float);
    put(s, (float[]){5, 6, 7, 8}, 16);
}

static void put_small(sparse *s)
{
    float x[N_SMALL];
    for (int i = 0; i < N_SMALL; i++) x[i] = (float)(100 + i);
    put(s, x, sizeof x);
}

static void finish(sparse *s)
{
    assert_int_equal(ftruncate(s->fd, (off_t)s->at), 0);
    close(s->fd);
}

/* {large: LARGE floats of storage 0, tail: its last 8, small: of storage 1} */
static void put_program(vl_buf *b)
{
    char size[40];
    snprintf(size, sizeof size, "L%lluL\n", (unsigned long long)LARGE);
    assert_int_equal(vl_buf_puts(b, "(dS'large'\n"), VIOLET_OK);
    put_tensor(b, "FloatStorage", "0", LARGE, 0, size, "I1\n");
    assert_int_equal(vl_buf_puts(b, "sS'tail'\n"), VIOLET_OK);
    put_tensor(b, "FloatStorage", "0", LARGE, LARGE - 8, "I4\nI2\n", "I1\nI4\n");
    assert_int_equal(vl_buf_puts(b, "sS'small'\n"), VIOLET_OK);
    put_tensor(b, "FloatStorage", "1", N_SMALL, 0, "I24\n", "I1\n");
    assert_int_equal(vl_buf_puts(b, "s."), VIOLET_OK);
}

static void expect(const vl_tensors *f, const char *name, size_t first, const float *expected,
                   size_t n)
{
    float x[32];
    const vl_stored *t = vl_tensors_find(f, name);
    if (!t) fail_msg("no '%s'", name);
    if (vl_tensors_read(x, f, t, first, n) != VIOLET_OK) fail_msg("%s", violet_error());
    for (size_t i = 0; i < n; i++)
        if (x[i] != expected[i])
            fail_msg("%s[%zu]: %g, not %g", name, first + i, (double)x[i], (double)expected[i]);
    vl_stored_floats(x, t, first, n); /* through the map */
    assert_memory_equal(x, expected, n * sizeof *x);
}

static void check_file(const char *format)
{
    vl_tensors *f;
    if (vl_tensors_open(&f, path) != VIOLET_OK) fail_msg("%s", violet_error());
    assert_string_equal(vl_tensors_format(f), format);
    assert_true(vl_tensors_find(f, "large") && vl_tensors_find(f, "large")->n == LARGE);
    expect(f, "large", 0, (float[]){0, 0}, 2);
    expect(f, "large", LARGE - 6, (float[]){0, 0, 5, 6, 7, 8}, 6);
    expect(f, "small", 20, (float[]){120, 121, 122, 123}, 4);
    if (vl_tensors_torch(f)) expect(f, "tail", 1, (float[]){5, 0, 6, 0, 7, 0, 8}, 7);
    vl_tensors_close(f);
    unlink(path);
}

/* ---- zip64, as PyTorch writes it ------------------------------------------------------------- */

static void put_number(vl_buf *b, uint64_t x, int n)
{
    for (int i = 0; i < n; i++, x >>= 8) assert_int_equal(vl_buf_putc(b, (char)x), VIOLET_OK);
}

/* The header of a stored entry; sizes and offset in the extra field where they need to be. */
static void put_header(vl_buf *b, int in_directory, const char *name, uint64_t size, uint64_t at)
{
    bool long_size = size >= UINT32_MAX, long_at = in_directory && at >= UINT32_MAX;
    int n_extra = (long_size ? 16 : 0) + (long_at ? 8 : 0);
    assert_int_equal(vl_buf_append(b, in_directory ? "PK\1\2" : "PK\3\4", 4), VIOLET_OK);
    put_number(b, 45, in_directory ? 4 : 2);
    put_number(b, 0, 2 + 2 + 4 + 4);
    put_number(b, long_size ? UINT32_MAX : size, 4);
    put_number(b, long_size ? UINT32_MAX : size, 4);
    put_number(b, strlen(name), 2);
    put_number(b, n_extra ? 4 + (uint64_t)n_extra : 0, 2);
    if (in_directory) put_number(b, 0, 2 + 2 + 2 + 4);
    if (in_directory) put_number(b, long_at ? UINT32_MAX : at, 4);
    assert_int_equal(vl_buf_puts(b, name), VIOLET_OK);
    if (!n_extra) return;
    put_number(b, 1, 2);
    put_number(b, (uint64_t)n_extra, 2);
    if (long_size) put_number(b, size, 8);
    if (long_size) put_number(b, size, 8);
    if (long_at) put_number(b, at, 8);
}

static void put_end(vl_buf *b, uint64_t n_entries, uint64_t directory)
{
    uint64_t n_bytes = b->n, at = directory + n_bytes;
    assert_int_equal(vl_buf_append(b, "PK\6\6", 4), VIOLET_OK);
    put_number(b, 44, 8);
    put_number(b, 45 | 45 << 16, 4);
    put_number(b, 0, 8);
    put_number(b, n_entries, 8);
    put_number(b, n_entries, 8);
    put_number(b, n_bytes, 8);
    put_number(b, directory, 8);
    assert_int_equal(vl_buf_append(b, "PK\6\7\0\0\0\0", 8), VIOLET_OK);
    put_number(b, at, 8);
    put_number(b, 1, 4);
    assert_int_equal(vl_buf_append(b, "PK\5\6\0\0\0\0", 8), VIOLET_OK);
    put_number(b, n_entries, 2);
    put_number(b, n_entries, 2);
    put_number(b, n_bytes, 4);
    put_number(b, UINT32_MAX, 4);
    put_number(b, 0, 2);
}

static void begin_entry(sparse *s, vl_buf *directory, const char *name, uint64_t size)
{
    vl_buf header = {0};
    put_header(directory, 1, name, size, s->at);
    put_header(&header, 0, name, size, s->at);
    put_buf(s, &header);
}

static void zip64(void **state)
{
    (void)state;
    vl_buf program = {0}, directory = {0};
    sparse s = create();
    put_program(&program);
    begin_entry(&s, &directory, "ar/data.pkl", program.n);
    put_buf(&s, &program);
    begin_entry(&s, &directory, "ar/data/0", LARGE * sizeof(float));
    put_large(&s);
    begin_entry(&s, &directory, "ar/data/1", N_SMALL * sizeof(float));
    assert_true(s.at > 4 * GIB);
    put_small(&s);
    put_end(&directory, 3, s.at);
    put_buf(&s, &directory);
    finish(&s);
    check_file("PyTorch, zip");
}

/* ---- the others ------------------------------------------------------------------------------ */

static void legacy(void **state)
{
    (void)state;
    vl_buf b = {0};
    sparse s = create();
    put(&s, legacy_head, legacy_head_bytes);
    put_program(&b);
    assert_int_equal(vl_buf_puts(&b, "(lS'0'\naS'1'\na."), VIOLET_OK);
    put_buf(&s, &b);
    put(&s, &(uint64_t){LARGE}, 8);
    put_large(&s);
    put(&s, &(uint64_t){N_SMALL}, 8);
    put_small(&s);
    finish(&s);
    check_file("PyTorch, legacy");
}

static void safetensors(void **state)
{
    (void)state;
    char header[300];
    sparse s = create();
    unsigned long long middle = LARGE * sizeof(float), end = middle + N_SMALL * sizeof(float);
    uint64_t n = (uint64_t)snprintf(header, sizeof header,
        "{\"large\":{\"dtype\":\"F32\",\"shape\":[%llu],\"data_offsets\":[0,%llu]},"
        "\"small\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%llu,%llu]}}",
        (unsigned long long)LARGE, middle, N_SMALL, middle, end);
    put(&s, &n, 8);
    put(&s, header, n);
    put_large(&s);
    put_small(&s);
    finish(&s);
    check_file("safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zip64),
        cmocka_unit_test(legacy),
        cmocka_unit_test(safetensors),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
