/* AdamW and the learning rate; see optim.h. */
#include "train/optim.h"

#include <math.h>

double vl_optim_rate(const vl_optim *o, uint64_t step, uint64_t n_steps)
{
    double warm = floor(o->warmup * (double)n_steps);
    if (step <= warm) return o->lr * (double)step / (warm + 1);
    double left = (double)n_steps - warm;
    double done = left > 1 ? ((double)step - warm - 1) / (left - 1) : 0; /* 0 .. 1 */
    if (done > 1) done = 1;
    switch (o->schedule) {
    case VL_SCHEDULE_CONSTANT: break;
    case VL_SCHEDULE_LINEAR: return o->lr * (1 + (o->lr_end - 1) * done);
    case VL_SCHEDULE_COSINE:
        return o->lr * (o->lr_end + (1 - o->lr_end) * 0.5 * (1 + cos(3.141592653589793 * done)));
    }
    return o->lr;
}

/* The elements from `first` on, `n` of them. */
typedef struct range {
    size_t first, n;
} range;

static void update(const vl_optim *o, const vl_backend *backend, vl_device *d, vl_params *p,
                   range r, double decay, double lr, uint64_t step, double gscale)
{
    double c1 = 1 - pow(o->beta1, (double)step), c2 = 1 - pow(o->beta2, (double)step);
    backend->adamw(d, (real *)p->weights.base + r.first, (real *)p->m.base + r.first,
                   (real *)p->v.base + r.first, (const real *)p->grads.base + r.first, r.n, gscale,
                   lr, o->beta1, o->beta2, o->eps, decay, c1, c2);
}

void vl_optim_step(const vl_optim *o, const vl_backend *backend, vl_device *device, vl_params *p,
                   double lr, uint64_t step, double gscale, double *norm)
{
    size_t n = vl_params_size(p);
    *norm = gscale * sqrt(backend->sum_squares(device, (const real *)p->grads.base, n));
    if (!isfinite(*norm)) return;
    if (o->clip > 0 && *norm > o->clip) gscale *= o->clip / *norm;
    if (o->decay_all || o->decay == 0) {
        size_t slow = o->n_slow < n ? o->n_slow : n;
        if (slow)
            update(o, backend, device, p, (range){0, slow}, o->decay, lr * o->slow, step, gscale);
        update(o, backend, device, p, (range){slow, n - slow}, o->decay, lr, step, gscale);
        return;
    }
    for (int i = 0; i < p->n; i++) {
        const vl_param *e = &p->list[i];
        double rate = e->first < o->n_slow ? lr * o->slow : lr;
        update(o, backend, device, p, (range){e->first, e->count}, e->is_matrix ? o->decay : 0,
               rate, step, gscale);
    }
}
