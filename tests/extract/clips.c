/* See clips.h. */
#include "clips.h"

#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after its four headers */
#include <cmocka.h>

#include "base/file.h"
#include "extract/frames.h"

void clips_open(char *folder)
{
    strcpy(folder, "/tmp/vl_clips_XXXXXX");
    if (!mkdtemp(folder)) fail_msg("mkdtemp");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void clips_close(const char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *clips_path(const char *folder, const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void clips_write(const char *folder, const char *name, const void *bytes, size_t n)
{
    char *path = clips_path(folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) fail_msg("cannot write %s", path);
}

void clips_y4m(const char *folder, const char *name, int width, int height, int n_frames,
               int first)
{
    size_t luma = (size_t)width * (size_t)height;
    size_t chroma = 2 * (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2);
    size_t frame = 6 + luma + chroma, at = 0;
    char *bytes = malloc(100 + (size_t)n_frames * frame);
    at += (size_t)sprintf(bytes, "YUV4MPEG2 W%d H%d F25:1 A1:1 C420jpeg\n", width, height);
    for (int k = 0; k < n_frames; k++, at += frame) {
        memcpy(bytes + at, "FRAME\n", 6);
        memset(bytes + at + 6, 16 + (2 * k + first) % 200, luma);
        memset(bytes + at + 6 + luma, 128, chroma);
    }
    clips_write(folder, name, bytes, at);
    free(bytes);
}

char *clips_read(size_t *n, const char *folder, const char *name)
{
    char *text;
    if (vl_file_read(&text, n, clips_path(folder, name), (size_t)1 << 30) != VIOLET_OK)
        fail_msg("%s", violet_error());
    return text;
}

int clips_has(const char *folder, const char *name)
{
    return access(clips_path(folder, name), F_OK) == 0;
}

void clips_same(const char *folder, const char *a, const char *b, const char *ending)
{
    char name_a[300], name_b[300];
    size_t n, k;
    snprintf(name_a, sizeof name_a, "%s%s", a, ending);
    snprintf(name_b, sizeof name_b, "%s%s", b, ending);
    char *x = clips_read(&n, folder, name_a), *y = clips_read(&k, folder, name_b);
    size_t at = 0;
    while (at < n && at < k && x[at] == y[at]) at++;
    if (n != k || at < n)
        fail_msg("%s (%zu bytes) and %s (%zu) differ at byte %zu: '%.80s', '%.80s'", name_a, n,
                 name_b, k, at, x + at, y + at);
    free(x);
    free(y);
}

void clips_same_data(const char *folder, const char *a, const char *b)
{
    static const char *const endings[] = {".tsv", ".lineidx", ".manifest.jsonl"};
    for (int i = 0; i < 3; i++) {
        char name[300];
        clips_same(folder, a, b, endings[i]);
        snprintf(name, sizeof name, "%s%s.partial", b, endings[i]);
        if (clips_has(folder, name)) fail_msg("%s is left", name);
    }
}

json_t *clips_line(const char *folder, const char *name, int i)
{
    size_t n;
    char *text = clips_read(&n, folder, name), *line = text;
    for (; i > 0 && line; i--) line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL;
    if (!line || !strchr(line, '\n')) fail_msg("%s: too few lines", name);
    json_t *o = json_loadb(line, strcspn(line, "\n"), 0, NULL);
    if (!json_is_object(o)) fail_msg("%s: no object: %.100s", name, line);
    free(text);
    return o;
}

const char *clips_text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* ---- running --------------------------------------------------------------------------------- */

typedef struct watcher {
    clips_result *r;
    clips_end end;
    int n;
    volatile sig_atomic_t stop;
} watcher;

static void watch(void *user, const violet_event *e)
{
    watcher *w = user;
    if (e->kind == VIOLET_EVENT_WARNING) w->r->n_warnings++;
    if (e->kind == VIOLET_EVENT_MESSAGE) {
        size_t used = strlen(w->r->messages);
        snprintf(w->r->messages + used, sizeof w->r->messages - used, "%s\n", e->text);
    }
    if (e->kind != VIOLET_EVENT_ITEM) return;
    w->r->n_bad = e->n_bad;
    if (++w->r->n_items != w->n) return;
    if (w->end == CLIPS_KILL) raise(SIGKILL);
    if (w->end == CLIPS_STOP) w->stop = 1;
}

static void set(vl_frames_options *o, const char *name, const char *value)
{
    if (vl_option_set(vl_frames_option_table, o, name, value) != VIOLET_OK)
        fail_msg("%s", violet_error());
}

clips_result clips_run(const char *folder, const char *path, const char *output, const char *flags,
                       clips_end end, int n)
{
    clips_result r = {0};
    watcher w = {&r, end, n, 0};
    violet_hooks hooks = {&w, watch, &w.stop};
    vl_frames_options o = {0};
    char copy[500], *argv[20], *rest[20], *save;
    int argc = 0, n_rest;
    snprintf(copy, sizeof copy, "%s", flags);
    for (char *s = strtok_r(copy, " ", &save); s && argc < 20; s = strtok_r(NULL, " ", &save))
        argv[argc++] = s;
    assert_int_equal(vl_option_defaults(vl_frames_option_table, &o), VIOLET_OK);
    set(&o, "path", path[0] == '/' ? path : clips_path(folder, path));
    set(&o, "output", clips_path(folder, output));
    if (vl_option_args(vl_frames_option_table, &o, argc, argv, rest, &n_rest) != VIOLET_OK)
        fail_msg("%s", violet_error());
    r.status = vl_frames_run(&o, &hooks);
    if (r.status != VIOLET_OK) snprintf(r.error, sizeof r.error, "%s", violet_error());
    vl_option_release(vl_frames_option_table, &o);
    return r;
}

clips_result clips_ok(const char *folder, const char *path, const char *output, const char *flags)
{
    clips_result r = clips_run(folder, path, output, flags, CLIPS_RUN, 0);
    if (r.status != VIOLET_OK) fail_msg("%s %s: %s", output, flags, r.error);
    return r;
}

void clips_fails(const char *folder, const char *path, const char *output, const char *flags,
                 violet_status status, const char *words)
{
    clips_result r = clips_run(folder, path, output, flags, CLIPS_RUN, 0);
    if (r.status != status || !strstr(r.error, words))
        fail_msg("%s %s: status %d '%s', expected %d '%s'", output, flags, r.status, r.error,
                 status, words);
}
