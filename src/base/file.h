/* Files: whole reads, read-only maps, paths, and output files that appear complete or not at all.
 *
 *     vl_out o;
 *     if ((status = vl_out_open(&o, "model.safetensors")) != VIOLET_OK) return status;
 *     status = vl_out_write(&o, data, n);
 *     if (status == VIOLET_OK) status = vl_out_commit(&o);     // fsync, rename, fsync the folder
 *     else vl_out_abandon(&o);
 *
 * Until the commit everything stands in PATH.tmp.PID in the same folder. A failing call of the
 * vl_out family removes that file itself; abandoning afterwards is allowed and does nothing.
 * A map shows the file as it is on disk: who shortens a mapped file stops the program (SIGBUS). */
#ifndef VL_BASE_FILE_H
#define VL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* The whole file, with a 0 byte after it; the caller frees *data. More than `most` bytes: an
 * error. Works on pipes too. */
violet_status vl_file_read(char **data, size_t *n, const char *path, size_t most);

bool vl_file_exists(const char *path);
/* Whether two names are of one file, also through links. No if either is not there. */
bool vl_file_same(const char *a, const char *b);

typedef struct vl_map {
    const uint8_t *data; /* (n); not NULL even when n is 0 */
    size_t n;
} vl_map;

violet_status vl_map_open(vl_map *m, const char *path);
/* The same; *fd stays open, for the caller to read and to close: bytes that are copied anyway come
 * cheaper by pread() than through the map, whose pages would have to be mapped one by one. */
violet_status vl_map_open_fd(vl_map *m, int *fd, const char *path);
void vl_map_close(vl_map *m);

/* mkdir -p. */
violet_status vl_dir_make(const char *path);

/* "a/b" of "a" and "b", "b" when that is absolute or `a` is empty. EINVAL when it does not fit. */
violet_status vl_path_join(char *out, size_t n_out, const char *a, const char *b);

typedef struct vl_out {
    FILE *file; /* NULL once committed or abandoned */
    char *path, *temporary;
} vl_out;

violet_status vl_out_open(vl_out *o, const char *path);
violet_status vl_out_write(vl_out *o, const void *data, size_t n);
/* n bytes over those at `at`, which were written before; what comes next still goes to the end. */
violet_status vl_out_patch(vl_out *o, uint64_t at, const void *data, size_t n);
violet_status vl_out_commit(vl_out *o);
/* The same without waiting for the disk, for thousands of small files: after a power cut the file
 * may be there and be damaged, so who goes on with it must look at what is in it. */
violet_status vl_out_commit_later(vl_out *o);
void vl_out_abandon(vl_out *o);

/* ---- files that grow while long work goes on ------------------------------------------------ */

/* EINVAL where another process has it locked; released when fd is closed. `path` is for messages,
 * as below. Where the file system has no locks, nobody else is noticed. */
violet_status vl_fd_lock(int fd, const char *path);
/* Writes n bytes behind the first *bytes, which grow by what was written. */
violet_status vl_fd_append(int fd, uint64_t *bytes, const void *data, size_t n, const char *path);
/* fsync; what cannot be synced, as a pipe, need not be. */
violet_status vl_fd_sync(int fd, const char *path);

/* Removes what killed processes left in a folder: files PATH.tmp.PID whose process is gone. */
void vl_out_sweep(const char *folder);

#endif
