/* violet.h: video-language transformer VIOLET (arXiv 2111.12681) as a C library.
 *
 * This header is being built up; see docs/ARCHITECTURE.md for the layout behind it. It needs the
 * standard headers only and compiles as C11 and as C++. */
#ifndef VIOLET_H
#define VIOLET_H

#ifdef __cplusplus
extern "C" {
#endif

/* Every call that can fail returns one of these; violet_error() has the words. */
typedef enum violet_status {
    VIOLET_OK = 0,
    VIOLET_EINVAL,       /* an argument or option is wrong */
    VIOLET_ENOMEM,       /* out of memory */
    VIOLET_EIO,          /* the operating system refused a file operation */
    VIOLET_EFORMAT,      /* a file's content is not what it should be */
    VIOLET_ESHAPE,       /* tensors or configurations do not fit together */
    VIOLET_EUNSUPPORTED, /* valid, but not something this build or machine can do */
    VIOLET_EINTERRUPTED, /* stopped by the user; what was done can be resumed */
} violet_status;

/* The calling thread's last error as one line, without a newline; "" if none. Borrowed, valid
 * until this thread's next failing call. */
const char *violet_error(void);

#ifdef __cplusplus
}
#endif
#endif
