/* What a run trains on, in its saved state: a run goes on with the same data, wherever they lie
 * now, or not at all.
 *
 *     "data": {"vocab": HASH, "valid_batches": N,
 *              "sets": [{"split": S, "batches": [of each part], "train": HASH, "valid": HASH}]}
 *
 * A state from before there was this has no "data", and is taken as it is. */
#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/status.h"
#include "train/run_folder.h"
#include "train/run_internal.h"

static json_t *hash_text(uint64_t h)
{
    char text[20];
    snprintf(text, sizeof text, "%016" PRIx64, h);
    return json_string(text);
}

static json_t *vocab_hash(const vl_run *r)
{
    uint64_t h = 0;
    for (int i = 0; i < vl_wordpiece_size(r->wordpiece); i++) {
        const char *piece = vl_wordpiece_token(r->wordpiece, i);
        h = vl_hash(h, piece, strlen(piece) + 1);
    }
    return hash_text(h);
}

/* Only what decides must stay: a validation that is for looking at may change. */
static bool valid_decides(const vl_run *r)
{
    return r->task->n_deciding > 0;
}

static json_t *data_of_set(const vl_run *r, const vl_run_set *s)
{
    json_t *set = json_object(), *batches = json_array();
    bool valid = s->valid && valid_decides(r);
    int bad = 0;
    for (int p = 0; p < vl_dataset_parts(s->train); p++)
        bad |= vl_json_put(batches, NULL,
                           json_integer((json_int_t)vl_run_batches_of(r, s, p)));
    bad |= vl_json_put(set, "split", json_string(s->split));
    bad |= vl_json_put(set, "batches", batches);
    bad |= vl_json_put(set, "train", hash_text(s->train_hash));
    bad |= vl_json_put(set, "valid", valid ? hash_text(s->valid_hash) : json_null());
    if (!bad) return set;
    json_decref(set);
    return NULL;
}

json_t *vl_run_data(const vl_run *r)
{
    json_t *data = json_object(), *sets = json_array();
    int bad = vl_json_put(data, "vocab", vocab_hash(r));
    bad |= vl_json_put(data, "valid_batches", json_integer(r->o->valid_batches));
    for (int i = 0; i < r->n_sets; i++)
        bad |= vl_json_put(sets, NULL, data_of_set(r, &r->sets[i]));
    bad |= vl_json_put(data, "sets", sets);
    if (!bad) return data;
    json_decref(data);
    return NULL;
}

static bool same(const json_t *was, const json_t *is, const char *key)
{
    return json_equal(json_object_get(was, key), json_object_get(is, key));
}

static long long sum(const json_t *list)
{
    long long n = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        n += json_integer_value(json_array_get(list, i));
    return n;
}

static violet_status check_set(const vl_run_set *s, const json_t *was, const json_t *is)
{
    const json_t *batches = json_object_get(was, "batches"), *now = json_object_get(is, "batches");
    const char *split = json_string_value(json_object_get(was, "split"));
    if (!same(was, is, "split"))
        return vl_err(VIOLET_EINVAL, "the saved run trained on split '%.60s' of %s, this is '%s'",
                      split ? split : "?", s->name, s->split);
    if (!json_equal(batches, now))
        return vl_err(VIOLET_EINVAL, "the saved run had %lld batches an epoch of %s, now there "
                      "are %lld: it cannot go on with other data", sum(batches), s->name, sum(now));
    if (!same(was, is, "train"))
        return vl_err(VIOLET_EINVAL, "the training data of %s are not those of the saved run: "
                      "other texts, other records, or other videos that have pictures", s->name);
    if (!same(was, is, "valid"))
        return vl_err(VIOLET_EINVAL, "the validation data of %s are not those of the saved run, by "
                      "which it tells the best weights", s->name);
    return VIOLET_OK;
}

static violet_status check(const vl_run *r, const json_t *was, const json_t *is)
{
    const json_t *sets = json_object_get(was, "sets"), *now = json_object_get(is, "sets");
    violet_status status = VIOLET_OK;
    if (!same(was, is, "vocab"))
        return vl_err(VIOLET_EINVAL, "the saved run was begun with another vocabulary ('vocab')");
    if (valid_decides(r) && !same(was, is, "valid_batches"))
        return vl_err(VIOLET_EINVAL, "the saved run was begun with another 'valid_batches'");
    for (int i = 0; i < r->n_sets && status == VIOLET_OK; i++)
        status = check_set(&r->sets[i], json_array_get(sets, (size_t)i),
                           json_array_get(now, (size_t)i));
    return status;
}

violet_status vl_run_data_check(const vl_run *r, const json_t *was)
{
    if (!was) return VIOLET_OK;
    json_t *is = vl_run_data(r);
    violet_status status = is ? check(r, was, is) : vl_err_nomem();
    json_decref(is);
    return status;
}
