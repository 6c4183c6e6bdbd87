/* SPDX-License-Identifier: Apache-2.0 */
#include "api/inline_logs.h"

#include "pool/shm.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/runs_rig.h"
#include "wire/reply.h"

#define NAME "f_call@20240911@101112_000001"
#define RESULT "{\"data\":1,\"output_type\":\"result_serialized\",\"serialization\":null}"
#define WAIT_MS 20

static struct gh_api api;
static struct fake_request client;
static struct gh_run *run;            /* what forward.c holds of it */
static struct gh_request *front;      /* the request that the call is answered through */
static size_t unsent;                 /* what the client's sink says of its backlog */
static struct gh_request *front_slot; /* as forward.c holds it */

static size_t
write_slowly(struct gh_request *request, const void *bytes, size_t len)
{
    fake_write(request, bytes, len);
    return unsent += len;
}

static struct gh_sink slow_sink;

static void
set_up_call(void)
{
    set_up();
    settings.inline_logs_wait_ms = WAIT_MS;
    api = (struct gh_api){.loop = &loop, .settings = &settings, .runs = runs};
    fake_request_init(&client, GH_POST, "/f/call", strlen("/f/call"), "", 0);
    run = NULL;
    unsent = 0;
}

static void
tear_down_call(void)
{
    fake_request_done(&client);
    tear_down();
}

static void
begin_call(const char *name)
{
    run = begin(name);
    front = gh_inline_logs_wrap(&api, &client.request, run, slice(name), slice("key"));
    gh_request_hold(front, &front_slot);
}

static void
end_call(const char *body)
{
    front->sink->reply(front, 200, GH_JSON, (uint8_t *)gh_strdup(body), strlen(body));
    gh_run_end(run);
}

static void
let_time_pass(uint64_t ms)
{
    uint64_t end = uv_hrtime() + ms * 1000000;

    while (uv_hrtime() < end)
        uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT); /* what became due while others had the processor */
}

static void
run_until_answered(void)
{
    while (client.answers == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

static void
assert_answer(const char *expected, bool is_stream)
{
    ck_assert_uint_eq(client.answers, 1);
    ck_assert_uint_eq(client.status, 200);
    ck_assert(client.is_stream == is_stream && client.is_ended == is_stream);
    assert_slice(client.answer, expected);
    ck_assert_ptr_null(client.request.on_gone);
}

START_TEST(call_without_output_is_answered_at_once)
{
    begin_call(NAME);
    end_call(RESULT);
    assert_answer(RESULT, false);
}
END_TEST

START_TEST(call_that_printed_waits_and_is_then_a_stream)
{
    begin_call(NAME);
    write_text(run, "a\n");
    end_call(RESULT);
    ck_assert_uint_eq(client.answers, 0);
    run_until_answered();
    assert_answer(LINE("\"a\\n\"") RESULT "\n", true);
}
END_TEST

START_TEST(lines_come_as_they_are_written_after_the_wait)
{
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    assert_slice(client.answer, LINE("\"a\\n\""));
    write_text(run, "b\n");
    assert_slice(client.answer, LINE("\"a\\n\"") LINE("\"b\\n\""));
    end_call(RESULT);
    assert_answer(LINE("\"a\\n\"") LINE("\"b\\n\"") RESULT "\n", true);
}
END_TEST

START_TEST(first_output_after_the_wait_opens_the_stream)
{
    begin_call(NAME);
    let_time_pass(2 * WAIT_MS);
    ck_assert_uint_eq(client.answers, 0);
    write_text(run, "late\n");
    assert_slice(client.answer, LINE("\"late\\n\""));
    end_call(RESULT);
    assert_answer(LINE("\"late\\n\"") RESULT "\n", true);
}
END_TEST

START_TEST(silent_call_that_lasts_is_answered_plainly)
{
    begin_call(NAME);
    let_time_pass(2 * WAIT_MS);
    end_call(RESULT);
    assert_answer(RESULT, false);
}
END_TEST

/* ---- readers of /logs ---- */

START_TEST(reader_before_the_call_makes_it_plain)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    attach(&reader, NAME);
    begin_call(NAME);
    ck_assert_ptr_eq(front, &client.request);
    write_text(run, "a\n");
    end_call(RESULT);
    ck_assert_uint_eq(client.answers, 1);
    assert_slice(client.answer, RESULT);
    assert_slice(reader.lines, LINE("\"a\\n\""));
    ck_assert(reader.is_ended);
}
END_TEST

START_TEST(reader_in_time_makes_it_plain_for_good)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    begin_call(NAME);
    write_text(run, "a\n");
    attach(&reader, NAME);
    gh_run_reader_drop(reader.handle);
    let_time_pass(2 * WAIT_MS);
    write_text(run, "b\n");
    end_call(RESULT);
    assert_answer(RESULT, false);
}
END_TEST

START_TEST(reader_that_comes_while_the_answer_waits_frees_it)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    settings.inline_logs_wait_ms = 60000;
    begin_call(NAME);
    write_text(run, "a\n");
    end_call(RESULT);
    attach(&reader, NAME);
    assert_slice(reader.lines, LINE("\"a\\n\""));
    run_until_answered();
    assert_answer(RESULT, false);
    ck_assert(reader.is_ended);
}
END_TEST

START_TEST(reader_of_a_silent_call_comes_after_the_wait)
{
    struct reader reader GH_SCOPED(reader_done) = {0};

    begin_call(NAME);
    let_time_pass(2 * WAIT_MS);
    attach(&reader, NAME);
    write_text(run, "a\n");
    end_call(RESULT);
    assert_answer(RESULT, false);
    assert_slice(reader.lines, LINE("\"a\\n\""));
}
END_TEST

START_TEST(late_readers_of_a_streamed_run_get_its_lines)
{
    struct reader during GH_SCOPED(reader_done) = {0};
    struct reader after GH_SCOPED(reader_done) = {0};

    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    attach(&during, NAME);
    gh_run_reader_drop(during.handle);
    end_call(RESULT);
    assert_answer(LINE("\"a\\n\"") RESULT "\n", true);
    attach(&after, NAME);
    assert_slice(during.lines, LINE("\"a\\n\""));
    assert_slice(after.lines, LINE("\"a\\n\""));
    ck_assert(after.is_ended);
}
END_TEST

START_TEST(lines_of_a_second_call_of_that_name_are_in_both)
{
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    write_text(begin(NAME), "b\n");
    end_call(RESULT);
    assert_answer(LINE("\"a\\n\"") LINE("\"b\\n\"") RESULT "\n", true);
    gh_run_end(run);
}
END_TEST

/* ---- the next call of the same client ---- */

#define LONG_WAIT_MS 2000u

static uint64_t
time_of_printing_call(const char *name)
{
    uv_update_time(&loop);
    uint64_t start = uv_now(&loop);

    client.answers = 0;
    begin_call(name);
    write_text(run, "a\n");
    end_call(RESULT);
    run_until_answered();
    return uv_now(&loop) - start;
}

START_TEST(known_client_waits_less_unless_one_was_misjudged)
{
    struct gh_peer peer = {.takes_lines = false};
    struct reader late GH_SCOPED(reader_done) = {0};

    settings.inline_logs_wait_ms = LONG_WAIT_MS;
    client.request.peer = &peer;
    ck_assert_uint_ge(time_of_printing_call("f@1"), LONG_WAIT_MS);
    ck_assert(peer.takes_lines);
    ck_assert_uint_lt(time_of_printing_call("f@2"), LONG_WAIT_MS);
    attach(&late, "f@2");
    ck_assert_uint_ge(time_of_printing_call("f@3"), LONG_WAIT_MS);
}
END_TEST

/* ---- who is not concerned ---- */

START_TEST(others_are_answered_through_their_own_request)
{
    begin_call("f_call--20240911--101112_000001");
    ck_assert_ptr_eq(front, &client.request);
    gh_run_end(run);
    client.request.is_local = true;
    begin_call(NAME);
    ck_assert_ptr_eq(front, &client.request);
    gh_run_end(run);
    client.request.is_local = false;
    settings.inline_logs_wait_ms = 0;
    begin_call(NAME);
    ck_assert_ptr_eq(front, &client.request);
    gh_run_end(run);
}
END_TEST

/* ---- what else an answer can be ---- */

START_TEST(refusal_in_a_stream_is_an_exception_line)
{
    static const char refusal[] = "{\"detail\":\"no such thing\"}";

    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    front->sink->reply(front, 500, GH_JSON, (uint8_t *)gh_strdup(refusal), strlen(refusal));
    gh_run_end(run);
    ck_assert(client.is_ended);
    assert_contains(gh_buf_text(&client.answer), "RuntimeError: The call ended with status 500: {");
    assert_contains(gh_buf_text(&client.answer), "\"output_type\":\"exception\"");
}
END_TEST

START_TEST(busy_answer_keeps_its_retry_after)
{
    begin_call(NAME);
    gh_request_release(front);
    gh_run_end(run);
    gh_reply_busy(front, 7, "%s", "later");
    ck_assert_uint_eq(client.status, 503);
    ck_assert_uint_eq(client.request.retry_after_s, 7);
    ck_assert(!client.is_stream);
}
END_TEST

/* A sealed memfd of LEN bytes "x". */
static int
big_result(size_t len)
{
    char block[4096];
    struct gh_err err;
    int fd = gh_shm_open(&err);

    memset(block, 'x', sizeof block);
    for (size_t done = 0; done < len; done += sizeof block)
        ck_assert_int_eq(gh_shm_write(fd, block, sizeof block, &err), GH_OK);
    ck_assert_int_eq(gh_shm_seal(fd, &err), GH_OK);
    return fd;
}

#define BIG_BYTES (4u << 20)

START_TEST(result_in_shared_memory_is_sent_as_the_client_takes_it)
{
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    slow_sink = fake_sink;
    slow_sink.write = write_slowly;
    client.request.sink = &slow_sink;
    size_t lines_len = client.answer.len;
    front->sink->reply_fd(front, 200, GH_JSON, big_result(BIG_BYTES), BIG_BYTES);
    gh_run_end(run);
    while (!client.is_ended) {
        ck_assert_uint_lt(unsent, 1u << 20);
        size_t taken = unsent < 16384 ? unsent : 16384;
        unsent -= taken;
        client.request.on_sent(&client.request, client.request.on_gone_context, taken);
    }
    ck_assert_uint_eq(client.answer.len, lines_len + BIG_BYTES + 1);
    ck_assert_int_eq(client.answer.bytes[client.answer.len - 1], '\n');
    ck_assert_ptr_null(client.request.on_sent);
}
END_TEST

START_TEST(result_in_shared_memory_is_plain_without_output)
{
    begin_call(NAME);
    front->sink->reply_fd(front, 200, GH_JSON, big_result(4096), 4096);
    gh_run_end(run);
    ck_assert(!client.is_stream);
    ck_assert_uint_eq(client.answer.len, 4096);
}
END_TEST

START_TEST(slow_client_is_told_what_it_misses)
{
    char line[8192];

    memset(line, 'y', sizeof line);
    line[sizeof line - 1] = '\n';
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    slow_sink = fake_sink;
    slow_sink.write = write_slowly;
    client.request.sink = &slow_sink;
    for (int i = 0; i < 2048; i++)
        gh_run_write(run, GH_STREAM_STDOUT, line, sizeof line);
    ck_assert_uint_lt(client.answer.len, 5u << 20);
    end_call(RESULT);
    ck_assert(client.is_ended);
    assert_contains(gh_buf_text(&client.answer), "of output left out here");
    assert_contains(gh_buf_text(&client.answer), RESULT "\n");
}
END_TEST

/* ---- the client leaves ---- */

static void
leave(void)
{
    client.request.on_gone(&client.request, client.request.on_gone_context);
}

START_TEST(client_that_leaves_during_the_call_is_forgotten)
{
    begin_call(NAME);
    if (_i > 0)
        write_text(run, "a\n");
    if (_i > 1)
        run_until_answered();
    leave();
    ck_assert_ptr_null(front_slot); /* as forward.c sees it */
    write_text(run, "b\n");
    gh_run_end(run);
}
END_TEST

START_TEST(client_that_leaves_while_its_answer_waits_is_forgotten)
{
    begin_call(NAME);
    write_text(run, "a\n");
    if (_i == 0)
        end_call(RESULT);
    else {
        front->sink->reply_fd(front, 200, GH_JSON, big_result(4096), 4096);
        gh_run_end(run);
    }
    leave();
    let_time_pass(2 * WAIT_MS);
    ck_assert_uint_eq(client.answers, 0);
}
END_TEST

START_TEST(client_that_leaves_in_the_midst_of_its_result_is_forgotten)
{
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    slow_sink = fake_sink;
    slow_sink.write = write_slowly;
    client.request.sink = &slow_sink;
    front->sink->reply_fd(front, 200, GH_JSON, big_result(BIG_BYTES), BIG_BYTES);
    gh_run_end(run);
    ck_assert(!client.is_ended);
    leave();
}
END_TEST

START_TEST(daemon_that_ends_still_sends_the_result)
{
    begin_call(NAME);
    write_text(run, "a\n");
    run_until_answered();
    gh_runs_end_readers(runs);
    write_text(run, "b\n");
    end_call(RESULT);
    assert_answer(LINE("\"a\\n\"") RESULT "\n", true);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_call, tear_down_call);
    tcase_add_test(tests, call_without_output_is_answered_at_once);
    tcase_add_test(tests, call_that_printed_waits_and_is_then_a_stream);
    tcase_add_test(tests, lines_come_as_they_are_written_after_the_wait);
    tcase_add_test(tests, first_output_after_the_wait_opens_the_stream);
    tcase_add_test(tests, silent_call_that_lasts_is_answered_plainly);
    tcase_add_test(tests, reader_before_the_call_makes_it_plain);
    tcase_add_test(tests, reader_in_time_makes_it_plain_for_good);
    tcase_add_test(tests, reader_that_comes_while_the_answer_waits_frees_it);
    tcase_add_test(tests, reader_of_a_silent_call_comes_after_the_wait);
    tcase_add_test(tests, late_readers_of_a_streamed_run_get_its_lines);
    tcase_add_test(tests, lines_of_a_second_call_of_that_name_are_in_both);
    tcase_add_test(tests, known_client_waits_less_unless_one_was_misjudged);
    tcase_add_test(tests, others_are_answered_through_their_own_request);
    tcase_add_test(tests, refusal_in_a_stream_is_an_exception_line);
    tcase_add_test(tests, busy_answer_keeps_its_retry_after);
    tcase_add_test(tests, result_in_shared_memory_is_sent_as_the_client_takes_it);
    tcase_add_test(tests, result_in_shared_memory_is_plain_without_output);
    tcase_add_test(tests, slow_client_is_told_what_it_misses);
    tcase_add_loop_test(tests, client_that_leaves_during_the_call_is_forgotten, 0, 3);
    tcase_add_loop_test(tests, client_that_leaves_while_its_answer_waits_is_forgotten, 0, 2);
    tcase_add_test(tests, client_that_leaves_in_the_midst_of_its_result_is_forgotten);
    tcase_add_test(tests, daemon_that_ends_still_sends_the_result);
}

int
main(void)
{
    return run_tests("api_inline_logs", add);
}
