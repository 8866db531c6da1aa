/* Small pictures of the videos of an evaluation, found as it found them: by its options data,
 * dataset, videos.
 *
 *     thumbs *t;
 *     status = thumbs_open(&t, eval, options);
 *     thumbs_put(&h, t, "video7010");           // <div class="frames"> with pictures, or why not
 *     thumbs_close(t);
 *
 * The frames are those that the model saw, or as many of them as the report's option says. */
#ifndef VL_REPORT_THUMBS_H
#define VL_REPORT_THUMBS_H

#include <signal.h>

#include "report/html.h"
#include "report/phase.h"
#include "report/report.h"

typedef struct thumbs thumbs;

/* Where there are no pictures any more, thumbs_missing says why. ENOMEM only. */
violet_status thumbs_open(thumbs **out, const phase *eval, const vl_report_options *o,
                          const volatile sig_atomic_t *stop);
const char *thumbs_missing(const thumbs *t); /* NULL: there are pictures */
void thumbs_put(html *h, thumbs *t, const char *video);
void thumbs_close(thumbs *t);

#endif
