/* Large numbers as one reads them.
 *
 *     char text[VL_WORDS];
 *     vl_words_count(text, 197581432)      "197,581,432"
 *     vl_words_bytes(text, 790412032)      "790.4 MB"
 */
#ifndef VL_BASE_WORDS_H
#define VL_BASE_WORDS_H

#include <stdint.h>

#define VL_WORDS 32

/* Both return text. */
const char *vl_words_count(char text[VL_WORDS], uint64_t x);
const char *vl_words_bytes(char text[VL_WORDS], uint64_t bytes);

#endif
