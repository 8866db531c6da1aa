/* Folders of small made-up videos, and extract-frames on them. */
#ifndef CLIPS_H
#define CLIPS_H

#include <jansson.h>
#include <stddef.h>

#include "violet.h"

/* A fresh folder, its path without links; 64 bytes. */
void clips_open(char *folder);
void clips_close(const char *folder);

/* "FOLDER/NAME", good until the fourth next call. */
char *clips_path(const char *folder, const char *name);

/* A file of these bytes. */
void clips_write(const char *folder, const char *name, const void *bytes, size_t n);
/* An uncompressed video (.y4m whatever the name says); frame k has luma 16 + (2 k + first) mod
 * 200. */
void clips_y4m(const char *folder, const char *name, int width, int height, int n_frames,
               int first);

/* All of a file, terminated; the caller frees. Fails the test if it is not there. */
char *clips_read(size_t *n, const char *folder, const char *name);
int clips_has(const char *folder, const char *name);
/* Fails the test unless A.ENDING and B.ENDING are the same bytes. */
void clips_same(const char *folder, const char *a, const char *b, const char *ending);
/* The same of .tsv, .lineidx and .manifest.jsonl, and nothing .partial is left of b. */
void clips_same_data(const char *folder, const char *a, const char *b);
/* Line i of a manifest, 0 being the header; the caller drops it. */
json_t *clips_line(const char *folder, const char *name, int i);
const char *clips_text(const json_t *o, const char *key); /* "" if it is not there */

typedef struct clips_result {
    violet_status status;
    char error[1024];
    int n_items, n_warnings;
    unsigned long long n_bad; /* of the last item */
    char messages[2048];      /* one a line */
} clips_result;

/* What to do at the n-th item: nothing, ask to stop, kill this process. */
typedef enum clips_end { CLIPS_RUN, CLIPS_STOP, CLIPS_KILL } clips_end;

/* extract-frames --path FOLDER/PATH --output FOLDER/OUTPUT and these flags ("--a=b --c"). */
clips_result clips_run(const char *folder, const char *path, const char *output, const char *flags,
                       clips_end end, int n);
/* The same, failing the test unless it is VIOLET_OK. */
clips_result clips_ok(const char *folder, const char *path, const char *output, const char *flags);
/* Fails the test unless it ends in this status and these words. */
void clips_fails(const char *folder, const char *path, const char *output, const char *flags,
                 violet_status status, const char *words);

#endif
