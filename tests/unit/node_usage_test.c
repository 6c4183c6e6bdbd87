/* SPDX-License-Identifier: Apache-2.0 */
#include "node/usage.h"

#include "tests/unit/suite.h"

START_TEST(memory_adds_up)
{
    struct gh_memory memory;

    memset(&memory, 0xFF, sizeof memory);
    gh_usage_memory(&memory);
    ck_assert_uint_gt(memory.total_bytes, 1u << 20);
    ck_assert_uint_le(memory.available_bytes, memory.total_bytes);
    ck_assert(memory.used_percent >= 0 && memory.used_percent <= 100);
}
END_TEST

START_TEST(cpu_is_a_percentage_each_time)
{
    struct gh_usage usage = {0};

    for (int i = 0; i < 5; i++) {
        double percent = gh_usage_cpu(&usage);
        ck_assert_msg(percent >= 0 && percent <= 100, "%f", percent);
        ck_assert_uint_gt(usage.all_ticks, usage.busy_ticks);
    }
}
END_TEST

START_TEST(cpu_of_no_time_at_all_is_zero)
{
    struct gh_usage usage = {0}, same;

    do { /* until two looks fall into one tick of the clock */
        gh_usage_cpu(&usage);
        same = usage;
        double percent = gh_usage_cpu(&usage);
        if (same.all_ticks == usage.all_ticks)
            ck_assert(percent == 0);
    } while (same.all_ticks != usage.all_ticks);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, memory_adds_up);
    tcase_add_test(tests, cpu_is_a_percentage_each_time);
    tcase_add_test(tests, cpu_of_no_time_at_all_is_zero);
}

int
main(void)
{
    return run_tests("node_usage", add);
}
