/* violet make-corpus DIR: the folder stands without its option's name. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cmd_make_corpus(int argc, char **argv)
{
    violet_options *o = NULL;
    int n = 0, status = 0;
    char **rest = malloc((argc + 1) * sizeof *rest); /* parsing moves its pieces */
    violet_status code = rest ? violet_options_new(&o, "make-corpus") : VIOLET_ENOMEM;
    if (rest) memcpy(rest, argv, argc * sizeof *rest);
    if (code == VIOLET_OK) code = violet_options_parse(o, argc, rest, &n);
    if (code == VIOLET_OK && n == 1) code = violet_options_set(o, "output", rest[0]);
    if (code != VIOLET_OK)
        status = complain_options(code);
    else if (n > 1)
        status = complain(EXIT_USAGE, "make-corpus: expected one DIR, found '%s' and '%s'", rest[0],
                          rest[1]);
    free(rest);
    if (status == 0) return run_with(o, "make-corpus", "", violet_make_corpus, argc, argv);
    violet_options_free(o);
    return status;
}
