/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/origins.h"

#include "tests/unit/suite.h"

static const char *const good[] = {"", "*", "https://a.example",
                                   "http://localhost:3000,https://[::1]:8443", "HTTPS://A.example"};

START_TEST(lists_of_origins_pass)
{
    struct gh_err err;

    ck_assert_msg(gh_origins_check(good[_i], &err) == GH_OK, "%s: %s", good[_i], err.text);
}
END_TEST

static const char *const bad[] = {"a.example",          "https://",    "https://a.example/",
                                  "ftp://a.example",    "*,https://a", "https://a,,https://b",
                                  "https://*.example",  "null",        "https://a b",
                                  "https://u@a.example"};

START_TEST(what_is_no_origin_is_named)
{
    struct gh_err err;

    ck_assert_int_eq(gh_origins_check(bad[_i], &err), GH_E_INPUT);
    assert_contains(err.text, "no origin");
}
END_TEST

START_TEST(a_list_names_what_is_on_it)
{
    static const char list[] = "https://a.example,http://b:3000";

    ck_assert(gh_origins_name(list, "https://a.example"));
    ck_assert(gh_origins_name(list, "HTTPS://A.EXAMPLE"));
    ck_assert(gh_origins_name(list, "http://b:3000"));
    ck_assert(!gh_origins_name(list, "http://a.example"));
    ck_assert(!gh_origins_name(list, "https://a.example:8443"));
    ck_assert(!gh_origins_name(list, "https://a.example.evil"));
    ck_assert(!gh_origins_name(list, "https://a.exampl"));
    ck_assert(!gh_origins_name(list, ""));
    ck_assert(!gh_origins_name("", "https://a.example"));
    ck_assert(!gh_origins_name("*", "*"));
    ck_assert(gh_origins_are_any("*") && !gh_origins_are_any(list));
}
END_TEST

static const struct {
    const char *origin, *host;
    bool is_own;
} hosts[] = {
    {"http://a", "a", true},
    {"http://A", "a:80", true},
    {"http://a:80", "a", true},
    {"https://a", "a:443", true},
    {"https://a:8443", "a:8443", true},
    {"http://[::1]:32300", "[::1]:32300", true},
    {"http://a:8443", "a", false},
    {"http://a", "a:443", false},
    {"http://a.evil", "a", false},
    {"http://a", "b", false},
    {"null", "null", false},
    {"http://", "", false},
    {"file://a", "a", false},
};

START_TEST(an_origin_is_that_of_its_host)
{
    ck_assert_int_eq(gh_origin_is(hosts[_i].origin, hosts[_i].host, strlen(hosts[_i].host)),
                     hosts[_i].is_own);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, lists_of_origins_pass, 0, COUNT(good));
    tcase_add_loop_test(tests, what_is_no_origin_is_named, 0, COUNT(bad));
    tcase_add_test(tests, a_list_names_what_is_on_it);
    tcase_add_loop_test(tests, an_origin_is_that_of_its_host, 0, COUNT(hosts));
}

int
main(void)
{
    return run_tests("conf/origins", add);
}
