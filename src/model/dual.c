/* Videos and texts as vectors; see dual.h. */
#include "model/dual.h"

#include <string.h>

#include "base/status.h"

static int has_head(vl_tape *t, const vl_model *m)
{
    if (!(m->heads & VL_HEAD_DUAL)) vl_tape_fail(t, VIOLET_EINVAL, "the model has no dual encoder");
    return !vl_tape_failed(t);
}

vl_tensor *vl_dual_video(vl_tape *t, const vl_model *m, const vl_tensor *image,
                         const uint8_t *mask, int Ni)
{
    if (!has_head(t, m)) return &t->dead;
    vl_tensor *x = vl_mean(t, image, mask, Ni); // (B, D)
    return vl_unit(t, vl_linear(t, x, &m->dual_video, NULL, VL_ACT_NONE));
}

vl_tensor *vl_dual_text(vl_tape *t, const vl_model *m, vl_tensor *text, const uint8_t *mask, int X)
{
    if (!has_head(t, m)) return &t->dead;
    const vl_bert_batch batch = {text->rows / X, X, mask};
    vl_tensor *x = vl_bert_encode(t, m->layers, vl_config_dual_layers(&m->config), &batch, text);
    x = vl_mean(t, x, mask, X); // (B, D)
    return vl_unit(t, vl_linear(t, x, &m->dual_text, NULL, VL_ACT_NONE));
}

/* Four chains, so that additions need not wait for each other; their order is always the same. */
float vl_dual_product(const real *a, const real *b, int n)
{
    double sum[4] = {0};
    for (int i = 0; i < n; i++) sum[i % 4] += (double)a[i] * (double)b[i];
    return (float)((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* ---- of what is encoded already -------------------------------------------------------------- */

/* The items' rows, item i's from i * rows on -> (n*rows, D); mask (n, rows): which there are. */
static vl_tensor *fetch(vl_tape *t, const vl_features *f, const int *item, int n, int rows,
                        uint8_t *mask)
{
    const vl_features_key *key = vl_features_key_of(f);
    size_t each = (size_t)rows * (size_t)key->cols;
    vl_tensor *x = vl_tape_tensor(t, n * rows, key->cols, 0);
    if (vl_tape_failed(t)) return &t->dead;
    for (int i = 0; i < n; i++) {
        size_t own = (size_t)vl_features_rows(f, item[i]), cols = (size_t)key->cols;
        vl_features_get(x->x + (size_t)i * each, f, item[i]);
        memset(x->x + (size_t)i * each + own * cols, 0, (each - own * cols) * sizeof *x->x);
        memset(mask + (size_t)i * (size_t)rows, 0, (size_t)rows);
        memset(mask + (size_t)i * (size_t)rows, 1, own);
    }
    return x;
}

static violet_status vectors(real *out, vl_tape *t, const vl_model *m, const vl_features *f,
                             const int *item, int n, bool texts)
{
    int rows = 0, grad_on = t->grad_on, training = t->training;
    for (int i = 0; i < n; i++) {
        int own = vl_features_rows(f, item[i]);
        if (own == 0) return vl_err(VIOLET_EINVAL, "item %d is not encoded", item[i]);
        if (rows < own) rows = own;
    }
    if (n == 0) return VIOLET_OK;
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 0;
    uint8_t *mask = vl_tape_alloc(t, (size_t)n * (size_t)rows);
    vl_tensor *x = mask ? fetch(t, f, item, n, rows, mask) : &t->dead; // (n*rows, D)
    x = texts ? vl_dual_text(t, m, x, mask, rows) : vl_dual_video(t, m, x, mask, rows);
    violet_status status = vl_tape_status(t);
    if (status == VIOLET_OK)
        memcpy(out, x->x, (size_t)n * (size_t)x->cols * sizeof *out);
    t->grad_on = grad_on;
    t->training = training;
    return status;
}

violet_status vl_dual_videos_of(real *out, vl_tape *t, const vl_model *m, const vl_features *videos,
                                const int *item, int n)
{
    return vectors(out, t, m, videos, item, n, false);
}

violet_status vl_dual_texts_of(real *out, vl_tape *t, const vl_model *m, const vl_features *texts,
                               const int *item, int n)
{
    return vectors(out, t, m, texts, item, n, true);
}
