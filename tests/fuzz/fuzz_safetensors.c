/* libFuzzer: any bytes as safetensors, then every tensor as float. Bytes that begin with a brace
 * are also tried as a header, in front of some data, so that the fuzzer need not find out how long
 * it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "file/safetensors.h"
#include "fuzz/read_tensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void read_as_header(const uint8_t *data, size_t n)
{
    enum { N_DATA = 64 };
    uint8_t *file = malloc(8 + n + N_DATA);
    uint64_t n_header = n;
    if (!file) return;
    memcpy(file, &n_header, 8);
    memcpy(file + 8, data, n);
    for (size_t i = 0; i < N_DATA; i++) file[8 + n + i] = (uint8_t)(37 * i);
    read_tensors_file(file, 8 + n + N_DATA);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    vl_safetensors *f;
    if (n && data[0] == '{') read_as_header(data, n);
    /* by name a file that does not begin with an object is not taken for one of these */
    if (vl_safetensors_parse(&f, data, n, "fuzz") != VIOLET_OK) return 0;
    for (size_t i = 0; i < vl_safetensors_n(f); i++) {
        const vl_safetensor *t = vl_safetensors_at(f, i);
        float *v = malloc((t->n + 1) * sizeof *v);
        if (v) vl_dtype_to_float(v, t->data, t->dtype, t->n);
        free(v);
        if (vl_safetensors_find(f, t->name) != t) abort();
    }
    (void)vl_safetensors_metadata(f, "format");
    vl_safetensors_close(f);
    read_tensors_file(data, n);
    return 0;
}
