/* JSON with a limit on what it can cost; see json_text.h. */
#include "file/json_text.h"

#include <stdbool.h>
#include <string.h>

static size_t count_brackets(const char *s, size_t n)
{
    size_t found = 0;
    bool inside = false; /* of a string */
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            inside = !inside;
        else if (inside && s[i] == '\\')
            i++;
        else
            found += !inside && (s[i] == '{' || s[i] == '[');
    }
    return found;
}

static violet_status check_brackets(const char *s, size_t n, size_t most, const char *what)
{
    size_t n_brackets = count_brackets(s, n);
    if (n_brackets <= most) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: %zu brackets in %zu bytes, expected at most %zu", what,
                  n_brackets, n, most);
}

violet_status vl_json_parse(json_t **out, const void *text, size_t n, size_t most_brackets,
                            const char *what)
{
    json_error_t e;
    *out = NULL;
    violet_status status = check_brackets(text, n, most_brackets, what);
    if (status != VIOLET_OK) return status;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
    if (!*out) return vl_err(VIOLET_EFORMAT, "%s byte %d: %s", what, e.position, e.text);
    return VIOLET_OK;
}

/* ---- one by one ------------------------------------------------------------------------------ */

typedef struct cursor {
    const char *s, *what;
    size_t n, at;
} cursor;

/* The next character that is not white space stays; 0: the end. */
static char peek(cursor *c)
{
    while (c->at < c->n && c->s[c->at] && strchr(" \t\r\n", c->s[c->at])) c->at++;
    return c->at < c->n ? c->s[c->at] : 0;
}

static violet_status expect(cursor *c, char expected)
{
    if (peek(c) != expected)
        return vl_err(VIOLET_EFORMAT, "%s byte %zu: expected '%c'", c->what, c->at, expected);
    c->at++;
    return VIOLET_OK;
}

static violet_status take_value(json_t **out, cursor *c)
{
    json_error_t e;
    const size_t how = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK;
    *out = json_loadb(c->s + c->at, c->n - c->at, how, &e);
    if (!*out)
        return vl_err(VIOLET_EFORMAT, "%s byte %zu: %s", c->what, c->at + (size_t)e.position,
                      e.text);
    c->at += (size_t)e.position;
    return VIOLET_OK;
}

static violet_status take_member(cursor *c, vl_json_take take, void *context)
{
    json_t *key = NULL, *value = NULL;
    if (peek(c) != '"')
        return vl_err(VIOLET_EFORMAT, "%s byte %zu: expected a name", c->what, c->at);
    violet_status status = take_value(&key, c);
    if (status == VIOLET_OK) status = expect(c, ':');
    if (status == VIOLET_OK) status = take_value(&value, c);
    if (status == VIOLET_OK) status = take(context, json_string_value(key), value);
    json_decref(key);
    json_decref(value);
    return status;
}

violet_status vl_json_members(const void *text, size_t n, size_t most_brackets, const char *what,
                              vl_json_take take, void *context)
{
    cursor c = {text, what, n, 0};
    violet_status status = check_brackets(text, n, most_brackets, what);
    if (status != VIOLET_OK) return status;
    if (peek(&c) != '{') return vl_err(VIOLET_EFORMAT, "%s: expected an object", what);
    do {
        c.at++; /* '{' or ',' */
        if (peek(&c) == '}' && c.s[c.at - 1] != ',') break;
        if ((status = take_member(&c, take, context)) != VIOLET_OK) return status;
    } while (peek(&c) == ',');
    status = expect(&c, '}');
    if (status == VIOLET_OK && (peek(&c) || c.at < n))
        return vl_err(VIOLET_EFORMAT, "%s byte %zu: expected its end", what, c.at);
    return status;
}

const char *vl_json_kind(const json_t *v)
{
    static const char *const names[] = {"an object", "a list", "a string", "a number",
                                        "a fraction"};
    unsigned type = v ? (unsigned)json_typeof(v) : JSON_NULL;
    if (type < sizeof names / sizeof *names) return names[type];
    return json_is_boolean(v) ? "true or false" : "null";
}
