/* What tests of PyTorch's files share: a pickle spelled in text becomes an archive, and is opened.
 *
 *     vl_buf b = {0};
 *     puts_to(&b, "(dS't'\n");
 *     put_vector(&b, "0", 3);
 *     puts_to(&b, "s");
 *     vl_torch *f = open_program(&z, &b);
 *     expect_floats(f, "t", (float[]){0, 1, 2}, 3);
 */
#ifndef TORCH_CASE_H
#define TORCH_CASE_H

#include "file/torch.h"
#include "unit/make_torch.h"

void puts_to(vl_buf *b, const char *s);

/* A zip with this program and storages 0 to 3, opened; NULL: refused, the message is set. The bytes
 * stay in `z`; the program is freed. */
vl_torch *open_program(zip_maker *z, vl_buf *program);
/* The program is refused, and the message says this and the file's name. */
void refused(vl_buf *program, const char *why);
void expect_error(const char *why);

const vl_stored *find(const vl_torch *f, const char *name);
/* At most 32 values. */
void expect_floats(const vl_torch *f, const char *name, const float *expected, size_t n);

#endif
