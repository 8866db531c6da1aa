/* Uncased BERT's characters; see normalise.h.
 *
 * utf8proc has the Unicode tables. Hugging Face's are older (general categories of Unicode 8,
 * decompositions of 9), and its word pieces are the specification: a mark that it does not know is
 * kept and makes the word [UNK]. The two tables below hold every difference over all code points
 * (utf8proc 2.8.0 with Unicode 15.0 against tokenizers 0.22.1 and 0.23.3; test_normalise.c holds a
 * checksum). What is not done is NFD's reordering of marks: only characters with a non-zero
 * combining class move, few of them survive the removal of marks, and none of these is in the
 * vocabulary, so a word that has one is [UNK] in any order. */
#include "text/normalise.h"

#include <utf8proc.h>

/* Characters that became a mark, a format character, punctuation or decomposable only after
 * Hugging Face's tables were made: ordinary letters there. Gaps hold no such characters. */
static const struct {
    uint32_t first, last;
} late[] = {
    {0x61d, 0x61d}, {0x7fd, 0x7fd}, {0x890, 0x8e2}, {0x9fd, 0x9fe}, {0xa76, 0xa76}, {0xafa, 0xaff},
    {0xb55, 0xb55}, {0xc04, 0xc3c}, {0xc77, 0xc77}, {0xc84, 0xc84}, {0xd00, 0xd00}, {0xd3b, 0xd3c},
    {0xd81, 0xd81}, {0xeba, 0xeba}, {0xece, 0xece}, {0x180f, 0x1886}, {0x1abf, 0x1ace},
    {0x1b7d, 0x1b7e}, {0x1df6, 0x1dfb}, {0x2e43, 0x2e5d}, {0xa82c, 0xa82c}, {0xa8c5, 0xa8c5},
    {0xa8ff, 0xa8ff}, {0xa9bd, 0xa9bd}, {0x10d24, 0x10f89}, {0x11070, 0x11074}, {0x110c2, 0x110cd},
    {0x111c9, 0x111c9}, {0x111cf, 0x111cf}, {0x1123e, 0x11241}, {0x1133b, 0x1133b},
    {0x11438, 0x1145e}, {0x11660, 0x1166c}, {0x116b9, 0x116b9}, {0x1182f, 0x11fff},
    {0x12ff1, 0x13455}, {0x16e97, 0x16f4f}, {0x16fe2, 0x16fe4}, {0x1cf00, 0x1cf46},
    {0x1e000, 0x1e4ef}, {0x1e944, 0x1e95f},
};

#define OGHAM_VOWEL_PAMUDPOD 0x1734 /* a non-spacing mark once, a spacing one since Unicode 14 */
#define CHI_SIGN 0x166d             /* punctuation once, a symbol since Unicode 12 */
#define SANDHI_MARK 0x111c9         /* punctuation once, a mark since Unicode 11 */

static int is_late(uint32_t c)
{
    size_t lo = 0, hi = sizeof late / sizeof late[0];
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (c > late[mid].last)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof late / sizeof late[0] && c >= late[lo].first;
}

static int is_cjk(uint32_t c)
{
    /* 0x2b920 is Hugging Face's; the block begins at 0x2b820. */
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) ||
           (c >= 0x20000 && c <= 0x2a6df) || (c >= 0x2a700 && c <= 0x2b73f) ||
           (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
           (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static int is_punctuation(uint32_t c)
{
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) ||
               (c >= 123 && c <= 126);
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return !is_late(c);
    default: return c == CHI_SIGN || c == SANDHI_MARK;
    }
}

static int is_mark(uint32_t c)
{
    return (utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_MN && !is_late(c)) ||
           c == OGHAM_VOWEL_PAMUDPOD;
}

size_t vl_utf8_next(uint32_t *c, const char *text, size_t n)
{
    if (!(text[0] & 0x80)) {
        *c = (uint8_t)text[0];
        return 1;
    }
    utf8proc_int32_t found;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text,
                                             n < 4 ? (utf8proc_ssize_t)n : 4, &found);
    *c = used > 0 ? (uint32_t)found : 0xfffd;
    return used > 0 ? (size_t)used : 1;
}

size_t vl_utf8_put(char out[4], uint32_t c)
{
    return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

static int ascii_char(vl_bert_char *out, uint32_t c)
{
    out->c = c;
    out->kind = VL_BERT_LETTER;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return 1;
    if (c >= 'A' && c <= 'Z') {
        out->c = c + ('a' - 'A');
        return 1;
    }
    out->kind = VL_BERT_SPACE;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return 1;
    out->kind = VL_BERT_ALONE;
    return c > ' ' && c < 0x7f;
}

int vl_bert_chars(vl_bert_char out[VL_BERT_CHARS], uint32_t c)
{
    if (c < 0x80) return ascii_char(out, c);
    if (c == 0xfffd) return 0;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: out[0] = (vl_bert_char){' ', VL_BERT_SPACE}; return 1;
    case UTF8PROC_CATEGORY_CF:
        if (is_late(c)) break;
        return 0;
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CS: return 0;
    default: break;
    }
    utf8proc_int32_t parts[VL_BERT_CHARS];
    int last_class = 0;
    utf8proc_ssize_t n = 0;
    if (!is_late(c))
        n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, VL_BERT_CHARS, UTF8PROC_DECOMPOSE,
                                    &last_class);
    if (n < 1 || n > VL_BERT_CHARS) {
        parts[0] = (utf8proc_int32_t)c;
        n = 1;
    }
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (is_mark((uint32_t)parts[i])) continue;
        uint32_t lower = (uint32_t)utf8proc_tolower(parts[i]);
        int alone = is_cjk(c) || is_punctuation(lower);
        out[count++] = (vl_bert_char){lower, alone ? VL_BERT_ALONE : VL_BERT_LETTER};
    }
    return count;
}
