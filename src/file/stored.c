/* Values of stored tensors in C order; see stored.h. */
#include "file/stored.h"

#include <string.h>

bool vl_stored_is_plain(const vl_stored *t)
{
    int64_t expected = 1;
    if (t->big_endian && vl_dtype_bytes(t->dtype) > 1) return false;
    if (t->n == 0) return true;
    for (int d = t->n_dim - 1; d >= 0; expected *= t->shape[d--])
        if (t->shape[d] != 1 && t->stride[d] != expected) return false;
    return true;
}

/* Where element i in C order lies, in elements from the first. */
typedef struct place {
    int64_t index[VL_STORED_MAX_DIM], at;
} place;

static place place_of(const vl_stored *t, size_t i)
{
    place p = {{0}, 0};
    for (int d = t->n_dim - 1; d >= 0; d--) {
        p.index[d] = (int64_t)(i % (size_t)t->shape[d]);
        p.at += p.index[d] * t->stride[d];
        i /= (size_t)t->shape[d];
    }
    return p;
}

/* To the next element, last dimension fastest. */
static void step(place *p, const vl_stored *t)
{
    for (int d = t->n_dim - 1; d >= 0; d--) {
        p->at += t->stride[d];
        if (++p->index[d] < t->shape[d]) return;
        p->at -= t->stride[d] * t->shape[d];
        p->index[d] = 0;
    }
}

/* One element's bytes in this machine's order. */
static void copy_element(uint8_t *to, const uint8_t *from, size_t n, bool swap)
{
    for (size_t i = 0; i < n; i++) to[i] = from[swap ? n - 1 - i : i];
}

void vl_stored_bytes(void *out, const vl_stored *t, size_t first, size_t n)
{
    size_t each = vl_dtype_bytes(t->dtype);
    if (n == 0) return;
    if (vl_stored_is_plain(t)) {
        memcpy(out, t->data + first * each, n * each);
        return;
    }
    place p = place_of(t, first);
    for (size_t i = 0; i < n; i++, step(&p, t))
        copy_element((uint8_t *)out + i * each, t->data + p.at * (int64_t)each, each,
                     t->big_endian);
}

void vl_stored_floats(float *out, const vl_stored *t, size_t first, size_t n)
{
    enum { PIECE = 512 };
    uint8_t piece[PIECE * 8];
    size_t each = vl_dtype_bytes(t->dtype);
    if (n == 0) return;
    if (vl_stored_is_plain(t)) {
        vl_dtype_to_float(out, t->data + first * each, t->dtype, n);
        return;
    }
    place p = place_of(t, first);
    for (size_t done = 0; done < n; done += PIECE) {
        size_t some = n - done < PIECE ? n - done : PIECE;
        for (size_t i = 0; i < some; i++, step(&p, t))
            copy_element(piece + i * each, t->data + p.at * (int64_t)each, each, t->big_endian);
        vl_dtype_to_float(out + done, piece, t->dtype, some);
    }
}
