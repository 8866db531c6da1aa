/* Accuracy by type of question, as bars with intervals and what the most frequent answer of each
 * type would come to. */
#include <math.h>
#include <string.h>

#include "base/status.h"
#include "report/counts.h"
#include "report/page_examples.h"

/* The share of a type's questions that its most frequent answer is right for; NaN: not known. */
static double frequent(const predictions *q, const char *type, violet_status *status)
{
    counts c = {0};
    double share = NAN;
    size_t n = 0;
    for (size_t i = 0; i < q->n && *status == VIOLET_OK; i++) {
        const prediction *x = &q->list[i];
        if (x->kind != PREDICTION_QUESTION || !x->type || strcmp(x->type, type) != 0) continue;
        n++;
        if (x->answer) *status = counts_add(&c, x->answer);
    }
    if (*status == VIOLET_OK && n && c.n) share = (double)counts_sort(&c)[0].times / (double)n;
    counts_release(&c);
    return share;
}

static void bar(html *h, const char *type, const json_t *m, double chance)
{
    const json_t *between = json_object_get(m, "interval");
    double value = json_number_value(json_object_get(m, "value"));
    double low = json_number_value(json_array_get(between, 0));
    double high = json_number_value(json_array_get(between, 1));
    html_put(h, "<span>");
    html_text(h, type);
    html_printf(h, "</span><div class=\"bar\"><i class=\"v\" style=\"width:%.2f%%\"></i>",
                100 * fmin(fmax(value, 0), 1));
    if (high > low)
        html_printf(h, "<i class=\"r\" style=\"left:%.2f%%;width:%.2f%%\"></i>", 100 * low,
                    100 * (high - low));
    if (isfinite(chance))
        html_printf(h, "<i class=\"x\" style=\"left:%.2f%%\"></i>", 100 * chance);
    html_printf(h, "</div><span>%.1f %% <span class=\"soft\">n %lld</span></span>\n", 100 * value,
                (long long)json_integer_value(json_object_get(m, "n")));
}

violet_status page_types(page *p, const phase *ph, const predictions *q)
{
    html *h = &p->h;
    violet_status status = VIOLET_OK;
    const char *type;
    json_t *of;
    const json_t *chance = json_object_get(ph->result, "chance");
    bool any = false, open = q->n && json_object_get(chance, "answer");
    json_object_foreach(json_object_get(ph->result, "types"), type, of) {
        const json_t *m = json_object_get(of, "accuracy");
        if (!m || status != VIOLET_OK) continue;
        if (!any) html_put(h, "<h3>By type of question</h3>\n<div class=\"bars\">\n");
        any = true;
        bar(h, type, m, open ? frequent(q, type, &status) : page_chance(ph, "accuracy"));
    }
    if (any)
        html_printf(h, "</div>\n<p class=\"note\">Bar: share that is answered right; the thin "
                    "line: its interval; the upright line: %s.</p>\n",
                    open ? "always the most frequent answer of the type" : "chance");
    return status;
}
