/* The options of a phase, those that are not the defaults first; the command that does it again. */
#include <stdlib.h>
#include <string.h>

#include "report/page.h"

/* A word as one types it in a shell. */
static void put_word(html *h, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./=+:,@%";
    if (*s && !s[strspn(s, plain)]) {
        html_text(h, s);
        return;
    }
    html_put(h, "&#39;");
    for (; *s; s += strcspn(s, "'") + (s[strcspn(s, "'")] != 0)) {
        size_t n = strcspn(s, "'");
        char *piece = strndup(s, n);
        html_text(h, piece);
        if (s[n]) html_put(h, "&#39;\\&#39;&#39;");
        free(piece);
    }
    html_put(h, "&#39;");
}

/* A value as text, the caller frees; NULL: null. */
static char *value_text(const json_t *v)
{
    if (json_is_null(v)) return NULL;
    if (json_is_string(v)) return strdup(json_string_value(v));
    return json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(12));
}

/* Options that say how a run is continued, not what it is. */
static bool is_passing(const char *name)
{
    return strcmp(name, "resume") == 0 || strcmp(name, "restart") == 0;
}

static bool is_default(const phase *ph, const vl_option *o)
{
    return vl_option_is_default(o, json_object_get(ph->args, o->name));
}

static void flag(html *h, const vl_option *o, const json_t *v)
{
    char name[80];
    size_t n = strlen(o->name);
    if (n >= sizeof name || !v) return;
    for (size_t i = 0; i <= n; i++) name[i] = o->name[i] == '_' ? '-' : o->name[i];
    if (json_is_boolean(v)) {
        html_printf(h, " --%s%s", json_is_true(v) ? "" : "no-", name);
        return;
    }
    char *text = value_text(v);
    html_printf(h, " --%s ", name);
    put_word(h, text ? text : "");
    free(text);
}

static void command(html *h, const phase *ph)
{
    html_printf(h, "<h3>To do it again</h3>\n<pre>violet %s", ph->command);
    for (const vl_option *o = ph->table; o->name; o++)
        if (!is_passing(o->name) && !is_default(ph, o))
            flag(h, o, json_object_get(ph->args, o->name));
    html_put(h, "</pre>\n");
}

static void rows(html *h, const phase *ph, bool defaults)
{
    for (const vl_option *o = ph->table; o->name; o++) {
        const json_t *v = json_object_get(ph->args, o->name);
        if (!v || is_default(ph, o) != defaults) continue;
        char *text = value_text(v);
        html_printf(h, "<tr><td>%s%s%s</td><td>", defaults ? "" : "<b>", o->name,
                    defaults ? "" : "</b>");
        html_text(h, text ? text : "–");
        html_put(h, "</td><td class=\"soft\">");
        html_text(h, o->help);
        html_put(h, "</td></tr>\n");
        free(text);
    }
}

static void machine(html *h, const phase *ph)
{
    const char *version = json_string_value(json_object_get(ph->machine, "version"));
    const char *line = json_string_value(json_object_get(ph->machine, "machine"));
    const json_t *seed = json_object_get(ph->args, "seed");
    html_put(h, "<p class=\"note\">");
    if (version) html_put(h, "violet "), html_text(h, version), html_put(h, "; ");
    if (line) html_text(h, line), html_put(h, "; ");
    if (json_is_integer(seed))
        html_printf(h, "seed %lld; ", (long long)json_integer_value(seed));
    html_put(h, "folder ");
    html_text(h, ph->folder);
    html_put(h, ".</p>\n");
}

void page_config(page *p, const phase *ph)
{
    html *h = &p->h;
    html_put(h, "<details><summary>Configuration, and how to do it again</summary>\n");
    machine(h, ph);
    if (!ph->args) {
        html_put(h, "<p class=\"note\">Its options are not in the folder.</p></details>\n");
        return;
    }
    command(h, ph);
    html_put(h, "<h3>Options</h3>\n<div class=\"wide\"><table class=\"options\"><tbody>\n");
    rows(h, ph, false);
    rows(h, ph, true);
    html_put(h, "</tbody></table></div></details>\n");
}
