/* Draws a clip's frames.
 *
 *     vl_canvas c;
 *     status = vl_canvas_open(&c, 128);
 *     vl_canvas_start(&c, &look);                       // the background, once a clip
 *     for (i ...) vl_canvas_frame(&picture, &c, &look, i, n);
 *     vl_canvas_close(&c);
 *
 * Objects are drawn by their distance from the border, so borders are smooth; then comes noise. */
#ifndef VL_CORPUS_DRAW_H
#define VL_CORPUS_DRAW_H

#include "corpus/look.h"
#include "media/picture.h"

typedef struct vl_canvas {
    int side;
    float *back, *work; /* (side, side, 3), 0 to 1 */
} vl_canvas;

violet_status vl_canvas_open(vl_canvas *c, int side);
void vl_canvas_close(vl_canvas *c);
void vl_canvas_start(vl_canvas *c, const vl_look *l);
/* Frame i of n into out, a picture of side x side whose memory the caller has. */
void vl_canvas_frame(vl_picture *out, vl_canvas *c, const vl_look *l, int i, int n);

/* Signed distance of (x, y) to the border of a shape of radius 1, negative inside. */
double vl_shape_distance(int shape, double x, double y);

#endif
