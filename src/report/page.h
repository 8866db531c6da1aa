/* The page's parts, each a function that writes to page->h. */
#ifndef VL_REPORT_PAGE_H
#define VL_REPORT_PAGE_H

#include "base/progress.h"
#include "report/html.h"
#include "report/phase.h"
#include "report/report.h"

typedef struct page {
    html h;
    const vl_report_options *o;
    const violet_hooks *hooks;
    phases phases, baselines;
} page;

extern const char page_style[]; /* CSS */

/* page_head.c */
void page_begin(page *p);
void page_contents(page *p); /* a line on each phase */
void page_section(page *p, size_t i); /* <section> and heading of phase i; the caller closes it */
void page_end(page *p);
/* One line on what a phase was. */
void page_line(html *h, const phase *ph);

/* page_results.c: tables of metrics beside chance and baselines. */
void page_results(page *p);

/* page_metric.c */
typedef struct page_group {
    const char *prefix, *title; /* title "": none */
} page_group;

/* The group of metrics that names like this are in; NULL: none. */
const page_group *page_group_of(const char *metric);
/* "R@1" of "t2v_recall_1"; returns text. */
const char *page_label(char text[100], const char *metric);
html_unit page_unit(const char *metric);
/* What guessing comes to; NaN: not known. */
double page_chance(const phase *eval, const char *metric);

/* page_training.c */
void page_training(page *p, const phase *ph);
/* page_speed.c: throughput, waiting, memory; in short, and as charts. */
void page_facts(page *p, const phase *ph);
void page_speed(page *p, const phase *ph);

/* page_retrieval.c, page_questions.c, page_confusion.c: of an evaluation. */
violet_status page_evaluation(page *p, const phase *ph);

/* page_config.c: options, how to do it again. */
void page_config(page *p, const phase *ph);

#endif
