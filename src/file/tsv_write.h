/* Writes X.tsv with X.lineidx, byte for byte as the published tool does: id, then a base64 JPEG a
 * frame, TAB between, NEWLINE behind; the index has each line's byte offset, a decimal number a
 * line.
 *
 *     vl_tsv_writer *w;
 *     status = vl_tsv_create(&w, "X.tsv", false);
 *     status = vl_tsv_put(w, "video7010", 9, frame, n);   // slices of base64 text
 *     status = vl_tsv_finish(w);                          // both files appear; frees w
 *
 * Until then everything stands in X.tsv.partial and X.lineidx.partial, which a later
 * vl_tsv_create(.., resume) goes on with, as far as whole lines are in both: a line is written
 * before its index entry, so a process may be killed at any moment. What a failing machine may
 * leave (lines in the index that never reached the file) is found by looking at the last lines.
 *
 * Memory is one line, however many there are. */
#ifndef VL_FILE_TSV_WRITE_H
#define VL_FILE_TSV_WRITE_H

#include "file/tsv.h"

typedef struct vl_tsv_writer vl_tsv_writer;

/* resume: keeps the whole lines of an earlier partial file (vl_tsv_put_n tells how many); where a
 * finish was interrupted, or even done, its files become partial again. Else partial files are
 * begun anew, and finished ones stay until the finish replaces them. */
violet_status vl_tsv_create(vl_tsv_writer **out, const char *path, bool resume);
/* EINVAL for an id that is empty, or text with TAB, NEWLINE or a 0 byte in it; nothing is written
 * then. After another error the writer can only be suspended or abandoned. */
violet_status vl_tsv_put(vl_tsv_writer *w, const char *id, size_t n_id, const vl_slice *frame,
                         int n);
size_t vl_tsv_put_n(const vl_tsv_writer *w); /* lines so far */
/* Drops all lines after the first n: for a caller whose own records end earlier. */
violet_status vl_tsv_cut(vl_tsv_writer *w, size_t n);
violet_status vl_tsv_flush(vl_tsv_writer *w); /* to the disk, so that a resume finds it */
violet_status vl_tsv_finish(vl_tsv_writer *w); /* frees w, whatever comes */
/* Closes; the partial files stay for a resume. NULL is fine. */
void vl_tsv_suspend(vl_tsv_writer *w);
/* Closes and removes the partial files. NULL is fine. */
void vl_tsv_abandon(vl_tsv_writer *w);

#endif
