/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <jansson.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "suite.h"

static struct gh_err err;

/* WORDS, up to NULL, are the arguments TEXT; which is JSON. */
static void
check(const char *const *words, const char *text)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t count = 0;

    while (words[count])
        count++;
    ck_assert_int_eq(gh_arguments_add(&out, words, count, &err), GH_EXIT_OK);
    ck_assert_str_eq(gh_buf_text(&out), text);
}

#define CHECK(text, ...) check((const char *const[]){__VA_ARGS__, NULL}, text)

START_TEST(json_is_passed_on_as_it_is_written)
{
    CHECK("{\"args\":[1,-2.50,1e400,123456789012345678901234567890],\"kwargs\":{}}", "1", "-2.50",
          "1e400", "123456789012345678901234567890");
    CHECK("{\"args\":[true,null,[1, 2],{\"a\": []},\"x\"],\"kwargs\":{}}", "true", "null", "[1, 2]",
          "{\"a\": []}", "\"x\"");
}
END_TEST

START_TEST(anything_else_is_text)
{
    CHECK("{\"args\":[\"True\",\"\",\"a b\",\"01\",\"{a}\",\"\\\"\",\"\\n\"],\"kwargs\":{}}",
          "True", "", "a b", "01", "{a}", "\"", "\n");
    CHECK("{\"args\":[\"h\xc3\xa4user\",\"\xef\xbf\xbd\"],\"kwargs\":{}}", "h\xc3\xa4user", "\xff");
}
END_TEST

START_TEST(identifiers_in_front_of_an_equals_sign_are_keywords)
{
    CHECK("{\"args\":[1],\"kwargs\":{\"a\":2,\"b_1\":\"x=y\",\"c\":\"\"}}", "a=2", "1", "b_1=x=y",
          "c=");
    CHECK("{\"args\":[\"a-b=1\",\"1a=1\",\"=1\",\"a b=1\"],\"kwargs\":{}}", "a-b=1", "1a=1", "=1",
          "a b=1");
    CHECK("{\"args\":[],\"kwargs\":{\"\xc3\xa4\":1}}", "\xc3\xa4=1");
}
END_TEST

START_TEST(a_keyword_is_given_once)
{
    static const char *const words[] = {"ab=1", "a=1", "x", "a=2"};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_arguments_add(&out, words, 3, &err), GH_EXIT_OK);
    ck_assert_int_eq(gh_arguments_add(&out, words, 4, &err), GH_EXIT_USAGE);
    assert_contains(err.text, "argument 'a' is given twice");
}
END_TEST

START_TEST(an_object_is_the_keywords)
{
    static const char *const refused[] = {"", "  ", "[1]", "1", "{", "{a:1}", "{} {}", "null"};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_arguments_add_object(&out, " {\"a\": 1}\n", 10, &err), GH_EXIT_OK);
    ck_assert_str_eq(gh_buf_text(&out), "{\"args\":[],\"kwargs\": {\"a\": 1}\n}");
    for (size_t i = 0; i < COUNT(refused); i++)
        ck_assert_int_eq(gh_arguments_add_object(&out, refused[i], strlen(refused[i]), &err),
                         GH_EXIT_USAGE);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, json_is_passed_on_as_it_is_written);
    tcase_add_test(tests, anything_else_is_text);
    tcase_add_test(tests, identifiers_in_front_of_an_equals_sign_are_keywords);
    tcase_add_test(tests, a_keyword_is_given_once);
    tcase_add_test(tests, an_object_is_the_keywords);
}

int
main(void)
{
    return run_tests("cli_arguments", add);
}
