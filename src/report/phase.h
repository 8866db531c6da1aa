/* What a command has left in a folder: one phase of the page.
 *
 *     phases all = {0};
 *     status = phases_find(&all, "demo");                      // the folder, or those below it
 *     for i 0 .. all.n - 1: all.list[i].kind, .args, .steps ...
 *     phases_release(&all);
 *
 * A folder of a training has args.json and steps.jsonl or log.json; one of an evaluation has
 * result.json with metrics; it may be both, and then is two phases. Folders below come in the order
 * of what they are (dVAE, pretraining, fine-tuning, evaluation), then of their names. Everything
 * but args.json and result.json may be missing, or half written, or nonsense: then it is NULL. */
#ifndef VL_REPORT_PHASE_H
#define VL_REPORT_PHASE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/option.h"
#include "report/lines.h"

typedef enum phase_kind { PHASE_DVAE, PHASE_PRETRAIN, PHASE_FINETUNE, PHASE_EVAL } phase_kind;

typedef struct phase {
    phase_kind kind;
    char *folder;
    char *name;      /* for headings: the end of the folder's path, or what the user calls it */
    const char *command;
    const vl_option *table; /* of its options */
    json_t *args;    /* object, or NULL */
    json_t *machine; /* machine.json */
    json_t *log;     /* log.json */
    json_t *test;    /* test.json */
    json_t *result;  /* result.json: of evaluations not NULL */
    log_lines steps, timing;
} phase;

typedef struct phases {
    phase *list;
    size_t n, cap;
} phases;

/* Appends what is in or below the folder. EINVAL: nothing is. */
violet_status phases_find(phases *all, const char *folder);
/* Appends the evaluation in the folder under a name of its own. */
violet_status phases_baseline(phases *all, const char *name, const char *folder);
void phases_release(phases *all);

/* Of args, or where it is not there or of another kind "" and 0. */
const char *phase_text(const phase *p, const char *option);
double phase_number(const phase *p, const char *option);

/* The file that a path in args means: from the folder where the command was given, or else from
 * here, or else its last part in the phase's folder. false: there is none. */
bool phase_file(char out[4096], const phase *p, const char *path);

#endif
