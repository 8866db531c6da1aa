/* violet man: manual pages in troff, of the program and of each command, made of the command and
 * option tables. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* What is printed as it stands. troff takes '\' for its escape, '-' for a hyphen, which is no
 * minus, and makes typographic quotes of '. */
static void put_code(const char *s)
{
    for (; *s; s++) switch (*s) {
        case '\\': fputs("\\e", stdout); break;
        case '-': fputs("\\-", stdout); break;
        case '\'': fputs("\\(aq", stdout); break;
        case '`': fputs("\\(ga", stdout); break;
        case '~': fputs("\\(ti", stdout); break;
        case '^': fputs("\\(ha", stdout); break;
        default: putchar(*s);
        }
}

/* A line of words, which may begin with what troff would take for a request. */
static void put_text(const char *s)
{
    fputs("\\&", stdout);
    put_code(s);
}

static void put_title(const char *name)
{
    fputs(".TH ", stdout);
    for (const char *s = name; *s; s++)
        if (*s == '-') fputs("\\-", stdout);
        else putchar(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s);
    printf(" 1 \"\" \"violet %s\" \"User Commands\"\n.SH NAME\n", violet_version());
    put_code(name);
}

/* violet-NAME(1), where `behind` may follow. */
static void put_reference(const char *name, const char *behind)
{
    fputs(".BR ", stdout);
    put_code(name);
    printf(" (1)%s\n", behind);
}

static void put_exit_status(void)
{
    puts(".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 1\nFailed; one line on the standard error "
         "tells why.\n.TP\n.B 2\nA command, option or value was wrong.\n.TP\n.B 130\nInterrupted; "
         "the state is saved, and one line tells how to go on.");
}

/* ---- of a command ---------------------------------------------------------------------------- */

static void put_files(const command *c)
{
    if (c->reads || c->writes) puts(".SH FILES");
    if (c->reads) puts(".TP\n.B reads"), put_text(c->reads), puts(".");
    if (c->writes) puts(".TP\n.B writes"), put_text(c->writes), puts(".");
}

static void put_examples(const command *c)
{
    enum { MOST = sizeof c->examples / sizeof *c->examples };
    if (c->examples[0].what) puts(".SH EXAMPLES");
    for (int i = 0; i < MOST && c->examples[i].what; i++) {
        puts(".TP");
        put_text(c->examples[i].what);
        printf("\n.nf\nviolet %s", *c->examples[i].args ? "" : "\\&");
        put_code(c->name);
        putchar(' ');
        put_code(c->examples[i].args);
        puts("\n.fi");
    }
}

/* 0, or what to exit with. */
static int put_options(const command *c)
{
    violet_options *o = command_options(c);
    const char *text = o ? violet_options_man(o) : "";
    if (o && text) {
        puts(".SH OPTIONS");
        puts("Options stand in ARGS.json, where there is one, with names that have \\(aq_\\(aq, or "
             "on the command line, where names may have \\(aq\\-\\(aq and win over the file.");
        fputs(text, stdout);
    }
    violet_options_free(o);
    return text ? 0 : complain(EXIT_RUNTIME, "%s", violet_error());
}

static int page_of(const command *c)
{
    char name[128];
    snprintf(name, sizeof name, "violet-%s", c->name);
    put_title(name);
    fputs(" \\- ", stdout);
    put_code(c->summary);
    fputs("\n.SH SYNOPSIS\n.B violet ", stdout);
    put_code(c->name);
    putchar('\n');
    put_text(c->usage);
    puts("\n.SH DESCRIPTION");
    fputs("To ", stdout);
    put_code(c->summary);
    puts(".");
    if (c->about) puts(".PP"), put_text(c->about), putchar('\n');
    int status = put_options(c);
    put_files(c);
    put_examples(c);
    put_exit_status();
    puts(".SH SEE ALSO");
    put_reference("violet", c->docs ? "," : "");
    if (c->docs) put_text(c->docs), puts(" in the sources.");
    return status;
}

/* ---- of the program -------------------------------------------------------------------------- */

static void put_commands(void)
{
    puts(".SH COMMANDS");
    for (int i = 0; i < n_commands; i++) {
        const char *group = commands[i].group;
        int k = 0;
        while (strcmp(commands[k].group, group) != 0) k++;
        if (k < i) continue;
        fputs(".SS ", stdout);
        put_code(group);
        putchar('\n');
        for (; k < n_commands; k++) {
            char name[128];
            if (strcmp(commands[k].group, group) != 0) continue;
            puts(".TP");
            snprintf(name, sizeof name, "violet-%s", commands[k].name);
            put_reference(name, "");
            put_text(commands[k].summary);
            puts(".");
        }
    }
}

static int page_of_program(void)
{
    put_title("violet");
    puts(" \\- video\\-language transformer\n.SH SYNOPSIS\n.B violet\n.I COMMAND\n"
         ".RI [ ARGUMENTS ...]\n.SH DESCRIPTION\nPretrains, fine\\-tunes, measures and uses the "
         "video\\-language transformer VIOLET, and makes its training data from videos.");
    put_commands();
    puts(".SH OPTIONS\n.TP\n.B \\-\\-help\nAll commands, a line each.\n.TP\n.B \\-\\-version\nThe "
         "version, those of the libraries, and what is computed with on this processor.\n.TP\n"
         ".BI \\-\\-check\\-args \" COMMAND ...\"\nTell whether the arguments can be: options that "
         "there are, values in range. No file is opened and nothing is run.");
    puts(".SH ENVIRONMENT\n.TP\n.B VIOLET_ISA\nThe instruction set to compute with, avx2 or "
         "avx512, in place of the best that the processor has.");
    put_exit_status();
    puts(".SH SEE ALSO");
    put_reference("violet-help", "");
    return 0;
}

int cmd_man(int argc, char **argv)
{
    const command *c = NULL;
    int list = take_flag(&argc, argv, "--list");
    if (argc > 1 || (argc && list))
        return complain(EXIT_USAGE, "man: expected one command or --list, found '%s'",
                        argv[argc - 1]);
    if (argc == 1 && !(c = command_find(argv[0]))) return EXIT_USAGE;
    if (only_checking()) return EXIT_CHECKED;
    if (!list) return c ? page_of(c) : page_of_program();
    puts("violet");
    for (int i = 0; i < n_commands; i++) printf("violet-%s\n", commands[i].name);
    return 0;
}
