/* Pictures of several places; see gallery.h.
 *
 *     place 0          place 1              records are numbered through all places,
 *     r0 r1 r2 ...     r5 r6 ...            pictures through all records:
 *     first[r] .. first[r + 1]              the pictures of record r
 *     kept[i]                               NULL, or which of them is the i-th good one */
#include "data/gallery.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/grow.h"
#include "data/pictures.h"
#include "media/video.h"

#define MOST_JPEG ((size_t)256 << 20)

typedef struct place {
    char *path;
    vl_pictures *pictures; /* NULL: a folder of JPEGs */
    char **name;           /* (n) then */
    size_t n, first;       /* records; the number of its first one */
} place;

struct vl_gallery {
    vl_gallery_options o;
    place *places;
    int n_places;
    size_t n_records, n_raw, n, n_bad;
    size_t *first; /* (n_records + 1) */
    size_t *kept;  /* (n) */
    uint8_t *data; /* (n_raw, 3, side, side), NULL: pictures are decoded when they are read */
    uint8_t *good; /* (n_raw) while loading */
};

struct vl_gallery_scratch {
    vl_record record;
};

static size_t square(int side)
{
    return 3 * (size_t)side * (size_t)side;
}

static void report(vl_gallery *g, const char *message)
{
    g->n_bad++;
    if (g->o.report) g->o.report(g->o.user, message);
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool is_jpeg(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && ((n > 4 && strcasecmp(name + n - 4, ".jpg") == 0) ||
                              (n > 5 && strcasecmp(name + n - 5, ".jpeg") == 0));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The JPEGs of a folder by name; none where it is no folder. */
static violet_status list_jpegs(place *p)
{
    struct stat st;
    size_t cap = 0;
    if (stat(p->path, &st) != 0) return vl_err_errno("'%s'", p->path);
    if (!S_ISDIR(st.st_mode)) return VIOLET_OK;
    DIR *dir = opendir(p->path);
    if (!dir) return vl_err_errno("open folder '%s'", p->path);
    violet_status status = VIOLET_OK;
    while (status == VIOLET_OK) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e && errno) status = vl_err_errno("read folder '%s'", p->path);
        if (!e) break;
        if (!is_jpeg(e->d_name)) continue;
        status = vl_grow(&p->name, &cap, p->n, sizeof *p->name, 256);
        if (status == VIOLET_OK && !(p->name[p->n] = strdup(e->d_name))) status = vl_err_nomem();
        if (status == VIOLET_OK) p->n++;
    }
    closedir(dir);
    if (p->n) qsort(p->name, p->n, sizeof *p->name, by_name);
    return status;
}

static violet_status open_place(vl_gallery *g, const char *path, size_t n_path)
{
    place *more = realloc(g->places, (size_t)(g->n_places + 1) * sizeof *more);
    if (!more) return vl_err_nomem();
    g->places = more;
    place *p = &g->places[g->n_places++];
    *p = (place){.path = strndup(path, n_path), .first = g->n_records};
    if (!p->path) return vl_err_nomem();
    violet_status status = list_jpegs(p);
    if (status == VIOLET_OK && !p->n) {
        vl_pictures_options o = {.videos = vl_video_has_name(p->path), .fast = g->o.fast};
        status = vl_pictures_open(&p->pictures, p->path, &o);
        if (status == VIOLET_OK) p->n = vl_pictures_n(p->pictures);
    }
    g->n_records += p->n;
    return status;
}

static violet_status open_places(vl_gallery *g)
{
    const char *s = g->o.path;
    violet_status status = VIOLET_OK;
    while (*s && status == VIOLET_OK) {
        size_t n = strcspn(s, ",");
        if (n) status = open_place(g, s, n);
        s += n + (s[n] == ',');
    }
    if (status == VIOLET_OK && !g->n_places) status = vl_err(VIOLET_EINVAL, "no path of pictures");
    return status;
}

static const place *place_of(const vl_gallery *g, size_t record)
{
    const place *p = g->places;
    while (record >= p->first + p->n) p++;
    return p;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* How many pictures a record has. */
static violet_status count_pictures(size_t *n, const vl_gallery *g, size_t record,
                                    vl_gallery_scratch *s)
{
    const place *p = place_of(g, record);
    *n = 1;
    if (!p->pictures) return VIOLET_OK;
    violet_status status = vl_pictures_look(&s->record, p->pictures, record - p->first);
    bool is_video = vl_pictures_are_videos(p->pictures);
    *n = (size_t)(is_video ? g->o.n_frames : s->record.n_frames);
    if (status == VIOLET_OK) return status;
    *n = 0;
    return vl_err_at(status, "%s record %zu", p->path, record - p->first);
}

static violet_status read_file(uint8_t *out, int side, const char *folder, const char *name)
{
    char path[4096], *bytes;
    size_t n;
    vl_picture picture = {0, 0, NULL};
    violet_status status = vl_path_join(path, sizeof path, folder, name);
    if (status == VIOLET_OK) status = vl_file_read(&bytes, &n, path, MOST_JPEG);
    if (status != VIOLET_OK) return status;
    status = vl_jpeg_decode(&picture, bytes, n);
    free(bytes);
    if (status == VIOLET_OK) status = vl_picture_square(out, side, &picture, VL_PAD_EXACT);
    vl_picture_release(&picture);
    return status == VIOLET_OK ? status : vl_err_at(status, "%s", path);
}

/* Where a video's frames go: all of them, or one. */
typedef struct taken {
    uint8_t *out;
    int side, only;  /* only -1: all */
    uint8_t *good;   /* (n) or NULL */
} taken;

static violet_status take(void *user, int i, const vl_picture *picture)
{
    const taken *t = user;
    if (t->only >= 0 && i != t->only) return VIOLET_OK;
    uint8_t *out = t->out + (t->only < 0 ? (size_t)i * square(t->side) : 0);
    violet_status status = vl_picture_square(out, t->side, picture, VL_PAD_EXACT);
    if (status == VIOLET_OK && t->good) t->good[i] = 1;
    return status;
}

static violet_status read_frame(uint8_t *out, int side, vl_record *r, int k)
{
    vl_picture picture = {0, 0, NULL};
    violet_status status = vl_pictures_frame(&picture, r, k);
    if (status == VIOLET_OK) status = vl_picture_square(out, side, &picture, VL_PAD_EXACT);
    vl_picture_release(&picture);
    return status;
}

static violet_status at_frame(violet_status status, const place *p, const vl_record *r, int k)
{
    int n = (int)(r->id.n < 128 ? r->id.n : 128);
    return vl_err_at(status, "%s '%.*s' frame %d", p->path, n, r->id.s, k);
}

static violet_status read_raw(uint8_t *out, int side, const vl_gallery *g, size_t raw,
                              size_t record, vl_gallery_scratch *s)
{
    const place *p = place_of(g, record);
    int k = (int)(raw - g->first[record]);
    if (!p->pictures) return read_file(out, side, p->path, p->name[record - p->first]);
    violet_status status = vl_pictures_look(&s->record, p->pictures, record - p->first);
    if (status != VIOLET_OK) return vl_err_at(status, "%s", p->path);
    if (vl_pictures_are_videos(p->pictures)) {
        taken t = {out, side, k, NULL};
        s->record.stop = g->o.stop;
        return vl_pictures_decode(&s->record, g->o.n_frames, take, &t);
    }
    status = read_frame(out, side, &s->record, k);
    return status == VIOLET_OK ? status : at_frame(status, p, &s->record, k);
}

static size_t raw_of(const vl_gallery *g, size_t i)
{
    return g->kept ? g->kept[i] : i;
}

static size_t record_of(const vl_gallery *g, size_t raw)
{
    size_t low = 0, high = g->n_records; /* first[low] <= raw < first[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (g->first[middle] <= raw) low = middle;
        else high = middle;
    }
    return low;
}

size_t vl_gallery_record(const vl_gallery *g, size_t i)
{
    return record_of(g, raw_of(g, i));
}

/* What failed while the work is being stopped may have failed for that: it is not bad. */
static violet_status not_if_stopped(violet_status status, const vl_gallery *g)
{
    if (status == VIOLET_OK || status == VIOLET_ENOMEM || !g->o.stop || !*g->o.stop) return status;
    return vl_err(VIOLET_EINTERRUPTED, "stopped");
}

violet_status vl_gallery_read(uint8_t *out, int side, const vl_gallery *g, size_t i,
                              vl_gallery_scratch *s)
{
    if (i >= g->n) return vl_err(VIOLET_EINVAL, "picture %zu of %zu", i, g->n);
    size_t raw = raw_of(g, i);
    if (!g->data || side != g->o.side)
        return not_if_stopped(read_raw(out, side, g, raw, record_of(g, raw), s), g);
    memcpy(out, g->data + raw * square(side), square(side));
    return VIOLET_OK;
}

violet_status vl_gallery_scratch_new(vl_gallery_scratch **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? VIOLET_OK : vl_err_nomem();
}

void vl_gallery_scratch_free(vl_gallery_scratch *s)
{
    if (!s) return;
    vl_record_release(&s->record);
    free(s);
}

/* ---- loading --------------------------------------------------------------------------------- */

typedef struct load {
    vl_gallery *g;
    atomic_size_t next, done;
    pthread_mutex_t lock; /* of what follows */
    violet_status failed; /* what ends all work: memory, a stop */
    char error[1024];
    char **message; /* of pictures left out, reported when the thread that opens comes by */
    size_t n_messages, cap;
} load;

/* Notes a record's or picture's error; its message is this thread's. */
static void note(load *l, violet_status status)
{
    pthread_mutex_lock(&l->lock);
    if (status == VIOLET_ENOMEM || status == VIOLET_EINTERRUPTED) {
        if (l->failed == VIOLET_OK) snprintf(l->error, sizeof l->error, "%s", violet_error());
        l->failed = status;
    } else {
        if (l->n_messages == l->cap) {
            size_t cap = l->cap ? 2 * l->cap : 64;
            char **more = realloc(l->message, cap * sizeof *more);
            if (more) l->message = more, l->cap = cap;
            else l->failed = VIOLET_ENOMEM;
        }
        if (l->n_messages < l->cap) l->message[l->n_messages++] = strdup(violet_error());
    }
    pthread_mutex_unlock(&l->lock);
}

static void load_record(load *l, size_t record, vl_gallery_scratch *s)
{
    vl_gallery *g = l->g;
    const place *p = place_of(g, record);
    size_t first = g->first[record], n = g->first[record + 1] - first;
    uint8_t *out = g->data + first * square(g->o.side);
    if (p->pictures && vl_pictures_are_videos(p->pictures)) {
        taken t = {out, g->o.side, -1, g->good + first};
        vl_pictures_look(&s->record, p->pictures, record - p->first);
        s->record.stop = g->o.stop;
        violet_status status = vl_pictures_decode(&s->record, g->o.n_frames, take, &t);
        if (status != VIOLET_OK) note(l, not_if_stopped(status, g));
        return;
    }
    for (size_t k = 0; k < n; k++) {
        violet_status status = read_raw(out + k * square(g->o.side), g->o.side, g, first + k,
                                        record, s);
        g->good[first + k] = status == VIOLET_OK;
        if (status != VIOLET_OK) note(l, not_if_stopped(status, g));
    }
}

static bool over(load *l)
{
    pthread_mutex_lock(&l->lock);
    bool failed = l->failed != VIOLET_OK;
    pthread_mutex_unlock(&l->lock);
    return failed;
}

static void tell(load *l)
{
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < l->n_messages; i++) {
        report(l->g, l->message[i] ? l->message[i] : "out of memory");
        free(l->message[i]);
    }
    l->n_messages = 0;
    pthread_mutex_unlock(&l->lock);
    if (l->g->o.progress)
        l->g->o.progress(l->g->o.user, l->done, l->g->n_records, l->g->n_bad);
}

/* Takes records until there are none. The thread that opens tells how it goes. */
static void work(load *l, bool tells)
{
    vl_gallery_scratch *s;
    if (vl_gallery_scratch_new(&s) != VIOLET_OK) {
        note(l, VIOLET_ENOMEM);
        return;
    }
    for (size_t r; (r = atomic_fetch_add(&l->next, 1)) < l->g->n_records && !over(l);) {
        if (l->g->o.stop && *l->g->o.stop) note(l, vl_err(VIOLET_EINTERRUPTED, "stopped"));
        else load_record(l, r, s);
        atomic_fetch_add(&l->done, 1);
        if (tells) tell(l);
    }
    vl_gallery_scratch_free(s);
}

static void *worker(void *arg)
{
    work(arg, false);
    return NULL;
}

/* Numbers the good pictures. */
static violet_status keep_good(vl_gallery *g)
{
    g->kept = malloc(g->n_raw * sizeof *g->kept);
    if (!g->kept) return vl_err_nomem();
    g->n = 0;
    for (size_t i = 0; i < g->n_raw; i++)
        if (g->good[i]) g->kept[g->n++] = i;
    return VIOLET_OK;
}

static violet_status load_all(vl_gallery *g)
{
    enum { MOST_THREADS = 64 };
    pthread_t thread[MOST_THREADS];
    int n = 0;
    load l = {.g = g};
    g->data = malloc(g->n_raw * square(g->o.side));
    g->good = calloc(g->n_raw, 1);
    if (!g->data || !g->good) return vl_err_nomem();
    pthread_mutex_init(&l.lock, NULL);
    while (n < MOST_THREADS && n < g->o.threads - 1 &&
           pthread_create(&thread[n], NULL, worker, &l) == 0)
        n++;
    work(&l, true);
    for (int i = 0; i < n; i++) pthread_join(thread[i], NULL);
    tell(&l);
    pthread_mutex_destroy(&l.lock);
    free(l.message);
    violet_status status = l.failed;
    if (status == VIOLET_ENOMEM) vl_err_nomem();
    else if (status != VIOLET_OK) vl_err(status, "%s", l.error);
    if (status == VIOLET_OK) status = keep_good(g);
    free(g->good);
    g->good = NULL;
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static violet_status count_all(vl_gallery *g)
{
    vl_gallery_scratch *s;
    violet_status status = vl_gallery_scratch_new(&s);
    if (status != VIOLET_OK) return status;
    g->first = malloc((g->n_records + 1) * sizeof *g->first);
    if (!g->first) status = vl_err_nomem();
    for (size_t r = 0; r < g->n_records && status == VIOLET_OK; r++) {
        size_t n;
        status = count_pictures(&n, g, r, s);
        g->first[r] = g->n_raw;
        g->n_raw += n;
        if (status == VIOLET_OK || status == VIOLET_ENOMEM) continue;
        report(g, violet_error());
        status = VIOLET_OK;
    }
    if (g->first) g->first[g->n_records] = g->n = g->n_raw;
    vl_gallery_scratch_free(s);
    return status;
}

violet_status vl_gallery_open(vl_gallery **out, const vl_gallery_options *o)
{
    *out = NULL;
    vl_gallery *g = calloc(1, sizeof *g);
    if (!g) return vl_err_nomem();
    g->o = *o;
    violet_status status = open_places(g);
    if (status == VIOLET_OK) status = count_all(g);
    if (status == VIOLET_OK && g->n_raw && g->n_raw <= o->most_bytes / square(o->side))
        status = load_all(g);
    if (status == VIOLET_OK && g->n == 0)
        status = vl_err(VIOLET_EFORMAT, "%s: no picture that can be read", o->path);
    g->o.path = NULL; /* the caller's */
    if (status == VIOLET_OK)
        *out = g;
    else
        vl_gallery_close(g);
    return status;
}

void vl_gallery_close(vl_gallery *g)
{
    if (!g) return;
    for (int i = 0; i < g->n_places; i++) {
        place *p = &g->places[i];
        for (size_t k = 0; p->name && k < p->n; k++) free(p->name[k]);
        free(p->name);
        vl_pictures_close(p->pictures);
        free(p->path);
    }
    free(g->places);
    free(g->first);
    free(g->kept);
    free(g->data);
    free(g->good);
    free(g);
}

size_t vl_gallery_n(const vl_gallery *g)
{
    return g->n;
}

size_t vl_gallery_bad(const vl_gallery *g)
{
    return g->n_bad;
}

bool vl_gallery_cached(const vl_gallery *g)
{
    return g->data != NULL;
}
