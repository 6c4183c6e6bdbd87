/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reply.h"

#include <jansson.h>

#include "base/alloc.h"
#include "modules/python/literal.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/suite.h"

static struct fake_request fake;

static void
set_up(void)
{
    fake_request_init(&fake, GH_GET, "/", 1, NULL, 0);
}

static void
tear_down(void)
{
    fake_request_done(&fake);
}

/* The answer was given once, with STATUS and TEXT. */
static void
assert_answer(unsigned status, const char *text)
{
    ck_assert_uint_eq(fake.answers, 1);
    ck_assert_uint_eq(fake.status, status);
    ck_assert_str_eq(fake.content_type, "application/json");
    assert_slice(fake.answer, text);
}

static json_t *
answer_tree(void)
{
    json_error_t error;
    json_t *tree = json_loadb((char *)fake.answer.bytes, fake.answer.len, 0, &error);
    ck_assert_msg(tree != NULL, "%s", error.text);
    return tree;
}

START_TEST(success_is_the_clients_envelope)
{
    gh_reply_success(&fake.request);
    assert_answer(200, "{\"data\":null,\"output_type\":\"success\",\"serialization\":null}");
}
END_TEST

START_TEST(result_has_the_keys_in_the_clients_order)
{
    gh_reply_result(&fake.request, "[1]", 3, _i ? "json" : NULL);
    assert_answer(200, _i ? "{\"data\":[1],\"output_type\":\"result_serialized\","
                            "\"serialization\":\"json\"}"
                          : "{\"data\":[1],\"output_type\":\"result_serialized\","
                            "\"serialization\":null}");
}
END_TEST

START_TEST(json_takes_the_buffer_over)
{
    struct gh_buf buf = {0};

    gh_buf_add_text(&buf, "{}");
    gh_reply_json(&fake.request, 201, &buf);
    ck_assert_ptr_null(buf.bytes);
    assert_answer(201, "{}");
}
END_TEST

START_TEST(detail_is_quoted_and_carries_the_request_id)
{
    gh_reply_detail(&fake.request, 404, "no \"%s\"\n", "k\x01");
    assert_answer(404, "{\"detail\":\"no \\\"k\\u0001\\\"\\n\",\"request_id\":\"id-1\"}");
    ck_assert_uint_eq(fake.request.retry_after_s, 0);
}
END_TEST

START_TEST(detail_of_any_length_is_json)
{
    char *long_text GH_SCOPED(gh_free) = gh_asprintf("%*s", 8191 + _i, "\xe2\x82\xac");

    gh_reply_detail(&fake.request, 400, "%s", long_text);
    json_t *tree = answer_tree();
    ck_assert_uint_gt(json_string_length(json_object_get(tree, "detail")), 8000);
    json_decref(tree);
}
END_TEST

START_TEST(busy_asks_to_come_again)
{
    gh_reply_busy(&fake.request, 7, "100%% of %d", 3);
    assert_answer(503, "{\"detail\":\"100% of 3\",\"request_id\":\"id-1\"}");
    ck_assert_uint_eq(fake.request.retry_after_s, 7);
}
END_TEST

static const struct {
    enum gh_pyclass class;
    const char *name, *as_str, *traceback, *global;
} classes[] = {
    {GH_PY_FILE_EXISTS_ERROR, "FileExistsError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nFileExistsError: it \xe2\x82\xac\n",
     "cbuiltins\nFileExistsError\n"},
    {GH_PY_NOT_A_DIRECTORY_ERROR, "NotADirectoryError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nNotADirectoryError: it \xe2\x82\xac\n",
     "cbuiltins\nNotADirectoryError\n"},
    {GH_PY_OS_ERROR, "OSError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nOSError: it \xe2\x82\xac\n", "cbuiltins\nOSError\n"},
    {GH_PY_FILE_NOT_FOUND_ERROR, "FileNotFoundError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nFileNotFoundError: it \xe2\x82\xac\n",
     "cbuiltins\nFileNotFoundError\n"},
    {GH_PY_KEY_ERROR, "KeyError", "'it \xe2\x82\xac'",
     "Traceback (most recent call last):\nKeyError: 'it \xe2\x82\xac'\n", "cbuiltins\nKeyError\n"},
    {GH_PY_OBJ_STORE_ERROR, "ObjStoreError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nrunhouse.servers.obj_store.ObjStoreError: "
     "it \xe2\x82\xac\n",
     "crunhouse.servers.obj_store\nObjStoreError\n"},
    {GH_PY_RUNTIME_ERROR, "RuntimeError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nRuntimeError: it \xe2\x82\xac\n",
     "cbuiltins\nRuntimeError\n"},
    {GH_PY_VALUE_ERROR, "ValueError", "it \xe2\x82\xac",
     "Traceback (most recent call last):\nValueError: it \xe2\x82\xac\n",
     "cbuiltins\nValueError\n"},
};

START_TEST(exception_is_what_the_client_raises)
{
    gh_reply_exception(&fake.request, classes[_i].class, "%s \xe2\x82\xac", "it");
    ck_assert_uint_eq(fake.status, 200);
    ck_assert_str_eq(gh_reply_class_name(classes[_i].class), classes[_i].name);

    json_t *tree = answer_tree();
    json_t *data = json_object_get(tree, "data");
    ck_assert_str_eq(json_string_value(json_object_get(tree, "output_type")), "exception");
    ck_assert_str_eq(json_string_value(json_object_get(tree, "serialization")), "pickle");
    ck_assert_str_eq(json_string_value(json_object_get(data, "exception_as_str")),
                     classes[_i].as_str);
    ck_assert_str_eq(json_string_value(json_object_get(data, "traceback")), classes[_i].traceback);

    /* The pickle: the class, the plain text even where str() would quote it, and a call. */
    char *error GH_SCOPED(gh_free) = json_dumps(json_object_get(data, "error"), JSON_ENCODE_ANY);
    uint8_t pickle[500];
    size_t len;
    ck_assert_ptr_null(gh_literal_unbase64(error, strlen(error), pickle, &len));
    pickle[len] = '\0';
    ck_assert_mem_eq(pickle + 2, classes[_i].global, strlen(classes[_i].global));
    ck_assert_mem_eq(pickle + len - 9, "it \xe2\x82\xac\x85R.", 9);
    json_decref(tree);
}
END_TEST

START_TEST(exception_writes_ascii)
{
    gh_reply_exception(&fake.request, GH_PY_VALUE_ERROR, "\xe2\x82\xac \xff");
    for (size_t i = 0; i < fake.answer.len; i++)
        ck_assert_uint_lt(fake.answer.bytes[i], 0x7F);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, success_is_the_clients_envelope);
    tcase_add_loop_test(tests, result_has_the_keys_in_the_clients_order, 0, 2);
    tcase_add_test(tests, json_takes_the_buffer_over);
    tcase_add_test(tests, detail_is_quoted_and_carries_the_request_id);
    tcase_add_loop_test(tests, detail_of_any_length_is_json, 0, 6);
    tcase_add_test(tests, busy_asks_to_come_again);
    tcase_add_loop_test(tests, exception_is_what_the_client_raises, 0, (int)COUNT(classes));
    tcase_add_test(tests, exception_writes_ascii);
}

int
main(void)
{
    return run_tests("wire_reply", add);
}
