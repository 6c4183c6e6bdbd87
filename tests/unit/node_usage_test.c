/* SPDX-License-Identifier: Apache-2.0 */
#include "node/usage.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

START_TEST(own_process_uses_memory_and_time)
{
    struct gh_process_usage usage;
    size_t len = 32u << 20;
    char *volatile memory = malloc(len); /* or a compiler knows that nobody needs it */

    memset(memory, 1, len);
    gh_usage_process((int)getpid(), &usage);
    ck_assert_uint_ge(usage.used_bytes, len);
    ck_assert(usage.used_percent > 0 && usage.used_percent < 100);
    ck_assert(usage.cpu_percent >= 0);
    ck_assert_int_eq(memory[len - 1], 1);
    free(memory);
}
END_TEST

/* The name of a process may look like the fields behind it. */
START_TEST(name_with_parentheses_does_not_mislead)
{
    struct gh_process_usage usage;
    char before[17];

    prctl(PR_GET_NAME, before);
    prctl(PR_SET_NAME, ") R 1 (9 9 9");
    gh_usage_process((int)getpid(), &usage);
    prctl(PR_SET_NAME, before);
    ck_assert_uint_gt(usage.used_bytes, 0);
    ck_assert(usage.cpu_percent >= 0 && usage.cpu_percent < 100000);
}
END_TEST

START_TEST(process_that_is_gone_uses_nothing)
{
    struct gh_process_usage usage;
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    int pids[] = {0, -1, (int)pid};
    for (size_t i = 0; i < COUNT(pids); i++) {
        memset(&usage, 0xFF, sizeof usage);
        gh_usage_process(pids[i], &usage);
        ck_assert_uint_eq(usage.used_bytes, 0);
        ck_assert(usage.used_percent == 0 && usage.cpu_percent == 0);
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, memory_adds_up);
    tcase_add_test(tests, cpu_is_a_percentage_each_time);
    tcase_add_test(tests, cpu_of_no_time_at_all_is_zero);
    tcase_add_test(tests, own_process_uses_memory_and_time);
    tcase_add_test(tests, name_with_parentheses_does_not_mislead);
    tcase_add_test(tests, process_that_is_gone_uses_nothing);
}

int
main(void)
{
    return run_tests("node_usage", add);
}
