/* libFuzzer: any bytes as safetensors, then every tensor as float. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "file/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    vl_safetensors *f;
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
    return 0;
}
