/* violet report FOLDER ...: folders stand without an option's name; --baseline may come again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *const *folders;
static int n_folders;

static violet_status work(const violet_options *o, const violet_hooks *hooks)
{
    return violet_report(folders, n_folders, o, hooks);
}

/* Takes every --baseline out of argv; all of them, separated by commas, the caller frees. NULL: it
 * was told why not. */
static char *take_baselines(int *argc, char **argv)
{
    size_t room = 1;
    int kept = 0;
    for (int i = 0; i < *argc; i++) room += strlen(argv[i]) + 1;
    char *all = calloc(room, 1);
    if (!all) {
        complain(EXIT_RUNTIME, "out of memory");
        return NULL;
    }
    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        if (strncmp(argv[i], "--baseline=", 11) == 0) value = argv[i] + 11;
        if (strcmp(argv[i], "--baseline") == 0 && i + 1 < *argc) value = argv[++i];
        if (!value) {
            argv[kept++] = argv[i];
            continue;
        }
        if (*all) strcat(all, ",");
        strcat(all, value);
    }
    *argc = kept;
    return all;
}

/* argv is a copy: parsing moves its pieces. */
static int run(char *baselines, int argc, char **argv, int argc_given, char **given)
{
    violet_options *o = NULL;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "-o") == 0) argv[i] = "--output";
    violet_status code = violet_options_new(&o, "report");
    if (code == VIOLET_OK && *baselines) code = violet_options_set(o, "baseline", baselines);
    if (code == VIOLET_OK) code = violet_options_parse(o, argc, argv, &n_folders);
    int status = code == VIOLET_OK ? 0 : complain_options(code);
    if (status == 0 && n_folders == 0)
        status = complain(EXIT_USAGE, "report: expected the folder of a run; 'violet help report' "
                          "tells more");
    folders = (const char *const *)argv;
    if (status == 0) return run_with(o, "report", "", work, argc_given, given);
    violet_options_free(o);
    return status;
}

int cmd_report(int argc, char **argv)
{
    int n = argc;
    char **copy = copy_arguments(argc, argv);
    if (!copy) return EXIT_RUNTIME;
    char *baselines = take_baselines(&n, copy);
    int status = baselines ? run(baselines, n, copy, argc, argv) : EXIT_RUNTIME;
    free(baselines);
    free(copy);
    return status;
}
