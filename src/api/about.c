/* What the program is made of, and what it found here: violet_about, violet_nearest. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <jpeglib.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <oneapi/dnnl/dnnl.h>
#include <utf8proc.h>
#include <zip.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/cores.h"
#include "base/nearest.h"
#include "tensor/backend.h"
#include "violet.h"

#define WORD_OF(x) #x
#define WORD(x) WORD_OF(x)
#ifdef LIBJPEG_TURBO_VERSION
#define JPEG_NAME "libjpeg-turbo " WORD(LIBJPEG_TURBO_VERSION)
#else
#define JPEG_NAME "libjpeg " WORD(JPEG_LIB_VERSION)
#endif

static violet_status put_libraries(vl_buf *b)
{
    const dnnl_version_t *dnnl = dnnl_version();
    return vl_buf_printf(b, "libraries: oneDNN %d.%d.%d, FFmpeg %s (libavformat %u, libavcodec %u, "
                         "libswscale %u), %s, jansson %s, libzip %s, zlib %s, utf8proc %s\n",
                         dnnl->major, dnnl->minor, dnnl->patch, av_version_info(),
                         avformat_version() >> 16, avcodec_version() >> 16,
                         swscale_version() >> 16, JPEG_NAME, jansson_version_str(),
                         zip_libzip_version(), zlibVersion(), utf8proc_version());
}

/* A machine that cannot compute is no error here: that is what is told. */
static violet_status put_processor(vl_buf *b)
{
    const char *isa = vl_backend_fast()->isa();
    return vl_buf_printf(b, "processor: %s; %d cores may be used\n", isa ? isa : violet_error(),
                         vl_cores());
}

violet_status violet_about(char **text)
{
    vl_buf b = {0};
    violet_status status = vl_buf_printf(&b, "violet %s\n", violet_version());
    if (status == VIOLET_OK) status = put_libraries(&b);
    if (status == VIOLET_OK) status = put_processor(&b);
    *text = status == VIOLET_OK ? vl_buf_steal(&b) : NULL;
    vl_buf_free(&b);
    return status;
}

int violet_nearest(const char *word, const char *const *words, int n)
{
    vl_nearest x = vl_nearest_to(word, strlen(word));
    for (int i = 0; i < n; i++) vl_nearest_try(&x, words[i], strlen(words[i]));
    for (int i = 0; i < n && *x.best; i++)
        if (strcmp(words[i], x.best) == 0) return i;
    return -1;
}
