/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/capture.h"

#include <sys/wait.h>
#include <time.h>

#include "suite.h"

#define LONG_MS 30000u

static struct gh_buf said;

static void
tear_down(void)
{
    gh_buf_done(&said);
}

static int
run_shell(const char *command, unsigned timeout_ms)
{
    const char *const argv[] = {"sh", "-c", command, NULL};
    return gh_capture(argv, timeout_ms, &said);
}

START_TEST(both_outputs_and_the_status_are_taken)
{
    ck_assert_int_eq(run_shell("echo out; echo err >&2; exit 7", LONG_MS), 7);
    ck_assert_str_eq(gh_buf_text(&said), "out\nerr\n");
}
END_TEST

START_TEST(there_is_nothing_to_read)
{
    ck_assert_int_eq(run_shell("cat; tty", LONG_MS), 1);
    ck_assert_str_eq(gh_buf_text(&said), "not a tty\n");
}
END_TEST

START_TEST(unknown_program_is_127)
{
    const char *const argv[] = {"gatehouse-no-such-program", NULL};

    ck_assert_int_eq(gh_capture(argv, LONG_MS, &said), 127);
    ck_assert_uint_eq(said.len, 0);
}
END_TEST

START_TEST(late_program_is_killed_with_its_children)
{
    time_t before = time(NULL);

    ck_assert_int_eq(run_shell("echo first; sleep 600 & sleep 600", 200), -1);
    ck_assert_str_eq(gh_buf_text(&said), "first\n");
    ck_assert(time(NULL) - before < 60);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}
END_TEST

START_TEST(killed_program_has_no_status)
{
    ck_assert_int_eq(run_shell("kill -9 $$", LONG_MS), -1);
}
END_TEST

START_TEST(program_that_closes_its_outputs_is_late_too)
{
    ck_assert_int_eq(run_shell("exec >/dev/null 2>&1; sleep 600", 200), -1);
    ck_assert_int_eq(run_shell("exec >/dev/null 2>&1; sleep 0.1; exit 3", LONG_MS), 3);
}
END_TEST

START_TEST(endless_output_is_cut)
{
    ck_assert_int_eq(run_shell("yes", LONG_MS), -1);
    ck_assert_uint_ge(said.len, 65536);
    ck_assert_uint_lt(said.len, 65536 + 4096);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, tear_down);
    tcase_add_test(tests, both_outputs_and_the_status_are_taken);
    tcase_add_test(tests, there_is_nothing_to_read);
    tcase_add_test(tests, unknown_program_is_127);
    tcase_add_test(tests, late_program_is_killed_with_its_children);
    tcase_add_test(tests, killed_program_has_no_status);
    tcase_add_test(tests, program_that_closes_its_outputs_is_late_too);
    tcase_add_test(tests, endless_output_is_cut);
}

int
main(void)
{
    return run_tests("cli_capture", add);
}
