/* See make_torch.h. */
#include "unit/make_torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(violet_status status)
{
    if (status != VIOLET_OK) abort();
}

void put_tensor(vl_buf *b, const char *storage, const char *key, long long n, long long offset,
                const char *shape, const char *stride)
{
    must(vl_buf_printf(b, "ctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\n%s\nS'%s'\n"
                          "S'cpu'\nL%lldL\ntQL%lldL\n(%st(%stI00\nccollections\nOrderedDict\n"
                          "(tRtR", storage, key, n, offset, shape, stride));
}

void put_vector(vl_buf *b, const char *key, int n)
{
    char shape[20];
    snprintf(shape, sizeof shape, "I%d\n", n);
    put_tensor(b, "FloatStorage", key, 24, 0, shape, "I1\n");
}

static void put_number(vl_buf *b, unsigned long long x, int n)
{
    for (int i = 0; i < n; i++, x >>= 8) must(vl_buf_putc(b, (char)x));
}

void zip_put(zip_maker *z, const char *name, const void *bytes, size_t n)
{
    size_t at = z->data.n, n_name = strlen(name);
    for (int in_directory = 0; in_directory < 2; in_directory++) {
        vl_buf *b = in_directory ? &z->directory : &z->data;
        must(vl_buf_append(b, in_directory ? "PK\1\2" : "PK\3\4", 4));
        put_number(b, 0, in_directory ? 6 : 4); /* versions, flags */
        put_number(b, 0, 2 + 4 + 4);            /* stored; time; checksum */
        put_number(b, n, 4);
        put_number(b, n, 4);
        put_number(b, n_name, 2);
        put_number(b, 0, in_directory ? 2 + 2 + 2 + 2 + 4 : 2);
        if (in_directory) put_number(b, at, 4);
        must(vl_buf_append(b, name, n_name));
    }
    must(vl_buf_append(&z->data, bytes, n));
    z->n++;
}

void zip_end(zip_maker *z)
{
    size_t at = z->data.n;
    must(vl_buf_append(&z->data, z->directory.data, z->directory.n));
    must(vl_buf_append(&z->data, "PK\5\6\0\0\0\0", 8));
    put_number(&z->data, z->n, 2);
    put_number(&z->data, z->n, 2);
    put_number(&z->data, z->directory.n, 4);
    put_number(&z->data, at, 4);
    put_number(&z->data, 0, 2);
}

void zip_free(zip_maker *z)
{
    vl_buf_free(&z->data);
    vl_buf_free(&z->directory);
    *z = (zip_maker){0};
}

void zip_of(zip_maker *z, const char *program, size_t n, int n_storages)
{
    float x[24];
    char name[40];
    for (int i = 0; i < 24; i++) x[i] = (float)i;
    zip_put(z, "ar/data.pkl", program, n);
    for (int i = 0; i < n_storages; i++) {
        snprintf(name, sizeof name, "ar/data/%d", i);
        zip_put(z, name, x, sizeof x);
    }
    zip_end(z);
}

const char legacy_head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                           "\x80\2M\xe9\3.\x80\2}X\r\0\0\0little_endian\x88s.";
const size_t legacy_head_bytes = sizeof legacy_head - 1;
