/* SPDX-License-Identifier: Apache-2.0 */
#include "den/meter.h"

#include "tests/unit/suite.h"

#define KIB 1024u
static const struct gh_den_pace pace = {10 * GH_DEN_WRITE_BYTES, GH_DEN_WRITE_BYTES};

static unsigned
spend(struct gh_den_meter *meter, size_t len, uint64_t now_ms)
{
    unsigned wait_s = gh_den_meter_wait_s(meter, &pace, len, now_ms);

    if (wait_s == 0)
        gh_den_meter_add(meter, &pace, len, now_ms);
    return wait_s;
}

START_TEST(some_at_once_then_one_by_one)
{
    struct gh_den_meter meter = {0};

    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(spend(&meter, 0, 5000), 0);
    ck_assert_uint_eq(spend(&meter, 0, 5000), 1);
    ck_assert_uint_eq(spend(&meter, 0, 5999), 1);
    ck_assert_uint_eq(spend(&meter, 0, 6000), 0);
    ck_assert_uint_eq(spend(&meter, 0, 6000), 1);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(spend(&meter, 0, 1000000), 0);
    ck_assert_uint_eq(spend(&meter, 0, 1000000), 1);
}
END_TEST

START_TEST(bytes_count)
{
    struct gh_den_meter meter = {0};

    ck_assert_uint_eq(spend(&meter, 9 * GH_DEN_WRITE_BYTES, 1), 0);
    ck_assert_uint_eq(spend(&meter, 0, 1), 1);
    ck_assert_uint_eq(spend(&meter, 4 * GH_DEN_WRITE_BYTES, 1), 5);
    ck_assert_uint_eq(spend(&meter, 4 * GH_DEN_WRITE_BYTES, 5001), 0);
}
END_TEST

/* A clock that stands still or goes back empties nothing; one that leaps ahead overflows nothing. */
START_TEST(odd_clocks)
{
    struct gh_den_meter meter = {0};

    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(spend(&meter, 0, 9000), 0);
    ck_assert_uint_eq(spend(&meter, 0, 1000), 1);
    ck_assert_uint_eq(spend(&meter, 0, UINT64_MAX), 0);
    ck_assert_uint_eq(meter.filled_bytes, GH_DEN_WRITE_BYTES);
}
END_TEST

START_TEST(the_largest_body_fits_an_empty_one)
{
    const struct gh_den_meter meter = {0};
    const size_t most = 4096 * KIB; /* GH_DEN_BODY_MAX_BYTES of api/den_ask.h */

    ck_assert_uint_eq(gh_den_meter_wait_s(&meter, &gh_den_pace_of_resource, most, 1), 0);
    ck_assert_uint_eq(gh_den_meter_wait_s(&meter, &gh_den_pace_of_user, most, 1), 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, some_at_once_then_one_by_one);
    tcase_add_test(tests, bytes_count);
    tcase_add_test(tests, odd_clocks);
    tcase_add_test(tests, the_largest_body_fits_an_empty_one);
}

int
main(void)
{
    return run_tests("den_meter", add);
}
