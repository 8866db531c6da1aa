/* violet info: what files hold, how two of them differ, what a model would take of one. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct request {
    int flags, diff;
    const char *task, *config; /* of --for */
    char **file;
    int n;
} request;

/* "--for VALUE" or "--for=VALUE" at argv[*i]: whether it is that, and its value (NULL: missing) */
static int is_option(const char **value, const char *name, int *i, int argc, char **argv)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0 || (argv[*i][n] && argv[*i][n] != '=')) return 0;
    if (argv[*i][n])
        *value = argv[*i] + n + 1;
    else
        *value = *i + 1 < argc ? argv[++*i] : NULL;
    return 1;
}

static int read_request(request *r, int argc, char **argv)
{
    static const struct {
        const char *word;
        int flag;
    } flags[] = {{"--verbose", VIOLET_INFO_VERBOSE}, {"-v", VIOLET_INFO_VERBOSE},
                 {"--json", VIOLET_INFO_JSON},
                 {"--interpolate", VIOLET_INFO_INTERPOLATE}};
    enum { N_FLAGS = sizeof flags / sizeof *flags };
    int literal = 0;
    r->file = argv;
    for (int i = 0; i < argc; i++) {
        int k = 0, at = i;
        const char **to = NULL, *value = NULL;
        while (k < N_FLAGS && strcmp(argv[i], flags[k].word) != 0) k++;
        if (literal || argv[i][0] != '-' || !argv[i][1]) r->file[r->n++] = argv[i];
        else if (strcmp(argv[i], "--") == 0) literal = 1;
        else if (k < N_FLAGS) r->flags |= flags[k].flag;
        else if (strcmp(argv[i], "--diff") == 0) r->diff = 1;
        else if (is_option(&value, "--for", &i, argc, argv)) to = &r->task;
        else if (is_option(&value, "--config", &i, argc, argv)) to = &r->config;
        else
            return complain(EXIT_USAGE, "info: unknown option '%s'; expected --verbose, --json, "
                            "--diff, --for, --config or --interpolate", argv[i]);
        if (to && !value)
            return complain(EXIT_USAGE, "info: option %s: its value is missing", argv[at]);
        if (to) *to = value;
    }
    return 0;
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
    return 0;
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

int cmd_info(int argc, char **argv)
{
    request r = {0};
    int status = read_request(&r, argc, argv);
    if (status == 0) status = check_request(&r);
    if (status != 0) return status;
    if (r.diff) return show_diff(&r);
    for (int i = 0; i < r.n; i++) {
        int one = show(&r, r.file[i]);
        if (one) status = one;
    }
    return status;
}
