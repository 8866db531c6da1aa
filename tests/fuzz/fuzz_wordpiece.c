/* Any bytes as text, and as a vocabulary: ids stay in range, [SEP] is last, decoding works. */
#include <stdlib.h>
#include <string.h>

#include "text/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static vl_wordpiece *bert;
    if (!bert && vl_wordpiece_open(&bert, NULL) != VIOLET_OK) abort();
    char *text = malloc(n + 1);
    if (!text) return 0;
    memcpy(text, data, n);
    text[n] = 0;
    int size = 2 + (int)(n % 40), whole;
    int32_t *ids = malloc((size_t)size * sizeof *ids);
    int kept = vl_wordpiece_encode(bert, ids, size, text, &whole);
    if (kept < 2 || kept > size || whole < kept) abort();
    if (ids[kept - 1] != vl_wordpiece_special(bert, VL_SEP)) abort();
    vl_buf b = {0};
    if (vl_wordpiece_decode(bert, &b, ids, size) != VIOLET_OK) abort();
    vl_buf_free(&b);
    static const char specials[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
    vl_wordpiece *own;
    if (vl_buf_puts(&b, specials) == VIOLET_OK && vl_buf_append(&b, data, n) == VIOLET_OK &&
        vl_wordpiece_parse(&own, b.data, b.n, "own") == VIOLET_OK) {
        vl_wordpiece_encode(own, ids, size, text, NULL);
        for (int i = 0; i < size; i++)
            if (!vl_wordpiece_token(own, ids[i])) abort();
        vl_wordpiece_free(own);
    }
    vl_buf_free(&b);
    free(ids);
    free(text);
    return 0;
}
