/* Questions: pictures, what was asked, what was answered, how surely. */
#include <string.h>

#include "report/page_examples.h"

#define TOP 4

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "–";
}

static void answer(html *h, const json_t *x, const json_t *right)
{
    const json_t *share = json_object_get(x, "probability");
    bool is_right = json_is_string(right) && json_equal(json_object_get(x, "answer"), right);
    double shown = json_is_number(share) ? 100 * json_number_value(share) : 0;
    html_printf(h, "<li><span class=\"bar\"><i class=\"v\" style=\"width:%.1f%%\"></i></span>"
                "<span class=\"share\">", shown);
    if (json_is_number(share)) html_printf(h, "%.1f %%", shown);
    html_put(h, "</span><span class=\"said\">");
    html_text(h, text_of(x, "answer"));
    html_printf(h, "%s</span></li>", is_right ? " <span class=\"good\">✓</span>" : "");
}

static void question(const example_page *e, const json_t *line)
{
    html *h = &e->p->h;
    const json_t *top = json_object_get(line, "top"), *right = json_object_get(line, "answer");
    bool good = json_number_value(json_object_get(line, "right")) >= 1;
    html_put(h, "<div class=\"card qa\"><div>");
    thumbs_put(h, e->t, text_of(line, "video"));
    html_put(h, "<span class=\"soft said\"><small>");
    html_text(h, text_of(line, "video"));
    html_put(h, "</small></span></div><div><h4>");
    html_text(h, text_of(line, "question"));
    html_printf(h, "</h4><p>answered <span class=\"%s\">%s ", good ? "good" : "bad",
                good ? "✓" : "✗");
    html_text(h, text_of(json_array_get(top, 0), "answer"));
    html_put(h, "</span>");
    if (!good) {
        html_put(h, ", right is <b>");
        html_text(h, text_of(line, "answer"));
        html_put(h, "</b>");
    }
    html_put(h, "</p><ul class=\"says\">");
    for (size_t i = 0; i < json_array_size(top) && i < TOP; i++)
        answer(h, json_array_get(top, i), right);
    html_put(h, "</ul></div></div>\n");
}

violet_status page_answers(const example_page *e)
{
    return page_examples(e, PREDICTION_QUESTION, "Questions and answers", "two", question);
}
