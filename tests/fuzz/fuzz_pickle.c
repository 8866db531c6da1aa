/* libFuzzer: any bytes as a pickle, without and with inert objects, then a walk over all that came
 * out.
 *
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -Iinclude -Isrc tests/fuzz/fuzz_pickle.c ...
 * tests/fuzz/build builds all of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "file/pickle.h"
#include "file/pickle_node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static volatile size_t seen; /* so that nothing that is read can be left out */

/* Looks at everything below v; returns how many values that are. */
static size_t touch(const vl_value *v)
{
    vl_ndarray a;
    size_t n, nodes = 1, found = 0;
    if (!v) return 0;
    const char *s = vl_value_str(&n, v);
    if (s && n) seen += (uint8_t)s[0] + (uint8_t)s[n - 1];
    const uint8_t *b = vl_value_bytes(&n, v);
    if (b && n) seen += b[0] + b[n - 1];
    if (vl_value_array(&a, v) && a.n < 100000) {
        float *f = malloc((a.n + 1) * sizeof *f);
        int32_t *i = malloc((a.n + 1) * sizeof *i);
        if (f) seen += vl_ndarray_to_float(f, &a) == VIOLET_OK;
        if (i) seen += vl_ndarray_to_i32(i, &a) == VIOLET_OK;
        free(f);
        free(i);
    }
    if (vl_value_kind(v) == VL_OBJECT) {
        const char *module, *name;
        if (!vl_object_class(&module, &n, &name, &found, v)) abort();
        nodes += touch(vl_object_state(v)) + touch(vl_object_items(v));
    }
    for (size_t i = 0; i < vl_value_n(v); i++) {
        const vl_value *k = vl_dict_key(v, i);
        s = vl_value_str(&found, k);
        if (s && !vl_dict_find(v, s, found)) abort();
        nodes += touch(vl_value_at(v, i)) + touch(k);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const vl_pickle_options options = {.objects = true};
    for (int objects = 0; objects < 2; objects++) {
        vl_pickle *doc;
        if (vl_pickle_parse(&doc, data, n, "fuzz", objects ? &options : NULL) != VIOLET_OK)
            continue;
        if (touch(vl_pickle_root(doc)) > 16 * n + 1000) abort(); /* what pickle.h promises */
        vl_pickle_close(doc);
    }
    return 0;
}
