/* violet help and violet man: both are made of the command and option tables. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

static int help_on(const command *c)
{
    printf("Usage: violet %s%s%s\n\nTo %s.\n", c->name, *c->usage ? " " : "", c->usage, c->summary);
    /* about is one paragraph; break it at 80 columns */
    int column = 0;
    for (const char *word = c->about; *word;) {
        int n = (int)strcspn(word, " ");
        if (column + n > 79) column = 0;
        if (column == 0) putchar('\n');
        printf("%s%.*s", column ? " " : "", n, word);
        column += n + 1;
        word += n + (word[n] == ' ');
    }
    if (*c->about) putchar('\n');
    if (!c->has_options) return 0;
    violet_options *o;
    violet_status status = violet_options_new(&o, c->name);
    const char *text = status == VIOLET_OK ? violet_options_help(o) : NULL;
    if (text) printf("\n%s", text);
    violet_options_free(o);
    return text ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}

int cmd_help(int argc, char **argv)
{
    if (argc > 0) {
        const command *c = command_find(argv[0]);
        return c ? help_on(c) : EXIT_USAGE;
    }
    printf("violet %s: a video-language transformer\n\nUsage: violet COMMAND ...\n\n",
           violet_version());
    for (int i = 0; i < n_commands; i++)
        printf("  %-15s %s\n", commands[i].name, commands[i].summary);
    puts("\n'violet help COMMAND' tells its options, 'violet --version' the version.");
    return 0;
}

/* ---- man page -------------------------------------------------------------------------------- */

/* troff: '-' is a hyphen and '\' an escape. */
static void put_escaped(const char *s)
{
    for (; *s; s++) {
        if (*s == '-' || *s == '\\') putchar('\\');
        putchar(*s == '\\' ? 'e' : *s);
    }
}

static int man_options(const command *c)
{
    violet_options *o;
    violet_status status = violet_options_new(&o, c->name);
    const char *text = status == VIOLET_OK ? violet_options_man(o) : NULL;
    if (text) printf(".SH OPTIONS OF %s\n%s", c->name, text);
    violet_options_free(o);
    return text ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}

int cmd_man(int argc, char **argv)
{
    if (argc > 0) return complain(EXIT_USAGE, "man: expected no argument, found '%s'", argv[0]);
    printf(".TH VIOLET 1 \"\" \"violet %s\" \"User Commands\"\n", violet_version());
    puts(".SH NAME\nviolet \\- video\\-language transformer\n.SH SYNOPSIS");
    puts(".B violet\n.I COMMAND\n.RI [ ARGUMENTS ...]\n.SH COMMANDS");
    for (int i = 0; i < n_commands; i++) {
        const command *c = &commands[i];
        printf(".TP\n.BI \"violet %s \" \"", c->name);
        put_escaped(c->usage);
        printf("\"\n\\&");
        put_escaped(c->summary);
        printf(".\n");
        if (*c->about) printf("\\&"), put_escaped(c->about), putchar('\n');
    }
    puts(".PP\nOptions stand in the JSON file, where names have '_', or on the command line, where "
         "they may have '\\-' and win over the file.");
    int status = 0;
    for (int i = 0; i < n_commands && status == 0; i++)
        if (commands[i].has_options) status = man_options(&commands[i]);
    puts(".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 1\nFailed; one line on the standard error "
         "tells why.\n.TP\n.B 2\nA command, option or value was wrong.\n.TP\n.B 130\nInterrupted; "
         "the state is saved, and one line tells how to go on.");
    return status;
}
