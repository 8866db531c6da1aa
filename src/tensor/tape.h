/* Tensors and the tape that records what was done to them.
 *
 *     vl_tape_reset(t, seed, step);                  // a new step: all activations are gone
 *     vl_tensor *y = vl_linear(t, x, w, b);          // nn/ops.h: computes now, notes the way back
 *     vl_tensor *loss = vl_xent(t, y, target, 1);
 *     if (vl_tape_backward(t, loss) != VIOLET_OK)    // parameter gradients have grown
 *
 * A tensor is a matrix (rows, cols), contiguous. Activations live in the tape's arena until the
 * next reset; parameters live in their owner's blocks and outlive the tape.
 *
 * Errors are sticky: an op on a failed tape returns at once with an empty tensor that must
 * not be read; the first failure keeps its message, and the step asks once
 * (vl_tape_status / vl_tape_backward).
 *
 * Memory:
 *     keep   activations, in order of computation; what the backward needs stays to the end
 *     grads  gradients of activations: taken on first arrival, given back to a free list of their
 *            exact size as soon as the node that made the activation has run backward
 * Both repeat their addresses from step to step. vl_block() (below) is the one place where
 * activations are given back early: without gradient when a block ends; with checkpointing, until
 * its backward computes them again.
 */
#ifndef VL_TENSOR_TAPE_H
#define VL_TENSOR_TAPE_H

#include "base/arena.h"
#include "tensor/backend.h"

typedef struct vl_tensor {
    int rows, cols;
    real *x;       /* (rows, cols) */
    real *g;       /* gradient, same shape; activations: NULL until one arrives */
    int wants_grad; /* some parameter is behind it */
    int is_param;  /* g is its owner's, always added to */
} vl_tensor;

typedef struct vl_tape vl_tape;
typedef struct vl_node vl_node;

/* What an op notes: how to go back, and what it needs for that. Allocated by vl_tape_record. */
struct vl_node {
    void (*backward)(vl_tape *t, vl_node *n);
    vl_tensor *out, *in[4]; /* NULL where unused */
    void *saved;            /* the op's own, in the arena */
};

struct vl_tape {
    const vl_backend *backend;
    vl_device *device;
    int grad_on;        /* 0: nothing is recorded and blocks give their memory back */
    int checkpoint_on;  /* blocks keep their input only and compute again in the backward */
    int training;       /* dropout and drop path are drawn */
    uint64_t seed, step; /* of the counter-based generator */
    uint64_t site;      /* the next dropout's number, in order of the program */
    vl_arena keep, grads;
    vl_node **nodes;
    int n_nodes, cap_nodes;
    struct vl_freelist *free_grads;
    int n_free_grads, cap_free_grads;
    /* If set, vl_tap() shows it named intermediate activations (golden tests, debugging). */
    void (*tap)(void *user, const char *name, const vl_tensor *y);
    void *tap_user;
    size_t n_host_allocs; /* calls of malloc and realloc so far: must not grow after step one */
    vl_tensor dead;       /* what ops on a failed tape return */
    violet_status status; /* sticky; the message is in `message` */
    char message[512];
};

/* A tape on one device of `backend`. limit: most bytes of activations (0: no limit). The device
 * stays the caller's. */
violet_status vl_tape_init(vl_tape *t, const vl_backend *backend, vl_device *device, size_t limit);
/* A device of the backend with `threads` threads (0: one a core), and a tape on it. *device is the
 * caller's, to be closed after the tape's release; NULL if there is none. */
violet_status vl_tape_open(vl_tape *t, vl_device **device, const vl_backend *backend, int threads);
void vl_tape_release(vl_tape *t);

/* Starts a step: forgets all activations, nodes and errors. */
void vl_tape_reset(vl_tape *t, uint64_t seed, uint64_t step);

/* Runs the nodes backward from loss (1,1), whose gradient becomes 1. Returns the tape's status. */
violet_status vl_tape_backward(vl_tape *t, vl_tensor *loss);
/* The same from y whose gradient the caller has set with vl_tape_seed_grad. */
violet_status vl_tape_backward_from(vl_tape *t);
void vl_tape_seed_grad(vl_tape *t, vl_tensor *y, const real *g);

/* The sticky status, with its message as violet_error(). */
violet_status vl_tape_status(vl_tape *t);
/* Notes the first failure; later ones change nothing. */
void vl_tape_fail(vl_tape *t, violet_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline int vl_tape_failed(const vl_tape *t)
{
    return t->status != VIOLET_OK;
}

/* ---- for ops (nn/ops.c) -------------------------------------------------------------------- */

/* A new activation; its values are uninitialised. Never NULL: on failure a shared dead tensor. */
vl_tensor *vl_tape_tensor(vl_tape *t, int rows, int cols, int wants_grad);
/* Bytes in the arena that live as long as an activation. NULL on failure (sticky). */
void *vl_tape_alloc(vl_tape *t, size_t bytes);
/* Records a node if gradients are on and `out` wants one; else returns NULL. */
vl_node *vl_tape_record(vl_tape *t, void (*backward)(vl_tape *, vl_node *), vl_tensor *out);
/* Where to put x's gradient: sets *acc to 0 on first arrival. NULL if x wants none. */
real *vl_tape_grad(vl_tape *t, vl_tensor *x, int *acc);
/* x's gradient grows by g, which belongs to y (x and y of one shape); where nothing has arrived
 * for x yet, the buffer itself changes hands and y has none any more. */
void vl_tape_pass_grad(vl_tape *t, vl_tensor *x, vl_tensor *y);

/* Shows y to t->tap under the formatted name, if anybody listens. */
void vl_tap(vl_tape *t, const vl_tensor *y, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- blocks --------------------------------------------------------------------------------- */

/* y = fn(t, arg, x), as a unit of memory:
 *   without gradient: everything fn took is given back but y;
 *   with checkpointing: the same, and the backward computes fn again (same dropout) for its nodes;
 *   otherwise: just fn.
 * fn must be a function of x, parameters and *arg alone, and arg must live until the backward. */
typedef vl_tensor *(*vl_block_fn)(vl_tape *t, const void *arg, vl_tensor *x);
vl_tensor *vl_block(vl_tape *t, vl_block_fn fn, const void *arg, vl_tensor *x);

#endif
