/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/pickle.h"

#include "base/alloc.h"
#include "modules/python/literal.h"
#include "tests/unit/suite.h"

/* The pickle in the literal OUT; the caller's to free. */
static uint8_t *
decode(const struct gh_buf *out, size_t *len_out)
{
    uint8_t *bytes = gh_alloc(gh_literal_unbase64_max(out->len));
    ck_assert_ptr_null(gh_literal_unbase64((char *)out->bytes, out->len, bytes, len_out));
    return bytes;
}

START_TEST(string_is_a_protocol_4_pickle)
{
    static const uint8_t wanted[] = "\x80\x04X\x03\x00\x00\x00"
                                    "abc.";
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t len;

    gh_pickle_add_string(&out, "abc", 3);
    assert_slice(out, "\"gARYAwAAAGFiYy4=\\n\"");
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_uint_eq(len, sizeof wanted - 1);
    ck_assert_mem_eq(bytes, wanted, len);
}
END_TEST

START_TEST(exception_is_its_class_called_with_the_text)
{
    static const uint8_t wanted[] = "\x80\x04"
                                    "cbuiltins\nKeyError\nX\x02\x00\x00\x00"
                                    "hi\x85R.";
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t len;

    gh_pickle_add_exception(&out, "builtins", "KeyError", "hi");
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_uint_eq(len, sizeof wanted - 1);
    ck_assert_mem_eq(bytes, wanted, len);
}
END_TEST

START_TEST(bytes_are_a_bytes_object)
{
    static const uint8_t wanted[] = "\x80\x04"
                                    "B\x03\x00\x00\x00"
                                    "a\x00\xff.";
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t len;

    gh_pickle_add_bytes(&out, "a\0\xff", 3);
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_uint_eq(len, sizeof wanted - 1);
    ck_assert_mem_eq(bytes, wanted, len);
}
END_TEST

START_TEST(decode_error_has_its_five_arguments)
{
    static const uint8_t wanted[] = "\x80\x04"
                                    "cbuiltins\nUnicodeDecodeError\n("
                                    "X\x05\x00\x00\x00utf-8B\x01\x00\x00\x00\xff"
                                    "K\x00K\x01X\x03\x00\x00\x00whytR.";
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t len;

    gh_pickle_add_decode_error(&out, "utf-8", 0xff, "why");
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_uint_eq(len, sizeof wanted - 1);
    ck_assert_mem_eq(bytes, wanted, len);
}
END_TEST

/* Lines of 76 characters each ended by an escape, at every length around two line ends: the same
 * bytes as the worker's own encoder writes. */
START_TEST(lines_break_as_in_python)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char text[200];
    size_t len;

    memset(text, 'x', sizeof text);
    gh_pickle_add_string(&out, text, (size_t)_i);
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_uint_eq(len, (size_t)_i + 8);
    ck_assert_uint_eq(bytes[3], (size_t)_i);

    size_t wanted_len = gh_literal_base64_len(len);
    char *wanted GH_SCOPED(gh_free) = gh_alloc(wanted_len);
    ck_assert_ptr_eq(gh_literal_base64(bytes, len, wanted), wanted + wanted_len);
    ck_assert_uint_eq(out.len, wanted_len);
    ck_assert_mem_eq(out.bytes, wanted, wanted_len);
}
END_TEST

START_TEST(length_takes_four_bytes)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    size_t text_len = 0x12345, len;
    char *text GH_SCOPED(gh_free) = gh_alloc(text_len);

    memset(text, 'y', text_len);
    gh_pickle_add_string(&out, text, text_len);
    uint8_t *bytes GH_SCOPED(gh_free) = decode(&out, &len);
    ck_assert_mem_eq(bytes + 3, "\x45\x23\x01\x00", 4);
    ck_assert_uint_eq(len, text_len + 8);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, string_is_a_protocol_4_pickle);
    tcase_add_test(tests, exception_is_its_class_called_with_the_text);
    tcase_add_test(tests, bytes_are_a_bytes_object);
    tcase_add_test(tests, decode_error_has_its_five_arguments);
    tcase_add_loop_test(tests, lines_break_as_in_python, 0, 120);
    tcase_add_test(tests, length_takes_four_bytes);
}

int
main(void)
{
    return run_tests("wire_pickle", add);
}
