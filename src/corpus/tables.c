/* The world's tables; see tables.h. */
#include "corpus/tables.h"

#include <stddef.h>

const vl_colour vl_colours[VL_COLOURS] = {
    {"red", 1, {0.84, 0.11, 0.13}},   {"orange", 1, {0.97, 0.52, 0.08}},
    {"yellow", 1, {0.97, 0.90, 0.16}}, {"green", 1, {0.10, 0.62, 0.20}},
    {"blue", 1, {0.12, 0.30, 0.88}},  {"purple", 1, {0.56, 0.18, 0.70}},
    {"pink", 1, {0.98, 0.52, 0.74}}, {"black", 1, {0.05, 0.05, 0.05}},
};

const vl_shape_kind vl_shapes[VL_SHAPE_KINDS] = {
    [VL_CIRCLE] = {"circle", 1, 1.00, false}, [VL_SQUARE] = {"square", 1, 1.25, true},
    [VL_TRIANGLE] = {"triangle", 1, 1.30, true}, [VL_STAR] = {"star", 1, 1.35, true},
    [VL_CROSS] = {"cross", 1, 1.20, true},    [VL_RING] = {"ring", 1, 1.10, false},
};

const vl_quality vl_sizes[VL_SIZES] = {
    [VL_MEDIUM] = {"medium", 2, 0.155, {NULL}},
    [VL_SMALL] = {"small", 1, 0.110, {"small", "little"}},
    [VL_LARGE] = {"large", 1, 0.205, {"large", "big"}},
};

const vl_quality vl_textures[VL_TEXTURES] = {
    [VL_PLAIN] = {"plain", 6, 0, {NULL}},
    [VL_STRIPED] = {"striped", 1, 0, {"striped"}},
    [VL_DOTTED] = {"dotted", 1, 0, {"dotted", "spotted"}},
};

const vl_motion_kind vl_motions[VL_MOTIONS] = {
    [VL_STILL] = {"still", 0.7, true, false, false, VL_STILL,
                  {"stands still", "stays in place", "does not move"}, "stand still", "stands",
                  NULL},
    [VL_LEFT] = {"left", 1, true, true, true, VL_RIGHT,
                 {"moves left", "moves to the left", "goes left"}, "move left", "moves", "left"},
    [VL_RIGHT] = {"right", 1, true, true, true, VL_LEFT,
                  {"moves right", "moves to the right", "goes right"}, "move right", "moves",
                  "right"},
    [VL_UP] = {"up", 1, true, true, true, VL_DOWN,
               {"moves up", "goes up", "rises"}, "move up", "moves", "up"},
    [VL_DOWN] = {"down", 1, true, true, true, VL_UP,
                 {"moves down", "goes down", "sinks"}, "move down", "moves", "down"},
    [VL_SPIN] = {"spin", 1.2, true, true, false, VL_STILL,
                 {"turns", "spins", "turns around"}, "turn", "turns", NULL},
    [VL_GROW] = {"grow", 1.8, true, true, false, VL_SHRINK,
                 {"grows", "gets bigger", "gets larger"}, "grow", "grows", NULL},
    [VL_SHRINK] = {"shrink", 1.8, true, true, false, VL_GROW,
                   {"shrinks", "gets smaller"}, "shrink", "shrinks", NULL},
    [VL_VANISH] = {"vanish", 1, true, true, false, VL_APPEAR,
                   {"disappears", "fades away", "vanishes"}, "disappear", "disappears", NULL},
    [VL_APPEAR] = {"appear", 1, true, true, false, VL_VANISH,
                   {"appears", "fades in", "shows up"}, "appear", "appears", NULL},
    [VL_BOUNCE] = {"bounce", 1.5, true, false, false, VL_STILL,
                   {"bounces", "jumps up and down"}, "bounce", "bounces", NULL},
    [VL_BLINK] = {"blink", 1.5, true, false, false, VL_STILL,
                  {"flashes", "blinks", "comes and goes"}, "flash", "flashes", NULL},
};

/* edits: motion, reverse, order, roles, depth, colour, shape, colours */
const vl_plot_kind vl_plots[VL_PLOTS] = {
    [VL_ONE] = {"one", 40, 1, 1, 0, {2, 1, 0, 0, 0, 1, 1, 0}},
    [VL_MANY] = {"many", 20, 2, 3, 0.2, {2, 1, 0, 2, 0, 0.7, 0.7, 0.7}},
    [VL_THEN] = {"then", 18, 1, 1, 0, {1, 1, 3, 0, 0, 0.8, 0.8, 0}},
    [VL_AFTER] = {"after", 14, 2, 2, 0, {1, 1, 3, 1, 0, 0.6, 0.6, 0.8}},
    [VL_PASS] = {"pass", 8, 2, 2, 0, {0, 2, 0, 2, 2, 0.6, 0.6, 0.8}},
};

const vl_ask_kind vl_asks[VL_ASKS] = {
    [VL_ASK_COLOUR] = {"color", 1},    [VL_ASK_SHAPE] = {"shape", 1},
    [VL_ASK_COUNT] = {"count", 0.6},   [VL_ASK_WAY] = {"direction", 1.2},
    [VL_ASK_ACTION] = {"action", 1.2}, [VL_ASK_ORDER] = {"order", 1.8},
    [VL_ASK_NEXT] = {"next", 1.8},     [VL_ASK_YES] = {"yesno", 1.2},
};

const vl_world_numbers vl_world = {
    .family = 3,
    .held_out = 1.0 / 3,
    .held_again = 0.5,
    .captions = 3,
    .captions_eval = 2,
    .questions = 4,
    .questions_eval = 2,
    .choices = 2,
    .choices_eval = 1,
    .blanks = 2,
    .blanks_eval = 1,
    .answer_most = 0.4,
    .say_size = 0.6,
    .say_texture = 0.6,
    .first_word = 0.6,
    .whole = {0.08, 0.92},
    .early = {0.08, 0.48},
    .late = {0.52, 0.92},
    .travel = {0.42, 0.54},
    .travel_turn = {0.40, 0.50},
    .scale_small = 0.5,
    .scale_large = 1.6,
    .turn = 230,
    .bounce = 0.26,
    .spread = 0.08,
    .margin = 0.02,
    .apart = 0.95,
    .shade = 0.07,
    .tilt = 8,
    .back = {2, 2, 2, 1, 1},
    .grey = {0.60, 0.74},
    .tint = 0.03,
    .contrast = 0.10,
    .noise = {1.5, 5},
};
