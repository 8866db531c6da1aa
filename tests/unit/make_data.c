/* See make_data.h. Record i of part p is video "pP_I", its pictures have grey level 10 p + i. */
#include "make_data.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "file/pickle.h"
#include "media/picture.h"

static void need(int ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "make_data: %s: %s\n", what, violet_error());
    abort();
}

void make_folder(char *folder)
{
    strcpy(folder, "/tmp/vl_test_XXXXXX");
    need(mkdtemp(folder) != NULL, "mkdtemp");
}

void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    need(dir != NULL, folder);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    closedir(dir);
    rmdir(folder);
}

void write_text(const char *folder, const char *name, const char *text, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    need(f && fwrite(text, 1, n, f) == n && fclose(f) == 0, path);
}

char *make_jpeg(int width, int height, int value)
{
    vl_picture p = {width, height, malloc((size_t)width * (size_t)height * 3)};
    vl_buf jpeg = {0};
    memset(p.rgb, value, (size_t)width * (size_t)height * 3);
    need(vl_jpeg_encode(&jpeg, &p, 90) == VIOLET_OK, "jpeg");
    size_t n = vl_base64_encoded(jpeg.n);
    char *text = malloc(n + 1);
    vl_base64_encode(text, (const uint8_t *)jpeg.data, jpeg.n);
    text[n] = 0;
    vl_buf_free(&jpeg);
    vl_picture_release(&p);
    return text;
}

static void put_record(FILE *tsv, FILE *txt, vl_pickle_writer *vq, int p, int i, char kind,
                       int n_frames)
{
    char id[40];
    int16_t tokens[16];
    int64_t shape[3] = {n_frames, 1, 1 + (kind == 's')};
    char *jpeg = make_jpeg(40, 30, 10 * p + i);
    if (kind == 'j') memset(jpeg + 40, 'A', strlen(jpeg) - 40);
    if (kind == 'b') jpeg[20] = '!';
    snprintf(id, sizeof id, "p%d_%d", p, i);
    fputs(id, tsv);
    for (int k = 0; k < n_frames - (kind == 'f'); k++) fprintf(tsv, "\t%s", jpeg);
    if (kind != 'e') fputc('\n', tsv);
    for (int k = 0; k < 16; k++) tokens[k] = (int16_t)(100 * p + 10 * i + k);
    const char *comma = ftell(txt) > 11 ? ", " : "";
    if (kind != 'c') fprintf(txt, "%s\"%s\": [\"a video\", \"another\"]", comma, id);
    if (kind != 'v') need(vl_pickle_put_i16(vq, id, tokens, shape, 3) == VIOLET_OK, "vq");
    free(jpeg);
}

void make_dataset(const char *folder, const char *name, const char *const *parts, int n_parts,
                  int n_frames)
{
    char path[512];
    vl_pickle_writer *vq;
    snprintf(path, sizeof path, "%s/txt_%s.json", folder, name);
    FILE *txt = fopen(path, "wb");
    snprintf(path, sizeof path, "%s/vq_%s.pkl", folder, name);
    need(vl_pickle_create(&vq, path) == VIOLET_OK, path);
    fputs("{\"train\": {", txt);
    for (int p = 0; p < n_parts; p++) {
        snprintf(path, sizeof path, "%s/img_%s_train_%d.tsv", folder, name, p);
        FILE *tsv = fopen(path, "wb");
        snprintf(path, sizeof path, "%s/img_%s_train_%d.lineidx", folder, name, p);
        FILE *index = fopen(path, "wb");
        for (int i = 0; parts[p][i]; i++) {
            fprintf(index, "%ld\n", ftell(tsv));
            put_record(tsv, txt, vq, p, i, parts[p][i], n_frames);
        }
        fclose(tsv);
        fclose(index);
    }
    fputs("}}", txt);
    fclose(txt);
    need(vl_pickle_finish(vq) == VIOLET_OK, "vq");
}
