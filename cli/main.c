/* violet: the command line. Commands are the table in commands.c; what they do themselves lives in
 * cmd_NAME.c and sees violet.h alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define SPIN_COUNT "6000"

/* ---- finding commands ------------------------------------------------------------------------ */

const command *command_find(const char *name)
{
    enum { MOST = 64 };
    const char *words[MOST] = {"--help", "--version", "--check-args"};
    int n = 3;
    for (int i = 0; i < n_commands; i++) {
        if (strcmp(name, commands[i].name) == 0) return &commands[i];
        if (n < MOST) words[n++] = commands[i].name;
    }
    int nearest = violet_nearest(name, words, n);
    if (nearest >= 0)
        complain(0, "unknown command '%s'; did you mean '%s'?", name, words[nearest]);
    else
        complain(0, "unknown command '%s'; 'violet help' lists them", name);
    return NULL;
}

violet_options *command_options(const command *c)
{
    violet_options *o = NULL;
    return violet_options_new(&o, c->name) == VIOLET_OK ? o : NULL;
}

/* ---- main ------------------------------------------------------------------------------------ */

static int tell_version(void)
{
    char *text = NULL;
    if (violet_about(&text) != VIOLET_OK) return complain(EXIT_RUNTIME, "%s", violet_error());
    fputs(text, stdout);
    violet_text_free(text);
    return 0;
}

static int run_command(int argc, char **argv)
{
    char *name = argv[0];
    const command *c = command_find(name);
    if (!c) return EXIT_USAGE;
    argc--;
    argv++;
    if (take_flag(&argc, argv, "--help") || take_flag(&argc, argv, "-h")) return cmd_help(1, &name);
    return c->work ? run_long(c, argc, argv) : c->run(argc, argv);
}

static int check_command(int argc, char **argv)
{
    if (argc == 0)
        return complain(EXIT_USAGE, "--check-args: expected a command and its arguments");
    only_check();
    int status = run_command(argc, argv);
    if (status != EXIT_CHECKED) return status;
    printf("violet %s: these arguments can be; no file was opened\n", argv[0]);
    return 0;
}

static int run(int argc, char **argv)
{
    if (argc < 2) return tell_commands();
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) return tell_version();
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return cmd_help(0, NULL);
    if (strcmp(argv[1], "--check-args") == 0) return check_command(argc - 2, argv + 2);
    return run_command(argc - 1, argv + 1);
}

/* Waiting threads of OpenMP spin for long by default, which costs whole time slices as soon as
 * another program wants the cores (5 times slower was seen), and gains little on an idle machine.
 * The runtime reads its settings when it is loaded, so the program starts itself once more. */
static void spin_less(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return;
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || setenv("GOMP_SPINCOUNT", SPIN_COUNT, 1) != 0) return;
    self[n] = 0;
    execv(self, argv);
}

int main(int argc, char **argv)
{
    spin_less(argv);
    int status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return complain(EXIT_RUNTIME, "cannot write to the standard output");
    return status;
}
