/* Which word was likely meant. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

/* expected NULL: nothing is near. */
static void nearest(const char *word, const char *choices, const char *expected)
{
    char hint[128] = "";
    vl_nearest x = vl_nearest_among(word, choices);
    if (expected) sprintf(hint, "; did you mean '%s'?", expected);
    assert_string_equal(vl_nearest_hint(&x), hint);
}

static void slips_are_near(void **state)
{
    static const char words[] = "pretrain|finetune|eval|info|extract-frames|extract-vq|link";
    (void)state;
    nearest("pretrian", words, "pretrain"); /* two letters changed places */
    nearest("inof", words, "info");
    nearest("inf", words, "info");      /* one is missing */
    nearest("evall", words, "eval");    /* one too many */
    nearest("lunk", words, "link");     /* one is wrong */
    nearest("Finetune", words, "finetune");
    nearest("extract_vq", words, "extract-vq");
    nearest("extractvq", words, "extract-vq");
    nearest("info", words, "info");
}

static void parts_are_near(void **state)
{
    (void)state;
    nearest("extract", "link|extract-frames|extract-vq", "extract-frames");
    nearest("batch", "size_img|size_batch|batches", "batches"); /* two letters more */
    nearest("batch", "size_img|size_batch|match_batch", "size_batch");
    nearest("mg", "size_mg", NULL);
    nearest("img", "largeimg", NULL); /* no part of its own */
    nearest("checkpoint", "checkpointing_all|chekpoint", "chekpoint");
    nearest("checkpoint", "chekpoint|checkpointing_all", "chekpoint");
}

static void others_are_not(void **state)
{
    char word[200];
    (void)state;
    nearest("xyzzy", "pretrain|info|link", NULL);
    nearest("a", "b|c|ab", NULL);
    nearest("lr", "eps|tau|kl", NULL);
    nearest("rl", "eps|lr", "lr");
    nearest("", "a|b", NULL);
    nearest("word", "", NULL);
    nearest("word", "|", NULL);
    memset(word, 'a', sizeof word);
    word[sizeof word - 1] = 0;
    nearest(word, word + 1, NULL); /* too long for this */
    nearest(word + 199 - VL_NEAREST_MOST, word + 199 - VL_NEAREST_MOST,
            word + 199 - VL_NEAREST_MOST);
    nearest("aaaa", word, NULL);
}

static void words_have_a_length(void **state)
{
    (void)state;
    vl_nearest x = vl_nearest_to("size-imgs=3", 9);
    vl_nearest_try(&x, "size_img|rest", 8);
    assert_string_equal(vl_nearest_hint(&x), "; did you mean 'size_img'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slips_are_near),
        cmocka_unit_test(parts_are_near),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(words_have_a_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
