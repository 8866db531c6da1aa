/* JSON on the standard output. */
#include <stdint.h>
#include <stdio.h>

#include "use.h"

/* Bytes of the UTF-8 character at s; 0: it is none. */
static int utf8_length(const unsigned char *s)
{
    uint32_t least = 0x80, c;
    int n = 2;
    if (s[0] < 0x80) return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    if (s[0] >= 0xe0) n = 3, least = 0x800;
    if (s[0] >= 0xf0) n = 4, least = 0x10000;
    c = s[0] & (0x7fu >> n);
    for (int i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0; /* the closing 0, too */
        c = c << 6 | (s[i] & 0x3f);
    }
    return c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

void put_json_string(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    putchar('"');
    for (int n; *s; s += n ? n : 1) {
        n = utf8_length(s);
        if (n == 0)
            fputs("\\ufffd", stdout);
        else if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if (*s < 0x20 || *s == 0x7f)
            printf("\\u%04x", *s);
        else
            fwrite(s, 1, (size_t)n, stdout);
    }
    putchar('"');
}
