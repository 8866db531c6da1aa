/* What does a path hold? See golden.h. */
#include "golden/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

typedef void (*case_fn)(golden_tally *, const golden_options *, const char *);

static int has(const char *folder, const char *name)
{
    char path[4096];
    return vl_path_join(path, sizeof path, folder, name) == VIOLET_OK && vl_file_exists(path);
}

static void refuse(golden_tally *t, const golden_options *o, const char *path, const char *why)
{
    golden_report r;
    golden_begin(&r, t, o, path);
    golden_verdict(&r, 0, path, "%s", why);
    golden_end(&r);
}

/* A folder with golden.json: the dVAE's names its decoder's parameters. */
static void walk_golden(golden_tally *t, const golden_options *o, const char *folder)
{
    char path[4096];
    if (vl_path_join(path, sizeof path, folder, "golden.json") != VIOLET_OK) return;
    json_t *json = golden_json(path);
    if (json_object_get(json, "decoder_parameters"))
        golden_case_dvae(t, o, folder);
    else if (json_object_get(json, "config"))
        golden_case_model(t, o, folder);
    else
        refuse(t, o, folder, json ? "a golden.json of no known kind" : violet_error());
    json_decref(json);
}

/* A list of objects, told apart by the keys of the first. NULL: nothing golden. */
static case_fn case_of_list(const json_t *json)
{
    static const struct {
        const char *key;
        case_fn fn;
    } kinds[] = {{"ids", golden_case_wordpiece},
                 {"jpeg_base64", golden_case_pictures},
                 {"gradient", golden_case_adamw},
                 {"rank", golden_case_ranking}};
    const json_t *first = json_array_get(json, 0);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_object_get(first, kinds[i].key)) return kinds[i].fn;
    return NULL;
}

/* loose: found in a folder, where other JSON files may lie, too */
static void walk_file(golden_tally *t, const golden_options *o, const char *path, int loose)
{
    const char *dot = strrchr(path, '.');
    json_t *json = dot && strcmp(dot, ".json") == 0 ? golden_json(path) : NULL;
    case_fn fn = case_of_list(json);
    json_decref(json);
    if (fn)
        fn(t, o, path);
    else if (!loose)
        refuse(t, o, path, "nothing golden in it");
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void walk(golden_tally *t, const golden_options *o, const char *path, int loose)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        refuse(t, o, path, "not there");
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        walk_file(t, o, path, loose);
        return;
    }
    if (has(path, "golden.json")) {
        walk_golden(t, o, path);
        return;
    }
    if (has(path, "expected_float32.safetensors")) {
        golden_case_checkpoints(t, o, path);
        return;
    }
    struct dirent **list;
    int n = scandir(path, &list, not_hidden, alphasort), before = t->cases;
    for (int i = 0; i < n; i++) {
        char child[4096];
        if (vl_path_join(child, sizeof child, path, list[i]->d_name) == VIOLET_OK)
            walk(t, o, child, 1);
        free(list[i]);
    }
    if (n >= 0) free(list);
    if (!loose && t->cases == before) refuse(t, o, path, "nothing golden in it");
}

void golden_walk(golden_tally *t, const golden_options *o, const char *path)
{
    walk(t, o, path, 0);
}
