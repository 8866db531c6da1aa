/* Headline numbers: evaluations of the same items side by side, beside baselines and chance; then
 * the tests that fine-tuning made. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/page.h"

/* ---- cells ----------------------------------------------------------------------------------- */

static double number_or_nan(const json_t *v)
{
    return json_is_number(v) ? json_number_value(v) : NAN;
}

static void cell(html *h, const phase *ph, const char *metric, bool base)
{
    const json_t *m = json_object_get(json_object_get(ph->result, "metrics"), metric);
    const json_t *between = json_object_get(m, "interval");
    double low = number_or_nan(json_array_get(between, 0));
    double high = number_or_nan(json_array_get(between, 1));
    html_unit unit = page_unit(metric);
    double scale = unit == HTML_SHARE ? 100 : 1;
    char text[HTML_NUMBER];
    html_printf(h, "<td%s><b>%s</b>", base ? " class=\"base\"" : "",
                html_number(text, number_or_nan(json_object_get(m, "value")), unit));
    if (isfinite(low) && isfinite(high))
        html_printf(h, "<small>%.1f to %.1f</small>", scale * low, scale * high);
    html_put(h, "</td>");
}

/* ---- which evaluations are of the same ------------------------------------------------------- */

static const char *last_part(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path ? path : "";
}

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
    const char *x = json_string_value(json_object_get(a, key));
    const char *y = json_string_value(json_object_get(b, key));
    return strcmp(last_part(x), last_part(y)) == 0;
}

static bool comparable(const phase *a, const phase *b)
{
    return a->kind == PHASE_EVAL && b->kind == PHASE_EVAL &&
           same_text(a->result, b->result, "type") && same_text(a->result, b->result, "items") &&
           same_text(a->result, b->result, "split");
}

/* Names that differ in digits alone: seeds of one thing. */
static bool same_but_digits(const char *a, const char *b)
{
    for (;;) {
        bool both = isdigit((unsigned char)*a) && isdigit((unsigned char)*b);
        while (both && isdigit((unsigned char)*a)) a++;
        while (both && isdigit((unsigned char)*b)) b++;
        if (*a != *b) return false;
        if (!*a) return true;
        a++, b++;
    }
}

typedef struct columns {
    const phases *own, *base;
    const phase *first;
    bool seeds; /* all own columns are */
    int n;      /* of them */
} columns;

static columns columns_of(const page *p, size_t i)
{
    columns c = {&p->phases, &p->baselines, &p->phases.list[i], true, 0};
    for (size_t k = 0; k < c.own->n; k++) {
        if (!comparable(c.first, &c.own->list[k])) continue;
        c.n++;
        c.seeds = c.seeds && same_but_digits(c.first->name, c.own->list[k].name);
    }
    c.seeds = c.seeds && c.n > 1;
    return c;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Mean, and least to most, over the seeds. */
static void spread(html *h, const columns *c, const char *metric)
{
    double sum = 0, least = NAN, most = NAN;
    html_unit unit = page_unit(metric);
    double scale = unit == HTML_SHARE ? 100 : 1;
    char text[HTML_NUMBER];
    for (size_t k = 0; k < c->own->n; k++) {
        const json_t *metrics = json_object_get(c->own->list[k].result, "metrics");
        if (!comparable(c->first, &c->own->list[k])) continue;
        double x = number_or_nan(json_object_get(json_object_get(metrics, metric), "value"));
        sum += x;
        if (!(least <= x)) least = x;
        if (!(most >= x)) most = x;
    }
    html_printf(h, "<td><b>%s</b><small>%.1f to %.1f</small></td>",
                html_number(text, sum / c->n, unit), scale * least, scale * most);
}

static void row(html *h, const columns *c, const char *metric)
{
    char text[100], number[HTML_NUMBER];
    double chance = page_chance(c->first, metric);
    html_put(h, "<tr><td>");
    html_text(h, page_label(text, metric));
    html_printf(h, "</td><td class=\"base\">%s</td>",
                html_number(number, chance, page_unit(metric)));
    for (size_t k = 0; k < c->base->n; k++)
        if (comparable(c->first, &c->base->list[k])) cell(h, &c->base->list[k], metric, true);
    for (size_t k = 0; k < c->own->n; k++)
        if (comparable(c->first, &c->own->list[k])) cell(h, &c->own->list[k], metric, false);
    if (c->seeds) spread(h, c, metric);
    html_put(h, "</tr>\n");
}

static void head(html *h, const columns *c)
{
    html_put(h, "<thead><tr><th></th><th class=\"base\">chance</th>");
    for (size_t k = 0; k < c->base->n; k++)
        if (comparable(c->first, &c->base->list[k]))
            html_element(h, "th class=\"base\"", c->base->list[k].name);
    for (size_t k = 0; k < c->own->n; k++)
        if (comparable(c->first, &c->own->list[k])) html_element(h, "th", c->own->list[k].name);
    html_printf(h, "%s</tr></thead>\n", c->seeds ? "<th>mean</th>" : "");
}

static int n_columns(const columns *c)
{
    int n = 2 + c->n + c->seeds;
    for (size_t k = 0; k < c->base->n; k++) n += comparable(c->first, &c->base->list[k]);
    return n;
}

static void frequent(html *h, const columns *c)
{
    const json_t *chance = json_object_get(c->first->result, "chance");
    const char *answer = json_string_value(json_object_get(chance, "answer"));
    char text[HTML_NUMBER];
    if (!answer) return;
    html_put(h, "<p class=\"note\">Always answering “");
    html_text(h, answer);
    html_printf(h, "”, the most frequent answer of these questions, is right in %s.</p>\n",
                html_number(text, json_number_value(json_object_get(chance, "most_frequent")),
                            HTML_SHARE));
}

static void table(page *p, size_t i)
{
    html *h = &p->h;
    columns c = columns_of(p, i);
    const page_group *last = NULL;
    const char *metric, *split = json_string_value(json_object_get(c.first->result, "split"));
    json_t *value;
    html_put(h, "<div><h3>");
    html_text(h, last_part(json_string_value(json_object_get(c.first->result, "items"))));
    if (split) html_put(h, ", "), html_text(h, split);
    html_put(h, "</h3>\n<div class=\"wide\"><table>\n");
    head(h, &c);
    html_put(h, "<tbody>\n");
    json_object_foreach(json_object_get(c.first->result, "metrics"), metric, value) {
        const page_group *g = page_group_of(metric);
        if (g && g != last && g->title[0])
            html_printf(h, "<tr class=\"group\"><th colspan=\"%d\">%s</th></tr>\n", n_columns(&c),
                        g->title);
        last = g;
        row(h, &c, metric);
    }
    html_put(h, "</tbody></table></div>\n");
    frequent(h, &c);
    html_put(h, "</div>\n");
}

/* ---- tests of fine-tuning -------------------------------------------------------------------- */

static bool tests(page *p)
{
    html *h = &p->h;
    bool any = false;
    for (size_t i = 0; i < p->phases.n; i++) {
        const phase *ph = &p->phases.list[i];
        const char *key;
        json_t *value;
        char text[HTML_NUMBER], label[100];
        if (!ph->test) continue;
        if (!any) html_put(h, "<h3>Tests at the end of fine-tuning</h3>\n<ul>\n");
        any = true;
        html_put(h, "<li>");
        html_element(h, "b", ph->name);
        html_printf(h, ", best weights, of update %s:",
                    html_number(text, json_number_value(json_object_get(ph->test, "step")),
                                HTML_PLAIN));
        const char *between = " ";
        json_object_foreach(ph->test, key, value) {
            if (!vl_str_begins(key, "recall") && !vl_str_begins(key, "accuracy") &&
                !strstr(key, "rank"))
                continue;
            html_put(h, between);
            html_text(h, page_label(label, key));
            html_printf(h, " %s", html_number(text, number_or_nan(value), page_unit(key)));
            between = ", ";
        }
        html_put(h, "</li>\n");
    }
    if (any) html_put(h, "</ul>\n");
    return any;
}

/* A baseline without anything to compare it with has no column, which is told. */
static void lonely(page *p)
{
    for (size_t k = 0; k < p->baselines.n; k++) {
        const phase *base = &p->baselines.list[k];
        bool any = false;
        for (size_t i = 0; i < p->phases.n; i++) any |= comparable(&p->phases.list[i], base);
        if (any) continue;
        vl_tell(p->hooks, VIOLET_EVENT_WARNING, "baseline '%.100s': no evaluation of the report "
                "has its type, items and split", base->name);
        html_put(&p->h, "<p class=\"note\">Baseline ");
        html_text(&p->h, base->name);
        html_put(&p->h, " is of other items than all evaluations here.</p>\n");
    }
}

void page_results(page *p)
{
    size_t at = p->h.b.n;
    html_put(&p->h, "<section id=\"results\">\n<h2>Results</h2>\n");
    html_put(&p->h, "<div class=\"tables\">\n");
    size_t empty = p->h.b.n;
    for (size_t i = 0; i < p->phases.n; i++) {
        bool first = p->phases.list[i].kind == PHASE_EVAL;
        for (size_t k = 0; k < i; k++)
            first = first && !comparable(&p->phases.list[k], &p->phases.list[i]);
        if (first) table(p, i);
    }
    bool tables = p->h.b.n > empty;
    lonely(p);
    html_put(&p->h, "</div>\n");
    bool nothing = !tests(p) && !tables && p->h.status == VIOLET_OK;
    if (nothing)
        p->h.b.data[p->h.b.n = at] = 0;
    else
        html_put(&p->h, "</section>\n");
}
