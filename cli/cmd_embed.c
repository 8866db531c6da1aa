/* violet embed: vectors of videos and texts. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "use.h"

/* Is it a file's name, though none is there: one word that ends in .xyz? Then it is no text. */
static int looks_like_a_file(const char *s)
{
    const char *dot = strrchr(s, '.');
    size_t n = dot ? strlen(dot + 1) : 0;
    if (s[strcspn(s, " \t\n")] || n < 2 || n > 4 || dot == s) return 0;
    for (size_t i = 1; i <= n; i++)
        if (!isalnum((unsigned char)dot[i])) return 0;
    return 1;
}

static int embed_one(use *u, float *vector, const char *what, int *is_video)
{
    int status = 0;
    *is_video = access(what, F_OK) == 0;
    if (!*is_video && looks_like_a_file(what))
        return complain(EXIT_RUNTIME, "%s: there is no such file, and a text of one word with an "
                        "ending is not likely meant", what);
    if (!*is_video) {
        status = use_told(violet_embed_texts(vector, u->session, &what, 1));
        if (status == 0) use_notes(u);
        return status;
    }
    violet_video *video = use_video(&status, u, what);
    if (!video) return status;
    status = use_told(violet_embed_videos(vector, u->session, &video, 1));
    violet_video_free(video);
    return status;
}

/* output NULL: with the values. */
static void print_json(const use *u, const float *vector, const int *is_video, const char *output)
{
    printf("{\n  \"width\": %d,\n", u->facts.width);
    if (output) {
        printf("  \"output\": ");
        put_json_string(output);
        printf(",\n");
    }
    printf("  \"items\": [");
    for (int i = 0; i < u->n; i++) {
        printf("%s\n    {\"%s\": ", i ? "," : "", is_video[i] ? "video" : "text");
        put_json_string(u->word[i]);
        if (!output) printf(", \"vector\": [");
        for (int k = 0; k < u->facts.width && !output; k++)
            printf("%s%.9g", k ? ", " : "", (double)vector[(size_t)i * (size_t)u->facts.width +
                                                           (size_t)k]);
        printf(output ? "}" : "]}");
    }
    printf("\n  ]");
    use_json_end(u);
}

static int hand_over(const use *u, const float *vector, const int *is_video, const char *output)
{
    if (output && violet_npy_write(output, vector, (size_t)u->n, (size_t)u->facts.width))
        return complain(EXIT_RUNTIME, "%s", violet_error());
    if (u->json || !output)
        print_json(u, vector, is_video, output);
    else
        printf("%s: %d x %d, float32\n", output, u->n, u->facts.width);
    use_tell_times(u, "texts");
    return 0;
}

static int embed(use *u, const char *output)
{
    int status = 0, *is_video = calloc((size_t)u->n, sizeof *is_video);
    float *vector = malloc((size_t)u->n * (size_t)u->facts.width * sizeof *vector);
    if (!is_video || !vector) status = complain(EXIT_RUNTIME, "out of memory");
    for (int i = 0; i < u->n && status == 0; i++)
        status = embed_one(u, vector + (size_t)i * (size_t)u->facts.width, u->word[i],
                           &is_video[i]);
    if (status == 0) status = hand_over(u, vector, is_video, output);
    free(is_video);
    free(vector);
    return status;
}

/* Before any work: where is the result to go? */
static int check_output(use *u, char **output)
{
    const char *path = violet_options_get(u->o, "output");
    size_t n = path ? strlen(path) : 0;
    if (n == 0) return 0;
    *output = strdup(path);
    if (!*output) return complain(EXIT_RUNTIME, "out of memory");
    if (n < 5 || strcmp(*output + n - 4, ".npy") != 0)
        return complain(EXIT_USAGE, "%s: expected an output that ends in .npy", *output);
    if (!only_checking() && access(*output, F_OK) == 0 && !is_set(u->o, "force"))
        return complain(EXIT_USAGE, "%s is there already; --force replaces it", *output);
    return 0;
}

int cmd_embed(int argc, char **argv)
{
    use u;
    char *output = NULL;
    int status = use_begin(&u, "embed", argc, argv);
    if (status == 0 && u.n == 0)
        status = complain(EXIT_USAGE, "embed: expected videos or texts; 'violet help embed' tells "
                          "more");
    if (status == 0) status = check_output(&u, &output);
    if (status == 0) status = use_open(&u);
    if (status == 0) status = embed(&u, output);
    free(output);
    return use_end(&u, status);
}
