/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may: every kind of caller against every need, as docs/security.md has the table. */
#include "auth/access.h"

#include "auth/bearer.h"
#include "tests/unit/suite.h"
#include "wire/digest.h"

enum { NOBODY, STRANGER, READER, WRITER, OF_MODULE, WRITES_MODULE, NONE, ON_OBJECT, CALLER_COUNT };

static const struct gh_caller callers[CALLER_COUNT] = {
    [NOBODY] = {GH_CALLER_NOBODY, GH_LEVEL_NONE, "", NULL, GH_LEVEL_NONE},
    [STRANGER] = {GH_CALLER_STRANGER, GH_LEVEL_NONE, "", NULL, GH_LEVEL_NONE},
    [READER] = {GH_CALLER_KNOWN, GH_LEVEL_READ, "ann", NULL, GH_LEVEL_NONE},
    [WRITER] = {GH_CALLER_KNOWN, GH_LEVEL_WRITE, "ann", NULL, GH_LEVEL_NONE},
    [OF_MODULE] = {GH_CALLER_KNOWN, GH_LEVEL_READ, "ann", "concat", GH_LEVEL_NONE},
    [WRITES_MODULE] = {GH_CALLER_KNOWN, GH_LEVEL_WRITE, "ann", "concat", GH_LEVEL_NONE},
    [NONE] = {GH_CALLER_KNOWN, GH_LEVEL_NONE, "ann", NULL, GH_LEVEL_NONE},
    [ON_OBJECT] = {GH_CALLER_KNOWN, GH_LEVEL_NONE, "ann", NULL, GH_LEVEL_READ},
};

#define OK GH_ALLOWED
#define T401 GH_NO_TOKEN
#define NODE GH_NOT_FOR_THE_NODE
#define KEY GH_NOT_FOR_THE_KEY

static const struct {
    enum gh_need need;
    struct gh_object object;
    enum gh_verdict verdicts[CALLER_COUNT];
} table[] = {
    {GH_NEED_NOTHING, {{NULL, 0}, false, NULL}, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {GH_NEED_CLUSTER, {{NULL, 0}, false, NULL}, {T401, NODE, OK, OK, NODE, NODE, NODE, NODE}},
    {GH_NEED_WRITE, {{NULL, 0}, false, NULL}, {T401, NODE, NODE, OK, NODE, NODE, NODE, NODE}},
    {GH_NEED_OBJECT, {{"concat", 6}, false, NULL}, {T401, KEY, OK, OK, OK, OK, KEY, OK}},
    {GH_NEED_OBJECT, {{"concat2", 7}, false, NULL}, {T401, KEY, OK, OK, KEY, KEY, KEY, OK}},
    {GH_NEED_OBJECT, {{"conca", 5}, false, NULL}, {T401, KEY, OK, OK, KEY, KEY, KEY, OK}},
    {GH_NEED_OBJECT, {{"open", 4}, true, NULL}, {OK, OK, OK, OK, OK, OK, OK, OK}},
    {GH_NEED_DOCUMENT, {{"concat", 6}, false, NULL}, {T401, NODE, OK, OK, OK, OK, NODE, NODE}},
    {GH_NEED_DOCUMENT, {{"other", 5}, false, NULL}, {T401, NODE, OK, OK, NODE, NODE, NODE, NODE}},
    {GH_NEED_DOCUMENT, {{"open", 4}, true, NULL}, {T401, NODE, OK, OK, NODE, NODE, NODE, NODE}},
    {GH_NEED_LOCAL, {{NULL, 0}, false, NULL}, {T401, NODE, NODE, NODE, NODE, NODE, NODE, NODE}},
};

START_TEST(every_caller_meets_every_need)
{
    for (int caller = 0; caller < CALLER_COUNT; caller++)
        ck_assert_msg(gh_access_decide(&callers[caller], table[_i].need, &table[_i].object) ==
                          table[_i].verdicts[caller],
                      "row %d, caller %d", _i, caller);
}
END_TEST

/* ---- the header ---- */

static const struct {
    const char *value, *token;
} headers[] = {
    {NULL, ""},
    {"", ""},
    {"Bearer abc", "abc"},
    {"bearer abc", "abc"},
    {"BEARER  abc  ", "abc"},
    {"abc", "abc"},
    {"Bearer ", ""},
    {"Bearer", ""},
    {" bearer\t", ""},
    {"Bearer Bearer abc", "abc"},
    {"Token x Bearer abc", "abc"},
    {"Bearerabc", "Bearerabc"},
    {"Basic dXNlcg==", "Basic dXNlcg=="},
    {"Bearer a b", "a b"},
};

START_TEST(token_is_found_in_the_header)
{
    struct gh_slice token = gh_bearer_token(headers[_i].value);
    assert_slice(token, headers[_i].token);
}
END_TEST

START_TEST(token_that_is_longer_than_any_is_one_too)
{
    char value[10000];

    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    ck_assert_uint_eq(gh_bearer_token(value).len, sizeof value - 1);
}
END_TEST

START_TEST(digest_is_sha_256)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    struct gh_digest digest = gh_digest_of((struct gh_slice){"abc", 3});
    struct gh_digest other = digest;

    ck_assert_mem_eq(digest.bytes, abc, sizeof abc);
    ck_assert(gh_digest_is(&digest, &other));
    other.bytes[31] ^= 1;
    ck_assert(!gh_digest_is(&digest, &other));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, every_caller_meets_every_need, 0, (int)COUNT(table));
    tcase_add_loop_test(tests, token_is_found_in_the_header, 0, (int)COUNT(headers));
    tcase_add_test(tests, token_that_is_longer_than_any_is_one_too);
    tcase_add_test(tests, digest_is_sha_256);
}

int
main(void)
{
    return run_tests("auth_access", add);
}
