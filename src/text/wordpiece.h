/* Uncased BERT's WordPiece: text to token ids, exactly as Hugging Face's tokenizers make them.
 *
 *     vl_wordpiece *wp;
 *     int32_t ids[25];
 *     if ((status = vl_wordpiece_open(&wp, NULL)) != VIOLET_OK) return status;
 *     int n = vl_wordpiece_encode(wp, ids, 25, "a man is [MASK] a guitar", NULL);
 *     // 101 1037 2158 2003 103 1037 2858 102 0 0 ...; n is 8
 *     vl_wordpiece_free(wp);
 *
 * An open vocabulary never changes: any number of threads may use it at once, and encoding
 * allocates nothing. The five special tokens are also recognised where the text spells them
 * ("[MASK]", upper case), as Hugging Face does. Bytes that are not UTF-8 are passed over. */
#ifndef VL_TEXT_WORDPIECE_H
#define VL_TEXT_WORDPIECE_H

#include <stdint.h>

#include "base/buf.h"
#include "violet.h"

typedef struct vl_wordpiece vl_wordpiece;

typedef enum vl_special { VL_PAD, VL_UNK, VL_CLS, VL_SEP, VL_MASK, VL_SPECIALS } vl_special;

/* Reads a vocabulary: a token a line, its id the line's number from 0. NULL: the one of BERT-Base
 * Uncased that is built in. All five special tokens must be there, and no token twice. */
violet_status vl_wordpiece_open(vl_wordpiece **out, const char *path);
/* The same, for a model of size_vocab words: EINVAL if there are more pieces. */
violet_status vl_wordpiece_open_for(vl_wordpiece **out, const char *path, int size_vocab);

/* The same from memory; `name` stands for it in messages. The bytes are copied. */
violet_status vl_wordpiece_parse(vl_wordpiece **out, const char *bytes, size_t n,
                                 const char *name);
void vl_wordpiece_free(vl_wordpiece *wp);

int vl_wordpiece_size(const vl_wordpiece *wp);
int32_t vl_wordpiece_special(const vl_wordpiece *wp, vl_special which);

/* The token's text, "##" in front where it continues a word; NULL if there is no such id. */
const char *vl_wordpiece_token(const vl_wordpiece *wp, int id);

/* Writes [CLS] ... [SEP] and [PAD]s, `size` ids (at least 2), cut so that [SEP] is last; returns
 * how many are not padding. *n_whole (may be NULL): how many there were before the cut, so that
 * a caller can tell that text was lost. `text` ends with 0. */
int vl_wordpiece_encode(const vl_wordpiece *wp, int32_t *ids, int size, const char *text,
                        int *n_whole);

/* Appends the text of ids: pieces joined, one space between words, none before .,!? and around an
 * apostrophe; [PAD], [CLS] and [SEP] are left out. An id that is not there is VIOLET_EINVAL. */
violet_status vl_wordpiece_decode(const vl_wordpiece *wp, vl_buf *text, const int32_t *ids, int n);

#endif
