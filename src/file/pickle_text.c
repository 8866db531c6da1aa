/* Protocol 0 spells strings as a line of text: how such a line reads. */
#include <string.h>

#include "file/pickle_doc.h"

static int hex(const char *s, size_t n)
{
    int x = 0;
    for (size_t i = 0; i < n; i++) {
        char c = s[i];
        int low = c | 32, d = -1;
        if (c >= '0' && c <= '9') d = c - '0';
        if (low >= 'a' && low <= 'f') d = low - 'a' + 10;
        if (d < 0) return -1;
        x = x * 16 + d;
    }
    return x;
}

static size_t utf8(char *out, uint32_t c)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    size_t n = 0;
    if (c < 0x10000)
        out[n++] = (char)(0xe0 | c >> 12);
    else
        out[n++] = (char)(0xf0 | c >> 18), out[n++] = (char)(0x80 | (c >> 12 & 63));
    out[n++] = (char)(0x80 | (c >> 6 & 63));
    out[n++] = (char)(0x80 | (c & 63));
    return n;
}

violet_status vl_pickle_unicode(vl_value **v, vl_pickle *doc, const char *s, size_t n)
{
    size_t used = 0;
    char *out = vl_pickle_alloc(doc, 2 * n + 1); /* a latin1 byte becomes at most two */
    if (!out) return vl_pickle_nomem(doc);
    for (size_t i = 0; i < n; i++) {
        char next = s[i] == '\\' && i + 1 < n ? s[i + 1] : 0;
        size_t digits = next == 'u' ? 4 : next == 'U' ? 8 : 0;
        int c = (uint8_t)s[i];
        if (digits) {
            if (n - i - 2 < digits || (digits == 8 && (s[i + 2] != '0' || s[i + 3] != '0')))
                return vl_err(VIOLET_EFORMAT, "a bad \\u escape");
            c = hex(s + i + 2, digits);
            if (c < 0 || c > 0x10ffff) return vl_err(VIOLET_EFORMAT, "a bad \\u escape");
            i += digits + 1;
        }
        used += utf8(out + used, (uint32_t)c);
    }
    *v = vl_pickle_bytes_value(doc, VL_STR, out, used);
    return *v ? VIOLET_OK : vl_pickle_nomem(doc);
}

violet_status vl_pickle_literal(vl_value **v, vl_pickle *doc, const char *s, size_t n)
{
    size_t used = 0;
    if (n < 2 || s[0] != s[n - 1] || (s[0] != '\'' && s[0] != '"'))
        return vl_err(VIOLET_EFORMAT, "expected quotes");
    char *out = vl_pickle_alloc(doc, n);
    if (!out) return vl_pickle_nomem(doc);
    for (size_t i = 1; i + 1 < n; i++) {
        static const char from[] = "\\'\"nrtabfv", to[] = "\\'\"\n\r\t\a\b\f\v";
        int c = s[i];
        if (c == '\\') {
            const char *known = i + 2 < n ? strchr(from, s[i + 1]) : NULL;
            if (known && *known) {
                c = to[known - from];
                i++;
            } else if (i + 4 < n && s[i + 1] == 'x' && (c = hex(s + i + 2, 2)) >= 0) {
                i += 3;
            } else {
                return vl_err(VIOLET_EFORMAT, "an escape that is not read");
            }
        }
        out[used++] = (char)c;
    }
    *v = vl_pickle_bytes_value(doc, VL_STR, out, used);
    if (!*v) return vl_pickle_nomem(doc);
    (*v)->flag = 1; /* raw bytes, as Python 2 had them */
    return VIOLET_OK;
}
