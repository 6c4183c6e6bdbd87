/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/jsonscan.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"
#include "wire/url.h"

/* Scan all of TEXT; the members as "name value;" in OUT. */
static enum gh_jsonscan_result
scan_all(const char *text, size_t len, struct gh_buf *out, struct gh_jsonscan *scan)
{
    struct gh_slice name, value;
    enum gh_jsonscan_result result;
    char *exact GH_SCOPED(gh_free) = gh_alloc(len);

    memcpy(exact, text, len);
    gh_jsonscan_start(scan, exact, len);
    while ((result = gh_jsonscan_next(scan, &name, &value)) == GH_JSONSCAN_MEMBER)
        gh_buf_addf(out, "%.*s %.*s;", (int)name.len, name.bytes, (int)value.len, value.bytes);
    return result;
}

static const struct {
    const char *json, *members;
} objects[] = {
    {"{}", ""},
    {" {\t} \r\n", ""},
    {"{\"a\":1}", "\"a\" 1;"},
    {" { \"a\" : 1 , \"b\" : [ 1 , 2 ] } ", "\"a\" 1;\"b\" [ 1 , 2 ];"},
    {"{\"a\":\"x\",\"b\":{},\"c\":[],\"d\":null,\"e\":true,\"f\":-1.5e+3}",
     "\"a\" \"x\";\"b\" {};\"c\" [];\"d\" null;\"e\" true;\"f\" -1.5e+3;"},
    {"{\"a\\\"b\":\"\\\\\"}", "\"a\\\"b\" \"\\\\\";"},
    {"{\"a\":\"}],:{\"}", "\"a\" \"}],:{\";"},
    {"{\"a\":[\"]\",{\"b\":\"\\\"}\"}]}", "\"a\" [\"]\",{\"b\":\"\\\"}\"}];"},
    {"{\"a\":1,\"a\":2}", "\"a\" 1;\"a\" 2;"},
    {"{\"\":NaN}", "\"\" NaN;"},
    {"{\"a\":Infinity,\"b\":-Infinity}", "\"a\" Infinity;\"b\" -Infinity;"},
    {"{\"\xe2\x82\xac\":\"\xf0\x9f\x98\x80\"}", "\"\xe2\x82\xac\" \"\xf0\x9f\x98\x80\";"},
    /* inside a value is whoever decodes it to judge */
    {"{\"a\":[1,,}\"", NULL},
    {"{\"a\":[1 2,,]}", "\"a\" [1 2,,];"},
    {"{\"a\":1.2.3}", "\"a\" 1.2.3;"},
};

START_TEST(members_are_found_as_they_stand)
{
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;
    const char *json = objects[_i].json;

    enum gh_jsonscan_result result = scan_all(json, strlen(json), &members, &scan);
    if (!objects[_i].members) {
        ck_assert_int_eq(result, GH_JSONSCAN_BROKEN);
        return;
    }
    ck_assert_int_eq(result, GH_JSONSCAN_END);
    assert_slice(members, objects[_i].members);
}
END_TEST

static const char *const no_objects[] = {"[]", "[{}]", "\"a\"", "1", " null ", "true", "\"{\""};

START_TEST(other_documents_are_no_objects)
{
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;

    ck_assert_int_eq(scan_all(no_objects[_i], strlen(no_objects[_i]), &members, &scan),
                     GH_JSONSCAN_NOT_OBJECT);
}
END_TEST

static const struct {
    const char *json;
    size_t offset;
    const char *problem;
} broken[] = {
    {"", 0, "Expecting value"},
    {"  ", 2, "Expecting value"},
    {"}", 0, "Expecting value"},
    {"{", 1, "Expecting property name enclosed in double quotes"},
    {"{a:1}", 1, "Expecting property name enclosed in double quotes"},
    {"{1:1}", 1, "Expecting property name enclosed in double quotes"},
    {"{,}", 1, "Expecting property name enclosed in double quotes"},
    {"{\"a\"}", 4, "Expecting ':' delimiter"},
    {"{\"a\" 1}", 5, "Expecting ':' delimiter"},
    {"{\"a\"", 4, "Expecting ':' delimiter"},
    {"{\"a\":}", 5, "Expecting value"},
    {"{\"a\":", 5, "Expecting value"},
    {"{\"a\":,", 5, "Expecting value"},
    {"{\"a\":1", 6, "Expecting ',' delimiter"},
    {"{\"a\":1 \"b\":2}", 7, "Expecting ',' delimiter"},
    {"{\"a\":1]", 6, "Expecting ',' delimiter"},
    {"{\"a\":1,}", 7, "Expecting property name enclosed in double quotes"},
    {"{\"a\":1}x", 7, "Extra data"},
    {"{}{}", 2, "Extra data"},
    {"[]]", 2, "Extra data"},
    {"1 2", 2, "Extra data"},
    {"{\"a\":\"x}", 5, "Unterminated string starting at"},
    {"{\"a\":\"x\\\"}", 5, "Unterminated string starting at"},
    {"{\"a", 1, "Unterminated string starting at"},
    {"\"", 0, "Unterminated string starting at"},
    {"{\"a\":[1}", 5, "Unbalanced or too deeply nested value starting at"},
    {"{\"a\":{]}", 5, "Unbalanced or too deeply nested value starting at"},
    {"{\"a\":[\"]}", 5, "Unbalanced or too deeply nested value starting at"},
    {"{\"a\":[", 5, "Unbalanced or too deeply nested value starting at"},
};

START_TEST(broken_documents_say_where_and_what)
{
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;

    ck_assert_int_eq(scan_all(broken[_i].json, strlen(broken[_i].json), &members, &scan),
                     GH_JSONSCAN_BROKEN);
    ck_assert_uint_eq(scan.offset, broken[_i].offset);
    ck_assert_str_eq(scan.problem, broken[_i].problem);
}
END_TEST

#define LONG_DOCUMENT "{\"k\\\"\":\"v\\\\\",\"n\":[1,{\"x\":\"]}\"}],\"z\":true }"

START_TEST(every_beginning_is_broken)
{
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;

    ck_assert_int_eq(scan_all(LONG_DOCUMENT, (size_t)_i, &members, &scan), GH_JSONSCAN_BROKEN);
    ck_assert_uint_le(scan.offset, (size_t)_i);
    ck_assert_ptr_nonnull(scan.problem);
}
END_TEST

/* 512 levels of one value are taken, one more is refused, and neither recurses. */
START_TEST(depth_has_a_limit)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;
    int depth = 511 + _i;

    gh_buf_add_text(&text, "{\"a\":");
    for (int i = 0; i < depth; i++)
        gh_buf_add_text(&text, i % 2 ? "{\"b\":" : "[");
    gh_buf_add_byte(&text, '1');
    for (int i = depth - 1; i >= 0; i--)
        gh_buf_add_byte(&text, i % 2 ? '}' : ']');
    gh_buf_add_byte(&text, '}');
    ck_assert_int_eq(scan_all((char *)text.bytes, text.len, &members, &scan),
                     depth <= 512 ? GH_JSONSCAN_END : GH_JSONSCAN_BROKEN);
}
END_TEST

START_TEST(closing_brackets_alone_are_no_values)
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf members GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;

    gh_buf_add_text(&text, "{\"a\":[");
    for (int i = 0; i < 1000; i++)
        gh_buf_add_byte(&text, ']');
    ck_assert_int_eq(scan_all((char *)text.bytes, text.len, &members, &scan), GH_JSONSCAN_BROKEN);
}
END_TEST

/* A string of nothing but escaped quotes and backslashes: found in one pass, not in n * n. */
START_TEST(escapes_do_not_slow_the_scan)
{
    size_t pairs = 2u << 20;
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    struct gh_jsonscan scan;
    struct gh_slice name, value;

    gh_buf_add_text(&text, "{\"data\":\"");
    for (size_t i = 0; i < pairs; i++)
        gh_buf_add_text(&text, _i == 0 ? "\\\"" : _i == 1 ? "\\\\" : i % 2 ? "\\\"" : "\\\\");
    gh_buf_add_text(&text, "\"}");
    gh_jsonscan_start(&scan, (char *)text.bytes, text.len);
    ck_assert_int_eq(gh_jsonscan_next(&scan, &name, &value), GH_JSONSCAN_MEMBER);
    ck_assert_uint_eq(value.len, 2 * pairs + 2);
    ck_assert_int_eq(gh_jsonscan_next(&scan, &name, &value), GH_JSONSCAN_END);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, members_are_found_as_they_stand, 0, (int)COUNT(objects));
    tcase_add_loop_test(tests, other_documents_are_no_objects, 0, (int)COUNT(no_objects));
    tcase_add_loop_test(tests, broken_documents_say_where_and_what, 0, (int)COUNT(broken));
    tcase_add_loop_test(tests, every_beginning_is_broken, 0, (int)sizeof LONG_DOCUMENT - 1);
    tcase_add_loop_test(tests, depth_has_a_limit, 0, 4);
    tcase_add_test(tests, closing_brackets_alone_are_no_values);
    tcase_add_loop_test(tests, escapes_do_not_slow_the_scan, 0, 3);
}

int
main(void)
{
    return run_tests("wire_jsonscan", add);
}
