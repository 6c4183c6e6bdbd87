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

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, loopback_is_told_from_what_others_reach, 0, (int)COUNT(hosts));
}

int
main(void)
{
    return run_tests("conf_address", add);
}
