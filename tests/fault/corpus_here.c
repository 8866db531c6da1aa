/* The corpus of tests/train, for the programs of this folder. */
#include "../train/corpus.c"
