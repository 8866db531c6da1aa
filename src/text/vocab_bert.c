/* Embeds the vocabulary file; VL_VOCAB_FILE comes from the Makefile, relative to the repository.
 * The assembler's .incbin takes 230 KB as they are: no generated C array to keep in step. */
#include "text/vocab_bert.h"

__asm__(".pushsection .rodata\n"
        ".global vl_vocab_bert\n"
        ".global vl_vocab_bert_end\n"
        "vl_vocab_bert:\n"
        ".incbin \"" VL_VOCAB_FILE "\"\n"
        "vl_vocab_bert_end:\n"
        ".byte 0\n"
        ".popsection\n");
