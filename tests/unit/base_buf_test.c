/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

#define SOME_BYTES 5000u /* several doublings */

START_TEST(zeroed_buffer_is_empty_and_valid)
{
    struct gh_buf buf = {0};

    gh_buf_add(&buf, NULL, 0);
    gh_buf_drop(&buf, 0);
    gh_buf_addf(&buf, "%s", "");
    ck_assert_uint_eq(buf.len, 0);
    gh_buf_done(&buf);
    gh_buf_done(&buf);
    ck_assert_ptr_null(buf.bytes);
}
END_TEST

START_TEST(bytes_stay_as_it_grows)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < SOME_BYTES; i++) {
        gh_buf_add_byte(&buf, (uint8_t)(i % 251));
        ck_assert_uint_eq(buf.len, i + 1);
        ck_assert_uint_ge(buf.capacity, buf.len);
    }
    for (size_t i = 0; i < SOME_BYTES; i++)
        ck_assert_uint_eq(buf.bytes[i], i % 251);
}
END_TEST

START_TEST(add_takes_more_than_twice_its_capacity)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};
    uint8_t bytes[SOME_BYTES];

    memset(bytes, 'x', sizeof bytes);
    gh_buf_add_text(&buf, "ab");
    gh_buf_add(&buf, bytes, sizeof bytes);
    ck_assert_uint_eq(buf.len, sizeof bytes + 2);
    ck_assert_mem_eq(buf.bytes, "ab", 2);
    ck_assert_mem_eq(buf.bytes + 2, bytes, sizeof bytes);
}
END_TEST

/* 256 bytes is the first capacity: formatted text must fit at each length around it. */
START_TEST(addf_fits_at_every_length)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};

    gh_buf_addf(&buf, "%*d", _i, 7);
    ck_assert_uint_eq(buf.len, (size_t)_i);
    ck_assert_uint_eq(buf.bytes[buf.len - 1], '7');
    gh_buf_addf(&buf, "-%s-", "b");
    ck_assert_mem_eq(buf.bytes + _i, "-b-", 3);
}
END_TEST

START_TEST(reserve_does_not_change_the_length)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&buf, "abc");
    uint8_t *room = gh_buf_reserve(&buf, 1000);
    ck_assert_uint_eq(buf.len, 3);
    ck_assert_ptr_eq(room, buf.bytes + 3);
    memset(room, 'z', 1000);
    buf.len += 1000;
    ck_assert_mem_eq(buf.bytes, "abczz", 5);
}
END_TEST

START_TEST(drop_moves_the_rest_to_the_front)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};

    gh_buf_add_text(&buf, "abcdef");
    gh_buf_drop(&buf, 4);
    assert_slice(buf, "ef");
    gh_buf_drop(&buf, 2);
    ck_assert_uint_eq(buf.len, 0);
    gh_buf_add_text(&buf, "g");
    assert_slice(buf, "g");
}
END_TEST

START_TEST(text_is_terminated_and_not_longer)
{
    struct gh_buf buf GH_SCOPED(gh_buf_done) = {0};

    ck_assert_str_eq(gh_buf_text(&buf), "");
    while (buf.len < 600) {
        gh_buf_add_byte(&buf, 'x');
        size_t len = buf.len;
        ck_assert_uint_eq(strlen(gh_buf_text(&buf)), len);
        ck_assert_uint_eq(buf.len, len);
    }
}
END_TEST

START_TEST(steal_hands_the_bytes_over)
{
    struct gh_buf buf = {0};
    size_t len = 99;

    gh_buf_add_text(&buf, "mine");
    uint8_t *bytes = gh_buf_steal(&buf, &len);
    assert_bytes(bytes, len, "mine");
    ck_assert_ptr_null(buf.bytes);
    ck_assert_uint_eq(buf.len + buf.capacity, 0);
    free(bytes);

    ck_assert_ptr_null(gh_buf_steal(&buf, &len));
    ck_assert_uint_eq(len, 0);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, zeroed_buffer_is_empty_and_valid);
    tcase_add_test(tests, bytes_stay_as_it_grows);
    tcase_add_test(tests, add_takes_more_than_twice_its_capacity);
    tcase_add_loop_test(tests, addf_fits_at_every_length, 250, 260);
    tcase_add_test(tests, reserve_does_not_change_the_length);
    tcase_add_test(tests, drop_moves_the_rest_to_the_front);
    tcase_add_test(tests, text_is_terminated_and_not_longer);
    tcase_add_test(tests, steal_hands_the_bytes_over);
}

int
main(void)
{
    return run_tests("base_buf", add);
}
