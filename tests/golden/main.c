/* golden [--backend NAME] [--threads N] [--quiet|--verbose] [--allow-missing] PATH...
 *
 * Compares this library with the published implementation's values; see golden.h. Exit status: 0
 * only if everything was checked and is within its tolerance. */
#include "golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const vl_backend *(*get)(void);
} backends[] = {{"ref", vl_backend_ref}, {"fast", vl_backend_fast}};

static const vl_backend *backend_named(const char *name)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(name, backends[i].name) == 0) return backends[i].get();
    fprintf(stderr, "golden: --backend '%s': there are ref and fast\n", name);
    exit(2);
}

static int usage(void)
{
    fprintf(stderr, "usage: golden [--backend ref|fast] [--threads N] [--quiet] [--verbose] "
                    "[--allow-missing] FOLDER|FILE...\n");
    return 2;
}

int main(int argc, char **argv)
{
    golden_options o = {.backend = vl_backend_fast(), .level = GOLDEN_NORMAL};
    golden_tally t = {0};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--backend") == 0 && i + 1 < argc)
            o.backend = backend_named(argv[++i]);
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            o.threads = atoi(argv[++i]);
        else if (strcmp(argv[i], "--quiet") == 0)
            o.level = GOLDEN_QUIET;
        else if (strcmp(argv[i], "--verbose") == 0)
            o.level = GOLDEN_VERBOSE;
        else if (strcmp(argv[i], "--allow-missing") == 0)
            o.allow_missing = 1;
        else
            return usage();
    }
    if (i == argc) return usage();
    for (; i < argc; i++) golden_walk(&t, &o, argv[i]);
    printf("golden: %d cases, %d checks, %d failed, %d not yet (backend %s, %s)\n", t.cases,
           t.checks, t.failed, t.missing, o.backend->name,
           sizeof(real) == 8 ? "float64" : "float32");
    return golden_failed(&t);
}
