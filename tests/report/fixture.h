/* Folders as trainings and evaluations leave them, made of text; the page made of them.
 *
 *     fixture f;
 *     fixture_open(&f);
 *     fixture_pretraining(&f, "pre", 60);
 *     char *page = fixture_page(&f, (const char *[]){"pre", NULL}, NULL);     // free
 *     fixture_close(&f); */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stddef.h>

#include "violet.h"

typedef struct fixture {
    char folder[64];
} fixture;

void fixture_open(fixture *f);
void fixture_close(fixture *f);

/* FOLDER/name, with the folders that it takes. */
void fixture_write(const fixture *f, const char *name, const char *text);
/* FOLDER/name of a folder that is there; the caller frees. */
char *fixture_read(const fixture *f, const char *name);

/* Runs of so many steps; every 20th step a validation. */
void fixture_pretraining(const fixture *f, const char *name, int steps);
void fixture_finetuning(const fixture *f, const char *name, int steps);
void fixture_dvae(const fixture *f, const char *name, int steps);
/* Evaluations of n videos v0, v1, ... in data.tsv, which fixture_pictures makes; every second query
 * or question came out right. */
void fixture_pictures(const fixture *f, int n);
void fixture_retrieval(const fixture *f, const char *name, int n, const char *caption);
void fixture_questions(const fixture *f, const char *name, int n, const char *answer);

/* Runs a report over FOLDER/names (closed by NULL); options: "name=value", closed by NULL, or
 * NULL. */
violet_status fixture_report(const fixture *f, const char *const *names,
                             const char *const *options);
/* The page, which must be made; the caller frees. */
char *fixture_page(const fixture *f, const char *const *names, const char *const *options);

/* How often `what` stands in the text. */
int fixture_count(const char *text, const char *what);

#endif
