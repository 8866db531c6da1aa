/* libFuzzer: any bytes as a file of PyTorch's, then the values of all tensors that came out. Bytes
 * that are no container are also tried as the data.pkl of an archive with two storages, so that the
 * fuzzer need not find its way through checks of a directory to get at the pickle.
 *
 *     tests/fuzz/build torch && build/fuzz/fuzz_torch -max_total_time=60 build/fuzz/corpus/torch */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file/torch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_tensors(const void *data, size_t n)
{
    vl_torch *f;
    if (vl_torch_parse(&f, data, n, "fuzz") != VIOLET_OK) return;
    for (size_t i = 0; i < vl_torch_n(f); i++) {
        const vl_stored *t = vl_torch_at(f, i);
        float *x = t->n < 100000 ? malloc((t->n + 1) * sizeof *x) : NULL;
        if (x) vl_stored_floats(x, t, 0, t->n);
        if (vl_torch_find(f, t->name) != t) abort();
        free(x);
    }
    if (vl_torch_class(f) && strlen(vl_torch_class(f)) > 300) abort();
    vl_torch_attribute(f, "n_hid");
    vl_torch_close(f);
}

static uint8_t *put(uint8_t *at, uint64_t x, int n_bytes)
{
    memcpy(at, &x, (size_t)n_bytes);
    return at + n_bytes;
}

/* One stored entry's header; in the directory (`where` its local header) or before the data. */
static uint8_t *put_header(uint8_t *at, int in_directory, const char *name, size_t n, size_t where)
{
    at = put(at, in_directory ? 0x02014b50 : 0x04034b50, 4);
    memset(at, 0, 42);
    at += in_directory ? 16 : 14;
    at = put(put(put(at, n, 4), n, 4), strlen(name), 2);
    at += in_directory ? 12 : 2;
    if (in_directory) at = put(at, where, 4);
    memcpy(at, name, strlen(name));
    return at + strlen(name);
}

static void read_as_document(const uint8_t *data, size_t n)
{
    static const char *const names[] = {"a/data.pkl", "a/data/0", "a/data/1"};
    static const uint8_t elements[64] = {0, 60, 128, 63, 1};
    uint8_t *zip = malloc(n + 1000), *at = zip;
    size_t where[3];
    if (!zip) return;
    for (int i = 0; i < 3; i++) {
        size_t n_entry = i ? sizeof elements : n;
        where[i] = (size_t)(at - zip);
        at = put_header(at, 0, names[i], n_entry, 0);
        if (n_entry) memcpy(at, i ? elements : data, n_entry);
        at += n_entry;
    }
    size_t directory = (size_t)(at - zip);
    for (int i = 0; i < 3; i++)
        at = put_header(at, 1, names[i], i ? sizeof elements : n, where[i]);
    size_t n_directory = (size_t)(at - zip) - directory;
    at = put(put(put(put(at, 0x06054b50, 4), 0, 4), 3, 2), 3, 2);
    at = put(put(put(at, n_directory, 4), directory, 4), 0, 2);
    read_tensors(zip, (size_t)(at - zip));
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    read_tensors(data, n);
    if (!vl_torch_looks(data, n)) read_as_document(data, n);
    return 0;
}
