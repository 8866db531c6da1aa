/* Walks a folder for videos; see video_list.h. */
#include "media/video_list.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video.h"

/* A folder being walked, and those it lies in: a link back up to one of them is not followed. */
typedef struct place {
    const struct place *up;
    dev_t device;
    ino_t inode;
} place;

void vl_video_list_release(vl_video_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->file[i].path);
        free(l->file[i].id);
    }
    free(l->file);
    memset(l, 0, sizeof *l);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

violet_status vl_video_list_add(vl_video_list *l, const char *path, const char *below)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        vl_video_file *more = realloc(l->file, cap * sizeof *more);
        if (!more) return vl_err_nomem();
        l->file = more;
        l->cap = cap;
    }
    const char *name = last_part(path), *dot = strrchr(name, '.');
    vl_video_file f = {strdup(path), strdup(below ? below : name), 0};
    if (!f.path || !f.id) {
        free(f.path);
        free(f.id);
        return vl_err_nomem();
    }
    if (dot && dot > name) f.n_ending = strlen(dot);
    if (f.n_ending < strlen(f.id)) f.id[strlen(f.id) - f.n_ending] = 0;
    l->file[l->n++] = f;
    return VIOLET_OK;
}

static bool is_above(const place *p, const struct stat *st)
{
    for (; p; p = p->up)
        if (p->device == st->st_dev && p->inode == st->st_ino) return true;
    return false;
}

/* n_root: bytes of a path that are not part of an id. */
static violet_status walk(vl_video_list *l, const char *folder, size_t n_root, const place *up)
{
    violet_status status = VIOLET_OK;
    struct stat st;
    DIR *dir = opendir(folder);
    if (!dir) return vl_err_errno("open folder '%s'", folder);
    char *path = malloc(PATH_MAX);
    if (!path || fstat(dirfd(dir), &st) != 0) {
        status = path ? vl_err_errno("stat '%s'", folder) : vl_err_nomem();
        goto done;
    }
    place here = {up, st.st_dev, st.st_ino};
    for (struct dirent *e; status == VIOLET_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        status = vl_path_join(path, PATH_MAX, folder, e->d_name);
        if (status != VIOLET_OK) break;
        if (stat(path, &st) != 0) continue; /* a link to nowhere, or gone meanwhile */
        if (S_ISDIR(st.st_mode) && !is_above(&here, &st))
            status = walk(l, path, n_root, &here);
        else if (S_ISREG(st.st_mode) && vl_video_has_name(path))
            status = vl_video_list_add(l, path, path + n_root);
    }
done:
    free(path);
    closedir(dir);
    return status;
}

violet_status vl_video_list_folder(vl_video_list *l, const char *folder)
{
    size_t n = strlen(folder);
    return walk(l, folder, n && folder[n - 1] == '/' ? n : n + 1, NULL);
}

static int by_id(const void *a, const void *b)
{
    const vl_video_file *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->path, y->path);
}

/* Gives the ending back to the later of two with one id. It may then meet a third one's id
 * ("a.webm" that of "a.webm.mp4"), so this goes on until nothing changes. */
static violet_status part_ids(vl_video_list *l, bool *changed)
{
    *changed = false;
    for (size_t i = 1; i < l->n; i++) {
        vl_video_file *f = &l->file[i];
        if (strcmp(f->id, f[-1].id) != 0) continue;
        if (!f->n_ending) f--;
        if (!f->n_ending) continue; /* the same file twice */
        size_t n = strlen(f->id);
        char *id = realloc(f->id, n + f->n_ending + 1);
        if (!id) return vl_err_nomem();
        f->id = id;
        strcpy(id + n, f->path + strlen(f->path) - f->n_ending);
        f->n_ending = 0;
        *changed = true;
    }
    return VIOLET_OK;
}

violet_status vl_video_list_sort(vl_video_list *l)
{
    violet_status status = VIOLET_OK;
    for (bool changed = true; changed && status == VIOLET_OK;) {
        if (l->n > 1) qsort(l->file, l->n, sizeof *l->file, by_id);
        status = part_ids(l, &changed);
    }
    return status;
}
