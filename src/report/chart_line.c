/* The lines of a chart: thinning, smoothing, gaps. See chart.h. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "report/chart_internal.h"

#define DOTS_MOST 60 /* points that get a dot each */

size_t chart_reach(size_t n)
{
    return n < 20 ? 1 : n / 40 + 1;
}

static double sum_of(const double *y, size_t from, size_t to)
{
    double sum = 0;
    for (; from < to; from++) sum += isfinite(y[from]) ? y[from] : 0;
    return sum;
}

void chart_smooth(double *out, const double *y, size_t n, size_t reach)
{
    double sum = 0;
    size_t n_finite = 0, from = 0, to = 0; /* the window is [from, to) */
    for (size_t i = 0; i < n; i++) {
        for (; to < n && to <= i + reach; to++)
            if (isfinite(y[to])) sum += y[to], n_finite++;
        for (; from + reach < i; from++) {
            if (!isfinite(y[from])) continue;
            n_finite--;
            sum -= y[from];
            if (fabs(y[from]) > 1e3 * fabs(sum)) sum = sum_of(y, from + 1, to); /* digits */
        }
        out[i] = n_finite ? sum / (double)n_finite : NAN;
    }
}

/* ---- one line -------------------------------------------------------------------------------- */

typedef struct pen {
    html *h;
    const chart_frame *f;
    const char *class;
    int colour;
    bool down;
} pen;

static void lift(pen *p)
{
    if (p->down) html_put(p->h, "\"/>");
    p->down = false;
}

static void point(pen *p, double x, double y)
{
    if (!isfinite(x) || !isfinite(y)) {
        lift(p);
        return;
    }
    if (!p->down)
        html_printf(p->h, "<polyline class=\"%s c%d\" points=\"", p->class, p->colour);
    html_printf(p->h, "%s%.1f,%.1f", p->down ? " " : "", chart_x(p->f, x), chart_y(p->f, y));
    p->down = true;
}

/* The least and the greatest of [from, to), in their order. */
static void piece(pen *p, const double *x, const double *y, size_t from, size_t to)
{
    size_t least = to, most = to;
    for (size_t i = from; i < to; i++) {
        if (!isfinite(y[i])) continue;
        if (least == to || y[i] < y[least]) least = i;
        if (most == to || y[i] > y[most]) most = i;
    }
    if (least == to) {
        lift(p);
        return;
    }
    size_t first = least < most ? least : most, second = least < most ? most : least;
    point(p, x[first], y[first]);
    if (second != first) point(p, x[second], y[second]);
}

static void line(html *h, const chart_frame *f, const char *class, int colour, const double *x,
                 const double *y, size_t n)
{
    pen p = {h, f, class, colour, false};
    size_t pieces = CHART_POINTS / 2 - 1;
    for (size_t i = 0; n <= CHART_POINTS && i < n; i++) point(&p, x[i], y[i]);
    for (size_t k = 0; n > CHART_POINTS && k < pieces; k++)
        piece(&p, x, y, k * n / pieces, (k + 1) * n / pieces);
    if (n > CHART_POINTS) point(&p, x[n - 1], y[n - 1]); /* to the end, whatever the last piece */
    lift(&p);
}

static void put_dots(html *h, const chart_frame *f, const chart_series *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (isfinite(s->x[i]) && isfinite(s->y[i]))
            html_printf(h, "<circle class=\"dot c%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", s->colour,
                        chart_x(f, s->x[i]), chart_y(f, s->y[i]));
}

void chart_series_draw(html *h, const chart_frame *f, const chart_series *s, bool dots)
{
    if (!s->noisy) {
        line(h, f, "line", s->colour, s->x, s->y, s->n);
        if (dots && s->n <= DOTS_MOST) put_dots(h, f, s);
        return;
    }
    double *smooth = malloc((s->n + 1) * sizeof *smooth);
    if (!smooth) {
        h->status = vl_err_nomem();
        return;
    }
    line(h, f, "raw", s->colour, s->x, s->y, s->n);
    chart_smooth(smooth, s->y, s->n, chart_reach(s->n));
    line(h, f, "line", s->colour, s->x, smooth, s->n);
    free(smooth);
}
