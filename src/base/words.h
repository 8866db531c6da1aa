/* Numbers as one reads them.
 *
 *     char text[VL_WORDS];
 *     vl_words_count(text, 197581432)      "197,581,432"
 *     vl_words_bytes(text, 790412032)      "790.4 MB"
 *     vl_words_shape(shape, 2, (int64_t[]){1, 1536})      "1 x 1536"
 */
#ifndef VL_BASE_WORDS_H
#define VL_BASE_WORDS_H

#include <stdint.h>

#define VL_WORDS 32
#define VL_WORDS_DIMS 8                        /* of a shape; those behind are left out */
#define VL_WORDS_SHAPE (VL_WORDS_DIMS * 23 + 1) /* up to 20 characters each, and " x " */

/* All return text. */
const char *vl_words_count(char text[VL_WORDS], uint64_t x);
const char *vl_words_bytes(char text[VL_WORDS], uint64_t bytes);
/* Without dimensions: "one number". */
const char *vl_words_shape(char text[VL_WORDS_SHAPE], int n, const int64_t *shape);

#endif
