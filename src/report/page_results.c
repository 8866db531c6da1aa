/* Headline numbers: evaluations of the same items side by side, beside baselines and chance; then
 * the tests that fine-tuning made. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/page.h"

/* ---- names ----------------------------------------------------------------------------------- */

/* Groups of metrics by how their names begin; the longer beginnings first. */
static const struct group {
    const char *prefix, *title;
} groups[] = {{"t2v_first_", "text to video, first stage"},
              {"v2t_first_", "video to text, first stage"},
              {"t2v_", "text to video"},
              {"v2t_", "video to text"},
              {"accuracy", ""}};

static const struct group *group_of(const char *metric)
{
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (vl_str_begins(metric, groups[i].prefix)) return &groups[i];
    return NULL;
}

const char *page_label(char text[100], const char *metric)
{
    static const struct {
        const char *name, *label;
    } known[] = {{"accuracy", "accuracy"},
                 {"accuracy_listed", "accuracy, answers of the list"},
                 {"accuracy_known", "accuracy, answers that are known"},
                 {"within", "within the first stage's best"}};
    const struct group *g = group_of(metric);
    const char *rest = g && g->prefix[0] != 'a' ? metric + strlen(g->prefix) : metric;
    snprintf(text, 100, "%.90s", rest);
    for (char *s = text; *s; s++)
        if (*s == '_') *s = ' ';
    if (vl_str_begins(rest, "recall_")) snprintf(text, 100, "R@%.80s", rest + strlen("recall_"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, rest) == 0) snprintf(text, 100, "%s", known[i].label);
    return text;
}

/* Those of a type of questions stand elsewhere. */
static bool is_headline(const char *metric)
{
    return !vl_str_begins(metric, "accuracy_") || strcmp(metric, "accuracy_listed") == 0 ||
           strcmp(metric, "accuracy_known") == 0;
}

static html_unit unit_of(const char *metric)
{
    return strstr(metric, "rank") ? HTML_RANK : HTML_SHARE;
}

/* ---- chance ---------------------------------------------------------------------------------- */

/* Of c right ones among n in random order: that one is among the first k. */
static double recall_of_chance(double k, double n, double c)
{
    double none = 1;
    for (int i = 0; i < k && i < n; i++) none *= fmax(0, (n - c - i) / (n - i));
    return 1 - none;
}

double page_chance(const phase *eval, const char *metric)
{
    const json_t *r = eval->result, *chance = json_object_get(r, "chance");
    double videos = json_number_value(json_object_get(r, "scored_videos"));
    double items = json_number_value(json_object_get(r, "scored_items"));
    bool to_text = vl_str_begins(metric, "v2t_");
    if (vl_str_begins(metric, "accuracy"))
        return chance ? json_number_value(json_object_get(chance, "uniform")) : NAN;
    double n = to_text ? items : videos, c = to_text ? items / videos : 1;
    const char *recall = strstr(metric, "recall_");
    if (!(videos > 0) || !(items > 0)) return NAN;
    if (recall) return recall_of_chance(strtod(recall + strlen("recall_"), NULL), n, c);
    if (!strstr(metric, "rank") || (to_text && c != 1)) return NAN;
    return (n + 1) / 2;
}

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
    html_unit unit = unit_of(metric);
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
    html_unit unit = unit_of(metric);
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
                html_number(number, chance, unit_of(metric)));
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
    const struct group *last = NULL;
    const char *metric, *split = json_string_value(json_object_get(c.first->result, "split"));
    json_t *value;
    html_put(h, "<div><h3>");
    html_text(h, last_part(json_string_value(json_object_get(c.first->result, "items"))));
    if (split) html_put(h, ", "), html_text(h, split);
    html_put(h, "</h3>\n<div class=\"wide\"><table>\n");
    head(h, &c);
    html_put(h, "<tbody>\n");
    json_object_foreach(json_object_get(c.first->result, "metrics"), metric, value) {
        if (!is_headline(metric)) continue;
        const struct group *g = group_of(metric);
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
            html_printf(h, " %s", html_number(text, number_or_nan(value), unit_of(key)));
            between = ", ";
        }
        html_put(h, "</li>\n");
    }
    if (any) html_put(h, "</ul>\n");
    return any;
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
    html_put(&p->h, "</div>\n");
    bool nothing = !tests(p) && !tables && p->h.status == VIOLET_OK;
    if (nothing)
        p->h.b.data[p->h.b.n = at] = 0;
    else
        html_put(&p->h, "</section>\n");
}
