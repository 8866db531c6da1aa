/* The options of a report. */
#include "report/report.h"

#define S vl_report_options

const vl_option vl_report_option_table[] = {
    VL_OPTION_STRING(S, output, NULL, "Report", "file to write (default: report.html in the first "
                                                "folder)"),
    VL_OPTION_STRING(S, baseline, NULL, "Report",
                     "evaluations to compare with, each a column: NAME=FOLDER,NAME=FOLDER"),
    VL_OPTION_STRING(S, title, NULL, "Report", "heading of the page (default: from the folders)"),
    VL_OPTION_INT(S, examples, "8", 0, 200, "Report",
                  "queries and questions shown of each evaluation, half of them failures"),
    VL_OPTION_INT(S, frames, "4", 1, 16, "Report", "pictures of a video, at most"),
    VL_OPTION_INT(S, thumb, "144", 16, 640, "Report", "longer side of a picture"),
    {0},
};
