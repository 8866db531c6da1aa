/* Base64, standard alphabet with '=' padding (RFC 4648 section 4), strict both ways.
 *
 *     uint8_t *jpeg = malloc(vl_base64_decoded_most(n));
 *     if ((status = vl_base64_decode(jpeg, &jpeg_bytes, text, n)) != VIOLET_OK) return status;
 *
 * Strict: no white space or line breaks, the length a multiple of four, the unused bits of the
 * last character zero. So every byte string has exactly one text, and a damaged line of a .tsv is
 * found here and not in the JPEG decoder. */
#ifndef VL_BASE_BASE64_H
#define VL_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "violet.h"

/* The most bytes that `n` characters can decode to. */
static inline size_t vl_base64_decoded_most(size_t n)
{
    return n / 4 * 3;
}

/* The characters that `n` bytes are encoded to (no closing 0). */
static inline size_t vl_base64_encoded(size_t n)
{
    return (n + 2) / 3 * 4;
}

/* out: vl_base64_decoded_most(n) bytes; may not overlap text. *n_out is 0 after an error, which
 * names the first wrong position. */
violet_status vl_base64_decode(uint8_t *out, size_t *n_out, const char *text, size_t n);

/* out: vl_base64_encoded(n) characters; no closing 0 is written. */
void vl_base64_encode(char *out, const uint8_t *bytes, size_t n);

#endif
