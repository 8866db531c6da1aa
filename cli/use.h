/* What score, ask, embed and search share. */
#ifndef CLI_USE_H
#define CLI_USE_H

#include <stddef.h>

#include "cli.h"

/* A command under way. */
typedef struct use {
    const char *command;
    violet_options *o;
    violet_model *model;
    violet_session *session;
    violet_model_facts facts;
    char **word; /* (n): arguments that are no options */
    int n, json, verbose;
    int n_videos; /* that were encoded */
    char *notes; /* of all calls so far, a line each; NULL: none */
    double model_seconds; /* in which nothing was done but to open the model and wait for weights */
    double decode_seconds, encode_seconds, start; /* start: of what is timed last */
} use;

/* Options and words; then the model and a session, or EXIT_CHECKED where only arguments are
 * checked. Both tell what is wrong and return the exit status. Whatever they return, use_end. */
int use_begin(use *u, const char *name, int argc, char **argv);
int use_open(use *u);
/* status, or that of an error: EXIT_RUNTIME, EXIT_USAGE. */
int use_end(use *u, int status);

/* 0; of an error, which is told, the exit status. */
int use_told(violet_status status);
/* A file's frames, encoded; its times are kept, its notes noted. NULL: told, *status is how to
 * exit. */
violet_video *use_video(int *status, use *u, const char *path);
/* Keeps the session's notes, and tells them where lines are for people. */
void use_notes(use *u);

/* (n) shares of softmax(score / temperature), and the order, best first. */
void use_rank(int *order, double *share, const float *score, int n, double temperature);

/* The end of an object that is open: notes, times, the closing brace. */
void use_json_end(const use *u);
/* With --verbose, a line on stderr: from the program's start to here. work: what was timed last. */
void use_tell_times(const use *u, const char *work);

/* A string as JSON, quotes included; bytes that are no UTF-8 become U+FFFD. */
void put_json_string(const char *s);

double seconds_now(void);

#endif
