/* Whole reads, maps, atomic output; see file.h. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

violet_status vl_file_read(char **data, size_t *n, const char *path, size_t most)
{
    violet_status status = VIOLET_OK;
    char *buffer = NULL;
    size_t used = 0, room = 0;
    *data = NULL;
    *n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return vl_err_errno("open '%s'", path);
    for (;;) {
        if (used + 1 >= room) {
            size_t more = room ? room * 2 : 4096;
            struct stat st;
            if (!room && fstat(fd, &st) == 0 && st.st_size > 0 && (uint64_t)st.st_size <= most)
                more = (size_t)st.st_size + 2;
            char *bigger = realloc(buffer, more);
            if (!bigger) {
                status = vl_err_nomem();
                goto done;
            }
            buffer = bigger;
            room = more;
        }
        ssize_t got = read(fd, buffer + used, room - used - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            status = vl_err_errno("read '%s'", path);
            goto done;
        }
        if (got == 0) break;
        used += (size_t)got;
        if (used > most) {
            status = vl_err(VIOLET_EFORMAT, "%s: expected at most %zu bytes", path, most);
            goto done;
        }
    }
    buffer[used] = 0;
    *data = buffer;
    *n = used;
    buffer = NULL;
done:
    free(buffer);
    close(fd);
    return status;
}

bool vl_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool vl_file_same(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static violet_status map_fd(vl_map *m, int fd, const char *path)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return vl_err_errno("stat '%s'", path);
    if (!S_ISREG(st.st_mode)) return vl_err(VIOLET_EIO, "%s: expected a regular file", path);
    if (st.st_size == 0) return VIOLET_OK;
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED) return vl_err_errno("mmap '%s'", path);
    m->data = p;
    m->n = (size_t)st.st_size;
    return VIOLET_OK;
}

violet_status vl_map_open_fd(vl_map *m, int *fd, const char *path)
{
    m->data = (const uint8_t *)"";
    m->n = 0;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0) return vl_err_errno("open '%s'", path);
    violet_status status = map_fd(m, *fd, path);
    if (status != VIOLET_OK) {
        close(*fd);
        *fd = -1;
    }
    return status;
}

violet_status vl_map_open(vl_map *m, const char *path)
{
    int fd;
    violet_status status = vl_map_open_fd(m, &fd, path);
    if (fd >= 0) close(fd);
    return status;
}

void vl_map_close(vl_map *m)
{
    if (m->n) munmap((void *)(uintptr_t)m->data, m->n);
    m->data = (const uint8_t *)"";
    m->n = 0;
}

violet_status vl_dir_make(const char *path)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return vl_err(VIOLET_EINVAL, "make folder: path of %zu bytes, expected 1 to %d", n,
                      PATH_MAX - 1);
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != 0) continue;
        char kept = part[i];
        struct stat st;
        part[i] = 0;
        if (mkdir(part, 0777) != 0) {
            if (errno != EEXIST) return vl_err_errno("make folder '%s'", part);
            if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode)) {
                errno = ENOTDIR;
                return vl_err_errno("make folder '%s'", part);
            }
        }
        part[i] = kept;
    }
    return VIOLET_OK;
}

violet_status vl_path_join(char *out, size_t n_out, const char *a, const char *b)
{
    size_t n_a = b[0] == '/' ? 0 : strlen(a);
    const char *between = n_a && a[n_a - 1] != '/' ? "/" : "";
    int n = snprintf(out, n_out, "%.*s%s%s", (int)n_a, a, between, b);
    if (n < 0 || (size_t)n >= n_out)
        return vl_err(VIOLET_EINVAL, "path too long: '%.100s.../%.100s'", a, b);
    return VIOLET_OK;
}

violet_status vl_out_open(vl_out *o, const char *path)
{
    size_t n = strlen(path) + 40;
    memset(o, 0, sizeof *o);
    o->path = strdup(path);
    o->temporary = malloc(n);
    if (!o->path || !o->temporary) {
        vl_out_abandon(o);
        return vl_err_nomem();
    }
    snprintf(o->temporary, n, "%s.tmp.%ld", path, (long)getpid());
    o->file = fopen(o->temporary, "wbe");
    if (!o->file) {
        violet_status status = vl_err_errno("create '%s'", o->temporary);
        vl_out_abandon(o);
        return status;
    }
    return VIOLET_OK;
}

static violet_status fail(vl_out *o, const char *what)
{
    violet_status status = vl_err_errno("%s '%s'", what, o->path);
    vl_out_abandon(o);
    return status;
}

violet_status vl_out_write(vl_out *o, const void *data, size_t n)
{
    if (!o->file) return vl_err(VIOLET_EINVAL, "write to an output file that is closed");
    if (n && fwrite(data, 1, n, o->file) != n) return fail(o, "write");
    return VIOLET_OK;
}

violet_status vl_out_patch(vl_out *o, uint64_t at, const void *data, size_t n)
{
    if (!o->file) return vl_err(VIOLET_EINVAL, "write to an output file that is closed");
    if (fflush(o->file) != 0) return fail(o, "write");
    violet_status status = vl_fd_append(fileno(o->file), &at, data, n, o->path);
    if (status != VIOLET_OK) vl_out_abandon(o);
    return status;
}

/* The rename is durable only once its folder is on disk. Some file systems refuse to sync a
 * folder; the data is safe then, so EINVAL passes. */
static int sync_folder(const char *path)
{
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    int n = !slash ? 0 : slash == path ? 1 : (int)(slash - path);
    if (slash) snprintf(folder, sizeof folder, "%.*s", n, path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return -1;
    int bad = fsync(fd) != 0 && errno != EINVAL;
    close(fd);
    return bad ? -1 : 0;
}

static violet_status commit(vl_out *o, bool sync)
{
    if (!o->file) return vl_err(VIOLET_EINVAL, "commit of an output file that is closed");
    if (fflush(o->file) != 0 || ferror(o->file)) return fail(o, "write");
    if (sync && fsync(fileno(o->file)) != 0 && errno != EINVAL) return fail(o, "sync");
    FILE *file = o->file;
    o->file = NULL;
    if (fclose(file) != 0) return fail(o, "close");
    if (rename(o->temporary, o->path) != 0) return fail(o, "rename to");
    free(o->temporary);
    o->temporary = NULL;
    violet_status status = VIOLET_OK;
    if (sync && sync_folder(o->path) != 0)
        status = vl_err_errno("sync the folder of '%s'", o->path);
    vl_out_abandon(o);
    return status;
}

violet_status vl_out_commit(vl_out *o)
{
    return commit(o, true);
}

violet_status vl_out_commit_later(vl_out *o)
{
    return commit(o, false);
}

void vl_out_abandon(vl_out *o)
{
    int code = errno;
    if (o->file) fclose(o->file);
    if (o->temporary) unlink(o->temporary);
    free(o->path);
    free(o->temporary);
    memset(o, 0, sizeof *o);
    errno = code;
}

/* The process of "NAME.safetensors.tmp.PID", of .json, .mp4; 0 if it is no such name: other
 * people's files are left alone. */
static pid_t owner_of(const char *name)
{
    static const char *const ends[] = {".safetensors.tmp.", ".json.tmp.", ".mp4.tmp."};
    const char *digits = "", *at;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if ((at = strstr(name, ends[i]))) digits = at + strlen(ends[i]);
    size_t n = strspn(digits, "0123456789");
    return n > 0 && n < 10 && !digits[n] ? (pid_t)strtol(digits, NULL, 10) : 0;
}

void vl_out_sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        pid_t pid = owner_of(e->d_name);
        if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir) closedir(dir);
}

/* ---- files that grow ------------------------------------------------------------------------- */

violet_status vl_fd_lock(int fd, const char *path)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "another process is writing '%s'", path);
}

violet_status vl_fd_append(int fd, uint64_t *bytes, const void *data, size_t n, const char *path)
{
    for (size_t at = 0; at < n;) {
        ssize_t wrote = pwrite(fd, (const char *)data + at, n - at, (off_t)*bytes);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return vl_err_errno("write '%s'", path);
        at += (size_t)wrote;
        *bytes += (uint64_t)wrote;
    }
    return VIOLET_OK;
}

violet_status vl_fd_sync(int fd, const char *path)
{
    return fsync(fd) == 0 || errno == EINVAL ? VIOLET_OK : vl_err_errno("sync '%s'", path);
}
