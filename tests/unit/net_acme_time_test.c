/* SPDX-License-Identifier: Apache-2.0
 *
 * When: times of a CA, renewal, pauses. */
#include "net/acme_time.h"

#include "tests/unit/suite.h"

#define DAY_S 86400

START_TEST(times_of_rfc_3339_are_read)
{
    static const struct {
        const char *text;
        int64_t at_s;
    } times[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-26T03:40:05Z", 1795664405},
        {"2026-11-26T03:40:05.123456Z", 1795664405},
        {"2026-11-26T04:40:05+01:00", 1795664405},
        {"2026-11-25T23:10:05-04:30", 1795664405},
        {"2100-01-01T00:00:00z", 4102444800},
        {"2026-11-26", -1},
        {"2026-11-26T03:40:05", -1},
        {"2026-11-26T03:40:05+1", -1},
        {"2026-11-26T03:40:05+25:00", -1},
        {"2026-11-26T03:40:05Zulu", -1},
        {"2026-13-26T03:40:05Z", -1},
        {"1960-01-01T00:00:00Z", -1},
        {"tomorrow", -1},
        {"", -1},
    };

    for (size_t i = 0; i < COUNT(times); i++)
        ck_assert_msg(gh_acme_time(times[i].text) == times[i].at_s, "%s", times[i].text);
}
END_TEST

START_TEST(retry_after_is_seconds_or_a_date)
{
    static const struct {
        const char *value;
        unsigned wait_s;
    } values[] = {
        {"0", 0},
        {"7", 7},
        {"3600", 3600},
        {"999999999999999999999", 7 * DAY_S},
        {"Thu, 26 Nov 2026 03:41:05 GMT", 60},
        {"Thu, 26 Nov 2026 03:40:05 GMT", 0},
        {"Thu, 26 Nov 2020 03:40:05 GMT", 0},
        {"Thu, 26 Nov 2099 03:40:05 GMT", 7 * DAY_S},
        {"Thu, 26 Nov 2026 03:41:05", 0},
        {"-5", 0},
        {"soon", 0},
        {"", 0},
        {NULL, 0},
    };

    for (size_t i = 0; i < COUNT(values); i++)
        ck_assert_msg(gh_acme_retry_after(values[i].value, 1795664405) == values[i].wait_s, "%s",
                      values[i].value ? values[i].value : "(none)");
}
END_TEST

START_TEST(renewal_is_due_when_a_third_is_left)
{
    const int64_t from_s = 1000 * DAY_S, to_s = from_s + 90 * DAY_S;

    ck_assert_int_eq(gh_acme_renew_at(from_s, to_s, 0), from_s + 57 * DAY_S);
    ck_assert_int_eq(gh_acme_renew_at(from_s, to_s, 3 * DAY_S), from_s + 60 * DAY_S);
    for (uint32_t chance = 1; chance > 0 && chance < 4000000000u; chance = chance * 7 + 3) {
        int64_t at_s = gh_acme_renew_at(from_s, to_s, chance);
        ck_assert_int_ge(at_s, from_s + 57 * DAY_S);
        ck_assert_int_le(at_s, from_s + 60 * DAY_S);
    }
    ck_assert_int_eq(gh_acme_renew_at(50, 50, 7), 50);
    ck_assert_int_eq(gh_acme_renew_at(60, 50, 7), 50); /* no life at all: at once */
}
END_TEST

START_TEST(chance_stays_within)
{
    ck_assert_int_eq(gh_acme_within(5, 5, 123), 5);
    ck_assert_int_eq(gh_acme_within(5, 4, 123), 5);
    for (uint32_t chance = 0; chance < 50; chance++) {
        int64_t at_s = gh_acme_within(10, 12, chance);
        ck_assert(at_s >= 10 && at_s <= 12);
    }
    ck_assert_int_eq(gh_acme_within(100, 4102444800, UINT32_MAX), 100 + UINT32_MAX % 4102444701);
}
END_TEST

START_TEST(pauses_grow_fourfold_up_to_a_day)
{
    static const unsigned expected[] = {60, 60, 240, 960, 3840, 15360, 61440, DAY_S, DAY_S};

    for (unsigned failures = 0; failures < COUNT(expected); failures++) {
        unsigned tenth = expected[failures] / 10;
        ck_assert_uint_eq(gh_acme_back_off_s(failures, 60, DAY_S, 0), expected[failures] - tenth);
        ck_assert_uint_eq(gh_acme_back_off_s(failures, 60, DAY_S, 2 * tenth),
                          expected[failures] + tenth);
    }
    ck_assert_uint_le(gh_acme_back_off_s(1000000, 1, DAY_S, 77), DAY_S + DAY_S / 10);
    ck_assert_uint_eq(gh_acme_back_off_s(1, 1, DAY_S, 5), 1);
    ck_assert_uint_eq(gh_acme_back_off_s(9, 60, 600, 60), 600);
    ck_assert_uint_ge(gh_acme_back_off_s(3, 1000000, DAY_S, 0), DAY_S - DAY_S / 10);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, times_of_rfc_3339_are_read);
    tcase_add_test(tests, retry_after_is_seconds_or_a_date);
    tcase_add_test(tests, renewal_is_due_when_a_third_is_left);
    tcase_add_test(tests, chance_stays_within);
    tcase_add_test(tests, pauses_grow_fourfold_up_to_a_day);
}

int
main(void)
{
    return run_tests("net_acme_time", add);
}
