/* The kernels for AVX2 + FMA. */
#include "simd_avx2.h"
#include "kernels.inc"
