/* SPDX-License-Identifier: Apache-2.0 */
#include "modules/python/literal.h"

#include <stdbool.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/jsontext.h"
#include "tests/unit/suite.h"

/* Buffers of exactly the promised size, so that a byte over is seen by sanitizers and valgrind. */
static const char *
unquote(const char *text, size_t len, struct gh_buf *out)
{
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    uint8_t *room GH_SCOPED(gh_free) = gh_alloc(len);
    size_t out_len = 0;

    memcpy(exact, text, len);
    const char *problem = gh_literal_unquote(exact, len, room, &out_len);
    if (!problem)
        gh_buf_add(out, room, out_len);
    return problem;
}

static const char *
unbase64(const char *text, size_t len, struct gh_buf *out)
{
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    uint8_t *room GH_SCOPED(gh_free) = gh_alloc(gh_literal_unbase64_max(len));
    size_t out_len = 0;

    memcpy(exact, text, len);
    const char *problem = gh_literal_unbase64(exact, len, room, &out_len);
    if (!problem)
        gh_buf_add(out, room, out_len);
    return problem;
}

/* ---- unquote ---- */

static const struct {
    const char *literal, *text;
} good[] = {
    {"\"\"", ""},
    {"\"abc\"", "abc"},
    {" \t\r\n\"abc\" \n", "abc"},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
    {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"},
    {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
    {"\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf"},
    {"\"\xe2\x82\xac\xf0\x9f\x98\x80\"", "\xe2\x82\xac\xf0\x9f\x98\x80"},
    /* half a pair is three bytes, which Python takes with surrogatepass */
    {"\"\\ud83d\"", "\xed\xa0\xbd"},
    {"\"\\ude00\"", "\xed\xb8\x80"},
    {"\"\\ud83dx\"", "\xed\xa0\xbdx"},
    {"\"\\ud83d\\n\"", "\xed\xa0\xbd\n"},
    {"\"\\ud83d\\ud83d\\ude00\"", "\xed\xa0\xbd\xf0\x9f\x98\x80"},
    {"\"\\ud83d\\u0041\"", "\xed\xa0\xbd\x41"},
    {"\"a long run of plain text, more than eight bytes\\nand more\"",
     "a long run of plain text, more than eight bytes\nand more"},
};

START_TEST(unquote_reads_literals)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    const char *problem = unquote(good[_i].literal, strlen(good[_i].literal), &out);
    ck_assert_msg(!problem, "%s", problem);
    assert_slice(out, good[_i].text);
}
END_TEST

static const char *const bad[] = {
    "",
    "\"",
    "abc",
    "\"abc",
    "abc\"",
    "'abc'",
    "null",
    "\"a\"b\"",
    "\"\\\"",
    "\"\\x41\"",
    "\"\\u\"",
    "\"\\u004\"",
    "\"\\u004g\"",
    "\"\\u 041\"",
    "\"\\u@041\"",
    "\"\\u`041\"",
    "\"a\nb\"",
    "\"\t\"",
    "\"\x1f\"",
    "\"12345678\x01\"",
    "\"1234567\x01\"",
    "\"123456\x01\"",
    "\"12345678\"9\"",
    "\"\\ud83d\\u00\"",
    "\"\\",
    " ",
    "\" ",
};

START_TEST(unquote_says_what_is_wrong)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    ck_assert_ptr_nonnull(unquote(bad[_i], strlen(bad[_i]), &out));
}
END_TEST

START_TEST(unquote_refuses_a_raw_nul)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_ptr_nonnull(unquote("\"a\0b\"", 5, &out));
    ck_assert_ptr_nonnull(unquote("\"\0", 2, &out));
    ck_assert_ptr_nonnull(unquote("\0\"a\"", 4, &out));
    ck_assert_ptr_nonnull(unquote("\"a\"\0", 4, &out));
    ck_assert_ptr_null(unquote("\"\\u0000\"", 8, &out));
    ck_assert_uint_eq(out.len, 1);
}
END_TEST

/* A special byte at each place of a run, where eight bytes are looked at together. */
START_TEST(special_bytes_are_seen_at_every_place)
{
    static const unsigned char specials[] = {0x00, 0x01, 0x1F, '"', '\\'};
    char literal[40];

    for (size_t len = 0; len < 30; len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < COUNT(specials); i++) {
                struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
                memset(literal, 'x', sizeof literal);
                literal[0] = literal[len + 1] = '"';
                literal[at + 1] = (char)specials[i];
                ck_assert_ptr_nonnull(unquote(literal, len + 2, &out));
                literal[at + 1] = at % 2 ? ' ' : (char)0x80;
                ck_assert_ptr_null(unquote(literal, len + 2, &out));
                ck_assert_uint_eq(out.len, len);
            }
        }
    }
}
END_TEST

#define WHOLE "\"plain text\\n\\u00e9\\ud83d\\ude00\xe2\x82\xac\\\\\""

START_TEST(every_beginning_is_refused)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    ck_assert_ptr_nonnull(unquote(WHOLE, (size_t)_i, &out));
    ck_assert_ptr_nonnull(unbase64(WHOLE, (size_t)_i, &out));
}
END_TEST

/* ---- quote ---- */

static const struct {
    const char *text, *literal;
} quotes[] = {
    {"", "\"\""},
    {"plain", "\"plain\""},
    {"more than eight bytes of it", "\"more than eight bytes of it\""},
    {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
    {"\n\r\t\b\f", "\"\\n\\r\\t\\b\\f\""},
    {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
    {"\xed\xa0\xbd", "\"\\ud83d\""},
    {"x\xed\xb8\x80y", "\"x\\ude00y\""},
    {"\xed\x9f\xbf", "\"\xed\x9f\xbf\""}, /* the last before the surrogates */
    {"\xee\x80\x80", "\"\xee\x80\x80\""}, /* the first after them */
};

START_TEST(quote_writes_as_long_as_it_said)
{
    size_t len = strlen(quotes[_i].text);
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);
    memcpy(exact, quotes[_i].text, len);
    size_t quoted_len = gh_literal_quoted_len(exact, len);
    char *out GH_SCOPED(gh_free) = gh_alloc(quoted_len);

    ck_assert_uint_eq(quoted_len, strlen(quotes[_i].literal));
    ck_assert_ptr_eq(gh_literal_quote(exact, len, out), out + quoted_len);
    assert_bytes(out, quoted_len, quotes[_i].literal);
}
END_TEST

static const char *const not_utf8[] = {
    "\x80",
    "\xbf",
    "\xc0\xaf",
    "\xc1\xbf",
    "\xc3",
    "a\xc3",
    "\xc3(",
    "\xe0\x80\x80",
    "\xe2\x82",
    "\xe2(\xac",
    "\xe2\x82(",
    "\xf0\x80\x80\x80",
    "\xf0\x9f\x98",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xff",
    "12345678\xff",
    "1234567\xe2",
    "12345678\xf0\x9f\x98",
};

START_TEST(quoted_len_refuses_what_is_not_utf8)
{
    size_t len = strlen(not_utf8[_i]);
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);

    memcpy(exact, not_utf8[_i], len);
    ck_assert_uint_eq(gh_literal_quoted_len(exact, len), SIZE_MAX);
}
END_TEST

/* What the daemon writes the worker reads, and the other way round, for all code points. */
START_TEST(daemon_and_worker_agree_on_every_code_point)
{
    struct gh_buf literal GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf back GH_SCOPED(gh_buf_done) = {0};
    uint8_t out[16];
    char quoted[16];
    size_t out_len;

    for (unsigned point = (unsigned)_i << 16; point < ((unsigned)_i + 1) << 16;
         point += code_point_step()) {
        char text[4];
        size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        unsigned rest = point;
        if (point >= 0xD800 && point <= 0xDFFF)
            continue;
        for (size_t i = size - 1; i > 0; i--, rest >>= 6)
            text[i] = (char)(0x80 | (rest & 0x3F));
        text[0] = size == 1 ? (char)point : (char)(0xF0 << (4 - size) | rest);

        literal.len = back.len = 0;
        gh_jsontext_quote(&literal, text, size, point % 2 ? GH_JSONTEXT_ASCII : GH_JSONTEXT_UTF8);
        bool is_read =
            gh_literal_unquote((char *)literal.bytes, literal.len, out, &out_len) == NULL &&
            out_len == size && memcmp(out, text, size) == 0;

        size_t quoted_len = gh_literal_quoted_len(text, size);
        gh_literal_quote(text, size, quoted);
        bool is_written = gh_jsontext_unquote(&back, quoted, quoted_len) == 0 && back.len == size &&
                          memcmp(back.bytes, text, size) == 0;

        /* Check writes each assertion it passes to a file: one for a million code points, if any */
        if (!is_read || !is_written)
            ck_abort_msg("U+%04X: read %d, written %d", point, is_read, is_written);
    }
}
END_TEST

/* ---- base64 ---- */

/* As Python's codecs.encode(.., "base64") writes it, at each length around three lines. */
START_TEST(base64_comes_back_at_every_length)
{
    size_t len = (size_t)_i;
    uint8_t *bytes GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_buf back GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 101 + len);
    size_t text_len = gh_literal_base64_len(len);
    char *text GH_SCOPED(gh_free) = gh_alloc(text_len);
    ck_assert_ptr_eq(gh_literal_base64(bytes, len, text), text + text_len);

    size_t line = 0;
    for (size_t i = 1; i < text_len - 1; i++) {
        if (text[i] == '\\') {
            ck_assert_int_eq(text[++i], 'n');
            ck_assert_uint_le(line, 76);
            if (i < text_len - 2)
                ck_assert_uint_eq(line, 76);
            line = 0;
        } else {
            line++;
        }
    }
    ck_assert_uint_eq(line, 0);
    ck_assert_ptr_null(unbase64(text, text_len, &back));
    ck_assert_uint_eq(back.len, len);
    if (len > 0)
        ck_assert_mem_eq(back.bytes, bytes, len);
}
END_TEST

START_TEST(base64_can_be_written_in_pieces_of_lines)
{
    uint8_t bytes[GH_BASE64_LINE_BYTES * 3 + 10];
    char whole[500], pieces[500];

    memset(bytes, 'q', sizeof bytes);
    char *whole_end = gh_literal_base64_lines(bytes, sizeof bytes, whole);
    char *end = gh_literal_base64_lines(bytes, GH_BASE64_LINE_BYTES, pieces);
    end = gh_literal_base64_lines(bytes + GH_BASE64_LINE_BYTES, 2 * GH_BASE64_LINE_BYTES, end);
    end = gh_literal_base64_lines(bytes + 3 * GH_BASE64_LINE_BYTES, 10, end);
    ck_assert_int_eq(end - pieces, whole_end - whole);
    ck_assert_mem_eq(pieces, whole, (size_t)(end - pieces));
    ck_assert_ptr_eq(gh_literal_base64_lines(bytes, 0, pieces), pieces);
}
END_TEST

static const struct {
    const char *literal, *bytes;
} base64_good[] = {
    {"\"\"", ""},
    {"\"YQ==\"", "a"},
    {"\"YWI=\"", "ab"},
    {"\"YWJj\"", "abc"},
    {"\"YWJj\\n\"", "abc"},
    {"\"YWJj\\nZGVm\\n\"", "abcdef"},
    {"\"YW\\nJj\"", "abc"},
    {"\"Y\\nW\\nJ\\nj\\n\"", "abc"},
    {"\"YWI\\n=\"", "ab"},
    {"\"YQ=\\n=\\n\"", "a"},
    {"\" YW Jj\\r\\n\\t\"", "abc"},
    {"\"YWJjZGVmZ2hpamts\"", "abcdefghijkl"},
    {"\"Pz8/\"", "???"},
    {"\"Pz8\\/\"", "???"},
    {"\"Pj4+\"", ">>>"},
    {"\"Pj4\\u002b\"", ">>>"},
    {"\"\\u0059WJj\"", "abc"},
    {"\"YQ\\u003d\\u003D\"", "a"},
    {"\"YWJj\\u000a\"", "abc"},
    {"\n\"YWJj\" ", "abc"},
};

START_TEST(unbase64_reads_lines_escapes_and_padding)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    const char *problem = unbase64(base64_good[_i].literal, strlen(base64_good[_i].literal), &out);
    ck_assert_msg(!problem, "%s", problem);
    assert_slice(out, base64_good[_i].bytes);
}
END_TEST

static const char *const base64_bad[] = {
    "",
    "\"",
    "YWJj",
    "\"YWJj",
    "YWJj\"",
    "\"Y\"",
    "\"YW\"",
    "\"YWJ\"",
    "\"YWJjY\"",
    "\"YQ=\"",
    "\"YQ===\"",
    "\"YWI==\"",
    "\"YWJj=\"",
    "\"=\"",
    "\"Y===\"",
    "\"YQ==YQ==\"",
    "\"YQ==a\"",
    "\"YWJj!\"",
    "\"YW-j\"",
    "\"YW_j\"",
    "\"YWJj\\\"\"",
    "\"YWJj\\\"",
    "\"YWJj\\b\"",
    "\"YWJj\\x\"",
    "\"YWJj\\u00\"",
    "\"YWJj\\u0080\"",
    "\"YWJj\\u0000\"",
    "\"YWJj\n\"",
    "\"YWJ\x01\"",
    "\"YWJj\xc3\xa9\"",
    "\"YW\"Jj\"",
    "\"YWJj\"\"",
    "\"\\u20acYWJj\"",
    "\"YWJj\\ud83d\"",
    "\"YW\\n\"",
};

START_TEST(unbase64_says_what_is_wrong)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    ck_assert_ptr_nonnull(unbase64(base64_bad[_i], strlen(base64_bad[_i]), &out));
}
END_TEST

START_TEST(unbase64_knows_exactly_the_64_digits)
{
    char literal[] = "\"YWJ?\"";

    for (unsigned byte = 0; byte < 256; byte++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        bool is_digit = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                        (byte >= 'A' && byte <= 'Z') || byte == '+' || byte == '/';
        literal[4] = (char)byte;
        /* a pad is fine in this place too, white space leaves a digit missing */
        ck_assert_int_eq(unbase64(literal, 6, &out) == NULL, is_digit || byte == '=');
    }
}
END_TEST

/* A mistake at each place of a text that is decoded in groups. */
START_TEST(unbase64_sees_a_mistake_at_every_place)
{
    char literal[300], clean[300];
    uint8_t bytes[150];

    memset(bytes, 0x5A, sizeof bytes);
    size_t len = (size_t)(gh_literal_base64(bytes, sizeof bytes, clean) - clean);
    for (size_t i = 1; i < len - 1; i++) {
        struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
        memcpy(literal, clean, len);
        literal[i] = '*';
        ck_assert_ptr_nonnull(unbase64(literal, len, &out));
    }
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, unquote_reads_literals, 0, (int)COUNT(good));
    tcase_add_loop_test(tests, unquote_says_what_is_wrong, 0, (int)COUNT(bad));
    tcase_add_test(tests, unquote_refuses_a_raw_nul);
    tcase_add_test(tests, special_bytes_are_seen_at_every_place);
    tcase_add_loop_test(tests, every_beginning_is_refused, 0, (int)sizeof WHOLE - 1);
    tcase_add_loop_test(tests, quote_writes_as_long_as_it_said, 0, (int)COUNT(quotes));
    tcase_add_loop_test(tests, quoted_len_refuses_what_is_not_utf8, 0, (int)COUNT(not_utf8));
    tcase_add_loop_test(tests, daemon_and_worker_agree_on_every_code_point, 0, 17);
    tcase_add_loop_test(tests, base64_comes_back_at_every_length, 0, 180);
    tcase_add_test(tests, base64_can_be_written_in_pieces_of_lines);
    tcase_add_loop_test(tests, unbase64_reads_lines_escapes_and_padding, 0,
                        (int)COUNT(base64_good));
    tcase_add_loop_test(tests, unbase64_says_what_is_wrong, 0, (int)COUNT(base64_bad));
    tcase_add_test(tests, unbase64_knows_exactly_the_64_digits);
    tcase_add_test(tests, unbase64_sees_a_mistake_at_every_place);
}

int
main(void)
{
    return run_tests("python_literal", add);
}
