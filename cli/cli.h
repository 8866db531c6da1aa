/* What the commands share. A command is a row of the table in commands.c, and that is all it takes:
 * help, man pages and completion are made of the rows and of the option tables behind them. */
#ifndef CLI_H
#define CLI_H

#include <violet.h>

enum {
    EXIT_RUNTIME = 1,
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 130,
    EXIT_CHECKED = -1, /* only the arguments were to be checked, and they are right */
};

typedef violet_status (*long_work)(const violet_options *o, const violet_hooks *hooks);

typedef struct command {
    const char *name;
    const char *group;   /* heading in `violet --help`; groups come in the order of the rows */
    const char *summary; /* what it does: one line, as it goes on after "to" */
    const char *usage;   /* arguments; the first one tells completion what it is: ARGS.json, a
                          * COMMAND, an option, or else files */
    const char *about;   /* more, one paragraph; NULL */
    const char *reads, *writes; /* files; NULL */
    const char *docs;    /* where more is told, "docs/X.md"; NULL */
    const char *extra;   /* an option that stands in no table, "--options"; NULL */
    struct {
        const char *args, *what; /* behind the command's name, and what for */
    } examples[4];
    /* Either: its options' work, which may take long; the flag that goes on with it after an
     * interrupt, NULL where the same command does; the options that arguments without flags stand
     * for, all of them or none, in place of an ARGS.json. */
    long_work work;
    const char *resume;
    const char *words[3];
    /* Or: all of it. Gets the arguments behind the name and returns the exit status. */
    int (*run)(int argc, char **argv);
} command;

extern const command commands[];
extern const int n_commands;

int cmd_eval(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_ask(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_search(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_man(int argc, char **argv);
int cmd_completion(int argc, char **argv);

/* NULL: there is none; then EXIT_USAGE is due, and the nearest has been suggested. */
const command *command_find(const char *name);
/* Its options; NULL: it has none (or there is no memory for them). The caller's. */
violet_options *command_options(const command *c);
/* How `violet` alone ends. */
int tell_commands(void);

/* ---- args.c --------------------------------------------------------------------------------- */

/* "violet: FORMATTED" on stderr; returns `status`. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with violet_error(); EXIT_USAGE if an option or value was wrong. */
int complain_options(violet_status status);

/* A copy of argv's list, since parsing moves its pieces; the caller frees it. NULL: told. */
char **copy_arguments(int argc, char **argv);

/* Takes every `word` out of argv; whether there was one before "--". */
int take_flag(int *argc, char **argv, const char *word);

/* `violet --check-args`: a command that is asked so returns EXIT_CHECKED once its arguments are
 * known to be right, before it opens a file. */
void only_check(void);
int only_checking(void);

/* Options of a command from its arguments: [ARGS.json] and flags, which win. NULL: *status says
 * with what to exit, and why was told. */
violet_options *read_options(int *status, const char *name, int argc, char **argv);
/* The same where arguments without flags stand for `words`. */
violet_options *read_named(int *status, const command *c, int argc, char **argv);
/* Whether a flag is set. */
int is_set(violet_options *o, const char *name);

/* ---- cmd_run.c ------------------------------------------------------------------------------ */

/* Runs a row's work with the options of its command, with progress, until it is done or
 * interrupted; then a line says how to go on. */
int run_long(const command *c, int argc, char **argv);
/* The same with options that are set already, which it frees. */
int run_with(violet_options *o, const char *name, const char *resume, long_work work, int argc,
             char **argv);

/* ---- progress.c ----------------------------------------------------------------------------- */

/* violet_hooks.event: one line that is rewritten on a terminal, plain lines now and then elsewhere.
 * Warnings always get lines of their own. */
void progress_event(void *user, const violet_event *e);
/* Progress goes to stderr from now on: stdout is for what is read by programs. */
void progress_aside(void);
/* violet_log_set's: on lines of their own. */
void progress_log(void *user, violet_log_level level, const char *line);
/* Leaves the terminal on a fresh line. */
void progress_end(void);

#endif
