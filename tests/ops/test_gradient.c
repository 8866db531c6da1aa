/* The reference's backwards against central differences, in double (CONFIG=double), for every
 * input, parameter and table: with L = sum of cotangent * output, each element x of an input is
 * moved by +-h and the difference quotient of L compared with the gradient. Also that acc adds.
 *
 * 'test_gradient PATTERN' runs the tests whose names match ("gradient linear*"). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "ops/families.h"

#define STEP 1e-5
#define TOLERANCE 1e-7 /* relative L2 error; about h^2 is left of the third derivative */
enum { MOST_ELEMENTS = 300 }; /* of one input; a random choice among more */

typedef struct tested {
    const op_case *c;
    char name[160];
} tested;

static vl_device *device;

/* The gradient that backward left in b: what it did not write is 0, sums lose their start. */
static double gradient_at(const op_buffer *b, size_t j)
{
    if (isnan(b->data[j]) && isnan(b->start[j])) return 0;
    return isnan(b->start[j]) ? b->data[j] : b->data[j] - b->start[j];
}

/* (L(x + h) - L(x - h)) / 2h for element j of input i, summed output by output, which cancels less
 * than the difference of two sums. */
static double quotient(op_run *r, int i, size_t j, double *const plus[])
{
    real *x = &r->buffer[i].data[j];
    double before = (double)*x, sum = 0;
    *x = (real)(before + STEP);
    r->op->forward(r);
    for (int c = 0; c < r->n_buffers; c++) {
        if (r->buffer[c].kind != OP_COT) continue;
        const op_buffer *y = &r->buffer[r->buffer[c].of];
        for (size_t e = 0; e < y->n; e++) plus[c][e] = (double)y->data[e];
    }
    *x = (real)(before - STEP);
    r->op->forward(r);
    *x = (real)before;
    for (int c = 0; c < r->n_buffers; c++) {
        if (r->buffer[c].kind != OP_COT) continue;
        const op_buffer *y = &r->buffer[r->buffer[c].of];
        for (size_t e = 0; e < y->n; e++)
            if (!isnan(y->data[e]))
                sum += (double)r->buffer[c].data[e] * (plus[c][e] - (double)y->data[e]);
    }
    return sum / (2 * STEP);
}

static bool check_gradient(op_run *r, int g, double *const plus[], char *why, size_t why_size)
{
    const op_buffer *b = &r->buffer[g];
    double difference = 0, norm = 0, worst = -1, worst_is = 0, worst_should = 0;
    size_t where = 0, count = b->n < MOST_ELEMENTS ? b->n : MOST_ELEMENTS;
    for (size_t i = 0; i < count; i++) {
        size_t j = b->n == count ? i : vl_rng_below(op_key(r, 99), i, (uint32_t)b->n);
        double is = gradient_at(b, j), should = quotient(r, b->of, j, plus);
        if (!(fabs(is - should) <= worst))
            worst = fabs(is - should), where = j, worst_is = is, worst_should = should;
        difference += (is - should) * (is - should);
        norm += should * should;
    }
    /* where the true gradient is 0 (a masked key) the quotients are noise of about 1e-11 */
    double error = sqrt(difference) / (sqrt(norm) > 1e-6 ? sqrt(norm) : 1);
    if (error <= TOLERANCE) return true;
    snprintf(why, why_size, "%s: relative error %.2g; [%zu] is %.12g, should be %.12g", b->name,
             error, where, worst_is, worst_should);
    return false;
}

static bool check_acc(op_run *r, op_run *added, char *why, size_t why_size)
{
    for (int acc = 1; acc <= 3; acc++) {
        op_reset(added, acc);
        added->op->forward(added);
        added->op->backward(added);
        for (int g = 0; g < r->n_buffers; g++) {
            const op_buffer *a = &r->buffer[g], *b = &added->buffer[g];
            if (a->kind != OP_GRAD) continue;
            for (size_t j = 0; j < a->n; j++) {
                double should = gradient_at(a, j);
                if (fabs(gradient_at(b, j) - should) <= 1e-12 * (1 + fabs(should))) continue;
                snprintf(why, why_size, "%s[%zu] with acc %d: added %g, should be %g", a->name, j,
                         acc, gradient_at(b, j), should);
                return false;
            }
        }
    }
    return true;
}

static void gradient_is_difference_quotient(void **state)
{
    const tested *test = *state;
    char why[400] = "";
    op_run r, added;
    double *plus[OP_MAX_BUFFERS] = {0};
    int checked = 0;
    op_open(&r, test->c, vl_backend_ref(), device);
    op_open(&added, test->c, vl_backend_ref(), device);
    for (int c = 0; c < r.n_buffers; c++)
        if (r.buffer[c].kind == OP_COT)
            plus[c] = malloc(r.buffer[r.buffer[c].of].n * sizeof(double));
    op_reset(&r, 0);
    r.op->forward(&r);
    r.op->backward(&r);
    bool ok = op_intact(&r, why, sizeof why);
    ok = ok && check_acc(&r, &added, why, sizeof why);
    for (int g = 0; ok && g < r.n_buffers; g++) {
        if (!r.buffer[g].data || !r.buffer[g].backward || r.buffer[g].of < 0) continue;
        ok = check_gradient(&r, g, plus, why, sizeof why);
        checked++;
    }
    for (int c = 0; c < r.n_buffers; c++) free(plus[c]);
    op_close(&r);
    op_close(&added);
    if (!ok) fail_msg("%s: %s", test->name, why);
    assert_true(checked > 0);
}

int main(int argc, char **argv)
{
    static tested cases[500];
    static struct CMUnitTest tests[500];
    size_t n = 0;
    if (sizeof(real) != sizeof(double)) {
        printf("skip: gradients against differences: only with CONFIG=double\n");
        return 1;
    }
    for (int c = 0; c < op_n_cases && n < 500; c++) {
        tested *t = &cases[n];
        char name[120];
        bool has_gradient = op_cases[c].op->backward && op_cases[c].op != &op_residual_in_place;
        if (!(op_cases[c].sets & OP_SMALL) || !has_gradient) continue;
        t->c = &op_cases[c];
        snprintf(t->name, sizeof t->name, "gradient %s", op_case_name(t->c, name, sizeof name));
        tests[n++] = (struct CMUnitTest){t->name, gradient_is_difference_quotient, NULL, NULL, t};
    }
    device = vl_backend_ref()->open(1);
    if (!device) return 1;
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    int failed = _cmocka_run_group_tests("gradient", tests, n, NULL, NULL);
    vl_backend_ref()->close(device);
    return failed != 0;
}
