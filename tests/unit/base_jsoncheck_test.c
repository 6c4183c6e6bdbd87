/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsoncheck.h"

#include <string.h>

#include "tests/unit/suite.h"

static const char *const sound[] = {
    "0",
    "-0",
    "12",
    "-1.5e+10",
    "1E-2",
    "18446744073709551616",
    "1e400",
    "NaN",
    "-Infinity",
    "Infinity",
    "true",
    "false",
    "null",
    "\"\"",
    "\"\\u00e9\\n\\/\"",
    "\"\\ud800\"",
    "\"\xc3\xa9\"",
    "[]",
    "{}",
    " [ ] ",
    "[1,2]",
    "{\"a\":1}",
    "{\"a\":[{}, [ ]], \"b\" : null}\n",
    "[[[[]]]]",
};

static const char *const broken[] = {
    "",        " ",           "tru",      "nul",        "truex",    "01",       "-",
    "+1",      ".5",          "1.",       "1e",         "1e+",      "0x1",      "\"",
    "\"\\x\"", "\"\\u12g4\"", "\"\\u123", "\"\t\"",     "\"\xff\"", "\"\xc3\"", "[",
    "]",       "[1",          "[1,]",     "[,1]",       "[1 2]",    "{",        "{]",
    "[}",      "{\"a\"}",     "{\"a\":}", "{\"a\":1,}", "{a:1}",    "{1:1}",    "{\"a\":1 \"b\":2}",
    "1 2",     "[]]",         "{}{}",     "'a'",        "-Inf",     "/**/1",
};

START_TEST(json_passes)
{
    ck_assert(gh_jsoncheck(sound[_i], strlen(sound[_i])));
}
END_TEST

START_TEST(what_is_no_json_does_not)
{
    ck_assert(!gh_jsoncheck(broken[_i], strlen(broken[_i])));
}
END_TEST

/* Scalars that can end earlier are cut where they still say what they said. */
START_TEST(containers_and_strings_cut_short_are_no_json)
{
    static const char document[] = "{\"a\":[1,\"x\\u00e9\",{\"b\":null}],\"c\":-1.5e3}";

    for (size_t len = 0; len < strlen(document); len++)
        ck_assert_msg(!gh_jsoncheck(document, len), "cut at %zu", len);
    ck_assert(gh_jsoncheck(document, strlen(document)));
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[2 * 513];

    for (size_t depth = 512; depth <= 513; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert_int_eq(gh_jsoncheck(text, 2 * depth), depth == 512);
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, json_passes, 0, (int)COUNT(sound));
    tcase_add_loop_test(tests, what_is_no_json_does_not, 0, (int)COUNT(broken));
    tcase_add_test(tests, containers_and_strings_cut_short_are_no_json);
    tcase_add_test(tests, depth_is_bounded);
}

int
main(void)
{
    return run_tests("base_jsoncheck", add);
}
