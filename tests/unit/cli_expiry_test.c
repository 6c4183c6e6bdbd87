/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/expiry.h"

#include "cli/cli.h"
#include "tests/unit/suite.h"

#define NOW 1795664405 /* 2026-11-26T03:40:05Z */

static const struct {
    const char *text;
    int64_t at_s;
} good[] = {
    {"1s", NOW + 1},
    {"90m", NOW + 5400},
    {"12h", NOW + 43200},
    {"30d", NOW + 2592000},
    {"2w", NOW + 1209600},
    {"999999999w", NOW + 999999999ll * 604800},
    {"2027-01-31", 1801353600},
    {"2027-01-31T18:00Z", 1801418400},
    {"2027-01-31T18:00:05Z", 1801418405},
    {"2028-02-29", 1835395200},
};

START_TEST(times_are_read)
{
    struct gh_err err;
    int64_t at_s = 0;

    ck_assert_int_eq(gh_expiry_read(good[_i].text, NOW, &at_s, &err), GH_EXIT_OK);
    ck_assert_int_eq(at_s, good[_i].at_s);
}
END_TEST

static const char *const bad[] = {
    "",
    "d",
    "30",
    "-1d",
    "1.5d",
    "1 d",
    "30D",
    "30dd",
    "9999999999d",
    "tomorrow",
    "2027-13-01",
    "2027-02-29",
    "2027-01-31T18:00",
    "2027-01-31 18:00",
    "2027-01-31T18:00:05+01:00",
    "0d",
    "2020-01-01",
    "2026-11-26T03:40:05Z",
};

START_TEST(others_are_refused_and_named)
{
    struct gh_err err;
    int64_t at_s = 0;

    ck_assert_int_eq(gh_expiry_read(bad[_i], NOW, &at_s, &err), GH_EXIT_USAGE);
    assert_contains(err.text, "--expires is '");
    assert_contains(err.text, bad[_i]);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, times_are_read, 0, (int)COUNT(good));
    tcase_add_loop_test(tests, others_are_refused_and_named, 0, (int)COUNT(bad));
}

int
main(void)
{
    return run_tests("cli_expiry", add);
}
