/* The reference backend: every slot of tensor/backend.h in plain loops on one thread, as `real`
 * (float, or double with CONFIG=double), adding up in double. It is the oracle that the other
 * backends are tested against and, in double, what the gradient checks differentiate; it is read
 * more often than it is run, so it is never optimised. */
#include <stdlib.h>

#include "base/status.h"
#include "cpu/ref/ref.h"

struct vl_device {
    double *scratch; /* (scratch_n), grows to the largest call */
    size_t scratch_n;
    int failed; /* there was no memory for it */
};

double *vl_ref_scratch(vl_device *d, size_t n)
{
    if (n > d->scratch_n) {
        free(d->scratch);
        d->scratch = malloc(n * sizeof *d->scratch);
        d->scratch_n = d->scratch ? n : 0;
        if (!d->scratch) d->failed = 1;
    }
    return d->scratch;
}

static vl_device *ref_open(int threads)
{
    (void)threads;
    vl_device *d = calloc(1, sizeof *d);
    /* one double at once, so that a scratch of no elements is not NULL */
    if (!d || !vl_ref_scratch(d, 1)) {
        free(d);
        vl_err_nomem();
        return NULL;
    }
    return d;
}

static int ref_failed(vl_device *d)
{
    int was = d->failed;
    d->failed = 0;
    return was;
}

static void ref_close(vl_device *d)
{
    if (!d) return;
    free(d->scratch);
    free(d);
}

static double ref_peak_flops(vl_device *d)
{
    (void)d;
    return 0;
}

static const char *ref_isa(void)
{
    return "plain loops";
}

static const vl_backend ref = {
    .name = "ref",
    .isa = ref_isa,
    .open = ref_open,
    .close = ref_close,
    .failed = ref_failed,
    .peak_flops = ref_peak_flops,
    .fill = vl_ref_fill,
    .move = vl_ref_move,
    .accumulate = vl_ref_accumulate,
    .add = vl_ref_add,
    .sum_squares = vl_ref_sum_squares,
    .gather_fwd = vl_ref_gather_fwd,
    .gather_bwd = vl_ref_gather_bwd,
    .patches = vl_ref_patches,
    .pixels = vl_ref_pixels,
    .linear_fwd = vl_ref_linear_fwd,
    .linear_bwd = vl_ref_linear_bwd,
    .act_fwd = vl_ref_act_fwd,
    .act_bwd = vl_ref_act_bwd,
    .conv2d_fwd = vl_ref_conv2d_fwd,
    .conv2d_bwd = vl_ref_conv2d_bwd,
    .maxpool_fwd = vl_ref_maxpool_fwd,
    .maxpool_bwd = vl_ref_maxpool_bwd,
    .layernorm_fwd = vl_ref_layernorm_fwd,
    .layernorm_bwd = vl_ref_layernorm_bwd,
    .residual_fwd = vl_ref_residual_fwd,
    .residual_bwd = vl_ref_residual_bwd,
    .mean_fwd = vl_ref_mean_fwd,
    .mean_bwd = vl_ref_mean_bwd,
    .unit_fwd = vl_ref_unit_fwd,
    .unit_bwd = vl_ref_unit_bwd,
    .relbias_fwd = vl_ref_relbias_fwd,
    .relbias_bwd = vl_ref_relbias_bwd,
    .attention_fwd = vl_ref_attention_fwd,
    .attention_bwd = vl_ref_attention_bwd,
    .attention_received = vl_ref_attention_received,
    .xent_fwd = vl_ref_xent_fwd,
    .xent_bwd = vl_ref_xent_bwd,
    .gumbel_fwd = vl_ref_gumbel_fwd,
    .gumbel_bwd = vl_ref_gumbel_bwd,
    .kl_uniform_fwd = vl_ref_kl_uniform_fwd,
    .kl_uniform_bwd = vl_ref_kl_uniform_bwd,
    .logit_laplace_fwd = vl_ref_logit_laplace_fwd,
    .logit_laplace_bwd = vl_ref_logit_laplace_bwd,
    .adamw = vl_ref_adamw,
};

const vl_backend *vl_backend_ref(void)
{
    return &ref;
}
