/* Measured peaks; see peak.h. Each is the best of several turns: what disturbs can only slow. */
#include "cpu/peak.h"

#include <float.h>
#include <immintrin.h>
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/signals.h"
#include "base/status.h"

/* ---- multiply-adds --------------------------------------------------------------------------- */

enum {
    CHAINS = 12, /* enough independent sums to hide an FMA's latency */
    ROUNDS = 500000,
    TURNS_FLOPS = 20,
    TURNS_BYTES = 10,
};

__attribute__((target("avx512f"))) static float fma_avx512(void)
{
    __m512 a[CHAINS], x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.001f);
    for (int c = 0; c < CHAINS; c++) a[c] = _mm512_set1_ps((float)c);
    for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++) a[c] = _mm512_fmadd_ps(a[c], x, y);
    }
    float sum = 0;
    for (int c = 0; c < CHAINS; c++) sum += _mm512_reduce_add_ps(a[c]);
    return sum;
}

__attribute__((target("avx2,fma"))) static float fma_avx2(void)
{
    __m256 a[CHAINS], x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.001f);
    for (int c = 0; c < CHAINS; c++) a[c] = _mm256_set1_ps((float)c);
    for (int i = 0; i < ROUNDS; i++) {
#pragma GCC unroll 12
        for (int c = 0; c < CHAINS; c++) a[c] = _mm256_fmadd_ps(a[c], x, y);
    }
    float sum = 0, lane[8];
    for (int c = 0; c < CHAINS; c++) {
        _mm256_storeu_ps(lane, a[c]);
        for (int i = 0; i < 8; i++) sum += lane[i];
    }
    return sum;
}

static double measure_flops(int threads, int wide)
{
    double best = DBL_MAX;
    volatile float sink = 0; /* or the loops would be dropped */
    sigset_t was;
    vl_signals_hold(&was);
    for (int turn = 0; turn < TURNS_FLOPS; turn++) {
        double start = vl_now();
#pragma omp parallel num_threads(threads)
        {
            float sum = wide ? fma_avx512() : fma_avx2();
#pragma omp critical
            sink += sum;
        }
        double took = vl_now() - start;
        if (took < best) best = took;
    }
    vl_signals_release(&was);
    return (wide ? 16 : 8) * 2.0 * CHAINS * ROUNDS * threads / best;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Elements of each of three arrays: as large as the last cache each, within reason. */
static size_t array_size(void)
{
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t bytes = cache > 0 ? (size_t)cache : 0, least = (size_t)64 << 20,
           most = (size_t)512 << 20;
    if (bytes < least) bytes = least;
    if (bytes > most) bytes = most;
    return bytes / 64 * 64 / sizeof(float);
}

/* The read of a before it is written to is not counted: the kernels' callers do not count it. */
static void measure_bytes(vl_peak *p, float *a, float *b, float *c, size_t n)
{
    int threads = p->threads;
    double triad = DBL_MAX, copy = DBL_MAX;
    sigset_t was;
    vl_signals_hold(&was);
#pragma omp parallel for num_threads(threads)
    for (size_t i = 0; i < n; i++) a[i] = b[i] = c[i] = 1; /* pages go to their user */
    for (int turn = 0; turn < TURNS_BYTES; turn++) {
        double start = vl_now();
#pragma omp parallel for simd num_threads(threads)
        for (size_t i = 0; i < n; i++) a[i] = b[i] + 0.5f * c[i];
        double middle = vl_now();
#pragma omp parallel for simd num_threads(threads)
        for (size_t i = 0; i < n; i++) b[i] = a[i];
        double end = vl_now();
        if (middle - start < triad) triad = middle - start;
        if (end - middle < copy) copy = end - middle;
    }
    vl_signals_release(&was);
    p->triad = 3.0 * (double)n * sizeof *a / triad;
    p->copy = 2.0 * (double)n * sizeof *a / copy;
}

static int is_wide(void)
{
    return __builtin_cpu_supports("avx512f");
}

double vl_cpu_peak_flops(int threads)
{
    int usable = is_wide() || (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"));
    return usable ? measure_flops(threads > 0 ? threads : omp_get_num_procs(), is_wide()) : 0;
}

violet_status vl_cpu_peak(vl_peak *out, int threads)
{
    if (threads <= 0) threads = omp_get_num_procs();
    *out = (vl_peak){.threads = threads, .isa = is_wide() ? "AVX-512" : "AVX2"};
    out->flops = vl_cpu_peak_flops(threads);
    if (out->flops == 0) return vl_err(VIOLET_EUNSUPPORTED, "this processor has no AVX2");
    size_t n = array_size();
    float *a = aligned_alloc(64, n * sizeof *a), *b = aligned_alloc(64, n * sizeof *b);
    float *c = aligned_alloc(64, n * sizeof *c);
    int ok = a && b && c;
    if (ok) measure_bytes(out, a, b, c, n);
    free(a);
    free(b);
    free(c);
    return ok ? VIOLET_OK : vl_err_nomem();
}
