/* For fuzzers: bytes as a file of tensors, opened as programs do, by name, and all of it looked at.
 * The file is one in memory (memfd), written over each time. */
#ifndef READ_TENSORS_H
#define READ_TENSORS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file/tensors.h"

/* The values by way of the file are those by way of its map, in whole and in part. */
static void compare_values(const vl_tensors *f, const vl_stored *t)
{
    float *x = malloc((2 * t->n + 1) * sizeof *x), *y = x + t->n;
    size_t half = t->n / 2;
    if (!x) return;
    vl_stored_floats(x, t, 0, t->n);
    if (vl_tensors_read(y, f, t, half, t->n - half) != VIOLET_OK) abort();
    if (memcmp(x + half, y, (t->n - half) * sizeof *x) != 0) abort();
    free(x);
}

static void look_at_metadata(const vl_tensors *f)
{
    const char *key;
    json_t *value, *all = (json_t *)(uintptr_t)vl_tensors_all_metadata(f);
    json_object_foreach(all, key, value)
        if (!json_is_string(value) || vl_tensors_metadata(f, key) != json_string_value(value))
            abort();
}

static void read_tensors_file(const void *data, size_t n)
{
    static int fd = -1;
    static char path[40];
    vl_tensors *f;
    if (fd < 0) snprintf(path, sizeof path, "/proc/self/fd/%d", fd = memfd_create("fuzz", 0));
    if (fd < 0 || ftruncate(fd, (off_t)n) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n) abort();
    if (vl_tensors_open(&f, path) != VIOLET_OK) return;
    for (size_t i = 0; i < vl_tensors_n(f); i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        if (t->n < 100000) compare_values(f, t);
        if (vl_tensors_find(f, t->name) != t) abort();
    }
    look_at_metadata(f);
    vl_tensors_close(f);
}

#endif
