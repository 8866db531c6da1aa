/* The buffers of a case: random content, NaN filling, guard zones. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "ops/cases.h"

#define GUARD 256 /* bytes at each end; a multiple of 64 */
#define CANARY 0xA5

static void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory\n");
        abort();
    }
    return p;
}

const char *op_case_name(const op_case *c, char *text, size_t text_size)
{
    int at = snprintf(text, text_size, "%s", c->op->name), last = 6;
    while (last > 0 && c->dim[last] == 0) last--;
    for (int i = 0; i <= last && at < (int)text_size; i++)
        at += snprintf(text + at, text_size - at, "%s%d", i ? "x" : " ", c->dim[i]);
    if (c->flags && at < (int)text_size)
        at += snprintf(text + at, text_size - at, " flags 0x%x", (unsigned)c->flags);
    for (int i = 0; i < 2 && at < (int)text_size; i++)
        if (c->p[i] > 0) at += snprintf(text + at, text_size - at, " p%d %g", i, c->p[i]);
    return text;
}

uint64_t op_key(const op_run *r, uint64_t what)
{
    return vl_rng_key(r->seed, 1, what);
}

/* The memory before and after the n elements is guarded, to the byte: a vector store that runs over
 * the end is seen even where the allocator would have forgiven it. */
static real *guarded(size_t n)
{
    size_t size = GUARD + n * sizeof(real) + GUARD;
    unsigned char *block = must(aligned_alloc(64, (size + 63) / 64 * 64));
    memset(block, CANARY, (size + 63) / 64 * 64);
    return (real *)(block + GUARD);
}

static bool guard_intact(const real *data, size_t n)
{
    const unsigned char *before = (const unsigned char *)data - GUARD;
    const unsigned char *after = (const unsigned char *)(data + n);
    for (int i = 0; i < GUARD; i++)
        if (before[i] != CANARY || after[i] != CANARY) return false;
    return true;
}

op_buffer *op_declare(op_run *r, int index, const char *name, op_kind kind, size_t n, double scale)
{
    if (index >= OP_MAX_BUFFERS) abort();
    if (index >= r->n_buffers) r->n_buffers = index + 1;
    op_buffer *b = &r->buffer[index];
    *b = (op_buffer){.name = name, .kind = kind, .n = n, .of = -1};
    b->data = guarded(n);
    b->start = must(malloc(n * sizeof(real)));
    b->random = must(malloc(n * sizeof(real)));
    uint64_t key = vl_rng_key(r->seed, 0, (uint64_t)index);
    for (size_t i = 0; i < n; i++)
        b->random[i] = (real)(scale * (2 * vl_rng_uniform(key, i) - 1));
    return b;
}

op_buffer *op_declare_grad(op_run *r, int index, const char *name, op_kind kind, int of,
                           int acc_bit)
{
    op_buffer *b = op_declare(r, index, name, kind, r->buffer[of].n, 1);
    b->of = of;
    b->acc_bit = acc_bit;
    b->nullable = b->backward = true;
    return b;
}

int *op_table(op_run *r, int i, size_t n)
{
    return r->table[i] = must(calloc(n ? n : 1, sizeof(int)));
}

uint8_t *op_bytes(op_run *r, int i, size_t n)
{
    return r->bytes[i] = must(calloc(n ? n : 1, 1));
}

real *op_at(const op_run *r, int i)
{
    return r->without[i] ? NULL : r->buffer[i].data;
}

void op_open(op_run *r, const op_case *c, const vl_backend *be, vl_device *dev)
{
    memset(r, 0, sizeof *r);
    r->c = c;
    r->op = c->op;
    r->be = be;
    r->dev = dev;
    for (int i = 0; i < 7; i++) r->seed = r->seed * 1000003 + (uint64_t)c->dim[i];
    r->op->setup(r);
}

void op_close(op_run *r)
{
    for (int i = 0; i < r->n_buffers; i++) {
        if (!r->buffer[i].data) continue;
        free((unsigned char *)r->buffer[i].data - GUARD);
        free(r->buffer[i].start);
        free(r->buffer[i].random);
    }
    for (int i = 0; i < OP_MAX_TABLES; i++) free(r->table[i]);
    free(r->bytes[0]);
    free(r->bytes[1]);
}

void op_reset(op_run *r, int acc)
{
    r->acc = acc;
    for (int i = 0; i < r->n_buffers; i++) {
        op_buffer *b = &r->buffer[i];
        if (!b->data) continue;
        bool nan = b->kind == OP_OUT || b->kind == OP_SAVED ||
                   (b->kind == OP_GRAD && !(acc >> b->acc_bit & 1));
        for (size_t j = 0; j < b->n; j++) b->start[j] = nan ? (real)NAN : b->random[j];
        memcpy(b->data, b->start, b->n * sizeof(real));
    }
}

bool op_intact(const op_run *r, char *why, size_t why_size)
{
    for (int i = 0; i < r->n_buffers; i++) {
        const op_buffer *b = &r->buffer[i];
        if (!b->data) continue;
        if (!guard_intact(b->data, b->n)) {
            snprintf(why, why_size, "%s: written outside its %zu elements", b->name, b->n);
            return false;
        }
        bool only_read = b->kind == OP_IN || b->kind == OP_COT || r->without[i];
        if (only_read && !op_same_bits(b->data, b->start, b->n * sizeof(real))) {
            snprintf(why, why_size, "%s: written to, though an input or not wanted", b->name);
            return false;
        }
    }
    return true;
}

bool op_has_two_accs(const op_run *r)
{
    for (int i = 0; i < r->n_buffers; i++)
        if (r->buffer[i].kind == OP_GRAD && r->buffer[i].acc_bit == 1) return true;
    return false;
}

bool op_same_bits(const void *a, const void *b, size_t size)
{
    return memcmp(a, b, size) == 0;
}
