/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"
#include "wire/le.h"

static const enum gh_frame_kind kinds[] = {
    GH_FRAME_HELLO,        GH_FRAME_CALL,       GH_FRAME_PUT_RESOURCE, GH_FRAME_PUT_OBJECT,
    GH_FRAME_GET_OBJECT,   GH_FRAME_RENAME,     GH_FRAME_DELETE,       GH_FRAME_SET_ENV,
    GH_FRAME_ADD_PATH,     GH_FRAME_LOAD,       GH_FRAME_CANCEL,       GH_FRAME_STOP,
    GH_FRAME_SET_CONFIG,   GH_FRAME_RUN_BASH,   GH_FRAME_UNPACK_FILES, GH_FRAME_DESCRIBE,
    GH_FRAME_HTTP_REQUEST, GH_FRAME_HTTP_BODY,  GH_FRAME_HTTP_GONE,    GH_FRAME_HTTP_SENT,
    GH_FRAME_ADD_SITE,     GH_FRAME_SET_LIMITS, GH_FRAME_READY,        GH_FRAME_RESULT,
    GH_FRAME_LOG,          GH_FRAME_KEY_PUT,    GH_FRAME_KEY_GONE,     GH_FRAME_FAILED,
    GH_FRAME_HTTP_START,   GH_FRAME_HTTP_DATA,  GH_FRAME_HTTP_END,     GH_FRAME_HTTP_READ,
};

#define BODY "xyz"
#define WHOLE_BYTES (GH_FRAME_HEAD_BYTES + sizeof BODY - 1)

static void
make_frame(uint8_t bytes[WHOLE_BYTES])
{
    gh_frame_head(bytes, GH_FRAME_RESULT, GH_FRAME_HAS_FD, 0x0102030405060708u, sizeof BODY - 1);
    memcpy(bytes + GH_FRAME_HEAD_BYTES, BODY, sizeof BODY - 1);
}

START_TEST(head_is_laid_out_as_documented)
{
    static const uint8_t wanted[GH_FRAME_HEAD_BYTES] = {3, 0, 0, 0, 33, 0, 1, 0,
                                                        8, 7, 6, 5, 4,  3, 2, 1};
    uint8_t bytes[WHOLE_BYTES];

    make_frame(bytes);
    ck_assert_mem_eq(bytes, wanted, sizeof wanted);
}
END_TEST

START_TEST(decode_gives_back_what_was_encoded)
{
    uint8_t bytes[WHOLE_BYTES];
    struct gh_frame frame;
    size_t used;

    make_frame(bytes);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used), GH_FRAME_OK);
    ck_assert_uint_eq(used, sizeof bytes);
    ck_assert_int_eq(frame.kind, GH_FRAME_RESULT);
    ck_assert_uint_eq(frame.flags, GH_FRAME_HAS_FD);
    ck_assert_uint_eq(frame.call_id, 0x0102030405060708u);
    ck_assert_uint_eq(frame.body_len, sizeof BODY - 1);
    ck_assert_ptr_eq(frame.body, bytes + GH_FRAME_HEAD_BYTES);
}
END_TEST

START_TEST(decode_asks_for_more_at_every_cut)
{
    uint8_t bytes[WHOLE_BYTES];
    uint8_t *cut GH_SCOPED(gh_free) = gh_alloc((size_t)_i);
    struct gh_frame frame, untouched;
    size_t used = 77;

    make_frame(bytes);
    memcpy(cut, bytes, (size_t)_i);
    memset(&frame, 0x5A, sizeof frame);
    memset(&untouched, 0x5A, sizeof untouched);
    ck_assert_int_eq(gh_frame_decode(cut, (size_t)_i, &frame, &used), GH_FRAME_MORE);
    ck_assert_mem_eq(&frame, &untouched, sizeof frame);
    ck_assert_uint_eq(used, 77);
}
END_TEST

START_TEST(decode_leaves_the_next_frame_alone)
{
    uint8_t bytes[2 * WHOLE_BYTES];
    struct gh_frame frame;
    size_t used;

    make_frame(bytes);
    make_frame(bytes + WHOLE_BYTES);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes - 1, &frame, &used), GH_FRAME_OK);
    ck_assert_uint_eq(used, WHOLE_BYTES);
    ck_assert_int_eq(gh_frame_decode(bytes + used, WHOLE_BYTES - 1, &frame, &used), GH_FRAME_MORE);
}
END_TEST

START_TEST(decode_takes_an_empty_body)
{
    uint8_t bytes[GH_FRAME_HEAD_BYTES];
    struct gh_frame frame;
    size_t used;

    gh_frame_head(bytes, GH_FRAME_STOP, 0, 0, 0);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used), GH_FRAME_OK);
    ck_assert_uint_eq(used, GH_FRAME_HEAD_BYTES);
    ck_assert_uint_eq(frame.body_len, 0);
}
END_TEST

START_TEST(decode_knows_exactly_the_documented_kinds)
{
    uint8_t bytes[GH_FRAME_HEAD_BYTES] = {0};
    struct gh_frame frame;
    size_t used;
    unsigned known = 0;

    for (unsigned kind = 0; kind <= UINT16_MAX; kind++) {
        gh_store_u16(bytes + 4, (uint16_t)kind);
        if (gh_frame_decode(bytes, sizeof bytes, &frame, &used) == GH_FRAME_OK) {
            ck_assert_int_eq(frame.kind, kinds[known++]);
            ck_assert_str_ne(gh_frame_kind_name(kind), "unknown");
        } else {
            ck_assert_str_eq(gh_frame_kind_name(kind), "unknown");
        }
    }
    ck_assert_uint_eq(known, COUNT(kinds));
}
END_TEST

START_TEST(decode_refuses_unknown_flags)
{
    uint8_t bytes[GH_FRAME_HEAD_BYTES];
    struct gh_frame frame;
    size_t used;

    gh_frame_head(bytes, GH_FRAME_CALL, 1u << _i, 1, 0);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used),
                     _i == 0 ? GH_FRAME_OK : GH_FRAME_BROKEN);
}
END_TEST

/* A peer that announces too much is found out by the head alone. */
START_TEST(decode_refuses_a_body_over_the_limit_at_once)
{
    uint8_t bytes[GH_FRAME_HEAD_BYTES];
    struct gh_frame frame;
    size_t used;

    gh_frame_head(bytes, GH_FRAME_CALL, 0, 1, GH_FRAME_BODY_MAX_BYTES);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used), GH_FRAME_MORE);
    gh_frame_head(bytes, GH_FRAME_CALL, 0, 1, GH_FRAME_BODY_MAX_BYTES + 1);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used), GH_FRAME_BROKEN);
    gh_frame_head(bytes, GH_FRAME_CALL, 0, 1, UINT32_MAX);
    ck_assert_int_eq(gh_frame_decode(bytes, sizeof bytes, &frame, &used), GH_FRAME_BROKEN);
}
END_TEST

START_TEST(decode_takes_a_body_of_the_limit)
{
    size_t len = GH_FRAME_HEAD_BYTES + GH_FRAME_BODY_MAX_BYTES;
    uint8_t *bytes GH_SCOPED(gh_free) = gh_alloc(len);
    struct gh_frame frame;
    size_t used;

    gh_frame_head(bytes, GH_FRAME_CALL, 0, 1, GH_FRAME_BODY_MAX_BYTES);
    ck_assert_int_eq(gh_frame_decode(bytes, len - 1, &frame, &used), GH_FRAME_MORE);
    ck_assert_int_eq(gh_frame_decode(bytes, len, &frame, &used), GH_FRAME_OK);
    ck_assert_uint_eq(used, len);
}
END_TEST

START_TEST(kinds_have_the_names_of_the_document)
{
    ck_assert_str_eq(gh_frame_kind_name(GH_FRAME_HELLO), "HELLO");
    ck_assert_str_eq(gh_frame_kind_name(GH_FRAME_PUT_RESOURCE), "PUT_RESOURCE");
    ck_assert_str_eq(gh_frame_kind_name(GH_FRAME_STOP), "STOP");
    ck_assert_str_eq(gh_frame_kind_name(GH_FRAME_READY), "READY");
    ck_assert_str_eq(gh_frame_kind_name(GH_FRAME_FAILED), "FAILED");
    ck_assert_str_eq(gh_frame_kind_name(UINT32_MAX), "unknown");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, head_is_laid_out_as_documented);
    tcase_add_test(tests, decode_gives_back_what_was_encoded);
    tcase_add_loop_test(tests, decode_asks_for_more_at_every_cut, 0, (int)WHOLE_BYTES);
    tcase_add_test(tests, decode_leaves_the_next_frame_alone);
    tcase_add_test(tests, decode_takes_an_empty_body);
    tcase_add_test(tests, decode_knows_exactly_the_documented_kinds);
    tcase_add_loop_test(tests, decode_refuses_unknown_flags, 0, 16);
    tcase_add_test(tests, decode_refuses_a_body_over_the_limit_at_once);
    tcase_add_test(tests, decode_takes_a_body_of_the_limit);
    tcase_add_test(tests, kinds_have_the_names_of_the_document);
}

int
main(void)
{
    return run_tests("wire_frame", add);
}
