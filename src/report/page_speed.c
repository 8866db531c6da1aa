/* How fast a training was: facts in a row, and over its steps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "base/words.h"
#include "report/chart.h"
#include "report/page.h"

/* A line of timing.jsonl each, those of a resumed run included. */
typedef struct speed {
    const double *step, *seconds, *waited, *mbytes; /* (n), the last two perhaps NULL */
    double *rate, *share;                           /* (n) samples a second; time spent waiting */
    size_t n;
} speed;

static double samples_of_step(const phase *ph)
{
    double accumulate = phase_number(ph, "accumulate");
    return phase_number(ph, "size_batch") * (accumulate > 1 ? accumulate : 1);
}

static double sum(const double *x, size_t n)
{
    double s = 0;
    for (size_t i = 0; x && i < n; i++) s += isfinite(x[i]) ? x[i] : 0;
    return s;
}

static double most(const double *x, size_t n)
{
    double m = 0;
    for (size_t i = 0; x && i < n; i++)
        if (x[i] > m) m = x[i];
    return m;
}

static void duration(char text[HTML_NUMBER], double seconds)
{
    if (seconds < 120)
        snprintf(text, HTML_NUMBER, "%.1f s", seconds);
    else if (seconds < 7200)
        snprintf(text, HTML_NUMBER, "%.0f min", seconds / 60);
    else
        snprintf(text, HTML_NUMBER, "%.1f h", seconds / 3600);
}

static void fact(html *h, const char *value, const char *what)
{
    html_printf(h, "<li><b>%s</b><small>%s</small></li>", value, what);
}

void page_facts(page *p, const phase *ph)
{
    html *h = &p->h;
    const log_lines *l = &ph->timing;
    const double *waits = log_lines_column(l, "waited");
    char text[HTML_NUMBER], bytes[VL_WORDS];
    double seconds = sum(log_lines_column(l, "seconds"), l->n), waited = sum(waits, l->n);
    double samples = (double)l->n * samples_of_step(ph);
    double peak = most(log_lines_column(l, "mbytes"), l->n);
    html_put(h, "<ul class=\"facts\">");
    fact(h, html_number(text, (double)ph->steps.n, HTML_PLAIN), "updates");
    if (seconds > 0) {
        duration(text, seconds);
        fact(h, text, "in the steps");
        fact(h, html_number(text, samples / seconds, HTML_PLAIN), "samples a second");
        if (waits) fact(h, html_number(text, waited / seconds, HTML_SHARE), "waiting for data");
    }
    if (peak > 0 && peak < 1e12)
        fact(h, vl_words_bytes(bytes, (uint64_t)peak << 20), "peak memory");
    html_put(h, "</ul>\n");
}

static void one(html *h, const speed *s, const double *y, const char *title, html_unit unit,
                bool noisy)
{
    const chart_series series = {"", s->step, y, s->n, 5, noisy};
    const chart c = {.title = title, .unit = unit, .series = &series, .n = 1, .small = true,
                     .from_zero = true};
    if (y) chart_lines(h, &c);
}

static bool open_speed(html *h, speed *s, const phase *ph)
{
    const log_lines *l = &ph->timing;
    *s = (speed){log_lines_column(l, "step"), log_lines_column(l, "seconds"),
                 log_lines_column(l, "waited"), log_lines_column(l, "mbytes"), NULL, NULL, l->n};
    if (!s->step || !s->seconds) return false;
    s->rate = malloc((l->n + 1) * sizeof *s->rate);
    s->share = malloc((l->n + 1) * sizeof *s->share);
    if (!s->rate || !s->share) {
        h->status = vl_err_nomem();
        return false;
    }
    for (size_t i = 0; i < l->n; i++) {
        s->rate[i] = s->seconds[i] > 0 ? samples_of_step(ph) / s->seconds[i] : NAN;
        s->share[i] = s->seconds[i] > 0 && s->waited ? s->waited[i] / s->seconds[i] : NAN;
    }
    return true;
}

void page_speed(page *p, const phase *ph)
{
    speed s = {0};
    if (open_speed(&p->h, &s, ph)) {
        one(&p->h, &s, s.rate, "Samples a second", HTML_PLAIN, true);
        one(&p->h, &s, s.share, "Time waiting for data", HTML_SHARE, true);
        one(&p->h, &s, s.mbytes, "Memory, MiB", HTML_PLAIN, false);
    }
    free(s.rate);
    free(s.share);
}
