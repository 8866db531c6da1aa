/* A program to measure, driven by lines: a command a line on stdin, a JSON line on stdout for each.
 *
 *     static const bench_command commands[] = {{"forward", forward}, ...};
 *     return bench_lines(commands, n, &state);
 *
 * "name {"key": value}" is a command with what it is given. Every answer has "command", "seconds"
 * and "cpu" (of all threads, in seconds; a command that measures a part of itself puts its own); a
 * failed one has "error". All programs know also
 *
 *     memory    resident memory now and at its highest, in bytes
 *     peak      forgets the highest so far
 *     machine   {"threads": 2}: what the cores and the memory can do at most, measured now
 *     quit
 *
 * With OMP_WAIT_POLICY=active threads go on spinning between commands: who lets another process
 * compute stops this one first. */
#ifndef VL_BENCH_LINES_H
#define VL_BENCH_LINES_H

#include <jansson.h>
#include <stddef.h>

#include "violet.h"

typedef struct bench_command {
    const char *name;
    violet_status (*run)(void *state, const json_t *given, json_t *answer);
} bench_command;

/* Until quit or the end of stdin; the program's exit status. */
int bench_lines(const bench_command *commands, size_t n, void *state);

/* Takes over `value`. */
void bench_put(json_t *answer, const char *key, json_t *value);

/* Processor time of all threads of this process, in seconds. */
double bench_cpu(void);

#endif
