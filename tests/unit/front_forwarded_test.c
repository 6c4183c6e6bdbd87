/* SPDX-License-Identifier: Apache-2.0 */
#include "front/forwarded.h"

#include "tests/unit/suite.h"

#define TRUSTED "10.0.0.0/8,fd00::/8"

static const char *
judge(const char *const lines[], struct gh_forwarded *out)
{
    struct gh_forwarding forwarding;

    gh_forwarded_start(&forwarding);
    for (size_t i = 0; lines[i]; i++) {
        const char *colon = strchr(lines[i], ':');
        gh_forwarded_header(&forwarding, (struct gh_slice){lines[i], (size_t)(colon - lines[i])},
                            (struct gh_slice){colon + 2, strlen(colon + 2)});
    }
    return gh_forwarded_verdict(&forwarding, TRUSTED, out);
}

/* Who is the client; its address, port, scheme and host, "-" where nothing is said. */
static const struct {
    const char *lines[5];
    const char *client;
    unsigned port;
    const char *scheme, *host;
} chains[] = {
    {{"X: y"}, "-", 0, "-", ""},
    {{"Forwarded: for=1.2.3.4"}, "1.2.3.4", 0, "-", ""},
    {{"forwarded: FOR=1.2.3.4;PROTO=HTTPS;HOST=a.example"}, "1.2.3.4", 0, "https", "a.example"},
    {{"Forwarded: for=\"[2001:db8::1]:4711\";proto=http"}, "2001:db8::1", 4711, "http", ""},
    {{"Forwarded: for=1.2.3.4:99"}, "1.2.3.4", 99, "-", ""},
    {{"Forwarded: for=\"1.2.3.4:_hidden\""}, "1.2.3.4", 0, "-", ""},
    {{"Forwarded: for=unknown;proto=https"}, "-", 0, "https", ""},
    {{"Forwarded: for=_secret"}, "-", 0, "-", ""},
    {{"Forwarded: proto=https"}, "-", 0, "https", ""},
    {{"Forwarded: by=10.0.0.1;for=1.2.3.4;secret=\"a,b;c\""}, "1.2.3.4", 0, "-", ""},
    /* what stands left of the first stranger anyone may have written */
    {{"Forwarded: for=6.6.6.6, for=1.2.3.4"}, "1.2.3.4", 0, "-", ""},
    {{"Forwarded: for=1.2.3.4;proto=https, for=10.0.0.7;proto=http"}, "1.2.3.4", 0, "https", ""},
    {{"Forwarded: for=6.6.6.6, for=1.2.3.4 ,for=10.0.0.7,for=10.0.0.8"}, "1.2.3.4", 0, "-", ""},
    {{"Forwarded: for=1.2.3.4", "Forwarded: for=10.0.0.7"}, "1.2.3.4", 0, "-", ""},
    {{"Forwarded: for=10.0.0.6, for=10.0.0.7"}, "10.0.0.6", 0, "-", ""},
    {{"Forwarded: for=unknown, for=10.0.0.7"}, "10.0.0.7", 0, "-", ""},
    {{"Forwarded: ;for=1.2.3.4;;proto=http; , ,"}, "1.2.3.4", 0, "http", ""},
    {{"X-Forwarded-For: 1.2.3.4"}, "1.2.3.4", 0, "-", ""},
    {{"X-Forwarded-For: 2001:db8::1"}, "2001:db8::1", 0, "-", ""},
    {{"X-Forwarded-For: [2001:db8::1]:80"}, "2001:db8::1", 80, "-", ""},
    {{"X-Forwarded-For: 6.6.6.6, 1.2.3.4, fd00::1"}, "1.2.3.4", 0, "-", ""},
    {{"X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 1.2.3.4"}, "1.2.3.4", 0, "-", ""},
    {{"X-Forwarded-For: nonsense, 1.2.3.4"}, "1.2.3.4", 0, "-", ""},
    {{"X-Forwarded-For: 1.2.3.4, nonsense"}, "-", 0, "-", ""},
    {{"X-Forwarded-For: ,, "}, "-", 0, "-", ""},
    {{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https", "X-Forwarded-Host: a:8443"},
     "1.2.3.4",
     0,
     "https",
     "a:8443"},
    {{"X-Forwarded-For: 1.2.3.4, 10.0.0.7", "X-Forwarded-Proto: https, http"},
     "1.2.3.4",
     0,
     "https",
     ""},
    {{"X-Forwarded-For: 6.6.6.6, 1.2.3.4", "X-Forwarded-Proto: http, https"},
     "1.2.3.4",
     0,
     "https",
     ""},
    {{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: http, https"}, "1.2.3.4", 0, "https", ""},
    {{"X-Forwarded-Proto: https"}, "-", 0, "https", ""},
    {{"X-Forwarded-Proto: gopher"}, "-", 0, "-", ""},
    {{"Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4"}, "1.2.3.4", 0, "-", ""},
};

START_TEST(the_first_stranger_from_the_right_is_the_client)
{
    struct gh_forwarded out;
    char text[GH_IP_TEXT_BYTES] = "-";

    ck_assert_ptr_null(judge(chains[_i].lines, &out));
    if (out.has_client)
        gh_ip_write(&out.client, text);
    ck_assert_str_eq(text, chains[_i].client);
    ck_assert_uint_eq(out.port, chains[_i].port);
    ck_assert_str_eq(out.scheme ? out.scheme : "-", chains[_i].scheme);
    assert_slice(out.host, chains[_i].host);
}
END_TEST

static const char *const refused[][3] = {
    {"Forwarded: for"},
    {"Forwarded: for="},
    {"Forwarded: =1.2.3.4"},
    {"Forwarded: for=\"1.2.3.4"},
    {"Forwarded: for=1.2.3.4 proto=http"},
    {"Forwarded: for=1.2.3.4;for=6.6.6.6"},
    {"Forwarded: for=1.2.3.4@x"},
    {"Forwarded: for=\"a\\\"b\""},
    {"Forwarded: for = 1.2.3.4"},
    {"Forwarded: \"for=6.6.6.6", "Forwarded: for=1.2.3.4"},
    /* a proxy that sets one kind lets the client's other kind pass */
    {"Forwarded: for=6.6.6.6", "X-Forwarded-For: 1.2.3.4"},
    {"Forwarded: for=6.6.6.6", "X-Forwarded-Proto: https"},
    {"Forwarded: for=unknown", "X-Forwarded-For: 1.2.3.4"},
};

START_TEST(what_makes_no_sense_is_refused)
{
    struct gh_forwarded out;

    ck_assert_ptr_nonnull(judge(refused[_i], &out));
}
END_TEST

/* A chain longer than GH_HOPS_MAX is cut off at its far end. */
START_TEST(the_nearest_hops_count)
{
    char header[2000] = "X-Forwarded-For: 6.6.6.6";
    const char *lines[] = {header, NULL};
    struct gh_forwarded out;
    char text[GH_IP_TEXT_BYTES];

    for (int i = 1; i <= 40; i++)
        snprintf(header + strlen(header), 20, ", 10.0.0.%d", i);
    ck_assert_ptr_null(judge(lines, &out));
    gh_ip_write(&out.client, text);
    ck_assert_str_eq(text, "10.0.0.25");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, the_first_stranger_from_the_right_is_the_client, 0, COUNT(chains));
    tcase_add_loop_test(tests, what_makes_no_sense_is_refused, 0, COUNT(refused));
    tcase_add_test(tests, the_nearest_hops_count);
}

int
main(void)
{
    return run_tests("front/forwarded", add);
}
