/* What the commands share. A command's run gets the arguments behind its name and returns the
 * program's exit status: 0, EXIT_RUNTIME, EXIT_USAGE or EXIT_INTERRUPTED. */
#ifndef CLI_H
#define CLI_H

#include <violet.h>

enum { EXIT_RUNTIME = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

typedef struct command {
    const char *name;
    const char *usage;   /* arguments */
    const char *summary; /* one line */
    const char *about;   /* more, for help and the man page; "" */
    int has_options;     /* violet_options_new knows it */
    int (*run)(int argc, char **argv);
} command;

extern const command commands[];
extern const int n_commands;

int cmd_pretrain(int argc, char **argv);
int cmd_finetune(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_make_corpus(int argc, char **argv);
int cmd_extract_frames(int argc, char **argv);
int cmd_extract_tsv(int argc, char **argv);
int cmd_extract_vq(int argc, char **argv);
int cmd_train_dvae(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_ask(int argc, char **argv);
int cmd_embed(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_man(int argc, char **argv);

/* NULL: there is none; then EXIT_USAGE is due, and the nearest has been suggested. */
const command *command_find(const char *name);

/* "violet: FORMATTED" on stderr; returns `status`. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with violet_error(); EXIT_USAGE if an option or value was wrong. */
int complain_options(violet_status status);

/* Takes every `word` out of argv; whether there was one before "--". */
int take_flag(int *argc, char **argv, const char *word);

/* Options of a command from its arguments: [ARGS.json] and flags, which win. NULL: *status says
 * with what to exit, and why was told. */
violet_options *read_options(int *status, const char *name, int argc, char **argv);

/* ---- cmd_run.c ------------------------------------------------------------------------------ */

typedef violet_status (*long_work)(const violet_options *o, const violet_hooks *hooks);

/* Runs `work` with the options of command `name`, with progress, until it is done or interrupted;
 * then the line that says how to go on ends in the flag `resume` ("": the same command goes on). */
int run_long(const char *name, const char *resume, long_work work, int argc, char **argv);
/* The same where arguments without flags stand for these options, closed by NULL: all of them or
 * none; `words` tells what was expected. */
int run_named(const char *name, const char *const *option, const char *words, long_work work,
              int argc, char **argv);
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
