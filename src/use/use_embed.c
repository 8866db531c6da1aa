/* Vectors of videos and texts; see use.h. A vector is the mean over an item's tokens, which is all
 * that VIOLET's own heads offer for comparing items without pairing them: `mean_of` is the one place
 * that makes a vector of an encoded item. */
#include <stdlib.h>

#include "base/status.h"
#include "use/use.h"

/* x: room for the rows of the longest item */
static void mean_of(float *vector, real *x, const vl_features *f, int i)
{
    int rows = vl_features_rows(f, i), D = vl_features_key_of(f)->cols;
    vl_features_get(x, f, i);
    for (int d = 0; d < D; d++) {
        double sum = 0;
        for (int r = 0; r < rows; r++) sum += (double)x[(size_t)r * (size_t)D + (size_t)d];
        vector[d] = (float)(sum / rows);
    }
}

static real *room_for(const vl_features *f)
{
    const vl_features_key *k = vl_features_key_of(f);
    return malloc((size_t)k->rows * (size_t)k->cols * sizeof(real));
}

violet_status violet_embed_videos(float *vector, violet_session *s, violet_video *const *videos,
                                  int n)
{
    vl_buf_clear(&s->notes);
    for (int i = 0; i < n; i++) {
        if (videos[i]->of != s->of)
            return vl_err(VIOLET_EINVAL, "video %d was encoded by another model", i);
        real *x = room_for(videos[i]->x);
        if (!x) return vl_err_nomem();
        mean_of(vector + (size_t)i * (size_t)s->of->m.config.hidden, x, videos[i]->x, 0);
        free(x);
    }
    return VIOLET_OK;
}

violet_status violet_embed_texts(float *vector, violet_session *s, const char *const *texts, int n)
{
    enum { LOT = 64 };
    size_t X = (size_t)s->of->size_txt, D = (size_t)s->of->m.config.hidden;
    violet_status status = VIOLET_OK;
    vl_buf_clear(&s->notes);
    int *ids = malloc((size_t)(n > 0 ? n : 1) * X * sizeof *ids);
    status = ids ? vl_use_sentences(ids, s, "text", texts, n) : vl_err_nomem();
    for (int i = 0, lot; i < n && status == VIOLET_OK; i += lot) {
        vl_features *f = NULL;
        lot = n - i < LOT ? n - i : LOT;
        status = vl_use_encode(&f, s, ids + (size_t)i * X, NULL, lot);
        real *x = f ? room_for(f) : NULL;
        if (status == VIOLET_OK && !x) status = vl_err_nomem();
        for (int k = 0; k < lot && status == VIOLET_OK; k++)
            mean_of(vector + (size_t)(i + k) * D, x, f, k);
        free(x);
        vl_features_close(f);
    }
    free(ids);
    return status;
}
