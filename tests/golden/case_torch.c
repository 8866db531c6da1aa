/* PyTorch's files in a folder of checkpoints/: state dicts against expected_float32.safetensors,
 * and the pickled encoder against the values that its parameters' names and some seed below SEEDS
 * give. Everything must be equal to the last bit. */
#include "golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/torch.h"
#include "golden/hash_init.h"
#include "nn/dvae.h"

#define SEEDS 1000

static int same_shape(const vl_stored *t, int n_dim, const int64_t *shape)
{
    return t->n_dim == n_dim && memcmp(t->shape, shape, (size_t)n_dim * sizeof *shape) == 0;
}

/* t's values are x's (n). */
static int same_floats(const vl_stored *t, const float *x, size_t n)
{
    float *ours = malloc(n * sizeof *ours + 1);
    int same = ours && t->n == n;
    if (same) vl_stored_floats(ours, t, 0, n);
    same = same && (n == 0 || memcmp(ours, x, n * sizeof *x) == 0);
    free(ours);
    return same;
}

static void compare_state(golden_report *r, const vl_torch *f, const vl_safetensors *expected,
                          const char *name)
{
    char what[300];
    for (size_t i = 0; i < vl_safetensors_n(expected); i++) {
        const vl_safetensor *e = vl_safetensors_at(expected, i);
        const vl_stored *t = vl_torch_find(f, e->name);
        snprintf(what, sizeof what, "%.100s %.150s", name, e->name);
        if (!t)
            golden_verdict(r, 0, what, "no such tensor");
        else if (!same_shape(t, e->n_dim, e->shape))
            golden_verdict(r, 0, what, "another shape");
        else
            golden_verdict(r, same_floats(t, (const float *)(const void *)e->data, e->n), what,
                           "other values");
    }
}

void golden_check_state(golden_report *r, const char *path, const char *name)
{
    char beside[4096];
    vl_torch *f = NULL;
    vl_safetensors *expected = NULL;
    snprintf(beside, sizeof beside, "%.*sexpected_float32.safetensors",
             (int)(strlen(path) - strlen(name)), path);
    if (vl_torch_open(&f, path) != VIOLET_OK ||
        vl_safetensors_open(&expected, beside) != VIOLET_OK)
        golden_verdict(r, 0, name, "%s", violet_error());
    else
        compare_state(r, f, expected, name);
    if (expected) vl_safetensors_close(expected);
    vl_torch_close(f);
}

/* ---- the module ------------------------------------------------------------------------------ */

static int is_hashed(const vl_stored *t, uint64_t seed)
{
    size_t columns = t->n_dim && t->shape[0] ? t->n / (size_t)t->shape[0] : 1;
    real *x = malloc(t->n * sizeof *x + 1);
    float *y = malloc(t->n * sizeof *y + 1);
    int same = x && y;
    if (same) golden_hash_init(x, t->n, t->name, columns, seed);
    for (size_t i = 0; same && i < t->n; i++) y[i] = (float)x[i];
    same = same && same_floats(t, y, t->n);
    free(x);
    free(y);
    return same;
}

/* Names and shapes are those of our encoder at the sizes that the module's attributes tell. */
static void compare_names(golden_report *r, const vl_torch *f, const char *name)
{
    int64_t n_hid = 0, n_code = 0;
    vl_dvae_half half;
    vl_params p;
    size_t wrong = 0;
    if (!vl_value_int(&n_hid, vl_torch_attribute(f, "n_hid")) ||
        !vl_value_int(&n_code, vl_torch_attribute(f, "vocab_size")) ||
        vl_params_init(&p, 0, (size_t)1 << 32) != VIOLET_OK) {
        golden_verdict(r, 0, name, "attributes n_hid and vocab_size are not there");
        return;
    }
    const vl_dvae_config c = {(int)n_hid, (int)n_hid / 2, (int)n_code};
    vl_dvae_encoder_init(&half, &p, &c, "");
    for (int i = 0; i < p.n; i++) {
        const vl_stored *t = vl_torch_find(f, p.list[i].name);
        int64_t shape[VL_MAX_DIMS];
        for (int d = 0; d < p.list[i].n_dims; d++) shape[d] = p.list[i].shape[d];
        wrong += !t || !same_shape(t, p.list[i].n_dims, shape);
    }
    golden_verdict(r, p.status == VIOLET_OK && wrong == 0 && (size_t)p.n == vl_torch_n(f), name,
                   "%zu of the encoder's %d parameters do not fit, the file has %zu", wrong, p.n,
                   vl_torch_n(f));
    vl_params_release(&p);
}

void golden_check_module(golden_report *r, const char *path, const char *name)
{
    char what[300];
    vl_torch *f;
    uint64_t seed = 0;
    size_t wrong = 0;
    if (vl_torch_open(&f, path) != VIOLET_OK) {
        golden_verdict(r, 0, name, "%s", violet_error());
        return;
    }
    const vl_stored *small = vl_torch_at(f, 0);
    for (size_t i = 1; i < vl_torch_n(f); i++)
        if (vl_torch_at(f, i)->n < small->n) small = vl_torch_at(f, i);
    golden_verdict(r, small && vl_torch_class(f), name, "no module with tensors");
    while (small && seed < SEEDS && !is_hashed(small, seed)) seed++;
    for (size_t i = 0; i < vl_torch_n(f); i++) wrong += !is_hashed(vl_torch_at(f, i), seed);
    snprintf(what, sizeof what, "%.100s values of seed %d", name, (int)seed);
    golden_verdict(r, small && wrong == 0, what, "%zu of %zu tensors differ", wrong, vl_torch_n(f));
    snprintf(what, sizeof what, "%.100s names and shapes", name);
    compare_names(r, f, what);
    vl_torch_close(f);
}
