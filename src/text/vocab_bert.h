/* The BERT-Base Uncased vocabulary, as it stands in data/bert-base-uncased-vocab.txt, embedded so
 * that no file is needed at run time. */
#ifndef VL_TEXT_VOCAB_BERT_H
#define VL_TEXT_VOCAB_BERT_H

extern const char vl_vocab_bert[];     /* lines, each closed by \n; no closing 0 */
extern const char vl_vocab_bert_end[]; /* one behind the last byte */

#endif
