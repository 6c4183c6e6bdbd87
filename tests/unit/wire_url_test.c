/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/url.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static const struct {
    const char *target, *path, *query;
    size_t count;
    const char *first, *last;
} targets[] = {
    {"/", "/", "", 0, NULL, NULL},
    {"/check", "/check", "", 1, "check", "check"},
    {"/check/", "/check/", "", 1, "check", "check"},
    {"/a/b", "/a/b", "", 2, "a", "b"},
    {"/a/b/", "/a/b/", "", 2, "a", "b"},
    {"/a//", "/a//", "", 2, "a", ""},
    {"//a", "//a", "", 2, "", "a"},
    {"/a//b", "/a//b", "", 3, "a", "b"},
    {"/a?x=1&y=2", "/a", "x=1&y=2", 1, "a", "a"},
    {"/a?", "/a", "", 1, "a", "a"},
    {"/?a/b?c", "/", "a/b?c", 0, NULL, NULL},
    {"/a%2Fb/c", "/a%2Fb/c", "", 2, "a%2Fb", "c"},
    {"/a/../b", "/a/../b", "", 3, "a", "b"},
    {"/1/2/3/4/5/6/7/8", "/1/2/3/4/5/6/7/8", "", 8, "1", "8"},
    {"/1/2/3/4/5/6/7/8/", "/1/2/3/4/5/6/7/8/", "", 8, "1", "8"},
    {"/1/2/3/4/5/6/7/8/9", "/1/2/3/4/5/6/7/8/9", "", 9, "1", NULL},
    {"http://host", "/", "", 0, NULL, NULL},
    {"http://host?q=1", "/", "q=1", 0, NULL, NULL},
    {"HTTP://host:1/a?b", "/a", "b", 1, "a", "a"},
    {"https://[::1]:8/a/b", "/a/b", "", 2, "a", "b"},
};

START_TEST(split_takes_both_forms_apart)
{
    size_t len = strlen(targets[_i].target);
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_url url;

    memcpy(exact, targets[_i].target, len);
    ck_assert_int_eq(gh_url_split(exact, len, &url), 0);
    assert_slice(url.path, targets[_i].path);
    assert_slice(url.query, targets[_i].query);
    ck_assert_uint_eq(url.segment_count, targets[_i].count);
    if (targets[_i].first)
        assert_slice(url.segments[0], targets[_i].first);
    if (targets[_i].last)
        assert_slice(url.segments[url.segment_count - 1], targets[_i].last);
}
END_TEST

static const char *const bad_targets[] = {
    "",          "*",       "a",    "?q",    "host:80", "http://",  "http:///a", "http://?q",
    "ftp://h/a", "http:/a", "/a b", "/a\tb", "/a\nb",   "/\x7f",    "/\x80",     "/caf\xc3\xa9",
    "/%",        "/%4",     "/%4g", "/%g4",  "/a?%",    "/a?b=%zz", "/%%41",     "/a#b\r",
};

START_TEST(split_refuses_what_is_no_target)
{
    size_t len = strlen(bad_targets[_i]);
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_url url;

    memcpy(exact, bad_targets[_i], len);
    ck_assert_int_eq(gh_url_split(exact, len, &url), -1);
}
END_TEST

START_TEST(split_refuses_a_nul)
{
    struct gh_url url;
    ck_assert_int_eq(gh_url_split("/a\0b", 4, &url), -1);
}
END_TEST

START_TEST(split_takes_each_printable_byte_and_no_other)
{
    struct gh_url url;

    for (unsigned byte = 0; byte < 256; byte++) {
        char target[2] = {'/', (char)byte};
        bool is_fine = byte > 0x20 && byte < 0x7F && byte != '%' && byte != '#';
        ck_assert_int_eq(gh_url_split(target, 2, &url), is_fine ? 0 : -1);
    }
}
END_TEST

static const struct {
    const char *raw, *path, *query;
} decoded[] = {
    {"", "", ""},
    {"abc", "abc", "abc"},
    {"a%20b", "a b", "a b"},
    {"a+b", "a+b", "a b"},
    {"a%2Bb", "a+b", "a+b"},
    {"%c3%A9", "\xc3\xa9", "\xc3\xa9"},
    {"%2541", "%41", "%41"},
    {"%25", "%", "%"},
};

START_TEST(decode_undoes_escapes_once)
{
    struct gh_slice raw = {decoded[_i].raw, strlen(decoded[_i].raw)};
    struct gh_buf path GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf query GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_url_decode(&path, raw, false), 0);
    assert_slice(path, decoded[_i].path);
    ck_assert_int_eq(gh_url_decode(&query, raw, true), 0);
    assert_slice(query, decoded[_i].query);
}
END_TEST

START_TEST(decode_yields_every_byte)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        char raw[4];
        snprintf(raw, sizeof raw, byte % 2 ? "%%%02x" : "%%%02X", byte);
        ck_assert_int_eq(gh_url_decode(&out, (struct gh_slice){raw, 3}, false), 0);
        ck_assert_uint_eq(out.len, 1);
        ck_assert_uint_eq(out.bytes[0], byte);
    }
}
END_TEST

START_TEST(decode_refuses_half_an_escape)
{
    static const char *const halves[] = {"%", "a%", "%4", "a%4", "%4x", "%x4", "%%41"};
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char *exact GH_SCOPED(gh_free) = gh_alloc(strlen(halves[_i]));

    memcpy(exact, halves[_i], strlen(halves[_i]));
    ck_assert_int_eq(gh_url_decode(&out, (struct gh_slice){exact, strlen(halves[_i])}, true), -1);
}
END_TEST

static const struct {
    const char *query;
    const char *pairs[8]; /* name, value, ... */
} queries[] = {
    {"", {NULL}},
    {"&&&", {NULL}},
    {"a=1", {"a", "1"}},
    {"a=1&b=2", {"a", "1", "b", "2"}},
    {"&a=1&&b=2&", {"a", "1", "b", "2"}},
    {"a", {"a", ""}},
    {"a=", {"a", ""}},
    {"=v", {"", "v"}},
    {"=", {"", ""}},
    {"a=b=c", {"a", "b=c"}},
    {"a&b=1", {"a", "", "b", "1"}},
    {"a=1&a=2", {"a", "1", "a", "2"}},
    {"a=1;b=2", {"a", "1;b=2"}},
};

START_TEST(pairs_come_in_order)
{
    size_t len = strlen(queries[_i].query);
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_slice rest = {exact, len}, name, value;

    memcpy(exact, queries[_i].query, len);
    for (size_t i = 0; queries[_i].pairs[i]; i += 2) {
        ck_assert(gh_url_next_pair(&rest, &name, &value));
        assert_slice(name, queries[_i].pairs[i]);
        assert_slice(value, queries[_i].pairs[i + 1]);
    }
    ck_assert(!gh_url_next_pair(&rest, &name, &value));
    ck_assert_uint_eq(rest.len, 0);
}
END_TEST

static const struct {
    struct gh_slice slice;
    const char *text;
    bool is_same;
} slices[] = {
    {{"abc", 3}, "abc", true},  {{"abcd", 3}, "abc", true}, {{NULL, 0}, "", true},
    {{"abc", 2}, "abc", false}, {{"abc", 3}, "ab", false},  {{"ab\0", 3}, "ab", false},
    {{NULL, 0}, "a", false},    {{"abd", 3}, "abc", false}, {{"\0", 1}, "", false},
};

START_TEST(slice_is_compares_whole_texts)
{
    ck_assert_int_eq(gh_slice_is(slices[_i].slice, slices[_i].text), slices[_i].is_same);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, split_takes_both_forms_apart, 0, (int)COUNT(targets));
    tcase_add_loop_test(tests, split_refuses_what_is_no_target, 0, (int)COUNT(bad_targets));
    tcase_add_test(tests, split_refuses_a_nul);
    tcase_add_test(tests, split_takes_each_printable_byte_and_no_other);
    tcase_add_loop_test(tests, decode_undoes_escapes_once, 0, (int)COUNT(decoded));
    tcase_add_test(tests, decode_yields_every_byte);
    tcase_add_loop_test(tests, decode_refuses_half_an_escape, 0, 7);
    tcase_add_loop_test(tests, pairs_come_in_order, 0, (int)COUNT(queries));
    tcase_add_loop_test(tests, slice_is_compares_whole_texts, 0, (int)COUNT(slices));
}

int
main(void)
{
    return run_tests("wire_url", add);
}
