/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"
#include "suite.h"

static const char *
nearest_of(struct gh_nearest *nearest, const char *wanted, const char *const *names)
{
    gh_nearest_begin(nearest, wanted, strlen(wanted));
    for (; *names; names++)
        gh_nearest_try(nearest, *names);
    return nearest->best;
}

START_TEST(the_name_with_fewest_edits_wins)
{
    static const char *const names[] = {"status", "start", "stop", "ps", "logs", NULL};
    struct gh_nearest nearest;

    ck_assert_str_eq(nearest_of(&nearest, "stauts", names), "status");
    ck_assert_str_eq(nearest_of(&nearest, "sta", names), "");
    ck_assert_str_eq(nearest_of(&nearest, "stat", names), "start");
    ck_assert_str_eq(nearest_of(&nearest, "log", names), "logs");
    ck_assert_str_eq(nearest_of(&nearest, "p", names), "ps");
}
END_TEST

START_TEST(two_letters_the_wrong_way_round_are_one_edit)
{
    static const char *const names[] = {"host", "port", NULL};
    struct gh_nearest nearest;

    ck_assert_str_eq(nearest_of(&nearest, "prot", names), "port");
    ck_assert_str_eq(nearest_of(&nearest, "tropxy", names), "");
    ck_assert_str_eq(nearest_of(&nearest, "ohst", names), "host");
}
END_TEST

START_TEST(a_stranger_is_near_to_nothing)
{
    static const char *const names[] = {"status", "ps", NULL};
    struct gh_nearest nearest;

    ck_assert_str_eq(nearest_of(&nearest, "elephant", names), "");
    ck_assert_str_eq(nearest_of(&nearest, "", names), "");
}
END_TEST

START_TEST(names_of_any_length_are_taken)
{
    char just_fits[GH_NEAREST_MAX_BYTES], too_long[GH_NEAREST_MAX_BYTES + 1];
    const char *const names[] = {just_fits, too_long, NULL};
    struct gh_nearest nearest;

    memset(just_fits, 'a', sizeof just_fits);
    just_fits[sizeof just_fits - 1] = '\0';
    memset(too_long, 'a', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    ck_assert_str_eq(nearest_of(&nearest, too_long, names), "");
    just_fits[7] = 'b';
    ck_assert_str_eq(nearest_of(&nearest, just_fits, names), just_fits);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, the_name_with_fewest_edits_wins);
    tcase_add_test(tests, two_letters_the_wrong_way_round_are_one_edit);
    tcase_add_test(tests, a_stranger_is_near_to_nothing);
    tcase_add_test(tests, names_of_any_length_are_taken);
}

int
main(void)
{
    return run_tests("base/nearest", add);
}
