/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/listen.h"

#include "tests/unit/suite.h"

static struct gh_err err;

static const struct {
    const char *text, *host;
    unsigned port;
    enum gh_listen_kind kind;
    bool is_unix;
} good[] = {
    {"127.0.0.1:80", "127.0.0.1", 80, GH_LISTEN_HTTP, false},
    {"0.0.0.0:443/https", "0.0.0.0", 443, GH_LISTEN_HTTPS, false},
    {"[::]:0/redirect", "::", 0, GH_LISTEN_REDIRECT, false},
    {"[fe80::1%eth0]:65535/http", "fe80::1%eth0", 65535, GH_LISTEN_HTTP, false},
    {"node.example:8080", "node.example", 8080, GH_LISTEN_HTTP, false},
    {"unix:/run/x.sock", "/run/x.sock", 0, GH_LISTEN_HTTP, true},
    {"unix:/run/x/https", "/run/x", 0, GH_LISTEN_HTTPS, true},
    {"unix:/x/y", "/x/y", 0, GH_LISTEN_HTTP, true},
};

START_TEST(an_entry_is_read)
{
    const char *rest = good[_i].text;
    struct gh_listen listen;

    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_OK);
    ck_assert_str_eq(rest, "");
    ck_assert_str_eq(listen.host, good[_i].host);
    ck_assert_uint_eq(listen.port, good[_i].port);
    ck_assert_int_eq(listen.kind, good[_i].kind);
    ck_assert_int_eq(listen.is_unix, good[_i].is_unix);
}
END_TEST

START_TEST(entries_are_read_one_by_one)
{
    const char *rest = " 127.0.0.1:1 ,[::1]:2/https,, unix:/x";
    struct gh_listen listen;

    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_OK);
    ck_assert_uint_eq(listen.port, 1);
    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_OK);
    ck_assert_uint_eq(listen.port, 2);
    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_OK);
    ck_assert_str_eq(listen.host, "/x");
    ck_assert_str_eq(rest, "");
}
END_TEST

static const struct {
    const char *text, *problem;
} bad[] = {
    {"127.0.0.1", "no address and port"},
    {":80", "no address and port"},
    {"127.0.0.1:", "no port"},
    {"127.0.0.1:x", "no port"},
    {"127.0.0.1:65536", "no port"},
    {"127.0.0.1:-1", "no port"},
    {"127.0.0.1:080000", "no port"},
    {"::1:80", "no address and port"},
    {"[::1]", "no address and port"},
    {"[::1:80", "no address and port"},
    {"[]:80", "no address and port"},
    {"127.0.0.1:80/h2", "none of these"},
    {"127.0.0.1:80/", "none of these"},
    {"unix:x", "begins with /"},
    {"unix:/https", "begins with /"},
    {",", "is empty"},
};

START_TEST(what_is_none_is_named)
{
    const char *rest = bad[_i].text;
    struct gh_listen listen;

    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_E_INPUT);
    assert_contains(err.text, bad[_i].problem);
    assert_contains(err.text, "ADDRESS:PORT");
}
END_TEST

START_TEST(a_host_that_is_too_long_is_refused)
{
    char text[400];
    struct gh_listen listen;
    const char *rest = text;

    memset(text, 'a', sizeof text);
    strcpy(text + 300, ":80");
    ck_assert_int_eq(gh_listen_next(&rest, &listen, &err), GH_E_INPUT);
    assert_contains(err.text, "too long");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, an_entry_is_read, 0, (int)COUNT(good));
    tcase_add_test(tests, entries_are_read_one_by_one);
    tcase_add_loop_test(tests, what_is_none_is_named, 0, (int)COUNT(bad));
    tcase_add_test(tests, a_host_that_is_too_long_is_refused);
}

int
main(void)
{
    return run_tests("conf_listen", add);
}
