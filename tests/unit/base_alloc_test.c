/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include "tests/unit/suite.h"

START_TEST(alloc_zeroes_and_takes_size_zero)
{
    unsigned char *bytes GH_SCOPED(gh_free) = gh_alloc(1000);
    void *none GH_SCOPED(gh_free) = gh_alloc(0);

    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_ptr_nonnull(none);
}
END_TEST

START_TEST(realloc_keeps_the_content)
{
    char *text = gh_strdup("abc");

    text = gh_realloc(text, 100000);
    ck_assert_str_eq(text, "abc");
    gh_free(&text);
    text = gh_realloc(NULL, 0);
    ck_assert_ptr_nonnull(text);
    gh_free(&text);
}
END_TEST

START_TEST(try_alloc_takes_size_zero)
{
    void *memory = gh_try_alloc(0);

    ck_assert_ptr_nonnull(memory);
    gh_free(&memory);
}
END_TEST

START_TEST(free_takes_null_and_leaves_null)
{
    char *text = NULL;

    gh_free(&text);
    ck_assert_ptr_null(text);
    text = gh_strdup("x");
    gh_free(&text);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(take_hands_on_and_leaves_null)
{
    char *text GH_SCOPED(gh_free) = gh_strdup("x");
    char *mine GH_SCOPED(gh_free) = gh_take(text);

    ck_assert_ptr_null(text);
    ck_assert_str_eq(mine, "x");
}
END_TEST

START_TEST(strndup_takes_bytes_that_are_no_string)
{
    char *part GH_SCOPED(gh_free) = gh_strndup("a\0bc", 4);
    char *none GH_SCOPED(gh_free) = gh_strndup(NULL, 0);

    ck_assert_mem_eq(part, "a\0bc", 5);
    ck_assert_str_eq(none, "");
}
END_TEST

START_TEST(asprintf_fits_any_length)
{
    for (int len = 1; len < 300; len++) {
        char *text GH_SCOPED(gh_free) = gh_asprintf("%*s", len, "x");
        ck_assert_uint_eq(strlen(text), (size_t)len);
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, alloc_zeroes_and_takes_size_zero);
    tcase_add_test(tests, realloc_keeps_the_content);
    tcase_add_test(tests, try_alloc_takes_size_zero);
    tcase_add_test(tests, free_takes_null_and_leaves_null);
    tcase_add_test(tests, take_hands_on_and_leaves_null);
    tcase_add_test(tests, strndup_takes_bytes_that_are_no_string);
    tcase_add_test(tests, asprintf_fits_any_length);
}

int
main(void)
{
    return run_tests("base_alloc", add);
}
