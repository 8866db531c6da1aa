/* From bytes to the characters that uncased BERT sees: what Hugging Face's BertNormalizer and
 * BertPreTokenizer do, one code point at a time.
 *
 *     while (n > 0) {
 *         uint32_t c;
 *         size_t used = vl_utf8_next(&c, text, n);
 *         int k = vl_bert_chars(out, c);       // 0 to VL_BERT_CHARS characters come of it
 *         ...
 *     }
 *
 * In order: control characters go, white space becomes a space, CJK ideographs stand alone; NFD;
 * non-spacing marks (accents) go; lower case; punctuation stands alone. */
#ifndef VL_TEXT_NORMALISE_H
#define VL_TEXT_NORMALISE_H

#include <stddef.h>
#include <stdint.h>

#define VL_BERT_CHARS 4 /* no canonical decomposition is longer */

typedef enum vl_bert_kind {
    VL_BERT_LETTER, /* part of a word */
    VL_BERT_SPACE,  /* ends a word */
    VL_BERT_ALONE,  /* ends a word and is one: punctuation, CJK ideographs */
} vl_bert_kind;

typedef struct vl_bert_char {
    uint32_t c;
    vl_bert_kind kind;
} vl_bert_char;

/* Reads one code point from n > 0 bytes and returns how many bytes it took; what is not UTF-8 is
 * U+FFFD (as Python's errors='replace'; how many of them makes no difference here: they go). */
size_t vl_utf8_next(uint32_t *c, const char *text, size_t n);

/* Writes c (a scalar value) as UTF-8 and returns the number of bytes, 1 to 4. */
size_t vl_utf8_put(char out[4], uint32_t c);

/* Returns the number of characters written to out. */
int vl_bert_chars(vl_bert_char out[VL_BERT_CHARS], uint32_t c);

#endif
