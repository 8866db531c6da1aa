/* The tape: memory, nodes, backward, blocks. See tape.h. */
#include "tensor/tape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Gradient buffers of one size that are free to be used again. */
struct vl_freelist {
    size_t bytes;
    void *first; /* each buffer's first word points to the next */
};

violet_status vl_tape_init(vl_tape *t, const vl_backend *backend, vl_device *device, size_t limit)
{
    memset(t, 0, sizeof *t);
    t->backend = backend;
    t->device = device;
    t->grad_on = 1;
    violet_status status = vl_arena_init(&t->keep, limit);
    if (status == VIOLET_OK) status = vl_arena_init(&t->grads, limit);
    if (status != VIOLET_OK) vl_tape_release(t);
    return status;
}

violet_status vl_tape_open(vl_tape *t, vl_device **device, const vl_backend *backend, int threads)
{
    errno = 0;
    *device = backend->open(threads);
    if (!*device) return errno == ENOMEM ? VIOLET_ENOMEM : VIOLET_EUNSUPPORTED;
    return vl_tape_init(t, backend, *device, 0);
}

void vl_tape_release(vl_tape *t)
{
    vl_arena_release(&t->keep);
    vl_arena_release(&t->grads);
    free(t->nodes);
    free(t->free_grads);
    memset(t, 0, sizeof *t);
}

void vl_tape_reset(vl_tape *t, uint64_t seed, uint64_t step)
{
    t->seed = seed;
    t->step = step;
    t->site = 0;
    t->n_nodes = 0;
    t->n_free_grads = 0;
    t->status = VIOLET_OK;
    t->backend->failed(t->device); /* an earlier step's is forgotten, too */
    vl_arena_rewind(&t->keep, 0);
    vl_arena_rewind(&t->grads, 0);
}

violet_status vl_tape_status(vl_tape *t)
{
    if (t->backend->failed(t->device))
        vl_tape_fail(t, VIOLET_ENOMEM, "out of memory: scratch of an operation");
    return t->status == VIOLET_OK ? VIOLET_OK : vl_err(t->status, "%s", t->message);
}

void vl_tape_fail(vl_tape *t, violet_status status, const char *format, ...)
{
    if (t->status != VIOLET_OK) return;
    t->status = status;
    va_list ap;
    va_start(ap, format);
    vsnprintf(t->message, sizeof t->message, format, ap);
    va_end(ap);
}

void vl_tap(vl_tape *t, const vl_tensor *y, const char *format, ...)
{
    if (!t->tap || vl_tape_failed(t)) return;
    char name[128];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    t->tap(t->tap_user, name, y);
}

void *vl_tape_alloc(vl_tape *t, size_t bytes)
{
    if (vl_tape_failed(t)) return NULL;
    void *p = vl_arena_take(&t->keep, bytes);
    if (!p)
        vl_tape_fail(t, VIOLET_ENOMEM, "activations need more than %.1f GiB",
                     (double)t->keep.limit / (1 << 30));
    return p;
}

vl_tensor *vl_tape_tensor(vl_tape *t, int rows, int cols, int wants_grad)
{
    vl_tensor *y = vl_tape_alloc(t, sizeof *y);
    if (!y) return &t->dead;
    *y = (vl_tensor){.rows = rows, .cols = cols, .wants_grad = wants_grad};
    y->x = vl_tape_alloc(t, (size_t)rows * cols * sizeof(real));
    return y->x ? y : &t->dead;
}

/* Room for one more in a growing host array; counts what it allocates. */
static void *grown(vl_tape *t, void *array, int n, int *cap, size_t size)
{
    if (n < *cap) return array;
    int want = *cap ? 2 * *cap : 256;
    void *p = realloc(array, want * size);
    t->n_host_allocs++;
    if (!p) {
        vl_tape_fail(t, VIOLET_ENOMEM, "out of memory");
        return NULL;
    }
    *cap = want;
    return p;
}

vl_node *vl_tape_record(vl_tape *t, void (*backward)(vl_tape *, vl_node *), vl_tensor *out)
{
    if (!t->grad_on || vl_tape_failed(t) || !out->wants_grad) return NULL;
    vl_node *n = vl_tape_alloc(t, sizeof *n);
    vl_node **nodes = grown(t, t->nodes, t->n_nodes, &t->cap_nodes, sizeof *nodes);
    if (!n || !nodes) return NULL;
    t->nodes = nodes;
    memset(n, 0, sizeof *n);
    n->backward = backward;
    n->out = out;
    t->nodes[t->n_nodes++] = n;
    return n;
}

/* ---- gradients of activations --------------------------------------------------------------- */

static size_t grad_bytes(const vl_tensor *x)
{
    return (size_t)x->rows * x->cols * sizeof(real);
}

static struct vl_freelist *freelist_of(vl_tape *t, size_t bytes)
{
    for (int i = 0; i < t->n_free_grads; i++)
        if (t->free_grads[i].bytes == bytes) return &t->free_grads[i];
    return NULL;
}

static real *take_grad(vl_tape *t, size_t bytes)
{
    struct vl_freelist *f = freelist_of(t, bytes);
    if (f && f->first) {
        void *p = f->first;
        memcpy(&f->first, p, sizeof(void *));
        return p;
    }
    void *p = vl_arena_take(&t->grads, bytes < sizeof(void *) ? sizeof(void *) : bytes);
    if (!p) vl_tape_fail(t, VIOLET_ENOMEM, "gradients need more than %.1f GiB",
                         (double)t->grads.limit / (1 << 30));
    return p;
}

static void give_grad(vl_tape *t, vl_tensor *x)
{
    if (x->is_param || !x->g) return;
    struct vl_freelist *f = freelist_of(t, grad_bytes(x));
    if (!f) {
        struct vl_freelist *all =
            grown(t, t->free_grads, t->n_free_grads, &t->cap_free_grads, sizeof *all);
        if (!all) return;
        t->free_grads = all;
        f = &all[t->n_free_grads++];
        f->bytes = grad_bytes(x);
        f->first = NULL;
    }
    memcpy(x->g, &f->first, sizeof(void *));
    f->first = x->g;
    x->g = NULL;
}

real *vl_tape_grad(vl_tape *t, vl_tensor *x, int *acc)
{
    if (!x || !x->wants_grad || vl_tape_failed(t)) return NULL;
    *acc = x->g != NULL;
    if (!x->g) x->g = take_grad(t, grad_bytes(x));
    return x->g;
}

void vl_tape_pass_grad(vl_tape *t, vl_tensor *x, vl_tensor *y)
{
    if (!x->wants_grad || !y->g) return;
    if (!x->g && !x->is_param && !y->is_param) {
        x->g = y->g;
        y->g = NULL;
        return;
    }
    int acc;
    real *dx = vl_tape_grad(t, x, &acc);
    if (dx) t->backend->accumulate(t->device, dx, y->g, 1, (size_t)x->rows * x->cols, acc);
}

/* ---- backward ------------------------------------------------------------------------------- */

/* Runs nodes [first, n_nodes) last to first and forgets them. */
static void run_back(vl_tape *t, int first)
{
    while (t->n_nodes > first) {
        vl_node *n = t->nodes[--t->n_nodes];
        if (vl_tape_failed(t)) continue;
        if (n->out->g) n->backward(t, n);
        give_grad(t, n->out);
    }
}

void vl_tape_seed_grad(vl_tape *t, vl_tensor *y, const real *g)
{
    int acc;
    real *dy = vl_tape_grad(t, y, &acc);
    if (dy) t->backend->accumulate(t->device, dy, g, 1, (size_t)y->rows * y->cols, acc);
}

violet_status vl_tape_backward_from(vl_tape *t)
{
    run_back(t, 0);
    return vl_tape_status(t);
}

violet_status vl_tape_backward(vl_tape *t, vl_tensor *loss)
{
    int acc;
    real *g = vl_tape_grad(t, loss, &acc);
    if (g) t->backend->fill(t->device, g, 1, 1);
    return vl_tape_backward_from(t);
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* Gives back what was taken since `mark` but y, which moves to the front. */
static vl_tensor *keep_only(vl_tape *t, size_t mark, vl_tensor *y, const vl_tensor *x)
{
    if (vl_tape_failed(t) || y == x || (char *)y < t->keep.base + mark) return y;
    vl_tensor shape = *y;
    real *from = y->x;
    vl_arena_rewind(&t->keep, mark);
    vl_tensor *kept = vl_tape_tensor(t, shape.rows, shape.cols, shape.wants_grad);
    t->backend->move(t->device, kept->x, from, (size_t)shape.rows * shape.cols);
    return kept;
}

typedef struct block_saved {
    vl_block_fn fn;
    const void *arg;
    uint64_t site;
} block_saved;

static void block_backward(vl_tape *t, vl_node *n)
{
    const block_saved *s = n->saved;
    size_t mark = vl_arena_mark(&t->keep);
    uint64_t site = t->site;
    int first = t->n_nodes;
    t->site = s->site;
    vl_tensor *y = s->fn(t, s->arg, n->in[0]);
    t->site = site;
    if (!vl_tape_failed(t)) vl_tape_pass_grad(t, y, n->out);
    run_back(t, first);
    vl_arena_rewind(&t->keep, mark);
}

vl_tensor *vl_block(vl_tape *t, vl_block_fn fn, const void *arg, vl_tensor *x)
{
    int checkpoint = t->grad_on && t->checkpoint_on;
    if (t->grad_on && !checkpoint) return fn(t, arg, x);
    block_saved now = {fn, arg, t->site};
    int grad_on = t->grad_on;
    size_t mark = vl_arena_mark(&t->keep);
    t->grad_on = 0;
    vl_tensor *y = keep_only(t, mark, fn(t, arg, x), x);
    t->grad_on = grad_on;
    /* a block that did nothing has nothing to go back through */
    if (!checkpoint || vl_tape_failed(t) || y == x) return y;
    /* whether a parameter is behind the block is not known here: assume so */
    y->wants_grad = 1;
    block_saved *s = vl_tape_alloc(t, sizeof *s);
    vl_node *n = vl_tape_record(t, block_backward, y);
    if (n && s) {
        *s = now;
        n->saved = s;
        n->in[0] = x;
    }
    return y;
}
