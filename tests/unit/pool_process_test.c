/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_worker.h"
#include "tests/unit/pool_rig.h"

/* Loop time at which a process was parked, moved back so that it is due to be tried again. */
#define PARK_MS 30000u

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

/* Turn until STATE is reached. */
static void
run_until_state(const struct gh_process *process, enum gh_process_state state)
{
    while (process->state != state)
        rig_turn();
}

START_TEST(process_is_ready_once_its_worker_says_so)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = start_process("serves", &ready);

    ck_assert_int_eq(process->state, GH_PROCESS_STARTING);
    ck_assert_uint_eq(rig.started_count, 1);
    rig_run_until(&ready.is_done);
    ck_assert_ptr_null(ready.failure);
    ck_assert_uint_eq(ready.status, 200);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
    ck_assert_str_eq(process->version, "3.99");
    ck_assert_str_eq(process->executable, "/fake/python");
    ck_assert_uint_eq(process->call_count, 0);
}
END_TEST

/* Calls may be made before the worker is ready: the socket keeps their order. */
START_TEST(early_calls_are_answered_in_order)
{
    struct outcome outcomes[20];
    struct gh_process *process = start_process("serves", NULL);
    char text[8];

    memset(outcomes, 0, sizeof outcomes);
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        snprintf(text, sizeof text, "%zu", i);
        send_call(process, "echo", text, &outcomes[i]);
    }
    ck_assert_uint_eq(process->call_count, COUNT(outcomes) + 1);
    rig_run_until(&outcomes[COUNT(outcomes) - 1].is_done);
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        snprintf(text, sizeof text, "%zu", i);
        assert_slice(outcomes[i].body, text);
        ck_assert_uint_eq(outcomes[i].order, i + 1);
        outcome_done(&outcomes[i]);
    }
}
END_TEST

START_TEST(worker_that_cannot_start_is_tried_twice_and_parked)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct outcome refused GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = start_process("no_start", &ready);
    struct gh_err err;

    rig_run_until(&ready.is_done);
    assert_contains(ready.failure, "could not start (exit code 4)");
    assert_contains(ready.failure, "cannot import name");
    run_until_state(process, GH_PROCESS_PARKED);
    ck_assert_uint_eq(rig.died_count, 2);
    ck_assert_uint_eq(process->restart_count, 1);

    ck_assert_int_eq(send_order(process, GH_FRAME_CALL, "k", "m", NULL, &refused, &err),
                     GH_E_SYSTEM);
    assert_contains(err.text, "Process no_start is not running");
    assert_contains(err.text, "exit code 4");
    ck_assert(!refused.is_done);
}
END_TEST

START_TEST(process_that_never_served_is_forgotten_when_asked)
{
    static const char *const names[] = {"no_start", "says_failed", "wrong_protocol"};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct outcome ready GH_SCOPED(outcome_done) = {0};
        struct gh_process_spec spec = process_spec(names[i]);
        struct gh_err err;

        spec.is_forgotten_on_failure = true;
        ck_assert_int_eq(gh_pool_start(rig.pool, &spec, take_answer, &ready, &err), GH_OK);
        rig_run_until(&ready.is_done);
        assert_contains(ready.failure, "could not start");
        ck_assert_ptr_null(gh_pool_find(rig.pool, names[i]));
        ck_assert_uint_eq(rig.removed_count, i + 1);
    }
    ck_assert_uint_eq(rig.died_count, 0);
}
END_TEST

START_TEST(process_that_served_once_is_not_forgotten)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct outcome dying GH_SCOPED(outcome_done) = {0};
    struct gh_process_spec spec = process_spec("serves");
    struct gh_err err;

    spec.is_forgotten_on_failure = true;
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, take_answer, &ready, &err), GH_OK);
    rig_run_until(&ready.is_done);
    struct gh_process *process = gh_pool_find(rig.pool, "serves");
    call_and_wait(process, "kill", NULL, &dying);
    ck_assert_ptr_eq(gh_pool_find(rig.pool, "serves"), process);
    run_until_state(process, GH_PROCESS_READY);
}
END_TEST

START_TEST(parked_process_is_started_again_on_request)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");
    struct gh_err err;

    for (unsigned death = 1; death <= 5; death++) {
        struct outcome dying GH_SCOPED(outcome_done) = {0};
        run_until_state(process, GH_PROCESS_READY);
        call_and_wait(process, "kill", NULL, &dying);
    }
    ck_assert_int_eq(process->state, GH_PROCESS_PARKED);
    ck_assert_int_eq(gh_pool_unpark(process, take_answer, &ready, &err), GH_OK);
    rig_run_until(&ready.is_done);
    ck_assert_ptr_null(ready.failure);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
    ck_assert_uint_eq(process->deaths, 0);
}
END_TEST

START_TEST(parked_process_is_tried_again_when_due)
{
    struct gh_process *process = start_process("no_start", NULL);
    struct gh_err err;

    run_until_state(process, GH_PROCESS_PARKED);
    process->parked_ms -= PARK_MS - 10000;
    ck_assert_int_eq(send_order(process, GH_FRAME_CALL, "k", "m", NULL, NULL, &err), GH_E_SYSTEM);
    process->parked_ms -= 10000;
    ck_assert_int_eq(send_order(process, GH_FRAME_CALL, "k", "m", NULL, NULL, &err), GH_OK);
    ck_assert_int_eq(process->state, GH_PROCESS_STARTING);
    run_until_state(process, GH_PROCESS_PARKED);
}
END_TEST

static const struct {
    const char *process, *failure, *reason;
} reasons[] = {
    {"says_failed", "no interpreter here", "no interpreter here"},
    {"says_failed_and_stays", "no interpreter here", "no interpreter here"},
    {"wrong_protocol", "speaks protocol 99", "daemon speaks 1"},
};

START_TEST(reason_of_a_worker_that_gives_up_is_told)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = start_process(reasons[_i].process, &ready);

    rig_run_until(&ready.is_done);
    assert_contains(ready.failure, reasons[_i].failure);
    ck_assert_int_eq(process->state, GH_PROCESS_PARKED);
    assert_contains(process->park_reason, reasons[_i].reason);
    ck_assert_ptr_null(process->worker);
    ck_assert_uint_eq(rig.died_count, 1);
}
END_TEST

START_TEST(worker_that_is_not_ready_in_time_is_killed)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};

    rig.settings.start_timeout_ms = 100;
    start_process("silent", &ready);
    rig_run_until(&ready.is_done);
    assert_contains(ready.failure, "could not start (signal 9, SIGKILL)");
}
END_TEST

START_TEST(death_answers_the_calls_and_the_next_one_works)
{
    static const struct {
        const char *method, *how;
    } deaths[] = {{"kill", "signal 9, SIGKILL"},
                  {"exit", "exit code 3"},
                  {"close", "signal 9, SIGKILL"}, /* of ours, since it closed its socket */
                  {"garbage", "signal 9, SIGKILL"}};
    struct outcome waiting GH_SCOPED(outcome_done) = {0};
    struct outcome dying GH_SCOPED(outcome_done) = {0};
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    send_call(process, "never", NULL, &waiting);
    send_call(process, deaths[_i].method, NULL, &dying);
    rig_run_until(&dying.is_done);
    ck_assert(waiting.is_done);
    ck_assert_uint_eq(waiting.order + 1, dying.order);
    assert_contains(waiting.failure, "Process serves died while running key.never");
    assert_contains(dying.failure, deaths[_i].how);
    if (_i == 1)
        assert_contains(dying.failure, "Its last output:\nfirst\nlast words");

    ck_assert_uint_eq(rig.died_count, 1);
    ck_assert_uint_eq(process->restart_count, 1);
    ck_assert_uint_eq(rig.started_count, 2);
    call_and_wait(process, "echo", "1", &next);
    assert_slice(next.body, "1");
}
END_TEST

/* The first restart is at once, the next ones wait, the fifth death in ten seconds parks. */
START_TEST(repeated_deaths_are_slowed_and_then_parked)
{
    struct gh_process *process = ready_process("serves");

    for (unsigned death = 1; death <= 5; death++) {
        struct outcome dying GH_SCOPED(outcome_done) = {0};
        run_until_state(process, GH_PROCESS_READY);
        call_and_wait(process, "kill", NULL, &dying);
        ck_assert_int_eq(process->state, death == 1  ? GH_PROCESS_STARTING
                                         : death < 5 ? GH_PROCESS_WAITING
                                                     : GH_PROCESS_PARKED);
    }
    assert_contains(process->park_reason, "died 5 times");
    ck_assert_uint_eq(process->restart_count, 4);
}
END_TEST

START_TEST(call_does_not_wait_for_the_delay_of_a_restart)
{
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    for (unsigned death = 1; death <= 2; death++) {
        struct outcome dying GH_SCOPED(outcome_done) = {0};
        run_until_state(process, GH_PROCESS_READY);
        call_and_wait(process, "kill", NULL, &dying);
    }
    ck_assert_int_eq(process->state, GH_PROCESS_WAITING);
    send_call(process, "echo", "1", &next);
    ck_assert_int_eq(process->state, GH_PROCESS_STARTING);
    rig_run_until(&next.is_done);
    assert_slice(next.body, "1");
}
END_TEST

/* Answers to a death that call again: refused, since their worker is gone and the next is not there. */
static int rc_in_answer;
static struct gh_err err_in_answer;

static void
call_again(struct gh_call *call, const struct gh_answer *answer)
{
    struct outcome *outcome = call->context;

    ck_assert_ptr_nonnull(answer->failure);
    rc_in_answer = send_order(call->process, GH_FRAME_CALL, "k", "m", NULL, NULL, &err_in_answer);
    outcome->is_done = true;
}

START_TEST(call_made_while_calls_fail_is_refused)
{
    struct outcome outcome = {0};
    struct gh_process *process = ready_process("serves");
    struct gh_call_order order = {.kind = GH_FRAME_CALL,
                                  .head.method = {"kill", 4},
                                  .fd = -1,
                                  .on_done = call_again,
                                  .context = &outcome};

    ck_assert_int_eq(gh_pool_call(process, &order, NULL, NULL), GH_OK);
    rig_run_until(&outcome.is_done);
    ck_assert_int_eq(rc_in_answer, GH_E_NO_ROOM);
    assert_contains(err_in_answer.text, "restarting");
    run_until_state(process, GH_PROCESS_READY);
}
END_TEST

START_TEST(refused_caller_is_told_when_to_come_again)
{
    struct gh_process *process = start_process("says_failed", NULL);

    ck_assert_uint_eq(gh_pool_retry_after_s(process), 1);
    run_until_state(process, GH_PROCESS_PARKED);
    ck_assert_uint_ge(gh_pool_retry_after_s(process), 29);
    ck_assert_uint_le(gh_pool_retry_after_s(process), 31);
    process->parked_ms -= PARK_MS / 2;
    ck_assert_uint_le(gh_pool_retry_after_s(process), 16);
    process->parked_ms -= PARK_MS / 2;
    ck_assert_uint_eq(gh_pool_retry_after_s(process), 1);
    while (process->worker)
        rig_turn();
}
END_TEST

/* Between the start of a worker and gh_pool_rebuilt, other calls wait, also when they came first. */
START_TEST(calls_wait_until_the_process_is_rebuilt)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};
    struct outcome call GH_SCOPED(outcome_done) = {0};
    struct outcome load GH_SCOPED(outcome_done) = {0};
    struct gh_call_order order = {.kind = GH_FRAME_LOAD,
                                  .head.key = {"k", 1},
                                  .fd = -1,
                                  .is_rebuilding = true,
                                  .on_done = take_answer,
                                  .context = &load};

    rig.holds_calls = true;
    struct gh_process *process = start_process("serves", &ready);
    send_call(process, "echo", "1", &call);
    rig_run_until(&ready.is_done);
    ck_assert_int_eq(gh_pool_call(process, &order, NULL, NULL), GH_OK);
    rig_run_until(&load.is_done);
    ck_assert(!call.is_done);
    gh_pool_rebuilt(process);
    rig_run_until(&call.is_done);
    ck_assert_uint_lt(load.order, call.order);
}
END_TEST

/* What its env is made of is not there yet. */
START_TEST(held_process_starts_when_it_is_let_go)
{
    struct outcome call GH_SCOPED(outcome_done) = {0};
    struct gh_process_spec spec = process_spec("serves");
    struct gh_err err = {0};

    spec.held = "env ml is being made";
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, NULL, NULL, &err), GH_OK);
    struct gh_process *process = gh_pool_find(rig.pool, "serves");
    ck_assert_int_eq(process->state, GH_PROCESS_HELD);
    ck_assert_int_eq(send_order(process, GH_FRAME_CALL, "key", "echo", "x", NULL, &err),
                     GH_E_SYSTEM);
    ck_assert_str_eq(err.text, "Process serves has not started: env ml is being made");
    gh_pool_hold_on(process, "env ml failed");
    ck_assert_int_eq(gh_pool_restart(process, 0, NULL, NULL, &err), GH_E_NO_ROOM);
    ck_assert_str_eq(err.text, "Process serves has not started: env ml failed");
    ck_assert_ptr_null(process->worker);

    ck_assert_int_eq(gh_pool_let_go(process, "/some/python", &err), GH_OK);
    ck_assert_str_eq(process->python, "/some/python");
    call_and_wait(process, "echo", "x", &call);
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
    gh_pool_hold_on(process, "too late");
    ck_assert_int_eq(process->state, GH_PROCESS_READY);
}
END_TEST

START_TEST(held_process_can_be_removed)
{
    struct gh_process_spec spec = process_spec("serves");
    struct gh_err err = {0};

    spec.held = "env ml is being made";
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, NULL, NULL, &err), GH_OK);
    gh_pool_remove(gh_pool_find(rig.pool, "serves"));
    ck_assert_ptr_null(gh_pool_find(rig.pool, "serves"));
}
END_TEST

START_TEST(name_is_taken_once)
{
    struct gh_err err;

    ready_process("serves");
    struct gh_process_spec spec = process_spec("serves");
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, NULL, NULL, &err), GH_E_INPUT);
    assert_contains(err.text, "serves exists already");
    ck_assert_uint_eq(rig.pool->process_count, 1);
}
END_TEST

START_TEST(removed_process_fails_its_calls_and_is_forgotten)
{
    struct outcome waiting GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    send_call(process, "never", NULL, &waiting);
    gh_pool_flush(rig.pool);
    gh_pool_remove(process);
    ck_assert(waiting.is_done);
    assert_contains(waiting.failure, "killed on request");
    ck_assert_uint_eq(rig.removed_count, 1);
    ck_assert_ptr_null(gh_pool_find(rig.pool, "serves"));
    ck_assert_ptr_null(gh_pool_first(rig.pool));

    /* and its name is free again */
    struct outcome next GH_SCOPED(outcome_done) = {0};
    call_and_wait(ready_process("serves"), "echo", "2", &next);
    assert_slice(next.body, "2");
}
END_TEST

START_TEST(process_can_be_removed_before_it_is_ready)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};

    gh_pool_remove(start_process(_i ? "silent" : "serves", &ready));
    ck_assert(ready.is_done);
    assert_contains(ready.failure, "killed on request");
}
END_TEST

/* Answers to calls that ended or never were, bad lengths, an unsealed memfd, a status that is none:
 * said in the log, and the one open call is answered by the one good result. */
START_TEST(odd_frames_of_a_worker_harm_nobody)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    call_and_wait(process, "odd", NULL, &outcome);
    assert_slice(outcome.body, "odd");
    ck_assert_uint_eq(outcome.status, 500);
    call_and_wait(process, "echo", "1", &next);
    assert_slice(next.body, "1");
}
END_TEST

START_TEST(logs_reach_the_call_that_wrote_them)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};

    call_and_wait(ready_process("serves"), "log", "1", &outcome);
    assert_slice(outcome.log, "1out;2err;");
}
END_TEST

START_TEST(raised_and_memfd_answers_come_as_such)
{
    struct outcome raised GH_SCOPED(outcome_done) = {0};
    struct outcome memfd GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");

    call_and_wait(process, "raise", NULL, &raised);
    ck_assert_uint_eq(raised.status, 500);
    ck_assert_uint_eq(raised.outcome, GH_OUTCOME_RAISED);
    assert_slice(raised.body, "{\"detail\":\"raised\"}");
    call_and_wait(process, "memfd", "\"large\"", &memfd);
    ck_assert(memfd.was_memfd);
    assert_slice(memfd.body, "\"large\"");
}
END_TEST

START_TEST(keys_are_reported_with_the_call_that_put_them)
{
    struct outcome put GH_SCOPED(outcome_done) = {0};
    struct outcome gone GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("serves");
    struct gh_err err;

    ck_assert_int_eq(send_order(process, GH_FRAME_PUT_OBJECT, "mine", "", "1", &put, &err), GH_OK);
    rig_run_until(&put.is_done);
    ck_assert_int_eq(send_order(process, GH_FRAME_DELETE, "mine", "", NULL, &gone, &err), GH_OK);
    rig_run_until(&gone.is_done);
    assert_contains(gh_buf_text(&rig.events), "put serves mine {\"key\": \"mine\"");
    assert_contains(gh_buf_text(&rig.events), ";gone serves mine;");
}
END_TEST

START_TEST(worker_does_not_see_what_is_the_daemons_own)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};

    setenv("RH_TOKEN", "secret", 1);
    setenv("GH_TEST_MARK", "passed", 1);
    struct gh_process *process = ready_process("serves");
    unsetenv("RH_TOKEN");
    unsetenv("GH_TEST_MARK");
    call_and_wait(process, "env", NULL, &outcome);
    assert_slice(outcome.body, "passed");
}
END_TEST

START_TEST(long_output_is_read_and_does_not_block_the_worker)
{
    struct gh_process *process = ready_process("serves");

    for (int i = 0; i < 100; i++) { /* more than a pipe holds */
        struct outcome outcome GH_SCOPED(outcome_done) = {0};
        call_and_wait(process, "print", NULL, &outcome);
        ck_assert_ptr_null(outcome.failure);
    }
}
END_TEST

START_TEST(stop_ends_workers_and_their_calls)
{
    struct outcome waiting GH_SCOPED(outcome_done) = {0};

    send_call(ready_process("serves"), "never", NULL, &waiting);
    ready_process("second");
    gh_pool_stop(rig.pool, 5000, rig_on_stopped, NULL);
    rig_run_until(&rig.is_stopped);
    assert_contains(waiting.failure, "the node is stopping");
    ck_assert_ptr_null(gh_pool_first(rig.pool));
}
END_TEST

START_TEST(stop_kills_what_does_not_end)
{
    ready_process("stubborn");
    if (_i == 0) {
        gh_pool_stop(rig.pool, 1, rig_on_stopped, NULL);
    } else {
        gh_pool_stop(rig.pool, 600000, rig_on_stopped, NULL);
        gh_pool_kill_all(rig.pool);
    }
    rig_run_until(&rig.is_stopped);
}
END_TEST

START_TEST(program_that_cannot_be_run_is_an_error_at_once)
{
    struct gh_err err;

    gh_free(&rig.pool->program);
    rig.pool->program = gh_strdup("/nonexistent/gatehouse-worker");
    struct gh_process_spec spec = process_spec("p");
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, NULL, NULL, &err), GH_E_SYSTEM);
    assert_contains(err.text, "process p: starting /nonexistent/gatehouse-worker: ");
    ck_assert_ptr_null(gh_pool_find(rig.pool, "p"));
    ck_assert_uint_eq(rig.pool->worker_count, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, process_is_ready_once_its_worker_says_so);
    tcase_add_test(tests, early_calls_are_answered_in_order);
    tcase_add_test(tests, worker_that_cannot_start_is_tried_twice_and_parked);
    tcase_add_test(tests, process_that_never_served_is_forgotten_when_asked);
    tcase_add_test(tests, process_that_served_once_is_not_forgotten);
    tcase_add_test(tests, parked_process_is_started_again_on_request);
    tcase_add_test(tests, parked_process_is_tried_again_when_due);
    tcase_add_loop_test(tests, reason_of_a_worker_that_gives_up_is_told, 0, (int)COUNT(reasons));
    tcase_add_test(tests, worker_that_is_not_ready_in_time_is_killed);
    tcase_add_loop_test(tests, death_answers_the_calls_and_the_next_one_works, 0, 4);
    tcase_add_test(tests, repeated_deaths_are_slowed_and_then_parked);
    tcase_add_test(tests, call_does_not_wait_for_the_delay_of_a_restart);
    tcase_add_test(tests, call_made_while_calls_fail_is_refused);
    tcase_add_test(tests, refused_caller_is_told_when_to_come_again);
    tcase_add_test(tests, calls_wait_until_the_process_is_rebuilt);
    tcase_add_test(tests, held_process_starts_when_it_is_let_go);
    tcase_add_test(tests, held_process_can_be_removed);
    tcase_add_test(tests, name_is_taken_once);
    tcase_add_test(tests, removed_process_fails_its_calls_and_is_forgotten);
    tcase_add_loop_test(tests, process_can_be_removed_before_it_is_ready, 0, 2);
    tcase_add_test(tests, odd_frames_of_a_worker_harm_nobody);
    tcase_add_test(tests, logs_reach_the_call_that_wrote_them);
    tcase_add_test(tests, raised_and_memfd_answers_come_as_such);
    tcase_add_test(tests, keys_are_reported_with_the_call_that_put_them);
    tcase_add_test(tests, worker_does_not_see_what_is_the_daemons_own);
    tcase_add_test(tests, long_output_is_read_and_does_not_block_the_worker);
    tcase_add_test(tests, stop_ends_workers_and_their_calls);
    tcase_add_loop_test(tests, stop_kills_what_does_not_end, 0, 2);
    tcase_add_test(tests, program_that_cannot_be_run_is_an_error_at_once);
}

int
main(int argc, char **argv)
{
    if (is_fake_worker(argc, argv))
        return fake_worker(argc, argv);
    return run_tests("pool_process", add);
}
