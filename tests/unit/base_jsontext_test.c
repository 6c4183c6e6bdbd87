/* SPDX-License-Identifier: Apache-2.0 */
#include "base/jsontext.h"

#include <jansson.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static const struct {
    const char *text, *utf8, *ascii;
} quotes[] = {
    {"", "\"\"", "\"\""},
    {"plain", "\"plain\"", "\"plain\""},
    {"a\"b\\c/d", "\"a\\\"b\\\\c/d\"", "\"a\\\"b\\\\c/d\""},
    {"\n\r\t\b\f", "\"\\n\\r\\t\\b\\f\"", "\"\\n\\r\\t\\b\\f\""},
    {"\x01\x1f", "\"\\u0001\\u001f\"", "\"\\u0001\\u001f\""},
    {"\x7f", "\"\x7f\"", "\"\\u007f\""},
    {"\xc3\xa9", "\"\xc3\xa9\"", "\"\\u00e9\""},
    {"\xe2\x82\xac", "\"\xe2\x82\xac\"", "\"\\u20ac\""},
    {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", "\"\\ud83d\\ude00\""},
    {"\xef\xbf\xbd", "\"\xef\xbf\xbd\"", "\"\\ufffd\""},
    /* not UTF-8: overlong, surrogate, above U+10FFFF, lone continuation, cut short */
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\ufffd\\ufffd\""},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\ufffd\\ufffd\\ufffd\""},
    {"\xf4\x90\x80\x80x",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
     "x\"",
     "\"\\ufffd\\ufffd\\ufffd\\ufffdx\""},
    {"a\x80z", "\"a\xef\xbf\xbdz\"", "\"a\\ufffdz\""},
    {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\ufffd\\ufffd\""},
    {"\xe2\x82z", "\"\xef\xbf\xbd\xef\xbf\xbdz\"", "\"\\ufffd\\ufffdz\""},
};

START_TEST(quote_writes_what_json_demands)
{
    struct gh_buf utf8 GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf ascii GH_SCOPED(gh_buf_done) = {0};

    gh_jsontext_quote(&utf8, quotes[_i].text, strlen(quotes[_i].text), GH_JSONTEXT_UTF8);
    assert_slice(utf8, quotes[_i].utf8);
    gh_jsontext_quote(&ascii, quotes[_i].text, strlen(quotes[_i].text), GH_JSONTEXT_ASCII);
    assert_slice(ascii, quotes[_i].ascii);
}
END_TEST

START_TEST(quote_takes_a_nul)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_jsontext_quote(&out, "a\0b", 3, GH_JSONTEXT_UTF8);
    assert_slice(out, "\"a\\u0000b\"");
}
END_TEST

START_TEST(quote_appends)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&out, "x:");
    gh_jsontext_quote(&out, NULL, 0, GH_JSONTEXT_UTF8);
    assert_slice(out, "x:\"\"");
}
END_TEST

static size_t
encode(unsigned point, char out[4])
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)(0xF0 << (4 - size) | point);
    return size;
}

/* A seventeenth of all code points each, in both styles; jansson is the judge of the literal. */
START_TEST(every_code_point_comes_back)
{
    struct gh_buf literal GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf back GH_SCOPED(gh_buf_done) = {0};

    for (unsigned point = (unsigned)_i << 16; point < ((unsigned)_i + 1) << 16;
         point += code_point_step()) {
        char text[4];
        size_t len = encode(point, text);
        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        for (int style = GH_JSONTEXT_UTF8; style <= GH_JSONTEXT_ASCII; style++) {
            literal.len = back.len = 0;
            gh_jsontext_quote(&literal, text, len, (enum gh_jsontext_style)style);
            /* Check writes each assertion it passes to a file; two million would take a minute. */
            if (gh_jsontext_unquote(&back, (char *)literal.bytes, literal.len) != 0 ||
                back.len != len || memcmp(back.bytes, text, len) != 0)
                ck_abort_msg("U+%04X does not come back in style %d", point, style);
        }
        if (point % 97 == 0 && point > 0) {
            json_t *tree = json_loadb((char *)literal.bytes, literal.len, JSON_DECODE_ANY, NULL);
            ck_assert_uint_eq(json_string_length(tree), len);
            ck_assert_mem_eq(json_string_value(tree), text, len);
            json_decref(tree);
        }
    }
}
END_TEST

static const struct {
    const char *literal, *text;
} good[] = {
    {"\"\"", ""},
    {"\"abc\"", "abc"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
    {"\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf"},
    {"\"\\ufffd\xef\xbf\xbd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\"\x7f\"", "\x7f"},
    {"\"a\\\\\"", "a\\"},
};

START_TEST(unquote_reads_escapes)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_jsontext_unquote(&out, good[_i].literal, strlen(good[_i].literal)), 0);
    assert_slice(out, good[_i].text);
}
END_TEST

START_TEST(unquote_can_yield_a_nul)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_jsontext_unquote(&out, "\"\\u0000\"", 8), 0);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_uint_eq(out.bytes[0], 0);
}
END_TEST

static const char *const bad[] = {
    "",
    "\"",
    "abc",
    "\"abc",
    "abc\"",
    "'abc'",
    " \"a\"",
    "\"a\" ",
    "\"a\"b\"",
    "\"\\\"",
    "\"\\x41\"",
    "\"\\U0041\"",
    "\"\\u\"",
    "\"\\u004\"",
    "\"\\u004g\"",
    "\"\\u 041\"",
    "\"\\u-041\"",
    /* surrogates alone or in the wrong order */
    "\"\\ud83d\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\n\"",
    "\"\\ud83d\\u0041\"",
    "\"\\ud83d\\ud83d\"",
    "\"\\ude00\"",
    "\"\\ude00\\ud83d\"",
    "\"\\ud83d\\ude0\"",
    "\"\\ud83d\\u\"",
    /* raw control characters, bytes that are not UTF-8 */
    "\"a\nb\"",
    "\"\t\"",
    "\"\x1f\"",
    "\"\x80\"",
    "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xe2\x82\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xff\"",
};

START_TEST(unquote_refuses_what_is_no_literal)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    ck_assert_int_eq(gh_jsontext_unquote(&out, bad[_i], strlen(bad[_i])), -1);
}
END_TEST

/* Each beginning is copied to an allocation of its length, so that a read past it is seen. */
START_TEST(unquote_refuses_every_beginning)
{
    static const char whole[] = "\"a\\n\\u00e9\\ud83d\\ude00\xe2\x82\xac\\\\\"";
    char *cut GH_SCOPED(gh_free) = gh_strndup(whole, (size_t)_i);
    char *exact GH_SCOPED(gh_free) = gh_alloc((size_t)_i);
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    memcpy(exact, cut, (size_t)_i);
    ck_assert_int_eq(gh_jsontext_unquote(&out, exact, (size_t)_i), -1);
}
END_TEST

/* In pieces of any size: the same text, no piece much longer, no character cut. */
START_TEST(unquote_goes_in_pieces)
{
    static const char literal[] = "\"ab\\n\\u00e9\\ud83d\\ude00\xe2\x82\xac\\\\cdefghijklmn\"";
    const char *cursor = literal + 1, *end = literal + sizeof literal - 2;
    struct gh_buf whole GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf piece GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf joined GH_SCOPED(gh_buf_done) = {0};

    ck_assert_int_eq(gh_jsontext_unquote(&whole, literal, sizeof literal - 1), 0);
    while (cursor < end) {
        piece.len = 0;
        ck_assert_int_eq(gh_jsontext_unquote_part(&piece, &cursor, end, (size_t)_i), 0);
        ck_assert_uint_gt(piece.len, 0);
        ck_assert_uint_le(piece.len, (size_t)_i + 3);
        gh_buf_add(&joined, piece.bytes, piece.len);
    }
    ck_assert_ptr_eq(cursor, end);
    ck_assert_uint_eq(joined.len, whole.len);
    ck_assert_mem_eq(joined.bytes, whole.bytes, whole.len);
}
END_TEST

START_TEST(control_characters_are_told_by_their_length)
{
    ck_assert_uint_eq(gh_jsontext_control_len("\0", 1), 1);
    ck_assert_uint_eq(gh_jsontext_control_len("\x1f", 1), 1);
    ck_assert_uint_eq(gh_jsontext_control_len("\x7f", 1), 1);
    ck_assert_uint_eq(gh_jsontext_control_len("\xc2\x80", 2), 2);
    ck_assert_uint_eq(gh_jsontext_control_len("\xc2\x9f", 2), 2);
    ck_assert_uint_eq(gh_jsontext_control_len("\xc2\xa0", 2), 0);
    ck_assert_uint_eq(gh_jsontext_control_len("\xc2\x80", 1), 0);
    ck_assert_uint_eq(gh_jsontext_control_len("\xc3\x80", 2), 0);
    ck_assert_uint_eq(gh_jsontext_control_len(" ", 1), 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, quote_writes_what_json_demands, 0, (int)COUNT(quotes));
    tcase_add_test(tests, control_characters_are_told_by_their_length);
    tcase_add_test(tests, quote_takes_a_nul);
    tcase_add_test(tests, quote_appends);
    tcase_add_loop_test(tests, every_code_point_comes_back, 0, 17);
    tcase_add_loop_test(tests, unquote_reads_escapes, 0, (int)COUNT(good));
    tcase_add_test(tests, unquote_can_yield_a_nul);
    tcase_add_loop_test(tests, unquote_refuses_what_is_no_literal, 0, (int)COUNT(bad));
    tcase_add_loop_test(tests, unquote_refuses_every_beginning, 0, 27);
    tcase_add_loop_test(tests, unquote_goes_in_pieces, 1, 40);
}

int
main(void)
{
    return run_tests("base_jsontext", add);
}
