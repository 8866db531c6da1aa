/* The fast CPU backend: the op table, the device, its threads and its scratch memory. See fast.h.
 *
 *     vl_device *d = vl_backend_fast()->open(0);     NULL: see violet_error()
 *
 * Environment: VIOLET_ISA=avx2|avx512 takes that instruction set instead of the best there is. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "base/signals.h"
#include "base/status.h"
#include "cpu/peak.h"
#include "fast.h"

void vlf_run(vl_device *d, int parts, vlf_task task, void *context)
{
    (void)d;
    if (parts <= 1) {
        task(context, 0, 1);
        return;
    }
    sigset_t was;
    vl_signals_hold(&was);
    /* OpenMP may give fewer threads than asked for: the parts stay the same, so do the bits. */
#pragma omp parallel num_threads(parts)
    for (int part = omp_get_thread_num(); part < parts; part += omp_get_num_threads())
        task(context, part, parts);
    vl_signals_release(&was);
}

void *vlf_scratch(vl_device *d, size_t bytes)
{
    if (bytes <= d->scratch_bytes) return d->scratch;
    size_t rounded = (bytes + 4095) / 4096 * 4096;
    char *grown = aligned_alloc(64, rounded);
    if (!grown) {
        d->failed = 1;
        return NULL;
    }
    free(d->scratch);
    d->scratch = grown;
    d->scratch_bytes = rounded;
    return grown;
}

/* NULL, with the message set, if this machine is not for us. */
static const vlf_kernels *choose_kernels(void)
{
    const char *asked = getenv("VIOLET_ISA");
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    if (asked && *asked && strcmp(asked, "avx2") != 0 && strcmp(asked, "avx512") != 0) {
        vl_err(VIOLET_EINVAL, "VIOLET_ISA is '%s', expected avx2 or avx512", asked);
        return NULL;
    }
    if (!avx2) {
        vl_err(VIOLET_EUNSUPPORTED, "the fast CPU backend needs a processor with AVX2 and FMA");
        return NULL;
    }
    if (asked && strcmp(asked, "avx512") == 0 && !avx512) {
        vl_err(VIOLET_EUNSUPPORTED, "VIOLET_ISA is avx512, which this processor does not have");
        return NULL;
    }
    return avx512 && !(asked && strcmp(asked, "avx2") == 0) ? &vlf_kernels_avx512
                                                            : &vlf_kernels_avx2;
}

static const char *isa(void)
{
    const vlf_kernels *k = choose_kernels();
    if (!k) return NULL;
    return k == &vlf_kernels_avx512 ? "AVX-512" : "AVX2";
}

static vl_device *open_device(int threads)
{
    const vlf_kernels *kernels = choose_kernels();
    if (!kernels) return NULL;
    vl_device *d = calloc(1, sizeof *d);
    if (!d) {
        vl_err_nomem();
        return NULL;
    }
    d->threads = threads > 0 ? threads : omp_get_num_procs();
    d->k = kernels;
    return d;
}

static void close_device(vl_device *d)
{
    if (!d) return;
    free(d->scratch);
    free(d);
}

static int failed(vl_device *d)
{
    int was = d->failed;
    d->failed = 0;
    return was;
}

static double peak_flops(vl_device *d)
{
    return vl_cpu_peak_flops(d->threads);
}

const vl_backend *vl_backend_fast(void)
{
    static const vl_backend table = {
        .name = "fast",
        .isa = isa,
        .open = open_device,
        .close = close_device,
        .failed = failed,
        .peak_flops = peak_flops,
        .fill = vlf_fill,
        .move = vlf_move,
        .accumulate = vlf_accumulate,
        .add = vlf_add,
        .sum_squares = vlf_sum_squares,
        .gather_fwd = vlf_gather_fwd,
        .gather_bwd = vlf_gather_bwd,
        .patches = vlf_patches,
        .pixels = vlf_pixels,
        .linear_fwd = vlf_linear_fwd,
        .linear_bwd = vlf_linear_bwd,
        .act_fwd = vlf_act_fwd,
        .act_bwd = vlf_act_bwd,
        .conv2d_fwd = vlf_conv2d_fwd,
        .conv2d_bwd = vlf_conv2d_bwd,
        .maxpool_fwd = vlf_maxpool_fwd,
        .maxpool_bwd = vlf_maxpool_bwd,
        .layernorm_fwd = vlf_layernorm_fwd,
        .layernorm_bwd = vlf_layernorm_bwd,
        .residual_fwd = vlf_residual_fwd,
        .residual_bwd = vlf_residual_bwd,
        .mean_fwd = vlf_mean_fwd,
        .mean_bwd = vlf_mean_bwd,
        .unit_fwd = vlf_unit_fwd,
        .unit_bwd = vlf_unit_bwd,
        .relbias_fwd = vlf_relbias_fwd,
        .relbias_bwd = vlf_relbias_bwd,
        .attention_fwd = vlf_attention_fwd,
        .attention_bwd = vlf_attention_bwd,
        .attention_received = vlf_attention_received,
        .xent_fwd = vlf_xent_fwd,
        .xent_bwd = vlf_xent_bwd,
        .gumbel_fwd = vlf_gumbel_fwd,
        .gumbel_bwd = vlf_gumbel_bwd,
        .kl_uniform_fwd = vlf_kl_uniform_fwd,
        .kl_uniform_bwd = vlf_kl_uniform_bwd,
        .logit_laplace_fwd = vlf_logit_laplace_fwd,
        .logit_laplace_bwd = vlf_logit_laplace_bwd,
        .adamw = vlf_adamw,
    };
    return &table;
}
