/* Names that training reads; see link.h. A plan of (source, name) pairs is made, each is checked,
 * then all are carried out. A link holds a path relative to its own folder, so that both can move
 * together. */
#include "extract/link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/status.h"

#define S vl_link_options
#define CHUNK ((size_t)1 << 20)

const vl_option vl_link_option_table[] = {
    VL_OPTION_PATH(S, path, NULL, "Data", "X of X.tsv, X.pkl, X_vq.pkl"),
    VL_OPTION_STRING(S, dataset, NULL, "Data", "NAME that the data set gets"),
    VL_OPTION_PATH(S, data, "_data", "Data", "folder where training looks for it"),
    VL_OPTION_PATH(S, captions, NULL, "Data", "annotation file, to be called txt_NAME.json"),
    VL_OPTION_ENUM(S, task, "pretrain", "pretrain|downstream", "Names",
                   "what reads it: pretraining wants X.tsv, downstream tasks want X.pkl"),
    VL_OPTION_STRING(S, split, NULL, "Names",
                     "train, val, ...: what X is of the data set; without it X serves all splits"),
    VL_OPTION_INT(S, part, "-1", -1, 63, "Names",
                  "number of the split's part; -1: 0 of train, no number for other splits"),
    VL_OPTION_BOOL(S, tokens, "true", "Names", "X_vq.pkl too, if it is there"),
    VL_OPTION_BOOL(S, copy, "false", "How", "copy instead of making symbolic links"),
    VL_OPTION_BOOL(S, force, "false", "How", "replace other files of these names"),
    {0},
};

typedef struct pair {
    char from[PATH_MAX], to[PATH_MAX];
    bool done; /* it is there already */
} pair;

typedef struct plan {
    const vl_link_options *o;
    const violet_hooks *hooks;
    size_t n_stem; /* of o->path */
    pair pair[8];
    int n;
} plan;

/* ---- which files ----------------------------------------------------------------------------- */

static violet_status source(char out[PATH_MAX], const plan *p, const char *ending)
{
    int n = snprintf(out, PATH_MAX, "%.*s%s", (int)p->n_stem, p->o->path, ending);
    if (n >= 0 && n < PATH_MAX) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "path too long: '%.100s...'", p->o->path);
}

static violet_status add(plan *p, const char *from, const char *name)
{
    pair *a = &p->pair[p->n];
    violet_status status = vl_path_join(a->from, sizeof a->from, "", from);
    if (status == VIOLET_OK) status = vl_path_join(a->to, sizeof a->to, p->o->data, name);
    if (status == VIOLET_OK) p->n++;
    return status;
}

/* X with this ending, if it is there; *found may be NULL. */
static violet_status add_if(plan *p, bool *found, const char *ending, const char *name)
{
    char from[PATH_MAX];
    violet_status status = source(from, p, ending);
    if (status != VIOLET_OK) return status;
    bool there = vl_file_exists(from);
    if (found) *found = there;
    return there ? add(p, from, name) : VIOLET_OK;
}

static violet_status plan_tsv(plan *p, bool *found)
{
    const vl_link_options *o = p->o;
    int part = o->part < 0 && o->split && strcmp(o->split, "train") == 0 ? 0 : o->part;
    char stem[400], name[420], number[16] = "";
    if (part >= 0) snprintf(number, sizeof number, "_%d", part);
    snprintf(stem, sizeof stem, "img_%s%s%s%s", o->dataset, o->split ? "_" : "",
             o->split ? o->split : "", number);
    snprintf(name, sizeof name, "%s.tsv", stem);
    violet_status status = add_if(p, found, ".tsv", name);
    if (status != VIOLET_OK || !*found) return status;
    snprintf(name, sizeof name, "%s.lineidx", stem);
    status = add_if(p, NULL, ".lineidx", name);
    snprintf(name, sizeof name, "%s.lineidx.8b", stem);
    return status == VIOLET_OK ? add_if(p, NULL, ".lineidx.8b", name) : status;
}

/* txt_NAME.json; downstream tasks name theirs after the task, so a txt_ name stays. */
static violet_status plan_captions(plan *p)
{
    const vl_link_options *o = p->o;
    const char *slash = o->captions ? strrchr(o->captions, '/') : NULL;
    const char *last = slash ? slash + 1 : o->captions;
    char name[400];
    if (!o->captions) return VIOLET_OK;
    if (!vl_file_exists(o->captions)) return vl_err_errno("open '%s'", o->captions);
    snprintf(name, sizeof name, "txt_%s.json", o->dataset);
    bool keeps = o->task == VL_LINK_DOWNSTREAM && strncmp(last, "txt_", 4) == 0;
    return add(p, o->captions, keeps ? last : name);
}

static violet_status plan_pictures(plan *p)
{
    const vl_link_options *o = p->o;
    bool tsv = false, pkl = false;
    char name[400];
    violet_status status = VIOLET_OK;
    int n = (int)p->n_stem;
    if (o->task == VL_LINK_PRETRAIN && (status = plan_tsv(p, &tsv)) != VIOLET_OK) return status;
    snprintf(name, sizeof name, "img_%s.pkl", o->dataset);
    if (o->task == VL_LINK_DOWNSTREAM || (!tsv && !o->split))
        status = add_if(p, &pkl, ".pkl", name);
    if (status != VIOLET_OK || tsv || pkl) return status;
    if (o->task == VL_LINK_DOWNSTREAM)
        return vl_err(VIOLET_EIO, "no %.*s.pkl; 'violet extract-tsv --path %.*s.tsv' makes it of a "
                      ".tsv", n, o->path, n, o->path);
    if (o->split)
        return vl_err(VIOLET_EIO, "no %.*s.tsv; 'violet extract-tsv --path %.*s.pkl' makes it of a "
                      ".pkl", n, o->path, n, o->path);
    return vl_err(VIOLET_EIO, "neither %.*s.tsv nor %.*s.pkl is there", n, o->path, n, o->path);
}

static violet_status make_plan(plan *p)
{
    char name[400];
    violet_status status = plan_pictures(p);
    snprintf(name, sizeof name, "vq_%s.pkl", p->o->dataset);
    if (status == VIOLET_OK && p->o->tokens && p->o->task == VL_LINK_PRETRAIN)
        status = add_if(p, NULL, "_vq.pkl", name);
    return status == VIOLET_OK ? plan_captions(p) : status;
}

/* ---- is it there already? -------------------------------------------------------------------- */

static violet_status same_content(bool *same, const plan *p, const pair *a)
{
    vl_map x, y;
    *same = true;
    violet_status status = vl_map_open(&x, a->from);
    if (status != VIOLET_OK) return status;
    if ((status = vl_map_open(&y, a->to)) != VIOLET_OK) {
        vl_map_close(&x);
        return status;
    }
    for (size_t at = 0; at < x.n && *same && status == VIOLET_OK; at += CHUNK) {
        *same = memcmp(x.data + at, y.data + at, x.n - at < CHUNK ? x.n - at : CHUNK) == 0;
        if (vl_stopped(p->hooks)) status = vl_interrupted("link");
    }
    vl_map_close(&x);
    vl_map_close(&y);
    return status;
}

static violet_status check(const plan *p, pair *a)
{
    struct stat from, to, link;
    if (stat(a->from, &from) != 0) return vl_err_errno("open '%s'", a->from);
    if (!S_ISREG(from.st_mode)) return vl_err(VIOLET_EIO, "%s: expected a regular file", a->from);
    if (lstat(a->to, &link) != 0)
        return errno == ENOENT ? VIOLET_OK : vl_err_errno("open '%s'", a->to);
    if (stat(a->to, &to) == 0) {
        bool self = to.st_dev == from.st_dev && to.st_ino == from.st_ino;
        a->done = self && !(p->o->copy && S_ISLNK(link.st_mode));
        if (a->done) return VIOLET_OK;
        if (self) return VIOLET_OK; /* a link that becomes a copy */
        if (S_ISDIR(to.st_mode)) return vl_err(VIOLET_EIO, "%s is a folder", a->to);
        if (S_ISREG(to.st_mode) && to.st_size == from.st_size) {
            violet_status status = same_content(&a->done, p, a);
            if (status != VIOLET_OK || a->done) return status;
        }
    }
    if (p->o->force) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "%s is another file than %s; --force replaces it%s", a->to,
                  a->from, strstr(a->to, "/vq_") ? ", --no-tokens leaves it" : "");
}

/* ---- giving names ---------------------------------------------------------------------------- */

/* The path of `to` as seen from `folder`, both absolute and without links or dots. */
static violet_status relative(char out[PATH_MAX], const char *folder, const char *to)
{
    size_t common = 0, n = 0;
    for (size_t i = 0;; i++) {
        bool a = !folder[i] || folder[i] == '/', b = !to[i] || to[i] == '/';
        if (a && b) common = i;
        if (folder[i] != to[i] || !folder[i]) break;
    }
    out[0] = 0;
    for (const char *s = folder + common; *s && n + 4 < PATH_MAX; s++)
        if (*s == '/' && s[1]) n += (size_t)snprintf(out + n, PATH_MAX - n, "../");
    int more = snprintf(out + n, PATH_MAX - n, "%s", to + common + (to[common] == '/'));
    if (more >= 0 && n + (size_t)more < PATH_MAX) return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "path too long: '%.100s...'", to);
}

/* A path whose folders are without links; the file itself may be one, and stays what it is. */
static violet_status real_folder(char out[PATH_MAX], const char *path)
{
    char folder[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash + 1 - path) : 1,
             slash ? path : ".");
    if (!realpath(folder, real)) return vl_err_errno("open '%s'", folder);
    return vl_path_join(out, PATH_MAX, real, slash ? slash + 1 : path);
}

static violet_status make_link(const pair *a, char target[PATH_MAX])
{
    char from[PATH_MAX], to[PATH_MAX], temporary[PATH_MAX + 32];
    violet_status status = real_folder(from, a->from);
    if (status == VIOLET_OK) status = real_folder(to, a->to);
    if (status != VIOLET_OK) return status;
    *strrchr(to, '/') = 0; /* its folder */
    if ((status = relative(target, to, from)) != VIOLET_OK) return status;
    snprintf(temporary, sizeof temporary, "%s.tmp.%ld", a->to, (long)getpid());
    unlink(temporary);
    if (symlink(target, temporary) != 0) return vl_err_errno("make link '%s'", a->to);
    if (rename(temporary, a->to) == 0) return VIOLET_OK;
    status = vl_err_errno("make link '%s'", a->to);
    unlink(temporary);
    return status;
}

static violet_status make_copy(const plan *p, const pair *a)
{
    vl_out out;
    violet_status status = vl_out_open(&out, a->to);
    FILE *f = NULL;
    char *chunk = malloc(CHUNK);
    if (status != VIOLET_OK) goto done;
    if (!chunk) status = vl_err_nomem();
    else if (!(f = fopen(a->from, "rbe"))) status = vl_err_errno("open '%s'", a->from);
    for (size_t n; status == VIOLET_OK && (n = fread(chunk, 1, CHUNK, f)) > 0;) {
        status = vl_out_write(&out, chunk, n);
        if (status == VIOLET_OK && vl_stopped(p->hooks)) status = vl_interrupted("link");
    }
    if (status == VIOLET_OK && ferror(f)) status = vl_err_errno("read '%s'", a->from);
    if (status == VIOLET_OK) status = vl_out_commit(&out);
    vl_out_abandon(&out);
done:
    if (f) fclose(f);
    free(chunk);
    return status;
}

static violet_status carry_out(const plan *p, const pair *a)
{
    char target[PATH_MAX] = "";
    violet_status status = VIOLET_OK;
    if (a->done) {
        vl_tell(p->hooks, VIOLET_EVENT_MESSAGE, "%s: is there", a->to);
        return VIOLET_OK;
    }
    status = p->o->copy ? make_copy(p, a) : make_link(a, target);
    if (status == VIOLET_OK)
        vl_tell(p->hooks, VIOLET_EVENT_MESSAGE, p->o->copy ? "%s: copy of %s" : "%s -> %s", a->to,
                p->o->copy ? a->from : target);
    return status;
}

static void tell_missing(const plan *p)
{
    char name[400], path[PATH_MAX];
    snprintf(name, sizeof name, "txt_%s.json", p->o->dataset);
    if (p->o->captions || vl_path_join(path, sizeof path, p->o->data, name) != VIOLET_OK) return;
    if (!vl_file_exists(path))
        vl_tell(p->hooks, VIOLET_EVENT_MESSAGE, "%s is not there yet: --captions FILE", path);
}

/* ---- the run --------------------------------------------------------------------------------- */

static violet_status check_name(const char *what, const char *s)
{
    size_t n = strlen(s);
    if (n && n < 100 && !strpbrk(s, "/,:\n\t") && s[0] != '.') return VIOLET_OK;
    return vl_err(VIOLET_EINVAL, "link: %s is '%.100s', expected a name without '/', ',' and ':'",
                  what, s);
}

static size_t stem_of(const char *path)
{
    static const char *const endings[] = {"_vq.pkl", ".tsv", ".pkl", ".lineidx"};
    size_t n = strlen(path);
    for (int i = 0; i < 4; i++) {
        size_t k = strlen(endings[i]);
        if (n > k && strcmp(path + n - k, endings[i]) == 0) return n - k;
    }
    return n;
}

violet_status vl_link_run(const vl_link_options *o, const violet_hooks *hooks)
{
    if (!o->path || !o->dataset)
        return vl_err(VIOLET_EINVAL, "link: --%s is missing", o->path ? "dataset" : "path");
    violet_status status = check_name("dataset", o->dataset);
    if (status == VIOLET_OK && o->split) status = check_name("split", o->split);
    if (status == VIOLET_OK && o->part >= 0 && !o->split)
        status = vl_err(VIOLET_EINVAL, "link: --part needs --split");
    if (status != VIOLET_OK) return status;
    plan *p = calloc(1, sizeof *p);
    if (!p) return vl_err_nomem();
    p->o = o;
    p->hooks = hooks;
    p->n_stem = stem_of(o->path);
    status = make_plan(p);
    for (int i = 0; i < p->n && status == VIOLET_OK; i++) status = check(p, &p->pair[i]);
    if (status == VIOLET_OK) status = vl_dir_make(o->data);
    for (int i = 0; i < p->n && status == VIOLET_OK; i++) status = carry_out(p, &p->pair[i]);
    if (status == VIOLET_OK) tell_missing(p);
    free(p);
    return status;
}
