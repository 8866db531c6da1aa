/* violet help: of all commands, by groups; of one, from its row and its options' table. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

#define WIDTH 80
#define NAMES 18 /* column of summaries */

/* Words from `column` on, in lines of WIDTH that begin in `indent`. */
static void put_wrapped(FILE *to, const char *text, int column, int indent)
{
    int first = 1;
    for (const char *word = text; *word; first = 0) {
        int n = (int)strcspn(word, " ");
        if (!first && column + 1 + n > WIDTH) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", n, word);
        column += n;
        word += n + (word[n] == ' ');
    }
    fputc('\n', to);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static int is_first_of_group(int i)
{
    for (int k = 0; k < i; k++)
        if (strcmp(commands[k].group, commands[i].group) == 0) return 0;
    return 1;
}

/* The commands of the i-th's group: a line each, or, shortly, only their names. */
static void put_group(FILE *to, int i, int briefly)
{
    char names[1024] = "";
    size_t at = 0;
    for (int k = i; k < n_commands; k++) {
        const command *c = &commands[k];
        if (strcmp(c->group, commands[i].group) != 0) continue;
        if (!briefly)
            fprintf(to, "  %-*s %s\n", NAMES - 3, c->name, c->summary);
        else if (at < sizeof names)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? " " : "", c->name);
    }
    if (briefly) put_wrapped(to, names, 22, 22);
}

static int help_on_all(void)
{
    printf("violet %s: a video-language transformer\n\nUsage: violet COMMAND ...\n",
           violet_version());
    for (int i = 0; i < n_commands; i++) {
        if (!is_first_of_group(i)) continue;
        printf("\n%s:\n", commands[i].group);
        put_group(stdout, i, 0);
    }
    puts("\n'violet help COMMAND' tells what a command does, with examples and options.\n"
         "'violet --version' tells the version, libraries and what the processor can.\n"
         "'violet --check-args COMMAND ...' tells whether its arguments can be; no file is\n"
         "opened, nothing is run.");
    return 0;
}

int tell_commands(void)
{
    fputs("Usage: violet COMMAND ...\n\n", stderr);
    for (int i = 0; i < n_commands; i++) {
        if (!is_first_of_group(i)) continue;
        fprintf(stderr, "  %-20s", commands[i].group);
        put_group(stderr, i, 1);
    }
    fputs("\n'violet --help' tells what each does.\n", stderr);
    return EXIT_USAGE;
}

/* ---- one ------------------------------------------------------------------------------------- */

static void put_examples(const command *c)
{
    enum { MOST = sizeof c->examples / sizeof *c->examples };
    if (c->examples[0].what) puts("\nExamples:");
    for (int i = 0; i < MOST && c->examples[i].what; i++)
        printf("  # %s\n  violet %s%s%s\n", c->examples[i].what, c->name,
               *c->examples[i].args ? " " : "", c->examples[i].args);
}

static void put_files(const command *c)
{
    const char *what[] = {"Reads   ", "Writes  "}, *text[] = {c->reads, c->writes};
    if (c->reads || c->writes) putchar('\n');
    for (int i = 0; i < 2; i++) {
        if (!text[i]) continue;
        fputs(what[i], stdout);
        put_wrapped(stdout, text[i], 8, 8);
    }
}

static int help_on(const command *c)
{
    printf("Usage: ");
    char usage[1024];
    snprintf(usage, sizeof usage, "violet %s%s%s", c->name, *c->usage ? " " : "", c->usage);
    put_wrapped(stdout, usage, 7, 11);
    printf("\nTo %s.\n", c->summary);
    if (c->about) putchar('\n'), put_wrapped(stdout, c->about, 0, 0);
    put_examples(c);
    put_files(c);
    violet_options *o = command_options(c);
    const char *text = o ? violet_options_help(o) : "";
    if (text && *text) printf("\n%s", text);
    violet_options_free(o);
    printf("\nSee also: %s%s'man violet-%s'\n", c->docs ? c->docs : "", c->docs ? ", " : "",
           c->name);
    return text ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}

int cmd_help(int argc, char **argv)
{
    const command *c = NULL;
    if (argc > 1) return complain(EXIT_USAGE, "help: expected one command, found %d", argc);
    if (argc == 1 && !(c = command_find(argv[0]))) return EXIT_USAGE;
    if (only_checking()) return EXIT_CHECKED;
    return c ? help_on(c) : help_on_all();
}
