/* See hostile.h. */
#include "unit/hostile.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file/pickle.h"
#include "file/pickle_node.h"
#include "file/tensors.h"
#include "unit/make_data.h"

#ifdef __SANITIZE_ADDRESS__
enum { SLOWER = 10, FATTER = 6, LIMITED = 0 }; /* its shadow needs terabytes of addresses */
#else
enum { SLOWER = 1, FATTER = 1, LIMITED = 1 };
#endif

static char folder[64], path[100];

void hostile_begin(void)
{
    make_folder(folder);
    snprintf(path, sizeof path, "%s/hostile", folder);
}

void hostile_end(void)
{
    remove_folder(folder);
}

/* ---- making ---------------------------------------------------------------------------------- */

void put_bytes(vl_buf *b, const void *s, size_t n)
{
    assert_int_equal(vl_buf_append(b, s, n), VIOLET_OK);
}

void put_text(vl_buf *b, const char *s)
{
    put_bytes(b, s, strlen(s));
}

void put_repeated(vl_buf *b, const char *part, size_t n_part, size_t times)
{
    for (size_t i = 0; i < times; i++) put_bytes(b, part, n_part);
}

void put_number(vl_buf *b, uint64_t x, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++, x >>= 8) put_bytes(b, &(uint8_t){(uint8_t)x}, 1);
}

/* ---- a child opens a file -------------------------------------------------------------------- */

typedef struct outcome {
    violet_status status;
    char error[400];
    double seconds;
    long kib; /* by which the child grew */
} outcome;

static violet_status read_all(const vl_tensors *f)
{
    enum { PIECE = 4096 };
    static float x[PIECE];
    violet_status status = VIOLET_OK;
    for (size_t i = 0; i < vl_tensors_n(f) && status == VIOLET_OK; i++) {
        const vl_stored *t = vl_tensors_at(f, i);
        size_t n = t->n < PIECE ? t->n : PIECE;
        status = vl_tensors_read(x, f, t, t->n - n, n);
        if (status == VIOLET_OK && vl_tensors_find(f, t->name) != t) abort();
    }
    return status;
}

static violet_status open_one(bool pickle)
{
    static const vl_pickle_options options = {.objects = true};
    vl_pickle *doc;
    vl_tensors *f;
    violet_status status = pickle ? vl_pickle_open(&doc, path, &options)
                                  : vl_tensors_open(&f, path);
    if (status != VIOLET_OK) return status;
    if (pickle)
        vl_pickle_close(doc);
    else {
        status = read_all(f);
        vl_tensors_close(f);
    }
    return status;
}

static double cpu_seconds(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           1e-6 * (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* In the child. The limits only protect the machine: what is checked is measured. */
static void open_and_tell(int fd, bool pickle)
{
    outcome o = {0};
    struct rusage before, after;
    const struct rlimit cpu = {30, 30}, space = {24 * 1024 * MIB, 24 * 1024 * MIB};
    (void)setrlimit(RLIMIT_CPU, &cpu);
    if (LIMITED) (void)setrlimit(RLIMIT_AS, &space);
    getrusage(RUSAGE_SELF, &before);
    o.status = open_one(pickle);
    getrusage(RUSAGE_SELF, &after);
    snprintf(o.error, sizeof o.error, "%s", o.status == VIOLET_OK ? "" : violet_error());
    o.seconds = cpu_seconds(&after) - cpu_seconds(&before);
    o.kib = after.ru_maxrss - before.ru_maxrss;
    _exit(write(fd, &o, sizeof o) != sizeof o);
}

static outcome open_in_child(const char *name, bool pickle)
{
    outcome o = {0};
    int fd[2], how;
    assert_int_equal(pipe(fd), 0);
    pid_t child = fork();
    if (child == 0) open_and_tell(fd[1], pickle);
    close(fd[1]);
    ssize_t n = read(fd[0], &o, sizeof o);
    close(fd[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    if (n != sizeof o) fail_msg("%s: ended with %s %d", name, WIFSIGNALED(how) ? "signal" : "code",
                                WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    return o;
}

static size_t make_file(const hostile *r)
{
    vl_buf b = {0};
    r->make(&b, r->arg);
    size_t n = b.n;
    write_text(folder, "hostile", b.data, b.n);
    vl_buf_free(&b);
    if (r->pad && truncate(path, (off_t)r->pad) != 0) n = 0;
    return n;
}

void hostile_check(const hostile *r, bool pickle)
{
    size_t n_bytes = make_file(r);
    if (!n_bytes) {
        printf("skip: %s: no file of %zu bytes\n", r->name, r->pad);
        return;
    }
    outcome o = open_in_child(r->name, pickle);
    double most = 1e-3 * (r->ms ? r->ms : 500) * SLOWER;
    long kib = (long)(r->mib ? r->mib : 48) * 1024 * FATTER + (long)(n_bytes / 1024);
    if (getenv("SHOW"))
        printf("%-44s %6.3f s %7ld KiB %s\n", r->name, o.seconds, o.kib, o.error);
    if (!r->why && o.status != VIOLET_OK) fail_msg("%s: %s", r->name, o.error);
    if (r->why && o.status == VIOLET_OK) fail_msg("%s: opened, expected '%s'", r->name, r->why);
    if (r->why && !strstr(o.error, r->why))
        fail_msg("%s: '%s' lacks '%s'", r->name, o.error, r->why);
    if (o.seconds > most) fail_msg("%s: took %.2f s, expected %.2f", r->name, o.seconds, most);
    if (o.kib > kib) fail_msg("%s: took %ld KiB, expected %ld", r->name, o.kib, kib);
    unlink(path);
}
