/* Masking: what is hidden, what is asked, how often, and that it depends on the sample alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/mask.h"

enum { PAD, UNK = 100, CLS, SEP, MASK, WORD = 1000, PATCH = 32 };

static vl_mask_config config(double p_use_attended)
{
    return (vl_mask_config){.seed = 11, .special = {PAD, UNK, CLS, SEP, MASK}, .p_word = 0.15,
                            .p_attended = 0.15, .p_use_attended = p_use_attended,
                            .distinct_negatives = 1};
}

/* A batch with its originals. Sample `number` has always the same content. */
typedef struct data {
    vl_mask_batch b;
    uint8_t *image, *image_was;
    int *text, *text_was, *vq, *mtm, *mvm;
    float *weight;
    int Ni;
    size_t plane; /* bytes of one sample's pictures */
} data;

static void new_data(data *d, int B, int T, int h, int w, int X)
{
    d->Ni = T * (1 + h * w);
    d->plane = (size_t)T * 3 * h * w * PATCH * PATCH;
    d->image = malloc((size_t)B * d->plane);
    d->image_was = malloc((size_t)B * d->plane);
    d->text = calloc((size_t)B * X, sizeof(int));
    d->text_was = calloc((size_t)B * X, sizeof(int));
    d->vq = calloc((size_t)B * T * h * w, sizeof(int));
    d->mtm = calloc((size_t)B * X, sizeof(int));
    d->mvm = calloc((size_t)B * d->Ni, sizeof(int));
    d->weight = calloc((size_t)B * (d->Ni + X), sizeof(float));
    d->b = (vl_mask_batch){.B = B, .T = T, .h = h, .w = w, .X = X, .image = d->image,
                           .text = d->text, .vq = d->vq, .answer_mtm = d->mtm,
                           .answer_mvm = d->mvm};
}

static void free_data(data *d)
{
    free(d->image);
    free(d->image_was);
    free(d->text);
    free(d->text_was);
    free(d->vq);
    free(d->mtm);
    free(d->mvm);
    free(d->weight);
}

/* Words in [1000, 2000), one [UNK], 3 to X - 2 of them, then [SEP] and padding; no black pixel. */
static void fill(data *d, uint64_t first, float (*weight)(uint64_t sample, int i),
                 const vl_mask_config *c)
{
    const vl_mask_batch *b = &d->b;
    int hw = b->h * b->w, row = 0, n = d->Ni + b->X;
    d->b.first_sample = first;
    for (int k = 0; k < b->B; k++) {
        uint64_t s = first + (uint64_t)k;
        int words = b->X < 3 ? 0 : 1 + (int)(s * 7 % (uint64_t)(b->X - 2));
        int *t = d->text + k * b->X;
        memset(t, 0, b->X * sizeof *t);
        t[0] = CLS;
        for (int i = 0; i < words; i++) t[1 + i] = i == 1 ? UNK : WORD + (int)((s + i * 31) % 1000);
        if (b->X > 1) t[1 + words] = SEP;
        for (int i = 0; i < b->T * hw; i++) d->vq[k * b->T * hw + i] = (int)(s * 13 + i) % 8192;
        memset(d->image + k * d->plane, (int)(1 + s % 255), d->plane);
        if (!vl_mask_is_attended(c, s)) continue;
        for (int i = 0; i < n; i++) d->weight[row * n + i] = weight ? weight(s, i) : 1;
        row++;
    }
    memcpy(d->image_was, d->image, b->B * d->plane);
    memcpy(d->text_was, d->text, (size_t)b->B * b->X * sizeof(int));
    memset(d->mtm, 0x55, (size_t)b->B * b->X * sizeof(int));
    memset(d->mvm, 0x55, (size_t)b->B * d->Ni * sizeof(int));
}

/* Is patch (t, i, j) of sample k all black now (1), as it was (0), or neither (-1)? */
static int patch_state(const data *d, int k, int t, int i, int j)
{
    int W = d->b.w * PATCH, H = d->b.h * PATCH, black = 0, same = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < PATCH; y++)
            for (int x = 0; x < PATCH; x++) {
                size_t at = k * d->plane +
                            (((size_t)t * 3 + c) * H + i * PATCH + y) * W + j * PATCH + x;
                black += d->image[at] == 0;
                same += d->image[at] == d->image_was[at];
            }
    int all = 3 * PATCH * PATCH;
    return black == all && same == 0 ? 1 : same == all ? 0 : -1;
}

/* Everything that holds for any masking; returns how many positions of sample k are hidden. */
static int check_sample(const data *d, int k)
{
    const vl_mask_batch *b = &d->b;
    int hw = b->h * b->w, hidden = 0;
    for (int i = 0; i < b->X; i++) {
        int was = d->text_was[k * b->X + i], now = d->text[k * b->X + i], a = d->mtm[k * b->X + i];
        int special = was == CLS || was == SEP || was == PAD;
        if (special) assert_int_equal(now, was);
        assert_int_equal(a, now == was ? -1 : was);
        if (now != was) assert_int_equal(now, MASK);
        hidden += now != was;
    }
    for (int p = 0; p < d->Ni; p++) {
        int t = p / (1 + hw), at = p % (1 + hw) - 1, a = d->mvm[k * d->Ni + p];
        int state = at < 0 ? 0 : patch_state(d, k, t, at / b->w, at % b->w);
        assert_true(state >= 0);
        assert_int_equal(a, state ? d->vq[(k * b->T + t) * hw + at] : -1);
        hidden += state;
    }
    return hidden;
}

static float some_weight(uint64_t sample, int i)
{
    return (float)(1 + (sample * 5 + (uint64_t)i * 3) % 17);
}

static void what_is_hidden_is_asked_and_nothing_else(void **state)
{
    (void)state;
    static const int shapes[][5] = {{5, 4, 3, 3, 12}, {8, 1, 2, 2, 6}, {1, 1, 1, 1, 3},
                                    {3, 3, 1, 2, 8},  {2, 2, 7, 7, 32}, {4, 2, 2, 3, 2}};
    vl_mask_config c = config(0.5);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const int *s = shapes[k];
        int hidden = 0;
        data d;
        new_data(&d, s[0], s[1], s[2], s[3], s[4]);
        for (uint64_t first = 0; first < 24; first += (uint64_t)s[0]) {
            fill(&d, first, some_weight, &c);
            vl_mask_apply(&c, &d.b, d.weight);
            for (int b = 0; b < s[0]; b++) hidden += check_sample(&d, b);
        }
        assert_true(hidden > 0);
        free_data(&d);
    }
}

static void tokens_may_be_unknown(void **state)
{
    (void)state;
    vl_mask_config c = config(0.5);
    data d;
    new_data(&d, 6, 2, 3, 3, 8);
    fill(&d, 0, NULL, &c);
    d.b.vq = NULL;
    vl_mask_apply(&c, &d.b, d.weight);
    for (int i = 0; i < 6 * d.Ni; i++) assert_int_equal(d.mvm[i], -1);
    assert_true(memcmp(d.image, d.image_was, 6 * d.plane) != 0);
    free_data(&d);
}

/* ---- blockwise ------------------------------------------------------------------------------ */

/* How far the counts are from even shares, in deviations of the worst. */
static double unevenness(const int *seen, int n)
{
    double all = 0, worst = 0;
    for (int i = 0; i < n; i++) all += seen[i];
    for (int i = 0; i < n; i++) {
        double p = 1.0 / n, z = fabs(seen[i] - all * p) / sqrt(all * p * (1 - p));
        if (z > worst) worst = z;
    }
    return worst;
}

static void words_are_hidden_with_their_probability(void **state)
{
    (void)state;
    vl_mask_config c = config(0);
    data d;
    int hidden[20] = {0}, words[20] = {0}, all = 0, n = 0;
    new_data(&d, 50, 1, 1, 1, 20);
    for (uint64_t first = 0; first < 4000; first += 50) {
        fill(&d, first, NULL, &c);
        vl_mask_apply(&c, &d.b, NULL);
        for (int i = 0; i < 50 * 20; i++) {
            int was = d.text_was[i];
            if (was == CLS || was == SEP || was == PAD) continue;
            words[i % 20]++;
            hidden[i % 20] += d.mtm[i] >= 0;
        }
    }
    for (int i = 1; i < 19; i++) {
        double want = 0.15 * words[i], z = (hidden[i] - want) / sqrt(0.85 * want);
        if (fabs(z) > 4.5) fail_msg("position %d: %d of %d", i, hidden[i], words[i]);
        all += hidden[i];
        n += words[i];
    }
    assert_true(fabs(all - 0.15 * n) < 4.5 * sqrt(0.1275 * n));
    free_data(&d);
}

/* T = 2: extent in time is always 1, so a frame shows a block alone where the other one has the
 * second. Along rows and columns extents 1 .. 2h/3 - 1 come equally often and stand anywhere. */
static void blocks_have_the_published_extents(void **state)
{
    (void)state;
    enum { H = 7, W = 9 }; /* extents 1 .. 3 and 1 .. 5 */
    vl_mask_config c = config(0);
    data d;
    int rows[H + 1] = {0}, cols[W + 1] = {0}, top[4][H] = {{0}};
    int left[6][W] = {{0}}, seen = 0, per_frame[2] = {0};
    new_data(&d, 1, 2, H, W, 3);
    for (uint64_t s = 0; s < 3000; s++) {
        fill(&d, s, NULL, &c);
        vl_mask_apply(&c, &d.b, NULL);
        int n[2] = {0}, box[2][4];
        for (int t = 0; t < 2; t++) {
            int *q = box[t];
            q[0] = H, q[1] = -1, q[2] = W, q[3] = -1;
            for (int i = 0; i < H * W; i++) {
                if (d.mvm[t * (1 + H * W) + 1 + i] < 0) continue;
                n[t]++;
                if (i / W < q[0]) q[0] = i / W;
                if (i / W > q[1]) q[1] = i / W;
                if (i % W < q[2]) q[2] = i % W;
                if (i % W > q[3]) q[3] = i % W;
            }
        }
        assert_true(n[0] + n[1] > 0);
        if (!n[0] || !n[1]) { /* both blocks in one frame */
            per_frame[n[0] == 0]++;
            continue;
        }
        for (int t = 0; t < 2; t++) {
            int nh = box[t][1] - box[t][0] + 1, nw = box[t][3] - box[t][2] + 1;
            assert_int_equal(n[t], nh * nw); /* a rectangle */
            assert_in_range(nh, 1, 2 * H / 3 - 1);
            assert_in_range(nw, 1, 2 * W / 3 - 1);
            rows[nh]++;
            cols[nw]++;
            top[nh][box[t][0]]++;
            left[nw][box[t][2]]++;
            seen++;
        }
    }
    assert_in_range(seen, 2600, 3400); /* half of the samples, two blocks each */
    assert_true(unevenness(per_frame, 2) < 4.5);
    assert_true(unevenness(rows + 1, 3) < 4.5);
    assert_true(unevenness(cols + 1, 5) < 4.5);
    for (int nh = 1; nh <= 3; nh++) assert_true(unevenness(top[nh], H - nh + 1) < 4.5);
    for (int nw = 1; nw <= 5; nw++) assert_true(unevenness(left[nw], W - nw + 1) < 4.5);
    free_data(&d);
}

/* h = w = 1: a frame is hidden or not; blocks last 1 .. T - 1 frames. The first block's length
 * cannot be seen alone, but the whole video is never covered by one, and any frame may be free. */
static void no_block_lasts_for_the_whole_video(void **state)
{
    (void)state;
    enum { T = 6 };
    vl_mask_config c = config(0);
    data d;
    int covered[T + 1] = {0}, first[T] = {0};
    new_data(&d, 100, T, 1, 1, 2);
    for (uint64_t s = 0; s < 2000; s += 100) {
        fill(&d, s, NULL, &c);
        vl_mask_apply(&c, &d.b, NULL);
        for (int k = 0; k < 100; k++) {
            int n = 0;
            for (int t = 0; t < T; t++) {
                int hidden = d.mvm[k * d.Ni + 2 * t + 1] >= 0;
                n += hidden;
                first[t] += hidden;
            }
            covered[n]++;
        }
    }
    assert_int_equal(covered[0], 0);
    for (int t = 0; t < T; t++) assert_true(first[t] > 1000); /* every frame, often */
    assert_true(covered[T] > 100 && covered[T] < 1990);
    free_data(&d);
    new_data(&d, 100, 1, 1, 1, 2); /* one picture of one patch: it is hidden */
    fill(&d, 0, NULL, &c);
    vl_mask_apply(&c, &d.b, NULL);
    for (int k = 0; k < 100; k++) assert_int_equal(check_sample(&d, k), 1);
    free_data(&d);
    new_data(&d, 200, 2, 1, 1, 2); /* two frames: blocks of one frame, so half keep a frame */
    fill(&d, 0, NULL, &c);
    vl_mask_apply(&c, &d.b, NULL);
    int both = 0;
    for (int k = 0; k < 200; k++) both += check_sample(&d, k) == 2;
    assert_in_range(both, 65, 135);
    free_data(&d);
}

/* ---- attended ------------------------------------------------------------------------------- */

static float no_weight(uint64_t sample, int i)
{
    (void)sample;
    (void)i;
    return 0;
}

static void attended_masking_draws_its_share(void **state)
{
    (void)state;
    static const int shapes[][4] = {{4, 7, 7, 32}, {1, 7, 7, 32}, {2, 2, 2, 10}, {1, 1, 1, 3}};
    vl_mask_config c = config(1);
    for (size_t k = 0; k < 4; k++) {
        const int *s = shapes[k];
        data d;
        new_data(&d, 4, s[0], s[1], s[2], s[3]);
        fill(&d, 5, some_weight, &c);
        vl_mask_apply(&c, &d.b, d.weight);
        for (int b = 0; b < 4; b++)
            assert_int_equal(check_sample(&d, b), (int)(0.15 * (d.Ni + s[3])));
        fill(&d, 5, no_weight, &c); /* nothing to draw: nothing hidden, no endless loop */
        vl_mask_apply(&c, &d.b, d.weight);
        for (int b = 0; b < 4; b++) assert_int_equal(check_sample(&d, b), 0);
        free_data(&d);
    }
}

/* Two frames of 2 x 2 and 10 text positions, 20 in all, 3 draws. Only a few have any weight. */
static float uneven_weight(uint64_t sample, int i)
{
    (void)sample;
    if (i == 0 || i == 5) return 1e6f; /* [CLS] of a frame: never, whatever its weight */
    if (i == 10 || i == 19) return 1e6f; /* text [CLS], padding */
    return i == 1 ? 1 : i == 2 ? 2 : i == 7 ? 3 : i == 11 ? 4 : 0;
}

static void draws_are_in_proportion_to_the_weights(void **state)
{
    (void)state;
    static const double weight[4] = {1, 2, 3, 4};
    static const int at[4] = {1, 2, 7, 11};
    vl_mask_config c = config(1);
    double left_out[4]; /* probability that 3 draws without replacement leave one of 4 out */
    int missed[4] = {0}, n = 0;
    data d;
    for (int i = 0; i < 4; i++) left_out[i] = 0;
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++)
            for (int e = 0; e < 4; e++) {
                if (a == b || a == e || b == e) continue;
                double p = weight[a] / 10 * weight[b] / (10 - weight[a]) * weight[e] /
                           (10 - weight[a] - weight[b]);
                left_out[6 - a - b - e] += p;
            }
    new_data(&d, 20, 2, 2, 2, 10);
    for (uint64_t first = 0; first < 8000; first += 20) {
        fill(&d, first, uneven_weight, &c);
        for (int k = 0; k < 20; k++) { /* text of [CLS], 6 words, [SEP] and padding */
            memcpy(d.text + k * 10, (int[10]){CLS, 5, 6, 7, 8, 9, 10, SEP, 0, 0}, 40);
            memcpy(d.text_was + k * 10, d.text + k * 10, 40);
        }
        vl_mask_apply(&c, &d.b, d.weight);
        for (int k = 0; k < 20; k++, n++) {
            assert_int_equal(check_sample(&d, k), 3);
            for (int i = 0; i < 4; i++)
                missed[i] += (at[i] < 10 ? d.mvm[k * 10 + at[i]] : d.mtm[k * 10 + at[i] - 10]) < 0;
        }
    }
    for (int i = 0; i < 4; i++) {
        double want = n * left_out[i], z = (missed[i] - want) / sqrt(want * (1 - left_out[i]));
        if (fabs(z) > 4.5) fail_msg("weight %g left out %d times, expected %g", weight[i],
                                    missed[i], want);
    }
    free_data(&d);
}

static void fewer_weights_than_draws_hide_them_all(void **state)
{
    (void)state;
    vl_mask_config c = config(1);
    data d;
    c.p_attended = 0.9;
    new_data(&d, 8, 2, 2, 2, 10);
    fill(&d, 0, uneven_weight, &c);
    vl_mask_apply(&c, &d.b, d.weight);
    for (int k = 0; k < 8; k++) {
        int word = d.text_was[k * 10 + 1], special = word == SEP;
        assert_int_equal(check_sample(&d, k), special ? 3 : 4);
    }
    free_data(&d);
}

/* ---- both ----------------------------------------------------------------------------------- */

static void half_of_the_samples_are_attended(void **state)
{
    (void)state;
    vl_mask_config c = config(0.5);
    int n = 0, changes = 0;
    for (uint64_t s = 0; s < 10000; s++) {
        n += vl_mask_is_attended(&c, s);
        changes += vl_mask_is_attended(&c, s) != vl_mask_is_attended(&c, s + 1);
    }
    assert_in_range(n, 4780, 5220);
    assert_in_range(changes, 4780, 5220);
    c.p_use_attended = 0.25;
    n = 0;
    for (uint64_t s = 0; s < 10000; s++) n += vl_mask_is_attended(&c, s);
    assert_in_range(n, 2300, 2700);
}

static void a_sample_is_masked_the_same_in_any_batch(void **state)
{
    (void)state;
    vl_mask_config c = config(0.5);
    data one, eight;
    int attended = 0;
    new_data(&one, 1, 3, 3, 3, 12);
    new_data(&eight, 8, 3, 3, 3, 12);
    fill(&eight, 1000, some_weight, &c);
    vl_mask_apply(&c, &eight.b, eight.weight);
    for (int k = 0; k < 8; k++) {
        fill(&one, 1000 + (uint64_t)k, some_weight, &c);
        vl_mask_apply(&c, &one.b, one.weight);
        attended += vl_mask_is_attended(&c, 1000 + (uint64_t)k);
        assert_memory_equal(one.image, eight.image + k * one.plane, one.plane);
        assert_memory_equal(one.text, eight.text + k * 12, 12 * sizeof(int));
        assert_memory_equal(one.mtm, eight.mtm + k * 12, 12 * sizeof(int));
        assert_memory_equal(one.mvm, eight.mvm + k * one.Ni, one.Ni * sizeof(int));
    }
    assert_in_range(attended, 1, 7);
    c.seed = 12; /* another seed, other masks */
    memcpy(one.mvm, eight.mvm, one.Ni * sizeof(int));
    fill(&eight, 1000, some_weight, &c);
    vl_mask_apply(&c, &eight.b, eight.weight);
    assert_memory_not_equal(one.mvm, eight.mvm, one.Ni * sizeof(int));
    free_data(&one);
    free_data(&eight);
}

/* ---- negatives ------------------------------------------------------------------------------ */

static void negatives_are_distinct_others(void **state)
{
    (void)state;
    enum { B = 7, X = 4, N = 3 };
    int text[B * X], negative[B * N], seen[B][B] = {{0}};
    vl_mask_config c = config(0.5);
    for (int i = 0; i < B * X; i++) text[i] = i / X;
    for (uint64_t first = 0; first < 2000; first++) {
        vl_mask_negatives(&c, negative, N, text, B, X, first * B);
        for (int b = 0; b < B; b++)
            for (int k = 0; k < N; k++) {
                int o = negative[b * N + k];
                assert_in_range(o, 0, B - 1);
                assert_int_not_equal(o, b);
                for (int j = 0; j < k; j++) assert_int_not_equal(o, negative[b * N + j]);
                seen[b][o]++;
            }
    }
    for (int b = 0; b < B; b++) {
        int others[B - 1], n = 0;
        for (int o = 0; o < B; o++)
            if (o != b) others[n++] = seen[b][o];
        assert_true(unevenness(others, n) < 5);
    }
    vl_mask_negatives(&c, negative, 0, text, 1, X, 0); /* a batch of one has none */
    vl_mask_negatives(&c, negative, 1, text, 2, X, 0);
    assert_true(negative[0] == 1 && negative[1] == 0);
}

static void negatives_prefer_other_texts(void **state)
{
    (void)state;
    enum { B = 6, X = 3, N = 3 };
    static const int kind[B] = {1, 1, 1, 1, 2, 3}; /* four captions are the same */
    int text[B * X], negative[B * N], same[2] = {0};
    vl_mask_config c = config(0.5);
    for (int i = 0; i < B * X; i++) text[i] = i % X == X - 1 ? kind[i / X] : 9;
    for (int distinct = 0; distinct < 2; distinct++) {
        c.distinct_negatives = distinct;
        for (uint64_t first = 0; first < 100; first++) {
            vl_mask_negatives(&c, negative, N, text, B, X, first * B);
            int others = 0;
            for (int k = 0; k < N; k++) {
                others += kind[negative[k]] != 1; /* of video 0 */
                same[distinct] += kind[negative[k]] == 1;
                for (int b = 0; b < B; b++) assert_int_not_equal(negative[b * N + k], b);
                for (int j = 0; j < k; j++) assert_int_not_equal(negative[k], negative[j]);
                if (distinct) assert_true(kind[negative[4 * N + k]] != 2);
            }
            if (distinct) assert_int_equal(others, 2); /* both there are; the third must repeat */
        }
    }
    assert_int_equal(same[1], 100);
    assert_in_range(same[0], 140, 220); /* as published: 3 of 5 at random */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_hidden_is_asked_and_nothing_else),
        cmocka_unit_test(tokens_may_be_unknown),
        cmocka_unit_test(words_are_hidden_with_their_probability),
        cmocka_unit_test(blocks_have_the_published_extents),
        cmocka_unit_test(no_block_lasts_for_the_whole_video),
        cmocka_unit_test(attended_masking_draws_its_share),
        cmocka_unit_test(draws_are_in_proportion_to_the_weights),
        cmocka_unit_test(fewer_weights_than_draws_hide_them_all),
        cmocka_unit_test(half_of_the_samples_are_attended),
        cmocka_unit_test(a_sample_is_masked_the_same_in_any_batch),
        cmocka_unit_test(negatives_are_distinct_others),
        cmocka_unit_test(negatives_prefer_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
