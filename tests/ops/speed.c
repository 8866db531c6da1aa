/* Not a test: how fast each op is on the shapes of the model, and what share of this machine's
 * measured peak that is: of multiply-adds where arithmetic is the cost, else of memory traffic.
 *
 *     make ops-speed        or        build/release/tests/ops/speed [THREADS [NAME]]
 *
 * THREADS 0 (default): all of the machine. NAME: only the cases whose name contains it. The bytes
 * are those of each matrix read or written once. What stays in the caches between two calls can go
 * beyond 100 % of the memory peak. */
#include <float.h>
#include <immintrin.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ops/cases.h"
#include "violet.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the machine's peak ---------------------------------------------------------------------- */

enum { CHAINS = 12, ROUNDS = 500000 }; /* enough independent sums to hide an FMA's latency */

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

/* FLOP/s of all threads together, the best of a few. */
static double peak_flops(int threads, const char **isa)
{
    bool wide = __builtin_cpu_supports("avx512f");
    double best = DBL_MAX;
    volatile float sink = 0;
    for (int turn = 0; turn < 20; turn++) {
        double start = now();
#pragma omp parallel num_threads(threads)
        {
            float sum = wide ? fma_avx512() : fma_avx2();
#pragma omp critical
            sink += sum;
        }
        double took = now() - start;
        if (took < best) best = took;
    }
    *isa = wide ? "AVX-512" : "AVX2";
    return (wide ? 16 : 8) * 2.0 * CHAINS * ROUNDS * threads / best;
}

/* Bytes/s of a = b + s * c over arrays of 64 MiB each; the read of a before it is written to is not
 * counted, as it is not for the ops. 0: out of memory. */
static double peak_bytes(int threads)
{
    size_t n = (size_t)16 << 20;
    float *a = aligned_alloc(64, n * sizeof *a), *b = aligned_alloc(64, n * sizeof *b);
    float *c = aligned_alloc(64, n * sizeof *c);
    double best = DBL_MAX;
    bool ok = a && b && c;
#pragma omp parallel for num_threads(threads)
    for (size_t i = 0; i < (ok ? n : 0); i++) a[i] = b[i] = c[i] = 1; /* pages go to their user */
    for (int turn = 0; ok && turn < 15; turn++) {
        double start = now();
#pragma omp parallel for simd num_threads(threads)
        for (size_t i = 0; i < n; i++) a[i] = b[i] + 0.5f * c[i];
        double took = now() - start;
        if (took < best) best = took;
    }
    free(a);
    free(b);
    free(c);
    return ok ? 3.0 * (double)n * sizeof *a / best : 0;
}

/* ---- the ops --------------------------------------------------------------------------------- */

static double bytes(const op_run *r, bool backward)
{
    double sum = 0;
    for (int i = 0; i < r->n_buffers; i++) {
        const op_buffer *b = &r->buffer[i];
        double times = 0;
        switch (b->kind) {
        case OP_IN: times = !backward || r->op->reads_back; break;
        case OP_OUT: times = !backward; break;
        case OP_SAVED: times = 1; break;
        case OP_COT: times = backward; break;
        case OP_GRAD: times = !r->op->backward || backward; break;
        case OP_SUM: times = !r->op->backward || backward ? 2 : 0; break;
        case OP_INOUT: times = b->backward == backward ? 2 : 0; break;
        }
        sum += times * (double)b->n * sizeof(real);
    }
    return sum;
}

/* Seconds of one call: the best of many, over half a second or so. */
static double seconds(op_run *r, void (*call)(op_run *))
{
    double best = DBL_MAX, begun = now();
    for (int turn = 0; turn < 3 || now() - begun < 0.5; turn++) {
        double start = now();
        call(r);
        double took = now() - start;
        if (took < best) best = took;
    }
    return best;
}

static void print_line(const op_run *r, const char *name, bool backward, double flops_peak,
                       double bytes_peak)
{
    op_run copy = *r;
    double took = seconds(&copy, backward ? r->op->backward : r->op->forward);
    bool counts_flops = r->op->flops != NULL;
    double work = counts_flops ? r->op->flops(r->c, backward) : bytes(r, backward);
    printf("%-52s %-3s %9.3f ms %8.1f %s %5.0f %%\n", name, backward ? "bwd" : "fwd", 1e3 * took,
           work / took / 1e9, counts_flops ? "GFLOP/s" : "GB/s   ",
           100 * work / took / (counts_flops ? flops_peak : bytes_peak));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 0;
    const char *only = argc > 2 ? argv[2] : "", *isa;
    if (threads <= 0) threads = omp_get_num_procs();
    const vl_backend *be = vl_backend_fast();
    vl_device *device = be->open(threads);
    if (!device) {
        fprintf(stderr, "speed: %s\n", violet_error());
        return 1;
    }
    double flops_peak = peak_flops(threads, &isa), bytes_peak = peak_bytes(threads);
    printf("backend %s, %d threads; peak %.1f GFLOP/s (float32, %s), %.1f GB/s\n", be->name,
           threads, flops_peak / 1e9, isa, bytes_peak / 1e9);
    for (int i = 0; i < op_n_cases; i++) {
        const op_case *c = &op_cases[i];
        char name[120];
        op_case_name(c, name, sizeof name);
        if (!(c->sets & (OP_REAL | OP_SPEED)) || !strstr(name, only)) continue;
        op_run r;
        op_open(&r, c, be, device);
        op_reset(&r, 0);
        print_line(&r, name, false, flops_peak, bytes_peak);
        if (r.op->backward) print_line(&r, name, true, flops_peak, bytes_peak);
        op_close(&r);
    }
    be->close(device);
    return 0;
}
