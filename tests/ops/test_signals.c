/* A signal may come at any moment of a computation: its handler always runs on a stack. (oneDNN's
 * products point the stack pointer into the heap, see base/signals.h.) */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>

#include "base/clock.h"
#include "tensor/backend.h"
#include "violet.h"

/* The code in question takes over from some 256 products a sum on. */
enum { SIDE = 256, STACK_MOST = 64 << 20, THREADS = 2 };

static uintptr_t stack_top; /* of the main thread, about */
static pthread_t main_thread;
static volatile sig_atomic_t n_signals, n_astray;

/* A thread's pthread_t stands at the top of its stack. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    const ucontext_t *u = context;
    uintptr_t at = (uintptr_t)u->uc_mcontext.gregs[REG_RSP];
    uintptr_t top = stack_top;
    (void)number;
    (void)info;
    if (!pthread_equal(pthread_self(), main_thread)) top = (uintptr_t)pthread_self();
    n_signals++;
    n_astray += at > top || top - at > STACK_MOST;
}

/* Signals in processor time, so that a loaded machine sees as many a product. */
static void send_signals(int microseconds)
{
    struct itimerval t = {{0, microseconds}, {0, microseconds}};
    assert_int_equal(setitimer(ITIMER_PROF, &t, NULL), 0);
}

static real *matrix(void)
{
    real *x = calloc(SIDE * SIDE, sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < SIDE * SIDE; i++) x[i] = (real)(i % 7) - 3;
    return x;
}

static void handlers_run_on_a_stack(void **state)
{
    (void)state;
    struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    const vl_backend *b = vl_backend_fast();
    vl_device *d = b->open(THREADS);
    if (!d) skip();
    real *x = matrix(), *w = matrix(), *y = matrix(), *grad = matrix();
    assert_int_equal(sigaction(SIGPROF, &a, NULL), 0);
    send_signals(200);
    double end = vl_now() + 20;
    while (n_signals < 1500 && n_astray == 0 && vl_now() < end) {
        b->fill(d, grad, 0, SIDE * SIDE);
        b->linear_fwd(d, y, x, w, NULL, SIDE, SIDE, SIDE, VL_ACT_NONE);
        b->linear_bwd(d, NULL, grad, NULL, y, x, w, SIDE, SIDE, SIDE, VL_ACT_NONE, 0);
    }
    send_signals(0);
    b->close(d);
    if (n_astray) fail_msg("a handler ran on no stack, after %d signals", (int)n_signals);
    assert_true(n_signals > 0);
    free(x);
    free(w);
    free(y);
    free(grad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(handlers_run_on_a_stack)};
    char here;
    stack_top = (uintptr_t)&here + 65536;
    main_thread = pthread_self();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
