/* Pieces on their own: WordPiece, AdamW, ranking. Pictures are in case_pictures.c. */
#include "golden/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "task/metric.h"
#include "text/wordpiece.h"

/* Begins a case and reads its JSON list; NULL and a failed check if that cannot be. */
static json_t *begin_list(golden_report *r, golden_tally *t, const golden_options *o,
                          const char *path)
{
    golden_begin(r, t, o, path);
    json_t *list = golden_json(path);
    if (json_array_size(list) > 0) return list;
    golden_verdict(r, 0, path, "%s", list ? "an empty list" : violet_error());
    json_decref(list);
    return NULL;
}

/* list (n) of numbers, newly allocated; NULL if it has another size */
static double *numbers(const json_t *list, size_t n)
{
    double *x = json_array_size(list) == n ? malloc((n + 1) * sizeof *x) : NULL;
    for (size_t i = 0; x && i < n; i++) x[i] = json_number_value(json_array_get(list, i));
    return x;
}

/* ---- WordPiece: the same ids ---------------------------------------------------------------- */

static void check_text(golden_report *r, const vl_wordpiece *wp, const json_t *entry, size_t at)
{
    const json_t *ids = json_object_get(entry, "ids");
    const char *text = json_string_value(json_object_get(entry, "text"));
    int size = (int)json_integer_value(json_object_get(entry, "size")), wrong = 0;
    char name[128];
    snprintf(name, sizeof name, "%zu size %d: %.80s", at, size, text ? text : "");
    int32_t *ours = size >= 2 ? calloc((size_t)size, sizeof *ours) : NULL;
    if (!ours || !text || json_array_size(ids) != (size_t)size) {
        golden_verdict(r, 0, name, "not a text, a size of at least 2 and so many ids");
    } else {
        vl_wordpiece_encode(wp, ours, size, text, NULL);
        for (int i = 0; i < size; i++)
            wrong += ours[i] != json_integer_value(json_array_get(ids, (size_t)i));
        golden_verdict(r, !wrong, name, "%d ids differ", wrong);
    }
    free(ours);
}

void golden_case_wordpiece(golden_tally *t, const golden_options *o, const char *path)
{
    golden_report r;
    vl_wordpiece *wp = NULL;
    json_t *list = begin_list(&r, t, o, path);
    if (list && vl_wordpiece_open(&wp, NULL) != VIOLET_OK)
        golden_verdict(&r, 0, "vocabulary", "%s", violet_error());
    for (size_t i = 0; wp && i < json_array_size(list); i++)
        check_text(&r, wp, json_array_get(list, i), i);
    vl_wordpiece_free(wp);
    json_decref(list);
    golden_end(&r);
}

/* ---- AdamW ---------------------------------------------------------------------------------- */

typedef struct adamw_state {
    real *p, *m, *v, *g; /* (n) in one block, each aligned */
    void *block;
    size_t n;
} adamw_state;

static int adamw_state_init(adamw_state *s, const json_t *start)
{
    s->n = json_array_size(start);
    size_t bytes = (s->n * sizeof(real) + 63) / 64 * 64;
    s->block = s->n ? aligned_alloc(64, 4 * bytes) : NULL;
    if (!s->block) return 0;
    memset(s->block, 0, 4 * bytes);
    s->p = s->block;
    s->m = (real *)((char *)s->block + bytes);
    s->v = (real *)((char *)s->block + 2 * bytes);
    s->g = (real *)((char *)s->block + 3 * bytes);
    for (size_t i = 0; i < s->n; i++) s->p[i] = (real)json_number_value(json_array_get(start, i));
    return 1;
}

static double setting(const json_t *entry, const char *key)
{
    return json_number_value(json_object_get(entry, key));
}

/* The largest error of a value after step `step`, relative to it; NAN: sizes differ. */
static double adamw_step(adamw_state *s, const golden_options *o, vl_device *d, const json_t *entry,
                         int step)
{
    size_t row = (size_t)step - 1;
    double *g = numbers(json_array_get(json_object_get(entry, "gradient"), row), s->n);
    double *after = numbers(json_array_get(json_object_get(entry, "after"), row), s->n);
    double beta1 = setting(entry, "beta1"), beta2 = setting(entry, "beta2"), worst = NAN;
    if (g && after) {
        worst = 0;
        for (size_t i = 0; i < s->n; i++) s->g[i] = (real)g[i];
        o->backend->adamw(d, s->p, s->m, s->v, s->g, s->n, 1, setting(entry, "lr"), beta1, beta2,
                          setting(entry, "eps"), setting(entry, "weight_decay"),
                          1 - pow(beta1, step), 1 - pow(beta2, step));
        for (size_t i = 0; i < s->n; i++) {
            double e = fabs((double)s->p[i] - after[i]) / fmax(fabs(after[i]), 1e-300);
            if (!(e <= worst)) worst = e;
        }
    }
    free(g);
    free(after);
    return worst;
}

void golden_case_adamw(golden_tally *t, const golden_options *o, const char *path)
{
    golden_report r;
    json_t *list = begin_list(&r, t, o, path);
    vl_device *d = list ? o->backend->open(o->threads) : NULL;
    double limit = sizeof(real) == 8 ? 1e-12 : 1e-6;
    for (size_t i = 0; d && i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        int steps = (int)json_array_size(json_object_get(entry, "after"));
        adamw_state s;
        char name[64];
        if (!adamw_state_init(&s, json_object_get(entry, "start")) || steps == 0) {
            golden_verdict(&r, 0, "start", "of setting %zu: nothing there", i);
            continue;
        }
        for (int step = 1; step <= steps; step++) {
            double e = adamw_step(&s, o, d, entry, step);
            snprintf(name, sizeof name, "setting %zu step %d", i, step);
            golden_line(&r, GOLDEN_NORMAL, GOLDEN_PIECE, name, e, limit, e <= limit);
        }
        free(s.block);
    }
    if (list && !d) golden_verdict(&r, 0, "device", "%s", violet_error());
    if (d) o->backend->close(d);
    json_decref(list);
    golden_end(&r);
}

/* ---- ranking: the published evaluation's numbers, exactly ----------------------------------- */

static void check_ranking(golden_report *r, const json_t *entry, size_t at)
{
    const json_t *score = json_object_get(entry, "score"), *golden = json_object_get(entry, "rank");
    static const char *const recalls[VL_RECALLS] = {"r@1", "r@5", "r@10"};
    size_t n = json_array_size(score);
    double *rank = calloc(n + 1, sizeof *rank);
    int wrong = json_array_size(golden) != n;
    char name[128];
    for (size_t i = 0; rank && i < n; i++) {
        double *row = numbers(json_array_get(score, i), n);
        rank[i] = row ? vl_rank(row, (int)n, (int)i, VL_RANK_COMPAT) : NAN;
        wrong += rank[i] != json_number_value(json_array_get(golden, i));
        free(row);
    }
    snprintf(name, sizeof name, "matrix %zu (%zu x %zu): ranks", at, n, n);
    golden_verdict(r, n && !wrong, name, "%d differ", wrong);
    if (!rank) return;
    vl_ranking ours = vl_ranking_of(rank, (int)n, VL_RANK_COMPAT);
    for (int k = 0; k < VL_RECALLS; k++) {
        double e = fabs(ours.recall[k] - setting(entry, recalls[k]));
        snprintf(name, sizeof name, "matrix %zu: %s", at, recalls[k]);
        golden_line(r, GOLDEN_NORMAL, GOLDEN_PIECE, name, e, 1e-15, e <= 1e-15);
    }
    snprintf(name, sizeof name, "matrix %zu: median", at);
    golden_verdict(r, ours.median == setting(entry, "median"), name, "%g, not %g", ours.median,
                   setting(entry, "median"));
    free(rank);
}

void golden_case_ranking(golden_tally *t, const golden_options *o, const char *path)
{
    golden_report r;
    json_t *list = begin_list(&r, t, o, path);
    for (size_t i = 0; i < json_array_size(list); i++)
        check_ranking(&r, json_array_get(list, i), i);
    json_decref(list);
    golden_end(&r);
}
