/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "tests/unit/suite.h"

#define ROOM sizeof(((struct gh_err *)0)->text)

/* What a struct gh_err on the stack is before it is set. */
static void
soil(struct gh_err *err)
{
    memset(err, 'Z', sizeof *err);
}

/* TEXT fits and is terminated. */
static void
assert_terminated(const struct gh_err *err)
{
    ck_assert_ptr_nonnull(memchr(err->text, '\0', sizeof err->text));
}

START_TEST(set_returns_the_code_it_keeps)
{
    struct gh_err err;

    soil(&err);
    ck_assert_int_eq(gh_err_set(&err, GH_E_NO_ROOM, "%d of %s", 3, "x"), GH_E_NO_ROOM);
    ck_assert_int_eq(err.code, GH_E_NO_ROOM);
    ck_assert_str_eq(err.text, "3 of x");
}
END_TEST

START_TEST(null_err_is_allowed)
{
    ck_assert_int_eq(gh_err_set(NULL, GH_E_INPUT, "x"), GH_E_INPUT);
    ck_assert_int_ne(gh_err_add(NULL, "x"), GH_OK);
}
END_TEST

START_TEST(add_puts_what_was_done_in_front)
{
    struct gh_err err;

    soil(&err);
    gh_err_set(&err, GH_E_SYSTEM, "no such file");
    ck_assert_int_eq(gh_err_add(&err, "reading %s", "a.json"), GH_E_SYSTEM);
    ck_assert_int_eq(gh_err_add(&err, "starting"), GH_E_SYSTEM);
    ck_assert_str_eq(err.text, "starting: reading a.json: no such file");
}
END_TEST

/* One below, at and above what the text has room for. */
START_TEST(set_cuts_long_text)
{
    struct gh_err err;
    size_t len = ROOM - 3 + (size_t)_i;

    soil(&err);
    gh_err_set(&err, GH_E_INPUT, "%*s", (int)len, "x");
    assert_terminated(&err);
    ck_assert_uint_eq(strlen(err.text), len < ROOM ? len : ROOM - 1);
}
END_TEST

START_TEST(add_cuts_long_text)
{
    struct gh_err err;
    size_t len = ROOM - 5 + (size_t)_i; /* of all, with ": x" */

    soil(&err);
    gh_err_set(&err, GH_E_INPUT, "x");
    gh_err_add(&err, "%*s", (int)len - 3, "y");
    assert_terminated(&err);
    ck_assert_uint_eq(strlen(err.text), len < ROOM ? len : ROOM - 1);
}
END_TEST

START_TEST(add_joins_two_texts_of_full_length)
{
    struct gh_err err;

    soil(&err);
    gh_err_set(&err, GH_E_INPUT, "%*s", 2000, "x");
    gh_err_add(&err, "%*s", 2000, "y");
    assert_terminated(&err);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, set_returns_the_code_it_keeps);
    tcase_add_test(tests, null_err_is_allowed);
    tcase_add_test(tests, add_puts_what_was_done_in_front);
    tcase_add_loop_test(tests, set_cuts_long_text, 0, 6);
    tcase_add_loop_test(tests, add_cuts_long_text, 0, 10);
    tcase_add_test(tests, add_joins_two_texts_of_full_length);
}

int
main(void)
{
    return run_tests("base_err", add);
}
