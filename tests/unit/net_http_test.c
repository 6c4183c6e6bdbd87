/* SPDX-License-Identifier: Apache-2.0
 *
 * What the daemon asks others: what is sent, answers of every kind, faults and limits. */
#include "tests/unit/net_rig.h"

#define TOKEN "gh-test-3b1f0c56d2"

START_TEST(answer_has_status_headers_and_body)
{
    const struct seen *of = get("/hello");

    ck_assert_uint_eq(of->status, 200);
    ck_assert_ptr_null(of->problem);
    assert_bytes(of->body, of->len, "hello\n");
    ck_assert_str_eq(of->word, "some word ");
}
END_TEST

START_TEST(chunked_answer_is_joined)
{
    const struct seen *of = get("/chunked");

    assert_bytes(of->body, of->len, "one,two,");
    ck_assert_ptr_null(of->word);
}
END_TEST

START_TEST(status_is_told_as_it_is)
{
    const struct seen *of = get("/nothing-here");

    ck_assert_uint_eq(of->status, 404);
    assert_bytes(of->body, of->len, "no\n");
}
END_TEST

START_TEST(post_sends_what_the_order_has)
{
    static const char *const headers[] = {"X-One: 1", "X-Two: 2", NULL};
    struct gh_net_order order = order_of("/echo");

    order.method = "POST";
    order.bearer = TOKEN;
    order.headers = headers;
    order.content_type = "application/json";
    order.body = (struct gh_slice){"{\"a\":1} and what is not sent", 7};
    ask(&seen[0], &order);
    run_until(1);

    ck_assert_uint_eq(seen[0].status, 200);
    assert_contains(seen[0].body, "POST /echo HTTP/1.1\r\n");
    assert_contains(seen[0].body, "\r\nAuthorization: Bearer " TOKEN "\r\n");
    assert_contains(seen[0].body, "\r\nX-One: 1\r\n");
    assert_contains(seen[0].body, "\r\nX-Two: 2\r\n");
    assert_contains(seen[0].body, "\r\nContent-Type: application/json\r\n");
    assert_contains(seen[0].body, "\r\nUser-Agent: gatehouse/");
    assert_contains(seen[0].body, "\r\n\r\n{\"a\":1}");
    ck_assert_ptr_null(strstr(seen[0].body, "not sent"));
    ck_assert_ptr_null(strstr(seen[0].body, "Expect"));
}
END_TEST

START_TEST(any_method_goes_out)
{
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE", "POST"};
    struct gh_net_order order = order_of("/echo");

    order.method = methods[_i];
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_int_eq(strncmp(seen[0].body, methods[_i], strlen(methods[_i])), 0);
    ck_assert_ptr_null(strstr(seen[0].body, "Content-Type"));
}
END_TEST

START_TEST(head_has_no_body)
{
    struct gh_net_order order = order_of("/hello");

    order.method = "HEAD";
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 200);
    ck_assert_uint_eq(seen[0].len, 0);
}
END_TEST

START_TEST(body_may_be_as_long_as_said_and_no_longer)
{
    ck_assert_uint_eq(get("/zeros/1000")->len, 1000);
    struct gh_net_order order = order_of("/zeros/1001");
    ask(&seen[1], &order);
    run_until(2);
    ck_assert_uint_eq(seen[1].status, 0);
    assert_contains(seen[1].problem, "longer than 1000 bytes");
    ck_assert_uint_eq(seen[1].len, 0);
}
END_TEST

START_TEST(faults_are_told)
{
    static const char *const paths[] = {"/reset", "/cut", "/garbage", "/long-head"};
    const struct seen *of = get(paths[_i]);

    ck_assert_uint_eq(of->status, 0);
    ck_assert_ptr_nonnull(of->problem);
    ck_assert_uint_gt(strlen(of->problem), 5);
    ck_assert_uint_eq(of->len, 0);
    ck_assert_ptr_null(of->word);
}
END_TEST

START_TEST(silence_ends_at_the_deadline)
{
    struct gh_net_order order = order_of("/silent");

    order.timeout_ms = 150;
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 0);
    assert_contains(seen[0].problem, "within 150 ms");
}
END_TEST

START_TEST(refused_connection_is_told)
{
    struct gh_net_order order = order_of("/hello");

    order.url = "http://127.0.0.1:1/";
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 0);
    assert_contains(seen[0].problem, "127.0.0.1");
}
END_TEST

START_TEST(url_that_is_none_is_refused)
{
    static const char *const urls[] = {
        "file:///etc/passwd", "ftp://127.0.0.1/", "", "http://", "gopher://127.0.0.1/", "://"};
    struct gh_net_order order = order_of("/");

    order.url = urls[_i];
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 0);
    ck_assert_uint_gt(strlen(seen[0].problem), 5);
}
END_TEST

START_TEST(tls_of_a_server_without_it_fails)
{
    struct gh_net_order order = order_of("/hello");
    char url[64];

    snprintf(url, sizeof url, "https://127.0.0.1:%u/", server.port);
    order.url = url;
    order.timeout_ms = 300;
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 0);
}
END_TEST

START_TEST(redirect_is_followed_when_asked_for)
{
    ck_assert_uint_eq(get("/to/hello")->status, 307);
    ck_assert_str_eq(seen[0].word, "old");

    struct gh_net_order order = order_of("/to/hello");
    order.follows_redirects = true;
    ask(&seen[1], &order);
    run_until(2);
    ck_assert_uint_eq(seen[1].status, 200);
    ck_assert_str_eq(seen[1].word, "some word ");

    order = order_of("/to/to/to/to/to/to/to/hello");
    order.follows_redirects = true;
    ask(&seen[2], &order);
    run_until(3);
    ck_assert_uint_eq(seen[2].status, 0);
}
END_TEST

START_TEST(token_stays_with_its_host)
{
    struct gh_net_order order = order_of("/to/echo");

    order.bearer = TOKEN;
    order.follows_redirects = true;
    ask(&seen[0], &order);
    run_until(1);
    assert_contains(seen[0].body, TOKEN);

    order.url = order_of("/away/echo").url;
    ask(&seen[1], &order);
    run_until(2);
    ck_assert_uint_eq(seen[1].status, 200);
    ck_assert_ptr_null(strstr(seen[1].body, TOKEN));
}
END_TEST

START_TEST(proxy_of_the_environment_is_asked)
{
    struct gh_net_order order = order_of("/");
    char proxy[64];

    snprintf(proxy, sizeof proxy, "http://127.0.0.1:%u", server.port);
    setenv("http_proxy", proxy, 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
    order.url = "http://gatehouse.invalid/x";
    ask(&seen[0], &order);
    run_until(1);
    unsetenv("http_proxy");
    ck_assert_uint_eq(seen[0].status, 404); /* what the tiny server says to "GET http://..." */
}
END_TEST

START_TEST(name_that_is_not_there_is_told)
{
    struct gh_net_order order = order_of("/");

    order.url = "http://gatehouse.invalid/";
    ask(&seen[0], &order);
    run_until(1);
    ck_assert_uint_eq(seen[0].status, 0);
    ck_assert_uint_gt(strlen(seen[0].problem), 5);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, answer_has_status_headers_and_body);
    tcase_add_test(tests, chunked_answer_is_joined);
    tcase_add_test(tests, status_is_told_as_it_is);
    tcase_add_test(tests, post_sends_what_the_order_has);
    tcase_add_loop_test(tests, any_method_goes_out, 0, 5);
    tcase_add_test(tests, head_has_no_body);
    tcase_add_test(tests, body_may_be_as_long_as_said_and_no_longer);
    tcase_add_loop_test(tests, faults_are_told, 0, 4);
    tcase_add_test(tests, silence_ends_at_the_deadline);
    tcase_add_test(tests, refused_connection_is_told);
    tcase_add_loop_test(tests, url_that_is_none_is_refused, 0, 6);
    tcase_add_test(tests, tls_of_a_server_without_it_fails);
    tcase_add_test(tests, redirect_is_followed_when_asked_for);
    tcase_add_test(tests, token_stays_with_its_host);
    tcase_add_test(tests, proxy_of_the_environment_is_asked);
    tcase_add_test(tests, name_that_is_not_there_is_told);
}

int
main(void)
{
    return run_tests("net_http", add);
}
