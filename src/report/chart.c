/* A chart's figure: legend, axes, ticks. See chart.h. */
#include "report/chart.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "report/chart_internal.h"

#define WIDTH 440
#define HEIGHT 250
#define WIDTH_SMALL 260
#define HEIGHT_SMALL 150

/* ---- ranges ---------------------------------------------------------------------------------- */

int chart_ticks(double tick[8], double low, double high, int wanted)
{
    static const double rounds[] = {1, 2, 2.5, 5, 10};
    double rough = (high - low) / wanted, power = pow(10, floor(log10(rough))), step = 10 * power;
    int n = 0;
    if (!isfinite(step) || !(step > 0)) return 0;
    for (size_t i = sizeof rounds / sizeof *rounds; i-- > 0;)
        if (rounds[i] * power >= rough * (1 - 1e-9)) step = rounds[i] * power;
    for (double k = ceil(low / step - 1e-9); n < 8 && k * step <= high + 1e-9 * step; k++)
        tick[n++] = k * step + 0.0; /* no -0 */
    return n;
}

static void widen(double *low, double *high, double x)
{
    if (!isfinite(x)) return;
    if (!(*low <= x)) *low = x;
    if (!(*high >= x)) *high = x;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Outliers of a noisy series, a hundredth on either side, must not flatten the rest. */
static void widen_noisy(html *h, double *low, double *high, const chart_series *s)
{
    double *y = malloc((s->n + 1) * sizeof *y);
    size_t n = 0;
    if (!y) {
        h->status = vl_err_nomem();
        return;
    }
    for (size_t i = 0; i < s->n; i++)
        if (isfinite(s->y[i])) y[n++] = s->y[i];
    qsort(y, n, sizeof *y, by_value);
    if (n) {
        widen(low, high, y[n / 100]);
        widen(low, high, y[n - 1 - n / 100]);
    }
    free(y);
}

/* Whether there is anything to draw. */
static bool find_ranges(html *h, chart_frame *f, const chart *c)
{
    f->x0 = f->x1 = f->y0 = f->y1 = NAN;
    for (int k = 0; k < c->n; k++) {
        const chart_series *s = &c->series[k];
        for (size_t i = 0; i < s->n; i++) widen(&f->x0, &f->x1, s->x[i]);
        if (s->noisy) widen_noisy(h, &f->y0, &f->y1, s);
        for (size_t i = 0; !s->noisy && i < s->n; i++) widen(&f->y0, &f->y1, s->y[i]);
    }
    if (!isfinite(f->y0) || !(f->x1 > f->x0)) return false;
    if (c->from_zero && f->y0 > 0) f->y0 = 0;
    double margin = 0.04 * (f->y1 - f->y0);
    if (!(margin > 1e-12 * fabs(f->y1))) margin = fabs(f->y1) > 0 ? 0.1 * fabs(f->y1) : 1;
    if (!(c->from_zero && f->y0 == 0)) f->y0 -= margin;
    f->y1 += margin;
    return isfinite(f->y1 - f->y0) && isfinite(f->x1 - f->x0);
}

/* ---- axes ------------------------------------------------------------------------------------ */

static void tick_text(char text[HTML_NUMBER], double x, html_unit unit)
{
    if (unit == HTML_SHARE)
        snprintf(text, HTML_NUMBER, "%.4g %%", 100 * x);
    else if (fabs(x) < 1e-9 && fabs(x) > 0)
        snprintf(text, HTML_NUMBER, "%.1e", x);
    else if (fabs(x) >= 1e4 || (fabs(x) < 1e-3 && x != 0))
        html_number(text, x, HTML_PLAIN);
    else
        snprintf(text, HTML_NUMBER, "%.4g", x);
}

static void axes(html *h, const chart_frame *f, const chart *c)
{
    double tick[8];
    char text[HTML_NUMBER];
    int n = chart_ticks(tick, f->y0, f->y1, c->small ? 3 : 5);
    for (int i = 0; i < n; i++) {
        double y = chart_y(f, tick[i]);
        tick_text(text, tick[i], c->unit);
        html_printf(h, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                    "text-anchor=\"end\">%s</text>", f->left, y, f->right, f->left - 7, y + 4,
                    text);
    }
    n = chart_ticks(tick, f->x0, f->x1, c->small ? 3 : 4);
    for (int i = 0; i < n; i++) {
        double x = chart_x(f, tick[i]);
        html_number(text, tick[i], HTML_PLAIN);
        html_printf(h, "<path class=\"grid\" d=\"M%.1f %.1fv4\"/><text x=\"%.1f\" y=\"%.1f\" "
                    "text-anchor=\"middle\">%s</text>", x, f->bottom, x, f->bottom + 17, text);
    }
    html_printf(h, "<path class=\"axis\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"end\">step</text>", f->left, f->bottom, f->right, f->right,
                f->bottom + 31);
}

static void mark(html *h, const chart_frame *f, const chart *c)
{
    if (!(c->mark >= f->x0 && c->mark <= f->x1) || !c->mark_name) return;
    double x = chart_x(f, c->mark);
    bool right = x > (f->left + f->right) / 2;
    html_printf(h, "<path class=\"mark\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"%s\">", x, f->top, f->bottom, x + (right ? -5 : 5), f->top + 9,
                right ? "end" : "start");
    html_text(h, c->mark_name);
    html_put(h, "</text>");
}

/* ---- figure ---------------------------------------------------------------------------------- */

static double last_value(const chart_series *s)
{
    for (size_t i = s->n; i-- > 0;)
        if (isfinite(s->y[i])) return s->y[i];
    return NAN;
}

/* The last value of each series; of a noisy one, of its average. */
static void legend(html *h, const chart *c)
{
    html_put(h, "<ul class=\"legend\">");
    for (int k = 0; k < c->n; k++) {
        const chart_series *s = &c->series[k];
        char text[HTML_NUMBER];
        double last = last_value(s), mean = NAN;
        size_t reach = chart_reach(s->n), from = s->n > reach + 1 ? s->n - reach - 1 : 0;
        if (s->noisy) { /* as chart_smooth ends */
            double *out = malloc((s->n - from + 1) * sizeof *out);
            if (out) chart_smooth(out, s->y + from, s->n - from, reach);
            if (out && s->n) mean = out[s->n - from - 1];
            free(out);
        }
        if (isfinite(mean)) last = mean;
        html_put(h, "<li>");
        if (*s->name)
            html_printf(h, "<i class=\"key c%d%s\"></i>", s->colour, s->noisy ? "" : " dotted");
        html_text(h, *s->name ? s->name : "at last");
        html_printf(h, " <b>%s</b></li>", html_number(text, last, c->unit));
    }
    html_put(h, "</ul>");
}

bool chart_lines(html *h, const chart *c)
{
    double width = c->small ? WIDTH_SMALL : WIDTH, height = c->small ? HEIGHT_SMALL : HEIGHT;
    chart_frame f = {.left = c->small ? 48 : 58, .right = width - 8, .top = 10,
                     .bottom = height - 38};
    if (!find_ranges(h, &f, c)) return false;
    int id = html_id(h);
    html_printf(h, "<figure class=\"chart%s\"><figcaption>", c->small ? " small" : "");
    html_text(h, c->title);
    html_put(h, "</figcaption>");
    legend(h, c);
    html_printf(h, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", width, height);
    html_text(h, c->title);
    html_printf(h, "\"><clipPath id=\"clip%d\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                "height=\"%.1f\"/></clipPath>", id, f.left - 4, f.top - 4, f.right - f.left + 8,
                f.bottom - f.top + 5);
    axes(h, &f, c);
    mark(h, &f, c);
    html_printf(h, "<g clip-path=\"url(#clip%d)\">", id);
    for (int k = 0; k < c->n; k++) chart_series_draw(h, &f, &c->series[k], !c->small);
    html_put(h, "</g></svg></figure>\n");
    return true;
}
