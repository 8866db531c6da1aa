/* Makes PyTorch files as PyTorch never would: pickles spelled in text opcodes, zip archives of
 * stored entries, the legacy container. */
#ifndef MAKE_TORCH_H
#define MAKE_TORCH_H

#include "base/buf.h"

/* Appends a call of _rebuild_tensor_v2 on storage `key`, class such as "FloatStorage", of n
 * elements; shape and stride as opcodes ("I2\nI3\n"). */
void put_tensor(vl_buf *b, const char *storage, const char *key, long long n, long long offset,
                const char *shape, const char *stride);
/* One of (n) floats in storage `key`, without tricks. */
void put_vector(vl_buf *b, const char *key, int n);

typedef struct zip_maker {
    vl_buf data, directory;
    int n;
} zip_maker;

void zip_put(zip_maker *z, const char *name, const void *bytes, size_t n);
/* Adds the directory; the archive is z->data. */
void zip_end(zip_maker *z);
void zip_free(zip_maker *z);

/* ar/data.pkl of the program, and storages 0 .. n_storages - 1 of 96 bytes: floats 0, 1, 2, ... */
void zip_of(zip_maker *z, const char *program, size_t n, int n_storages);

/* The three heads of a legacy file. */
extern const char legacy_head[];
extern const size_t legacy_head_bytes;

#endif
