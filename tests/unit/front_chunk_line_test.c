/* SPDX-License-Identifier: Apache-2.0 */
#include "front/chunk_line.h"

#include <string.h>

#include "tests/unit/suite.h"

static bool
is_sound(const char *text)
{
    return gh_chunk_line_is_sound(text, strlen(text));
}

static const char *const sound[] = {
    "5\r\n",
    "0\r\n\r\n",
    "00aF\r\nmore;\n",
    "5;a\r\n",
    "5;a=b\r\n",
    "5;a=b;c\r\n",
    "5 ; a = b\t;\tc\r\n",
    "5;a=\"b \\\" ;c\"\r\n",
    "5;a=\"\"\r\n",
    "5;a=\"\xc3\xa9\";b\r\n",
    "5;!#$%&'*+-.^_`|~09azAZ=1\r\n",
};

static const char *const unsound[] = {
    "\r\n",
    "\n",
    "x\r\n",
    "5\n",
    "5 \r\n",
    " 5\r\n",
    "5;\r\n",
    "5;;a\r\n",
    "5;a;\r\n",
    "5;a=\r\n",
    "5;=b\r\n",
    "5;a b\r\n",
    "5;a[=b\r\n",
    "5;a=b c\r\n",
    "5;a=\"b\r\n",
    "5;a=\"b\\\r\n",
    "5;a=\"b\"c\r\n",
    "5;a\rb\r\n",
    "5;a=\"\rb\"\r\n",
    "5;a\x01\r\n",
    "5;a=\"\x7f\"\r\n",
    "5,a\r\n",
    "0x5\r\n",
    "-5\r\n",
    "5;a \r\n",
    "5;a=b \r\n",
    "5;a\n",
};

START_TEST(lines_in_the_form_pass)
{
    const char *text = sound[_i];

    ck_assert(is_sound(text));
    for (size_t len = 0; len < (size_t)(strchr(text, '\n') - text); len++)
        ck_assert(gh_chunk_line_is_sound(text, len)); /* more may come */
}
END_TEST

START_TEST(others_do_not)
{
    ck_assert(!is_sound(unsound[_i]));
}
END_TEST

START_TEST(a_nul_is_nothing_like_the_others)
{
    ck_assert(!gh_chunk_line_is_sound("5;\0a\r\n", 7));
    ck_assert(!gh_chunk_line_is_sound("5;a=\"\0\"\r\n", 9));
    ck_assert(!gh_chunk_line_is_sound("5\0\r\n", 4));
}
END_TEST

START_TEST(a_line_ends_at_the_limit)
{
    char text[GH_CHUNK_LINE_MAX_BYTES + 2];

    memset(text, 'a', sizeof text);
    memcpy(text, "5;", 2);
    memcpy(text + GH_CHUNK_LINE_MAX_BYTES - 2, "\r\n", 2);
    ck_assert(gh_chunk_line_is_sound(text, GH_CHUNK_LINE_MAX_BYTES));
    memcpy(text + GH_CHUNK_LINE_MAX_BYTES - 2, "aa\r\n", 4);
    ck_assert(gh_chunk_line_is_sound(text, GH_CHUNK_LINE_MAX_BYTES - 1));
    ck_assert(!gh_chunk_line_is_sound(text, GH_CHUNK_LINE_MAX_BYTES));
    ck_assert(!gh_chunk_line_is_sound(text, sizeof text));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, lines_in_the_form_pass, 0, (int)COUNT(sound));
    tcase_add_loop_test(tests, others_do_not, 0, (int)COUNT(unsound));
    tcase_add_test(tests, a_nul_is_nothing_like_the_others);
    tcase_add_test(tests, a_line_ends_at_the_limit);
}

int
main(void)
{
    return run_tests("front_chunk_line", add);
}
