/* SPDX-License-Identifier: Apache-2.0 */
#include "front/guard.h"

#include "tests/unit/suite.h"

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

/* The verdict on a head: "Name: value" lines. */
static const char *
judge(struct gh_guard *guard, const char *version, const char *const lines[])
{
    gh_guard_start(guard, "GET", version);
    for (size_t i = 0; lines[i]; i++) {
        const char *colon = strchr(lines[i] + 1, ':');
        gh_guard_header(guard, (struct gh_slice){lines[i], (size_t)(colon - lines[i])},
                        slice(colon + 2));
    }
    return gh_guard_verdict(guard);
}

static const struct {
    const char *version;
    const char *lines[5];
    unsigned long long content_length;
    bool is_chunked;
} sound[] = {
    {"HTTP/1.1", {"Host: a"}, 0, false},
    {"HTTP/1.1", {"host: example.org:8080", "Accept: */*"}, 0, false},
    {"HTTP/1.1", {"HOST: [::1]:1", "content-length: 0"}, 0, false},
    {"HTTP/1.1", {"Host: a", "Content-Length: 123"}, 123, false},
    {"HTTP/1.1", {"Host: a", "Content-Length: 000"}, 0, false},
    {"HTTP/1.1", {"Host: a", "Content-Length: 999999999999999999"}, 999999999999999999ull, false},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: chunked"}, 0, true},
    {"HTTP/1.1", {"Host: a", "transfer-encoding: CHUNKED"}, 0, true},
    {"HTTP/1.1", {"Host: a", "X: a\tb \x80\xff"}, 0, false},
    {"HTTP/1.1", {"Host: a", "!#$%&'*+-.^_`|~09azAZ: x"}, 0, false},
    {"HTTP/1.1", {"Host: a", "X-Twice: 1", "X-Twice: 2", "X-Empty: "}, 0, false},
    {"HTTP/1.2", {"Host: a"}, 0, false}, /* RFC 9110 section 2.5 */
    {"HTTP/1.9", {"Host: a", "Transfer-Encoding: chunked"}, 0, true},
    {"HTTP/1.0", {"Accept: */*"}, 0, false},
    {"HTTP/1.0", {"Content-Length: 5"}, 5, false},
    {"HTTP/1.0", {"Host: "}, 0, false},
};

START_TEST(sound_heads_pass)
{
    struct gh_guard guard;

    ck_assert_ptr_null(judge(&guard, sound[_i].version, sound[_i].lines));
    ck_assert_uint_eq(guard.content_length, sound[_i].content_length);
    ck_assert_int_eq(guard.is_chunked, sound[_i].is_chunked);
}
END_TEST

START_TEST(headers_are_counted)
{
    static const char *const lines[] = {"Host: a", "X: yyy", "X: ", NULL};
    struct gh_guard guard;

    ck_assert_ptr_null(judge(&guard, "HTTP/1.1", lines));
    ck_assert_uint_eq(guard.header_count, 3);
    ck_assert_uint_eq(guard.header_bytes, 5 + 4 + 1);
}
END_TEST

static const struct {
    const char *version, *line;
    bool expects_more;
} expectations[] = {
    {"HTTP/1.1", "Expect: 100-continue", false},
    {"HTTP/1.1", "expect: 100-CONTINUE", false},
    {"HTTP/1.1", "Expect: ", false},
    {"HTTP/1.1", "Expect: tea", true},
    {"HTTP/1.1", "Expect: 100-continue, tea", true},
    {"HTTP/1.0", "Expect: tea", false},
};

/* RFC 9110 section 10.1.1. */
START_TEST(only_100_continue_can_be_expected)
{
    const char *const lines[] = {"Host: a", expectations[_i].line, NULL};
    struct gh_guard guard;

    ck_assert_ptr_null(judge(&guard, expectations[_i].version, lines));
    ck_assert_int_eq(guard.expects_more, expectations[_i].expects_more);
}
END_TEST

static const struct {
    const char *version;
    const char *lines[5];
    const char *problem;
} refused[] = {
    {"HTTP/1.1", {NULL}, "needs a Host"},
    {"HTTP/1.1", {"Hosts: a"}, "needs a Host"},
    {"HTTP/1.1", {"Host: "}, "Host is empty"},
    {"HTTP/1.1", {"Host: a", "Host: a"}, "more than one Host"},
    {"HTTP/1.0", {"Host: a", "hOST: b"}, "more than one Host"},
    {"HTTP/2.0", {"Host: a"}, "only HTTP/1.1"},
    {"HTTP/0.9", {"Host: a"}, "only HTTP/1.1"},
    {"http/1.1", {"Host: a"}, "only HTTP/1.1"},
    {"HTTP/1.10", {"Host: a"}, "only HTTP/1.1"},
    {"", {"Host: a"}, "only HTTP/1.1"},
    /* smuggling: two lengths, or a coding that another reader may not see */
    {"HTTP/1.1", {"Host: a", "Content-Length: 5", "Content-Length: 5"}, "more than one Content-L"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 5", "content-length: 6"}, "more than one Content-L"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"}, "both Transfer"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: chunked", "Content-Length: 0"}, "both Transfer"},
    {"HTTP/1.1",
     {"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
     "more than one Transfer"},
    {"HTTP/1.0", {"Transfer-Encoding: chunked"}, "not HTTP/1.1"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: gzip, chunked"}, "only transfer coding"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: chunked, chunked"}, "only transfer coding"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: identity"}, "only transfer coding"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding: "}, "only transfer coding"},
    {"HTTP/1.1", {"Host: a", "Transfer-Encoding:  chunked"}, "only transfer coding"},
    {"HTTP/1.1",
     {"Host: a", "Transfer-Encoding: \x0b"
                 "chunked"},
     "control byte"},
    {"HTTP/1.1", {"Host: a", "Content-Length: "}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: +5"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: -5"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 0x5"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 5, 5"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 5 "}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 5\t"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 1000000000000000000"}, "not a number"},
    {"HTTP/1.1", {"Host: a", "Content-Length: 18446744073709551621"}, "not a number"},
    /* names and values */
    {"HTTP/1.1", {"Host: a", "Content-Length : 5"}, "not a token"},
    {"HTTP/1.1", {"Host: a", " X: 5"}, "not a token"},
    {"HTTP/1.1", {"Host: a", "X\x80: 5"}, "not a token"},
    {"HTTP/1.1", {"Host: a", "X(y): 5"}, "not a token"},
    {"HTTP/1.1", {"Host: a", "X: a\rb"}, "control byte"},
    {"HTTP/1.1", {"Host: a", "X: a\nContent-Length: 5"}, "control byte"},
    {"HTTP/1.1", {"Host: a", "X: \x7f"}, "control byte"},
    {"HTTP/1.1", {"Host: a", "X: \x01"}, "control byte"},
    /* hosts */
    {"HTTP/1.1", {"Host: a b"}, "Host is not"},
    {"HTTP/1.1", {"Host: a/b"}, "Host is not"},
    {"HTTP/1.1", {"Host: user@a"}, "Host is not"},
    {"HTTP/1.1", {"Host: a:x"}, "Host is not"},
    {"HTTP/1.1", {"Host: a:1:2"}, "Host is not"},
    {"HTTP/1.1", {"Host: [::1"}, "Host is not"},
    {"HTTP/1.1", {"Host: []"}, "Host is not"},
    {"HTTP/1.1", {"Host: [::1]x"}, "Host is not"},
    {"HTTP/1.1", {"Host: [g]"}, "Host is not"},
    {"HTTP/1.1", {"Host: a?b"}, "Host is not"},
    {"HTTP/1.1", {"Host: a, b"}, "Host is not"},
};

START_TEST(heads_that_two_readers_could_take_differently_are_refused)
{
    struct gh_guard guard;
    const char *problem = judge(&guard, refused[_i].version, refused[_i].lines);

    ck_assert_ptr_nonnull(problem);
    assert_contains(problem, refused[_i].problem);
}
END_TEST

START_TEST(bytes_of_zero_are_refused_everywhere)
{
    static const struct gh_slice names[] = {{"Ho\0st", 5}, {"X\0", 2}, {"\0", 1}};
    struct gh_guard guard;

    for (size_t i = 0; i < COUNT(names); i++) {
        gh_guard_start(&guard, "GET", "HTTP/1.0");
        gh_guard_header(&guard, names[i], slice("v"));
        ck_assert_ptr_nonnull(gh_guard_verdict(&guard));
    }
    static const char *const fields[] = {"X", "Host", "Content-Length", "Transfer-Encoding"};
    for (size_t i = 0; i < COUNT(fields); i++) {
        gh_guard_start(&guard, "GET", "HTTP/1.1");
        if (i != 1)
            gh_guard_header(&guard, slice("Host"), slice("a"));
        gh_guard_header(&guard, slice(fields[i]), (struct gh_slice){"1\0", 2});
        ck_assert_ptr_nonnull(gh_guard_verdict(&guard));
    }
    gh_guard_start(&guard, "GET", "HTTP/1.1");
    gh_guard_header(&guard, slice("Host"), (struct gh_slice){"[\0]", 3});
    ck_assert_ptr_nonnull(gh_guard_verdict(&guard));
}
END_TEST

START_TEST(methods_are_tokens)
{
    static const char *const good[] = {"GET", "x", "M-SEARCH", "a!#$%&'*+-.^_`|~9"};
    static const char *const bad[] = {"", "G T", "GET\t", "GET\x80", "(GET)", "GE\"T"};
    struct gh_guard guard;

    for (size_t i = 0; i < COUNT(good); i++) {
        gh_guard_start(&guard, good[i], "HTTP/1.0");
        ck_assert_ptr_null(gh_guard_verdict(&guard));
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        gh_guard_start(&guard, bad[i], "HTTP/1.0");
        ck_assert_ptr_nonnull(gh_guard_verdict(&guard));
    }
}
END_TEST

START_TEST(an_empty_name_is_refused)
{
    struct gh_guard guard;

    gh_guard_start(&guard, "GET", "HTTP/1.0");
    gh_guard_header(&guard, (struct gh_slice){"", 0}, slice("v"));
    ck_assert_ptr_nonnull(gh_guard_verdict(&guard));
}
END_TEST

START_TEST(first_problem_is_the_one_told)
{
    struct gh_guard guard;
    const char *const lines[] = {"X: \x01", "Content-Length: x", NULL};

    assert_contains(judge(&guard, "HTTP/1.1", lines), "control byte");
}
END_TEST

static const struct {
    const char *host, *site, *type;
    bool has_body;
    unsigned status;
} browsers[] = {
    {"127.0.0.1:32300", NULL, NULL, false, 0},
    {"[::1]:32300", "none", NULL, false, 0},
    {"[::1]", "same-origin", NULL, false, 0},
    {"localhost", "same-site", NULL, false, 0},
    {"LocalHost:1", NULL, NULL, false, 0},
    {"10.1.2.3", NULL, NULL, false, 0},
    {"box.example", NULL, NULL, false, 0},
    {"BOX.example:80", NULL, NULL, false, 0},
    {"other", NULL, NULL, false, 0},
    /* rebound names */
    {"evil.example", NULL, NULL, false, 403},
    {"box.example.evil.example", NULL, NULL, false, 403},
    {"xbox.example", NULL, NULL, false, 403},
    {"box.exampl", NULL, NULL, false, 403},
    {"localhost.evil.example", NULL, NULL, false, 403},
    {"localhos", NULL, NULL, false, 403},
    {"127.0.0.1.evil.example", NULL, NULL, false, 403},
    {"box.example,other", NULL, NULL, false, 403},
    {"", NULL, NULL, false, 403},
    {":80", NULL, NULL, false, 403},
    /* other sites */
    {"localhost", "cross-site", NULL, false, 403},
    {"localhost", "CROSS-SITE", "application/json", true, 403},
    /* bodies that a form can send */
    {"localhost", NULL, "application/json", true, 0},
    {"localhost", NULL, "Application/JSON; charset=utf-8", true, 0},
    {"localhost", NULL, "application/json \t", true, 0},
    {"localhost", NULL, NULL, true, 415},
    {"localhost", NULL, "", true, 415},
    {"localhost", NULL, "text/plain", true, 415},
    {"localhost", NULL, "text/plain; application/json", true, 415},
    {"localhost", NULL, "application/jsonp", true, 415},
    {"localhost", NULL, "application/json+x", true, 415},
    {"localhost", NULL, "application/x-www-form-urlencoded", true, 415},
    {"localhost", NULL, "text/plain", false, 0},
};

START_TEST(browsers_are_held_to_the_rules)
{
    static const char *const names[] = {"", "box.example", "more.example, other", NULL};
    const char *problem = NULL;
    unsigned status = gh_guard_browser(slice(browsers[_i].host), browsers[_i].site,
                                       browsers[_i].type, browsers[_i].has_body, names, &problem);

    ck_assert_uint_eq(status, browsers[_i].status);
    ck_assert_int_eq(problem != NULL, status != 0);
}
END_TEST

/* However the list is written, an empty name or none at all is not on it. */
START_TEST(no_host_is_on_no_list)
{
    static const char *const lists[] = {"", ",", "a,,b", ",a", "a,"};
    const char *const names[] = {lists[_i], NULL};
    const char *problem;

    ck_assert_uint_eq(gh_guard_browser(slice(""), NULL, NULL, false, names, &problem), 403);
    ck_assert_uint_eq(
        gh_guard_browser((struct gh_slice){NULL, 0}, NULL, NULL, false, names, &problem), 403);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, sound_heads_pass, 0, (int)COUNT(sound));
    tcase_add_test(tests, headers_are_counted);
    tcase_add_loop_test(tests, only_100_continue_can_be_expected, 0, COUNT(expectations));
    tcase_add_loop_test(tests, heads_that_two_readers_could_take_differently_are_refused, 0,
                        (int)COUNT(refused));
    tcase_add_test(tests, bytes_of_zero_are_refused_everywhere);
    tcase_add_test(tests, methods_are_tokens);
    tcase_add_test(tests, an_empty_name_is_refused);
    tcase_add_test(tests, first_problem_is_the_one_told);
    tcase_add_loop_test(tests, browsers_are_held_to_the_rules, 0, (int)COUNT(browsers));
    tcase_add_loop_test(tests, no_host_is_on_no_list, 0, 5);
}

int
main(void)
{
    return run_tests("front_guard", add);
}
