/* violet ask: a question about a video, with options or without. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "use.h"

/* Takes "--options WORD ..." out of argv: the words up to the next argument that begins with "--".
 * *n_options: -1 where it is not there. */
static int take_options(char ***options, int *n_options, int *argc, char **argv)
{
    int kept = 0, i = 0;
    *n_options = -1;
    while (i < *argc && strcmp(argv[i], "--") != 0) {
        if (strncmp(argv[i], "--options=", 10) == 0)
            return complain(EXIT_USAGE, "ask: --options takes words behind it: --options red "
                            "'light blue'");
        if (strcmp(argv[i], "--options") != 0) {
            argv[kept++] = argv[i++];
            continue;
        }
        if (*n_options >= 0) return complain(EXIT_USAGE, "ask: --options is there twice");
        for (*n_options = 0, i++; i < *argc && strncmp(argv[i], "--", 2) != 0; i++)
            (*options)[(*n_options)++] = argv[i];
    }
    while (i < *argc) argv[kept++] = argv[i++];
    *argc = kept;
    return 0;
}

static void print_begin(const use *u)
{
    printf("{\n  \"video\": ");
    put_json_string(u->word[0]);
    printf(",\n  \"question\": ");
    put_json_string(u->word[1]);
}

/* ---- multiple choice ------------------------------------------------------------------------- */

static void print_options(const use *u, char **options, const int *order, const float *score,
                          const double *share, int n)
{
    if (u->json) {
        print_begin(u);
        printf(",\n  \"temperature\": %.9g,\n  \"options\": [", u->facts.temperature);
    }
    for (int i = 0; i < n; i++) {
        int k = order[i];
        if (!u->json) {
            printf("%9.4f  %5.1f %%  %s\n", (double)score[k], 100 * share[k], options[k]);
            continue;
        }
        printf("%s\n    {\"option\": ", i ? "," : "");
        put_json_string(options[k]);
        printf(", \"number\": %d, \"score\": %.9g, \"share\": %.9g}", k, (double)score[k],
               share[k]);
    }
    if (!u->json) return;
    printf("\n  ]");
    use_json_end(u);
}

static int choose(use *u, char **options, int n)
{
    int status = 0, *order = malloc((size_t)(n + 1) * sizeof *order);
    float *score = malloc((size_t)(n + 1) * sizeof *score);
    double *share = malloc((size_t)(n + 1) * sizeof *share);
    const char *const *words = (const char *const *)options, *question = u->word[1];
    violet_video *video = NULL;
    if (!order || !score || !share)
        status = complain(EXIT_RUNTIME, "out of memory");
    else
        status = use_told(violet_choose(score, u->session, NULL, question, words, n));
    if (status == 0) video = use_video(&status, u, u->word[0]);
    if (status == 0)
        status = use_told(violet_choose(score, u->session, video, question, words, n));
    if (status == 0) {
        use_notes(u);
        use_rank(order, share, score, n, u->facts.temperature);
        print_options(u, options, order, score, share, n);
        use_tell_times(u, "options and scores");
    }
    violet_video_free(video);
    free(order);
    free(score);
    free(share);
    return status;
}

/* ---- open-ended ------------------------------------------------------------------------------ */

static void print_answers(const use *u, const violet_answer *best, int n)
{
    if (u->json) {
        print_begin(u);
        printf(",\n  \"answers\": [");
    }
    for (int i = 0; i < n; i++) {
        if (!u->json) {
            printf("%5.1f %%  %s\n", 100 * (double)best[i].probability, best[i].text);
            continue;
        }
        printf("%s\n    {\"answer\": ", i ? "," : "");
        put_json_string(best[i].text);
        printf(", \"probability\": %.9g}", (double)best[i].probability);
    }
    if (!u->json) return;
    printf("\n  ]");
    use_json_end(u);
}

static int answer(use *u)
{
    const char *top = violet_options_get(u->o, "top");
    int status = 0, n = top ? atoi(top) : 0;
    violet_answer *best = calloc((size_t)n + 1, sizeof *best);
    violet_video *video = NULL;
    if (!best)
        status = complain(EXIT_RUNTIME, "out of memory");
    else
        status = use_told(violet_ask(best, &n, u->session, NULL, u->word[1]));
    if (status == 0) video = use_video(&status, u, u->word[0]);
    if (status == 0) status = use_told(violet_ask(best, &n, u->session, video, u->word[1]));
    if (status == 0) {
        use_notes(u);
        print_answers(u, best, n);
        use_tell_times(u, "question and answer");
    }
    violet_video_free(video);
    free(best);
    return status;
}

int cmd_ask(int argc, char **argv)
{
    use u = {0};
    int n_options = -1;
    char **options = malloc(((size_t)argc + 1) * sizeof *options);
    int status = options ? take_options(&options, &n_options, &argc, argv)
                         : complain(EXIT_RUNTIME, "out of memory");
    if (status == 0) status = use_begin(&u, "ask", argc, argv);
    if (status == 0 && u.n != 2)
        status = complain(EXIT_USAGE, "ask: expected a video and a question, found %d argument%s; "
                          "'violet help ask' tells more", u.n, u.n == 1 ? "" : "s");
    if (status == 0) status = use_open(&u);
    if (status == 0) status = n_options >= 0 ? choose(&u, options, n_options) : answer(&u);
    free(options);
    return use_end(&u, status);
}
