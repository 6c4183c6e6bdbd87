/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/call.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"
#include "wire/le.h"

#define KEY "key"
#define METHOD "method"
#define RUN "run-1"
#define DATA "[1,2]"
#define NAMES_BYTES (sizeof KEY + sizeof METHOD + sizeof RUN - 3)
#define WHOLE_BYTES (GH_CALL_HEAD_BYTES + NAMES_BYTES + sizeof DATA - 1)

static const struct gh_call_head example = {
    .serialization = GH_SERIALIZATION_PICKLE,
    .flags = GH_CALL_STREAM_LOGS | GH_CALL_BARE,
    .key = {KEY, sizeof KEY - 1},
    .method = {METHOD, sizeof METHOD - 1},
    .run_name = {RUN, sizeof RUN - 1},
    .data_len = sizeof DATA - 1,
};

/* The example with its data inline. */
static void
make_body(uint8_t bytes[WHOLE_BYTES])
{
    gh_call_encode_head(bytes, &example);
    memcpy(bytes + GH_CALL_HEAD_BYTES, KEY METHOD RUN DATA, NAMES_BYTES + sizeof DATA - 1);
}

START_TEST(head_is_laid_out_as_documented)
{
    static const uint8_t wanted[GH_CALL_HEAD_BYTES] = {2, 9, 3, 0, 6, 0, 5, 0, 0, 0, 0, 0,
                                                       0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0};
    uint8_t bytes[WHOLE_BYTES];

    make_body(bytes);
    ck_assert_mem_eq(bytes, wanted, sizeof wanted);
}
END_TEST

START_TEST(decode_gives_back_what_was_encoded)
{
    uint8_t bytes[WHOLE_BYTES];
    struct gh_call_head head;

    make_body(bytes);
    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 0, &head), 0);
    ck_assert_int_eq(head.serialization, GH_SERIALIZATION_PICKLE);
    ck_assert_uint_eq(head.flags, GH_CALL_STREAM_LOGS | GH_CALL_BARE);
    assert_slice(head.key, KEY);
    assert_slice(head.method, METHOD);
    assert_slice(head.run_name, RUN);
    ck_assert_uint_eq(head.data_offset, 0);
    assert_bytes(head.data, head.data_len, DATA);
}
END_TEST

/* Inline, the lengths must add up to the byte: nothing missing, nothing over. */
START_TEST(decode_refuses_every_other_length)
{
    uint8_t bytes[WHOLE_BYTES + 3] = {0};
    uint8_t *cut GH_SCOPED(gh_free) = gh_alloc((size_t)_i);
    struct gh_call_head head;

    make_body(bytes);
    memcpy(cut, bytes, (size_t)_i);
    ck_assert_int_eq(gh_call_decode(cut, (size_t)_i, 0, &head), _i == WHOLE_BYTES ? 0 : -1);
}
END_TEST

START_TEST(decode_takes_data_from_the_memfd)
{
    uint8_t bytes[GH_CALL_HEAD_BYTES + NAMES_BYTES + 1];
    struct gh_call_head in = example, head;

    in.data_offset = 1ull << 33;
    in.data_len = 1ull << 40;
    gh_call_encode_head(bytes, &in);
    memcpy(bytes + GH_CALL_HEAD_BYTES, KEY METHOD RUN, NAMES_BYTES);
    ck_assert_int_eq(gh_call_decode(bytes, GH_CALL_HEAD_BYTES + NAMES_BYTES, 1, &head), 0);
    ck_assert_ptr_null(head.data);
    ck_assert_uint_eq(head.data_offset, 1ull << 33);
    ck_assert_uint_eq(head.data_len, 1ull << 40);

    /* neither inline data beside the descriptor, nor an offset without one */
    ck_assert_int_eq(gh_call_decode(bytes, GH_CALL_HEAD_BYTES + NAMES_BYTES + 1, 1, &head), -1);
    ck_assert_int_eq(gh_call_decode(bytes, GH_CALL_HEAD_BYTES + NAMES_BYTES, 0, &head), -1);
}
END_TEST

START_TEST(decode_refuses_an_offset_without_memfd)
{
    uint8_t bytes[WHOLE_BYTES];
    struct gh_call_head head;

    make_body(bytes);
    gh_store_u64(bytes + 8, 1);
    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 0, &head), -1);
}
END_TEST

/* offset + length must not wrap: one at the limit, one above. */
START_TEST(decode_refuses_a_slice_that_wraps)
{
    uint8_t bytes[GH_CALL_HEAD_BYTES] = {0};
    struct gh_call_head head;

    gh_store_u64(bytes + 8, UINT64_MAX - 10);
    gh_store_u64(bytes + 16, 10);
    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 1, &head), 0);
    gh_store_u64(bytes + 16, 11);
    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 1, &head), -1);
    gh_store_u64(bytes + 8, UINT64_MAX);
    gh_store_u64(bytes + 16, UINT64_MAX);
    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 1, &head), -1);
}
END_TEST

START_TEST(decode_refuses_unknown_serializations_and_flags)
{
    uint8_t bytes[GH_CALL_HEAD_BYTES] = {0};
    struct gh_call_head head;

    for (unsigned value = 0; value < 256; value++) {
        bytes[0] = (uint8_t)value;
        ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 0, &head), value <= 2 ? 0 : -1);
    }
    bytes[0] = 0;
    for (unsigned value = 0; value < 256; value++) {
        bytes[1] = (uint8_t)value;
        ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 0, &head), value <= 15 ? 0 : -1);
    }
}
END_TEST

START_TEST(decode_takes_names_and_data_that_are_empty)
{
    uint8_t bytes[GH_CALL_HEAD_BYTES] = {0};
    struct gh_call_head head;

    ck_assert_int_eq(gh_call_decode(bytes, sizeof bytes, 0, &head), 0);
    ck_assert_uint_eq(head.key.len + head.method.len + head.run_name.len, 0);
    ck_assert_ptr_null(head.data);
    ck_assert_uint_eq(head.data_len, 0);
}
END_TEST

START_TEST(decode_takes_the_longest_names)
{
    size_t len = GH_CALL_HEAD_BYTES + 3 * UINT16_MAX;
    uint8_t *bytes GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_call_head head;

    memset(bytes, 0, len);
    memset(bytes + 2, 0xFF, 6);
    ck_assert_int_eq(gh_call_decode(bytes, len - 1, 0, &head), -1);
    ck_assert_int_eq(gh_call_decode(bytes, len, 0, &head), 0);
    ck_assert_uint_eq(head.run_name.len, UINT16_MAX);
    ck_assert_ptr_eq(head.run_name.bytes, bytes + GH_CALL_HEAD_BYTES + 2 * UINT16_MAX);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, head_is_laid_out_as_documented);
    tcase_add_test(tests, decode_gives_back_what_was_encoded);
    tcase_add_loop_test(tests, decode_refuses_every_other_length, 0, (int)WHOLE_BYTES + 3);
    tcase_add_test(tests, decode_takes_data_from_the_memfd);
    tcase_add_test(tests, decode_refuses_an_offset_without_memfd);
    tcase_add_test(tests, decode_refuses_a_slice_that_wraps);
    tcase_add_test(tests, decode_refuses_unknown_serializations_and_flags);
    tcase_add_test(tests, decode_takes_names_and_data_that_are_empty);
    tcase_add_test(tests, decode_takes_the_longest_names);
}

int
main(void)
{
    return run_tests("wire_call", add);
}
