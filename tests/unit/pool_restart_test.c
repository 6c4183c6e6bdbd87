/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_worker.h"
#include "tests/unit/pool_rig.h"

#define LONG_MS 3600000u

static void
set_up(void)
{
    rig_up(NULL);
}

static void
tear_down(void)
{
    rig_down();
}

static void
restart(struct gh_process *process, uint64_t drain_ms, struct outcome *outcome)
{
    struct gh_err err = {0};

    ck_assert_msg(gh_pool_restart(process, drain_ms, take_answer, outcome, &err) == GH_OK, "%s",
                  err.text);
}

START_TEST(an_idle_worker_is_stopped_and_another_one_serves)
{
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct outcome call GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");
    int pid = process->worker->pid;

    restart(process, LONG_MS, &restarted);
    ck_assert(gh_pool_is_draining(process));
    rig_run_until(&restarted.is_done);
    ck_assert_ptr_null(restarted.failure);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
    ck_assert_int_ne(process->worker->pid, pid);
    ck_assert_uint_eq(process->restart_count, 1);
    ck_assert_uint_eq(process->deaths, 0);
    ck_assert_uint_eq(rig.died_count, 1);
    call_and_wait(process, "echo", "1", &call);
    assert_slice(call.body, "1");
}
END_TEST

START_TEST(new_calls_are_refused_while_open_ones_end)
{
    struct outcome open GH_SCOPED(outcome_done) = {0};
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");
    struct gh_err err;

    send_call(process, "echo", "1", &open);
    restart(process, LONG_MS, &restarted);
    ck_assert_int_eq(send_order(process, GH_FRAME_CALL, "k", "m", NULL, NULL, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "restarted on request");
    ck_assert_int_eq(gh_pool_restart(process, 0, take_answer, NULL, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "restarted already");
    rig_run_until(&restarted.is_done);
    assert_slice(open.body, "1");
    ck_assert_uint_lt(open.order, restarted.order);
}
END_TEST

START_TEST(calls_that_go_on_too_long_fail)
{
    struct outcome open GH_SCOPED(outcome_done) = {0};
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    send_call(process, "never", NULL, &open);
    restart(process, 1, &restarted);
    rig_run_until(&restarted.is_done);
    assert_contains(open.failure, "restarted on request");
    ck_assert_ptr_null(restarted.failure);
}
END_TEST

/* The restart is what was asked for: a death meanwhile is not counted, and no second one follows. */
START_TEST(a_worker_that_dies_meanwhile_is_replaced_once)
{
    struct outcome open GH_SCOPED(outcome_done) = {0};
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    send_call(process, "kill", NULL, &open);
    restart(process, LONG_MS, &restarted);
    rig_run_until(&restarted.is_done);
    ck_assert_ptr_nonnull(open.failure);
    ck_assert_ptr_null(restarted.failure);
    ck_assert_uint_eq(process->restart_count, 1);
    ck_assert_uint_eq(process->deaths, 0);
}
END_TEST

START_TEST(it_is_over_when_the_process_is_rebuilt)
{
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    rig.holds_calls = true;
    restart(process, LONG_MS, &restarted);
    while (process->state != GH_PROCESS_READY || gh_pool_is_draining(process))
        rig_turn();
    ck_assert(!restarted.is_done);
    gh_pool_rebuilt(process);
    ck_assert(restarted.is_done);
    ck_assert_ptr_null(restarted.failure);
}
END_TEST

START_TEST(a_worker_that_dies_while_it_is_rebuilt_is_followed_by_another)
{
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    rig.holds_calls = true;
    restart(process, LONG_MS, &restarted);
    while (process->state != GH_PROCESS_READY || gh_pool_is_draining(process))
        rig_turn();
    rig.holds_calls = false;
    gh_worker_kill(process->worker);
    rig_run_until(&restarted.is_done);
    ck_assert_ptr_null(restarted.failure);
    ck_assert_uint_eq(process->restart_count, 2);
}
END_TEST

/* The next worker cannot even be run: the process is parked, and the reason is told. */
START_TEST(a_worker_that_cannot_be_started_is_told)
{
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    gh_free(&rig.pool->program);
    rig.pool->program = gh_strdup("/nonexistent/worker");
    restart(process, LONG_MS, &restarted);
    rig_run_until(&restarted.is_done);
    assert_contains(restarted.failure, "/nonexistent/worker");
    ck_assert_int_eq(process->state, GH_PROCESS_PARKED);
    ck_assert_ptr_null(process->restart);
}
END_TEST

START_TEST(a_starting_process_is_not_restarted)
{
    struct gh_process *process = start_process("silent", NULL);
    struct gh_err err;

    ck_assert_int_eq(gh_pool_restart(process, 0, take_answer, NULL, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "just starting");
}
END_TEST

START_TEST(a_parked_process_is_started)
{
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    while (process->state != GH_PROCESS_PARKED) {
        if (process->state == GH_PROCESS_READY)
            gh_worker_kill(process->worker);
        rig_turn();
    }
    restart(process, LONG_MS, &restarted);
    rig_run_until(&restarted.is_done);
    ck_assert_ptr_null(restarted.failure);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
}
END_TEST

START_TEST(removal_and_the_end_of_the_node_are_told)
{
    struct outcome open GH_SCOPED(outcome_done) = {0};
    struct outcome restarted GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    send_call(process, "never", NULL, &open);
    restart(process, LONG_MS, &restarted);
    if (_i == 0) {
        gh_pool_remove(process);
        ck_assert_str_eq(restarted.failure, "killed on request");
    } else {
        gh_pool_stop(rig.pool, 5000, rig_on_stopped, NULL);
        rig_run_until(&rig.is_stopped);
        ck_assert_str_eq(restarted.failure, "the node is stopping");
    }
    ck_assert_ptr_nonnull(open.failure);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, an_idle_worker_is_stopped_and_another_one_serves);
    tcase_add_test(tests, new_calls_are_refused_while_open_ones_end);
    tcase_add_test(tests, calls_that_go_on_too_long_fail);
    tcase_add_test(tests, a_worker_that_dies_meanwhile_is_replaced_once);
    tcase_add_test(tests, it_is_over_when_the_process_is_rebuilt);
    tcase_add_test(tests, a_worker_that_dies_while_it_is_rebuilt_is_followed_by_another);
    tcase_add_test(tests, a_worker_that_cannot_be_started_is_told);
    tcase_add_test(tests, a_starting_process_is_not_restarted);
    tcase_add_test(tests, a_parked_process_is_started);
    tcase_add_loop_test(tests, removal_and_the_end_of_the_node_are_told, 0, 2);
}

int
main(int argc, char **argv)
{
    if (is_fake_worker(argc, argv))
        return fake_worker(argc, argv);
    return run_tests("pool_restart", add);
}
