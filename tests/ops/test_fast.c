/* The fast backend against the reference, on every case, for each instruction set that the machine
 * has and for 1 and 2 threads: guard zones, untouched inputs, acc 0 and 1, gradients left out, and
 * the same bits when called again. Tolerances are the families' and stand in docs/NUMERICS.md.
 *
 * With VIOLET_ISA set only that instruction set is tested; 'test_fast PATTERN' runs the tests whose
 * names match ("fast attention*"). The reference is most of the time this
 * takes, so each of its results is held against all devices. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/cases.h"
#include "violet.h"

enum { N_THREADS = 2, MOST_DEVICES = 2 * N_THREADS };

typedef struct tested {
    const op_case *c;
    char name[160];
} tested;

typedef struct fast_device {
    const char *isa;
    int threads;
    vl_device *device;
} fast_device;

static vl_device *ref_device;
static fast_device devices[MOST_DEVICES]; /* an isa with 1 thread, with 2; the next isa ... */
static int n_devices;

static double tolerance(const op_run *r, const op_buffer *b)
{
    bool of_backward = b->backward || (b->kind == OP_GRAD && r->op->backward);
    return of_backward ? r->op->tolerance_bwd : r->op->tolerance_fwd;
}

/* Elements that the reference left as they were must be left by the other too; the others are
 * compared by the L2 norm of the difference relative to that of the reference. */
static bool close_enough(const op_run *ref, const op_run *fast, int i, char *why, size_t why_size)
{
    const op_buffer *a = &ref->buffer[i], *b = &fast->buffer[i];
    double difference = 0, norm = 0, worst = 0;
    size_t where = 0;
    for (size_t j = 0; j < a->n; j++) {
        if (a->kind == OP_SAVED && !isfinite(a->data[j])) continue;
        if (isnan(a->data[j])) {
            if (op_same_bits(&b->data[j], &b->start[j], sizeof(real))) continue;
            snprintf(why, why_size, "%s[%zu]: %g, should be left alone", a->name, j,
                     (double)b->data[j]);
            return false;
        }
        if (!isfinite(b->data[j])) {
            snprintf(why, why_size, "%s[%zu]: %g, should be %g", a->name, j, (double)b->data[j],
                     (double)a->data[j]);
            return false;
        }
        double e = (double)b->data[j] - a->data[j];
        difference += e * e;
        norm += (double)a->data[j] * a->data[j];
        if (fabs(e) > worst) worst = fabs(e), where = j;
    }
    double error = sqrt(difference) / (norm > 0 ? sqrt(norm) : 1);
    if (error <= tolerance(fast, b)) return true;
    snprintf(why, why_size, "%s: relative error %.2g > %.2g; [%zu] is %.9g, should be %.9g",
             a->name, error, tolerance(fast, b), where, (double)b->data[where],
             (double)a->data[where]);
    return false;
}

static void run_ops(op_run *r, int acc)
{
    op_reset(r, acc);
    r->op->forward(r);
    if (r->op->backward) r->op->backward(r);
}

static bool compare(const op_run *ref, const op_run *fast, char *why, size_t why_size)
{
    if (!op_intact(fast, why, why_size)) return false;
    for (int i = 0; i < ref->n_buffers; i++) {
        op_kind kind = ref->buffer[i].kind;
        if (!ref->buffer[i].data || kind == OP_IN || kind == OP_COT || fast->without[i]) continue;
        if (!close_enough(ref, fast, i, why, why_size)) return false;
    }
    return true;
}

static bool same_bits(const op_run *a, const op_run *b)
{
    for (int i = 0; i < a->n_buffers; i++)
        if (a->buffer[i].data && !op_same_bits(a->buffer[i].data, b->buffer[i].data,
                                               a->buffer[i].n * sizeof(real)))
            return false;
    return true;
}

/* One acc on one device, twice. one: the same on the same isa's single thread, or NULL. */
static bool check_acc(const op_run *ref, op_run *fast, op_run *again, const op_run *one, char *why,
                      size_t why_size)
{
    run_ops(fast, ref->acc);
    if (!compare(ref, fast, why, why_size)) return false;
    run_ops(again, ref->acc);
    if (!same_bits(fast, again)) {
        snprintf(why, why_size, "not the same bits when called again");
        return false;
    }
    if (one && ref->op->any_threads && !same_bits(fast, one)) {
        snprintf(why, why_size, "not the same bits as with one thread");
        return false;
    }
    return true;
}

/* Each gradient left out, and each as the only one. ref holds the results of acc = 0. */
static bool check_left_out(const op_run *ref, op_run *fast, char *why, size_t why_size)
{
    for (int i = 0; i < 2 * ref->n_buffers; i++) {
        const op_buffer *b = &ref->buffer[i / 2];
        if (!b->data || !b->nullable) continue;
        for (int j = 0; j < ref->n_buffers; j++)
            fast->without[j] = ref->buffer[j].nullable && (j == i / 2) == (i % 2 == 0);
        run_ops(fast, 0);
        char what[256];
        bool ok = compare(ref, fast, what, sizeof what);
        if (ok) continue;
        snprintf(why, why_size, "%s %s: %.200s", i % 2 ? "only" : "without", b->name, what);
        return false;
    }
    memset(fast->without, 0, sizeof fast->without);
    return true;
}

/* Every device with one acc; where that is 0, also with gradients left out. */
static bool check_devices(op_run *ref, op_run fast[], op_run *again, int acc, char *why,
                          size_t why_size)
{
    run_ops(ref, acc);
    for (int i = 0; i < n_devices; i++) {
        char what[320];
        const op_run *one = devices[i].threads > 1 ? &fast[i - devices[i].threads + 1] : NULL;
        again->dev = devices[i].device;
        bool ok = check_acc(ref, &fast[i], again, one, what, sizeof what);
        if (ok && acc == 0 && ref->op->backward && devices[i].threads > 1)
            ok = check_left_out(ref, &fast[i], what, sizeof what);
        if (ok) continue;
        snprintf(why, why_size, "%s, %d threads, acc %d: %.300s", devices[i].isa,
                 devices[i].threads, acc, what);
        return false;
    }
    return true;
}

static void fast_is_reference(void **state)
{
    const tested *test = *state;
    char why[400] = "";
    op_run ref, fast[MOST_DEVICES], again;
    op_open(&ref, test->c, vl_backend_ref(), ref_device);
    op_open(&again, test->c, vl_backend_fast(), NULL);
    for (int i = 0; i < n_devices; i++)
        op_open(&fast[i], test->c, vl_backend_fast(), devices[i].device);
    bool ok = true;
    for (int acc = 0; ok && acc <= 3; acc++)
        if (acc == 0 || acc == 3 || op_has_two_accs(&ref))
            ok = check_devices(&ref, fast, &again, acc, why, sizeof why);
    op_close(&ref);
    op_close(&again);
    for (int i = 0; i < n_devices; i++) op_close(&fast[i]);
    if (!ok) fail_msg("%s: %s", test->name, why);
}

/* docs/NUMERICS.md has a row '| name | forward | backward |' for every op, with these figures. */
static void tolerances_are_documented(void **state)
{
    (void)state;
    FILE *file = fopen("docs/NUMERICS.md", "r");
    assert_non_null(file);
    int found = 0;
    char line[500];
    while (fgets(line, sizeof line, file)) {
        for (int i = 0; i < op_n_families; i++) {
            char name[64], fwd[32], bwd[32];
            if (sscanf(line, "| %63[^|]| %31[^|]| %31[^|]|", name, fwd, bwd) != 3) continue;
            name[strcspn(name, " ") == 0 ? 0 : strlen(name) - 1] = 0; /* the space before | */
            if (strcmp(name, op_families[i]->name) != 0) continue;
            found++;
            if (strtod(fwd, NULL) != op_families[i]->tolerance_fwd ||
                strtod(bwd, NULL) != op_families[i]->tolerance_bwd)
                fail_msg("docs/NUMERICS.md differs from the code for %s", name);
        }
    }
    fclose(file);
    assert_int_equal(found, op_n_families);
}

static bool open_devices(const char *isa)
{
    if (setenv("VIOLET_ISA", isa, 1) != 0) return false;
    for (int threads = 1; threads <= N_THREADS; threads++) {
        vl_device *device = vl_backend_fast()->open(threads);
        if (!device) {
            fprintf(stderr, "%s: %s\n", isa, violet_error());
            return false;
        }
        devices[n_devices++] = (fast_device){isa, threads, device};
    }
    return true;
}

static bool open_all(void)
{
    static char given[32];
    const char *want = getenv("VIOLET_ISA");
    ref_device = vl_backend_ref()->open(1);
    if (!ref_device) return false;
    if (want && *want) {
        snprintf(given, sizeof given, "%s", want);
        return open_devices(given);
    }
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    if (!avx512) printf("skip: fast with AVX-512: the machine does not have it\n");
    return avx2 && open_devices("avx2") && (!avx512 || open_devices("avx512"));
}

int main(int argc, char **argv)
{
    static tested cases[500];
    static struct CMUnitTest tests[501];
    size_t n = 0;
    for (int c = 0; c < op_n_cases && n < 500; c++) {
        tested *t = &cases[n];
        char name[120];
        if (!(op_cases[c].sets & (OP_SMALL | OP_REAL))) continue;
        t->c = &op_cases[c];
        snprintf(t->name, sizeof t->name, "fast %s", op_case_name(t->c, name, sizeof name));
        tests[n++] = (struct CMUnitTest){t->name, fast_is_reference, NULL, NULL, t};
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(tolerances_are_documented);
    if (!open_all()) return 1;
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    int failed = _cmocka_run_group_tests("fast", tests, n, NULL, NULL);
    for (int i = 0; i < n_devices; i++) vl_backend_fast()->close(devices[i].device);
    vl_backend_ref()->close(ref_device);
    return failed != 0;
}
