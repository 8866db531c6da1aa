/* What an evaluation keeps in its folder: scores as they come, the result; parts put together. See
 * eval.h for the files. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/status.h"
#include "task/eval_internal.h"
#include "train/run_folder.h"

#define RESULT_MOST ((size_t)1 << 24)

typedef struct names {
    char scores[4096], result[4096], result_name[64];
} names;

static bool has_folder(const eval *e)
{
    return e->o->run.output && *e->o->run.output;
}

static violet_status name(names *out, const eval *e, const vl_shard *s)
{
    char part[40] = "", file[64];
    if (s->n > 1) snprintf(part, sizeof part, ".%d-of-%d", s->i, s->n);
    snprintf(file, sizeof file, "scores%s.bin", part);
    snprintf(out->result_name, sizeof out->result_name, "result%s.json", part);
    violet_status status =
        vl_path_join(out->scores, sizeof out->scores, e->o->run.output, file);
    if (status != VIOLET_OK) return status;
    return vl_path_join(out->result, sizeof out->result, e->o->run.output, out->result_name);
}

/* ---- keys ------------------------------------------------------------------------------------ */

static uint64_t hash_text(uint64_t h, const char *s)
{
    return vl_hash(h, s ? s : "", s ? strlen(s) + 1 : 1);
}

uint64_t eval_hash_videos(const eval *e)
{
    const vl_run_options *o = &e->o->run;
    const int how[] = {e->compat, o->shape, o->fast_video, e->config.video.exact_bias};
    uint64_t h = vl_hash(0, how, sizeof how);
    h = vl_hash(h, e->config.video.heads, sizeof e->config.video.heads);
    h = vl_hash(h, e->config.video.window, sizeof e->config.video.window);
    if (o->blind) h = hash_text(h, "blind");
    return vl_hash(h, &e->pictures, sizeof e->pictures); /* ids included */
}

uint64_t eval_hash(const eval *e)
{
    const vl_run_options *o = &e->o->run;
    const eval_texts *t = &e->texts;
    const int more[] = {e->o->cache_dtype, o->size_txt, t->rows, t->n, e->config.ct_heads};
    size_t n = (size_t)t->n;
    uint64_t h = vl_hash(eval_hash_videos(e), more, sizeof more);
    h = hash_text(h, e->kind->type);
    h = vl_hash(h, t->ids, n * (size_t)o->size_txt * sizeof *t->ids);
    h = vl_hash(h, t->at, n * sizeof *t->at);
    if (e->o->first_stage) { /* which pairs there are scores of */
        const int chosen[] = {e->o->first_stage, e->o->direction};
        h = vl_hash(h, chosen, sizeof chosen);
    }
    return vl_hash(h, t->of, vl_items_n(e->items) * (size_t)t->rows * sizeof *t->of);
}

int eval_columns(const eval *e)
{
    if (e->kind->all_pairs) return e->texts.n;
    return e->kind->head == VL_HEAD_ANSWER ? e->config.size_answer : e->texts.rows;
}

typedef violet_status (*opener)(vl_features **, const char *, const vl_features_key *);

static violet_status open_scores(vl_features **out, const eval *e, const char *path, opener open)
{
    size_t n = e->kind->all_pairs ? (size_t)e->n_videos : vl_items_n(e->items);
    vl_features_key key = {.kind = "scores", .weights = e->weights, .items = eval_hash(e),
                           .n = (int)n, .rows = 1, .cols = eval_columns(e), .dtype = VL_DT_F32,
                           .frames = e->T, .height = e->o->run.size_img,
                           .width = e->o->run.size_img};
    return open(out, path, &key);
}

/* ---- results --------------------------------------------------------------------------------- */

/* A result.json; *out NULL: there is none, or none that can be read. */
static violet_status read_result(json_t **out, const char *path)
{
    char *text;
    size_t n;
    *out = NULL;
    if (!vl_file_exists(path)) return VIOLET_OK;
    violet_status status = vl_file_read(&text, &n, path, RESULT_MOST);
    if (status != VIOLET_OK) return status;
    *out = json_loadb(text, n, 0, NULL);
    free(text);
    return VIOLET_OK;
}

static bool is_mine(const eval *e, const json_t *result)
{
    const char *key = json_string_value(json_object_get(result, "key"));
    return key && strcmp(key, e->key) == 0;
}

static violet_status drop(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? VIOLET_OK : vl_err_errno("remove '%s'", path);
}

/* In place of a finished evaluation of something else, and, where asked to, of everything: once it
 * is known that no other process is at work on it. */
static violet_status open_own(eval *e, const names *n)
{
    json_t *result;
    violet_status status = read_result(&result, n->result);
    bool gone = e->o->restart || (result && !is_mine(e, result));
    json_decref(result);
    if (status == VIOLET_OK)
        status = open_scores(&e->scores, e, n->scores, gone ? vl_features_renew : vl_features_open);
    return status == VIOLET_OK && gone ? drop(n->result) : status;
}

/* Not args.json: the folder may be the one of a training. */
static violet_status write_args(const eval *e)
{
    violet_status status = vl_run_write_json(e->o->run.output, "eval_args.json", e->args);
    return status == VIOLET_OK ? vl_run_write_machine(e->o->run.output) : status;
}

violet_status eval_store_finish(eval *e)
{
    names n;
    if (!has_folder(e)) return VIOLET_OK;
    violet_status status = name(&n, e, &e->shard);
    if (status == VIOLET_OK && e->shard.n <= 1) status = write_args(e);
    if (status != VIOLET_OK) return status;
    json_t *result = eval_json(e);
    status = result ? vl_run_write_json(e->o->run.output, n.result_name, result) : vl_err_nomem();
    json_decref(result);
    return status;
}

void eval_store_close(eval *e)
{
    names n;
    bool empty = e->scores && vl_features_done(e->scores) == 0;
    if (empty && has_folder(e) && name(&n, e, &e->shard) == VIOLET_OK && !vl_file_exists(n.result))
        unlink(n.scores);
    vl_features_close(e->scores);
    json_decref(e->args);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* What part i left out, and *scored, how many videos it has scores of; the error tells why it
 * cannot be taken. */
static violet_status take_result(eval *e, int64_t *scored, const names *n)
{
    json_t *result;
    violet_status status = read_result(&result, n->result);
    if (status != VIOLET_OK) return status;
    const json_t *left_out = json_object_get(result, "left_out");
    *scored = json_integer_value(json_object_get(result, "scored_videos"));
    if (!result)
        status = vl_err(VIOLET_EINVAL, "%s: this part is not there, or not finished", n->result);
    else if (!is_mine(e, result))
        status = vl_err(VIOLET_EINVAL, "%s: a part of another evaluation: another checkpoint, "
                        "other items or options", n->result);
    for (int why = 0; why < VL_BAD_REASONS && status == VIOLET_OK; why++) {
        json_int_t k = json_integer_value(json_object_get(left_out, vl_bad_name((vl_bad)why)));
        e->bad.why[why] += (size_t)k;
        e->bad.videos += (size_t)k;
    }
    json_decref(result);
    return status;
}

static violet_status copy_scores(eval *e, const vl_features *from, size_t first, size_t end)
{
    real *x = malloc((size_t)eval_columns(e) * sizeof *x);
    violet_status status = x ? VIOLET_OK : vl_err_nomem();
    for (size_t v = first; v < end && status == VIOLET_OK; v++) {
        int n = 1, one = (int)v;
        const int *entry = e->kind->all_pairs ? &one : vl_items_of(&n, e->items, one);
        for (int i = 0; i < n && status == VIOLET_OK; i++) {
            if (!vl_features_rows(from, entry[i])) continue;
            vl_features_get(x, from, entry[i]);
            status = vl_features_put(e->scores, entry[i], x, 1);
        }
    }
    free(x);
    return status;
}

/* All that the part says to have scored is there, as it was written, and nothing else. */
static violet_status check_part(const eval *e, const names *n, int64_t scored, size_t first,
                                size_t end)
{
    int64_t found = 0;
    for (size_t v = first; v < end; v++) found += eval_has(e, (int)v);
    if (found == scored) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "%s: scores of %lld videos, but %s tells of %lld: do this part "
                  "again, with --restart", n->scores, (long long)found, n->result,
                  (long long)scored);
}

static violet_status take_part(eval *e, int i)
{
    names n;
    vl_features *from = NULL;
    size_t first, end;
    int64_t scored = 0;
    const vl_shard part = {i, e->o->merge};
    violet_status status = name(&n, e, &part);
    if (status == VIOLET_OK) status = take_result(e, &scored, &n);
    if (status == VIOLET_OK) status = open_scores(&from, e, n.scores, vl_features_view);
    vl_shard_range(&first, &end, &part, (size_t)e->n_videos);
    if (status == VIOLET_OK && vl_features_lost(from))
        status = vl_err(VIOLET_EFORMAT, "%s: %d of its entries are damaged: do this part again",
                        n.scores, vl_features_lost(from));
    if (status == VIOLET_OK) status = copy_scores(e, from, first, end);
    if (status == VIOLET_OK) status = check_part(e, &n, scored, first, end);
    vl_features_close(from);
    return status;
}

/* The whole is written anew; nothing of it stays if a part does not fit. */
static violet_status merge(eval *e, const names *n)
{
    violet_status status = open_scores(&e->scores, e, n->scores, vl_features_renew);
    if (status != VIOLET_OK) return status;
    status = drop(n->result);
    for (int i = 1; i <= e->o->merge && status == VIOLET_OK; i++) status = take_part(e, i);
    if (status != VIOLET_OK) unlink(n->scores);
    return status;
}

/* ---- open ------------------------------------------------------------------------------------ */

violet_status eval_store_open(eval *e)
{
    names n;
    snprintf(e->key, sizeof e->key, "%016" PRIx64 "%016" PRIx64, e->weights, eval_hash(e));
    if (!has_folder(e)) {
        if (e->o->merge || e->shard.n > 1)
            return vl_err(VIOLET_EINVAL, "parts need a folder: --output");
        return open_scores(&e->scores, e, NULL, vl_features_open);
    }
    violet_status status = name(&n, e, &e->shard);
    if (status == VIOLET_OK) status = vl_option_json(&e->args, vl_eval_option_table, e->o);
    if (status == VIOLET_OK) status = vl_dir_make(e->o->run.output);
    if (status != VIOLET_OK) return status;
    if (e->o->merge) return merge(e, &n);
    status = open_own(e, &n);
    if (status == VIOLET_EINVAL)
        return vl_err_at(status, "an evaluation that is not finished; --restart begins anew, "
                         "--output names another folder");
    if (status == VIOLET_OK && vl_features_lost(e->scores))
        vl_tell(e->hooks, VIOLET_EVENT_WARNING, "%s: %d entries were damaged, they are done again",
                n.scores, vl_features_lost(e->scores));
    return status;
}

bool eval_has(const eval *e, int video)
{
    int n;
    if (e->kind->all_pairs) return vl_features_rows(e->scores, video) > 0;
    const int *item = vl_items_of(&n, e->items, video);
    for (int i = 0; i < n; i++)
        if (!vl_features_rows(e->scores, item[i])) return false;
    return true;
}

/* ---- put ------------------------------------------------------------------------------------- */

/* Where a text is in the list of a video, which has every one of its own. */
static int place_of(const eval_texts *t, const int *text, int n, int wanted)
{
    int low = 0, high = n - 1;
    while (low < high) {
        int mid = (low + high) / 2, x = text[mid];
        bool before = t->length[x] != t->length[wanted] ? t->length[x] < t->length[wanted]
                                                        : x < wanted;
        if (before) low = mid + 1;
        else high = mid;
    }
    return low;
}

static violet_status put_item(eval *e, int item, const int *text, const real *score, int n,
                              real *row)
{
    const eval_texts *t = &e->texts;
    const vl_item *x = vl_items_at(e->items, (size_t)item);
    int columns = eval_columns(e), rows = x->n_options ? x->n_options : 1;
    memset(row, 0, (size_t)columns * sizeof *row);
    for (int r = 0; r < rows; r++) {
        int at = place_of(t, text, n, t->of[(size_t)item * (size_t)t->rows + (size_t)r]);
        if (e->kind->head == VL_HEAD_ANSWER)
            memcpy(row, score + (size_t)at * (size_t)columns, (size_t)columns * sizeof *row);
        else
            row[r] = score[at];
    }
    return vl_features_put(e->scores, item, row, 1);
}

violet_status eval_store_put(eval *e, int video, const int *text, const real *score, int n)
{
    int n_items, columns = eval_columns(e);
    real *row = calloc((size_t)columns + 1, sizeof *row);
    violet_status status = row ? VIOLET_OK : vl_err_nomem();
    if (row && e->kind->all_pairs) {
        for (int i = 0; i < n; i++) row[text[i]] = score[i];
        status = vl_features_put(e->scores, video, row, 1);
    } else if (row) {
        const int *item = vl_items_of(&n_items, e->items, video);
        for (int i = 0; i < n_items && status == VIOLET_OK; i++)
            status = put_item(e, item[i], text, score, n, row);
    }
    free(row);
    return status == VIOLET_OK ? status
                               : vl_err_at(status, "scores of video '%.100s'",
                                           vl_items_video(e->items, video));
}
