/* violet eval: metrics on stdout, as lines or, with --json, as an object; then progress stands
 * aside. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static char *text; /* the metrics */
static int flags;

static violet_status work(const violet_options *o, const violet_hooks *hooks)
{
    return violet_eval(&text, o, flags, hooks);
}

int cmd_eval(int argc, char **argv)
{
    if (take_flag(&argc, argv, "--json")) {
        flags = VIOLET_INFO_JSON;
        progress_aside();
    }
    int status = run_long("eval", "", work, argc, argv);
    if (text && fputs(text, stdout) < 0) status = complain(EXIT_RUNTIME, "cannot write");
    violet_text_free(text);
    return status;
}
