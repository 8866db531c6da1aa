/* Sentences about scenes, of a grammar with several wordings and orders for the same thing.
 *
 *     status = vl_words_caption(&buf, &scene, &dice);
 *     -> "a large red circle moves to the left while a dotted blue square grows"
 *
 * Lower case, no full stop, commas apart from words: as the tokenizer cuts. */
#ifndef VL_CORPUS_WORDS_H
#define VL_CORPUS_WORDS_H

#include "base/buf.h"
#include "corpus/scene.h"

/* Appends a caption. */
violet_status vl_words_caption(vl_buf *out, const vl_scene *s, vl_dice *d);

/* One of a list of wordings, which ends at NULL or VL_WORDS_MOST: the first one most often. */
const char *vl_words_pick(const char *const *word, vl_dice *d);

#endif
