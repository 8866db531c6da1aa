/* Charts as inline SVG inside a <figure>: no script, colours from the page's style.
 *
 *     const chart_series s[] = {{.name = "training", .x = step, .y = loss, .n = n, .noisy = true},
 *                               {.name = "validation", .x = at, .y = valid, .n = k, .colour = 1}};
 *     const chart c = {.title = "Loss", .series = s, .n = 2};
 *     chart_lines(&h, &c);
 *
 * A series is drawn as it is, with a dot a point where there are few; a noisy one faintly, under
 * its moving average. More than CHART_POINTS points are thinned to so many: the least and the
 * greatest of each of CHART_POINTS / 2 - 1 pieces, and the last. A value that is not finite is a
 * gap. x must ascend. */
#ifndef VL_REPORT_CHART_H
#define VL_REPORT_CHART_H

#include <stdbool.h>

#include "report/html.h"

#define CHART_POINTS 600
#define CHART_COLOURS 6 /* of the style: .c0 ... */

typedef struct chart_series {
    const char *name; /* escaped */
    const double *x, *y; /* (n) */
    size_t n;
    int colour;
    bool noisy;
} chart_series;

typedef struct chart {
    const char *title; /* escaped */
    html_unit unit;
    const chart_series *series;
    int n;
    bool from_zero;  /* the axis begins there */
    bool small;      /* a side issue */
    double mark;     /* a vertical line at this x; 0: none */
    const char *mark_name;
} chart;

/* Writes nothing where no series has two points; whether it wrote. */
bool chart_lines(html *h, const chart *c);

/* ---- for tests ------------------------------------------------------------------------------- */

/* Ascending round numbers, at most 8, within [low, high]; returns how many. */
int chart_ticks(double tick[8], double low, double high, int wanted);
/* The mean of the finite values among up to `reach` on either side. */
void chart_smooth(double *out, const double *y, size_t n, size_t reach);

#endif
