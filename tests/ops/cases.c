/* The table of cases: shapes that are nasty for blocked and vectorised code (1s, odd sizes, one
 * more and one less than a multiple of 8 or 16), then shapes of the model. What dim, flags and p
 * mean stands in the families' comments. */
#include "ops/families.h"

enum { NONE = VL_ACT_NONE, GELU = VL_ACT_GELU, RELU = VL_ACT_RELU };
enum {
    WINDOW = OP_PACKED | OP_BIAS | OP_ROWS,
    SHIFTED = WINDOW | OP_REGION,
};

/* SMALL(family, {dim ...}, .flags = ..., .p = {...}) */
#define SMALL(family, ...) {.op = &op_##family, .sets = OP_SMALL, .dim = __VA_ARGS__}
#define REAL(family, ...) {.op = &op_##family, .sets = OP_REAL, .dim = __VA_ARGS__}
#define SPEED(family, ...) {.op = &op_##family, .sets = OP_SPEED, .dim = __VA_ARGS__}

const op_family *const op_families[] = {
    &op_fill,     &op_accumulate, &op_add,       &op_sum_squares, &op_gather,
    &op_patches,  &op_linear,     &op_act,       &op_layernorm,   &op_residual,
    &op_residual_in_place,        &op_move,      &op_relbias,   &op_attention,   &op_received,
    &op_xent,     &op_adamw,      &op_conv2d,    &op_maxpool,     &op_pixels,    &op_gumbel,
    &op_kl_uniform,               &op_logit_laplace,              &op_mean,      &op_unit,
};
const int op_n_families = sizeof op_families / sizeof *op_families;

const op_case op_cases[] = {
    /* n */
    SMALL(fill, {1}),
    SMALL(fill, {1003}),
    REAL(fill, {1000001}),
    /* n, shift */
    SMALL(move, {1, 1}),
    SMALL(move, {1003, 5}),
    SMALL(move, {1003, -5}),
    REAL(move, {1000001, 1000001}),
    REAL(move, {1000001, -64}),
    /* n */
    SMALL(accumulate, {1}),
    SMALL(accumulate, {1003}),
    REAL(accumulate, {1000001}),
    /* n, alias */
    SMALL(add, {1}),
    SMALL(add, {1003, 1}),
    SMALL(add, {1003, 2}),
    SMALL(add, {1003, 3}),
    REAL(add, {1000001}),
    SMALL(sum_squares, {1}),
    SMALL(sum_squares, {1003}),
    REAL(sum_squares, {3000001}),

    /* rows, cols, a_rows, b_rows */
    SMALL(gather, {1, 1, 1, 0}),
    SMALL(gather, {9, 3, 5, 0}),
    SMALL(gather, {40, 17, 5, 3}),
    SMALL(gather, {13, 16, 9, 6}, .flags = OP_INVERSE),
    SMALL(gather, {5, 33, 20, 31}, .flags = OP_INVERSE),
    SMALL(gather, {30, 24, 20, 0}, .flags = OP_INVERSE),
    REAL(gather, {232 * 4, 768, 1000, 50}),
    REAL(gather, {3137, 128, 3136, 0}, .flags = OP_INVERSE),
    SPEED(gather, {12544, 128, 12544, 0}, .flags = OP_INVERSE),

    /* B, T, H, W */
    SMALL(patches, {1, 1, 1, 1}),
    SMALL(patches, {2, 3, 9, 14}),
    SMALL(patches, {1, 2, 8, 5}),
    REAL(patches, {1, 4, 224, 224}),

    /* m, n, k, act */
    SMALL(linear, {1, 1, 1, NONE}, .flags = OP_BIAS),
    SMALL(linear, {1, 17, 33, NONE}, .flags = OP_BIAS),
    SMALL(linear, {7, 1, 5, GELU}, .flags = OP_BIAS),
    SMALL(linear, {7, 13, 1, RELU}),
    SMALL(linear, {3, 31, 47, GELU}),
    SMALL(linear, {16, 16, 16, RELU}, .flags = OP_BIAS),
    SMALL(linear, {19, 9, 65, NONE}),
    REAL(linear, {197, 301, 129, GELU}, .flags = OP_BIAS),
    REAL(linear, {392, 384, 128, NONE}, .flags = OP_BIAS),
    REAL(linear, {49, 128, 2048, GELU}, .flags = OP_BIAS),
    REAL(linear, {29, 200, 3072, GELU}, .flags = OP_BIAS),
    REAL(linear, {191, 24, 3072, GELU}, .flags = OP_BIAS), /* more than one block of act(x) */
    REAL(linear, {8, 2, 768, RELU}, .flags = OP_BIAS),
    REAL(linear, {13, 30522, 16, NONE}, .flags = OP_BIAS),
    SPEED(linear, {12544, 96, 96, NONE}, .flags = OP_BIAS),
    SPEED(linear, {12544, 384, 128, NONE}, .flags = OP_BIAS),
    SPEED(linear, {12544, 128, 512, GELU}, .flags = OP_BIAS),
    SPEED(linear, {3136, 1536, 512, NONE}, .flags = OP_BIAS),
    SPEED(linear, {928, 2304, 768, NONE}, .flags = OP_BIAS),
    SPEED(linear, {928, 768, 3072, GELU}, .flags = OP_BIAS),
    SPEED(linear, {128, 30522, 768, NONE}, .flags = OP_BIAS),

    /* B, H, W, n, c, k, act */
    SMALL(conv2d, {1, 1, 1, 1, 1, 3, NONE}, .flags = OP_BIAS),
    SMALL(conv2d, {2, 3, 5, 7, 3, 3, RELU}, .flags = OP_BIAS),
    SMALL(conv2d, {1, 4, 2, 5, 9, 5, NONE}),
    SMALL(conv2d, {2, 5, 4, 16, 8, 3, GELU}, .flags = OP_BIAS),
    SMALL(conv2d, {1, 2, 9, 6, 3, 7, NONE}, .flags = OP_BIAS),
    SMALL(conv2d, {3, 4, 4, 9, 17, 1, RELU}, .flags = OP_BIAS),
    REAL(conv2d, {2, 14, 14, 33, 50, 3, RELU}, .flags = OP_BIAS),
    REAL(conv2d, {2, 56, 56, 64, 3, 7, NONE}, .flags = OP_BIAS),
    REAL(conv2d, {1, 28, 28, 64, 96, 3, RELU}, .flags = OP_BIAS),
    REAL(conv2d, {2, 7, 7, 64, 512, 3, RELU}, .flags = OP_BIAS),
    REAL(conv2d, {3, 7, 7, 136, 128, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 56, 56, 256, 3, 7, NONE}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 56, 56, 64, 256, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 56, 56, 64, 64, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 28, 28, 128, 512, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 28, 28, 128, 128, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 14, 14, 256, 1024, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 14, 14, 256, 256, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 7, 7, 512, 2048, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {8, 7, 7, 512, 512, 3, RELU}, .flags = OP_BIAS),
    /* a decoder's, and those of a small dVAE in training */
    SPEED(conv2d, {8, 14, 14, 1024, 256, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {16, 64, 64, 16, 64, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {16, 64, 64, 16, 16, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {16, 64, 64, 64, 16, 3, RELU}, .flags = OP_BIAS),
    SPEED(conv2d, {16, 16, 16, 64, 64, 3, RELU}, .flags = OP_BIAS),

    /* B, H, W, c */
    SMALL(maxpool, {1, 2, 2, 1}),
    SMALL(maxpool, {2, 4, 6, 9}),
    SMALL(maxpool, {1, 6, 2, 35}),
    REAL(maxpool, {2, 8, 4, 17}, .flags = OP_TIES),
    REAL(maxpool, {2, 56, 56, 64}),
    SPEED(maxpool, {8, 56, 56, 256}),

    /* B, H, W */
    SMALL(pixels, {1, 1, 1}),
    SMALL(pixels, {2, 3, 5}),
    REAL(pixels, {8, 56, 56}),

    /* n, act, largest x */
    SMALL(act, {1, GELU, 1}),
    SMALL(act, {203, GELU, 8}),
    SMALL(act, {203, RELU, 1}),
    SMALL(act, {35, NONE, 1}),
    REAL(act, {232 * 3072 + 1, GELU, 40}),
    REAL(act, {232 * 3072 + 1, GELU, 2}),

    /* rows, cols, offset */
    SMALL(layernorm, {1, 9, 0}),
    SMALL(layernorm, {5, 3, 0}),
    SMALL(layernorm, {3, 17, 1}),
    SMALL(layernorm, {37, 31, 0}),
    SMALL(layernorm, {2, 128, 3}),
    REAL(layernorm, {3137, 128, 0}),
    SPEED(layernorm, {12544, 128, 0}),
    REAL(layernorm, {785, 512, 2}),
    REAL(layernorm, {232 * 4, 768, 0}),
    REAL(layernorm, {131, 2048, 0}),

    /* n_seq, n, cols */
    SMALL(mean, {1, 1, 1}),
    SMALL(mean, {3, 5, 7}),
    SMALL(mean, {2, 9, 17}, .flags = OP_MASK),
    SMALL(mean, {3, 4, 33}, .flags = OP_MASK_ALL),
    REAL(mean, {12, 250, 768}),
    REAL(mean, {12, 32, 768}, .flags = OP_MASK),

    /* rows, cols */
    SMALL(unit, {1, 1}),
    SMALL(unit, {5, 3}),
    SMALL(unit, {4, 17}),
    REAL(unit, {3, 17}, .flags = OP_IGNORE_ALL),
    REAL(unit, {64, 256}),

    /* rows, cols, rows_per_sample */
    SMALL(residual, {1, 1, 1}),
    SMALL(residual, {6, 7, 2}, .p = {0.1, 0.5}),
    SMALL(residual, {12, 17, 3}, .p = {0, 0.4}),
    SMALL(residual, {9, 33, 9}, .p = {0.25, 0}),
    SMALL(residual, {6, 7, 2}, .flags = OP_NO_X, .p = {0.1, 0.3}),
    REAL(residual, {232 * 4, 768, 232}, .p = {0.1, 0}),
    REAL(residual, {3136, 128, 784}, .p = {0, 0.1}),
    REAL(residual, {3136, 128, 784}),
    SPEED(residual, {12544, 128, 3136}, .p = {0, 0.1}),
    SPEED(residual, {12544, 128, 3136}),
    SMALL(residual_in_place, {6, 35, 2, 0}, .p = {0.1, 0.5}),
    SMALL(residual_in_place, {6, 35, 2, 1}, .p = {0.1, 0.5}),
    SMALL(residual_in_place, {6, 35, 2, 1}, .flags = OP_NO_X, .p = {0.1, 0}),
    SMALL(residual_in_place, {6, 35, 2, 0}),

    /* heads, n, m */
    SMALL(relbias, {1, 1, 1}),
    SMALL(relbias, {3, 25, 11}),
    SMALL(relbias, {17, 9, 40}),
    REAL(relbias, {16, 196 * 196, 7 * 13 * 13}),

    /* samples, n_win, n_q, n_k, heads, head_dim, gap */
    SMALL(attention, {1, 1, 1, 1, 1, 8}, .flags = OP_PACKED),
    SMALL(attention, {1, 1, 3, 5, 1, 8}),
    SMALL(attention, {2, 1, 5, 3, 2, 16, 3}, .flags = OP_BIAS),
    SMALL(attention, {2, 1, 7, 17, 2, 24}, .flags = OP_MASK | OP_BIAS, .p = {0.3}),
    SMALL(attention, {2, 3, 5, 5, 2, 8}, .flags = SHIFTED),
    SMALL(attention, {2, 2, 9, 9, 3, 16, 1}, .flags = SHIFTED, .p = {0.2}),
    SMALL(attention, {3, 2, 4, 6, 2, 24, 5}, .flags = OP_ROWS | OP_MASK, .p = {0.2}),
    SMALL(attention, {2, 2, 4, 4, 1, 8}, .flags = OP_PACKED | OP_MASK | OP_REGION),
    SMALL(attention, {2, 1, 3, 4, 1, 8}, .flags = OP_MASK_ALL | OP_BIAS),
    SMALL(attention, {1, 1, 33, 33, 1, 8}, .flags = OP_PACKED),
    REAL(attention, {2, 4, 196, 196, 2, 32}, .flags = SHIFTED),
    REAL(attention, {2, 2, 196, 196, 4, 32}, .flags = WINDOW),
    REAL(attention, {1, 2, 98, 98, 3, 32}, .flags = SHIFTED, .p = {0.1}),
    REAL(attention, {1, 2, 49, 49, 3, 32, 7}, .flags = SHIFTED),
    REAL(attention, {2, 1, 232, 232, 3, 64}, .flags = OP_PACKED | OP_MASK, .p = {0.1}),
    REAL(attention, {2, 1, 232, 232, 3, 64}, .flags = OP_PACKED | OP_MASK),
    REAL(attention, {2, 1, 31, 233, 2, 64}, .flags = OP_MASK),
    REAL(attention, {2, 1, 1, 232, 2, 64}, .flags = OP_MASK, .p = {0.1}),
    REAL(attention, {1, 1, 392, 392, 2, 32}, .flags = OP_PACKED | OP_BIAS),
    SPEED(attention, {1, 64, 196, 196, 4, 32}, .flags = SHIFTED),
    SPEED(attention, {1, 4, 196, 196, 16, 32}, .flags = SHIFTED),
    SPEED(attention, {4, 1, 232, 232, 12, 64}, .flags = OP_PACKED | OP_MASK),
    SPEED(attention, {4, 1, 232, 232, 12, 64}, .flags = OP_PACKED | OP_MASK, .p = {0.1}),

    /* as attention */
    SMALL(received, {1, 1, 1, 1, 1, 8}, .flags = OP_PACKED),
    SMALL(received, {2, 1, 7, 17, 3, 24, 1}, .flags = OP_MASK | OP_BIAS),
    SMALL(received, {2, 2, 9, 9, 2, 16}, .flags = SHIFTED),
    REAL(received, {2, 1, 232, 232, 3, 64}, .flags = OP_PACKED | OP_MASK),

    /* m, n, hundredths of scale, largest logit */
    SMALL(xent, {1, 9, 100}),
    SMALL(xent, {5, 2, 100}),
    SMALL(xent, {7, 17, 50}),
    SMALL(xent, {9, 33, 2000, 1}),
    SMALL(xent, {7, 35, 100}, .flags = OP_TIES),
    SMALL(xent, {3, 17, 100}, .flags = OP_IGNORE_ALL),
    REAL(xent, {3, 67, 100, 100}),
    REAL(xent, {31, 30522, 100}),
    REAL(xent, {196, 8192, 100}),

    /* rows, cols, hundredths of tau */
    SMALL(gumbel, {1, 1, 100}),
    SMALL(gumbel, {3, 17, 100}),
    SMALL(gumbel, {5, 33, 50}),
    REAL(gumbel, {49, 256, 10}),
    REAL(gumbel, {1024, 256, 100}),
    REAL(gumbel, {98, 8192, 60}),

    /* rows, cols, largest logit */
    SMALL(kl_uniform, {1, 9, 1}),
    SMALL(kl_uniform, {7, 35, 4}),
    REAL(kl_uniform, {1024, 256, 2}),
    REAL(kl_uniform, {98, 8192, 12}),

    /* rows */
    SMALL(logit_laplace, {1}),
    SMALL(logit_laplace, {23}),
    REAL(logit_laplace, {16 * 64 * 64}),

    /* n, step */
    SMALL(adamw, {1, 1}),
    SMALL(adamw, {1003, 1}),
    REAL(adamw, {1000001, 7}),
};
const int op_n_cases = sizeof op_cases / sizeof *op_cases;
