/* The numbers and words of the world: what there is, how often, how large, what it is called.
 *
 * Changing the world is changing tables.c, and VL_WORLD_VERSION with it: a corpus is known by
 * (version, seed, numbers of clips). Weights are relative, a list ends where its name is NULL.
 * Lengths are shares of a picture's side, times shares of a clip. */
#ifndef VL_CORPUS_TABLES_H
#define VL_CORPUS_TABLES_H

#include <stdbool.h>

#define VL_WORLD_VERSION 2

enum { VL_COLOURS = 8, VL_SHAPE_KINDS = 6, VL_SIZES = 3, VL_TEXTURES = 3, VL_WORDS_MOST = 3 };
enum { VL_MEDIUM, VL_SMALL, VL_LARGE };
enum { VL_PLAIN, VL_STRIPED, VL_DOTTED };
enum { VL_CIRCLE, VL_SQUARE, VL_TRIANGLE, VL_STAR, VL_CROSS, VL_RING };
enum { VL_BACK_PLAIN, VL_BACK_GRADIENT, VL_BACK_BLOBS, VL_BACK_STRIPES, VL_BACK_NOISE, VL_BACKS };

typedef enum vl_motion {
    VL_STILL,
    VL_LEFT,
    VL_RIGHT,
    VL_UP,
    VL_DOWN,
    VL_SPIN,
    VL_GROW,
    VL_SHRINK,
    VL_VANISH,
    VL_APPEAR,
    VL_BOUNCE,
    VL_BLINK,
    VL_MOTIONS
} vl_motion;

/* What a clip is like. */
typedef enum vl_plot {
    VL_ONE,   /* one object, one motion */
    VL_MANY,  /* two or three objects, a motion each, at the same time */
    VL_THEN,  /* one object does one thing and then another */
    VL_AFTER, /* one object does something, then the other */
    VL_PASS,  /* one passes in front of the other, or behind it */
    VL_PLOTS
} vl_plot;

/* What is asked for. */
typedef enum vl_ask {
    VL_ASK_COLOUR,
    VL_ASK_SHAPE,
    VL_ASK_COUNT,
    VL_ASK_WAY,
    VL_ASK_ACTION,
    VL_ASK_ORDER,
    VL_ASK_NEXT,
    VL_ASK_YES, /* yes or no */
    VL_ASKS
} vl_ask;

/* Changes that make a near twin of a clip, or a wrong option. */
typedef enum vl_edit {
    VL_EDIT_MOTION,  /* an object does something else */
    VL_EDIT_REVERSE, /* an object does the opposite */
    VL_EDIT_ORDER,   /* first what was last */
    VL_EDIT_ROLES,   /* two objects exchange what they do */
    VL_EDIT_DEPTH,   /* behind, not in front */
    VL_EDIT_COLOUR,  /* an object has another colour: the picture changes from here on */
    VL_EDIT_SHAPE,
    VL_EDIT_COLOURS, /* two objects exchange their colours */
    VL_EDITS
} vl_edit;

typedef struct vl_colour {
    const char *word;
    double weight;
    double rgb[3]; /* 0 to 1 */
} vl_colour;

typedef struct vl_shape_kind {
    const char *word;
    double weight;
    double radius; /* of the outermost point, in radii of the size */
    bool turns;    /* does turning it show? */
} vl_shape_kind;

typedef struct vl_quality {
    const char *name;
    double weight;
    double radius;                   /* of a size */
    const char *word[VL_WORDS_MOST]; /* before the colour; NULL: captions do not say it */
} vl_quality;

typedef struct vl_motion_kind {
    const char *name;
    double weight;
    bool whole, in_turn, pass;       /* in VL_ONE and VL_MANY? VL_THEN and VL_AFTER? VL_PASS? */
    vl_motion reverse;               /* VL_STILL: it has none */
    const char *does[VL_WORDS_MOST]; /* "moves left", "goes to the left" */
    const char *verb;                /* "move left": "does it move left" */
    const char *answer;              /* one word: "moves" */
    const char *way;                 /* "left"; NULL: no direction */
} vl_motion_kind;

typedef struct vl_plot_kind {
    const char *name;
    double weight;
    int least, most;    /* objects */
    double more;        /* chance of each further object */
    double edit[VL_EDITS];
} vl_plot_kind;

extern const vl_colour vl_colours[VL_COLOURS];
extern const vl_shape_kind vl_shapes[VL_SHAPE_KINDS];
extern const vl_quality vl_sizes[VL_SIZES], vl_textures[VL_TEXTURES];
extern const vl_motion_kind vl_motions[VL_MOTIONS];
extern const vl_plot_kind vl_plots[VL_PLOTS];

typedef struct vl_ask_kind {
    const char *name; /* the field `type` of the questions */
    double weight;
} vl_ask_kind;

extern const vl_ask_kind vl_asks[VL_ASKS];

typedef struct vl_range {
    double least, most;
} vl_range;

/* The rest of the numbers. */
typedef struct vl_world_numbers {
    int family;            /* clips with the same objects */
    double held_out;       /* share of the test's families */
    double held_again;     /* chance that a further clip of such a family shows a held-out pair */
    int captions, captions_eval; /* a clip, in train and elsewhere */
    int questions, questions_eval, choices, choices_eval, blanks, blanks_eval;
    double answer_most;    /* share that an answer may have among those of a kind of question */
    double say_size, say_texture, first_word; /* chances; the last: of a phrase's first wording */
    vl_range whole, early, late;  /* when motions happen */
    vl_range travel, travel_turn; /* how far */
    double scale_small, scale_large; /* before growing and after; the other way round */
    double turn;           /* degrees in a clip */
    double bounce;         /* height */
    double spread;         /* of what is passed, about the middle of the way */
    double margin, apart;  /* to the border; between centres, in sums of radii */
    double shade;          /* colours vary by this share */
    double tilt;           /* degrees either way */
    double back[VL_BACKS]; /* weights of the backgrounds */
    vl_range grey;         /* of the background */
    double tint, contrast; /* of it: most distance of a channel from grey, of its two colours */
    vl_range noise;        /* standard deviation, in levels of 255 */
} vl_world_numbers;

extern const vl_world_numbers vl_world;

#endif
