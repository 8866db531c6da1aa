/* See torch_case.h. */
#include "unit/torch_case.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

vl_torch *open_program(zip_maker *z, vl_buf *program)
{
    vl_torch *f;
    *z = (zip_maker){0};
    assert_int_equal(vl_buf_putc(program, '.'), VIOLET_OK);
    zip_of(z, program->data, program->n, 4);
    vl_torch_parse(&f, z->data.data, z->data.n, "test.pt");
    vl_buf_free(program);
    return f;
}

void expect_error(const char *why)
{
    if (!strstr(violet_error(), why)) fail_msg("'%s' lacks '%s'", violet_error(), why);
}

void refused(vl_buf *program, const char *why)
{
    zip_maker z;
    vl_torch *f = open_program(&z, program);
    if (f) fail_msg("read, expected '%s'", why);
    expect_error(why);
    expect_error("test.pt: ");
    zip_free(&z);
}

const vl_stored *find(const vl_torch *f, const char *name)
{
    const vl_stored *t = f ? vl_torch_find(f, name) : NULL;
    if (!f) fail_msg("%s", violet_error());
    if (!t) fail_msg("no tensor '%s'", name);
    return t;
}

void expect_floats(const vl_torch *f, const char *name, const float *expected, size_t n)
{
    const vl_stored *t = find(f, name);
    float x[32];
    assert_int_equal(t->n, n);
    vl_stored_floats(x, t, 0, t->n);
    for (size_t i = 0; i < n; i++)
        if (x[i] != expected[i]) fail_msg("%s[%zu]: %g, not %g", name, i, x[i], expected[i]);
}

void puts_to(vl_buf *b, const char *s)
{
    assert_int_equal(vl_buf_puts(b, s), VIOLET_OK);
}
