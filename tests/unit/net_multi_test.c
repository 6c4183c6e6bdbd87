/* SPDX-License-Identifier: Apache-2.0
 *
 * Many questions at once: connections, turns, cancelling, and the end while some are open. */
#include "tests/unit/net_rig.h"

START_TEST(connection_is_used_again)
{
    get("/hello");
    for (unsigned i = 1; i < 20; i++) {
        struct gh_net_order order = order_of("/hello");
        ask(&seen[i], &order);
        run_until(i + 1);
    }
    ck_assert_uint_eq(server.connections, 1);
    ck_assert_uint_eq(server.requests, 20);
}
END_TEST

START_TEST(many_at_once_are_all_answered)
{
    struct gh_net_order order = order_of("/hello");

    for (unsigned i = 0; i < 500; i++)
        ask(&seen[i], &order);
    run_until(500);
    for (unsigned i = 0; i < 500; i++) {
        ck_assert_uint_eq(seen[i].calls, 1);
        ck_assert_uint_eq(seen[i].status, 200);
    }
    ck_assert_uint_le(server.connections, GH_NET_OPEN_MAX);
}
END_TEST

START_TEST(no_more_than_some_are_open_and_some_wait)
{
    unsigned room = GH_NET_OPEN_MAX + GH_NET_WAITING_MAX;

    get("/hello"); /* the library is there now: what may be open, is */
    struct gh_net_order order = order_of("/silent");
    for (unsigned i = 1; i < room + 1; i++)
        ask(&seen[i], &order);
    ask(&seen[room + 1], &order);
    run_until(2);
    ck_assert_uint_eq(seen[room + 1].calls, 1);
    assert_contains(seen[room + 1].problem, "wait for their turn");
    while (server.silent < GH_NET_OPEN_MAX)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 2);
    stop_net();
}
END_TEST

START_TEST(who_waits_comes_when_another_is_cancelled)
{
    struct gh_net_order order = order_of("/silent");

    for (unsigned i = 0; i < GH_NET_OPEN_MAX; i++)
        ask(&seen[i], &order);
    order = order_of("/hello");
    ask(&seen[GH_NET_OPEN_MAX], &order);
    while (server.silent < GH_NET_OPEN_MAX)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 0);
    gh_net_cancel(seen[5].request);
    run_until(1);
    ck_assert_uint_eq(seen[GH_NET_OPEN_MAX].status, 200);
    ck_assert_uint_eq(seen[5].calls, 0);
}
END_TEST

START_TEST(cancelled_before_its_start_is_never_asked)
{
    struct gh_net_order order = order_of("/hello");

    ask(&seen[0], &order); /* the library is not there yet */
    gh_net_cancel(seen[0].request);
    ask(&seen[1], &order);
    run_until(1);
    gh_net_cancel((ask(&seen[2], &order), seen[2].request)); /* now it is */
    ask(&seen[3], &order);
    run_until(2);
    ck_assert_uint_eq(seen[0].calls + seen[2].calls, 0);
    ck_assert_uint_eq(server.requests, 2);
}
END_TEST

START_TEST(cancelled_after_its_start_closes_its_connection)
{
    struct gh_net_order order = order_of("/silent");

    ask(&seen[0], &order);
    while (server.silent == 0)
        uv_run(&loop, UV_RUN_ONCE);
    gh_net_cancel(seen[0].request);
    while (server.open > 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(seen[0].calls, 0);
}
END_TEST

static void
stop_on_answer(void *context, const struct gh_net_answer *answer)
{
    on_answer(context, answer);
    stop_net();
}

START_TEST(stop_from_within_an_answer)
{
    struct gh_net_order order = order_of("/hello");

    for (unsigned i = 1; i < 50; i++)
        seen[i].request = gh_net_ask(net, &order, stop_on_answer, &seen[i]);
    uv_run(&loop, UV_RUN_ONCE);
    while (stops == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(stop_from_within_a_failure)
{
    struct gh_net_order order = order_of("/silent");

    order.timeout_ms = 50;
    for (unsigned i = 0; i < 40; i++)
        seen[i].request = gh_net_ask(net, &order, stop_on_answer, &seen[i]);
    while (stops == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 1);
}
END_TEST

START_TEST(stop_while_some_are_open_calls_nobody)
{
    struct gh_net_order order = order_of("/silent");

    for (unsigned i = 0; i < 100; i++)
        ask(&seen[i], &order);
    while (server.silent < 3)
        uv_run(&loop, UV_RUN_ONCE);
    stop_net();
    while (stops == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 0);
}
END_TEST

START_TEST(stop_while_the_library_is_loaded)
{
    struct gh_net_order order = order_of("/hello");

    ask(&seen[0], &order);
    stop_net();
    while (stops == 0)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(answers, 0);
}
END_TEST

START_TEST(stop_of_what_was_never_used)
{
    stop_net();
    ck_assert_uint_eq(stops, 0); /* not from within */
    uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(stops, 1);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, connection_is_used_again);
    tcase_add_test(tests, many_at_once_are_all_answered);
    tcase_add_test(tests, no_more_than_some_are_open_and_some_wait);
    tcase_add_test(tests, who_waits_comes_when_another_is_cancelled);
    tcase_add_test(tests, cancelled_before_its_start_is_never_asked);
    tcase_add_test(tests, cancelled_after_its_start_closes_its_connection);
    tcase_add_test(tests, stop_from_within_an_answer);
    tcase_add_test(tests, stop_from_within_a_failure);
    tcase_add_test(tests, stop_while_some_are_open_calls_nobody);
    tcase_add_test(tests, stop_while_the_library_is_loaded);
    tcase_add_test(tests, stop_of_what_was_never_used);
}

int
main(void)
{
    return run_tests("net_multi", add);
}
