/* Folders and lists of videos; see video_list.h. */
#include "media/video_list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <utf8proc.h>

#include "base/file.h"
#include "base/status.h"
#include "media/video.h"

#define LIST_MOST ((size_t)1 << 30)

/* A folder being walked, and those it lies in: a link back up to one of them is not followed. */
typedef struct place {
    const struct place *up;
    dev_t device;
    ino_t inode;
} place;

/* ---- text ------------------------------------------------------------------------------------ */

violet_status vl_escape(vl_buf *out, const char *s, size_t n)
{
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < n && status == VIOLET_OK;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k =
            utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(n - i), &c);
        bool plain = k > 0 && c >= 0x20 && c != 0x7f;
        if (k < 1) k = 1;
        status = plain ? vl_buf_append(out, s + i, (size_t)k)
                       : vl_buf_printf(out, "%%%02X", (unsigned)(uint8_t)s[i]);
        i += (size_t)k;
    }
    return status;
}

/* The id of a name's first n bytes. */
static violet_status keep_id(vl_video_list *l, const char **id, const char *name, size_t n)
{
    vl_buf b = {0};
    violet_status status = vl_escape(&b, name, n);
    if (status == VIOLET_OK && !(*id = vl_strings_keep(&l->strings, b.data, b.n)))
        status = vl_err_nomem();
    vl_buf_free(&b);
    return status;
}

void vl_video_list_release(vl_video_list *l)
{
    vl_strings_release(&l->strings);
    free(l->file);
    memset(l, 0, sizeof *l);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static violet_status add(vl_video_list *l, const char *path, const char *name, const char *id)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        vl_video_entry *more = realloc(l->file, cap * sizeof *more);
        if (!more) return vl_err_nomem();
        l->file = more;
        l->cap = cap;
    }
    size_t n_path = strlen(path), n_name = strlen(name);
    vl_video_entry f = {.path = vl_strings_keep(&l->strings, path, n_path)};
    bool is_end = n_name <= n_path && strcmp(path + n_path - n_name, name) == 0;
    if (f.path)
        f.name = is_end ? f.path + n_path - n_name : vl_strings_keep(&l->strings, name, n_name);
    if (!f.path || !f.name) return vl_err_nomem();
    if (!id) {
        id = name;
        const char *dot = vl_video_has_name(name) ? strrchr(name, '.') : NULL;
        if (dot && dot > last_part(name)) f.n_ending = (uint32_t)strlen(dot);
    }
    violet_status status = keep_id(l, &f.id, id, strlen(id) - f.n_ending);
    if (status == VIOLET_OK) l->file[l->n++] = f;
    return status;
}

violet_status vl_video_list_add(vl_video_list *l, const char *path, const char *name)
{
    return add(l, path, name ? name : last_part(path), NULL);
}

/* ---- folders --------------------------------------------------------------------------------- */

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
    while (status == VIOLET_OK) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e && errno) status = vl_err_errno("read folder '%s'", folder);
        if (!e) break;
        if (e->d_name[0] == '.') continue;
        status = vl_path_join(path, PATH_MAX, folder, e->d_name);
        if (status != VIOLET_OK) break;
        bool there = stat(path, &st) == 0;
        if (there && S_ISDIR(st.st_mode)) {
            if (!is_above(&here, &st)) status = walk(l, path, n_root, &here);
        } else if (vl_video_has_name(e->d_name)) {
            status = vl_video_list_add(l, path, path + n_root);
        } else {
            l->n_other++;
        }
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

/* ---- order ----------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const vl_video_entry *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->path, y->path);
}

static int by_id_of(const void *a, const void *b)
{
    return by_id(*(vl_video_entry *const *)a, *(vl_video_entry *const *)b);
}

static violet_status tell_twice(const vl_video_entry *a, const vl_video_entry *b)
{
    if (a->line && b->line)
        return vl_err(VIOLET_EINVAL, "lines %u and %u: two videos have the id '%.200s'",
                      a->line < b->line ? a->line : b->line, a->line < b->line ? b->line : a->line,
                      a->id);
    return vl_err(VIOLET_EINVAL, "two videos have the id '%.200s', '%.300s' is one of them", a->id,
                  a->path);
}

/* Gives their endings back to files of one id. They may then meet another one's ("a.webm" that of
 * "a.webm.mp4"), so this goes on until nothing changes. */
static violet_status part_once(vl_video_list *l, vl_video_entry **order, bool *changed)
{
    vl_video_entry **twice = NULL; /* two of one id */
    *changed = false;
    for (size_t i = 0, end; i < l->n; i = end) {
        bool here = false;
        for (end = i + 1; end < l->n && strcmp(order[i]->id, order[end]->id) == 0;) end++;
        for (size_t k = i; end - i > 1 && k < end; k++) {
            vl_video_entry *f = order[k];
            if (!f->n_ending) continue;
            if (keep_id(l, &f->id, f->name, strlen(f->name)) != VIOLET_OK) return VIOLET_ENOMEM;
            f->n_ending = 0;
            l->n_kept++;
            here = true;
        }
        if (end - i > 1 && !here) twice = &order[i];
        *changed |= here;
    }
    return !twice || *changed ? VIOLET_OK : tell_twice(twice[0], twice[1]);
}

static violet_status part_ids(vl_video_list *l)
{
    violet_status status = VIOLET_OK;
    vl_video_entry **order = malloc((l->n + 1) * sizeof *order);
    if (!order) return vl_err_nomem();
    for (size_t i = 0; i < l->n; i++) order[i] = &l->file[i];
    for (bool changed = true; changed && status == VIOLET_OK;) {
        qsort(order, l->n, sizeof *order, by_id_of);
        status = part_once(l, order, &changed);
    }
    free(order);
    return status;
}

violet_status vl_video_list_sort(vl_video_list *l)
{
    violet_status status = part_ids(l);
    if (status == VIOLET_OK && l->n > 1) qsort(l->file, l->n, sizeof *l->file, by_id);
    return status;
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The part of a listed path that gives the id: all of it, if it leads downward. */
static const char *name_of(const char *path)
{
    while (path[0] == '.' && path[1] == '/') path += 2;
    bool up = path[0] == '/' || strncmp(path, "../", 3) == 0 || strstr(path, "/../");
    return up ? last_part(path) : path;
}

/* PATH or PATH TAB ID; cut into its pieces. */
static violet_status add_line(vl_video_list *l, const char *folder, char *line, size_t number)
{
    char path[PATH_MAX];
    size_t n = strlen(line), n_before = l->n;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    if (line[strspn(line, " \t")] == 0 || *line == '#') return VIOLET_OK;
    char *id = strchr(line, '\t');
    if (id) *id++ = 0;
    if (!*line || (id && !*id))
        return vl_err(VIOLET_EFORMAT, "expected a path, or a path, TAB and an id");
    if (id && strchr(id, '\t'))
        return vl_err(VIOLET_EFORMAT, "expected a path, TAB and an id, found a third column");
    violet_status status = vl_path_join(path, sizeof path, folder, line);
    if (status == VIOLET_OK) status = add(l, path, id ? line : name_of(line), id);
    if (l->n > n_before) l->file[n_before].line = number < UINT32_MAX ? (uint32_t)number : 0;
    return status;
}

static violet_status read_list(vl_video_list *l, const char *path)
{
    static const char mark[] = "\xef\xbb\xbf"; /* of byte order, as some editors put it first */
    char *text, folder[PATH_MAX] = "";
    size_t n, number = 0;
    const char *slash = strrchr(path, '/');
    if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash + 1 - path), path);
    violet_status status = vl_file_read(&text, &n, path, LIST_MOST);
    if (status != VIOLET_OK) return status;
    char *line = strncmp(text, mark, 3) == 0 ? text + 3 : text;
    for (char *end = text + n; line < end && status == VIOLET_OK;) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        if (!next) next = end; /* there is a 0 behind the text */
        *next = 0;
        number++;
        status = add_line(l, folder, line, number);
        line = next + 1;
    }
    free(text);
    if (status == VIOLET_OK) status = part_ids(l);
    else vl_err_at(status, "line %zu", number);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

/* A video of any kind has a 0 byte near its beginning, a text has none. */
static violet_status looks_like_text(bool *text, const char *path)
{
    char head[4096];
    FILE *f = fopen(path, "rbe");
    if (!f) return vl_err_errno("open '%s'", path);
    size_t n = fread(head, 1, sizeof head, f);
    bool bad = ferror(f);
    if (bad) vl_err_errno("read '%s'", path);
    fclose(f);
    *text = !memchr(head, 0, n);
    return bad ? VIOLET_EIO : VIOLET_OK;
}

violet_status vl_video_list_open(vl_video_list *l, const char *path)
{
    struct stat st;
    violet_status status = VIOLET_OK;
    bool text = false;
    memset(l, 0, sizeof *l);
    if (stat(path, &st) != 0) return vl_err_errno("open '%s'", path);
    if (S_ISDIR(st.st_mode)) {
        status = vl_video_list_folder(l, path);
        if (status == VIOLET_OK) status = vl_video_list_sort(l);
    } else if (!S_ISREG(st.st_mode)) {
        status = vl_err(VIOLET_EINVAL, "%s: expected a folder or a regular file", path);
    } else {
        if (!vl_video_has_name(path)) status = looks_like_text(&text, path);
        if (status == VIOLET_OK)
            status = text ? read_list(l, path) : vl_video_list_add(l, path, NULL);
    }
    if (status == VIOLET_OK && l->n == 0)
        status = vl_err(VIOLET_EINVAL, "%s: no videos in it (%zu other files)", path, l->n_other);
    if (status != VIOLET_OK) vl_video_list_release(l);
    return status;
}
