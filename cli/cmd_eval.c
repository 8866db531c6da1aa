/* violet eval: metrics on stdout, as lines or, with --json, as an object; then progress stands
 * aside. */
#include <stdio.h>

#include "cli.h"

static char *text; /* the metrics */
static int flags;

static violet_status work(const violet_options *o, const violet_hooks *hooks)
{
    return violet_eval(&text, o, flags, hooks);
}

int cmd_eval(int argc, char **argv)
{
    int status = 0;
    violet_options *o = read_options(&status, "eval", argc, argv);
    if (!o) return status;
    if (is_set(o, "json")) {
        flags = VIOLET_INFO_JSON;
        progress_aside();
    }
    status = run_with(o, "eval", "", work, argc, argv);
    if (text && fputs(text, stdout) < 0) status = complain(EXIT_RUNTIME, "cannot write");
    violet_text_free(text);
    return status;
}
