/* Which answers are taken for which: a table of the most frequent right answers (rows) and what was
 * answered (columns), coloured by the share of the row. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "report/counts.h"
#include "report/page_examples.h"

#define MOST 12

typedef struct confusion {
    const char *word[MOST];
    int n;
    size_t times[MOST][MOST + 1]; /* [right][given]; the last column: something else */
    size_t sum[MOST];
} confusion;

static bool is_asked(const prediction *x)
{
    return x->kind == PREDICTION_QUESTION && x->answer && x->given;
}

static int number_of(const confusion *c, const char *word)
{
    int i = 0;
    while (i < c->n && strcmp(c->word[i], word) != 0) i++;
    return i;
}

static violet_status fill(confusion *c, const predictions *q)
{
    counts words = {0};
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < q->n && status == VIOLET_OK; i++)
        if (is_asked(&q->list[i])) status = counts_add(&words, q->list[i].answer);
    const counts_word *list = counts_sort(&words);
    for (size_t i = 0; i < words.n && i < MOST && status == VIOLET_OK; i++)
        c->word[c->n++] = list[i].word;
    counts_release(&words);
    for (size_t i = 0; i < q->n && status == VIOLET_OK; i++) {
        if (!is_asked(&q->list[i])) continue;
        int right = number_of(c, q->list[i].answer);
        if (right == c->n) continue;
        c->times[right][number_of(c, q->list[i].given)]++;
        c->sum[right]++;
    }
    return status;
}

static void cell(html *h, const confusion *c, int right, int given)
{
    double share = (double)c->times[right][given] / (double)c->sum[right];
    html_printf(h, "<td%s style=\"background:rgba(var(--heat),%.3f)\" title=\"%zu of %zu\">",
                right == given ? " class=\"own\"" : "", 0.75 * share, c->times[right][given],
                c->sum[right]);
    if (c->times[right][given]) html_printf(h, "%.0f", 100 * share);
    html_put(h, "</td>");
}

violet_status page_confusion(page *p, const phase *ph, const predictions *q)
{
    html *h = &p->h;
    confusion c = {0};
    const char *type = json_string_value(json_object_get(ph->result, "type"));
    if (type && strcmp(type, "qamc") == 0) return VIOLET_OK; /* every question has its own */
    violet_status status = fill(&c, q);
    if (status != VIOLET_OK || c.n < 2) return status;
    html_put(h, "<h3>Right answers and given ones</h3>\n<p class=\"note\">Rows: the most frequent "
                "right answers; columns: what was answered; percent of the row.</p>\n"
                "<div class=\"wide\"><table class=\"heat\"><thead><tr><th></th>");
    for (int k = 0; k < c.n; k++) html_element(h, "th", c.word[k]);
    html_put(h, "<th>other</th><th>n</th></tr></thead><tbody>\n");
    for (int i = 0; i < c.n; i++) {
        html_put(h, "<tr>");
        html_element(h, "th", c.word[i]);
        for (int k = 0; k <= c.n; k++) cell(h, &c, i, k);
        html_printf(h, "<td class=\"soft\">%zu</td></tr>\n", c.sum[i]);
    }
    html_put(h, "</tbody></table></div>\n");
    return h->status;
}
