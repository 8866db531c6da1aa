/* libFuzzer: byte 0 says how many bytes of index (and of which kind) come before the tsv. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "file/tsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static vl_tsv_row row;
    vl_tsv *t;
    size_t n_index = n ? data[0] >> 1 : 0, sum = 0;
    if (n < 1 + n_index) return 0;
    const uint8_t *index = data + 1, *tsv = index + n_index;
    if (vl_tsv_parse(&t, tsv, n - 1 - n_index, n_index ? index : NULL, n_index, data[0] & 1,
                     "fuzz") != VIOLET_OK)
        return 0;
    for (size_t i = 0; i < vl_tsv_n(t); i++) {
        if (vl_tsv_read(&row, t, i) != VIOLET_OK) continue;
        for (int k = 0; k < row.n_frames; k++)
            for (size_t j = 0; j < row.frame[k].n; j++) sum += (uint8_t)row.frame[k].s[j];
        sum += row.id.n ? (uint8_t)row.id.s[row.id.n - 1] : 0;
    }
    vl_tsv_close(t);
    return sum == SIZE_MAX;
}
