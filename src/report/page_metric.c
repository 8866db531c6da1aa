/* What metrics are called, their units, and what guessing comes to. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "report/page.h"

/* ---- names ----------------------------------------------------------------------------------- */

/* Groups of metrics by how their names begin; the longer beginnings first. */
static const page_group groups[] = {{"t2v_first_", "text to video, first stage"},
              {"v2t_first_", "video to text, first stage"},
              {"t2v_", "text to video"},
              {"v2t_", "video to text"},
              {"accuracy", ""}};

const page_group *page_group_of(const char *metric)
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
    const page_group *g = page_group_of(metric);
    const char *rest = g && g->prefix[0] != 'a' ? metric + strlen(g->prefix) : metric;
    snprintf(text, 100, "%.90s", rest);
    for (char *s = text; *s; s++)
        if (*s == '_') *s = ' ';
    if (vl_str_begins(rest, "recall_")) snprintf(text, 100, "R@%.80s", rest + strlen("recall_"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, rest) == 0) snprintf(text, 100, "%s", known[i].label);
    return text;
}

html_unit page_unit(const char *metric)
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

static double n_of(const json_t *result, const char *metric)
{
    const json_t *m = json_object_get(json_object_get(result, "metrics"), metric);
    return json_number_value(json_object_get(m, "n"));
}

/* Where questions are left out, they cannot be answered right by chance either. */
static double chance_of_answers(const json_t *result, const char *metric)
{
    const json_t *chance = json_object_get(result, "chance");
    double all = n_of(result, "accuracy"), n = n_of(result, metric);
    double uniform = json_number_value(json_object_get(chance, "uniform"));
    if (!chance) return NAN;
    return all > 0 && n > 0 && strcmp(metric, "accuracy") != 0 ? uniform * all / n : uniform;
}

double page_chance(const phase *eval, const char *metric)
{
    const json_t *r = eval->result;
    double videos = json_number_value(json_object_get(r, "scored_videos"));
    double items = json_number_value(json_object_get(r, "scored_items"));
    bool to_text = vl_str_begins(metric, "v2t_");
    if (vl_str_begins(metric, "accuracy")) return chance_of_answers(r, metric);
    double n = to_text ? items : videos, c = to_text ? items / videos : 1;
    const char *recall = strstr(metric, "recall_");
    if (!(videos > 0) || !(items > 0)) return NAN;
    if (recall) return recall_of_chance(strtod(recall + strlen("recall_"), NULL), n, c);
    if (!strstr(metric, "rank") || (to_text && c != 1)) return NAN;
    return (n + 1) / 2;
}
