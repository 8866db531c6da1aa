/* Lines and their index, to be gone on with after a kill; see tsv_write.h. */
#include "file/tsv_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

/* So many of the last lines are looked at when a writer goes on. */
#define LINES_CHECKED 256
#define CHUNK ((size_t)64 << 10)

typedef struct part {
    int fd;
    uint64_t size;
    char *path, *partial;
} part;

struct vl_tsv_writer {
    part tsv, index;
    size_t n;
    vl_buf line;
};

/* ---- files ----------------------------------------------------------------------------------- */

static violet_status name_part(part *p, const char *stem, size_t n_stem, const char *ending)
{
    vl_buf b = {0};
    p->fd = -1;
    violet_status status = vl_buf_printf(&b, "%.*s%s", (int)n_stem, stem, ending);
    if (status == VIOLET_OK && !(p->path = strdup(b.data))) status = vl_err_nomem();
    if (status == VIOLET_OK) status = vl_buf_puts(&b, ".partial");
    p->partial = vl_buf_steal(&b);
    return status;
}

static violet_status open_part(part *p, bool resume)
{
    /* an interrupted finish: what it renamed becomes partial again */
    if (resume && access(p->partial, F_OK) != 0 && rename(p->path, p->partial) != 0 &&
        errno != ENOENT)
        return vl_err_errno("rename '%s' to '%s'", p->path, p->partial);
    p->fd = open(p->partial, O_RDWR | O_CREAT | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
    if (p->fd < 0) return vl_err_errno("create '%s'", p->partial);
    off_t size = lseek(p->fd, 0, SEEK_END);
    if (size < 0) return vl_err_errno("seek in '%s'", p->partial);
    p->size = (uint64_t)size;
    return VIOLET_OK;
}

static violet_status write_part(part *p, const char *s, size_t n)
{
    return vl_fd_append(p->fd, &p->size, s, n, p->partial);
}

static violet_status read_part(const part *p, char *s, size_t n, uint64_t at)
{
    while (n) {
        ssize_t got = pread(p->fd, s, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return vl_err_errno("read '%s'", p->partial);
        if (got == 0) return vl_err(VIOLET_EIO, "%s: became shorter", p->partial);
        s += got;
        n -= (size_t)got;
        at += (uint64_t)got;
    }
    return VIOLET_OK;
}

static violet_status cut_part(part *p, uint64_t size)
{
    if (size == p->size) return VIOLET_OK;
    if (ftruncate(p->fd, (off_t)size) != 0) return vl_err_errno("truncate '%s'", p->partial);
    p->size = size;
    return VIOLET_OK;
}

static void close_part(part *p, bool remove)
{
    if (p->fd >= 0) close(p->fd);
    if (remove && p->partial) unlink(p->partial);
    free(p->path);
    free(p->partial);
}

static void release(vl_tsv_writer *w, bool remove)
{
    if (!w) return;
    int code = errno;
    close_part(&w->tsv, remove);
    close_part(&w->index, remove);
    vl_buf_free(&w->line);
    free(w);
    errno = code;
}

/* ---- going on -------------------------------------------------------------------------------- */

/* An entry of the index: its bytes there, and the offset that it says. */
typedef struct entry {
    uint64_t at, end, start;
} entry;

typedef violet_status (*take_entry)(void *user, const entry *e, size_t n);

/* Gives all whole entries that can be, until one cannot. */
static violet_status walk_index(const part *p, uint64_t most, take_entry take, void *user)
{
    char chunk[4096];
    entry e = {0};
    size_t n = 0, digits = 0;
    uint64_t before = 0;
    for (uint64_t at = 0; at < p->size;) {
        size_t got = p->size - at < sizeof chunk ? (size_t)(p->size - at) : sizeof chunk;
        violet_status status = read_part(p, chunk, got, at);
        if (status != VIOLET_OK) return status;
        for (size_t i = 0; i < got; i++, at++) {
            if (chunk[i] >= '0' && chunk[i] <= '9' && digits < 18) {
                e.start = e.start * 10 + (uint64_t)(chunk[i] - '0');
                digits++;
                continue;
            }
            bool fits = n ? e.start > before : e.start == 0;
            if (chunk[i] != '\n' || !digits || !fits || e.start >= most) return VIOLET_OK;
            e.end = at + 1;
            if ((status = take(user, &e, n++)) != VIOLET_OK) return status;
            before = e.start;
            e = (entry){.at = e.end};
            digits = 0;
        }
    }
    return VIOLET_OK;
}

/* The last entries of an index, in a ring. */
typedef struct tail {
    entry ring[LINES_CHECKED];
    size_t n;
} tail;

static violet_status take_tail(void *user, const entry *e, size_t n)
{
    tail *t = user;
    t->ring[n % LINES_CHECKED] = *e;
    t->n = n + 1;
    return VIOLET_OK;
}

/* The end of the line that starts at `at`, 0 if it has none or a 0 byte in it. */
static violet_status find_end(uint64_t *end, const part *p, uint64_t at)
{
    violet_status status = VIOLET_OK;
    char *chunk = malloc(CHUNK);
    *end = 0;
    if (!chunk) return vl_err_nomem();
    for (; at < p->size && !*end;) {
        size_t n = p->size - at < CHUNK ? (size_t)(p->size - at) : CHUNK;
        if ((status = read_part(p, chunk, n, at)) != VIOLET_OK) break;
        const char *newline = memchr(chunk, '\n', n);
        if (memchr(chunk, 0, newline ? (size_t)(newline - chunk) : n)) break;
        if (newline) *end = at + (uint64_t)(newline - chunk) + 1;
        at += n;
    }
    free(chunk);
    return status;
}

/* What of the files is whole. */
typedef struct whole {
    size_t n; /* lines */
    uint64_t tsv_end, index_end;
} whole;

/* Looks at the last lines that start before `most`. *most becomes 0, or where none of those holds
 * and there are earlier ones, the start of the first of those. */
static violet_status look_at_tail(whole *out, uint64_t *most, tail *t, const vl_tsv_writer *w)
{
    uint64_t next = *most < w->tsv.size ? *most : 0; /* where the last line ends; 0: not known */
    *t = (tail){0};
    *out = (whole){0};
    violet_status status = walk_index(&w->index, *most, take_tail, t);
    size_t first = t->n > LINES_CHECKED ? t->n - LINES_CHECKED : 0;
    *most = 0;
    for (size_t i = first; i < t->n && status == VIOLET_OK; i++) {
        const entry *e = &t->ring[i % LINES_CHECKED];
        uint64_t end, should = i + 1 < t->n ? t->ring[(i + 1) % LINES_CHECKED].start : next;
        status = find_end(&end, &w->tsv, e->start);
        if (!end || (should && end != should)) {
            if (i == first) *most = e->start; /* 0 for the very first line */
            *out = (whole){i, e->start, e->at};
            break;
        }
        *out = (whole){i + 1, end, e->end};
    }
    return status;
}

/* Cuts both files to the lines that are whole in both. */
static violet_status keep_whole(vl_tsv_writer *w)
{
    whole found = {0};
    uint64_t most = w->tsv.size;
    violet_status status = VIOLET_OK;
    tail *t = malloc(sizeof *t);
    if (!t) return vl_err_nomem();
    while (most && status == VIOLET_OK) status = look_at_tail(&found, &most, t, w);
    free(t);
    w->n = found.n;
    /* the index first: it must not be ahead of the lines */
    if (status == VIOLET_OK) status = cut_part(&w->index, found.index_end);
    return status == VIOLET_OK ? cut_part(&w->tsv, found.tsv_end) : status;
}

violet_status vl_tsv_create(vl_tsv_writer **out, const char *path, bool resume)
{
    size_t n = strlen(path);
    *out = NULL;
    vl_tsv_writer *w = calloc(1, sizeof *w);
    if (!w) return vl_err_nomem();
    w->tsv.fd = w->index.fd = -1;
    if (n > 4 && strcmp(path + n - 4, ".tsv") == 0) n -= 4;
    violet_status status = name_part(&w->tsv, path, strlen(path), "");
    if (status == VIOLET_OK) status = name_part(&w->index, path, n, ".lineidx");
    if (status == VIOLET_OK) status = open_part(&w->tsv, resume);
    if (status == VIOLET_OK) status = open_part(&w->index, resume);
    if (status == VIOLET_OK) status = keep_whole(w);
    if (status == VIOLET_OK)
        *out = w;
    else
        release(w, false);
    return status;
}

typedef struct search {
    size_t n; /* of the entry that is wanted */
    entry found;
} search;

static violet_status take_nth(void *user, const entry *e, size_t n)
{
    search *s = user;
    if (n == s->n) s->found = *e;
    return VIOLET_OK;
}

violet_status vl_tsv_cut(vl_tsv_writer *w, size_t n)
{
    if (n && n >= w->n) return VIOLET_OK;
    search s = {.n = n};
    violet_status status = n ? walk_index(&w->index, UINT64_MAX, take_nth, &s) : VIOLET_OK;
    if (status == VIOLET_OK && n && !s.found.end)
        status = vl_err(VIOLET_EFORMAT, "%s: no entry %zu", w->index.partial, n + 1);
    /* the index first: it must not be ahead of the lines */
    if (status == VIOLET_OK) status = cut_part(&w->index, s.found.at);
    if (status == VIOLET_OK) status = cut_part(&w->tsv, s.found.start);
    if (status == VIOLET_OK) w->n = n;
    return status;
}

/* ---- lines ----------------------------------------------------------------------------------- */

size_t vl_tsv_put_n(const vl_tsv_writer *w)
{
    return w->n;
}

static bool fits_a_line(const char *s, size_t n)
{
    return !memchr(s, '\t', n) && !memchr(s, '\n', n) && !memchr(s, 0, n);
}

static violet_status put_slice(vl_tsv_writer *w, const char *s, size_t n, char behind)
{
    violet_status status = vl_buf_append(&w->line, s, n);
    return status == VIOLET_OK ? vl_buf_putc(&w->line, behind) : status;
}

violet_status vl_tsv_put(vl_tsv_writer *w, const char *id, size_t n_id, const vl_slice *frame,
                         int n)
{
    char offset[32];
    if (!n_id || !fits_a_line(id, n_id))
        return vl_err(VIOLET_EINVAL, "id '%.*s': expected text without TAB, NEWLINE or 0 bytes",
                      (int)(n_id < 200 ? n_id : 200), id);
    for (int i = 0; i < n; i++)
        if (!fits_a_line(frame[i].s, frame[i].n))
            return vl_err(VIOLET_EINVAL, "'%.*s' frame %d: expected base64 text",
                          (int)(n_id < 200 ? n_id : 200), id, i);
    vl_buf_clear(&w->line);
    violet_status status = put_slice(w, id, n_id, n ? '\t' : '\n');
    for (int i = 0; i < n && status == VIOLET_OK; i++)
        status = put_slice(w, frame[i].s, frame[i].n, i + 1 < n ? '\t' : '\n');
    if (status != VIOLET_OK) return status;
    int n_offset = snprintf(offset, sizeof offset, "%llu\n", (unsigned long long)w->tsv.size);
    status = write_part(&w->tsv, w->line.data, w->line.n);
    if (status == VIOLET_OK) status = write_part(&w->index, offset, (size_t)n_offset);
    if (status == VIOLET_OK) w->n++;
    return status;
}

violet_status vl_tsv_flush(vl_tsv_writer *w)
{
    violet_status status = vl_fd_sync(w->tsv.fd, w->tsv.partial);
    return status == VIOLET_OK ? vl_fd_sync(w->index.fd, w->index.partial) : status;
}

violet_status vl_tsv_finish(vl_tsv_writer *w)
{
    violet_status status = vl_tsv_flush(w);
    if (status == VIOLET_OK && rename(w->tsv.partial, w->tsv.path) != 0)
        status = vl_err_errno("rename to '%s'", w->tsv.path);
    if (status == VIOLET_OK && rename(w->index.partial, w->index.path) != 0)
        status = vl_err_errno("rename to '%s'", w->index.path);
    release(w, false);
    return status;
}

void vl_tsv_suspend(vl_tsv_writer *w)
{
    release(w, false);
}

void vl_tsv_abandon(vl_tsv_writer *w)
{
    release(w, true);
}
