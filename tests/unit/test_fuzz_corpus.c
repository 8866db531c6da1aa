/* What the fuzzers found worth keeping (tests/fuzz/corpus), run through the fuzzers' own functions:
 * every path into the readers that libFuzzer reached, in an ordinary test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define LLVMFuzzerTestOneInput fuzz_pickle
#include "fuzz/fuzz_pickle.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_torch
#include "fuzz/fuzz_torch.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_items
#include "fuzz/fuzz_items.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_safetensors
#include "fuzz/fuzz_safetensors.c"
#undef LLVMFuzzerTestOneInput

static void replay(const char *folder, int (*fuzz)(const uint8_t *, size_t), int n_least)
{
    DIR *dir = opendir(folder);
    int n_files = 0;
    if (!dir) fail_msg("no %s", folder);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[600], *bytes;
        size_t n;
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        assert_int_equal(vl_file_read(&bytes, &n, path, 1 << 20), VIOLET_OK);
        uint8_t *exact = malloc(n ? n : 1); /* no byte behind it, for the address sanitizer */
        memcpy(exact, bytes, n);
        fuzz(exact, n);
        free(exact);
        free(bytes);
        n_files++;
    }
    closedir(dir);
    assert_true(n_files >= n_least);
}

static void pickles(void **state)
{
    (void)state;
    replay("tests/fuzz/corpus/pickle", fuzz_pickle, 200);
}

static void pytorch_files(void **state)
{
    (void)state;
    replay("tests/fuzz/corpus/torch", fuzz_torch, 200);
}

static void safetensors(void **state)
{
    (void)state;
    replay("tests/fuzz/corpus/safetensors", fuzz_safetensors, 20);
}

static void items_of_tasks(void **state)
{
    (void)state;
    replay("tests/fuzz/corpus/items", fuzz_items, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickles),
        cmocka_unit_test(pytorch_files),
        cmocka_unit_test(items_of_tasks),
        cmocka_unit_test(safetensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
