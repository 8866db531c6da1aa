/* Pictures on the tape: convolution, pooling, doubling; see ops.h. */
#include "nn/ops.h"

/* Whether x holds pictures of this size; if not, the tape has failed. */
static int fits(vl_tape *t, const char *op, const vl_tensor *x, int B, int H, int W)
{
    if (vl_tape_failed(t)) return 0;
    if (B > 0 && H > 0 && W > 0 && (long)B * H * W == x->rows) return 1;
    vl_tape_fail(t, VIOLET_ESHAPE, "%s: x has %d rows, the pictures are %d of %dx%d", op, x->rows,
                 B, H, W);
    return 0;
}

vl_tensor *vl_pixels(vl_tape *t, const uint8_t *image, double scale, double shift, int B, int H,
                     int W)
{
    vl_tensor *y = vl_tape_tensor(t, B * H * W, 3, 0);
    if (vl_tape_failed(t)) return y;
    t->backend->pixels(t->device, y->x, image, scale, shift, B, H, W);
    return y;
}

/* ---- convolution ---------------------------------------------------------------------------- */

typedef struct conv_saved {
    int B, H, W, k;
    vl_act act;
} conv_saved;

static void conv2d_backward(vl_tape *t, vl_node *n)
{
    const conv_saved *s = n->saved;
    vl_tensor *x = n->in[0], *w = n->in[1], *b = n->in[2];
    int acc_x = 0, acc;
    real *dx = vl_tape_grad(t, x, &acc_x);
    real *dw = vl_tape_grad(t, w, &acc), *db = vl_tape_grad(t, b, &acc);
    t->backend->conv2d_bwd(t->device, dx, dw, db, n->out->g, x->x, w->x, s->B, s->H, s->W, w->rows,
                           x->cols, s->k, s->act, acc_x);
}

vl_tensor *vl_conv2d(vl_tape *t, const vl_tensor *x, const vl_tensor *w, const vl_tensor *b, int B,
                     int H, int W, int k, vl_act act)
{
    if (!fits(t, "convolution", x, B, H, W)) return &t->dead;
    if (k < 1 || k % 2 == 0 || w->cols != x->cols * k * k || (b && b->cols != w->rows)) {
        vl_tape_fail(t, VIOLET_ESHAPE,
                     "convolution %dx%d: x has %d channels, w is %dx%d, b has %d", k, k, x->cols,
                     w->rows, w->cols, b ? b->cols : w->rows);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, x->rows, w->rows, x->wants_grad || w->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->conv2d_fwd(t->device, y->x, x->x, w->x, b ? b->x : NULL, B, H, W, w->rows, x->cols,
                           k, act);
    vl_node *n = vl_tape_record(t, conv2d_backward, y);
    conv_saved *s = n ? vl_tape_alloc(t, sizeof *s) : NULL;
    if (!s) return y;
    *s = (conv_saved){B, H, W, k, act};
    n->saved = s;
    n->in[0] = (vl_tensor *)x; /* their gradients will be written */
    n->in[1] = (vl_tensor *)w;
    n->in[2] = (vl_tensor *)b;
    return y;
}

/* ---- pooling -------------------------------------------------------------------------------- */

static void maxpool_backward(vl_tape *t, vl_node *n)
{
    const conv_saved *s = n->saved;
    vl_tensor *x = n->in[0];
    int acc;
    real *dx = vl_tape_grad(t, x, &acc);
    if (dx)
        t->backend->maxpool_bwd(t->device, dx, n->out->g, x->x, s->B, s->H, s->W, x->cols, acc);
}

vl_tensor *vl_maxpool(vl_tape *t, const vl_tensor *x, int B, int H, int W)
{
    if (!fits(t, "max-pooling", x, B, H, W)) return &t->dead;
    if (H % 2 || W % 2) {
        vl_tape_fail(t, VIOLET_ESHAPE, "max-pooling: %dx%d pixels, expected even numbers", H, W);
        return &t->dead;
    }
    vl_tensor *y = vl_tape_tensor(t, x->rows / 4, x->cols, x->wants_grad);
    if (vl_tape_failed(t)) return y;
    t->backend->maxpool_fwd(t->device, y->x, x->x, B, H, W, x->cols);
    vl_node *n = vl_tape_record(t, maxpool_backward, y);
    conv_saved *s = n ? vl_tape_alloc(t, sizeof *s) : NULL;
    if (!s) return y;
    *s = (conv_saved){.B = B, .H = H, .W = W};
    n->saved = s;
    n->in[0] = (vl_tensor *)x;
    return y;
}

/* ---- doubling ------------------------------------------------------------------------------- */

vl_tensor *vl_upsample(vl_tape *t, const vl_tensor *x, int B, int H, int W)
{
    if (!fits(t, "doubling", x, B, H, W)) return &t->dead;
    int rows = 4 * B * H * W, *to = vl_tape_alloc(t, (size_t)rows * sizeof *to);
    if (!to) return &t->dead;
    for (int i = 0; i < rows; i++) {
        int px = i % (2 * W), py = i / (2 * W) % (2 * H), b = i / (2 * W) / (2 * H);
        to[i] = (b * H + py / 2) * W + px / 2;
    }
    return vl_gather(t, x, NULL, (vl_index){to, NULL, rows, 1});
}
