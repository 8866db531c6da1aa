/* The resize's passes with AVX2, bit for bit the plain ones; see resize_pass.h.
 *
 * 22-bit weights do not fit vpmaddwd's 16 bits, so each is taken as hi * 2^11 + lo: two of the
 * cheap multiply-adds, each worth two taps, instead of two slow 32-bit products. */
#include <immintrin.h>
#include <string.h>

#include "media/resize_pass.h"

static inline int32_t load_pair(const int16_t *w)
{
    int32_t v;
    memcpy(&v, w, sizeof v);
    return v;
}

/* A row in each half of the register, all four taps' bytes r0 g0 b0 r1 ... b3 . . . . of a turn
 * become the 16-bit pairs [r0 r1 g0 g1 b0 b1 . .] and [r2 r3 g2 g3 b2 b3 . .]. */
static inline __m256i resize_pixel(const uint8_t *p, const uint8_t *q, const int16_t *hi,
                                   const int16_t *lo, int n)
{
    const __m256i pick01 = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1));
    const __m256i pick23 = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1));
    __m256i sum_hi = _mm256_setzero_si256();
    __m256i sum_lo = _mm256_set1_epi32(1 << (WEIGHT_BITS - 1));
    for (int k = 0; k < n; k += 4, p += 12, q += 12) {
        __m256i x = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p));
        x = _mm256_inserti128_si256(x, _mm_loadu_si128((const __m128i *)q), 1);
        __m256i x01 = _mm256_shuffle_epi8(x, pick01), x23 = _mm256_shuffle_epi8(x, pick23);
        __m256i hi01 = _mm256_set1_epi32(load_pair(hi + k));
        __m256i hi23 = _mm256_set1_epi32(load_pair(hi + k + 2));
        __m256i lo01 = _mm256_set1_epi32(load_pair(lo + k));
        __m256i lo23 = _mm256_set1_epi32(load_pair(lo + k + 2));
        sum_hi = _mm256_add_epi32(sum_hi, _mm256_add_epi32(_mm256_madd_epi16(x01, hi01),
                                                           _mm256_madd_epi16(x23, hi23)));
        sum_lo = _mm256_add_epi32(sum_lo, _mm256_add_epi32(_mm256_madd_epi16(x01, lo01),
                                                           _mm256_madd_epi16(x23, lo23)));
    }
    __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(sum_hi, LOW_BITS), sum_lo);
    return _mm256_srai_epi32(sum, WEIGHT_BITS);
}

static inline void store4(uint8_t *out, long plane, __m128i rrrrggggbbbb)
{
    int32_t r = _mm_cvtsi128_si32(rrrrggggbbbb), g = _mm_extract_epi32(rrrrggggbbbb, 1);
    int32_t b = _mm_extract_epi32(rrrrggggbbbb, 2);
    memcpy(out, &r, sizeof r);
    memcpy(out + plane, &g, sizeof g);
    memcpy(out + 2 * plane, &b, sizeof b);
}

static inline __m256i pixel_at(const uint8_t *p, const uint8_t *q, const vl_taps *t, int i)
{
    size_t first = 3 * (size_t)t->first[i], w = (size_t)i * (size_t)t->stride;
    return resize_pixel(p + first, q + first, t->hi + w, t->lo + w, t->n[i]);
}

/* Rows p and q to out_p and out_q, which may be the same; four pixels a turn, the last ones
 * perhaps twice. */
static void resize_two(uint8_t *out_p, uint8_t *out_q, long plane, const uint8_t *p,
                       const uint8_t *q, const vl_taps *t)
{
    const __m256i by_channel = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, -1, -1, -1, -1));
    for (int at = 0; at < t->n_out; at += 4) {
        int i = at + 4 <= t->n_out ? at : t->n_out - 4;
        __m256i v0 = pixel_at(p, q, t, i), v1 = pixel_at(p, q, t, i + 1);
        __m256i v2 = pixel_at(p, q, t, i + 2), v3 = pixel_at(p, q, t, i + 3);
        __m256i rgb = _mm256_packus_epi16(_mm256_packs_epi32(v0, v1), _mm256_packs_epi32(v2, v3));
        rgb = _mm256_shuffle_epi8(rgb, by_channel);
        store4(out_p + i, plane, _mm256_castsi256_si128(rgb));
        store4(out_q + i, plane, _mm256_extracti128_si256(rgb, 1));
    }
}

void vl_resize_rows_avx2(uint8_t *out, const uint8_t *rows, int w, int h, const vl_taps *t)
{
    /* A turn reads 16 bytes for 12, and up to 3 taps too many: where the picture ends before that,
     * the plain pass has to do, nearly always for the last row alone. So it does for less than four
     * pixels to a row. */
    long S = t->n_out, size = 3L * w * h, safe = 3L * t->reach + 4;
    int y = 0;
    while (S >= 4 && y < h && 3L * w * y + safe <= size) {
        int z = y + 1 < h && 3L * w * (y + 1) + safe <= size ? y + 1 : y;
        resize_two(out + y * S, out + z * S, S * h, rows + 3L * w * y, rows + 3L * w * z, t);
        y = z + 1;
    }
    for (; y < h; y++) vl_resize_row_plain(out + y * S, S * h, rows + 3L * w * y, t);
}

/* Sixteen columns a turn, two rows at once. */
void vl_resize_column_avx2(uint8_t *out, const uint8_t *rows, long stride, int width,
                           const vl_taps *t, int y)
{
    const int16_t *hi = t->hi + (size_t)y * (size_t)t->stride;
    const int16_t *lo = t->lo + (size_t)y * (size_t)t->stride;
    const uint8_t *top = rows + t->first[y] * stride;
    const __m256i half = _mm256_set1_epi32(1 << (WEIGHT_BITS - 1));
    int n = t->n[y], x = 0;
    for (; x + 16 <= width; x += 16) {
        __m256i hi0 = _mm256_setzero_si256(), hi1 = hi0, lo0 = hi0, lo1 = hi0;
        for (int k = 0; k < n; k += 2) {
            const uint8_t *p = top + x + k * stride;
            __m256i a = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
            __m256i b = _mm256_setzero_si256();
            if (k + 1 < n) b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(p + stride)));
            __m256i ab0 = _mm256_unpacklo_epi16(a, b), ab1 = _mm256_unpackhi_epi16(a, b);
            __m256i w_hi = _mm256_set1_epi32(load_pair(hi + k));
            __m256i w_lo = _mm256_set1_epi32(load_pair(lo + k));
            hi0 = _mm256_add_epi32(hi0, _mm256_madd_epi16(ab0, w_hi));
            hi1 = _mm256_add_epi32(hi1, _mm256_madd_epi16(ab1, w_hi));
            lo0 = _mm256_add_epi32(lo0, _mm256_madd_epi16(ab0, w_lo));
            lo1 = _mm256_add_epi32(lo1, _mm256_madd_epi16(ab1, w_lo));
        }
        lo0 = _mm256_add_epi32(_mm256_add_epi32(lo0, half), _mm256_slli_epi32(hi0, LOW_BITS));
        lo1 = _mm256_add_epi32(_mm256_add_epi32(lo1, half), _mm256_slli_epi32(hi1, LOW_BITS));
        lo0 = _mm256_srai_epi32(lo0, WEIGHT_BITS);
        lo1 = _mm256_srai_epi32(lo1, WEIGHT_BITS);
        /* unpack and pack both work by halves of 128 bits, so the order comes out right */
        __m256i v = _mm256_packs_epi32(lo0, lo1);
        v = _mm256_permute4x64_epi64(_mm256_packus_epi16(v, v), 0x08);
        _mm_storeu_si128((__m128i *)(out + x), _mm256_castsi256_si128(v));
    }
    if (x < width) vl_resize_column_plain(out + x, rows + x, stride, width - x, t, y);
}
