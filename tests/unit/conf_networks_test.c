/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/networks.h"

#include "base/ip.h"
#include "tests/unit/suite.h"

static const char *const good[] = {"",
                                   "10.0.0.1",
                                   "10.0.0.0/8,fd00::/8",
                                   "unix",
                                   " ::1 , unix",
                                   "0.0.0.0/0,::/0",
                                   "1.2.3.4/32,::1/128"};

START_TEST(lists_of_networks_pass)
{
    struct gh_err err;

    ck_assert_msg(gh_networks_check(good[_i], &err) == GH_OK, "%s: %s", good[_i], err.text);
}
END_TEST

static const char *const bad[] = {
    "localhost",  "10.0.0.0/33", "::/129", "10.0.0.0/",     "10.0.0.0/a", "/8",
    "10.0.0.1,,", "1.2.3.4/-1",  "unix/8", "10.0.0.0/0008", "UNIX"};

START_TEST(what_is_no_network_is_named)
{
    struct gh_err err;

    ck_assert_int_eq(gh_networks_check(bad[_i], &err), GH_E_INPUT);
    assert_contains(err.text, "no address");
}
END_TEST

static const struct {
    const char *list, *ip;
    bool has_it;
} cases[] = {
    {"", "10.0.0.1", false},
    {"", NULL, false},
    {"unix", NULL, true},
    {"unix", "10.0.0.1", false},
    {"10.0.0.1", NULL, false},
    {"10.0.0.1", "10.0.0.1", true},
    {"10.0.0.1", "10.0.0.2", false},
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"10.0.0.0/9", "10.128.0.1", false},
    {"0.0.0.0/0", "9.9.9.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "9.9.9.9", true}, /* in its mapped form it is in there */
    {"fd00::/8", "fdff::1", true},
    {"fd00::/8", "fe00::1", false},
    {"10.0.0.1, ::1 ,unix", "::1", true},
    {"::ffff:10.0.0.1", "10.0.0.1", true},
};

START_TEST(an_address_is_found_in_its_networks)
{
    struct gh_ip ip;

    if (cases[_i].ip)
        ck_assert(gh_ip_read(cases[_i].ip, strlen(cases[_i].ip), &ip));
    ck_assert_int_eq(gh_networks_have(cases[_i].list, cases[_i].ip ? &ip : NULL), cases[_i].has_it);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, lists_of_networks_pass, 0, COUNT(good));
    tcase_add_loop_test(tests, what_is_no_network_is_named, 0, COUNT(bad));
    tcase_add_loop_test(tests, an_address_is_found_in_its_networks, 0, COUNT(cases));
}

int
main(void)
{
    return run_tests("conf/networks", add);
}
