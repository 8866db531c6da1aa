/* libFuzzer: any bytes as a file of PyTorch's, then the values of all tensors that came out. Bytes
 * that are no container are also tried as the data.pkl of an archive with two storages, so that the
 * fuzzer need not find its way through checks of a directory to get at the pickle; as its metadata,
 * if they begin with a brace.
 *
 *     tests/fuzz/build torch && build/fuzz/fuzz_torch -max_total_time=60 build/fuzz/corpus/torch */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file/torch.h"
#include "fuzz/read_tensors.h"

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

typedef struct part {
    const char *name;
    const void *bytes;
    size_t n;
} part;

/* An archive of these entries, stored, at `zip`, which must be large enough; its size. */
static size_t archive(uint8_t *zip, const part *parts, int n_parts)
{
    uint8_t *at = zip;
    size_t where[3];
    for (int i = 0; i < n_parts; i++) {
        where[i] = (size_t)(at - zip);
        at = put_header(at, 0, parts[i].name, parts[i].n, 0);
        if (parts[i].n) memcpy(at, parts[i].bytes, parts[i].n);
        at += parts[i].n;
    }
    size_t directory = (size_t)(at - zip), n = (size_t)n_parts;
    for (int i = 0; i < n_parts; i++)
        at = put_header(at, 1, parts[i].name, parts[i].n, where[i]);
    size_t n_directory = (size_t)(at - zip) - directory;
    at = put(put(put(put(at, 0x06054b50, 4), 0, 4), n, 2), n, 2);
    at = put(put(put(at, n_directory, 4), directory, 4), 0, 2);
    return (size_t)(at - zip);
}

static void read_as_part(const uint8_t *data, size_t n)
{
    static const uint8_t elements[64] = {0, 60, 128, 63, 1};
    const part document[] = {{"a/data.pkl", data, n},
                             {"a/data/0", elements, sizeof elements},
                             {"a/data/1", elements, sizeof elements}};
    const part metadata[] = {{"a/data.pkl", "}.", 2}, {"a/violet.json", data, n}};
    uint8_t *zip = malloc(n + 1000);
    if (!zip) return;
    if (n && data[0] == '{')
        read_tensors_file(zip, archive(zip, metadata, 2));
    else
        read_tensors(zip, archive(zip, document, 3));
    free(zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    read_tensors(data, n);
    if (!vl_torch_looks(data, n))
        read_as_part(data, n);
    else
        read_tensors_file(data, n);
    return 0;
}
