/* AdamW over all parameters, and how the learning rate goes. */
#ifndef VL_TRAIN_OPTIM_H
#define VL_TRAIN_OPTIM_H

#include "tensor/params.h"

/* How the learning rate goes after the warm-up. */
typedef enum vl_schedule {
    VL_SCHEDULE_CONSTANT,
    VL_SCHEDULE_LINEAR,
    VL_SCHEDULE_COSINE
} vl_schedule;

typedef struct vl_optim {
    double lr, beta1, beta2, eps, decay;
    int decay_all; /* 1: decay on everything, as published; 0: on matrices only, not on
                    * biases and norms */
    double clip;   /* most gradient norm, 0: no clipping */
    vl_schedule schedule;
    double warmup; /* share of the steps with a rising rate, 0: none */
    double lr_end; /* the last rate as a share of lr, for linear and cosine */
    size_t n_slow; /* the first so many elements get lr * slow */
    double slow;
} vl_optim;

/* The learning rate of step 1, 2, ... n_steps. */
double vl_optim_rate(const vl_optim *o, uint64_t step, uint64_t n_steps);

/* One update from the gradients times gscale (1/accumulation), as step number `step` >= 1 at rate
 * lr. norm gets the gradient's norm before clipping. Gradients that are not finite: nothing is
 * updated, *norm is not finite. */
void vl_optim_step(const vl_optim *o, const vl_backend *backend, vl_device *device, vl_params *p,
                   double lr, uint64_t step, double gscale, double *norm);

#endif
