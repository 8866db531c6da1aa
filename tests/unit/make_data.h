/* Makes a small data set in a temporary folder: pictures, captions, tokens. */
#ifndef MAKE_DATA_H
#define MAKE_DATA_H

#include <stddef.h>

/* A fresh folder under /tmp; 64 bytes. remove_folder deletes it with its files. */
void make_folder(char *folder);
void remove_folder(const char *folder);
void write_text(const char *folder, const char *name, const char *text, size_t n);

/* One grey-level JPEG as base64, terminated; the caller frees. */
char *make_jpeg(int width, int height, int value);

/* A letter a record says how it is broken: '.' not, 'j' bad JPEG, 'b' bad base64, 'c' no caption,
 * 'v' no tokens, 's' wrong token shape, 'f' a frame short, 'e' a cut line (the last only). */
void make_dataset(const char *folder, const char *name, const char *const *parts, int n_parts,
                  int n_frames);

#endif
