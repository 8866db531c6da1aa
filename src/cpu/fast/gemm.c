/* Matrix products by oneDNN; the only file that knows it. dnnl_sgemm is the same call in its
 * versions 2 and 3, and row-major. It takes its threads from OpenMP: all that omp_get_max_threads()
 * promises, one inside a parallel region. The same call with the same threads gives the same bits
 * (tests/ops/test_fast.c holds that). Its generated code takes the stack pointer for a pointer of
 * its own, so no signal may be handled meanwhile: see base/signals.h. */
#include <omp.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/signals.h"
#include "fast.h"

void vlf_gemm(const vl_device *d, bool ta, bool tb, int m, int n, int k, const float *a, int lda,
              const float *b, int ldb, float beta, float *c, int ldc)
{
    int threads = omp_get_max_threads();
    bool set = !omp_in_parallel() && threads != d->threads;
    sigset_t was;
    vl_signals_hold(&was);
    if (set) omp_set_num_threads(d->threads);
    dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
    if (set) omp_set_num_threads(threads);
    vl_signals_release(&was);
}
