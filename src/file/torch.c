/* PyTorch's containers; see torch.h. Names are made in torch_names.c.
 *
 *     zip:     ARCHIVE/data.pkl, ARCHIVE/data/KEY for each storage, ARCHIVE/byteorder ("little"),
 *              ARCHIVE/violet.json (ours alone: an object of strings)
 *     legacy:  five pickles one after the other: magic number, protocol, system, the document, the
 *              list of storage keys; then for each key 8 bytes with its number of elements and the
 *              elements, little-endian
 *
 * Opening runs the document through the pickle reader with torch_pickle.c's table, finds the bytes
 * of every storage it mentions, then checks every tensor against its storage. */
#include "file/torch.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/json_text.h"
#include "file/torch_names.h"

/* 0x1950a86a20f9469cfc6c as a pickled integer. */
static const char magic[] = "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
#define MAGIC_BYTES (sizeof magic - 1)
#define METADATA_MOST (4 << 20)

struct vl_torch {
    vl_map map; /* n = 0: the caller's bytes */
    vl_zip zip;
    vl_pickle *doc;
    torch_storage *storages;
    bool big_endian;
    json_t *metadata; /* NULL: none */
    torch_names names;
};

/* ---- storages -------------------------------------------------------------------------------- */

static size_t storage_bytes(const torch_storage *s)
{
    return (size_t)s->n * vl_dtype_bytes(s->dtype);
}

/* n_bytes is what there is from data on. */
static violet_status give_data(torch_storage *s, const uint8_t *data, size_t n_bytes)
{
    if ((uint64_t)s->n > n_bytes / vl_dtype_bytes(s->dtype))
        return vl_err(VIOLET_EFORMAT, "storage '%.*s' of %zu bytes, expected %lld elements of %zu",
                      (int)s->n_key, s->key, n_bytes, (long long)s->n,
                      vl_dtype_bytes(s->dtype));
    s->data = data;
    return VIOLET_OK;
}

/* ---- zip ------------------------------------------------------------------------------------- */

/* data.pkl of the archive's one folder: of several, that with the shortest name. */
static const vl_zip_entry *find_document(const vl_zip *z)
{
    const vl_zip_entry *found = NULL;
    for (size_t i = 0; i < z->n_entries; i++) {
        const vl_zip_entry *e = &z->entries[i];
        bool fits = e->n_name >= 8 && memcmp(e->name + e->n_name - 8, "data.pkl", 8) == 0 &&
                    (e->n_name == 8 || e->name[e->n_name - 9] == '/');
        if (fits && (!found || e->n_name < found->n_name)) found = e;
    }
    return found;
}

/* The entry FOLDER/name; folder is what stands before "data.pkl". */
static const vl_zip_entry *find_beside(const vl_zip *z, const vl_zip_entry *document,
                                       const char *between, const char *name, size_t n_name)
{
    char path[1024];
    size_t n_folder = document->n_name - 8, n_between = strlen(between);
    if (n_name >= sizeof path || n_folder + n_between + n_name > sizeof path) return NULL;
    memcpy(path, document->name, n_folder);
    memcpy(path + n_folder, between, n_between);
    memcpy(path + n_folder + n_between, name, n_name);
    return vl_zip_find(z, path, n_folder + n_between + n_name);
}

static violet_status read_byteorder(vl_torch *f, const vl_zip_entry *document)
{
    const uint8_t *text;
    const vl_zip_entry *e = find_beside(&f->zip, document, "", "byteorder", 9);
    if (!e) return VIOLET_OK; /* before 2.1 there was none: little */
    violet_status status = vl_zip_read(&text, &f->zip, e);
    if (status != VIOLET_OK) return status;
    f->big_endian = e->size == 3 && memcmp(text, "big", 3) == 0;
    if (!f->big_endian && (e->size != 6 || memcmp(text, "little", 6) != 0))
        return vl_err(VIOLET_EFORMAT, "byteorder: expected little or big");
    return VIOLET_OK;
}

static violet_status read_metadata(vl_torch *f, const vl_zip_entry *document)
{
    const uint8_t *text;
    const char *key;
    json_t *value;
    const vl_zip_entry *entry = find_beside(&f->zip, document, "", "violet.json", 11);
    if (!entry) return VIOLET_OK;
    if (entry->size > METADATA_MOST)
        return vl_err(VIOLET_EFORMAT, "violet.json: %llu bytes, expected at most %d",
                      (unsigned long long)entry->size, METADATA_MOST);
    violet_status status = vl_zip_read(&text, &f->zip, entry);
    if (status == VIOLET_OK)
        status = vl_json_parse(&f->metadata, text, (size_t)entry->size, 1, "violet.json");
    if (status != VIOLET_OK) return status;
    if (!json_is_object(f->metadata))
        return vl_err(VIOLET_EFORMAT, "violet.json: expected an object of strings");
    json_object_foreach(f->metadata, key, value)
        if (!json_is_string(value))
            return vl_err(VIOLET_EFORMAT, "violet.json: '%.60s': expected a string", key);
    return VIOLET_OK;
}

/* Values take far more memory than their pickle, so a packed one must not be out of all
 * proportion to the file. PyTorch packs nothing. */
static violet_status check_document(const vl_zip_entry *e)
{
    const uint64_t most = (1 << 20) + 20 * e->packed;
    if (e->method == 0 || e->size <= most) return VIOLET_OK;
    return vl_err(VIOLET_EFORMAT, "data.pkl: %llu bytes packed in %llu, expected at most %llu",
                  (unsigned long long)e->size, (unsigned long long)e->packed,
                  (unsigned long long)most);
}

static violet_status read_zip(vl_torch *f, const void *data, size_t n)
{
    const uint8_t *bytes;
    const vl_pickle_options options = vl_torch_options(&f->storages);
    violet_status status = vl_zip_init(&f->zip, data, n);
    if (status != VIOLET_OK) return status;
    const vl_zip_entry *document = find_document(&f->zip);
    if (!document) return vl_err(VIOLET_EFORMAT, "a zip archive without data.pkl");
    if ((status = read_byteorder(f, document)) != VIOLET_OK) return status;
    if ((status = read_metadata(f, document)) != VIOLET_OK) return status;
    if ((status = check_document(document)) != VIOLET_OK) return status;
    if ((status = vl_zip_read(&bytes, &f->zip, document)) != VIOLET_OK) return status;
    status = vl_pickle_parse(&f->doc, bytes, (size_t)document->size, "data.pkl", &options);
    for (torch_storage *s = f->storages; s && status == VIOLET_OK; s = s->next) {
        const vl_zip_entry *e = find_beside(&f->zip, document, "data/", s->key, s->n_key);
        if (!e)
            return vl_err(VIOLET_EFORMAT, "storage '%.*s' is not there", (int)s->n_key,
                          s->key);
        status = vl_zip_read(&bytes, &f->zip, e);
        if (status == VIOLET_OK) status = give_data(s, bytes, (size_t)e->size);
    }
    return status;
}

/* ---- legacy ---------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const torch_storage *x = *(torch_storage *const *)a, *y = *(torch_storage *const *)b;
    uint32_t n = x->n_key < y->n_key ? x->n_key : y->n_key;
    int order = memcmp(x->key, y->key, n);
    return order ? order : (x->n_key > y->n_key) - (x->n_key < y->n_key);
}

/* All of one key's storages (list from i on) get the run of elements at *at. */
static violet_status take_elements(torch_storage **list, size_t n_list, const uint8_t *data,
                                   size_t n, size_t *at)
{
    int64_t n_elements;
    if (n - *at < 8) return vl_err(VIOLET_EFORMAT, "byte %zu: the file ends early", *at);
    memcpy(&n_elements, data + *at, 8);
    *at += 8;
    torch_storage *first = list[0];
    for (size_t i = 0; i < n_list && by_key(&list[i], &first) == 0; i++) {
        if (list[i]->n != n_elements || list[i]->dtype != first->dtype)
            return vl_err(VIOLET_EFORMAT, "byte %zu: %lld elements in a storage of %lld", *at - 8,
                          (long long)n_elements, (long long)list[i]->n);
        violet_status status = give_data(list[i], data + *at, n - *at);
        if (status != VIOLET_OK) return status;
    }
    *at += storage_bytes(first);
    return VIOLET_OK;
}

/* keys: the list of storages in the file's order. */
static violet_status read_elements(vl_torch *f, const vl_value *keys, const uint8_t *data, size_t n,
                                   size_t at)
{
    size_t n_list = 0, k = 0;
    violet_status status = VIOLET_OK;
    for (torch_storage *s = f->storages; s; s = s->next) n_list++;
    torch_storage **list = calloc(n_list + 1, sizeof *list), key, *wanted = &key;
    if (!list) return vl_err_nomem();
    for (torch_storage *s = f->storages; s; s = s->next) list[k++] = s;
    if (n_list) qsort(list, n_list, sizeof *list, by_key);
    for (size_t i = 0; i < vl_value_n(keys) && status == VIOLET_OK; i++) {
        size_t n_key;
        key.key = vl_value_str(&n_key, vl_value_at(keys, i));
        key.n_key = (uint32_t)n_key;
        torch_storage **s = key.key && n_list
                                ? bsearch(&wanted, list, n_list, sizeof *list, by_key) : NULL;
        while (s && s > list && by_key(s - 1, s) == 0) s--;
        if (!s || (*s)->data)
            status = vl_err(VIOLET_EFORMAT, "storage key %zu of the list is unknown or there twice",
                            i);
        else
            status = take_elements(s, n_list - (size_t)(s - list), data, n, &at);
    }
    for (k = 0; k < n_list && status == VIOLET_OK; k++)
        if (!list[k]->data)
            status = vl_err(VIOLET_EFORMAT, "storage '%.*s' is not there",
                            (int)list[k]->n_key, list[k]->key);
    free(list);
    return status;
}

/* A pickle that stands at *at, which moves behind it. */
static violet_status read_part(vl_pickle **doc, const uint8_t *data, size_t n, size_t *at,
                               const char *what, const vl_pickle_options *options)
{
    violet_status status = vl_pickle_parse(doc, data + *at, n - *at, what, options);
    if (status == VIOLET_OK) *at += vl_pickle_consumed(*doc);
    return status;
}

static violet_status read_legacy(vl_torch *f, const uint8_t *data, size_t n)
{
    static const char *const heads[] = {"magic number", "protocol", "system"};
    const vl_pickle_options options = vl_torch_options(&f->storages);
    vl_pickle *part;
    size_t at = 0;
    int64_t protocol = 0;
    violet_status status = VIOLET_OK;
    for (int i = 0; i < 3 && status == VIOLET_OK; i++) {
        status = read_part(&part, data, n, &at, heads[i], NULL);
        if (status != VIOLET_OK) return status;
        if (i == 1 && (!vl_value_int(&protocol, vl_pickle_root(part)) || protocol != 1001))
            status = vl_err(VIOLET_EUNSUPPORTED, "protocol %lld, expected 1001",
                            (long long)protocol);
        vl_pickle_close(part);
    }
    if (status == VIOLET_OK) status = read_part(&f->doc, data, n, &at, "document", &options);
    if (status == VIOLET_OK) status = read_part(&part, data, n, &at, "storage keys", NULL);
    if (status != VIOLET_OK) return status;
    status = read_elements(f, vl_pickle_root(part), data, n, at);
    vl_pickle_close(part);
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_legacy(const uint8_t *p, size_t n)
{
    for (size_t at = 2; at <= 16 && n >= at && n - at >= MAGIC_BYTES; at++)
        if (p[0] == 0x80 && memcmp(p + at, magic, MAGIC_BYTES) == 0) return true;
    return false;
}

static bool is_zip(const uint8_t *p, size_t n)
{
    return n >= 4 && (memcmp(p, "PK\3\4", 4) == 0 || memcmp(p, "PK\5\6", 4) == 0);
}

bool vl_torch_looks(const void *head, size_t n)
{
    return is_zip(head, n) || is_legacy(head, n);
}

static violet_status parse(vl_torch *f, const void *data, size_t n)
{
    violet_status status;
    if (is_zip(data, n))
        status = read_zip(f, data, n);
    else if (is_legacy(data, n))
        status = read_legacy(f, data, n);
    else
        status = vl_err(VIOLET_EFORMAT,
                        "expected a file of PyTorch's: a zip archive or the legacy magic number");
    if (status != VIOLET_OK) return status;
    f->names.most = 1000 + vl_pickle_consumed(f->doc);
    f->names.file_bytes = n;
    f->names.big_endian = f->big_endian;
    return vl_torch_names_make(&f->names, vl_pickle_root(f->doc));
}

violet_status vl_torch_parse(vl_torch **out, const void *data, size_t n, const char *name)
{
    *out = NULL;
    vl_torch *f = calloc(1, sizeof *f);
    if (!f) return vl_err_nomem();
    violet_status status = parse(f, data, n);
    if (status != VIOLET_OK) {
        vl_err_at(status, "%s", name);
        vl_torch_close(f);
        return status;
    }
    *out = f;
    return VIOLET_OK;
}

violet_status vl_torch_open(vl_torch **out, const char *path)
{
    vl_map map;
    *out = NULL;
    violet_status status = vl_map_open(&map, path);
    if (status != VIOLET_OK) return status;
    status = vl_torch_parse(out, map.data, map.n, path);
    if (status == VIOLET_OK)
        (*out)->map = map;
    else
        vl_map_close(&map);
    return status;
}

void vl_torch_close(vl_torch *f)
{
    if (!f) return;
    vl_torch_names_release(&f->names);
    vl_pickle_close(f->doc);
    json_decref(f->metadata);
    vl_zip_release(&f->zip);
    if (f->map.n) vl_map_close(&f->map);
    free(f);
}

/* ---- what came out --------------------------------------------------------------------------- */

size_t vl_torch_n(const vl_torch *f)
{
    return f->names.n;
}

const vl_stored *vl_torch_at(const vl_torch *f, size_t i)
{
    return i < f->names.n ? &f->names.tensors[i] : NULL;
}

const vl_stored *vl_torch_find(const vl_torch *f, const char *name)
{
    return vl_torch_names_find(&f->names, name);
}

bool vl_torch_is_zip(const vl_torch *f)
{
    return f->zip.data != NULL;
}

const json_t *vl_torch_metadata(const vl_torch *f)
{
    return f->metadata;
}

const char *vl_torch_prefix(const vl_torch *f)
{
    return f->names.prefix;
}

const char *vl_torch_class(const vl_torch *f)
{
    return f->names.class[0] ? f->names.class : NULL;
}

const vl_value *vl_torch_state(const vl_torch *f)
{
    const vl_value *state = vl_object_state(f->names.top);
    return vl_value_kind(state) == VL_DICT ? state : NULL;
}

const vl_value *vl_torch_attribute(const vl_torch *f, const char *name)
{
    return vl_dict_find(vl_torch_state(f), name, strlen(name));
}
