/* Base64: RFC 4648's vectors, every length there and back, bad characters found at their place. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/status.h"

static void rfc_vectors(void **state)
{
    (void)state;
    static const char *const plain[] = {"", "f", "fo", "foo", "foob", "fooba", "foobar"};
    static const char *const coded[] = {"",     "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    for (int i = 0; i < 7; i++) {
        char text[16] = "";
        uint8_t back[16];
        size_t n;
        vl_base64_encode(text, (const uint8_t *)plain[i], strlen(plain[i]));
        assert_string_equal(text, coded[i]);
        assert_int_equal(vl_base64_encoded(strlen(plain[i])), strlen(coded[i]));
        assert_int_equal(vl_base64_decode(back, &n, text, strlen(text)), VIOLET_OK);
        assert_int_equal(n, strlen(plain[i]));
        assert_memory_equal(back, plain[i], n);
    }
}

static void every_length_there_and_back(void **state)
{
    (void)state;
    uint8_t bytes[300], back[300 + 3];
    char text[404];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 167 + (i >> 3));
    for (size_t n = 0; n <= sizeof bytes; n++) {
        size_t m;
        vl_base64_encode(text, bytes, n);
        memset(back, 0xa5, sizeof back);
        assert_int_equal(vl_base64_decode(back, &m, text, vl_base64_encoded(n)), VIOLET_OK);
        assert_int_equal(m, n);
        assert_memory_equal(back, bytes, n);
        assert_int_equal(back[n], 0xa5);
    }
}

static void bad_character_is_found_at_its_place(void **state)
{
    (void)state;
    uint8_t bytes[30] = {1, 2, 3}, out[30];
    char text[41], want[80];
    vl_base64_encode(text, bytes, sizeof bytes);
    for (size_t at = 0; at < 40; at++) {
        for (int c = 0; c < 256; c++) {
            if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                c == '+' || c == '/' || (c == '=' && at >= 38))
                continue;
            char keep = text[at];
            size_t n = 7;
            text[at] = (char)c;
            assert_int_equal(vl_base64_decode(out, &n, text, 40), VIOLET_EFORMAT);
            snprintf(want, sizeof want, "base64: bad character 0x%02x at byte %zu", c, at);
            assert_string_equal(violet_error(), want);
            assert_int_equal(n, 0);
            text[at] = keep;
        }
    }
}

static void what_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Zg=",  "Zg",   "Z",    "=",        "====", "Z===",
                                      "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", "Zg==\n", " Zg=="};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[16];
        size_t n;
        assert_int_equal(vl_base64_decode(out, &n, bad[i], strlen(bad[i])), VIOLET_EFORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_vectors),
        cmocka_unit_test(every_length_there_and_back),
        cmocka_unit_test(bad_character_is_found_at_its_place),
        cmocka_unit_test(what_is_not_canonical_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
