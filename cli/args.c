/* Arguments of commands, and what is said of wrong ones; see cli.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int complain(int status, const char *format, ...)
{
    va_list ap;
    fflush(stdout);
    fputs("violet: ", stderr);
    va_start(ap, format);
    vfprintf(stderr, format, ap);
    va_end(ap);
    fputc('\n', stderr);
    return status;
}

int complain_options(violet_status status)
{
    return complain(status == VIOLET_EINVAL ? EXIT_USAGE : EXIT_RUNTIME, "%s", violet_error());
}

static int checking;

void only_check(void)
{
    checking = 1;
}

int only_checking(void)
{
    return checking;
}

char **copy_arguments(int argc, char **argv)
{
    char **copy = malloc(((size_t)argc + 1) * sizeof *copy);
    if (copy)
        memcpy(copy, argv, (size_t)argc * sizeof *copy);
    else
        complain(EXIT_RUNTIME, "out of memory");
    return copy;
}

/* ---- arguments ------------------------------------------------------------------------------- */

int take_flag(int *argc, char **argv, const char *word)
{
    int found = 0, kept = 0, flags = 1;
    for (int i = 0; i < *argc; i++) {
        if (strcmp(argv[i], "--") == 0) flags = 0;
        if (flags && strcmp(argv[i], word) == 0)
            found = 1;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return found;
}

/* An ARGS.json is told by its name from a value without its option. */
static int is_json_name(const char *s)
{
    size_t n = strlen(s);
    return n > 5 && strcmp(s + n - 5, ".json") == 0;
}

/* Parses a copy of argv, because parsing moves its pieces. *file: the one argument that is no
 * flag, or NULL. */
static int parse(violet_options *o, const char *name, int argc, char **argv, char **file)
{
    int n = 0, status = 0;
    char **copy = copy_arguments(argc, argv);
    if (!copy) return EXIT_RUNTIME;
    violet_status code = violet_options_parse(o, argc, copy, &n);
    *file = n > 0 ? copy[0] : NULL;
    if (code != VIOLET_OK)
        status = complain_options(code);
    else if (n > 0 && !is_json_name(copy[0]))
        status = complain(EXIT_USAGE, "%s: unexpected argument '%s'; 'violet help %s' tells more",
                          name, copy[0], name);
    else if (n > 1)
        status = complain(EXIT_USAGE, "%s: expected one ARGS.json, found '%s' and '%s'", name,
                          copy[0], copy[1]);
    free(copy);
    return status;
}

int is_set(violet_options *o, const char *name)
{
    const char *value = violet_options_get(o, name);
    return value && strcmp(value, "true") == 0;
}

violet_options *read_options(int *status, const char *name, int argc, char **argv)
{
    violet_options *o = NULL;
    char *file = NULL;
    violet_status code = violet_options_new(&o, name);
    if (code != VIOLET_OK) {
        *status = complain_options(code);
        return NULL;
    }
    *status = parse(o, name, argc, argv, &file); /* finds the file; flags are looked at early */
    if (*status == 0 && file && !checking) {
        code = violet_options_load(o, file);
        *status = code == VIOLET_OK ? parse(o, name, argc, argv, &file) : complain_options(code);
    }
    if (*status == 0) return o;
    violet_options_free(o);
    return NULL;
}

/* What is expected are the first words of the usage. */
static int complain_count(const command *c, int expected, int n)
{
    char words[128] = "";
    size_t at = 0;
    const char *word = c->usage;
    for (int i = 0; i < expected && at < sizeof words; i++) {
        int length = (int)strcspn(word, " ");
        at += (size_t)snprintf(words + at, sizeof words - at, "%s%.*s", i ? " and " : "", length,
                               word);
        word += length + (word[length] == ' ');
    }
    return complain(EXIT_USAGE, "%s: expected %s, found %d argument%s; 'violet help %s' tells more",
                    c->name, words, n, n == 1 ? "" : "s", c->name);
}

/* rest: n arguments that are no flags. */
static int set_named(violet_options *o, const command *c, int n, char **rest)
{
    enum { MOST = sizeof c->words / sizeof *c->words };
    int expected = 0, status = 0;
    while (expected < MOST && c->words[expected]) expected++;
    if (n != 0 && n != expected) return complain_count(c, expected, n);
    for (int i = 0; i < n && status == 0; i++) {
        violet_status code = violet_options_set(o, c->words[i], rest[i]);
        if (code != VIOLET_OK) status = complain_options(code);
    }
    return status;
}

violet_options *read_named(int *status, const command *c, int argc, char **argv)
{
    violet_options *o = NULL;
    int n = 0;
    char **rest = malloc((argc + 1) * sizeof *rest); /* parsing moves its pieces */
    violet_status code = rest ? violet_options_new(&o, c->name) : VIOLET_ENOMEM;
    if (rest) memcpy(rest, argv, argc * sizeof *rest);
    if (code == VIOLET_OK) code = violet_options_parse(o, argc, rest, &n);
    *status = code == VIOLET_OK ? set_named(o, c, n, rest) : complain_options(code);
    free(rest);
    if (*status == 0) return o;
    violet_options_free(o);
    return NULL;
}
