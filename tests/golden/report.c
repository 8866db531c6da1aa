/* Prints and counts; see golden.h. */
#include "golden/golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_names[GOLDEN_KINDS] = {
    "activations", "scorer", "losses", "gradients", "changes", "steps", "pieces"};

void golden_begin(golden_report *r, golden_tally *tally, const golden_options *o, const char *name)
{
    memset(r, 0, sizeof *r);
    r->options = o;
    r->tally = tally;
    snprintf(r->name, sizeof r->name, "%s", name);
    if (o->level > GOLDEN_QUIET) printf("%s\n", name);
}

void golden_end(golden_report *r)
{
    printf("%s: %d checks, %d failed", r->name, r->checks, r->failed);
    if (r->looked_again) printf(", %d gradients at a second look", r->looked_again);
    const char *between = "; worst";
    for (int k = 0; k < GOLDEN_KINDS; k++) {
        if (!r->worst_at[k][0]) continue;
        printf("%s %s %.2g (%s)", between, kind_names[k], r->worst[k], r->worst_at[k]);
        between = ",";
    }
    printf("\n");
    fflush(stdout);
    r->tally->cases++;
    r->tally->checks += r->checks;
    r->tally->failed += r->failed;
    if (r->checks == 0) r->tally->failed++;
}

void golden_line(golden_report *r, int detail, golden_kind kind, const char *name, double error,
                 double tolerance, int ok)
{
    r->checks++;
    r->failed += !ok;
    if (!ok || r->options->level >= detail)
        printf("  %-72s %9.2e  %8.1e  %s\n", name, error, tolerance, ok ? "ok" : "FAIL");
    /* gradients that are zero in exact arithmetic pass by their absolute size, or PyTorch's own
     * error is as large: their relative error says nothing */
    if (ok && (!(error <= tolerance) || tolerance > 1)) return;
    if (!isnan(error) && error < r->worst[kind]) return;
    r->worst[kind] = error;
    snprintf(r->worst_at[kind], sizeof r->worst_at[kind], "%s", name);
}

void golden_verdict(golden_report *r, int ok, const char *name, const char *format, ...)
{
    r->checks++;
    r->failed += !ok;
    if (ok) {
        if (r->options->level >= GOLDEN_NORMAL) printf("  %-72s ok\n", name);
        return;
    }
    va_list ap;
    va_start(ap, format);
    printf("  %-72s FAIL: ", name);
    vprintf(format, ap);
    printf("\n");
    va_end(ap);
}

void golden_missing(golden_report *r, const char *what)
{
    if (!r->options->allow_missing) {
        golden_verdict(r, 0, what, "not supported yet");
        return;
    }
    r->checks++;
    r->tally->missing++;
    printf("  %-72s not yet\n", what);
}
