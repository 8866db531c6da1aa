/* One table of cases for every op of tensor/backend.h, run three ways: a backend against the
 * reference (test_fast.c), the reference against central differences in double (test_gradient.c),
 * and for speed (speed.c). Backends are called through their table only.
 *
 *     op_run r;
 *     op_open(&r, &op_cases[i], backend, device);    buffers, filled by the case's own seed
 *     op_reset(&r, acc);                            outputs NaN, sums random
 *     r.op->forward(&r);  if (r.op->backward) r.op->backward(&r);
 *     op_intact(&r, why)                             guard zones, inputs
 *     op_close(&r);
 *
 * A new op is one op_family and its lines in op_cases. */
#ifndef TESTS_OPS_CASES_H
#define TESTS_OPS_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tensor/backend.h"

typedef struct op_run op_run;
typedef struct op_case op_case;

/* An op: the slots X_fwd and X_bwd, or one slot alone. */
typedef struct op_family {
    const char *name;
    double tolerance_fwd, tolerance_bwd; /* relative L2 error; the same as in docs/NUMERICS.md */
    void (*setup)(op_run *r);            /* declares buffers and tables */
    void (*forward)(op_run *r);
    void (*backward)(op_run *r);                         /* or NULL */
    double (*flops)(const op_case *c, bool backward);    /* NULL: what counts is the bytes */
    bool any_threads; /* the same bits for every thread count */
    bool reads_back;  /* the backward reads the inputs too; for speed.c's count of bytes */
} op_family;

enum { /* which ways a case is run */
    OP_SMALL = 1, /* gradient, fast */
    OP_REAL = 2,  /* fast, speed: shapes of the model, one sample or so */
    OP_SPEED = 4, /* speed only: too slow for the reference */
};

enum { /* flags; what they mean is said by the family */
    OP_BIAS = 1, OP_PACKED = 2, OP_ROWS = 4, OP_REGION = 8, OP_MASK = 16, OP_INVERSE = 32,
    OP_NO_X = 64, OP_IGNORE_ALL = 128, OP_TIES = 256, OP_MASK_ALL = 512,
};

struct op_case {
    const op_family *op;
    int sets;
    int dim[7];    /* the family says which is which */
    int flags;
    double p[2];   /* dropout, drop path */
};

extern const op_case op_cases[];
extern const int op_n_cases;
extern const op_family *const op_families[];
extern const int op_n_families;

/* "linear 7 13 5 +1 p0.1" */
const char *op_case_name(const op_case *c, char *text, size_t text_size);

typedef enum op_kind {
    OP_IN,    /* read by forward and backward */
    OP_OUT,   /* written by forward */
    OP_SAVED, /* written by forward for backward; compared only where the reference is finite */
    OP_COT,   /* the gradient of OUT `of`, read by backward */
    OP_GRAD,  /* the gradient of IN `of`; takes acc */
    OP_SUM,   /* always added to; the gradient of IN `of`, or -1 */
    OP_INOUT, /* overwritten in place */
} op_kind;

typedef struct op_buffer {
    const char *name;
    op_kind kind;
    size_t n;
    int of;
    int acc_bit;     /* OP_GRAD: which bit of r->acc is its own */
    bool nullable;   /* OP_GRAD, OP_SUM: may be passed as NULL */
    bool backward;   /* written by backward */
    real *data;      /* 64-byte aligned, guard zones at both ends */
    real *start;     /* (n), what data held before the call; NaN for pure outputs */
    real *random;    /* (n), the content that start is made from */
} op_buffer;

enum { OP_MAX_BUFFERS = 16, OP_MAX_TABLES = 4 };

struct op_run {
    const op_case *c;
    const op_family *op;
    const vl_backend *be;
    vl_device *dev;
    op_buffer buffer[OP_MAX_BUFFERS];
    int n_buffers;
    int *table[OP_MAX_TABLES];         /* int inputs and outputs */
    uint8_t *bytes[2];                 /* byte inputs: masks, pictures */
    vl_attention attention;
    int acc;                           /* bit 0: acc or acc_q, bit 1: acc_kv */
    int without[OP_MAX_BUFFERS];       /* gradients passed as NULL */
    uint64_t seed;
};

/* For families' setup: the buffer's index must be the next one. scale: uniform in +-scale. */
op_buffer *op_declare(op_run *r, int index, const char *name, op_kind kind, size_t n, double scale);
/* ... and the gradient of `of`: kind OP_GRAD with acc_bit, or OP_SUM */
op_buffer *op_declare_grad(op_run *r, int index, const char *name, op_kind kind, int of,
                           int acc_bit);
int *op_table(op_run *r, int i, size_t n);
uint8_t *op_bytes(op_run *r, int i, size_t n);
uint64_t op_key(const op_run *r, uint64_t what); /* random numbers for tables */

real *op_at(const op_run *r, int i);             /* NULL if it is left out */

void op_open(op_run *r, const op_case *c, const vl_backend *be, vl_device *dev);
void op_reset(op_run *r, int acc);
bool op_intact(const op_run *r, char *why, size_t why_size);
void op_close(op_run *r);

/* Gradients that the case's backward writes with bit 1 of acc too: acc runs over 0..3. */
bool op_has_two_accs(const op_run *r);
bool op_same_bits(const void *a, const void *b, size_t size);

#endif
