/* Names from patterns; see names.h. */
#include "data/names.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

#define NAME_BYTES 512

/* A pattern's letters from p to end, with what they stand for; NAME_BYTES or more: too long. */
static size_t spell(char file[NAME_BYTES], const char *p, const char *end, const char *name,
                    const char *split, int number)
{
    size_t used = 0;
    file[0] = 0;
    for (; p < end && used < NAME_BYTES; p++) {
        char *at = file + used;
        size_t room = NAME_BYTES - used;
        int k;
        if (*p == 'N') k = snprintf(at, room, "%s", name);
        else if (*p == 'S') k = snprintf(at, room, "%s", split);
        else if (*p == 'P') k = snprintf(at, room, "%d", number);
        else k = snprintf(at, room, "%c", *p);
        used += (size_t)k;
    }
    return used;
}

violet_status vl_name_find(char *out, const char *folder, const char *const *patterns, int n,
                           const char *name, const char *split, int number)
{
    char file[NAME_BYTES];
    for (int i = 0; i < n; i++) {
        const char *end = patterns[i] + strlen(patterns[i]);
        if (spell(file, patterns[i], end, name, split, number) >= sizeof file)
            return vl_err(VIOLET_EINVAL, "data set name '%.100s' is too long", name);
        violet_status status = vl_path_join(out, VL_PATH_BYTES, folder, file);
        if (status != VIOLET_OK) return status;
        if (vl_file_exists(out)) return VIOLET_OK;
    }
    out[0] = 0;
    return VIOLET_OK;
}

static bool has_beginning(const char *file)
{
    return vl_str_begins(file, "img_") || vl_str_begins(file, "txt_") || vl_str_begins(file, "vq_");
}

/* The name that the pattern has to have for the file to be its; NULL: it cannot be. A pattern of a
 * folder ends in '/', the entry does not. */
static const char *name_in(size_t *n, const char *file, const char *pattern, const char *split)
{
    char before[NAME_BYTES], behind[NAME_BYTES];
    const char *end = pattern + strlen(pattern), *at = strchr(pattern, 'N');
    if (at == pattern && has_beginning(file)) return NULL; /* another pattern's */
    if (vl_str_ends(pattern, "/")) end--;
    if (spell(before, pattern, at, "", split, 0) >= sizeof before ||
        spell(behind, at + 1, end, "", split, 0) >= sizeof behind)
        return NULL;
    size_t n_file = strlen(file), n_before = strlen(before), n_behind = strlen(behind);
    if (n_file <= n_before + n_behind || !vl_str_begins(file, before) || !vl_str_ends(file, behind))
        return NULL;
    *n = n_file - n_before - n_behind;
    return file + n_before;
}

void vl_name_try_all(vl_nearest *x, const char *folder, const char *const *patterns, int n,
                     const char *split)
{
    DIR *dir = opendir(*folder ? folder : ".");
    const struct dirent *e;
    while (dir && (e = readdir(dir)))
        for (int i = 0; i < n && e->d_name[0] != '.'; i++) {
            size_t n_name;
            const char *name = name_in(&n_name, e->d_name, patterns[i], split);
            if (name) vl_nearest_try(x, name, n_name);
        }
    if (dir) closedir(dir);
}

static const char *const parts[] = {"img_N_S_P.tsv"};
static const char *const one[] = {"img_N_S.tsv"};
static const char *const all[] = {"img_N.tsv", "img_N.pkl", "N.tsv",    "N.pkl",
                                  "N/",        "img_N/",    "videos_N/"};
static const int n_all = sizeof all / sizeof *all;

violet_status vl_name_pictures(char *out, bool *whole, const char *folder, const char *name,
                               const char *split, int part)
{
    *whole = false;
    violet_status status = vl_name_find(out, folder, parts, 1, name, split, 0);
    if (status == VIOLET_OK && out[0] && part > 0)
        return vl_name_find(out, folder, parts, 1, name, split, part);
    if (status != VIOLET_OK || out[0] || part > 0) return status;
    status = vl_name_find(out, folder, one, 1, name, split, 0);
    if (status != VIOLET_OK || out[0]) return status;
    status = vl_name_find(out, folder, all, n_all, name, split, 0);
    *whole = out[0] != 0;
    return status;
}

void vl_name_try_pictures(vl_nearest *x, const char *folder, const char *split)
{
    vl_name_try_all(x, folder, parts, 1, split);
    vl_name_try_all(x, folder, one, 1, split);
    vl_name_try_all(x, folder, all, n_all, split);
}
