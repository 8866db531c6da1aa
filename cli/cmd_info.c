/* violet info FILE...: what files hold. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

int cmd_info(int argc, char **argv)
{
    int flags = 0, status = 0;
    if (take_flag(&argc, argv, "--verbose") | take_flag(&argc, argv, "-v"))
        flags |= VIOLET_INFO_VERBOSE;
    if (take_flag(&argc, argv, "--json")) flags |= VIOLET_INFO_JSON;
    int literal = 0, n = 0;
    for (int i = 0; i < argc; i++) {
        if (!literal && strcmp(argv[i], "--") == 0) {
            literal = 1;
            continue;
        }
        if (!literal && argv[i][0] == '-' && argv[i][1])
            return complain(EXIT_USAGE, "info: unknown option '%s'; expected --verbose or --json",
                            argv[i]);
        argv[n++] = argv[i];
    }
    if (n == 0) return complain(EXIT_USAGE, "info: expected a file; 'violet help info' tells more");
    for (int i = 0; i < n; i++) {
        char *text = NULL;
        if (violet_info(&text, argv[i], flags) == VIOLET_OK)
            fputs(text, stdout);
        else
            status = complain(EXIT_RUNTIME, "%s", violet_error());
        violet_text_free(text);
    }
    return status;
}
