/* What an evaluation's parts share. */
#ifndef VL_REPORT_PAGE_EXAMPLES_H
#define VL_REPORT_PAGE_EXAMPLES_H

#include "report/page.h"
#include "report/predictions.h"
#include "report/thumbs.h"

typedef struct example_page {
    page *p;
    const phase *ph;
    const predictions *q;
    thumbs *t;
} example_page;

/* page_queries.c, page_answers.c: nothing where there are none. */
violet_status page_queries(const example_page *e);
violet_status page_answers(const example_page *e);
/* page_types.c: accuracy by type of question. */
violet_status page_types(page *p, const phase *ph, const predictions *q);
/* page_confusion.c: of open-ended questions. */
violet_status page_confusion(page *p, const phase *ph, const predictions *q);

/* Chooses examples of a kind and writes each, in a grid of class `grid` under a heading. */
violet_status page_examples(const example_page *e, prediction_kind kind, const char *title,
                            const char *grid, void (*one)(const example_page *e, const json_t *));

#endif
