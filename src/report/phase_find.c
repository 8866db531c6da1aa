/* The folders of runs below a folder; see phase.h. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/grow.h"
#include "report/phase_internal.h"

#define DEPTH 4          /* folders below the one that was given */
#define ENTRIES_MOST 4096 /* of one folder: with more, it holds data and no runs */

typedef struct names {
    char **name;
    size_t n, cap;
} names;

static void names_release(names *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->name[i]);
    free(l->name);
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* Folders, also through links; hidden ones aside. */
static bool is_folder(const char *path)
{
    DIR *d = opendir(path);
    if (d) closedir(d);
    return d != NULL;
}

static violet_status add(names *l, const char *folder, const struct dirent *e)
{
    char path[4096];
    if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_LNK &&
                                e->d_type != DT_UNKNOWN))
        return VIOLET_OK;
    if (vl_path_join(path, sizeof path, folder, e->d_name) != VIOLET_OK || !is_folder(path))
        return VIOLET_OK;
    violet_status status = vl_grow(&l->name, &l->cap, l->n, sizeof *l->name, 16);
    if (status != VIOLET_OK) return status;
    l->name[l->n] = strdup(path);
    return l->name[l->n] ? (l->n++, VIOLET_OK) : vl_err_nomem();
}

static violet_status list(names *l, const char *folder)
{
    violet_status status = VIOLET_OK;
    int seen = 0;
    DIR *d = opendir(folder);
    if (!d) return vl_err_errno("open folder '%s'", folder);
    for (struct dirent *e; status == VIOLET_OK && (e = readdir(d)) && seen++ < ENTRIES_MOST;)
        status = add(l, folder, e);
    closedir(d);
    if (l->n) qsort(l->name, l->n, sizeof *l->name, by_name);
    return status;
}

static violet_status walk(phases *all, const char *folder, int depth)
{
    names l = {0};
    violet_status status = phases_take(all, folder);
    if (status == VIOLET_OK && depth < DEPTH) status = list(&l, folder);
    for (size_t i = 0; i < l.n && status == VIOLET_OK; i++)
        status = walk(all, l.name[i], depth + 1);
    names_release(&l);
    return status;
}

/* By kind; of one kind in the order in which they were found. */
static void sort(phase *list, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        phase p = list[i];
        size_t at = i;
        for (; at > 0 && list[at - 1].kind > p.kind; at--) list[at] = list[at - 1];
        list[at] = p;
    }
}

/* Below `folder`, a phase is called by its way from there. */
static violet_status rename_below(phase *p, const char *folder)
{
    size_t n = strlen(folder);
    while (n > 0 && folder[n - 1] == '/') n--;
    if (strncmp(p->folder, folder, n) != 0 || p->folder[n] != '/' || !p->folder[n + 1])
        return VIOLET_OK;
    char *name = strdup(p->folder + n + strspn(p->folder + n, "/"));
    if (!name) return vl_err_nomem();
    free(p->name);
    p->name = name;
    return VIOLET_OK;
}

violet_status phases_find(phases *all, const char *folder)
{
    size_t before = all->n;
    violet_status status = walk(all, folder, 0);
    if (status != VIOLET_OK) return status;
    if (all->n == before)
        return vl_err(VIOLET_EINVAL, "%.500s: no run: expected args.json and steps.jsonl of a "
                      "training, or result.json of an evaluation, in it or below it", folder);
    for (size_t i = before; i < all->n && status == VIOLET_OK; i++)
        status = rename_below(&all->list[i], folder);
    sort(all->list + before, all->n - before);
    return status;
}
