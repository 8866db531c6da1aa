/* Title, contents, what each phase was in one line, the end. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/page.h"

/* ---- one line -------------------------------------------------------------------------------- */

static const char *kind_name(const phase *ph)
{
    static const char *const names[] = {"dVAE", "pretraining", "fine-tuning", "evaluation"};
    return names[ph->kind];
}

static const char *task_words(const char *type)
{
    static const struct {
        const char *type, *words;
    } all[] = {{"retrieval", "Text-to-video retrieval"},
               {"qamc", "Multiple choice"},
               {"qaoe", "Open-ended questions"},
               {"fib", "Filling in blanks"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].type, type) == 0) return all[i].words;
    return type;
}

static void count(html *h, double n, const char *what)
{
    char text[HTML_NUMBER];
    html_printf(h, "%s %s%s", html_number(text, n, HTML_PLAIN), what, n == 1 ? "" : "s");
}

/* " from X" of what a training started from. */
static void start(html *h, const phase *ph)
{
    static const char *const names[] = {"path_ckpt", "init_video", "init_text"};
    const char *between = ", from ";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!*phase_text(ph, names[i])) continue;
        html_put(h, between);
        html_text(h, phase_text(ph, names[i]));
        between = " and ";
    }
    if (between[0] == ',') html_put(h, ", from random weights");
}

static void training_line(html *h, const phase *ph)
{
    double accumulate = phase_number(ph, "accumulate");
    double batch = phase_number(ph, "size_batch") * (accumulate > 1 ? accumulate : 1);
    const char *task = phase_text(ph, "task"), *data = phase_text(ph, "dataset");
    if (ph->kind == PHASE_DVAE)
        html_put(h, "A discrete VAE for visual tokens");
    else if (ph->kind == PHASE_PRETRAIN)
        html_put(h, "Pretraining by masked words, masked visual tokens and video-text matching");
    else
        html_text(h, task_words(phase_text(ph, "type")));
    if (*task) html_put(h, ", "), html_text(h, task);
    if (!*data) data = phase_text(ph, ph->kind == PHASE_DVAE ? "path" : "videos");
    if (*data) html_put(h, ", on "), html_text(h, data);
    html_put(h, ": ");
    count(h, (double)ph->steps.n, "update");
    html_put(h, " of ");
    count(h, batch, "sample");
    if (ph->kind == PHASE_DVAE) {
        html_printf(h, ", %g codes, pictures of %g pixels", phase_number(ph, "n_code"),
                    phase_number(ph, "size"));
        return;
    }
    html_printf(h, ", pictures of %g pixels", phase_number(ph, "size_img"));
    if (phase_number(ph, "size_frame") > 0)
        html_put(h, ", "), count(h, phase_number(ph, "size_frame"), "frame");
    if (json_is_true(json_object_get(ph->args, "blind")))
        html_put(h, ", none of them seen (blind)");
    start(h, ph);
}

static void evaluation_line(html *h, const phase *ph)
{
    const json_t *r = ph->result;
    const char *split = json_string_value(json_object_get(r, "split"));
    const char *type = json_string_value(json_object_get(r, "type"));
    html_text(h, task_words(type ? type : ""));
    html_put(h, " by ");
    html_text(h, json_string_value(json_object_get(r, "checkpoint")));
    html_put(h, " on ");
    html_text(h, json_string_value(json_object_get(r, "items")));
    if (split) html_put(h, ", "), html_text(h, split);
    html_put(h, ": ");
    count(h, json_number_value(json_object_get(r, "scored_items")), "item");
    html_put(h, " of ");
    count(h, json_number_value(json_object_get(r, "scored_videos")), "video");
    if (json_is_true(json_object_get(r, "blind"))) html_put(h, ", no pictures seen (blind)");
}

void page_line(html *h, const phase *ph)
{
    if (ph->kind == PHASE_EVAL)
        evaluation_line(h, ph);
    else
        training_line(h, ph);
    html_put(h, ".");
}

/* ---- the page -------------------------------------------------------------------------------- */

static void title(page *p)
{
    if (p->o->title && *p->o->title)
        html_text(&p->h, p->o->title);
    else if (p->phases.n == 1)
        html_printf(&p->h, "%s: ", kind_name(&p->phases.list[0])),
            html_text(&p->h, p->phases.list[0].name);
    else
        html_put(&p->h, "Report");
}

void page_begin(page *p)
{
    html *h = &p->h;
    html_put(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    title(p);
    html_put(h, "</title>\n<style>\n");
    html_put(h, page_style);
    html_put(h, "</style>\n</head>\n<body>\n<main>\n<h1>");
    title(p);
    html_put(h, "</h1>\n");
}

void page_contents(page *p)
{
    html *h = &p->h;
    if (p->phases.n == 1) return;
    html_put(h, "<nav><ol>\n");
    for (size_t i = 0; i < p->phases.n; i++) {
        html_printf(h, "<li><span class=\"tag\">%s</span><a href=\"#p%zu\">",
                    kind_name(&p->phases.list[i]), i);
        html_text(h, p->phases.list[i].name);
        html_put(h, "</a><br><span class=\"soft\">");
        page_line(h, &p->phases.list[i]);
        html_put(h, "</span></li>\n");
    }
    html_put(h, "</ol></nav>\n");
}

void page_section(page *p, size_t i)
{
    html *h = &p->h;
    const phase *ph = &p->phases.list[i];
    html_printf(h, "<section id=\"p%zu\">\n<h2>", i);
    html_text(h, ph->name);
    html_printf(h, " <span class=\"tag\">%s</span></h2>\n<p class=\"soft\">", kind_name(ph));
    page_line(h, ph);
    html_put(h, "</p>\n");
}

void page_end(page *p)
{
    html_put(&p->h, "<footer>Made by violet " VIOLET_VERSION " report. Intervals are of 95 %: the "
                    "middle of 1000 bootstrap samples of the videos.</footer>\n</main>\n</body>\n"
                    "</html>\n");
}
