/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tail.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

#define MAX 10u

static struct gh_tail tail;

static void
add_all(const char *text, size_t piece)
{
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += piece)
        gh_tail_add(&tail, text + at, len - at < piece ? len - at : piece, MAX);
}

static void
tear_down(void)
{
    gh_tail_done(&tail);
}

START_TEST(what_fits_is_kept_as_it_is)
{
    add_all("0123456789", (size_t)_i);
    gh_tail_finish(&tail, MAX);
    assert_bytes(tail.kept.bytes, tail.kept.len, "0123456789");
}
END_TEST

START_TEST(nothing_stays_nothing)
{
    gh_tail_finish(&tail, MAX);
    ck_assert_uint_eq(tail.kept.len, 0);
}
END_TEST

/* In pieces of any size, larger than the bound too. */
START_TEST(of_more_the_end_is_kept_and_the_rest_is_told)
{
    add_all("abcdefghijklmnopqrstuvwxyz0123456789", (size_t)_i);
    ck_assert_uint_le(tail.kept.len, 2 * MAX);
    gh_tail_finish(&tail, MAX);
    assert_bytes(tail.kept.bytes, tail.kept.len,
                 "[gatehouse: 26 bytes of output left out here]\n0123456789");
}
END_TEST

static const struct {
    const char *text, *wanted;
} cuts[] = {
    {"0123456789ab\ncd\nefgh", "[gatehouse: 13 bytes of output left out here]\ncd\nefgh"},
    {"aaaa\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac",
     "[gatehouse: 7 bytes of output left out here]\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"},
    {"aaaaaaaaaaaaaaaaaaaa\n", "[gatehouse: 11 bytes of output left out here]\naaaaaaaaa\n"},
};

START_TEST(it_is_cut_at_lines_or_between_characters)
{
    add_all(cuts[_i].text, 7);
    gh_tail_finish(&tail, MAX);
    assert_bytes(tail.kept.bytes, tail.kept.len, cuts[_i].wanted);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_loop_test(tests, what_fits_is_kept_as_it_is, 1, 12);
    tcase_add_test(tests, nothing_stays_nothing);
    tcase_add_loop_test(tests, of_more_the_end_is_kept_and_the_rest_is_told, 1, 40);
    tcase_add_loop_test(tests, it_is_cut_at_lines_or_between_characters, 0, (int)COUNT(cuts));
}

int
main(void)
{
    return run_tests("node_tail", add);
}
