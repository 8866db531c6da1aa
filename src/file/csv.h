/* Tables in text: comma-separated values, as RFC 4180 has them, and no looser.
 *
 *     vl_csv c;
 *     vl_csv_open(&c, bytes, n, "answers.csv");             // the bytes outlive it
 *     for (bool more; (status = vl_csv_next(&more, &c)) == VIOLET_OK && more;)
 *         for (int i = 0; i < c.n_cells; i++) ... vl_csv_cell(&c, i) ...   // line c.line
 *     vl_csv_close(&c);
 *
 * A row ends with LF or CR LF, the last one perhaps with neither. A cell that holds a comma, a
 * quote or the end of a line stands in quotes, and its quotes are doubled. Spaces belong to cells.
 * Rows have as many cells as the first one has; empty lines, and a byte order mark at the
 * beginning, are passed over. A quote elsewhere, text behind a closing one, a lone CR, a 0 byte and
 * what is no UTF-8 are errors that name the line. Cells are borrowed until the next row; memory is
 * the longest row's. */
#ifndef VL_FILE_CSV_H
#define VL_FILE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

#define VL_CSV_MAX_CELLS (1 << 20)

typedef struct vl_csv {
    const char *name, *at, *end;
    size_t line;      /* where the row began, from 1 */
    size_t next_line; /* of what comes at `at` */
    int n_cells;      /* the same in every row */
    size_t *cell;     /* (cap) where each begins in `text` */
    int cap;
    vl_buf text;      /* cells, each with a 0 behind it */
} vl_csv;

void vl_csv_open(vl_csv *c, const char *bytes, size_t n, const char *name);
/* *more false: there are no more rows. Messages begin "NAME line N: ". */
violet_status vl_csv_next(bool *more, vl_csv *c);
const char *vl_csv_cell(const vl_csv *c, int i);
void vl_csv_close(vl_csv *c);

#endif
