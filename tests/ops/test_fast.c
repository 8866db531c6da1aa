/* The fast backend against the reference, on every case, for each instruction set that the machine
 * has and for 1 and 2 threads: guard zones, untouched inputs, acc 0 and 1, gradients left out, and
 * the same bits when called again. Tolerances are the families' and stand in docs/NUMERICS.md.
 *
 * With VIOLET_ISA set only that instruction set is tested. */
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

enum { N_THREADS = 2 };

typedef struct tested {
    const op_case *c;
    const char *isa;
    char name[160];
} tested;

static vl_device *ref_device, *fast_device[N_THREADS]; /* with 1, 2 ... threads, of one isa */
static const char *open_isa;

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

/* acc 0 and 1, each twice and on each thread count. */
static bool check_accs(op_run *ref, op_run fast[N_THREADS], op_run *again, char *why,
                       size_t why_size)
{
    for (int acc = 0; acc <= 3; acc++) {
        if ((acc == 1 || acc == 2) && !op_has_two_accs(ref)) continue;
        run_ops(ref, acc);
        for (int t = 0; t < N_THREADS; t++) {
            char what[256];
            run_ops(&fast[t], acc);
            bool ok = compare(ref, &fast[t], what, sizeof what);
            if (ok) {
                again->dev = fast[t].dev;
                run_ops(again, acc);
                ok = same_bits(&fast[t], again);
                snprintf(what, sizeof what, "not the same bits when called again");
            }
            if (ok && t > 0 && ref->op->any_threads) {
                ok = same_bits(&fast[0], &fast[t]);
                snprintf(what, sizeof what, "not the same bits as with one thread");
            }
            if (ok) continue;
            snprintf(why, why_size, "acc %d, %d threads: %s", acc, t + 1, what);
            return false;
        }
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
        snprintf(why, why_size, "%s %s: %s", i % 2 ? "only" : "without", b->name, what);
        return false;
    }
    memset(fast->without, 0, sizeof fast->without);
    return true;
}

static void close_fast(void)
{
    for (int t = 0; t < N_THREADS; t++) {
        if (fast_device[t]) vl_backend_fast()->close(fast_device[t]);
        fast_device[t] = NULL;
    }
}

static void use_isa(const char *isa)
{
    if (open_isa == isa) return;
    close_fast();
    assert_int_equal(setenv("VIOLET_ISA", isa, 1), 0);
    for (int t = 0; t < N_THREADS; t++) {
        fast_device[t] = vl_backend_fast()->open(t + 1);
        assert_non_null(fast_device[t]);
    }
    open_isa = isa;
}

static void fast_is_reference(void **state)
{
    const tested *test = *state;
    use_isa(test->isa);
    char why[400] = "";
    op_run ref, fast[N_THREADS], again;
    op_open(&ref, test->c, vl_backend_ref(), ref_device);
    op_open(&again, test->c, vl_backend_fast(), NULL);
    for (int t = 0; t < N_THREADS; t++)
        op_open(&fast[t], test->c, vl_backend_fast(), fast_device[t]);
    bool ok = check_accs(&ref, fast, &again, why, sizeof why);
    if (ok && ref.op->backward) {
        run_ops(&ref, 0);
        ok = check_left_out(&ref, &fast[N_THREADS - 1], why, sizeof why);
    }
    op_close(&ref);
    op_close(&again);
    for (int t = 0; t < N_THREADS; t++) op_close(&fast[t]);
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

static int n_isas(const char **isa)
{
    static char given[32];
    int n = 0;
    const char *want = getenv("VIOLET_ISA");
    if (want && *want) {
        snprintf(given, sizeof given, "%s", want);
        isa[n++] = given;
        return n;
    }
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) isa[n++] = "avx2";
    if (__builtin_cpu_supports("avx512f")) isa[n++] = "avx512";
    return n;
}

int main(void)
{
    static tested cases[1000];
    static struct CMUnitTest tests[1001];
    const char *isa[4];
    size_t n = 0;
    int isas = n_isas(isa);
    if (isas == 0) printf("skip: the fast backend: the machine has no AVX2\n");
    for (int i = 0; i < isas; i++) {
        for (int c = 0; c < op_n_cases && n < 1000; c++) {
            if (!(op_cases[c].sets & (OP_SMALL | OP_REAL))) continue;
            tested *t = &cases[n];
            char name[120];
            *t = (tested){.c = &op_cases[c], .isa = isa[i]};
            snprintf(t->name, sizeof t->name, "%s %s", isa[i],
                     op_case_name(t->c, name, sizeof name));
            tests[n++] = (struct CMUnitTest){t->name, fast_is_reference, NULL, NULL, t};
        }
    }
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(tolerances_are_documented);
    ref_device = vl_backend_ref()->open(1);
    if (!ref_device) return 1;
    int failed = _cmocka_run_group_tests("fast", tests, n, NULL, NULL);
    close_fast();
    vl_backend_ref()->close(ref_device);
    return failed != 0;
}
