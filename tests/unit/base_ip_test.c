/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/unit/suite.h"

static struct gh_ip
ip(const char *text)
{
    struct gh_ip out;

    ck_assert_msg(gh_ip_read(text, strlen(text), &out), "%s", text);
    return out;
}

static const struct {
    const char *text, *written;
} good[] = {
    {"1.2.3.4", "1.2.3.4"},         {"255.255.255.255", "255.255.255.255"}, {"::1", "::1"},
    {"2001:DB8::1", "2001:db8::1"}, {"::ffff:1.2.3.4", "1.2.3.4"},          {"::", "::"},
};

START_TEST(addresses_are_read_and_written)
{
    char text[GH_IP_TEXT_BYTES];
    struct gh_ip read = ip(good[_i].text);

    gh_ip_write(&read, text);
    ck_assert_str_eq(text, good[_i].written);
}
END_TEST

static const char *const bad[] = {"",          "1.2.3",        "1.2.3.4.5", "1.2.3.256",
                                  "01.2.3.4x", "fe80::1%eth0", "[::1]",     "::1/64",
                                  "localhost", " 1.2.3.4"};

START_TEST(what_is_no_address_is_refused)
{
    struct gh_ip out;

    ck_assert(!gh_ip_read(bad[_i], strlen(bad[_i]), &out));
}
END_TEST

START_TEST(a_nul_inside_is_no_end)
{
    struct gh_ip out;

    ck_assert(!gh_ip_read("1.2.3.4\0x", 9, &out));
}
END_TEST

START_TEST(socket_addresses_are_taken)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct gh_ip out, wanted = ip("10.0.0.1");
    unsigned port;

    inet_pton(AF_INET, "10.0.0.1", &four.sin_addr);
    ck_assert(gh_ip_of((const struct sockaddr *)&four, &out, &port));
    ck_assert_uint_eq(port, 80);
    ck_assert_mem_eq(&out, &wanted, sizeof out);
    inet_pton(AF_INET6, "::ffff:10.0.0.1", &six.sin6_addr);
    ck_assert(gh_ip_of((const struct sockaddr *)&six, &out, &port));
    ck_assert_uint_eq(port, 81);
    ck_assert_mem_eq(&out, &wanted, sizeof out);
    ck_assert(gh_ip_is_four(&out));
    ck_assert(!gh_ip_of(&other, &out, &port));
}
END_TEST

START_TEST(networks_are_compared_by_bits)
{
    struct gh_ip a = ip("2001:db8::1"), b = ip("2001:db8::3");

    ck_assert(gh_ip_same_network(&a, &b, 0));
    ck_assert(gh_ip_same_network(&a, &b, 126));
    ck_assert(!gh_ip_same_network(&a, &b, 127));
    ck_assert(!gh_ip_same_network(&a, &b, 128));
    ck_assert(gh_ip_same_network(&a, &a, 128));
}
END_TEST

START_TEST(a_party_is_an_ipv4_address_or_an_ipv6_network)
{
    struct gh_ip four = ip("1.2.3.4"), near = ip("2001:db8::1"), far = ip("2001:db8::ffff:0:0:1");
    struct gh_ip other = ip("2001:db8:0:1::1");
    struct gh_ip parties[] = {gh_ip_party(&four), gh_ip_party(&near), gh_ip_party(&far),
                              gh_ip_party(&other)};

    ck_assert_mem_eq(&parties[0], &four, sizeof four);
    ck_assert_mem_eq(&parties[1], &parties[2], sizeof near);
    ck_assert_mem_ne(&parties[1], &parties[3], sizeof near);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, addresses_are_read_and_written, 0, COUNT(good));
    tcase_add_loop_test(tests, what_is_no_address_is_refused, 0, COUNT(bad));
    tcase_add_test(tests, a_nul_inside_is_no_end);
    tcase_add_test(tests, socket_addresses_are_taken);
    tcase_add_test(tests, networks_are_compared_by_bits);
    tcase_add_test(tests, a_party_is_an_ipv4_address_or_an_ipv6_network);
}

int
main(void)
{
    return run_tests("base/ip", add);
}
