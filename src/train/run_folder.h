/* The folder of a training run: what every kind of run writes into it, and how.
 *
 *     args.json         vl_run_write_json
 *     machine.json      vl_run_write_machine
 *     steps.jsonl       vl_run_open_lines: appended to line by line, and locked, so that two
 *                       processes cannot write one run; a resumed run cuts it back to the length
 *                       that its saved state knows, and so writes the same bytes as one that was
 *                       never stopped
 *
 * Options that decide what comes next ("fixed") stand in the saved state; a run that resumes with
 * others is refused. */
#ifndef VL_TRAIN_RUN_FOLDER_H
#define VL_TRAIN_RUN_FOLDER_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/option.h"

/* Writes FOLDER/NAME whole or not at all, with as few digits as read back to the same numbers. */
violet_status vl_run_write_json(const char *folder, const char *name, const json_t *object);

/* Writes FOLDER/machine.json, which tells what decides no result: the program's version, the
 * machine, the folder where the command was given, which relative paths start from. */
violet_status vl_run_write_machine(const char *folder);

/* Opens FOLDER/NAME to append, and locks it; EINVAL where another process has it. To be done before
 * anything of the folder is read or written. */
violet_status vl_run_lock(FILE **f, const char *folder, const char *name);

/* The same where *f is NULL; and cuts it to cut_to bytes (negative: as it is). */
violet_status vl_run_open_lines(FILE **f, const char *folder, const char *name, int64_t cut_to);

/* Closes both, where they are open; status, or what went wrong now if that is VIOLET_OK. */
violet_status vl_run_close_lines(FILE **steps, FILE **timing, const char *folder,
                                 violet_status status);

/* The length to cut FOLDER/NAME to: `wanted`, or what there is of it. Lost lines must not keep a
 * run from going on, nor be filled up with zeros. */
violet_status vl_run_lines_length(uint64_t *length, const char *folder, const char *name,
                                  uint64_t wanted);

/* A number as JSON has it, in `text`; one that is not finite is null. */
const char *vl_json_number(char text[32], double x);
json_t *vl_json_real(double x);

/* Puts a value into an object, or (key NULL) a list; returns whether that failed (memory, or value
 * NULL). Takes the value. */
int vl_json_put(json_t *to, const char *key, json_t *value);

/* The options of `names` (closed by NULL) as an object; NULL: out of memory. */
json_t *vl_run_fixed(const vl_option *table, const void *options, const char *const *names);
/* EINVAL where `saved` differs from them. One that `saved` lacks, since it was written before there
 * was such an option, had its default. */
violet_status vl_run_check_fixed(const json_t *saved, const vl_option *table, const void *options,
                                 const char *const *names);

#endif
