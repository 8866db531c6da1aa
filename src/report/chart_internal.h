/* Between chart.c (figure, axes) and chart_line.c (series). */
#ifndef VL_REPORT_CHART_INTERNAL_H
#define VL_REPORT_CHART_INTERNAL_H

#include "report/chart.h"

/* Of the SVG, in its own units. */
typedef struct chart_frame {
    double left, right, top, bottom;
    double x0, x1, y0, y1; /* values at left, right, bottom, top */
} chart_frame;

static inline double chart_x(const chart_frame *f, double x)
{
    return f->left + (f->right - f->left) * (x - f->x0) / (f->x1 - f->x0);
}

static inline double chart_y(const chart_frame *f, double y)
{
    return f->bottom - (f->bottom - f->top) * (y - f->y0) / (f->y1 - f->y0);
}

/* dots: a point gets one where there are few. */
void chart_series_draw(html *h, const chart_frame *f, const chart_series *s, bool dots);
/* Points on either side that the moving average of so many takes. */
size_t chart_reach(size_t n);

#endif
