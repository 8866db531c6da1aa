/* Videos and texts into features; see scorer.h. */
#include "base/status.h"
#include "model/scorer.h"

#include <string.h>

static void start(vl_tape *t)
{
    vl_tape_reset(t, 0, 0);
    t->grad_on = t->training = 0;
}

violet_status vl_encode_videos(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                               const vl_swin_plan *plan, const uint8_t *image)
{
    int grad_on = t->grad_on, training = t->training;
    start(t);
    vl_tensor *x = vl_model_image(t, m, plan, image); // (B*Ni, D)
    violet_status status = vl_tape_status(t);
    for (int b = 0, Ni = x->rows / plan->B; b < plan->B && status == VIOLET_OK; b++)
        status = vl_features_put(to, item[b], x->x + (size_t)b * (size_t)Ni * (size_t)x->cols, Ni);
    t->grad_on = grad_on;
    t->training = training;
    return status;
}

/* Without a mask a text ends where nothing but zeros follows; a [PAD] that it spells is not its
 * end. */
static int length_of(const int *ids, int X)
{
    while (X > 0 && ids[X - 1] == 0) X--;
    return X;
}

/* Moves the rows of x (X, D) that are no padding to its front; returns how many. */
static int drop_padding(real *x, const uint8_t *mask, int X, int D)
{
    int n = 0;
    for (int i = 0; i < X; i++) {
        if (!mask[i]) continue;
        if (n < i)
            memmove(x + (size_t)n * (size_t)D, x + (size_t)i * (size_t)D, (size_t)D * sizeof *x);
        n++;
    }
    return n;
}

/* The row of position `at` among those that are left; -1: it is padding itself. */
static int row_of(const uint8_t *mask, int at)
{
    int row = -1;
    for (int i = 0; i <= at; i++) row += mask[i] != 0;
    return mask[at] ? row : -1;
}

static void swap_rows(real *a, real *b, int D)
{
    for (int i = 0; i < D; i++) {
        real x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

violet_status vl_encode_texts_at(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                                 const int *ids, const uint8_t *mask, const int *at, int B, int X)
{
    int grad_on = t->grad_on, training = t->training;
    start(t);
    vl_tensor *x = vl_model_text(t, m, ids, B, X); // (B*X, D)
    violet_status status = vl_tape_status(t);
    for (int b = 0; b < B && status == VIOLET_OK; b++) {
        const int *row = ids + (size_t)b * (size_t)X;
        const uint8_t *seen = mask ? mask + (size_t)b * (size_t)X : NULL;
        real *values = x->x + (size_t)b * (size_t)X * (size_t)x->cols;
        int n = length_of(row, X), place = at ? at[b] : 0, first = place;
        if (place >= X || (seen ? place >= 0 && !seen[place] : place >= n)) first = -1;
        if (first > 0 && seen) first = row_of(seen, place);
        if (first < 0) {
            status = place == 0 ? vl_err(VIOLET_EINVAL, "text %d begins with padding", item[b])
                                : vl_err(VIOLET_EINVAL, "text %d is read at position %d of %d, "
                                         "where it has nothing", item[b], place, X);
            break;
        }
        if (seen) n = drop_padding(values, seen, X, x->cols);
        if (first > 0) swap_rows(values, values + (size_t)first * (size_t)x->cols, x->cols);
        status = vl_features_put(to, item[b], values, n);
    }
    t->grad_on = grad_on;
    t->training = training;
    return status;
}

violet_status vl_encode_texts(vl_features *to, const int *item, vl_tape *t, const vl_model *m,
                              const int *ids, const uint8_t *mask, int B, int X)
{
    return vl_encode_texts_at(to, item, t, m, ids, mask, NULL, B, X);
}
