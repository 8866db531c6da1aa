/* What an option table says of itself: --help and the man page; see option.h. */
#include <string.h>

#include "base/option.h"

#define HELP_COLUMN 30
#define HELP_WIDTH 80

/* What stands for the value; "" of a flag. */
static violet_status put_value(vl_buf *out, const vl_option *o)
{
    const char *word = NULL;
    if (o->type == VL_OPT_BOOL) return VIOLET_OK;
    if (o->type == VL_OPT_INT || o->type == VL_OPT_INT64) word = "N";
    if (o->type == VL_OPT_DOUBLE) word = "X";
    if (o->type == VL_OPT_STRING && !o->choices) word = o->is_path ? "PATH" : "TEXT";
    if (word) return vl_buf_printf(out, " %s", word);
    return vl_buf_printf(out, " %s%s", o->choices, o->is_path ? "|PATH" : "");
}

/* --some-name VALUE, as one types it; a flag that is on by default is shown as the one to turn it
 * off. */
static violet_status put_usage(vl_buf *out, const vl_option *o)
{
    int is_on = o->type == VL_OPT_BOOL && o->fallback && !strcmp(o->fallback, "true");
    violet_status status = vl_buf_puts(out, is_on ? "--[no-]" : "--");
    for (const char *c = o->name; *c && status == VIOLET_OK; c++)
        status = vl_buf_putc(out, *c == '_' ? '-' : *c);
    return status == VIOLET_OK ? put_value(out, o) : status;
}

static violet_status put_limits(vl_buf *out, const vl_option *o)
{
    int ranged = (o->least != 0 || o->most != 0) && o->type <= VL_OPT_DOUBLE;
    int told = o->fallback && *o->fallback; /* that a flag is off needs no word */
    if (o->type == VL_OPT_BOOL) told = told && !strcmp(o->fallback, "true");
    violet_status status = o->also ? vl_buf_printf(out, ", also --%s", o->also) : VIOLET_OK;
    if (status == VIOLET_OK && told) status = vl_buf_printf(out, " (default %s", o->fallback);
    if (status == VIOLET_OK && ranged)
        status = vl_buf_printf(out, "%s%.15g to %.15g", told ? "; " : " (", o->least, o->most);
    return status == VIOLET_OK && (told || ranged) ? vl_buf_putc(out, ')') : status;
}

/* Breaks the line that is from `start` on into lines that begin in the help's column. */
static violet_status wrap_from(vl_buf *out, size_t start)
{
    violet_status status = VIOLET_OK;
    while (status == VIOLET_OK && out->n - start > HELP_WIDTH) {
        size_t at = start + HELP_WIDTH;
        while (at > start + HELP_COLUMN && out->data[at] != ' ') at--;
        if (at == start + HELP_COLUMN) return VIOLET_OK; /* one long word */
        vl_buf tail = {0};
        status = vl_buf_puts(&tail, out->data + at + 1);
        out->n = at;
        start = at + 1;
        if (status == VIOLET_OK)
            status = vl_buf_printf(out, "\n%*s%s", HELP_COLUMN, "", tail.data);
        vl_buf_free(&tail);
    }
    return status;
}

static violet_status help_line(vl_buf *out, const vl_option *o)
{
    size_t start = out->n;
    violet_status status = vl_buf_puts(out, "  ");
    if (status == VIOLET_OK) status = put_usage(out, o);
    if (status != VIOLET_OK) return status;
    int width = (int)(out->n - start);
    if (width >= HELP_COLUMN) {
        status = vl_buf_putc(out, '\n');
        start = out->n;
        width = 0;
    }
    if (status == VIOLET_OK)
        status = vl_buf_printf(out, "%*s%s", HELP_COLUMN - width, "", o->help);
    if (status == VIOLET_OK) status = put_limits(out, o);
    if (status == VIOLET_OK) status = wrap_from(out, start);
    return status == VIOLET_OK ? vl_buf_putc(out, '\n') : status;
}

/* troff reads '\' as its escape, and '-' as a hyphen that cannot be copied as a minus. */
static violet_status escape_from(vl_buf *out, size_t start)
{
    vl_buf plain = {0};
    violet_status status = vl_buf_append(&plain, out->data + start, out->n - start);
    out->n = start;
    for (size_t i = 0; i < plain.n && status == VIOLET_OK; i++) {
        char c = plain.data[i];
        if (c == '\\')
            status = vl_buf_puts(out, "\\e");
        else if (c == '-')
            status = vl_buf_puts(out, "\\-");
        else
            status = vl_buf_putc(out, c);
    }
    vl_buf_free(&plain);
    return status;
}

static violet_status man_entry(vl_buf *out, const vl_option *o)
{
    violet_status status = vl_buf_puts(out, ".TP\n.B ");
    size_t start = out->n;
    if (status == VIOLET_OK) status = put_usage(out, o);
    if (status == VIOLET_OK) status = escape_from(out, start);
    if (status == VIOLET_OK) status = vl_buf_puts(out, "\n\\&"); /* a '.' may come first */
    start = out->n;
    if (status == VIOLET_OK) status = vl_buf_puts(out, o->help);
    if (status == VIOLET_OK) status = put_limits(out, o);
    if (status == VIOLET_OK) status = escape_from(out, start);
    return status == VIOLET_OK ? vl_buf_puts(out, ".\n") : status;
}

static const char *group_of(const vl_option *o)
{
    return o->group ? o->group : "Options";
}

/* Groups in the order of their first options, each option under its own wherever it stands. */
static violet_status grouped(vl_buf *out, const vl_option *table, const char *heading,
                             violet_status (*entry)(vl_buf *, const vl_option *))
{
    violet_status status = VIOLET_OK;
    for (const vl_option *first = table; first->name; first++) {
        const vl_option *o = table;
        while (strcmp(group_of(o), group_of(first))) o++;
        if (o != first) continue; /* that group was written when its first option came */
        if (status == VIOLET_OK) status = vl_buf_printf(out, heading, group_of(first));
        for (; o->name && status == VIOLET_OK; o++)
            if (!strcmp(group_of(o), group_of(first))) status = entry(out, o);
    }
    return status;
}

violet_status vl_option_help(vl_buf *out, const vl_option *table)
{
    return grouped(out, table, "%s:\n", help_line);
}

violet_status vl_option_man(vl_buf *out, const vl_option *table)
{
    return grouped(out, table, ".SS %s\n", man_entry);
}
