/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of resources, good ones and hostile ones. */
#include "den/uri.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static const struct {
    const char *address, *uri; /* NULL: it is none */
} addresses[] = {
    {"/alice/fn", "alice:fn"},
    {"/alice/models/fn", "alice:models:fn"},
    {"/A-l_1/ssh-id_rsa.pub", "A-l_1:ssh-id_rsa.pub"},
    {"/a/b@~", "a:b@~"},
    {"/a/...", "a:..."},
    {"/a/.ssh", "a:.ssh"},
    {"", NULL},
    {"/", NULL},
    {"alice/fn", NULL},
    {"/alice", NULL},
    {"/alice/", NULL},
    {"//fn", NULL},
    {"/alice//fn", NULL},
    {"/alice/fn/", NULL},
    {"/alice/..", NULL},
    {"/alice/../bob/fn", NULL},
    {"/alice/./fn", NULL},
    {"/./fn", NULL},
    {"/-alice/fn", NULL},
    {"/al.ice/fn", NULL},
    {"/alice:bob/fn", NULL},
    {"/alice/fn:x", NULL},
    {"/alice/f n", NULL},
    {"/alice/f\nn", NULL},
    {"/alice/f\"n", NULL},
    {"/alice/f%2fn", NULL},
    {"/alice/f\\n", NULL},
    {"/alice/f'n", NULL},
    {"/alice/f;n", NULL},
    {"/alice/f<n", NULL},
    {"/alice/f\xc3\xa4n", NULL},
    {"/alice/\xff", NULL},
    {"~/fn", NULL},
    {"^fn", NULL},
};

START_TEST(addresses_become_uris)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    bool is_good = gh_den_uri_of(slice(addresses[_i].address), &out);

    ck_assert_msg(is_good == (addresses[_i].uri != NULL), "%s", addresses[_i].address);
    assert_bytes(out.bytes, out.len, is_good ? addresses[_i].uri : "");
    if (!is_good)
        return;
    ck_assert(gh_den_uri_is_valid((struct gh_slice){(char *)out.bytes, out.len}));
    struct gh_buf back GH_SCOPED(gh_buf_done) = {0};
    gh_den_uri_add_address((struct gh_slice){(char *)out.bytes, out.len}, &back);
    assert_bytes(back.bytes, back.len, addresses[_i].address);
}
END_TEST

START_TEST(each_byte_is_in_a_part_or_not)
{
    for (int byte = 0; byte < 256; byte++) {
        const char uri[] = {'a', ':', 'x', (char)byte, 'x'};
        bool is_good = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || (byte && strchr("-_.@~:", byte));
        ck_assert_msg(gh_den_uri_is_valid((struct gh_slice){uri, sizeof uri}) == is_good, "%d",
                      byte);
        const char name[] = {'x', (char)byte};
        is_good = is_good && !(byte && strchr(".@~:", byte));
        ck_assert_msg(gh_den_name_is_valid((struct gh_slice){name, 2}) == is_good, "%d", byte);
    }
}
END_TEST

START_TEST(lengths_are_bounded)
{
    char text[2 * GH_DEN_URI_MAX_BYTES];

    memset(text, 'x', sizeof text);
    ck_assert(gh_den_name_is_valid((struct gh_slice){text, GH_DEN_NAME_MAX_BYTES}));
    ck_assert(!gh_den_name_is_valid((struct gh_slice){text, GH_DEN_NAME_MAX_BYTES + 1}));
    text[1] = ':';
    ck_assert(gh_den_uri_is_valid((struct gh_slice){text, 2 + GH_DEN_PART_MAX_BYTES}));
    ck_assert(!gh_den_uri_is_valid((struct gh_slice){text, 3 + GH_DEN_PART_MAX_BYTES}));
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = ':';
    ck_assert(gh_den_uri_is_valid((struct gh_slice){text, GH_DEN_URI_MAX_BYTES - 1}));
    ck_assert(!gh_den_uri_is_valid((struct gh_slice){text, GH_DEN_URI_MAX_BYTES + 1}));
    ck_assert(!gh_den_uri_is_valid((struct gh_slice){"", 0}));
    ck_assert(!gh_den_name_is_valid((struct gh_slice){"", 0}));
}
END_TEST

START_TEST(folders_come_first)
{
    assert_slice(gh_den_uri_folder(slice("alice:models:fn")), "alice");
    assert_slice(gh_den_uri_folder(slice("alice")), "alice");
    assert_slice(gh_den_uri_folder(slice("")), "");
}
END_TEST

static void
add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, addresses_become_uris, 0, COUNT(addresses));
    tcase_add_test(tests, each_byte_is_in_a_part_or_not);
    tcase_add_test(tests, lengths_are_bounded);
    tcase_add_test(tests, folders_come_first);
}

int
main(void)
{
    return run_tests("den_uri", add_tests);
}
