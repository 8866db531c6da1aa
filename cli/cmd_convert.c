/* violet convert IN OUT: the two files stand without their options' names. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int set_files(violet_options *o, int n, char **file)
{
    if (n != 0 && n != 2)
        return complain(EXIT_USAGE, "convert: expected IN and OUT, found %d file%s; 'violet help "
                        "convert' tells more", n, n == 1 ? "" : "s");
    violet_status status = VIOLET_OK;
    if (n == 2) status = violet_options_set(o, "input", file[0]);
    if (n == 2 && status == VIOLET_OK) status = violet_options_set(o, "output", file[1]);
    return status == VIOLET_OK ? 0 : complain_options(status);
}

int cmd_convert(int argc, char **argv)
{
    violet_options *o = NULL;
    int n = 0;
    char **rest = malloc((argc + 1) * sizeof *rest); /* parsing moves its pieces */
    violet_status code = rest ? violet_options_new(&o, "convert") : VIOLET_ENOMEM;
    if (rest) memcpy(rest, argv, argc * sizeof *rest);
    if (code == VIOLET_OK) code = violet_options_parse(o, argc, rest, &n);
    int status = code == VIOLET_OK ? set_files(o, n, rest) : complain_options(code);
    free(rest);
    if (status == 0) return run_with(o, "convert", "", violet_convert, argc, argv);
    violet_options_free(o);
    return status;
}
