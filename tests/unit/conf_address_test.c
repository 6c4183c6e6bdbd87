/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/address.h"

#include "tests/unit/suite.h"

static const struct {
    const char *host;
    bool is_loopback;
} hosts[] = {
    {"127.0.0.1", true}, {"127.8.9.10", true},   {"::1", true},
    {"localhost", true}, {"0.0.0.0", false},     {"::", false},
    {"10.0.0.1", false}, {"128.0.0.1", false},   {"::ffff:10.0.0.1", false},
    {"", false},         {"localhost.x", false}, {"127.0.0.1.example", false},
};

START_TEST(loopback_is_told_from_what_others_reach)
{
    ck_assert_int_eq(gh_address_is_loopback(hosts[_i].host), hosts[_i].is_loopback);
}
END_TEST

static const struct {
    const char *text;
    bool is_url;
} urls[] = {
    {"http://den", true},
    {"https://den.example.com:8443/api/", true},
    {"HTTPS://[::1]:80", true},
    {"https://den/a@b", true},
    {"", false},
    {"den", false},
    {"ftp://den", false},
    {"http://", false},
    {"http:///path", false},
    {"http://:80", false},
    {"http://a b", false},
    {"http://u:p@den", false},
    {"https://den/\xc3\xa4", false},
    {"https://den\n", false},
};

START_TEST(url_is_told_from_what_is_none)
{
    ck_assert_int_eq(gh_address_is_url(urls[_i].text), urls[_i].is_url);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, loopback_is_told_from_what_others_reach, 0, (int)COUNT(hosts));
    tcase_add_loop_test(tests, url_is_told_from_what_is_none, 0, (int)COUNT(urls));
}

int
main(void)
{
    return run_tests("conf_address", add);
}
