/* Signals held back while code runs that their handlers must not interrupt.
 *
 *     sigset_t was;
 *     vl_signals_hold(&was);
 *     ...
 *     vl_signals_release(&was);
 *
 * Of the calling thread; a thread that is started meanwhile never gets any. So every parallel
 * region stands between the two: OpenMP keeps its threads, and later uses them for oneDNN's
 * products, whose generated code points the stack pointer into the middle of a buffer on the heap.
 * A handler that runs there writes its frame over what lies below (seen as "corrupted size vs.
 * prev_size" after a SIGTERM). Signals that tell of an error of the thread itself come as ever. */
#ifndef VL_BASE_SIGNALS_H
#define VL_BASE_SIGNALS_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static inline void vl_signals_hold(sigset_t *was)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, was);
}

static inline void vl_signals_release(const sigset_t *was)
{
    pthread_sigmask(SIG_SETMASK, was, NULL);
}

#endif
