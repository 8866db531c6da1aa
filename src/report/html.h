/* Writes a page piece by piece. What comes from files goes through html_text and is escaped; what
 * is written as it is are words and numbers of this program.
 *
 *     html h = {0};
 *     html_put(&h, "<p>");
 *     html_text(&h, caption);
 *     html_printf(&h, "</p><b>%d</b>", n);
 *     html_element(&h, "td class=\"name\"", caption);         // <td class="name">...</td>
 *     ... h.status, h.b ...
 *     html_release(&h);
 *
 * All zero is an empty page. Errors are sticky: after the first nothing more is written, and who
 * reads h.b asks h.status once. */
#ifndef VL_REPORT_HTML_H
#define VL_REPORT_HTML_H

#include <stdint.h>

#include "base/buf.h"

typedef struct html {
    vl_buf b;
    violet_status status;
    int n_ids; /* given out by html_id */
} html;

void html_release(html *h);

void html_put(html *h, const char *markup);
void html_printf(html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Escaped, also fit for attributes in quotes. NULL is "". What is no UTF-8, and control characters,
 * become U+FFFD. */
void html_text(html *h, const char *s);
/* tag may have attributes behind its name. */
void html_element(html *h, const char *tag, const char *text);

/* <img> with the picture in it; kind: "jpeg" or "png"; alt is escaped. */
void html_image(html *h, const char *kind, const void *bytes, size_t n, int width, int height,
                const char *alt);

/* A number for id="..." that no other has. */
int html_id(html *h);

/* ---- numbers as people read them ------------------------------------------------------------- */

#define HTML_NUMBER 40

typedef enum html_unit {
    HTML_PLAIN,  /* "1,234", "0.0123", "1.2e-05" */
    HTML_SHARE,  /* of 1: "12.3 %" */
    HTML_RANK,   /* "10.5" */
} html_unit;

/* "–" where it is not finite. Returns text. */
const char *html_number(char text[HTML_NUMBER], double x, html_unit unit);

#endif
