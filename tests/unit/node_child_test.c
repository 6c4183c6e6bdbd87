/* SPDX-License-Identifier: Apache-2.0 */
#include "node/child.h"

#include <signal.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static unsigned fds_before;

static struct {
    struct gh_buf lines; /* "line|" */
    unsigned exits;
    int64_t status;
    int signal;
    struct gh_child *child;
    int kill_at_line; /* this signal when a line comes; 0: none */
} seen;

static void
on_line(void *owner, const char *line, size_t len)
{
    ck_assert_ptr_eq(owner, &seen);
    ck_assert_uint_eq(strlen(line), len);
    gh_buf_addf(&seen.lines, "%s|", line);
    if (seen.kill_at_line)
        gh_child_kill(seen.child, seen.kill_at_line);
}

static void
on_exit_seen(void *owner, int64_t status, int signal)
{
    ck_assert_ptr_eq(owner, &seen);
    seen.exits++;
    seen.status = status;
    seen.signal = signal;
    gh_child_kill(seen.child, SIGKILL); /* nothing, since it has ended */
}

static const struct gh_child_events events = {on_line, on_exit_seen};

static void
set_up(void)
{
    memset(&seen, 0, sizeof seen);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    fds_before = count_fds();
    ck_assert_int_eq(uv_loop_init(&loop), 0);
}

static void
tear_down(void)
{
    gh_buf_done(&seen.lines);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    /* libuv waits for children with a signal pipe that it keeps. */
    ck_assert_uint_le(count_fds(), fds_before + 2);
}

static void
run_shell(const char *script, size_t line_max_bytes, char *const *added)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)script,
                    NULL};
    struct gh_child_program program = {
        .argv = argv, .added = added, .folder = "/", .line_max_bytes = line_max_bytes};
    struct gh_err err;

    ck_assert_int_eq(gh_child_start(&loop, &program, &events, &seen, &seen.child, &err), GH_OK);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(seen.exits, 1);
}

static const struct {
    const char *script, *lines;
    int status, signal;
} programs[] = {
    {"exit 3", "", 3, 0},
    {"printf 'a\\nb\\n'", "a|b|", 0, 0},
    {"printf 'a\\n\\n\\nb'", "a|b|", 0, 0},
    {"printf 'a\\rb\\r\\nc' >&2; exit 1", "a|b|c|", 1, 0},
    {"pwd; read x || echo no input", "/|no input|", 0, 0},
    {"kill -9 $$", "", 0, 9},
    {"printf 0123456789abc", "0123456789|", 0, 0},
    {"printf '0123456789abc\\nd'", "0123456789|d|", 0, 0},
    {"ps -o pgid= $$ | tr -d ' ' | grep -qx $$ && echo leads", "leads|", 0, 0},
};

START_TEST(output_comes_as_lines_and_the_end_once)
{
    run_shell(programs[_i].script, 10, NULL);
    assert_bytes(seen.lines.bytes, seen.lines.len, programs[_i].lines);
    ck_assert_int_eq(seen.status, programs[_i].status);
    ck_assert_int_eq(seen.signal, programs[_i].signal);
}
END_TEST

START_TEST(much_output_comes_whole)
{
    run_shell("i=0; while [ $i -lt 40 ]; do head -c 5000 /dev/zero | tr '\\0' x; i=$((i+1)); done; "
              "echo; echo end",
              1 << 20, NULL);
    ck_assert_uint_eq(seen.lines.len, 40 * 5000 + strlen("|end|"));
}
END_TEST

START_TEST(environment_has_what_is_added)
{
    char *added[] = {(char *)(uintptr_t) "GH_TEST=1", NULL};

    run_shell("echo $GH_TEST $HOME", 100, added);
    ck_assert(strncmp((char *)seen.lines.bytes, "1 ", 2) == 0);
}
END_TEST

START_TEST(kill_ends_the_whole_group)
{
    seen.kill_at_line = SIGTERM;
    run_shell("sleep 1000 & echo started; wait", 100, NULL);
    ck_assert_int_eq(seen.signal, SIGTERM);
}
END_TEST

START_TEST(what_stays_running_holds_nothing_up)
{
    run_shell("sleep 2 & echo begun", 100, NULL);
    assert_bytes(seen.lines.bytes, seen.lines.len, "begun|");
    ck_assert_int_eq(seen.status, 0);
}
END_TEST

START_TEST(missing_program_is_told)
{
    char *argv[] = {(char *)(uintptr_t) "/nothing/here", NULL};
    struct gh_child_program program = {.argv = argv, .folder = "/", .line_max_bytes = 10};
    struct gh_err err;

    ck_assert_int_eq(gh_child_start(&loop, &program, &events, &seen, &seen.child, &err),
                     GH_E_SYSTEM);
    assert_contains(err.text, "/nothing/here");
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(seen.exits, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, output_comes_as_lines_and_the_end_once, 0, (int)COUNT(programs));
    tcase_add_test(tests, much_output_comes_whole);
    tcase_add_test(tests, environment_has_what_is_added);
    tcase_add_test(tests, kill_ends_the_whole_group);
    tcase_add_test(tests, what_stays_running_holds_nothing_up);
    tcase_add_test(tests, missing_program_is_told);
}

int
main(void)
{
    return run_tests("node_child", add);
}
