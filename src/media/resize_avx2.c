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

/* Four taps of one pixel a turn: bytes r0 g0 b0 r1 ... b3 become the 16-bit pairs
 * [r0 r1 g0 g1 b0 b1 . . | r2 r3 g2 g3 b2 b3 . .]. */
void vl_resize_row_avx2(uint8_t *out, long plane, const uint8_t *row, long readable,
                        const vl_taps *t)
{
    /* A turn reads 16 bytes for 12: at the end of the picture the plain pass has to do. */
    if (3L * t->reach + 4 > readable) {
        vl_resize_row_plain(out, plane, row, readable, t);
        return;
    }
    const __m256i pick =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, /* taps 0, 1 */
                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m128i half = _mm_set1_epi32(1 << (WEIGHT_BITS - 1));
    for (int i = 0; i < t->n_out; i++) {
        const uint8_t *p = row + 3 * (size_t)t->first[i];
        const int16_t *hi = t->hi + (size_t)i * (size_t)t->stride;
        const int16_t *lo = t->lo + (size_t)i * (size_t)t->stride;
        __m256i sum_hi = _mm256_setzero_si256(), sum_lo = sum_hi;
        for (int k = 0; k < t->n[i]; k += 4, p += 12) {
            __m256i x = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
            x = _mm256_shuffle_epi8(x, pick);
            __m256i w_hi = _mm256_set_m128i(_mm_set1_epi32(load_pair(hi + k + 2)),
                                            _mm_set1_epi32(load_pair(hi + k)));
            __m256i w_lo = _mm256_set_m128i(_mm_set1_epi32(load_pair(lo + k + 2)),
                                            _mm_set1_epi32(load_pair(lo + k)));
            sum_hi = _mm256_add_epi32(sum_hi, _mm256_madd_epi16(x, w_hi));
            sum_lo = _mm256_add_epi32(sum_lo, _mm256_madd_epi16(x, w_lo));
        }
        __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(sum_hi, LOW_BITS), sum_lo);
        __m128i v = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        v = _mm_srai_epi32(_mm_add_epi32(v, half), WEIGHT_BITS);
        v = _mm_packus_epi16(_mm_packs_epi32(v, v), v);
        uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(v);
        out[i] = (uint8_t)rgb;
        out[i + plane] = (uint8_t)(rgb >> 8);
        out[i + 2 * plane] = (uint8_t)(rgb >> 16);
    }
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
