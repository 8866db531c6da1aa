/* WordPiece; see wordpiece.h.
 *
 * Words are gathered in a fixed buffer (a word of more than 100 characters is [UNK], so it never
 * overflows) and cut greedily, longest piece first. Pieces are found by open addressing on an
 * FNV-1a hash; the hash of every prefix comes out of one pass, so that trying all lengths costs
 * no second look at the bytes. */
#include "text/wordpiece.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "text/normalise.h"
#include "text/vocab_bert.h"

#define WORD_CHARS 100 /* longer words are [UNK], says BERT */
#define WORD_BYTES (4 * WORD_CHARS)
#define FILE_BYTES_MOST ((size_t)64 << 20)

struct vl_wordpiece {
    char *text;            /* the file, each line closed by 0 */
    const char **token;    /* (size) into text */
    uint16_t *token_bytes; /* (size) without "##", cut at WORD_BYTES + 1, which never matches */
    int size;
    int32_t *slot; /* (n_slots) id, or -1 where free */
    uint32_t n_slots;
    int piece_bytes_most; /* of any token that can match */
    int32_t special[VL_SPECIALS];
};

static const char *const special_text[VL_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

/* ---- the vocabulary ------------------------------------------------------------------------ */

/* Pieces that begin a word and pieces that continue one live in one table, told apart by the seed;
 * "##ing" is stored as a continuing "ing". */
static const uint32_t hash_seed[2] = {2166136261u, 2166136261u ^ 0x9e3779b9u};

static inline uint32_t hash_byte(uint32_t h, char c)
{
    return (h ^ (uint8_t)c) * 16777619u;
}

static int continues(const char *token)
{
    return token[0] == '#' && token[1] == '#';
}

static int32_t find(const vl_wordpiece *wp, uint32_t h, int inside, const char *s, int n)
{
    for (uint32_t i = h & (wp->n_slots - 1);; i = (i + 1) & (wp->n_slots - 1)) {
        int32_t id = wp->slot[i];
        if (id < 0) return -1;
        const char *t = wp->token[id];
        if (wp->token_bytes[id] == n && continues(t) == inside &&
            !memcmp(t + 2 * inside, s, (size_t)n))
            return id;
    }
}

static violet_status fill_slots(vl_wordpiece *wp, const char *name)
{
    wp->n_slots = 64;
    while (wp->n_slots < 2 * (uint32_t)wp->size) wp->n_slots *= 2;
    wp->slot = malloc(wp->n_slots * sizeof *wp->slot);
    if (!wp->slot) return vl_err_nomem();
    for (uint32_t i = 0; i < wp->n_slots; i++) wp->slot[i] = -1;
    for (int32_t id = 0; id < wp->size; id++) {
        const char *t = wp->token[id];
        int inside = continues(t);
        uint32_t h = hash_seed[inside];
        for (const char *s = t + 2 * inside; *s; s++) h = hash_byte(h, *s);
        uint32_t i = h & (wp->n_slots - 1);
        for (; wp->slot[i] >= 0; i = (i + 1) & (wp->n_slots - 1))
            if (!strcmp(wp->token[wp->slot[i]], t))
                return vl_err(VIOLET_EFORMAT, "%s: token '%.40s' is on lines %d and %d", name, t,
                              wp->slot[i] + 1, id + 1);
        wp->slot[i] = id;
        int n = wp->token_bytes[id];
        if (n <= WORD_BYTES && n > wp->piece_bytes_most) wp->piece_bytes_most = n;
    }
    return VIOLET_OK;
}

static violet_status find_specials(vl_wordpiece *wp, const char *name)
{
    for (int k = 0; k < VL_SPECIALS; k++) {
        uint32_t h = hash_seed[0];
        const char *s = special_text[k];
        for (const char *c = s; *c; c++) h = hash_byte(h, *c);
        wp->special[k] = find(wp, h, 0, s, (int)strlen(s));
        if (wp->special[k] < 0)
            return vl_err(VIOLET_EFORMAT, "%s: no line with the special token %s", name, s);
    }
    return VIOLET_OK;
}

static violet_status split_lines(vl_wordpiece *wp, size_t n, const char *name)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++) lines += wp->text[i] == '\n';
    lines += n > 0 && wp->text[n - 1] != '\n';
    if (memchr(wp->text, 0, n))
        return vl_err(VIOLET_EFORMAT, "%s: a zero byte in a text file", name);
    if (lines == 0) return vl_err(VIOLET_EFORMAT, "%s: empty, expected a token a line", name);
    wp->token = malloc(lines * sizeof *wp->token);
    wp->token_bytes = malloc(lines * sizeof *wp->token_bytes);
    if (!wp->token || !wp->token_bytes) return vl_err_nomem();
    char *s = wp->text;
    for (size_t i = 0; i < lines; i++) {
        char *end = strchr(s, '\n');
        if (!end) end = wp->text + n;
        char *next = end + 1;
        if (end > s && end[-1] == '\r') end--;
        *end = 0;
        size_t bytes = (size_t)(end - s) - (continues(s) ? 2 : 0);
        wp->token[i] = s;
        wp->token_bytes[i] = (uint16_t)(bytes > WORD_BYTES ? WORD_BYTES + 1 : bytes);
        s = next;
    }
    wp->size = (int)lines;
    return VIOLET_OK;
}

violet_status vl_wordpiece_parse(vl_wordpiece **out, const char *bytes, size_t n, const char *name)
{
    violet_status status;
    *out = NULL;
    if (n > FILE_BYTES_MOST)
        return vl_err(VIOLET_EFORMAT, "%s: %zu bytes are too many for a vocabulary", name, n);
    vl_wordpiece *wp = calloc(1, sizeof *wp);
    if (!wp) return vl_err_nomem();
    wp->text = malloc(n + 1);
    if (!wp->text) {
        status = vl_err_nomem();
        goto done;
    }
    if (n) memcpy(wp->text, bytes, n);
    wp->text[n] = 0;
    if ((status = split_lines(wp, n, name)) != VIOLET_OK) goto done;
    if ((status = fill_slots(wp, name)) != VIOLET_OK) goto done;
    if ((status = find_specials(wp, name)) != VIOLET_OK) goto done;
    *out = wp;
    wp = NULL;
done:
    vl_wordpiece_free(wp);
    return status;
}

violet_status vl_wordpiece_open(vl_wordpiece **out, const char *path)
{
    *out = NULL;
    if (!path)
        return vl_wordpiece_parse(out, vl_vocab_bert, (size_t)(vl_vocab_bert_end - vl_vocab_bert),
                                  "built-in vocabulary");
    FILE *f = fopen(path, "rb");
    if (!f) return vl_err_errno("open '%s'", path);
    violet_status status = VIOLET_OK;
    vl_buf b = {0};
    char block[16384];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0 && b.n <= FILE_BYTES_MOST)
        if ((status = vl_buf_append(&b, block, n)) != VIOLET_OK) goto done;
    if (ferror(f)) {
        status = vl_err_errno("read '%s'", path);
        goto done;
    }
    status = vl_wordpiece_parse(out, b.data ? b.data : "", b.n, path);
done:
    vl_buf_free(&b);
    fclose(f);
    return status;
}

violet_status vl_wordpiece_open_for(vl_wordpiece **out, const char *path, int size_vocab)
{
    violet_status status = vl_wordpiece_open(out, path);
    if (status != VIOLET_OK) return status;
    int n = vl_wordpiece_size(*out);
    if (n <= size_vocab) return VIOLET_OK;
    vl_wordpiece_free(*out);
    *out = NULL;
    return vl_err(VIOLET_EINVAL, "the vocabulary has %d pieces, the model's size_vocab is %d", n,
                  size_vocab);
}

void vl_wordpiece_free(vl_wordpiece *wp)
{
    if (!wp) return;
    free(wp->text);
    free(wp->token);
    free(wp->token_bytes);
    free(wp->slot);
    free(wp);
}

int vl_wordpiece_size(const vl_wordpiece *wp)
{
    return wp->size;
}

int32_t vl_wordpiece_special(const vl_wordpiece *wp, vl_special which)
{
    return wp->special[which];
}

const char *vl_wordpiece_token(const vl_wordpiece *wp, int id)
{
    return id >= 0 && id < wp->size ? wp->token[id] : NULL;
}

/* ---- encode -------------------------------------------------------------------------------- */

/* A run over one text: where ids go, and the word being gathered. */
typedef struct run {
    const vl_wordpiece *wp;
    int32_t *ids;
    int most;    /* ids that have a place */
    int n;       /* ids found, with or without one */
    int n_chars; /* of the word */
    int n_bytes;
    char word[WORD_BYTES];
} run;

static void push(run *r, int32_t id)
{
    if (r->n < r->most) r->ids[r->n] = id;
    r->n++;
}

/* The longest piece at the start of s[0..n), -1 if none. */
static int32_t longest_piece(const vl_wordpiece *wp, int inside, const char *s, int n, int *used)
{
    uint32_t h[WORD_BYTES + 1];
    if (n > wp->piece_bytes_most) n = wp->piece_bytes_most;
    h[0] = hash_seed[inside];
    for (int i = 0; i < n; i++) h[i + 1] = hash_byte(h[i], s[i]);
    for (int i = n; i > 0; i--) {
        int32_t id = find(wp, h[i], inside, s, i);
        if (id >= 0) {
            *used = i;
            return id;
        }
    }
    return -1;
}

/* Ends the word that was gathered, if any: its pieces, or one [UNK] if any part is not in the
 * vocabulary. */
static void end_word(run *r)
{
    int32_t pieces[WORD_BYTES];
    int n = 0;
    if (r->n_chars > WORD_CHARS) {
        push(r, r->wp->special[VL_UNK]);
    } else if (r->n_chars > 0) {
        for (int at = 0, used; at < r->n_bytes; at += used) {
            int32_t id = longest_piece(r->wp, at > 0, r->word + at, r->n_bytes - at, &used);
            if (id < 0) {
                pieces[0] = r->wp->special[VL_UNK];
                n = 1;
                break;
            }
            pieces[n++] = id;
        }
        for (int i = 0; i < n; i++) push(r, pieces[i]);
    }
    r->n_chars = r->n_bytes = 0;
}

static void add_char(run *r, const vl_bert_char *c)
{
    if (c->kind != VL_BERT_LETTER) end_word(r);
    if (c->kind == VL_BERT_SPACE) return;
    if (r->n_chars < WORD_CHARS) r->n_bytes += (int)vl_utf8_put(r->word + r->n_bytes, c->c);
    if (r->n_chars <= WORD_CHARS) r->n_chars++;
    if (c->kind == VL_BERT_ALONE) end_word(r);
}

/* Which special token the text spells here, -1 if none. */
static int special_at(const char *s, size_t n)
{
    for (int k = 0; k < VL_SPECIALS; k++) {
        size_t m = strlen(special_text[k]);
        if (n >= m && !memcmp(s, special_text[k], m)) return k;
    }
    return -1;
}

int vl_wordpiece_encode(const vl_wordpiece *wp, int32_t *ids, int size, const char *text,
                        int *n_whole)
{
    run r = {.wp = wp, .ids = ids, .most = size - 1}; /* the last place is [SEP]'s */
    push(&r, wp->special[VL_CLS]);
    size_t n = strlen(text);
    while (n > 0) {
        size_t used;
        int k = text[0] == '[' ? special_at(text, n) : -1;
        if (k >= 0) {
            end_word(&r);
            push(&r, wp->special[k]);
            used = strlen(special_text[k]);
        } else {
            uint32_t c;
            vl_bert_char chars[VL_BERT_CHARS];
            used = vl_utf8_next(&c, text, n);
            int m = vl_bert_chars(chars, c);
            for (int i = 0; i < m; i++) add_char(&r, &chars[i]);
        }
        text += used;
        n -= used;
    }
    end_word(&r);
    int kept = r.n < r.most ? r.n : r.most;
    ids[kept++] = wp->special[VL_SEP];
    for (int i = kept; i < size; i++) ids[i] = wp->special[VL_PAD];
    if (n_whole) *n_whole = r.n + 1;
    return kept;
}

/* ---- decode -------------------------------------------------------------------------------- */

static int is_one_of(const char *token, const char *set)
{
    return token[0] && !token[1] && strchr(set, token[0]);
}

violet_status vl_wordpiece_decode(const vl_wordpiece *wp, vl_buf *text, const int32_t *ids, int n)
{
    violet_status status = VIOLET_OK;
    int space = 0; /* whether a space belongs between the last token and the next */
    for (int i = 0; i < n && status == VIOLET_OK; i++) {
        const char *t = vl_wordpiece_token(wp, ids[i]);
        if (!t)
            return vl_err(VIOLET_EINVAL, "token %d is %d, expected 0 to %d", i, (int)ids[i],
                          wp->size - 1);
        if (ids[i] == wp->special[VL_PAD] || ids[i] == wp->special[VL_CLS] ||
            ids[i] == wp->special[VL_SEP])
            continue;
        int inside = continues(t);
        if (space && !inside && !is_one_of(t, ".,!?'")) status = vl_buf_putc(text, ' ');
        if (status == VIOLET_OK) status = vl_buf_puts(text, t + 2 * inside);
        space = inside || !is_one_of(t, "'");
    }
    return status;
}
