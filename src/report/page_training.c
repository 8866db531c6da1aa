/* A training: what it came to, curves of losses, accuracies, validations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "base/str.h"
#include "report/chart.h"
#include "report/page.h"

#define SERIES_MOST 8
#define CONTACT_MOST ((size_t)4 << 20)

/* ---- names ----------------------------------------------------------------------------------- */

static const char *loss_name(const char *loss)
{
    static const struct {
        const char *name, *words;
    } all[] = {{"mtm", "masked words"},
               {"mvm", "masked visual tokens"},
               {"vtm", "video-text matching"},
               {"con", "contrastive"},
               {"retrieval", "retrieval"},
               {"qamc", "multiple choice"},
               {"qaoe", "answers"},
               {"fib", "blanks"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, loss) == 0) return all[i].words;
    return loss;
}

/* ---- validations ----------------------------------------------------------------------------- */

/* Lists of log.json as series. */
typedef struct points {
    double *x, *y;
    size_t n;
} points;

static void points_release(points *v)
{
    free(v->x);
    free(v->y);
    *v = (points){0};
}

/* The steps after which a data set was validated, in order: units of all sets, and its own. */
static double step_of(const phase *ph, const char *set, size_t k)
{
    const json_t *own = json_object_get(ph->log, "step"); /* a dVAE's log says it */
    if (json_is_array(own)) return json_number_value(json_array_get(own, k));
    for (size_t i = 0; i < ph->steps.n_units; i++) {
        const log_unit *u = &ph->steps.unit[i];
        if (strcmp(u->unit, "all") != 0 && strcmp(u->set, set) != 0) continue;
        if (k-- == 0) return u->step;
    }
    return NAN;
}

static void points_of(html *h, points *v, const phase *ph, const char *set, const json_t *list)
{
    size_t n = json_array_size(list);
    *v = (points){malloc((n + 1) * sizeof *v->x), malloc((n + 1) * sizeof *v->y), 0};
    if (!v->x || !v->y) {
        h->status = vl_err_nomem();
        return;
    }
    for (size_t k = 0; k < n; k++) {
        const json_t *y = json_array_get(list, k);
        double x = step_of(ph, set, k);
        if (!isfinite(x) || (v->n && x <= v->x[v->n - 1])) continue;
        v->x[v->n] = x;
        v->y[v->n++] = json_is_number(y) ? json_number_value(y) : NAN;
    }
}

/* Charts under construction: a few series that are freed together. */
typedef struct canvas {
    html *h;
    const phase *ph;
    chart_series series[SERIES_MOST];
    points points[SERIES_MOST];
    char name[SERIES_MOST][160];
    int n;
} canvas;

static void add_steps(canvas *c, const char *name, const char *column)
{
    const log_lines *l = &c->ph->steps;
    const double *x = log_lines_column(l, "step"), *y = log_lines_column(l, column);
    if (!x || !y || c->n == SERIES_MOST) return;
    c->series[c->n] = (chart_series){name, x, y, l->n, c->n % CHART_COLOURS, true};
    c->n++;
}

static void add_points(canvas *c, const char *name, const char *set, const json_t *list)
{
    if (!json_is_array(list) || c->n == SERIES_MOST) return;
    points *v = &c->points[c->n];
    points_of(c->h, v, c->ph, set, list);
    snprintf(c->name[c->n], sizeof c->name[0], "%s", name);
    c->series[c->n] =
        (chart_series){c->name[c->n], v->x, v->y, v->n, c->n % CHART_COLOURS, false};
    c->n++;
}

static void draw(canvas *c, chart how)
{
    how.series = c->series;
    how.n = c->n;
    if (c->n && c->h->status == VIOLET_OK) chart_lines(c->h, &how);
    for (int k = 0; k < SERIES_MOST; k++) points_release(&c->points[k]);
    c->n = 0;
}

/* ---- charts ---------------------------------------------------------------------------------- */

static double best_step(const phase *ph)
{
    return json_number_value(json_object_get(ph->test, "step"));
}

static void losses(canvas *c)
{
    const log_lines *l = &c->ph->steps;
    for (int k = 0; k < l->n_columns; k++) {
        char title[100];
        if (!vl_str_begins(l->name[k], "ls_")) continue;
        snprintf(title, sizeof title, "Loss: %.80s", loss_name(l->name[k] + 3));
        add_steps(c, "training", l->name[k]);
        draw(c, (chart){.title = title});
    }
}

static void accuracies(canvas *c)
{
    const log_lines *l = &c->ph->steps;
    for (int k = 0; k < l->n_columns; k++) {
        char title[100], name[160];
        const char *set;
        json_t *of_set;
        if (!vl_str_begins(l->name[k], "ac_")) continue;
        snprintf(title, sizeof title, "Accuracy: %.80s", loss_name(l->name[k] + 3));
        add_steps(c, "training", l->name[k]);
        json_object_foreach(c->ph->log, set, of_set) {
            bool one = json_object_size(c->ph->log) == 1;
            snprintf(name, sizeof name, "validation%s%.100s", one ? "" : ", ", one ? "" : set);
            const char *key = c->ph->kind == PHASE_FINETUNE ? "accuracy" : l->name[k];
            add_points(c, name, set, json_object_get(of_set, key));
        }
        draw(c, (chart){.title = title, .unit = HTML_SHARE, .from_zero = true,
                        .mark = best_step(c->ph), .mark_name = "best"});
    }
}

/* What fine-tuning measures: shares in one chart, ranks in another. */
static void metrics(canvas *c)
{
    const char *set, *key;
    json_t *of_set, *list;
    for (int ranks = 0; ranks < 2 && c->ph->kind == PHASE_FINETUNE; ranks++) {
        json_object_foreach(c->ph->log, set, of_set) json_object_foreach(of_set, key, list) {
            char label[100];
            if (vl_str_begins(key, "ls_") || vl_str_begins(key, "ac")) continue;
            if ((strstr(key, "rank") != NULL) != ranks) continue;
            add_points(c, page_label(label, key), set, list);
        }
        draw(c, (chart){.title = ranks ? "Validation: rank" : "Validation",
                        .unit = ranks ? HTML_RANK : HTML_SHARE,
                        .from_zero = true,
                        .mark = best_step(c->ph),
                        .mark_name = "best"});
    }
}

static void dvae(canvas *c)
{
    const json_t *log = c->ph->log;
    add_steps(c, "training", "loss");
    draw(c, (chart){.title = "Loss"});
    add_steps(c, "training, relaxed codes", "error");
    add_points(c, "training pictures", "", json_object_get(log, "error"));
    add_points(c, "held-out pictures", "", json_object_get(log, "error_held"));
    draw(c, (chart){.title = "Error left of the pictures' variance", .unit = HTML_SHARE,
                    .from_zero = true});
    add_steps(c, "in the last steps", "used");
    add_points(c, "training pictures", "", json_object_get(log, "used"));
    add_points(c, "held-out pictures", "", json_object_get(log, "used_held"));
    draw(c, (chart){.title = "Codes in use", .unit = HTML_SHARE, .from_zero = true});
}

static void side(canvas *c, const char *title, const char *column)
{
    add_steps(c, "", column);
    if (c->n) {
        c->series[0].colour = 5;
        c->series[0].noisy = strcmp(column, "norm") == 0;
    }
    draw(c, (chart){.title = title, .small = true, .from_zero = true});
}

/* The contact sheet that train-dvae leaves, if there is one that is whole enough to have a size. */
static void contact(html *h, const phase *ph)
{
    char path[4096], *bytes;
    size_t n;
    if (vl_path_join(path, sizeof path, ph->folder, "contact.png") != VIOLET_OK ||
        !vl_file_exists(path) || vl_file_read(&bytes, &n, path, CONTACT_MOST) != VIOLET_OK)
        return;
    const uint8_t *b = (const uint8_t *)bytes;
    int width = n > 24 ? b[18] << 8 | b[19] : 0, height = n > 24 ? b[22] << 8 | b[23] : 0;
    if (n > 24 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0 && width && height) {
        html_put(h, "<figure class=\"sheet\"><figcaption>Pictures above what is left of them; "
                    "training ones first, held-out ones below</figcaption>");
        html_image(h, "png", bytes, n, width, height, "pictures and what the dVAE makes of them");
        html_put(h, "</figure>\n");
    }
    free(bytes);
}

void page_training(page *p, const phase *ph)
{
    html *h = &p->h;
    canvas c = {.h = h, .ph = ph};
    page_facts(p, ph);
    if (ph->steps.n < 2) {
        html_put(h, "<p class=\"note\">steps.jsonl is not there or has fewer than two lines: no "
                    "curves.</p>\n");
        return;
    }
    if (ph->steps.n_bad)
        html_printf(h, "<p class=\"note\">%zu lines of steps.jsonl could not be read.</p>\n",
                    ph->steps.n_bad);
    html_put(h, "<div class=\"charts\">\n");
    if (ph->kind == PHASE_DVAE) dvae(&c);
    losses(&c);
    accuracies(&c);
    metrics(&c);
    html_put(h, "</div>\n");
    if (ph->kind == PHASE_DVAE) contact(h, ph);
    html_put(h, "<div class=\"charts side\">\n");
    side(&c, "Learning rate", "lr");
    side(&c, "Gradient norm", "norm");
    page_speed(p, ph);
    html_put(h, "</div>\n");
}
