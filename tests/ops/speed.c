/* Not a test: how fast each op is on the shapes of the model, and what share of this machine's
 * measured peak that is: of multiply-adds where arithmetic is the cost, else of memory traffic.
 *
 *     make ops-speed        or        build/release/tests/ops/speed [THREADS [NAME]]
 *
 * THREADS 0 (default): all of the machine. NAME: only the cases whose name contains it. The bytes
 * are those of each matrix read or written once. What stays in the caches between two calls can go
 * beyond 100 % of the memory peak. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cpu/peak.h"
#include "ops/cases.h"
#include "violet.h"

/* ---- the ops --------------------------------------------------------------------------------- */

static double bytes(const op_run *r, bool backward)
{
    double sum = 0;
    for (int i = 0; i < r->n_buffers; i++) {
        const op_buffer *b = &r->buffer[i];
        double times = 0;
        switch (b->kind) {
        case OP_IN: times = !backward || r->op->reads_back; break;
        case OP_OUT: times = !backward; break;
        case OP_SAVED: times = 1; break;
        case OP_COT: times = backward; break;
        case OP_GRAD: times = !r->op->backward || backward; break;
        case OP_SUM: times = !r->op->backward || backward ? 2 : 0; break;
        case OP_INOUT: times = b->backward == backward ? 2 : 0; break;
        }
        sum += times * (double)b->n * sizeof(real);
    }
    return sum;
}

/* Seconds of one call: the best of many, over half a second or so. */
static double seconds(op_run *r, void (*call)(op_run *))
{
    double best = DBL_MAX, begun = vl_now();
    for (int turn = 0; turn < 3 || vl_now() - begun < 0.5; turn++) {
        double start = vl_now();
        call(r);
        double took = vl_now() - start;
        if (took < best) best = took;
    }
    return best;
}

static void print_line(const op_run *r, const char *name, bool backward, const vl_peak *peak)
{
    op_run copy = *r;
    double took = seconds(&copy, backward ? r->op->backward : r->op->forward);
    bool counts_flops = r->op->flops != NULL;
    double work = counts_flops ? r->op->flops(r->c, backward) : bytes(r, backward);
    printf("%-52s %-3s %9.3f ms %8.1f %s %5.0f %%\n", name, backward ? "bwd" : "fwd", 1e3 * took,
           work / took / 1e9, counts_flops ? "GFLOP/s" : "GB/s   ",
           100 * work / took / (counts_flops ? peak->flops : peak->triad));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 0;
    const char *only = argc > 2 ? argv[2] : "";
    vl_peak peak;
    const vl_backend *be = vl_backend_fast();
    vl_device *device = be->open(threads);
    if (!device || vl_cpu_peak(&peak, threads) != VIOLET_OK) {
        fprintf(stderr, "speed: %s\n", violet_error());
        return 1;
    }
    printf("backend %s, %d threads; peak %.1f GFLOP/s (float32, %s), %.1f GB/s\n", be->name,
           peak.threads, peak.flops / 1e9, peak.isa, peak.triad / 1e9);
    for (int i = 0; i < op_n_cases; i++) {
        const op_case *c = &op_cases[i];
        char name[120];
        op_case_name(c, name, sizeof name);
        if (!(c->sets & (OP_REAL | OP_SPEED)) || !strstr(name, only)) continue;
        op_run r;
        op_open(&r, c, be, device);
        op_reset(&r, 0);
        print_line(&r, name, false, &peak);
        if (r.op->backward) print_line(&r, name, true, &peak);
        op_close(&r);
    }
    be->close(device);
    return 0;
}
