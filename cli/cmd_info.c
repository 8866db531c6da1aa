/* violet info: what files hold, how two of them differ, what a model would take of one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct request {
    int flags, diff;
    char *task, *config; /* of --for */
    char **file;
    int n;
} request;

/* A copy of an option's value; NULL: not set. */
static char *value_of(violet_options *o, const char *name)
{
    const char *value = violet_options_get(o, name);
    return value && *value ? strdup(value) : NULL;
}

static int read_request(request *r, int argc, char **argv)
{
    static char verbose[] = "--verbose";
    violet_options *o;
    violet_status status = violet_options_new(&o, "info");
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "-v") == 0) argv[i] = verbose;
    if (status == VIOLET_OK) status = violet_options_parse(o, argc, argv, &r->n);
    if (status == VIOLET_OK) {
        if (is_set(o, "verbose")) r->flags |= VIOLET_INFO_VERBOSE;
        if (is_set(o, "json")) r->flags |= VIOLET_INFO_JSON;
        if (is_set(o, "interpolate")) r->flags |= VIOLET_INFO_INTERPOLATE;
        r->diff = is_set(o, "diff");
        r->task = value_of(o, "for");
        r->config = value_of(o, "config");
        r->file = argv;
    }
    violet_options_free(o);
    return status == VIOLET_OK ? 0 : complain_options(status);
}

static int check_request(const request *r)
{
    if (r->diff && r->task) return complain(EXIT_USAGE, "info: --diff or --for, not both");
    if (r->diff && r->n != 2)
        return complain(EXIT_USAGE, "info: --diff expects two files, found %d", r->n);
    if (r->config && !r->task)
        return complain(EXIT_USAGE, "info: --config is of use with --for only");
    if (r->flags & VIOLET_INFO_INTERPOLATE && !r->task)
        return complain(EXIT_USAGE, "info: --interpolate is of use with --for only");
    if (r->n == 0)
        return complain(EXIT_USAGE, "info: expected a file; 'violet help info' tells more");
    return only_checking() ? EXIT_CHECKED : 0;
}

/* As diff(1): 0 the same, 1 not, 2 trouble. */
static int show_diff(const request *r)
{
    char *text = NULL;
    int differ = 0;
    violet_status status = violet_info_diff(&text, &differ, r->file[0], r->file[1], r->flags);
    if (status == VIOLET_OK) fputs(text, stdout);
    violet_text_free(text);
    return status == VIOLET_OK ? differ : complain(2, "%s", violet_error());
}

static int show(const request *r, const char *file)
{
    char *text = NULL;
    violet_status status = r->task ? violet_info_load(&text, file, r->task, r->config, r->flags)
                                   : violet_info(&text, file, r->flags);
    if (text) fputs(text, stdout);
    violet_text_free(text);
    if (status == VIOLET_OK) return 0;
    return r->task ? complain_options(status) : complain(EXIT_RUNTIME, "%s", violet_error());
}

static int show_all(const request *r)
{
    int status = 0;
    if (r->diff) return show_diff(r);
    for (int i = 0; i < r->n; i++) {
        int one = show(r, r->file[i]);
        if (one) status = one;
    }
    return status;
}

int cmd_info(int argc, char **argv)
{
    request r = {0};
    int status = read_request(&r, argc, argv);
    if (status == 0) status = check_request(&r);
    if (status == 0) status = show_all(&r);
    free(r.task);
    free(r.config);
    return status;
}
