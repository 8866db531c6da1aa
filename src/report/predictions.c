/* See predictions.h. */
#include "report/predictions.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "file/json_text.h"

#define FILE_MOST ((size_t)2 << 30)
#define LINE_MOST ((size_t)4 << 20)

/* ---- reading --------------------------------------------------------------------------------- */

/* The same words come again and again, but a copy each is less than the line. */
static const char *keep(predictions *q, const json_t *v)
{
    const char *s = json_string_value(v);
    return s ? vl_strings_keep(&q->strings, s, strlen(s)) : NULL;
}

/* Whether the line is what it should be. */
static bool understand(prediction *x, predictions *q, const json_t *line)
{
    const char *query = json_string_value(json_object_get(line, "query"));
    const json_t *rank = json_object_get(line, "rank"), *right = json_object_get(line, "right");
    const json_t *best = json_array_get(json_object_get(line, "top"), 0);
    if (!json_is_string(json_object_get(line, "video"))) return false;
    if (query && json_is_number(rank)) {
        x->kind = strcmp(query, "text") == 0 ? PREDICTION_TEXT : PREDICTION_VIDEO;
        x->badness = json_number_value(rank) - 1;
        return x->badness >= 0;
    }
    if (!json_is_number(right) || !json_is_string(json_object_get(line, "question"))) return false;
    x->kind = PREDICTION_QUESTION;
    x->badness = 1 - json_number_value(right);
    x->answer = keep(q, json_object_get(line, "answer"));
    x->given = keep(q, json_object_get(best, "answer"));
    x->type = keep(q, json_object_get(line, "type"));
    return x->badness >= 0;
}

static violet_status take(predictions *q, size_t at, size_t bytes)
{
    json_t *line = NULL;
    if (bytes > LINE_MOST) return VIOLET_OK;
    violet_status status = vl_json_parse(&line, q->text + at, bytes, 16 + bytes / 8, "line");
    if (status != VIOLET_OK) return status == VIOLET_ENOMEM ? status : VIOLET_OK;
    prediction x = {.at = at, .bytes = bytes};
    bool good = understand(&x, q, line);
    json_decref(line);
    if (!good) return VIOLET_OK;
    status = vl_grow(&q->list, &q->cap, q->n, sizeof *q->list, 64);
    if (status == VIOLET_OK) q->list[q->n++] = x;
    return status;
}

violet_status predictions_read(predictions *q, const char *path)
{
    size_t n;
    violet_status status = vl_file_read(&q->text, &n, path, FILE_MOST);
    for (size_t at = 0; at < n && status == VIOLET_OK;) {
        const char *stop = memchr(q->text + at, '\n', n - at);
        size_t bytes = stop ? (size_t)(stop - q->text) - at : n - at;
        if (bytes) status = take(q, at, bytes);
        at += bytes + 1;
    }
    return status;
}

json_t *predictions_line(const predictions *q, int i)
{
    json_t *line;
    const prediction *x = &q->list[i];
    return vl_json_parse(&line, q->text + x->at, x->bytes, 16 + x->bytes / 8, "line") == VIOLET_OK
               ? line
               : NULL;
}

void predictions_release(predictions *q)
{
    free(q->text);
    free(q->list);
    vl_strings_release(&q->strings);
    *q = (predictions){0};
}

/* ---- choosing -------------------------------------------------------------------------------- */

size_t predictions_count(const predictions *q, prediction_kind kind, bool good)
{
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++)
        n += q->list[i].kind == kind && (q->list[i].badness == 0) == good;
    return n;
}

typedef struct candidate {
    double badness;
    int i;
} candidate;

static int by_badness(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->badness != y->badness) return x->badness > y->badness ? 1 : -1;
    return (x->i > y->i) - (x->i < y->i);
}

/* Every so-th of the successes, or failures, by badness. */
static int pick(int *chosen, const candidate *from, size_t n, size_t wanted)
{
    for (size_t k = 0; k < wanted; k++) chosen[k] = from[(2 * k + 1) * n / (2 * wanted)].i;
    return (int)wanted;
}

int predictions_choose(const predictions *q, int *chosen, int n, prediction_kind kind)
{
    size_t good = predictions_count(q, kind, true), bad = predictions_count(q, kind, false);
    size_t most = n > 0 ? (size_t)n : 0, half = most / 2, m = 0;
    candidate *all = malloc((good + bad + 1) * sizeof *all);
    if (!all) return 0;
    for (size_t i = 0; i < q->n; i++)
        if (q->list[i].kind == kind) all[m++] = (candidate){q->list[i].badness, (int)i};
    qsort(all, m, sizeof *all, by_badness);
    size_t take_good = good < most - half ? good : most - half;
    size_t take_bad = bad < most - take_good ? bad : most - take_good;
    if (take_good + take_bad < most) take_good = good < most - take_bad ? good : most - take_bad;
    int k = pick(chosen, all, good, take_good);
    k += pick(chosen + k, all + good, bad, take_bad);
    free(all);
    return k;
}
