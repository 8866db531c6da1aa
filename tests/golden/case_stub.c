#include "golden/golden.h"
#define STUB(n) void n(golden_tally *t, const golden_options *o, const char *path) \
{ golden_report r; golden_begin(&r, t, o, path); golden_missing(&r, #n); golden_end(&r); }
STUB(golden_case_wordpiece) STUB(golden_case_pictures) STUB(golden_case_adamw) STUB(golden_case_ranking) STUB(golden_case_checkpoints) STUB(golden_case_dvae)
