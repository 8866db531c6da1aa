/* A page about runs: what was trained and how it went, what came out of it, examples.
 *
 *     vl_report_options o = {0};
 *     status = vl_option_defaults(vl_report_option_table, &o);
 *     const char *folders[] = {"demo"};
 *     if (status == VIOLET_OK) status = vl_report_run(&o, folders, 1, NULL);   // demo/report.html
 *
 * One file of HTML that needs no other: charts are SVG, pictures are in it, there is no script.
 * What is missing in the folders makes the page shorter. docs/REPORT.md says what is on it. */
#ifndef VL_REPORT_REPORT_H
#define VL_REPORT_REPORT_H

#include "base/option.h"
#include "violet.h"

/* Strings are owned (option.h frees them). */
typedef struct vl_report_options {
    char *output, *baseline, *title;
    int examples, thumb, frames;
} vl_report_options;

extern const vl_option vl_report_option_table[];

/* folders (n): runs, evaluations, or what has such below it; one at least. hooks may be NULL. */
violet_status vl_report_run(const vl_report_options *o, const char *const *folders, int n,
                            const violet_hooks *hooks);

#endif
