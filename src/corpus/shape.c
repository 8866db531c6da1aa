/* Shapes as distances to their borders; see draw.h. All of about the same area. */
#include "corpus/draw.h"


typedef struct corner {
    double x, y;
} corner;

/* ---- corners --------------------------------------------------------------------------------- */

/* Points at the top; y points down. cos and sin of multiples of 36 degrees. */
static const corner square[] = {{-0.88, -0.88}, {0.88, -0.88}, {0.88, 0.88}, {-0.88, 0.88}};
static const corner triangle[] = {{0, -1.3}, {1.12583, 0.65}, {-1.12583, 0.65}};
static const corner star[] = {
    {0, -1.35},           {0.340935, -0.469257}, {1.283926, -0.417173}, {0.551645, 0.179240},
    {0.793510, 1.092173}, {0, 0.58},             {-0.793510, 1.092173}, {-0.551645, 0.179240},
    {-1.283926, -0.417173}, {-0.340935, -0.469257},
};
static const corner cross[] = {
    {-0.4, -1.13}, {0.4, -1.13}, {0.4, -0.4}, {1.13, -0.4}, {1.13, 0.4}, {0.4, 0.4},
    {0.4, 1.13}, {-0.4, 1.13}, {-0.4, 0.4}, {-1.13, 0.4}, {-1.13, -0.4}, {-0.4, -0.4},
};

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

/* ---- distances ------------------------------------------------------------------------------- */

/* To the nearest edge; inside if a ray to the right crosses an odd number of edges. */
static double to_polygon(const corner *v, int n, double x, double y)
{
    double least = 1e9;
    bool inside = false;
    for (int i = 0, j = n - 1; i < n; j = i++) {
        double ex = v[j].x - v[i].x, ey = v[j].y - v[i].y, wx = x - v[i].x, wy = y - v[i].y;
        double along = (wx * ex + wy * ey) / (ex * ex + ey * ey);
        along = along < 0 ? 0 : along > 1 ? 1 : along;
        double dx = wx - ex * along, dy = wy - ey * along;
        least = fmin(least, dx * dx + dy * dy);
        if ((v[i].y > y) != (v[j].y > y) && x < ex * (y - v[i].y) / ey + v[i].x) inside = !inside;
    }
    return inside ? -sqrt(least) : sqrt(least);
}

double vl_shape_distance(int shape, double x, double y)
{
    switch (shape) {
    case VL_SQUARE: return to_polygon(square, COUNT(square), x, y);
    case VL_TRIANGLE: return to_polygon(triangle, COUNT(triangle), x, y);
    case VL_STAR: return to_polygon(star, COUNT(star), x, y);
    case VL_CROSS: return to_polygon(cross, COUNT(cross), x, y);
    case VL_RING: return fabs(sqrt(x * x + y * y) - 0.83) - 0.25;
    default: return sqrt(x * x + y * y) - 1;
    }
}
