/* A folder of checkpoints/: pickles and containers as Python and PyTorch write them. Every file in
 * it is looked at; PyTorch's are in case_torch.c. */
#include "golden/golden.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "file/pickle.h"

static const vl_value *key(const vl_value *v, const char *k)
{
    return vl_dict_find(v, k, strlen(k));
}

static int is_str(const vl_value *list, size_t i, const char *text)
{
    return vl_value_is(vl_value_at(list, i), text);
}

/* {'v1': ['AAAA', 'BBBB'], 'v\u00e9': [], 'n': {'x': 1, 'y': -2**40, 'z': 2**80, 'f': 1.5,
 *  'none': None, 't': (True, False), 'b': b'\x00\xff'}} */
static int is_plain(const vl_value *root)
{
    const vl_value *v1 = key(root, "v1"), *empty = key(root, "v\xc3\xa9"), *n = key(root, "n");
    const vl_value *t = key(n, "t");
    int64_t x, y, yes, no;
    double f;
    size_t n_b;
    const uint8_t *b = vl_value_bytes(&n_b, key(n, "b"));
    int lists = vl_value_n(root) == 3 && vl_value_n(v1) == 2 && is_str(v1, 0, "AAAA") &&
                is_str(v1, 1, "BBBB") && vl_value_kind(empty) == VL_LIST && vl_value_n(empty) == 0;
    int scalars = vl_value_n(n) == 7 && vl_value_int(&x, key(n, "x")) && x == 1 &&
                  vl_value_int(&y, key(n, "y")) && y == -((int64_t)1 << 40) &&
                  vl_value_kind(key(n, "z")) == VL_BIGINT && vl_value_float(&f, key(n, "f")) &&
                  f == 1.5 && key(n, "none") && vl_value_kind(key(n, "none")) == VL_NONE;
    int others = vl_value_kind(t) == VL_TUPLE && vl_value_n(t) == 2 &&
                 vl_value_int(&yes, vl_value_at(t, 0)) && yes == 1 &&
                 vl_value_int(&no, vl_value_at(t, 1)) && no == 0 && b && n_b == 2 && b[0] == 0 &&
                 b[1] == 0xff;
    return lists && scalars && others;
}

static int has_shape(const vl_ndarray *a, char type, int n_dim, const int64_t *shape)
{
    if (a->type != type || a->n_dim != n_dim) return 0;
    return memcmp(a->shape, shape, (size_t)n_dim * sizeof *shape) == 0;
}

/* {'v1': arange(12, int16) as (3,2,2), 'f': arange(6, float32) as (2,3) in Fortran order,
 *  'i64': [1, 2, 3]} */
static int is_numpy(const vl_value *root)
{
    vl_ndarray v1, f, i64;
    int32_t ints[12], three[3];
    float floats[6];
    int ok = vl_value_array(&v1, key(root, "v1")) && vl_value_array(&f, key(root, "f")) &&
             vl_value_array(&i64, key(root, "i64")) &&
             has_shape(&v1, 'i', 3, (const int64_t[]){3, 2, 2}) &&
             has_shape(&f, 'f', 2, (const int64_t[]){2, 3}) &&
             has_shape(&i64, 'i', 1, (const int64_t[]){3}) &&
             vl_ndarray_to_i32(ints, &v1) == VIOLET_OK &&
             vl_ndarray_to_float(floats, &f) == VIOLET_OK &&
             vl_ndarray_to_i32(three, &i64) == VIOLET_OK;
    for (int i = 0; ok && i < 12; i++) ok = ints[i] == i;
    for (int i = 0; ok && i < 6; i++) ok = floats[i] == (float)i;
    for (int i = 0; ok && i < 3; i++) ok = three[i] == i + 1;
    return ok;
}

static void check_pickle(golden_report *r, const char *path, const char *name,
                         int (*is_right)(const vl_value *))
{
    vl_pickle *doc;
    if (vl_pickle_open(&doc, path, NULL) != VIOLET_OK) {
        golden_verdict(r, 0, name, "%s", violet_error());
        return;
    }
    golden_verdict(r, is_right(vl_pickle_root(doc)), name, "other values than were written");
    vl_pickle_close(doc);
}

/* Must be refused, with the global it would have called in the message. */
static void check_evil(golden_report *r, const char *path, const char *name)
{
    vl_pickle *doc;
    if (vl_pickle_open(&doc, path, NULL) == VIOLET_OK) {
        vl_pickle_close(doc);
        golden_verdict(r, 0, name, "was opened");
    } else {
        golden_verdict(r, strstr(violet_error(), "posix.system") != NULL, name,
                       "refused without naming the global: %s", violet_error());
    }
    golden_verdict(r, !vl_file_exists("PWNED"), "evil.pkl did nothing", "a file PWNED is there");
}

static void check_safetensors(golden_report *r, const char *path, const char *name)
{
    vl_safetensors *f;
    if (vl_safetensors_open(&f, path) != VIOLET_OK) {
        golden_verdict(r, 0, name, "%s", violet_error());
        return;
    }
    size_t n = vl_safetensors_n(f), wrong = n == 0;
    for (size_t i = 0; i < n; i++) {
        const vl_safetensor *t = vl_safetensors_at(f, i);
        wrong += t->dtype != VL_DT_F32 || vl_safetensors_find(f, t->name) != t;
    }
    golden_verdict(r, !wrong, name, "%zu tensors are not float32 or not found by name", wrong);
    vl_safetensors_close(f);
}

static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static void check_file(golden_report *r, const char *path, const char *name)
{
    if (strcmp(name, "evil.pkl") == 0)
        check_evil(r, path, name);
    else if (strncmp(name, "plain_", 6) == 0)
        check_pickle(r, path, name, is_plain);
    else if (strncmp(name, "numpy_", 6) == 0)
        check_pickle(r, path, name, is_numpy);
    else if (ends_with(name, ".safetensors"))
        check_safetensors(r, path, name);
    else if (ends_with(name, ".pt") || ends_with(name, ".pth"))
        golden_check_state(r, path, name);
    else
        golden_check_module(r, path, name);
}

static int not_hidden(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

void golden_case_checkpoints(golden_tally *t, const golden_options *o, const char *folder)
{
    golden_report r;
    struct dirent **list;
    golden_begin(&r, t, o, folder);
    int n = scandir(folder, &list, not_hidden, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (vl_path_join(path, sizeof path, folder, list[i]->d_name) == VIOLET_OK)
            check_file(&r, path, list[i]->d_name);
        free(list[i]);
    }
    if (n >= 0) free(list);
    golden_end(&r);
}
