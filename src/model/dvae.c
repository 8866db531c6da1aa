/* A dVAE's weights: made, read, written, used; see dvae.h.
 *
 * A file tells all by itself: the input convolution of an encoder is 7x7 from 3 channels, that of a
 * decoder 1x1 from the codes, and what stands before "blocks.input.w" there stands before all names
 * of that half. */
#include "model/dvae.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "base/words.h"
#include "file/tensors.h"
#include "model/checkpoint.h"

#define WIDTH_MOST 16384
#define CODES_MOST (1 << 20)

static const char *const half_name[2] = {"encoder/", "decoder/"};

/* ---- making ---------------------------------------------------------------------------------- */

static violet_status check_sizes(const vl_dvae_config *c)
{
    if (c->n_hid < 4 || c->n_hid % 4 || c->n_hid > WIDTH_MOST)
        return vl_err(VIOLET_EINVAL, "dVAE: n_hid is %d, expected a multiple of 4 up to %d",
                      c->n_hid, WIDTH_MOST);
    if (c->n_init < 1 || c->n_init > WIDTH_MOST || c->n_code < 2 || c->n_code > CODES_MOST)
        return vl_err(VIOLET_EINVAL, "dVAE: n_init %d and n_code %d, expected up to %d and %d",
                      c->n_init, c->n_code, WIDTH_MOST, CODES_MOST);
    if ((int64_t)c->n_init * c->n_code > INT32_MAX)
        return vl_err(VIOLET_EINVAL, "dVAE: n_init %d times n_code %d, expected at most %d",
                      c->n_init, c->n_code, INT32_MAX);
    return VIOLET_OK;
}

/* Laid out, without values. */
static violet_status lay_out(vl_dvae **out, const vl_dvae_config *c, int with_decoder,
                             int trainable)
{
    *out = NULL;
    violet_status status = check_sizes(c);
    if (status != VIOLET_OK) return status;
    vl_dvae *d = calloc(1, sizeof *d);
    if (!d) return vl_err_nomem();
    d->config = *c;
    d->has_decoder = with_decoder;
    status = vl_params_init(&d->params, trainable, 0);
    if (status == VIOLET_OK) {
        vl_dvae_encoder_init(&d->encoder, &d->params, c, half_name[0]);
        if (with_decoder) vl_dvae_decoder_init(&d->decoder, &d->params, c, half_name[1]);
        status = d->params.status;
    }
    if (status == VIOLET_OK)
        *out = d;
    else
        vl_dvae_close(d);
    return status;
}

violet_status vl_dvae_new(vl_dvae **out, const vl_dvae_config *c, int with_decoder, int trainable,
                          uint64_t seed)
{
    violet_status status = lay_out(out, c, with_decoder, trainable);
    if (status == VIOLET_OK) vl_params_draw(&(*out)->params, seed);
    return status;
}

void vl_dvae_close(vl_dvae *d)
{
    if (!d) return;
    vl_params_release(&d->params);
    free(d);
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct source {
    vl_tensors *file;
    char prefix[2][200]; /* before the names of encoder and decoder */
    bool has[2];
} source;

/* Finds both halves by their first convolutions, whatever stands before the name: the shortest. */
static void find_halves(source *s)
{
    static const char input[] = "blocks.input.w";
    for (size_t i = 0; i < vl_tensors_n(s->file); i++) {
        const vl_stored *t = vl_tensors_at(s->file, i);
        size_t n = strlen(t->name), n_prefix = n - (sizeof input - 1);
        if (n < sizeof input - 1 || strcmp(t->name + n_prefix, input) != 0 || t->n_dim != 4)
            continue;
        int half = t->shape[2] == 7 ? 0 : 1;
        if (n_prefix >= sizeof s->prefix[0] || vl_checkpoint_moment(t->name)) continue;
        if (s->has[half] && strlen(s->prefix[half]) <= n_prefix) continue;
        memcpy(s->prefix[half], t->name, n_prefix);
        s->prefix[half][n_prefix] = 0;
        s->has[half] = true;
    }
}

/* The first dimension of a tensor of a half; 0 where there is none, or it is absurd. */
static int first_size(const source *s, int half, const char *name)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", s->prefix[half], name);
    const vl_stored *t = vl_tensors_find(s->file, full);
    return t && t->n_dim > 0 && t->shape[0] <= INT32_MAX ? (int)t->shape[0] : 0;
}

static violet_status find_config(vl_dvae_config *c, const source *s)
{
    if (!s->has[0])
        return vl_err(VIOLET_EFORMAT, "no dVAE's encoder in it: expected blocks.input.w of 7x7");
    c->n_hid = first_size(s, 0, "blocks.input.w");
    c->n_code = first_size(s, 0, "blocks.output.conv.w");
    c->n_init = s->has[1] ? first_size(s, 1, "blocks.input.w") : c->n_hid / 2;
    if (!c->n_code) return vl_err(VIOLET_EFORMAT, "tensor '%sblocks.output.conv.w' is missing",
                                  s->prefix[0]);
    return VIOLET_OK;
}

static violet_status check_shape(const vl_param *e, const vl_stored *t)
{
    char found[VL_WORDS_SHAPE], expected[VL_WORDS_SHAPE];
    int64_t ours[VL_MAX_DIMS];
    bool same = t->n_dim == e->n_dims;
    for (int i = 0; i < e->n_dims; i++) {
        ours[i] = e->shape[i];
        same = same && t->shape[i] == ours[i];
    }
    if (same) return VIOLET_OK;
    return vl_err(VIOLET_ESHAPE, "tensor '%s' is %s, expected %s", t->name,
                  vl_words_shape(found, t->n_dim, t->shape),
                  vl_words_shape(expected, e->n_dims, ours));
}

static violet_status load_param(vl_dvae *d, const vl_param *e, const source *s, float *x)
{
    char name[512];
    int half = !vl_str_begins(e->name, half_name[0]);
    snprintf(name, sizeof name, "%s%s", s->prefix[half], e->name + strlen(half_name[half]));
    const vl_stored *t = vl_tensors_find(s->file, name);
    if (!t) return vl_err(VIOLET_EFORMAT, "tensor '%s' is missing", name);
    violet_status status = check_shape(e, t);
    if (status == VIOLET_OK) status = vl_tensors_read(x, s->file, t, 0, t->n);
    real *to = vl_param_weights(&d->params, e);
    for (size_t i = 0; i < e->count && status == VIOLET_OK; i++) {
        if (!isfinite(x[i]))
            status = vl_err(VIOLET_EFORMAT, "tensor '%s': value %zu is %f", name, i, x[i]);
        to[i] = x[i];
    }
    return status;
}

static violet_status load(vl_dvae *d, const source *s)
{
    size_t most = 1;
    for (int i = 0; i < d->params.n; i++)
        if (d->params.list[i].count > most) most = d->params.list[i].count;
    float *x = malloc(most * sizeof *x);
    violet_status status = x ? VIOLET_OK : vl_err_nomem();
    for (int i = 0; i < d->params.n && status == VIOLET_OK; i++)
        status = load_param(d, &d->params.list[i], s, x);
    free(x);
    return status;
}

violet_status vl_dvae_open(vl_dvae **out, const char *path, int trainable)
{
    source s = {0};
    vl_dvae_config c = {0};
    *out = NULL;
    violet_status status = vl_tensors_open(&s.file, path);
    if (status != VIOLET_OK) return status; /* has the path in it */
    find_halves(&s);
    status = find_config(&c, &s);
    if (status == VIOLET_OK) status = lay_out(out, &c, s.has[1], trainable);
    if (status == VIOLET_OK) status = load(*out, &s);
    vl_tensors_close(s.file);
    if (status != VIOLET_OK) {
        vl_dvae_close(*out);
        *out = NULL;
        vl_err_at(status, "%s", path);
    }
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

violet_status vl_dvae_write(const char *path, const vl_dvae *d, int with_moments,
                            const char *const *extra, size_t n_extra)
{
    char sizes[128];
    const char **metadata = calloc(2 * (n_extra + 1), sizeof *metadata);
    if (!metadata) return vl_err_nomem();
    snprintf(sizes, sizeof sizes, "{\"n_hid\": %d, \"n_init\": %d, \"n_code\": %d}",
             d->config.n_hid, d->config.n_init, d->config.n_code);
    metadata[0] = "dvae";
    metadata[1] = sizes;
    for (size_t i = 0; i < 2 * n_extra; i++) metadata[2 + i] = extra[i];
    violet_status status =
        vl_checkpoint_write_params(path, &d->params, with_moments, metadata, n_extra + 1);
    free(metadata);
    return status;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* The first of the largest. */
static int32_t argmax(const real *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

violet_status vl_dvae_tokens(int32_t *tokens, vl_dvae *d, vl_tape *t, const uint8_t *image, int n,
                             int S)
{
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 0;
    const vl_tensor *logits =
        vl_dvae_encode(t, &d->encoder, vl_dvae_pixels(t, image, n, S), n, S); // (n*h*h, V)
    violet_status status = vl_tape_status(t);
    if (status != VIOLET_OK) return status;
    for (int i = 0; i < logits->rows; i++)
        tokens[i] = argmax(logits->x + (size_t)i * (size_t)logits->cols, logits->cols);
    return VIOLET_OK;
}
