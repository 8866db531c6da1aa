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
    if (status == VIOLET_OK) status = page_confusion(p, q);
    thumbs_close(t);
    return status;
}

violet_status page_evaluation(page *p, const phase *ph)
{
    char path[4096];
    predictions q = {0};
    violet_status status = VIOLET_OK;
    bool found = find_file(path, ph);
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
