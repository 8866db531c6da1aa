/* violet score: how well sentences fit a video. */
#include <stdio.h>
#include <stdlib.h>

#include "use.h"

static void print_lines(const use *u, const int *order, const float *score, const double *share)
{
    for (int i = 0; i < u->n - 1; i++) {
        int k = order[i];
        printf("%9.4f  ", (double)score[k]);
        if (u->n > 2) printf("%5.1f %%  ", 100 * share[k]);
        printf("%s\n", u->word[k + 1]);
    }
}

static void print_json(const use *u, const int *order, const float *score, const double *share)
{
    printf("{\n  \"video\": ");
    put_json_string(u->word[0]);
    printf(",\n  \"temperature\": %.9g,\n  \"sentences\": [", u->facts.temperature);
    for (int i = 0; i < u->n - 1; i++) {
        int k = order[i];
        printf("%s\n    {\"sentence\": ", i ? "," : "");
        put_json_string(u->word[k + 1]);
        printf(", \"number\": %d, \"score\": %.9g, \"share\": %.9g}", k, (double)score[k],
               share[k]);
    }
    printf("\n  ]");
    use_json_end(u);
}

/* Of the video, or, without one, of what is wrong with the sentences. */
static int compute(float *x, use *u, violet_video *video)
{
    return use_told(violet_score(x, u->session, &video, video != NULL,
                                 (const char *const *)u->word + 1, u->n - 1));
}

static int score(use *u)
{
    int n = u->n - 1, *order = malloc((size_t)n * sizeof *order);
    float *x = malloc((size_t)n * sizeof *x);
    double *share = malloc((size_t)n * sizeof *share);
    violet_video *video = NULL;
    int status = order && x && share ? compute(x, u, NULL)
                                     : complain(EXIT_RUNTIME, "out of memory");
    if (status == 0) video = use_video(&status, u, u->word[0]);
    if (status == 0) status = compute(x, u, video);
    if (status == 0) {
        use_notes(u);
        use_rank(order, share, x, n, u->facts.temperature);
        (u->json ? print_json : print_lines)(u, order, x, share);
        use_tell_times(u, "texts and scores");
    }
    violet_video_free(video);
    free(order);
    free(x);
    free(share);
    return status;
}

int cmd_score(int argc, char **argv)
{
    use u;
    int status = use_begin(&u, "score", argc, argv);
    if (status == 0 && u.n < 2)
        status = complain(EXIT_USAGE, "score: expected a video and sentences, found %d argument%s; "
                          "'violet help score' tells more", u.n, u.n == 1 ? "" : "s");
    if (status == 0) status = use_open(&u);
    if (status == 0) status = score(&u);
    return use_end(&u, status);
}
