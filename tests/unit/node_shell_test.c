/* SPDX-License-Identifier: Apache-2.0 */
#include "node/shell.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static struct gh_settings settings;
static struct gh_shells shells;
static struct gh_err err;
static unsigned fds_before;

/* What came of one command. */
struct command {
    bool is_done;
    int code;
    char *failure;
    struct gh_buf lines, out, err;
    unsigned pieces;
};

static void
on_lines(void *context, const char *text, size_t len)
{
    struct command *command = context;

    ck_assert(!command->is_done && len > 0);
    gh_buf_add(&command->lines, text, len);
    command->pieces++;
}

static void
on_done(void *context, const struct gh_shell_result *result)
{
    struct command *command = context;

    ck_assert(!command->is_done);
    command->is_done = true;
    command->code = result->code;
    command->failure = result->failure ? gh_strdup(result->failure) : NULL;
    gh_buf_add(&command->out, result->out.bytes, result->out.len);
    gh_buf_add(&command->err, result->err.bytes, result->err.len);
}

static const struct gh_shell_events events = {on_lines, on_done};

static void
command_done(struct command *command)
{
    free(command->failure);
    gh_buf_done(&command->lines);
    gh_buf_done(&command->out);
    gh_buf_done(&command->err);
}

static void
set_up(void)
{
    char *argv[] = {(char *)(uintptr_t) "test", NULL};
    struct gh_faults faults = {0};

    /* libuv keeps two descriptors for good once a loop has watched a child. */
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    gh_log_setup(GH_LOG_ERR, GH_LOG_TEXT);
    ck_assert_int_eq(gh_settings_load(&settings, 1, argv, &faults), GH_SETTINGS_RUN);
    gh_shells_init(&shells, &loop, &settings);
    fds_before = count_fds();
}

/* Nothing may be left of a command but what libuv keeps for signals. */
static void
tear_down(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(shells.count, 0);
    ck_assert_ptr_null(shells.first);
    ck_assert_uint_le(count_fds(), fds_before + 2);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    gh_settings_done(&settings);
}

static void
run(const char *text, bool keeps_output, struct command *command)
{
    ck_assert_msg(gh_shell_start(&shells, text, keeps_output, &events, command, &err) == GH_OK,
                  "%s", err.text);
    ck_assert(!command->is_done);
    while (!command->is_done)
        uv_run(&loop, UV_RUN_ONCE);
}

START_TEST(result_has_code_and_outputs)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("echo out; echo err >&2; exit 3", true, &command);
    ck_assert_int_eq(command.code, 3);
    ck_assert_ptr_null(command.failure);
    assert_bytes(command.out.bytes, command.out.len, "out\n");
    assert_bytes(command.err.bytes, command.err.len, "err\n");
    assert_bytes(command.lines.bytes, command.lines.len, "out\n");
}
END_TEST

START_TEST(lines_of_results_end_in_a_line_feed)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("printf 'a\\r\\nb\\rc\\r\\r\\n'; printf '\\r' >&2", true, &command);
    assert_bytes(command.out.bytes, command.out.len, "a\nb\nc\n\n");
    assert_bytes(command.err.bytes, command.err.len, "\n");
}
END_TEST

START_TEST(outputs_that_nobody_wants_are_not_kept)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("echo out", false, &command);
    ck_assert_uint_eq(command.out.len, 0);
    assert_bytes(command.lines.bytes, command.lines.len, "out\n");
}
END_TEST

START_TEST(signals_are_negative_codes)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("kill -TERM $$", true, &command);
    ck_assert_int_eq(command.code, -SIGTERM);
}
END_TEST

START_TEST(a_line_without_an_end_is_passed_on_at_the_end_of_all)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("printf a; printf b", true, &command);
    assert_bytes(command.lines.bytes, command.lines.len, "ab");
    ck_assert_uint_eq(command.pieces, 1);
}
END_TEST

/* 65536 bytes of three-byte characters: no piece ends within one. */
START_TEST(long_lines_are_cut_between_characters)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("i=0; while [ $i -lt 50000 ]; do printf '\\342\\202\\254'; i=$((i+1)); done", true,
        &command);
    ck_assert_uint_eq(command.lines.len, 150000);
    ck_assert_uint_ge(command.pieces, 2);
}
END_TEST

START_TEST(both_outputs_are_read_at_once)
{
    struct command command GH_SCOPED(command_done) = {0};

    run("head -c 200000 /dev/zero >&2; head -c 200000 /dev/zero", true, &command);
    ck_assert_uint_eq(command.out.len, 200000);
    ck_assert_uint_eq(command.err.len, 200000);
}
END_TEST

START_TEST(stop_kills_the_group_and_tells_why)
{
    struct command command GH_SCOPED(command_done) = {0};
    int group = 0;

    ck_assert_int_eq(
        gh_shell_start(&shells, "echo $$; sleep 1000 & wait", true, &events, &command, &err),
        GH_OK);
    while (command.lines.len == 0)
        uv_run(&loop, UV_RUN_ONCE);
    group = atoi(gh_buf_text(&command.lines));
    gh_shells_stop(&shells);
    ck_assert(command.is_done);
    assert_contains(command.failure, "the node is stopping");
    ck_assert_uint_eq(shells.count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    for (int tries = 0; kill(-group, 0) == 0 && tries < 1000; tries++)
        usleep(1000); /* its child may still be a zombie of init's */
}
END_TEST

START_TEST(too_many_are_refused)
{
    struct command command GH_SCOPED(command_done) = {0};
    struct command refused GH_SCOPED(command_done) = {0};

    settings.commands_max = 1;
    ck_assert_int_eq(gh_shell_start(&shells, "echo", true, &events, &command, &err), GH_OK);
    ck_assert_int_eq(gh_shell_start(&shells, "echo", true, &events, &refused, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "commands_max");
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(command.is_done && !refused.is_done);
}
END_TEST

START_TEST(what_cannot_be_started_is_told)
{
    struct command command GH_SCOPED(command_done) = {0};
    char *kept GH_SCOPED(gh_free) = gh_strdup(gh_home());

    /* Not by a text that is too long for the kernel: valgrind does not survive an execve that fails. */
    ck_assert_int_eq(setenv("HOME", "/nowhere", 1), 0);
    int rc = gh_shell_start(&shells, "echo", true, &events, &command, &err);
    ck_assert_int_eq(setenv("HOME", kept, 1), 0);
    ck_assert_int_eq(rc, GH_E_SYSTEM);
    assert_contains(err.text, "no such file or directory");
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert(!command.is_done);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, result_has_code_and_outputs);
    tcase_add_test(tests, lines_of_results_end_in_a_line_feed);
    tcase_add_test(tests, outputs_that_nobody_wants_are_not_kept);
    tcase_add_test(tests, signals_are_negative_codes);
    tcase_add_test(tests, a_line_without_an_end_is_passed_on_at_the_end_of_all);
    tcase_add_test(tests, long_lines_are_cut_between_characters);
    tcase_add_test(tests, both_outputs_are_read_at_once);
    tcase_add_test(tests, stop_kills_the_group_and_tells_why);
    tcase_add_test(tests, too_many_are_refused);
    tcase_add_test(tests, what_cannot_be_started_is_told);
}

int
main(void)
{
    return run_tests("node_shell", add);
}
