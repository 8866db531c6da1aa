/* An evaluation: where its predictions and pictures are, then what they show. */
#include <string.h>

#include "report/page_examples.h"

/* The file of predictions: what the options say, or predictions.jsonl in the folder. */
static bool find_file(char path[4096], const phase *ph)
{
    return phase_file(path, ph, phase_text(ph, "predictions")) ||
           phase_file(path, ph, "predictions.jsonl");
}

static void no_predictions(html *h)
{
    html_put(h, "<p class=\"note\">There are no predictions, so no examples: the same command with "
                "<code>--predictions FILE</code> writes them, without scoring anything again."
                "</p>\n");
}

static violet_status examples(page *p, const phase *ph, const predictions *q)
{
    html *h = &p->h;
    bool any = p->o->examples > 0 && q->n > 0;
    thumbs *t = NULL;
    violet_status status = VIOLET_OK;
    if (any) status = thumbs_open(&t, ph, p->o, p->hooks ? p->hooks->stop : NULL);
    if (status == VIOLET_OK && any && thumbs_missing(t)) {
        html_put(h, "<p class=\"note\">The pictures are not there any more: ");
        html_text(h, thumbs_missing(t));
        html_put(h, ".</p>\n");
    }
    const example_page e = {p, ph, q, t};
    if (status == VIOLET_OK && any) status = page_queries(&e);
    if (status == VIOLET_OK && any) status = page_answers(&e);
    if (status == VIOLET_OK) status = page_confusion(p, ph, q);
    thumbs_close(t);
    return status;
}

/* How it was measured, a line for each group of metrics; what was left out. */
static void protocol(html *h, const phase *ph)
{
    const json_t *left = json_object_get(ph->result, "left_out");
    double items = json_number_value(json_object_get(left, "items"));
    double videos = json_number_value(json_object_get(left, "videos"));
    char text[HTML_NUMBER];
    const char *metric, *last = "";
    json_t *m;
    html_put(h, "<ul class=\"note\">");
    json_object_foreach(json_object_get(ph->result, "metrics"), metric, m) {
        const char *how = json_string_value(json_object_get(m, "protocol"));
        if (!how || strcmp(how, last) == 0) continue;
        last = how;
        html_element(h, "li", how);
    }
    if (videos > 0) {
        html_printf(h, "<li>left out: %s videos", html_number(text, videos, HTML_PLAIN));
        html_printf(h, " with %s items</li>", html_number(text, items, HTML_PLAIN));
    }
    html_put(h, "</ul>\n");
}

violet_status page_evaluation(page *p, const phase *ph)
{
    char path[4096];
    predictions q = {0};
    violet_status status = VIOLET_OK;
    bool found = find_file(path, ph);
    protocol(&p->h, ph);
    if (found) {
        status = predictions_read(&q, path);
        if (status == VIOLET_EIO || status == VIOLET_EFORMAT) found = false, status = VIOLET_OK;
    }
    if (!found) no_predictions(&p->h);
    if (status == VIOLET_OK) status = page_types(p, ph, &q);
    if (status == VIOLET_OK && found) status = examples(p, ph, &q);
    predictions_release(&q);
    return status == VIOLET_OK ? p->h.status : status;
}
