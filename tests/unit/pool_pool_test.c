/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool with gatehouse-worker and the echo runtime: frames through a real worker and back. */
#include "pool/shm.h"
#include "tests/unit/pool_rig.h"

static void
set_up(void)
{
    rig_up(NULL);
    rig_use_echo();
}

static void
tear_down(void)
{
    rig_down();
}

START_TEST(call_comes_back_with_its_data)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};
    struct outcome empty GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("one");

    call_and_wait(process, "echo", "{\"a\": 1}", &outcome);
    assert_slice(outcome.body, "{\"a\": 1}");
    ck_assert_uint_eq(outcome.status, 200);
    call_and_wait(process, "echo", NULL, &empty);
    assert_slice(empty.body, "null");
}
END_TEST

START_TEST(open_call_shows_what_was_asked)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("one");
    struct gh_process *other = ready_process("other");
    struct gh_call_order order = {.kind = GH_FRAME_CALL,
                                  .head = {.key = {"a key", 5}, .run_name = {"r", 1}},
                                  .fd = -1,
                                  .on_done = take_answer,
                                  .context = &outcome};
    struct gh_call *call;

    ck_assert_int_eq(gh_pool_call(process, &order, &call, NULL), GH_OK);
    ck_assert_str_eq(call->key, "a key");
    ck_assert_str_eq(call->method, "");
    ck_assert_str_eq(call->run_name, "r");
    ck_assert_str_eq(call->request_id, "");
    ck_assert(call->started_unix_s > 1.7e9);
    ck_assert_ptr_eq(gh_pool_open_call(process, call->id), call);
    ck_assert_ptr_null(gh_pool_open_call(other, call->id));
    ck_assert_ptr_eq(gh_pool_find_call(process->pool, call->id), call);
    ck_assert_ptr_null(gh_pool_find_call(process->pool, call->id + (1ull << 32)));
    ck_assert_ptr_eq(process->calls, call);
    rig_run_until(&outcome.is_done);
    ck_assert_ptr_null(process->calls);
}
END_TEST

START_TEST(ids_are_never_used_again)
{
    struct outcome outcomes[200];
    uint64_t ids[COUNT(outcomes)];
    struct gh_process *process = ready_process("one");

    memset(outcomes, 0, sizeof outcomes);
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        struct gh_call_order order = {
            .kind = GH_FRAME_CALL, .fd = -1, .on_done = take_answer, .context = &outcomes[i]};
        struct gh_call *call;
        ck_assert_int_eq(gh_pool_call(process, &order, &call, NULL), GH_OK);
        ids[i] = call->id;
        ck_assert_uint_ne(call->id, 0);
        for (size_t k = 0; k < i; k++)
            ck_assert_uint_ne(ids[k], ids[i]);
        if (i % 3 == 2)
            rig_run_until(&outcomes[i].is_done);
    }
    rig_run_until(&outcomes[COUNT(outcomes) - 1].is_done);
    for (size_t i = 0; i < COUNT(outcomes); i++) {
        ck_assert_ptr_null(gh_pool_find_call(process->pool, ids[i]));
        outcome_done(&outcomes[i]);
    }
    ck_assert_ptr_null(gh_pool_open_call(process, 0));
    ck_assert_ptr_null(gh_pool_open_call(process, UINT64_MAX));
}
END_TEST

/* The data is a slice of a memfd: the worker answers with that slice, not with the whole. */
START_TEST(data_can_be_a_slice_of_a_memfd)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("one");
    struct gh_err err;
    size_t len = (2u << 20) + 7;
    char *body GH_SCOPED(gh_free) = gh_alloc(len);

    for (size_t i = 0; i < len; i++)
        body[i] = (char)('a' + i % 23);
    int fd = gh_shm_open(&err);
    ck_assert_int_eq(gh_shm_write(fd, body, len, &err), GH_OK);
    ck_assert_int_eq(gh_shm_seal(fd, &err), GH_OK);
    struct gh_call_order order = {
        .kind = GH_FRAME_CALL,
        .head = {.key = {"k", 1}, .data_offset = _i ? 3 : 0, .data_len = _i ? len - 5 : len},
        .fd = fd,
        .on_done = take_answer,
        .context = &outcome};

    ck_assert_int_eq(gh_pool_call(process, &order, NULL, &err), GH_OK);
    rig_run_until(&outcome.is_done);
    ck_assert(outcome.was_memfd);
    ck_assert_uint_eq(outcome.body.len, order.head.data_len);
    ck_assert_mem_eq(outcome.body.bytes, body + order.head.data_offset, outcome.body.len);
}
END_TEST

/* Inline data over what a frame takes goes into a memfd on the way, with one below and one above. */
START_TEST(long_inline_data_arrives)
{
    struct outcome outcome GH_SCOPED(outcome_done) = {0};
    size_t len = _i == 3 ? 3u << 20 : GH_FRAME_INLINE_MAX_BYTES - 1 + (size_t)_i;
    char *data GH_SCOPED(gh_free) = gh_alloc(len + 1);

    memset(data, '7', len);
    call_and_wait(ready_process("one"), "echo", data, &outcome);
    ck_assert_uint_eq(outcome.body.len, len);
    ck_assert_mem_eq(outcome.body.bytes, data, len);
}
END_TEST

START_TEST(open_calls_have_a_limit)
{
    struct outcome outcomes[4];
    struct gh_process *process = ready_process("one");
    struct gh_err err;

    memset(outcomes, 0, sizeof outcomes);
    rig.settings.calls_in_flight_max = 3;
    for (int i = 0; i < 3; i++)
        send_call(process, "echo", NULL, &outcomes[i]);
    int fd = gh_shm_open(&err);
    struct gh_call_order order = {.kind = GH_FRAME_CALL, .fd = fd};
    ck_assert_int_eq(gh_pool_call(process, &order, NULL, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "Process one has 3 calls open (calls_in_flight_max)");

    rig_run_until(&outcomes[2].is_done);
    call_and_wait(process, "echo", "4", &outcomes[3]); /* there is room again */
    for (int i = 0; i < 4; i++)
        outcome_done(&outcomes[i]);
}
END_TEST

START_TEST(unsent_bytes_have_a_limit)
{
    struct gh_process *process = ready_process("one");
    size_t len = 200000;
    char *data GH_SCOPED(gh_free) = gh_alloc(len + 1);
    struct outcome outcomes[10];
    struct gh_err err = {0};
    int sent = 0, rc = GH_OK;

    memset(outcomes, 0, sizeof outcomes);
    memset(data, '1', len);
    rig.settings.channel_backlog_bytes = 1000000;
    while (sent < 10 && rc == GH_OK) {
        rc = send_order(process, GH_FRAME_CALL, "k", "echo", data, &outcomes[sent], &err);
        sent += rc == GH_OK;
    }
    ck_assert_int_eq(sent, 5); /* one more after the limit was passed would be the sixth */
    ck_assert_int_eq(rc, GH_E_NO_ROOM);
    assert_contains(err.text, "channel_backlog_bytes");
    rig_run_until(&outcomes[sent - 1].is_done);
    for (int i = 0; i < sent; i++) {
        ck_assert_uint_eq(outcomes[i].body.len, len);
        outcome_done(&outcomes[i]);
    }
}
END_TEST

START_TEST(processes_have_a_limit_and_an_order)
{
    struct gh_err err;

    rig.settings.processes_max = 2;
    struct gh_process *one = ready_process("one");
    struct gh_process *two = ready_process("two");
    struct gh_process_spec spec = process_spec("three");
    ck_assert_int_eq(gh_pool_start(rig.pool, &spec, NULL, NULL, &err), GH_E_NO_ROOM);
    assert_contains(err.text, "processes_max");
    ck_assert_ptr_eq(gh_pool_first(rig.pool), one);
    ck_assert_ptr_eq(one->next, two);
    ck_assert_ptr_eq(gh_pool_find(rig.pool, "two"), two);
    ck_assert_ptr_null(gh_pool_find(rig.pool, "three"));
    gh_pool_remove(one);
    ready_process("three");
}
END_TEST

START_TEST(paths_and_variables_are_kept_once)
{
    gh_pool_add_path(rig.pool, "/a");
    gh_pool_add_path(rig.pool, "/b");
    gh_pool_add_path(rig.pool, "/a");
    gh_pool_set_env(rig.pool, "A", "1");
    gh_pool_set_env(rig.pool, "A", "2");
    char *paths GH_SCOPED(gh_free) = json_dumps(rig.pool->paths, JSON_COMPACT);
    char *env GH_SCOPED(gh_free) = json_dumps(rig.pool->env, JSON_COMPACT);

    ck_assert_str_eq(paths, "[\"/a\",\"/b\"]");
    ck_assert_str_eq(env, "{\"A\":\"2\"}");
    ready_process("one"); /* HELLO has them; a bad one would end the worker */
}
END_TEST

START_TEST(echo_can_crash_and_is_there_again)
{
    struct outcome dying GH_SCOPED(outcome_done) = {0};
    struct outcome exiting GH_SCOPED(outcome_done) = {0};
    struct outcome next GH_SCOPED(outcome_done) = {0};
    struct gh_process *process = ready_process("one");

    call_and_wait(process, "crash", NULL, &dying);
    assert_contains(dying.failure, "signal 6, SIGABRT");
    while (process->state != GH_PROCESS_READY)
        rig_turn();
    call_and_wait(process, "exit", "7", &exiting);
    assert_contains(exiting.failure, "exit code 7");
    while (process->state != GH_PROCESS_READY)
        rig_turn();
    call_and_wait(process, "echo", "1", &next);
    assert_slice(next.body, "1");
}
END_TEST

START_TEST(stop_of_an_empty_pool_is_done_at_once)
{
    gh_pool_stop(rig.pool, 1000, rig_on_stopped, NULL);
    ck_assert(rig.is_stopped);
}
END_TEST

START_TEST(runtime_that_does_not_exist_is_named)
{
    struct outcome ready GH_SCOPED(outcome_done) = {0};

    gh_free(&rig.pool->module_dir);
    rig.pool->module_dir = gh_strdup("/nonexistent");
    start_process("one", &ready);
    rig_run_until(&ready.is_done);
    assert_contains(ready.failure, "cannot load the runtime 'python'");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, call_comes_back_with_its_data);
    tcase_add_test(tests, open_call_shows_what_was_asked);
    tcase_add_test(tests, ids_are_never_used_again);
    tcase_add_loop_test(tests, data_can_be_a_slice_of_a_memfd, 0, 2);
    tcase_add_loop_test(tests, long_inline_data_arrives, 0, 4);
    tcase_add_test(tests, open_calls_have_a_limit);
    tcase_add_test(tests, unsent_bytes_have_a_limit);
    tcase_add_test(tests, processes_have_a_limit_and_an_order);
    tcase_add_test(tests, paths_and_variables_are_kept_once);
    tcase_add_test(tests, echo_can_crash_and_is_there_again);
    tcase_add_test(tests, stop_of_an_empty_pool_is_done_at_once);
    tcase_add_test(tests, runtime_that_does_not_exist_is_named);
}

int
main(void)
{
    return run_tests("pool_pool", add);
}
