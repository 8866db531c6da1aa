/* What `violet eval --predictions` wrote: an object a line (docs/EVALUATE.md).
 *
 *     predictions q = {0};
 *     status = predictions_read(&q, "eval/predictions.jsonl");
 *     int n = predictions_choose(&q, chosen, 8, PREDICTION_TEXT);     // half of them failures
 *     json_t *line = predictions_line(&q, chosen[0]);                 // json_decref
 *     predictions_release(&q);
 *
 * Lines that are not what they should be are passed over. Memory: the file, and some 60 bytes a
 * line. */
#ifndef VL_REPORT_PREDICTIONS_H
#define VL_REPORT_PREDICTIONS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/strings.h"

typedef enum prediction_kind {
    PREDICTION_TEXT,
    PREDICTION_VIDEO,
    PREDICTION_QUESTION,
} prediction_kind;

typedef struct prediction {
    size_t at, bytes; /* of the line */
    prediction_kind kind;
    double badness;   /* rank - 1 of a query; 1 - right of a question; 0: a success */
    const char *answer, *given, *type; /* of a question; NULL: not known */
} prediction;

typedef struct predictions {
    char *text;
    prediction *list;
    size_t n, cap;
    vl_strings strings;
} predictions;

violet_status predictions_read(predictions *q, const char *path);
/* Up to n, half of them failures as far as there are so many, spread evenly: successes over the
 * file, failures over how bad they are. In the order of badness, then of the file; returns how
 * many. */
int predictions_choose(const predictions *q, int *chosen, int n, prediction_kind kind);
/* NULL: out of memory. */
json_t *predictions_line(const predictions *q, int i);
size_t predictions_count(const predictions *q, prediction_kind kind, bool good);
void predictions_release(predictions *q);

#endif
