/* violet search: the videos of a folder that sentences tell of. Progress goes to stderr, what was
 * found to stdout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "use.h"

static use u;
static char **sentence; /* (u.n) */
static char *path, *index_file;
static int top, first_stage;
static violet_found *best; /* (u.n, top) */

static void print_lines(const violet_collection *c)
{
    const violet_found *x = best;
    (void)c;
    for (int t = 0; t < u.n; t++) {
        if (u.n > 1) printf("%s%s\n", t ? "\n" : "", sentence[t]);
        for (int i = 0; i < top; i++, x++)
            printf("%4d  %9.4f  %s\n", i + 1, (double)x->score, x->name);
    }
}

static void print_json(const violet_collection *c)
{
    const violet_found *x = best;
    violet_collection_facts f;
    violet_collection_describe(&f, c);
    printf("{\n  \"videos\": %d,\n  \"encoded\": %d,\n  \"kept\": %d,\n  \"gone\": %d,\n  "
           "\"bad\": %d,\n  \"score\": \"%s\",\n  \"sentences\": [",
           f.n_videos, f.n_encoded, f.n_kept, f.n_gone, f.n_bad,
           u.facts.can_score ? "matching" : "vectors");
    for (int t = 0; t < u.n; t++) {
        printf("%s\n    {\"sentence\": ", t ? "," : "");
        put_json_string(sentence[t]);
        printf(", \"found\": [");
        for (int i = 0; i < top; i++, x++) {
            printf("%s\n      {\"rank\": %d, \"score\": %.9g, \"name\": ", i ? "," : "", i + 1,
                   (double)x->score);
            put_json_string(x->name);
            printf(", \"path\": ");
            put_json_string(x->path);
            putchar('}');
        }
        printf("\n    ]}");
    }
    printf("\n  ]");
    use_json_end(&u);
}

/* c NULL: only checks. */
static violet_status search(const violet_collection *c, const violet_hooks *hooks)
{
    return violet_search(best, &top, c, u.session, (const char *const *)sentence, u.n, first_stage,
                         hooks);
}

static violet_status work(const violet_options *o, const violet_hooks *hooks)
{
    violet_collection *c = NULL;
    (void)o; /* the model is open */
    violet_status status = violet_collection_open(&c, u.session, path, index_file, hooks);
    if (status == VIOLET_OK) status = search(c, hooks);
    progress_end();
    if (status == VIOLET_OK) (u.json ? print_json : print_lines)(c);
    violet_collection_close(c);
    return status;
}

/* What the options say; 0, or told. */
static int read_own_options(void)
{
    const char *given = violet_options_get(u.o, "path");
    if (!given || !*given)
        return complain(EXIT_USAGE, "search: no videos: option path names no folder or list");
    path = strdup(given);
    given = violet_options_get(u.o, "index");
    if (given && *given && !(index_file = strdup(given)))
        return complain(EXIT_RUNTIME, "out of memory");
    top = atoi(violet_options_get(u.o, "top"));
    first_stage = atoi(violet_options_get(u.o, "first_stage"));
    best = calloc((size_t)u.n * (size_t)top, sizeof *best);
    return path && best ? 0 : complain(EXIT_RUNTIME, "out of memory");
}

/* What is wrong with the arguments and the checkpoint, before a video is opened. */
static int check(void)
{
    if (u.n == 0)
        return complain(EXIT_USAGE, "search: expected a sentence; 'violet help search' tells more");
    int status = read_own_options();
    if (status == 0) status = use_open(&u);
    if (status == 0) status = use_told(search(NULL, NULL));
    if (status != 0) return status;
    use_notes(&u);
    if (!u.facts.can_score)
        complain(0, "the checkpoint has no matching head: ranked by its dual encoder alone");
    return 0;
}

int cmd_search(int argc, char **argv)
{
    sentence = copy_arguments(argc, argv);
    if (!sentence) return EXIT_RUNTIME;
    int status = use_begin(&u, "search", argc, sentence);
    if (status == 0) status = check();
    if (status == 0) {
        violet_options *o = u.o; /* run_with frees them */
        u.o = NULL;
        progress_aside();
        status = run_with(o, "search", "", work, argc, argv);
    }
    status = use_end(&u, status);
    free(sentence);
    free(path);
    free(index_file);
    free(best);
    return status;
}
