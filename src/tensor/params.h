/* Parameter registry: every parameter of a model by its published name, in one block of memory,
 * with one block each of the same layout for gradients and the two moments of AdamW.
 *
 *     weights  |enc_img.emb_cls|..|q.weight|k.weight|v.weight|..|        one AdamW loop,
 *     grads    |      same offsets                              |        one memset,
 *     m, v     |      same offsets                              |        one all-reduce
 *
 * The blocks are reserved address ranges: a block that nobody writes costs nothing, so a
 * configuration of any size can be laid out just to be counted. */
#ifndef VL_TENSOR_PARAMS_H
#define VL_TENSOR_PARAMS_H

#include "base/arena.h"
#include "tensor/tape.h"

/* How a parameter starts when no checkpoint gives it. */
typedef enum vl_init {
    VL_INIT_ZERO,
    VL_INIT_ONE,
    VL_INIT_NORMAL,    /* normal, deviation 0.02, cut at two deviations */
    VL_INIT_EMBEDDING, /* the same, first row zero (padding) */
    VL_INIT_UNIFORM,   /* uniform within 1/sqrt(fan), as PyTorch's Linear and Conv */
} vl_init;

#define VL_MAX_DIMS 5

typedef struct vl_param {
    char *name;
    int n_dims, shape[VL_MAX_DIMS];
    vl_init init;
    int fan;      /* for VL_INIT_UNIFORM */
    size_t first; /* offset in the blocks, elements */
    size_t count; /* elements */
    int is_matrix; /* a weight matrix or table: not a bias, not a norm */
} vl_param;

typedef struct vl_params {
    vl_arena weights, grads, m, v;
    vl_param *list;
    int n, cap;
    int trainable;
    violet_status status; /* sticky, as the tape's */
} vl_params;

/* trainable: tensors get gradients. limit: bytes a block, 0 for no limit. */
violet_status vl_params_init(vl_params *p, int trainable, size_t limit);
void vl_params_release(vl_params *p);

/* Adds a parameter of `n_dims` dimensions and returns it as a matrix: one dimension n is (1, n),
 * more are (rows, product of the others) with `rows` the first dimension that is not 1 (or the
 * product of leading ones). fan is read for VL_INIT_UNIFORM only. */
vl_tensor vl_params_add(vl_params *p, vl_init init, int fan, int n_dims, const int *shape,
                        const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Shorthands: a vector (n) and a matrix (rows, cols). */
vl_tensor vl_params_vector(vl_params *p, vl_init init, int fan, int n, const char *prefix,
                           const char *name);
vl_tensor vl_params_matrix(vl_params *p, vl_init init, int fan, int rows, int cols,
                           const char *prefix, const char *name);

/* A linear layer's PREFIX+NAME.weight (n, k) and .bias (n), b NULL: none; normal and zero. */
void vl_params_linear(vl_params *p, vl_tensor *w, vl_tensor *b, int n, int k, const char *prefix,
                      const char *name);
/* A layer norm's PREFIX+NAME.weight and .bias (n), one and zero. */
void vl_params_norm(vl_params *p, vl_tensor *w, vl_tensor *b, int n, const char *prefix,
                    const char *name);

/* `n` parameters of one shape that stand in memory one after the other, as query, key and value of
 * an attention layer do, so that one product serves them: adds PREFIX+names[i], each of shape
 * (rows, cols) (cols 0: vectors of `rows`), and returns one matrix over all, (n * rows, cols) or
 * (1, n * rows). */
vl_tensor vl_params_pack(vl_params *p, vl_init init, int rows, int cols, const char *prefix,
                         const char *const *names, int n);

/* Number of elements of a block, alignment gaps included (those stay zero). */
size_t vl_params_size(const vl_params *p);
/* Number of parameters' elements. */
size_t vl_params_count(const vl_params *p);
/* NULL if there is none of that name. */
const vl_param *vl_params_find(const vl_params *p, const char *name);
real *vl_param_weights(const vl_params *p, const vl_param *e);
real *vl_param_grads(const vl_params *p, const vl_param *e);

/* Of all weights: to tell whether a file's are the ones from before. */
uint64_t vl_params_hash(const vl_params *p);
/* The same of those whose names begin with `prefix`, whatever stands beside them. */
uint64_t vl_params_hash_of(const vl_params *p, const char *prefix);

/* Draws all parameters afresh from seed, each from its own name, so that a parameter starts the
 * same whatever else the model has. */
void vl_params_draw(vl_params *p, uint64_t seed);
void vl_param_draw(vl_params *p, const vl_param *e, uint64_t seed);

#endif
