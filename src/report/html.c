/* A page as text; see html.h. */
#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "base/words.h"

#define REPLACEMENT "\xef\xbf\xbd"

void html_release(html *h)
{
    vl_buf_free(&h->b);
    *h = (html){0};
}

void html_put(html *h, const char *markup)
{
    if (h->status == VIOLET_OK) h->status = vl_buf_puts(&h->b, markup);
}

void html_printf(html *h, const char *format, ...)
{
    va_list ap;
    if (h->status != VIOLET_OK) return;
    va_start(ap, format);
    h->status = vl_buf_vprintf(&h->b, format, ap);
    va_end(ap);
}

/* The entity of a character, NULL: it stands for itself. */
static const char *entity(unsigned char c, bool utf8)
{
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    case '\t':
    case '\n': return " ";
    default: return c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ? REPLACEMENT : NULL;
    }
}

void html_text(html *h, const char *s)
{
    if (!s || h->status != VIOLET_OK) return;
    bool utf8 = vl_utf8_valid(s);
    const char *from = s;
    for (; *s && h->status == VIOLET_OK; s++) {
        const char *e = entity((unsigned char)*s, utf8);
        if (!e) continue;
        h->status = vl_buf_append(&h->b, from, (size_t)(s - from));
        html_put(h, e);
        from = s + 1;
    }
    if (h->status == VIOLET_OK) h->status = vl_buf_append(&h->b, from, (size_t)(s - from));
}

void html_element(html *h, const char *tag, const char *text)
{
    html_printf(h, "<%s>", tag);
    html_text(h, text);
    html_printf(h, "</%.*s>", (int)strcspn(tag, " "), tag);
}

void html_image(html *h, const char *kind, const void *bytes, size_t n, int width, int height,
                const char *alt)
{
    size_t text = vl_base64_encoded(n);
    html_printf(h, "<img width=\"%d\" height=\"%d\" alt=\"", width, height);
    html_text(h, alt);
    html_printf(h, "\" src=\"data:image/%s;base64,", kind);
    if (h->status == VIOLET_OK) h->status = vl_buf_reserve(&h->b, text);
    if (h->status != VIOLET_OK) return;
    vl_base64_encode(h->b.data + h->b.n, bytes, n);
    h->b.n += text;
    h->b.data[h->b.n] = 0;
    html_put(h, "\">");
}

int html_id(html *h)
{
    return h->n_ids++;
}

const char *html_number(char text[HTML_NUMBER], double x, html_unit unit)
{
    char digits[VL_WORDS];
    double size = fabs(x);
    if (!isfinite(x))
        snprintf(text, HTML_NUMBER, "–");
    else if (unit == HTML_SHARE)
        snprintf(text, HTML_NUMBER, "%.1f %%", 100 * x);
    else if (unit == HTML_RANK)
        snprintf(text, HTML_NUMBER, "%.1f", x);
    else if (size >= 1e15 || (size > 0 && size < 1e-3))
        snprintf(text, HTML_NUMBER, "%.3g", x);
    else if (size >= 1000 || x == floor(x))
        snprintf(text, HTML_NUMBER, "%s%s", x <= -0.5 ? "−" : "",
                 vl_words_count(digits, (uint64_t)(size + 0.5)));
    else
        snprintf(text, HTML_NUMBER, "%.3g", x);
    return text;
}
