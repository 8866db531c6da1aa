/* The pickle stack machine; see pickle.h.
 *
 * A table gives each opcode a function and a number; the function takes its argument from the
 * bytes and works on the stack. Marks are kept apart from values, so no opcode can mistake one.
 * Memory: every opcode adds at most one value to the stack, and a memo index must be below what has
 * been read (writers count them up), so both stay in proportion to the program, whatever follows
 * it. */
#include <stdlib.h>
#include <string.h>

#include "file/pickle_doc.h"

#define MEMO_ALWAYS 256 /* indices that are fine anywhere */

typedef struct machine {
    vl_pickle *doc;
    size_t at, start; /* the next byte; this opcode's */
    vl_value **stack;
    size_t n_stack, cap_stack;
    size_t *marks; /* stack heights */
    size_t n_marks, cap_marks;
    vl_value **memo; /* (cap_memo), NULL: nothing */
    size_t n_memo, cap_memo; /* n_memo: what MEMOIZE takes next */
    bool stopped;
} machine;

typedef violet_status (*op_fn)(machine *m, int arg);

static violet_status bad(const char *what)
{
    return vl_err(VIOLET_EFORMAT, "%s", what);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static violet_status take(const uint8_t **p, machine *m, uint64_t n)
{
    if (n > m->doc->n - m->at)
        return vl_err(VIOLET_EFORMAT, "needs %llu more bytes, the file has %zu",
                      (unsigned long long)n, m->doc->n - m->at);
    *p = m->doc->data + m->at;
    m->at += n;
    return VIOLET_OK;
}

static violet_status take_uint(uint64_t *out, machine *m, int n_bytes)
{
    const uint8_t *p = NULL;
    *out = 0;
    violet_status status = take(&p, m, (uint64_t)n_bytes);
    if (status == VIOLET_OK) memcpy(out, p, (size_t)n_bytes);
    return status;
}

/* A line without its newline. */
static violet_status take_line(const char **s, size_t *n, machine *m)
{
    const uint8_t *p = m->doc->data + m->at;
    const uint8_t *end = memchr(p, '\n', m->doc->n - m->at);
    if (!end) return bad("a line without an end");
    *s = (const char *)p;
    *n = (size_t)(end - p);
    m->at += *n + 1;
    return VIOLET_OK;
}

/* ---- stack and memo -------------------------------------------------------------------------- */

static violet_status grow(void **p, size_t *cap, size_t want, size_t size)
{
    size_t more = *cap ? *cap * 2 : 256;
    if (more < want) more = want;
    void *q = realloc(*p, more * size);
    if (!q) return vl_err_nomem();
    memset((char *)q + *cap * size, 0, (more - *cap) * size);
    *p = q;
    *cap = more;
    return VIOLET_OK;
}

static violet_status push(machine *m, vl_value *v)
{
    if (!v) return vl_pickle_nomem(m->doc);
    if (m->n_stack == m->cap_stack) {
        violet_status status =
            grow((void **)&m->stack, &m->cap_stack, m->n_stack + 1, sizeof *m->stack);
        if (status != VIOLET_OK) return status;
    }
    m->stack[m->n_stack++] = v;
    return VIOLET_OK;
}

/* Values above the last mark; nothing below it can be popped. */
static size_t height(const machine *m)
{
    return m->n_stack - (m->n_marks ? m->marks[m->n_marks - 1] : 0);
}

static violet_status pop(vl_value **v, machine *m)
{
    if (height(m) == 0) return bad("the stack is empty");
    *v = m->stack[--m->n_stack];
    return VIOLET_OK;
}

static violet_status top(vl_value **v, machine *m)
{
    if (height(m) == 0) return bad("the stack is empty");
    *v = m->stack[m->n_stack - 1];
    return VIOLET_OK;
}

/* The values above the last mark, taken off together with it; valid until the next push. */
static violet_status from_mark(vl_value ***at, size_t *n, machine *m)
{
    if (!m->n_marks) return bad("no mark on the stack");
    *n = height(m);
    m->n_stack -= *n;
    m->n_marks--;
    *at = m->stack + m->n_stack;
    return VIOLET_OK;
}

static violet_status memo_put(machine *m, uint64_t i)
{
    vl_value *v = NULL;
    violet_status status = top(&v, m);
    if (status != VIOLET_OK) return status;
    if (i >= m->at + MEMO_ALWAYS) return bad("memo index beyond what came before");
    if (i >= m->cap_memo) {
        status = grow((void **)&m->memo, &m->cap_memo, (size_t)i + 1, sizeof *m->memo);
        if (status != VIOLET_OK) return status;
    }
    if (!m->memo[i]) m->n_memo++;
    m->memo[i] = v;
    return VIOLET_OK;
}

static violet_status memo_get(machine *m, uint64_t i)
{
    if (i >= m->cap_memo || !m->memo[i]) return bad("memo index that was never stored");
    return push(m, m->memo[i]);
}

/* ---- scalars --------------------------------------------------------------------------------- */

static violet_status constant(machine *m, int which)
{
    vl_pickle *d = m->doc;
    vl_value *const values[] = {d->none, d->yes, d->no, d->empty_tuple};
    return push(m, values[which]);
}

/* arg: bytes, negative when signed. */
static violet_status binary_int(machine *m, int arg)
{
    uint64_t x;
    violet_status status = take_uint(&x, m, arg < 0 ? -arg : arg);
    if (status != VIOLET_OK) return status;
    return push(m, vl_pickle_int(m->doc, arg < 0 ? (int64_t)(int32_t)x : (int64_t)x));
}

/* arg: bytes of the length. Up to 8 bytes are an int, more stay bytes. */
static violet_status binary_long(machine *m, int arg)
{
    const uint8_t *p = NULL;
    uint64_t n = 0, x = 0;
    violet_status status = take_uint(&n, m, arg);
    if (status == VIOLET_OK) status = take(&p, m, n);
    if (status != VIOLET_OK) return status;
    if (n > 8) return push(m, vl_pickle_bytes_value(m->doc, VL_BIGINT, p, n));
    if (n && p[n - 1] & 0x80) x = UINT64_MAX;
    memcpy(&x, p, n);
    return push(m, vl_pickle_int(m->doc, (int64_t)x));
}

static violet_status binary_float(machine *m, int arg)
{
    const uint8_t *p = NULL;
    uint64_t bits = 0;
    violet_status status = take(&p, m, 8);
    if (status != VIOLET_OK) return status;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    vl_value *v = vl_pickle_value(m->doc, VL_FLOAT);
    if (v) memcpy(&v->u.f, &bits, 8);
    return (void)arg, push(m, v);
}

/* Protocol 0: INT "12", "00", "01" (bools); LONG "12L"; FLOAT "1.5". arg: the opcode. */
static violet_status text_number(machine *m, int arg)
{
    const char *s = NULL;
    char text[64], *end;
    size_t n = 0;
    violet_status status = take_line(&s, &n, m);
    if (status != VIOLET_OK) return status;
    if (n && arg == 'L' && s[n - 1] == 'L') n--;
    if (n == 0 || n >= sizeof text) return bad("expected a number of 1 to 63 characters");
    memcpy(text, s, n);
    text[n] = 0;
    if (arg == 'I' && n == 2 && text[0] == '0' && (text[1] == '0' || text[1] == '1'))
        return constant(m, text[1] == '1' ? 1 : 2);
    if (arg == 'F') {
        vl_value *v = vl_pickle_value(m->doc, VL_FLOAT);
        if (v) v->u.f = strtod(text, &end);
        return v && end != text + n ? bad("expected a number") : push(m, v);
    }
    int64_t i = strtoll(text, &end, 10);
    if (end != text + n) return bad("expected a number");
    if ((i == INT64_MAX || i == INT64_MIN) && n > 18)
        return vl_err(VIOLET_EUNSUPPORTED, "integer '%s' beyond 64 bits", text);
    return push(m, vl_pickle_int(m->doc, i));
}

/* ---- strings --------------------------------------------------------------------------------- */

/* arg: bytes of the length, + 16 * kind, + 0x1000 for Python 2's str (raw bytes as text). */
static violet_status counted(machine *m, int arg)
{
    const uint8_t *p = NULL;
    uint64_t n = 0;
    violet_status status = take_uint(&n, m, arg & 15);
    if (status == VIOLET_OK) status = take(&p, m, n);
    if (status != VIOLET_OK) return status;
    vl_value *v = vl_pickle_bytes_value(m->doc, (vl_kind)(arg >> 4 & 0xff), p, n);
    if (v && arg & 0x1000) v->flag = 1;
    return push(m, v);
}

/* Protocol 0's UNICODE ('V') and STRING ('S'): a line that spells the text. */
static violet_status text_line(machine *m, int arg)
{
    const char *s = NULL;
    size_t n = 0;
    vl_value *v = NULL;
    violet_status status = take_line(&s, &n, m);
    if (status != VIOLET_OK) return status;
    status = arg == 'V' ? vl_pickle_unicode(&v, m->doc, s, n) : vl_pickle_literal(&v, m->doc, s, n);
    return status == VIOLET_OK ? push(m, v) : status;
}

/* ---- containers ------------------------------------------------------------------------------ */

static violet_status mark(machine *m, int arg)
{
    if (m->n_marks == m->cap_marks) {
        violet_status status =
            grow((void **)&m->marks, &m->cap_marks, m->n_marks + 1, sizeof *m->marks);
        if (status != VIOLET_OK) return status;
    }
    m->marks[m->n_marks++] = m->n_stack;
    return (void)arg, VIOLET_OK;
}

static violet_status pop_one(machine *m, int arg)
{
    vl_value *v = NULL;
    if (m->n_marks && height(m) == 0) return m->n_marks--, VIOLET_OK; /* POP takes a mark too */
    return (void)arg, pop(&v, m);
}

static violet_status pop_to_mark(machine *m, int arg)
{
    vl_value **at = NULL;
    size_t n = 0;
    return (void)arg, from_mark(&at, &n, m);
}

static violet_status dup_top(machine *m, int arg)
{
    vl_value *v = NULL;
    violet_status status = top(&v, m);
    return (void)arg, status == VIOLET_OK ? push(m, v) : status;
}

static violet_status make_tuple(vl_value **out, machine *m, vl_value *const *at, size_t n)
{
    vl_value *v = n ? vl_pickle_alloc(m->doc, sizeof *v + n * sizeof *at) : m->doc->empty_tuple;
    if (!v) return vl_pickle_nomem(m->doc);
    if (n > UINT32_MAX / 4) return bad("tuple of more than 2^30 items");
    if (n) {
        v->kind = VL_TUPLE;
        v->n = (uint32_t)n;
        memcpy(vl_tuple_items(v), at, n * sizeof *at);
    }
    *out = v;
    return VIOLET_OK;
}

/* arg: number of items, 0: down to the mark. */
static violet_status tuple(machine *m, int arg)
{
    vl_value **at = NULL, *v = NULL;
    size_t n = (size_t)arg;
    violet_status status = VIOLET_OK;
    if (arg == 0) {
        status = from_mark(&at, &n, m);
    } else if (height(m) < n) {
        status = bad("the stack is empty");
    } else {
        m->n_stack -= n;
        at = m->stack + m->n_stack;
    }
    if (status == VIOLET_OK) status = make_tuple(&v, m, at, n);
    return status == VIOLET_OK ? push(m, v) : status;
}

static violet_status empty(machine *m, int kind)
{
    return push(m, vl_pickle_items(m->doc, (vl_kind)kind));
}

static violet_status add(machine *m, vl_value *to, vl_value *const *at, size_t n, int kind)
{
    if (to->kind == VL_OBJECT && !(to = vl_pickle_object_items_of(m->doc, to, (vl_kind)kind)))
        return vl_pickle_nomem(m->doc);
    if (to->kind != kind || (kind == VL_DICT && n % 2))
        return vl_err(VIOLET_EFORMAT, "adds %zu items of a %s to a %s", n,
                      vl_kind_name((vl_kind)kind), vl_kind_name((vl_kind)to->kind));
    for (size_t i = 0; i < n; i++) {
        violet_status status = vl_pickle_append(m->doc, to, at[i]);
        if (status != VIOLET_OK) return status;
    }
    return VIOLET_OK;
}

/* arg: kind; a new container of everything down to the mark (protocol 0's LIST and DICT,
 * FROZENSET). */
static violet_status collect(machine *m, int kind)
{
    vl_value **at = NULL, *v = vl_pickle_items(m->doc, (vl_kind)kind);
    size_t n = 0;
    if (!v) return vl_pickle_nomem(m->doc);
    violet_status status = from_mark(&at, &n, m);
    if (status == VIOLET_OK) status = add(m, v, at, n, kind);
    return status == VIOLET_OK ? push(m, v) : status;
}

/* arg: kind; everything down to the mark goes into the container below it. */
static violet_status extend(machine *m, int kind)
{
    vl_value **at = NULL, *to = NULL;
    size_t n = 0;
    violet_status status = from_mark(&at, &n, m);
    if (status == VIOLET_OK) status = top(&to, m);
    return status == VIOLET_OK ? add(m, to, at, n, kind) : status;
}

static violet_status append(machine *m, int kind)
{
    size_t n = kind == VL_DICT ? 2 : 1;
    if (height(m) < n + 1) return bad("the stack is empty");
    m->n_stack -= n;
    return add(m, m->stack[m->n_stack - 1], m->stack + m->n_stack, n, kind);
}

/* ---- globals and calls ----------------------------------------------------------------------- */

static bool same(const char *s, size_t n, const char *name)
{
    return strlen(name) == n && memcmp(s, name, n) == 0;
}

static const vl_pickle_call *allowed(const vl_pickle_call *table, const struct vl_global *g)
{
    for (; table && table->module; table++)
        if (same(g->module, g->n_module, table->module) && same(g->name, g->n_name, table->name))
            return table;
    return NULL;
}

static violet_status make_global(vl_value **out, machine *m, const char *module, size_t n_module,
                                 const char *name, size_t n_name)
{
    vl_value *v = vl_pickle_value(m->doc, VL_GLOBAL);
    struct vl_global *g = v ? vl_pickle_alloc(m->doc, sizeof *g) : NULL;
    if (!g) return vl_pickle_nomem(m->doc);
    if (n_module > 1000 || n_name > 1000) return bad("global with a name of over 1000 bytes");
    *g = (struct vl_global){module, name, (uint32_t)n_module, (uint32_t)n_name, NULL};
    g->call = allowed(m->doc->options.calls, g);
    if (!g->call) g->call = allowed(vl_pickle_calls, g);
    v->u.global = g;
    *out = v;
    return VIOLET_OK;
}

static violet_status line_global(vl_value **out, machine *m)
{
    const char *module = NULL, *name = NULL;
    size_t n_module = 0, n_name = 0;
    violet_status status = take_line(&module, &n_module, m);
    if (status == VIOLET_OK) status = take_line(&name, &n_name, m);
    return status == VIOLET_OK ? make_global(out, m, module, n_module, name, n_name) : status;
}

/* arg 0: two lines; 1: two strings from the stack. */
static violet_status global(machine *m, int arg)
{
    vl_value *name = NULL, *module = NULL, *v = NULL;
    violet_status status = VIOLET_OK;
    if (arg == 0) {
        status = line_global(&v, m);
    } else {
        if ((status = pop(&name, m)) == VIOLET_OK) status = pop(&module, m);
        if (status == VIOLET_OK && (name->kind != VL_STR || module->kind != VL_STR))
            status = bad("a global's name is not a string");
        if (status == VIOLET_OK)
            status = make_global(&v, m, module->u.s, module->n, name->u.s, name->n);
    }
    return status == VIOLET_OK ? push(m, v) : status;
}

/* REDUCE and NEWOBJ: callee and arguments. arg 1: it is NEWOBJ; 3, NEWOBJ_EX: keyword arguments on
 * top, which must be none. */
static violet_status call(machine *m, int arg)
{
    vl_value *args = NULL, *callee = NULL, *keywords = NULL, *v = NULL;
    violet_status status = VIOLET_OK;
    if (arg == 3 && (status = pop(&keywords, m)) == VIOLET_OK && vl_value_n(keywords) != 0)
        status = vl_err(VIOLET_EUNSUPPORTED, "keyword arguments are not read");
    if (status == VIOLET_OK) status = pop(&args, m);
    if (status == VIOLET_OK) status = pop(&callee, m);
    if (status != VIOLET_OK) return status;
    if (arg && m->doc->options.objects && callee->kind == VL_GLOBAL && !callee->u.global->call)
        status = vl_pickle_object(&v, m->doc, callee, args);
    else
        status = vl_pickle_apply(&v, m->doc, callee, args);
    return status == VIOLET_OK ? push(m, v) : status;
}

/* INST (arg 0: the name in two lines) and OBJ (arg 1: the callee above the mark). */
static violet_status call_marked(machine *m, int arg)
{
    vl_value **at = NULL, *callee = NULL, *args = NULL, *v = NULL;
    size_t n = 0;
    violet_status status = arg ? VIOLET_OK : line_global(&callee, m);
    if (status == VIOLET_OK) status = from_mark(&at, &n, m);
    if (status == VIOLET_OK && arg && n == 0) status = bad("a call of nothing");
    if (status != VIOLET_OK) return status;
    if (arg) callee = at[0];
    status = make_tuple(&args, m, at + arg, n - (size_t)arg);
    if (status == VIOLET_OK) status = vl_pickle_apply(&v, m->doc, callee, args);
    return status == VIOLET_OK ? push(m, v) : status;
}

static violet_status build(machine *m, int arg)
{
    vl_value *state = NULL, *v = NULL;
    (void)arg;
    violet_status status = pop(&state, m);
    if (status == VIOLET_OK) status = top(&v, m);
    if (status != VIOLET_OK) return status;
    if (v->kind == VL_ARRAY) return vl_pickle_build_array(v, state);
    if (v->kind == VL_DTYPE) return vl_pickle_build_dtype(v, state);
    if (v->kind == VL_DICT && v->flag & 1) return VIOLET_OK; /* an OrderedDict's attributes */
    if ((v->kind == VL_OBJECT || v->kind == VL_FOREIGN) && v->u.object->call->build)
        return v->u.object->call->build(m->doc, v, state);
    if (v->kind == VL_GLOBAL) return vl_pickle_refuse("build", v);
    return vl_err(VIOLET_EUNSUPPORTED, "refuses to build a %s", vl_kind_name((vl_kind)v->kind));
}

/* arg 0: the id is a line, 1: a value on the stack. */
static violet_status persistent(machine *m, int arg)
{
    vl_value *id = NULL, *v = NULL;
    violet_status status = VIOLET_OK;
    if (arg) {
        status = pop(&id, m);
    } else {
        const char *s = NULL;
        size_t n = 0;
        status = take_line(&s, &n, m);
        if (status == VIOLET_OK && !(id = vl_pickle_bytes_value(m->doc, VL_STR, s, n)))
            status = vl_pickle_nomem(m->doc);
    }
    if (status != VIOLET_OK) return status;
    if (!m->doc->options.persistent)
        return vl_err(VIOLET_EUNSUPPORTED, "refuses a persistent id: this is no plain data");
    status = m->doc->options.persistent(&v, m->doc, id);
    return status == VIOLET_OK ? push(m, v) : status;
}

/* ---- memo, frames, the end ------------------------------------------------------------------- */

/* arg: bytes of the index, 0: a line, -1 (PUT only): the next one. */
static violet_status memo_index(uint64_t *i, machine *m, int arg)
{
    const char *s = NULL;
    size_t n = 0;
    if (arg > 0) return take_uint(i, m, arg);
    violet_status status = take_line(&s, &n, m);
    if (status != VIOLET_OK) return status;
    *i = 0;
    if (n == 0 || n > 18) return bad("expected a memo index");
    for (size_t k = 0; k < n; k++) {
        if (s[k] < '0' || s[k] > '9') return bad("expected a memo index");
        *i = *i * 10 + (uint64_t)(s[k] - '0');
    }
    return VIOLET_OK;
}

static violet_status put(machine *m, int arg)
{
    uint64_t i = m->n_memo;
    violet_status status = arg < 0 ? VIOLET_OK : memo_index(&i, m, arg);
    return status == VIOLET_OK ? memo_put(m, i) : status;
}

static violet_status get(machine *m, int arg)
{
    uint64_t i;
    violet_status status = memo_index(&i, m, arg);
    return status == VIOLET_OK ? memo_get(m, i) : status;
}

static violet_status proto(machine *m, int arg)
{
    uint64_t x;
    violet_status status = take_uint(&x, m, 1);
    if (status == VIOLET_OK && x > 5)
        return vl_err(VIOLET_EUNSUPPORTED, "pickle protocol %d, expected 0 to 5", (int)x);
    return (void)arg, status;
}

static violet_status frame(machine *m, int arg)
{
    uint64_t n = 0;
    violet_status status = take_uint(&n, m, 8);
    if (status == VIOLET_OK && n > m->doc->n - m->at) return bad("a frame longer than the file");
    return (void)arg, status;
}

static violet_status stop(machine *m, int arg)
{
    m->stopped = true;
    return (void)arg, pop(&m->doc->root, m);
}

static const struct {
    op_fn run;
    int arg;
} ops[256] = {
    ['N'] = {constant, 0}, [0x88] = {constant, 1}, [0x89] = {constant, 2}, [')'] = {constant, 3},
    ['K'] = {binary_int, 1}, ['M'] = {binary_int, 2}, ['J'] = {binary_int, -4},
    [0x8a] = {binary_long, 1}, [0x8b] = {binary_long, 4}, ['G'] = {binary_float, 0},
    ['I'] = {text_number, 'I'}, ['L'] = {text_number, 'L'}, ['F'] = {text_number, 'F'},
    ['X'] = {counted, 4 + 16 * VL_STR}, [0x8c] = {counted, 1 + 16 * VL_STR},
    [0x8d] = {counted, 8 + 16 * VL_STR}, ['B'] = {counted, 4 + 16 * VL_BYTES},
    ['C'] = {counted, 1 + 16 * VL_BYTES}, [0x8e] = {counted, 8 + 16 * VL_BYTES},
    [0x96] = {counted, 8 + 16 * VL_BYTES}, ['T'] = {counted, 0x1000 + 4 + 16 * VL_STR},
    ['U'] = {counted, 0x1000 + 1 + 16 * VL_STR}, ['V'] = {text_line, 'V'},
    ['S'] = {text_line, 'S'},
    ['('] = {mark, 0}, ['0'] = {pop_one, 0}, ['1'] = {pop_to_mark, 0}, ['2'] = {dup_top, 0},
    ['t'] = {tuple, 0}, [0x85] = {tuple, 1}, [0x86] = {tuple, 2}, [0x87] = {tuple, 3},
    [']'] = {empty, VL_LIST}, ['}'] = {empty, VL_DICT}, [0x8f] = {empty, VL_SET},
    ['l'] = {collect, VL_LIST}, ['d'] = {collect, VL_DICT}, [0x91] = {collect, VL_SET},
    ['a'] = {append, VL_LIST}, ['s'] = {append, VL_DICT},
    ['e'] = {extend, VL_LIST}, ['u'] = {extend, VL_DICT}, [0x90] = {extend, VL_SET},
    ['c'] = {global, 0}, [0x93] = {global, 1}, ['R'] = {call, 0}, [0x81] = {call, 1},
    [0x92] = {call, 3}, ['i'] = {call_marked, 0}, ['o'] = {call_marked, 1}, ['b'] = {build, 0},
    ['P'] = {persistent, 0}, ['Q'] = {persistent, 1},
    ['p'] = {put, 0}, ['q'] = {put, 1}, ['r'] = {put, 4}, [0x94] = {put, -1},
    ['g'] = {get, 0}, ['h'] = {get, 1}, ['j'] = {get, 4},
    [0x80] = {proto, 0}, [0x95] = {frame, 0}, ['.'] = {stop, 0},
};

violet_status vl_pickle_run(vl_pickle *doc)
{
    machine m = {.doc = doc};
    violet_status status = grow((void **)&m.stack, &m.cap_stack, 256, sizeof *m.stack);
    while (status == VIOLET_OK && !m.stopped) {
        m.start = m.at;
        if (m.at == doc->n) {
            status = vl_err(VIOLET_EFORMAT, "byte %zu: the file ends before STOP", m.at);
            break;
        }
        uint8_t op = doc->data[m.at++];
        if (ops[op].run)
            status = ops[op].run(&m, ops[op].arg);
        else
            status = vl_err(VIOLET_EUNSUPPORTED, "opcode 0x%02x is not read", op);
        if (status != VIOLET_OK) vl_err_at(status, "byte %zu", m.start);
    }
    doc->consumed = m.at;
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return status;
}
