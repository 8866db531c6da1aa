/* Eight floats at a time: the vector vocabulary of the kernels (*.inc) in AVX2 + FMA. simd_avx512.h
 * says the same with sixteen; kernels_avx2.c and kernels_avx512.c compile the one kernel source
 * with either. + - * / are the compiler's own on vf.
 *
 *     vf  floats        v_load v_store (any alignment), v_loadn v_storen (the first `left` elements
 *                       if fewer than VW; other lanes read 0), v_set, v_fma, v_fnma, v_max, ...
 *     vi  32-bit ints   vi_set, vi_load, vi_lane (0, 1, 2 ...), vi_add, vi_mul, vi_xor, VI_SHR
 *     vm  a lane mask   v_lt, vi_eq, vi_below (unsigned <), v_select(m, yes, no) */
#ifndef VL_FAST_SIMD_H
#define VL_FAST_SIMD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VW 8        /* lanes */
#define MR 6        /* rows of a matrix tile: MR x 2 vectors of sums + 2 + 1 fit 16 registers */
#define ISA_NAME avx2

typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

static const int32_t lane_masks[2 * VW] = {-1, -1, -1, -1, -1, -1, -1, -1};

static inline __m256i v_first(size_t left)
{
    return _mm256_loadu_si256((const __m256i *)(lane_masks + VW - left));
}
static inline vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
static inline vf v_loadn(const float *p, size_t left)
{
    return left >= VW ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, v_first(left));
}
static inline void v_storen(float *p, vf x, size_t left)
{
    if (left >= VW)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, v_first(left), x);
}
static inline vf v_zero(void) { return _mm256_setzero_ps(); }
static inline vf v_set(float x) { return _mm256_set1_ps(x); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static inline vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
static inline vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
static inline vf v_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vf v_round(vf a) { return _mm256_round_ps(a, 8); }
static inline vf v_recip(vf a) { return _mm256_div_ps(_mm256_set1_ps(1), a); }
static inline float v_sum(vf a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_shuffle_ps(x, x, 1)));
}
static inline float v_largest(vf a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_shuffle_ps(x, x, 1)));
}
/* sum of squares of the lanes, in double */
static inline double v_square_sum(vf a)
{
    __m256d lo = _mm256_cvtps_pd(_mm256_castps256_ps128(a));
    __m256d hi = _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1));
    __m256d s = _mm256_fmadd_pd(lo, lo, _mm256_mul_pd(hi, hi));
    __m128d x = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
    return _mm_cvtsd_f64(_mm_add_sd(x, _mm_unpackhi_pd(x, x)));
}

static inline vi vi_set(uint32_t x) { return _mm256_set1_epi32((int)x); }
static inline vi vi_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline vi vi_loadn(const int *p, size_t left)
{
    return left >= VW ? vi_load(p) : _mm256_maskload_epi32(p, v_first(left));
}
static inline vi vi_lane(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
static inline vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
static inline vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
#define VI_SHR(a, n) _mm256_srli_epi32(a, n)
static inline vf vi_to_float(vi a) { return _mm256_cvtepi32_ps(a); }
static inline vi v_bits(vf a) { return _mm256_castps_si256(a); } /* and back: v_of_bits */
static inline vf v_of_bits(vi a) { return _mm256_castsi256_ps(a); }
static inline vf v_gather(const float *p, vi i) { return _mm256_i32gather_ps(p, i, 4); }

static inline vm v_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline int v_any_eq(vf a, vf b)
{
    return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}
static inline vm vi_eq(vi a, vi b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
static inline vm vi_below(vi a, vi b)
{
    const __m256i flip = _mm256_set1_epi32(INT32_MIN);
    return _mm256_castsi256_ps(
        _mm256_cmpgt_epi32(_mm256_xor_si256(b, flip), _mm256_xor_si256(a, flip)));
}
static inline vf v_select(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }

/* x * 2^n for whole n in [-127, 127]; 2^-127 counts as 0 */
static inline vf v_scale2(vf x, vf n)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(x, _mm256_castsi256_ps(_mm256_slli_epi32(e, 23)));
}

#endif
