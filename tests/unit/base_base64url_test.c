/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as text for URLs, and back. */
#include "base/base64url.h"

#include "tests/unit/suite.h"

/* RFC 4648 section 10, without padding, and the two characters that differ. */
static const struct {
    const char *bytes, *text;
} pairs[] = {
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"},
};

START_TEST(bytes_become_text)
{
    struct gh_buf out = {0};

    gh_base64url_add(&out, pairs[_i].bytes, strlen(pairs[_i].bytes));
    assert_bytes(out.bytes, out.len, pairs[_i].text);
    gh_buf_done(&out);
}
END_TEST

START_TEST(text_becomes_bytes)
{
    struct gh_buf out = {0};

    gh_buf_add_text(&out, ">");
    ck_assert_int_eq(gh_base64url_read(&out, pairs[_i].text, strlen(pairs[_i].text)), GH_OK);
    assert_bytes(out.bytes + 1, out.len - 1, pairs[_i].bytes);
    gh_buf_done(&out);
}
END_TEST

START_TEST(padding_is_left_out)
{
    struct gh_buf out = {0};

    ck_assert_int_eq(gh_base64url_read(&out, "Zg==", 4), GH_OK);
    assert_bytes(out.bytes, out.len, "f");
    gh_buf_done(&out);
}
END_TEST

START_TEST(other_text_is_refused)
{
    static const char *const texts[] = {"Z", "Zm9vY", "Zm+v", "Zm/v", "Zm 9", "=Zm9v", "Z\n"};
    struct gh_buf out = {0};

    gh_buf_add_text(&out, "kept");
    ck_assert_int_eq(gh_base64url_read(&out, texts[_i], strlen(texts[_i])), GH_E_INPUT);
    assert_bytes(out.bytes, out.len, "kept");
    gh_buf_done(&out);
}
END_TEST

START_TEST(every_byte_comes_back)
{
    struct gh_buf text = {0}, back = {0};
    uint8_t bytes[256];

    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        text.len = back.len = 0;
        gh_base64url_add(&text, bytes, len);
        ck_assert_int_eq(gh_base64url_read(&back, (const char *)text.bytes, text.len), GH_OK);
        ck_assert_uint_eq(back.len, len);
        ck_assert(len == 0 || memcmp(back.bytes, bytes, len) == 0);
    }
    gh_buf_done(&text);
    gh_buf_done(&back);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, bytes_become_text, 0, COUNT(pairs));
    tcase_add_loop_test(tests, text_becomes_bytes, 0, COUNT(pairs));
    tcase_add_test(tests, padding_is_left_out);
    tcase_add_loop_test(tests, other_text_is_refused, 0, 7);
    tcase_add_test(tests, every_byte_comes_back);
}

int
main(void)
{
    return run_tests("base_base64url", add);
}
