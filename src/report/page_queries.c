/* Queries of retrieval: the sentence, the videos that were found, the right one marked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "report/page_examples.h"

#define TOP 5

/* ---- for all kinds of examples --------------------------------------------------------------- */

static void say_counts(html *h, const predictions *q, prediction_kind kind, int shown)
{
    char good[HTML_NUMBER], bad[HTML_NUMBER];
    html_number(good, (double)predictions_count(q, kind, true), HTML_PLAIN);
    html_number(bad, (double)predictions_count(q, kind, false), HTML_PLAIN);
    html_printf(h, "<p class=\"note\">%d examples. Of all, %s came out right and %s did not: half "
                "are taken of these and half of those, as far as there are so many, spread "
                "evenly.</p>\n", shown, good, bad);
}

violet_status page_examples(const example_page *e, prediction_kind kind, const char *title,
                            const char *grid, void (*one)(const example_page *e, const json_t *))
{
    html *h = &e->p->h;
    int wanted = e->p->o->examples;
    int *chosen = malloc(((size_t)wanted + 1) * sizeof *chosen);
    if (!chosen) return vl_err_nomem();
    int n = predictions_choose(e->q, chosen, wanted, kind);
    if (n) {
        html_printf(h, "<h3>%s</h3>\n", title);
        say_counts(h, e->q, kind, n);
        html_printf(h, "<div class=\"examples %s\">\n", grid);
    }
    for (int i = 0; i < n && h->status == VIOLET_OK; i++) {
        json_t *line = predictions_line(e->q, chosen[i]);
        if (vl_stopped(e->p->hooks)) h->status = vl_interrupted("report");
        if (line && h->status == VIOLET_OK) one(e, line);
        json_decref(line);
    }
    if (n) html_put(h, "</div>\n");
    free(chosen);
    return h->status;
}

/* ---- a query --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void video(const example_page *e, const char *id, const char *place, const json_t *score,
                  const char *class)
{
    html *h = &e->p->h;
    html_printf(h, "<li class=\"%s\">", class);
    thumbs_put(h, e->t, id);
    html_printf(h, "<b>%s</b> ", place);
    html_element(h, "span class=\"said\"", id);
    if (json_is_number(score))
        html_printf(h, "<br><span class=\"soft\">score %.2f</span>", json_number_value(score));
    if (strncmp(class, "right", 5) == 0)
        html_put(h, "<br><span class=\"good\">✓ the right one</span>");
    html_put(h, "</li>\n");
}

static void query(const example_page *e, const json_t *line)
{
    html *h = &e->p->h;
    const json_t *top = json_object_get(line, "top");
    const char *right = text_of(line, "video");
    double rank = json_number_value(json_object_get(line, "rank"));
    char place[HTML_NUMBER];
    bool seen = false;
    html_put(h, "<div class=\"card\"><h4>“");
    html_text(h, text_of(line, "caption"));
    html_printf(h, "”</h4><p class=\"%s\">%s rank %.4g</p><ol class=\"top\">\n",
                rank > 1 ? "bad" : "good", rank > 1 ? "✗" : "✓", rank);
    for (size_t i = 0; i < json_array_size(top) && i < TOP; i++) {
        const json_t *x = json_array_get(top, i);
        bool is_right = strcmp(text_of(x, "video"), right) == 0;
        seen |= is_right;
        snprintf(place, sizeof place, "%zu.", i + 1);
        video(e, text_of(x, "video"), place, json_object_get(x, "score"), is_right ? "right" : "");
    }
    if (!seen) {
        snprintf(place, sizeof place, "%.4g.", rank);
        video(e, right, place, json_object_get(line, "score"), "right away");
    }
    html_put(h, "</ol></div>\n");
}

violet_status page_queries(const example_page *e)
{
    return page_examples(e, PREDICTION_TEXT, "Found by a sentence", "", query);
}
