/* Pooling, on the tape: the mean of each sequence's rows, rows of length 1; see ops.h. */
#include "nn/ops.h"

/* ---- means ----------------------------------------------------------------------------------- */

typedef struct mean_saved {
    const uint8_t *mask;
    int n;
} mean_saved;

static void mean_backward(vl_tape *t, vl_node *n)
{
    const mean_saved *s = n->saved;
    vl_tensor *y = n->out;
    int acc;
    real *dx = vl_tape_grad(t, n->in[0], &acc);
    if (dx) t->backend->mean_bwd(t->device, dx, y->g, s->mask, y->rows, s->n, y->cols, acc);
}

vl_tensor *vl_mean(vl_tape *t, const vl_tensor *x, const uint8_t *mask, int n)
{
    if (vl_tape_failed(t)) return &t->dead;
    if (n < 1 || x->rows % n) {
        vl_tape_fail(t, VIOLET_ESHAPE, "mean: x has %d rows, sequences have %d", x->rows, n);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, x->rows / n, x->cols, x->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->mean_fwd(t->device, y->x, x->x, mask, y->rows, n, y->cols);
    vl_node *node = vl_tape_record(t, mean_backward, y);
    mean_saved *s = node ? vl_tape_alloc(t, sizeof *s) : NULL;
    if (!s) return y;
    *s = (mean_saved){mask, n};
    node->saved = s;
    node->in[0] = (vl_tensor *)x; /* its gradient will be written */
    return y;
}

/* ---- rows of length 1 ------------------------------------------------------------------------ */

static void unit_backward(vl_tape *t, vl_node *n)
{
    vl_tensor *y = n->out;
    int acc;
    real *dx = vl_tape_grad(t, n->in[0], &acc);
    if (dx) t->backend->unit_bwd(t->device, dx, y->g, y->x, n->saved, y->rows, y->cols, acc);
}

vl_tensor *vl_unit(vl_tape *t, const vl_tensor *x)
{
    if (vl_tape_failed(t)) return &t->dead;
    vl_tensor *y = vl_tape_tensor(t, x->rows, x->cols, x->wants_grad);
    real *norm = vl_tape_alloc(t, (size_t)x->rows * sizeof *norm);
    if (vl_tape_failed(t)) return &t->dead;
    t->backend->unit_fwd(t->device, y->x, norm, x->x, x->rows, x->cols);
    vl_node *n = vl_tape_record(t, unit_backward, y);
    if (!n) return y;
    n->saved = norm;
    n->in[0] = (vl_tensor *)x;
    return y;
}
