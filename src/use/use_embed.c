/* Vectors of videos and texts; see use.h. Of a model with a dual encoder they are its, made to be
 * compared; else the mean over an item's tokens is all that VIOLET's own heads offer for an item
 * that is not paired. vl_use_vector is the one place that makes a vector of an encoded item. */
#include <stdlib.h>

#include "base/status.h"
#include "model/dual.h"
#include "use/use.h"

int vl_use_width(const violet_model *m)
{
    return m->heads & VL_HEAD_DUAL ? m->m.config.dual_width : m->m.config.hidden;
}

static violet_status mean_of(real *vector, const vl_features *f, int i)
{
    const vl_features_key *k = vl_features_key_of(f);
    int rows = vl_features_rows(f, i), D = k->cols;
    real *x = malloc((size_t)k->rows * (size_t)D * sizeof *x);
    if (!x) return vl_err_nomem();
    vl_features_get(x, f, i);
    for (int d = 0; d < D; d++) {
        double sum = 0;
        for (int r = 0; r < rows; r++) sum += (double)x[(size_t)r * (size_t)D + (size_t)d];
        vector[d] = (real)(sum / rows);
    }
    free(x);
    return VIOLET_OK;
}

violet_status vl_use_vector(real *vector, violet_session *s, const vl_features *f, int i,
                            bool text)
{
    const vl_model *m = &s->of->m;
    if (!(m->heads & VL_HEAD_DUAL)) return mean_of(vector, f, i);
    return text ? vl_dual_texts_of(vector, &s->tape, m, f, &i, 1)
                : vl_dual_videos_of(vector, &s->tape, m, f, &i, 1);
}

/* Items one by one: the same bits in whatever company. */
static violet_status vector_of(float *vector, violet_session *s, const vl_features *f, int i,
                               bool text)
{
    int E = vl_use_width(s->of);
    real *x = malloc((size_t)E * sizeof *x);
    violet_status status = x ? vl_use_vector(x, s, f, i, text) : vl_err_nomem();
    for (int k = 0; k < E && status == VIOLET_OK; k++) vector[k] = (float)x[k];
    free(x);
    return status;
}

violet_status violet_embed_videos(float *vector, violet_session *s, violet_video *const *videos,
                                  int n)
{
    size_t E = (size_t)vl_use_width(s->of);
    vl_buf_clear(&s->notes);
    violet_status status = VIOLET_OK;
    for (int i = 0; i < n && status == VIOLET_OK; i++)
        status = videos[i]->of == s->of
                     ? vector_of(vector + (size_t)i * E, s, videos[i]->x, 0, false)
                     : vl_err(VIOLET_EINVAL, "video %d was encoded by another model", i);
    return status;
}

violet_status violet_embed_texts(float *vector, violet_session *s, const char *const *texts, int n)
{
    enum { LOT = 64 };
    size_t X = (size_t)s->of->size_txt, E = (size_t)vl_use_width(s->of);
    violet_status status = VIOLET_OK;
    vl_buf_clear(&s->notes);
    int *ids = malloc((size_t)(n > 0 ? n : 1) * X * sizeof *ids);
    status = ids ? vl_use_sentences(ids, s, "text", texts, n) : vl_err_nomem();
    for (int i = 0, lot; i < n && status == VIOLET_OK; i += lot) {
        vl_features *f = NULL;
        lot = n - i < LOT ? n - i : LOT;
        status = vl_use_encode(&f, s, ids + (size_t)i * X, NULL, lot);
        for (int k = 0; k < lot && status == VIOLET_OK; k++)
            status = vector_of(vector + (size_t)(i + k) * E, s, f, k, true);
        vl_features_close(f);
    }
    free(ids);
    return status;
}
