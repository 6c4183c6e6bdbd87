/* SPDX-License-Identifier: Apache-2.0 */
#include "front/crowd.h"

#include "base/ip.h"
#include "tests/unit/suite.h"

static struct gh_ip
ip(const char *text)
{
    struct gh_ip out;

    ck_assert(gh_ip_read(text, strlen(text), &out));
    return out;
}

START_TEST(so_many_are_welcome_in_all)
{
    ck_assert_int_eq(gh_crowd_enter(NULL, 2, 1), GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(NULL, 2, 1), GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(NULL, 2, 1), GH_TOO_MANY);
    gh_crowd_leave(NULL, GH_TOO_MANY);
    ck_assert_int_eq(gh_crowd_enter(NULL, 2, 1), GH_TOO_MANY);
    gh_crowd_leave(NULL, GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(NULL, 2, 1), GH_WELCOME);
    gh_crowd_leave(NULL, GH_TOO_MANY);
    gh_crowd_leave(NULL, GH_WELCOME);
    gh_crowd_leave(NULL, GH_WELCOME);
}
END_TEST

START_TEST(so_many_are_welcome_of_one_address)
{
    struct gh_ip a = ip("1.2.3.4"), b = ip("1.2.3.5");

    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_TOO_MANY_OF_ADDRESS);
    ck_assert_int_eq(gh_crowd_enter(&b, 10, 1), GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 0), GH_WELCOME);
    gh_crowd_leave(&a, GH_WELCOME);
    gh_crowd_leave(&a, GH_WELCOME);
    gh_crowd_leave(&a, GH_TOO_MANY_OF_ADDRESS);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_WELCOME);
    gh_crowd_leave(&a, GH_WELCOME);
    gh_crowd_leave(&b, GH_WELCOME);
}
END_TEST

START_TEST(an_ipv6_network_is_one_address)
{
    struct gh_ip a = ip("2001:db8::1"), b = ip("2001:db8::2"), c = ip("2001:db8:0:1::1");

    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_WELCOME);
    ck_assert_int_eq(gh_crowd_enter(&b, 10, 1), GH_TOO_MANY_OF_ADDRESS);
    ck_assert_int_eq(gh_crowd_enter(&c, 10, 1), GH_WELCOME);
    gh_crowd_leave(&a, GH_WELCOME);
    gh_crowd_leave(&b, GH_TOO_MANY_OF_ADDRESS);
    gh_crowd_leave(&c, GH_WELCOME);
}
END_TEST

START_TEST(the_lobby_is_bounded)
{
    struct gh_ip a = ip("1.2.3.4");

    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_WELCOME);
    for (unsigned i = 0; i < GH_LOBBY_MAX; i++)
        ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_TOO_MANY_OF_ADDRESS);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_NO_ROOM);
    gh_crowd_leave(&a, GH_NO_ROOM);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_NO_ROOM);
    gh_crowd_leave(&a, GH_TOO_MANY_OF_ADDRESS);
    ck_assert_int_eq(gh_crowd_enter(&a, 10, 1), GH_TOO_MANY_OF_ADDRESS);
    for (unsigned i = 0; i < GH_LOBBY_MAX; i++)
        gh_crowd_leave(&a, GH_TOO_MANY_OF_ADDRESS);
    gh_crowd_leave(&a, GH_WELCOME);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, so_many_are_welcome_in_all);
    tcase_add_test(tests, so_many_are_welcome_of_one_address);
    tcase_add_test(tests, an_ipv6_network_is_one_address);
    tcase_add_test(tests, the_lobby_is_bounded);
}

int
main(void)
{
    return run_tests("front/crowd", add);
}
