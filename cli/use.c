/* What score, ask, embed and search share; see use.h. */
#include "use.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- time ------------------------------------------------------------------------------------ */

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Since the process began, the loading of its libraries included; to 10 ms, the kernel's unit. */
static double seconds_since_start(void)
{
    char text[1024];
    unsigned long long ticks = 0;
    FILE *f = fopen("/proc/self/stat", "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    const char *at = strrchr(text, ')'); /* the name may have anything in it */
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    if (!at || sscanf(at, "%llu", &ticks) != 1) return 0;
    return seconds_now() - (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void use_tell_times(const use *u, const char *work)
{
    double all = seconds_since_start(), last = seconds_now() - u->start;
    violet_model_facts facts;
    violet_model_describe(&facts, u->model);
    if (!u->verbose) return;
    fprintf(stderr, "violet: %.2f s from start to answer: model %.3f s (%.1f %%), frames %.3f s "
            "(beside them the weights were read, in %.3f s), video encoder %.3f s, %s %.3f s\n",
            all, u->model_seconds, all > 0 ? 100 * u->model_seconds / all : 0, u->decode_seconds,
            facts.load_seconds, u->encode_seconds, work, last);
}

/* ---- begin and end --------------------------------------------------------------------------- */

int use_told(violet_status status)
{
    return status == VIOLET_OK ? 0 : complain_options(status);
}

int use_begin(use *u, const char *name, int argc, char **argv)
{
    *u = (use){.command = name};
    violet_status status = violet_options_new(&u->o, name);
    if (status == VIOLET_OK) status = violet_options_parse(u->o, argc, argv, &u->n);
    if (status != VIOLET_OK) return use_told(status);
    u->word = argv;
    u->json = is_set(u->o, "json");
    u->verbose = is_set(u->o, "verbose");
    return 0;
}

static void add_notes(use *u, const char *notes)
{
    size_t before = u->notes ? strlen(u->notes) + 1 : 0;
    char *all = realloc(u->notes, before + strlen(notes) + 1);
    if (!all) return;
    if (before) all[before - 1] = '\n';
    strcpy(all + before, notes);
    u->notes = all;
}

int use_open(use *u)
{
    if (only_checking()) return EXIT_CHECKED;
    double start = seconds_now();
    violet_status status = violet_model_open(&u->model, NULL, u->o);
    if (status == VIOLET_OK) status = violet_session_new(&u->session, u->model, 0);
    if (status != VIOLET_OK) return use_told(status);
    violet_model_describe(&u->facts, u->model);
    u->model_seconds = seconds_now() - start;
    u->start = seconds_now();
    return 0;
}

int use_end(use *u, int status)
{
    violet_session_free(u->session);
    violet_model_close(u->model);
    violet_options_free(u->o);
    free(u->notes);
    return status;
}

/* ---- work ------------------------------------------------------------------------------------ */

void use_notes(use *u)
{
    const char *notes = violet_session_notes(u->session);
    if (!*notes) return;
    for (const char *line = notes; !u->json; line++) {
        int n = (int)strcspn(line, "\n");
        complain(0, "%.*s", n, line);
        line += n;
        if (!*line) return;
    }
    add_notes(u, notes);
}

static int is_given(const use *u, const char *size)
{
    const char *value = violet_options_get(u->o, size);
    return value && strcmp(value, "0") != 0;
}

/* What PyTorch has written does not say what it is to be used with. */
static void tell_sizes(use *u)
{
    static const char own[] = ".safetensors";
    char note[512];
    bool given = is_given(u, "size_img") && is_given(u, "size_txt") && is_given(u, "size_frame");
    const char *path = violet_options_get(u->o, "checkpoint");
    size_t n = path ? strlen(path) : 0, m = sizeof own - 1;
    if (given || *u->facts.type || n < m || strcmp(path + n - m, own) == 0) return;
    snprintf(note, sizeof note, "%.300s does not say how it was fine-tuned; taken: size_img %d, "
             "size_frame %d, size_txt %d", path, u->facts.size_img, u->facts.size_frame,
             u->facts.size_txt);
    if (u->json) add_notes(u, note);
    else complain(0, "%s", note);
}

violet_video *use_video(int *status, use *u, const char *path)
{
    violet_video *video;
    violet_video_facts facts;
    violet_status code = violet_video_encode(&video, u->session, path);
    if (code != VIOLET_OK) {
        *status = use_told(code);
        return NULL;
    }
    use_notes(u);
    if (!u->n_videos++) tell_sizes(u);
    violet_video_describe(&facts, video);
    u->model_seconds += facts.wait_seconds;
    u->decode_seconds += facts.decode_seconds;
    u->encode_seconds += facts.encode_seconds;
    u->start = seconds_now();
    return video;
}

void use_rank(int *order, double *share, const float *score, int n, double temperature)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) most = fmax(most, score[i]);
    for (int i = 0; i < n; i++) sum += share[i] = exp((score[i] - most) / temperature);
    for (int i = 0; i < n; i++) share[i] /= sum;
    for (int i = 0; i < n; i++) { /* few: insertion keeps equals in their order */
        int at = i;
        for (; at > 0 && score[order[at - 1]] < score[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

void use_json_end(const use *u)
{
    printf(",\n  \"notes\": [");
    for (char *line = u->notes; line && *line;) {
        size_t n = strcspn(line, "\n");
        char end = line[n];
        line[n] = 0;
        printf(line == u->notes ? "\n    " : ",\n    ");
        put_json_string(line);
        line[n] = end;
        line += n + (end != 0);
    }
    printf("%s]", u->notes ? "\n  " : "");
    if (u->verbose)
        printf(",\n  \"seconds\": {\"all\": %.3f, \"model\": %.3f, \"frames\": %.3f, \"video\": "
               "%.3f, \"texts\": %.3f}", seconds_since_start(), u->model_seconds, u->decode_seconds,
               u->encode_seconds, seconds_now() - u->start);
    printf("\n}\n");
}
