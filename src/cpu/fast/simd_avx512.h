/* Sixteen floats at a time: the vocabulary of simd_avx2.h in AVX-512 (F, BW, VL, DQ). */
#ifndef VL_FAST_SIMD_H
#define VL_FAST_SIMD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VW 16       /* lanes */
#define MR 14       /* rows of a matrix tile: MR x 2 vectors of sums + 2 fit 32 registers */
#define ISA_NAME avx512

typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

static inline vm v_first(size_t left) { return (vm)((1u << left) - 1); }
static inline vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
static inline vf v_loadn(const float *p, size_t left)
{
    return left >= VW ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(v_first(left), p);
}
static inline void v_storen(float *p, vf x, size_t left)
{
    if (left >= VW)
        _mm512_storeu_ps(p, x);
    else
        _mm512_mask_storeu_ps(p, v_first(left), x);
}
static inline vf v_zero(void) { return _mm512_setzero_ps(); }
static inline vf v_set(float x) { return _mm512_set1_ps(x); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
static inline vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static inline vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
static inline vf v_abs(vf a) { return _mm512_abs_ps(a); }
static inline vf v_round(vf a) { return _mm512_roundscale_ps(a, 8); }
/* 14 bits by the instruction and one Newton step: half the cost of a division */
static inline vf v_recip(vf a)
{
    vf r = _mm512_rcp14_ps(a);
    return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(a, r, _mm512_set1_ps(1)), r);
}
static inline float v_sum(vf a) { return _mm512_reduce_add_ps(a); }
static inline float v_largest(vf a) { return _mm512_reduce_max_ps(a); }
static inline double v_square_sum(vf a)
{
    __m512d lo = _mm512_cvtps_pd(_mm512_castps512_ps256(a));
    __m512d hi = _mm512_cvtps_pd(_mm512_extractf32x8_ps(a, 1));
    return _mm512_reduce_add_pd(_mm512_fmadd_pd(lo, lo, _mm512_mul_pd(hi, hi)));
}

static inline vi vi_set(uint32_t x) { return _mm512_set1_epi32((int)x); }
static inline vi vi_load(const void *p) { return _mm512_loadu_si512(p); }
static inline vi vi_loadn(const int *p, size_t left)
{
    return left >= VW ? vi_load(p) : _mm512_maskz_loadu_epi32(v_first(left), p);
}
static inline vi vi_lane(void)
{
    return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
static inline vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static inline vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
static inline vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
#define VI_SHR(a, n) _mm512_srli_epi32(a, n)
static inline vf vi_to_float(vi a) { return _mm512_cvtepi32_ps(a); }
static inline vi v_bits(vf a) { return _mm512_castps_si512(a); }
static inline vf v_of_bits(vi a) { return _mm512_castsi512_ps(a); }
static inline vf v_gather(const float *p, vi i) { return _mm512_i32gather_ps(i, p, 4); }

static inline vm v_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline int v_any_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
static inline vm vi_eq(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
static inline vm vi_below(vi a, vi b) { return _mm512_cmplt_epu32_mask(a, b); }
static inline vf v_select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }

/* x * 2^n for whole n in [-127, 127]; 2^-127 counts as 0 (denormals would be slow) */
static inline vf v_scale2(vf x, vf n)
{
    vm normal = _mm512_cmp_ps_mask(n, _mm512_set1_ps(-126), _CMP_NLT_UQ);
    return _mm512_maskz_scalef_ps(normal, x, n);
}

#endif
