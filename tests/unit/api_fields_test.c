/* SPDX-License-Identifier: Apache-2.0 */
#include "api/fields.h"

#include "base/alloc.h"
#include "tests/unit/fake_sink.h"
#include "tests/unit/suite.h"

enum { TEXT, NAME, FLAG, NUMBER, BOTH, OBJECT, MAP, LIST, ANY, NEEDED, FIELD_COUNT };

static const struct gh_field fields[FIELD_COUNT] = {
    [TEXT] = {"text", GH_FIELD_TEXT, false},        [NAME] = {"name", GH_FIELD_NAME, false},
    [FLAG] = {"flag", GH_FIELD_BOOL, false},        [NUMBER] = {"number", GH_FIELD_INT, false},
    [BOTH] = {"both", GH_FIELD_TEXT_OR_INT, false}, [OBJECT] = {"object", GH_FIELD_OBJECT, false},
    [MAP] = {"map", GH_FIELD_VARIABLES, false},     [LIST] = {"list", GH_FIELD_TEXT_LIST, false},
    [ANY] = {"any", GH_FIELD_ANY, false},           [NEEDED] = {"needed", GH_FIELD_TEXT, true},
};

static struct fake_request fake;
static struct gh_value values[FIELD_COUNT];
static char *body;
static char *target;

static void
clean(void)
{
    fake_request_done(&fake);
    gh_free(&body);
    gh_free(&target);
}

/* Read the fields up to COUNT of the body TEXT, which is copied to its exact length. */
static int
read_body(const char *text, size_t len, size_t count)
{
    clean();
    body = gh_alloc(len);
    memcpy(body, text, len);
    fake_request_init(&fake, GH_POST, "/x", 2, body, len);
    memset(values, 0xA5, sizeof values);
    return gh_fields_body(&fake.request, fields, count, values);
}

static int
read_query(const char *query, size_t count)
{
    clean();
    target = gh_asprintf("/x?%s", query);
    ck_assert_int_eq(fake_request_init(&fake, GH_GET, target, strlen(target), NULL, 0), 0);
    memset(values, 0xA5, sizeof values);
    return gh_fields_query(&fake.request, fields, count, values);
}

/* ---- bodies ---- */

static const struct {
    const char *json, *text;
} texts[] = {
    {"{\"text\": \"abc\"}", "abc"},
    {"{\"text\": \"\"}", ""},
    {"{\"text\": \"a\\nb\\u00e9\"}", "a\nb\xc3\xa9"},
    {"{\"te\\u0078t\": \"by escaped name\"}", "by escaped name"},
    {"{\"other\": {\"text\": 1}, \"text\": \"x\"}", "x"},
    {"{\"text\": 1, \"text\": \"last wins\"}", "last wins"},
    {"{\"text\": \"first\", \"text\": \"l\\u0061st\"}", "last"},
};

START_TEST(text_is_decoded)
{
    ck_assert_int_eq(read_body(texts[_i].json, strlen(texts[_i].json), NEEDED), 0);
    ck_assert(values[TEXT].is_given);
    assert_slice(values[TEXT].text, texts[_i].text);
    ck_assert_uint_eq(fake.answers, 0);
    gh_fields_done(values, NEEDED);
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(absent_and_null_fields_are_not_given)
{
    static const char json[] =
        "{\"text\": null, \"flag\": null, \"object\": null, \"any\": null, \"list\": null}";

    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), 0);
    for (size_t i = 0; i < NEEDED; i++) {
        ck_assert(!values[i].is_given);
        ck_assert_ptr_null(values[i].tree);
        ck_assert(!values[i].flag);
    }
    ck_assert_uint_eq(values[TEXT].raw.len, 4); /* null stood there */
    ck_assert_uint_eq(values[NUMBER].raw.len, 0);
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(any_is_kept_as_it_stands)
{
    static const char json[] = "{\"any\": [1 ,, {\"x\": \"]\"}] }";

    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), 0);
    assert_slice(values[ANY].raw, "[1 ,, {\"x\": \"]\"}]");
    ck_assert_ptr_eq(values[ANY].raw.bytes, body + 8);
    gh_fields_done(values, NEEDED);
}
END_TEST

/* As pydantic reads them. */
static const struct {
    const char *json;
    int flag; /* -1: refused */
} flags[] = {
    {"true", 1},      {"false", 0},
    {"1", 1},         {"0", 0},
    {"\"true\"", 1},  {"\"T\"", 1},
    {"\"Yes\"", 1},   {"\"y\"", 1},
    {"\"ON\"", 1},    {"\"1\"", 1},
    {"\"off\"", 0},   {"\"No\"", 0},
    {"\"n\"", 0},     {"\"f\"", 0},
    {"\"FALSE\"", 0}, {"\"\\u0031\"", 1},
    {"2", -1},        {"-1", -1},
    {"1.5", -1},      {"\"maybe\"", -1},
    {"\"\"", -1},     {"\" true\"", -1},
    {"[]", -1},       {"{}", -1},
    {"NaN", -1},      {"\"true\\u0000\"", -1},
};

START_TEST(flags_are_read_as_the_clients_server_does)
{
    char json[60];

    snprintf(json, sizeof json, "{\"flag\": %s}", flags[_i].json);
    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), flags[_i].flag < 0 ? -1 : 0);
    if (flags[_i].flag < 0) {
        ck_assert_uint_eq(fake.status, 422);
        assert_contains(gh_buf_text(&fake.answer), "\"loc\":[\"body\",\"flag\"]");
        assert_contains(gh_buf_text(&fake.answer), "\"type\":\"bool_");
        return;
    }
    ck_assert_int_eq(values[FLAG].flag, flags[_i].flag);
    gh_fields_done(values, NEEDED);
}
END_TEST

static const struct {
    const char *json;
    const char *type; /* of the error, or NULL */
    long long number;
} numbers[] = {
    {"0", NULL, 0},
    {"-12", NULL, -12},
    {"9223372036854775807", NULL, 9223372036854775807},
    {"-9223372036854775808", NULL, -9223372036854775807 - 1},
    {"3.0", NULL, 3},
    {"1e3", NULL, 1000},
    {"\"42\"", NULL, 42},
    {"\" 42 \"", NULL, 42},
    {"\"-7\"", NULL, -7},
    {"3.5", "int_from_float", 0},
    {"1e30", "int_from_float", 0},
    {"\"9223372036854775808\"", "int_parsing", 0},
    {"\"x\"", "int_parsing", 0},
    {"\"1x\"", "int_parsing", 0},
    {"\"\"", "int_parsing", 0},
    {"\"1.5\"", "int_parsing", 0},
    {"\"5\\u0000\"", "int_parsing", 0},
    {"\"5\\u0000x\"", "int_parsing", 0},
    {"true", "int_type", 0},
    {"[1]", "int_type", 0},
    {"{}", "int_type", 0},
    {"NaN", "int_type", 0},
};

START_TEST(numbers_are_read_as_the_clients_server_does)
{
    char json[60], type[40];

    snprintf(json, sizeof json, "{\"number\": %s}", numbers[_i].json);
    snprintf(type, sizeof type, "\"type\":\"%s\"", numbers[_i].type ? numbers[_i].type : "");
    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), numbers[_i].type ? -1 : 0);
    if (numbers[_i].type) {
        ck_assert_uint_eq(fake.status, 422);
        assert_contains(gh_buf_text(&fake.answer), type);
        return;
    }
    ck_assert_int_eq(values[NUMBER].number, numbers[_i].number);
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(text_or_int_has_its_text_either_way)
{
    ck_assert_int_eq(read_body("{\"both\": 12}", 12, NEEDED), 0);
    assert_slice(values[BOTH].text, "12");
    ck_assert_int_eq(values[BOTH].number, 12);
    gh_fields_done(values, NEEDED);
    ck_assert_int_eq(read_body("{\"both\": \"a\\\"\"}", 15, NEEDED), 0);
    assert_slice(values[BOTH].text, "a\"");
    gh_fields_done(values, NEEDED);
    ck_assert_int_eq(read_body("{\"both\": []}", 12, NEEDED), -1);
}
END_TEST

static const struct {
    unsigned field;
    const char *json, *said;
} impossible[] = {
    {NAME, "{\"name\": \"a\\u0000b\"}", "must not contain NUL"},
    {MAP, "{\"map\": {\"a=b\": \"\"}}", "[\"body\",\"map\",\"a=b\"]"},
    {MAP, "{\"map\": {\"\": \"\"}}", "must not be empty"},
    {MAP, "{\"map\": {\"a\\u0000\": \"\"}}", "must not contain NUL"},
    {MAP, "{\"map\": {\"a\": \"\\u0000\"}}", "must not contain NUL"},
};

START_TEST(names_that_nothing_can_bear_are_refused)
{
    ck_assert_int_eq(read_body(impossible[_i].json, strlen(impossible[_i].json), NEEDED), -1);
    assert_contains(gh_buf_text(&fake.answer), impossible[_i].said);
}
END_TEST

START_TEST(names_have_a_length)
{
    char json[1100];
    int len = snprintf(json, sizeof json, "{\"name\": \"%*s\"}", _i, _i ? "x" : "");

    ck_assert_int_eq(read_body(json, (size_t)len, NEEDED), _i == 0 || _i > 1024 ? -1 : 0);
    if (fake.answers)
        assert_contains(gh_buf_text(&fake.answer), _i ? "string_too_long" : "string_too_short");
    else
        ck_assert_uint_eq(values[NAME].text.len, (size_t)_i);
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(trees_are_built)
{
    static const char json[] =
        "{\"object\": {\"a\": [1]}, \"map\": {\"k\": \"v\"}, \"list\": [\"x\"]}";

    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), 0);
    ck_assert(json_is_array(json_object_get(values[OBJECT].tree, "a")));
    ck_assert_str_eq(json_string_value(json_object_get(values[MAP].tree, "k")), "v");
    ck_assert_uint_eq(json_array_size(values[LIST].tree), 1);
    gh_fields_done(values, NEEDED);
    ck_assert_ptr_null(values[MAP].tree);
}
END_TEST

static const struct {
    const char *json, *entry;
} wrong[] = {
    {"{\"text\": 5}", "{\"type\":\"string_type\",\"loc\":[\"body\",\"text\"],"
                      "\"msg\":\"Input should be a valid string\",\"input\":5}"},
    {"{\"text\": {\"a\": [1, 2]}}", "\"input\":{\"a\":[1,2]}}"},
    {"{\"object\": []}", "{\"type\":\"dict_type\",\"loc\":[\"body\",\"object\"],"
                         "\"msg\":\"Input should be a valid dictionary\",\"input\":[]}"},
    {"{\"object\": \"{}\"}", "\"type\":\"dict_type\""},
    {"{\"list\": {}}", "{\"type\":\"list_type\",\"loc\":[\"body\",\"list\"],"
                       "\"msg\":\"Input should be a valid list\",\"input\":{}}"},
    {"{\"list\": [\"a\", 1, null]}", "\"loc\":[\"body\",\"list\",1]"},
    {"{\"list\": [\"a\", 1, null]}", "\"loc\":[\"body\",\"list\",2]"},
    {"{\"map\": {\"a\": \"x\", \"b\\\"\": 7}}",
     "{\"type\":\"string_type\",\"loc\":[\"body\",\"map\",\"b\\\"\"],"
     "\"msg\":\"Input should be a valid string\",\"input\":7}"},
};

START_TEST(what_does_not_fit_is_listed)
{
    ck_assert_int_eq(read_body(wrong[_i].json, strlen(wrong[_i].json), NEEDED), -1);
    ck_assert_uint_eq(fake.answers, 1);
    ck_assert_uint_eq(fake.status, 422);
    assert_contains(gh_buf_text(&fake.answer), wrong[_i].entry);
    json_t *tree = json_loadb((char *)fake.answer.bytes, fake.answer.len, 0, NULL);
    ck_assert(json_is_array(json_object_get(tree, "detail")));
    json_decref(tree);
}
END_TEST

START_TEST(each_wrong_field_has_an_entry)
{
    static const char json[] = "{\"text\": 1, \"flag\": [], \"number\": {}, \"object\": 1}";

    ck_assert_int_eq(read_body(json, strlen(json), FIELD_COUNT), -1);
    json_t *tree = json_loadb((char *)fake.answer.bytes, fake.answer.len, 0, NULL);
    ck_assert_uint_eq(json_array_size(json_object_get(tree, "detail")), 5); /* needed is missing */
    json_decref(tree);
}
END_TEST

START_TEST(missing_field_is_named)
{
    ck_assert_int_eq(read_body("{}", 2, FIELD_COUNT), -1);
    assert_slice(fake.answer, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\",\"needed\"],"
                              "\"msg\":\"Field required\",\"input\":{}}]}");
    static const char with_null[] = "{\"needed\": null}";
    ck_assert_int_eq(read_body(with_null, strlen(with_null), FIELD_COUNT), -1);
    assert_contains(gh_buf_text(&fake.answer), "\"type\":\"string_type\"");
    assert_contains(gh_buf_text(&fake.answer), "\"input\":null");
}
END_TEST

START_TEST(long_wrong_value_is_not_sent_back)
{
    size_t len = 4096 + (size_t)_i; /* of the literal, quotes included */
    char *json GH_SCOPED(gh_free) = gh_asprintf("{\"flag\": \"%*s\"}", (int)len - 2, "x");

    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), -1);
    if (_i)
        assert_contains(gh_buf_text(&fake.answer), "\"input\":null");
    else
        ck_assert_uint_gt(fake.answer.len, 4096);
}
END_TEST

static const struct {
    const char *body, *part;
} broken[] = {
    {"{", "\"loc\":[\"body\",1]"},
    {"{\"text\": }", "\"loc\":[\"body\",9]"},
    {"{\"text\": \"x\"} x", "\"error\":\"Extra data\""},
    {"{'text': 1}", "Expecting property name enclosed in double quotes"},
    {"<html>", "\"type\":\"json_invalid\""},
    {"[]",
     "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],\"msg\":\"Input should be a valid "
     "dictionary or object to extract fields from\",\"input\":[]}"},
    {"\"text\"", "\"input\":\"text\""},
    {"null", "\"type\":\"model_attributes_type\""},
    {"[1,,]", "\"type\":\"json_invalid\""},
    {"{\"flag\": tru}", "\"type\":\"json_invalid\",\"loc\":[\"body\",9]"},
    {"{\"flag\": True}", "\"type\":\"json_invalid\""},
    {"{\"number\": 1.2.3}", "\"type\":\"json_invalid\""},
    {"{\"number\": -}", "\"type\":\"json_invalid\""},
    {"{\"text\": \"\xff\"}", "\"type\":\"json_invalid\""},
    {"{\"text\": \"a\tb\"}", "\"type\":\"json_invalid\""},
    {"{\"text\": [1,,]}", "\"type\":\"json_invalid\""},
    {"{\"object\": {,}}", "\"type\":\"json_invalid\""},
    {"{\"nobody asks\": {,}}", "\"type\":\"json_invalid\""},
    {"{\"bad name \\x\": 1}", "\"type\":\"json_invalid\""},
};

START_TEST(bodies_that_are_no_object_are_refused)
{
    ck_assert_int_eq(read_body(broken[_i].body, strlen(broken[_i].body), NEEDED), -1);
    ck_assert_uint_eq(fake.status, 422);
    assert_contains(gh_buf_text(&fake.answer), broken[_i].part);
    json_t *tree = json_loadb((char *)fake.answer.bytes, fake.answer.len, 0, NULL);
    ck_assert_ptr_nonnull(tree);
    json_decref(tree);
}
END_TEST

/* RFC 8259 sets no bounds to numbers, and lets a \\u escape stand for half a character. */
static const char *const unasked[] = {
    "18446744073709551616", "-99999999999999999999", "1e400",      "[1e400]",
    "\"\\ud800\"",          "[\"\\ud800\"]",         "\"\\u0000\""};

START_TEST(members_that_nobody_asks_for_may_hold_any_json)
{
    char json[100];

    snprintf(json, sizeof json, "{\"extra\": %s, \"text\": \"x\"}", unasked[_i]);
    ck_assert_msg(read_body(json, strlen(json), NEEDED) == 0, "%s", gh_buf_text(&fake.answer));
    assert_slice(values[TEXT].text, "x");
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(numbers_out_of_range_are_refused)
{
    static const char *const large[] = {"9223372036854775808", "-9223372036854775809", "1e400",
                                        "\"9223372036854775808\""};
    char json[100];

    snprintf(json, sizeof json, "{\"number\": %s}", large[_i]);
    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), -1);
    ck_assert_uint_eq(fake.status, 422);
}
END_TEST

START_TEST(empty_body_counts_as_absent)
{
    static const char *const empty[] = {"", " ", "\r\n\t "};
    bool is_absent = false;

    clean();
    fake_request_init(&fake, GH_POST, "/x", 2, empty[_i], strlen(empty[_i]));
    ck_assert_int_eq(gh_fields_scan(&fake.request, fields, FIELD_COUNT, values, &is_absent), 0);
    ck_assert(is_absent);
    ck_assert_int_eq(read_body(empty[_i], strlen(empty[_i]), FIELD_COUNT), -1);
    assert_slice(fake.answer, "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],"
                              "\"msg\":\"Field required\",\"input\":null}]}");
}
END_TEST

#define WHOLE "{\"text\": \"a\\n\", \"map\": {\"k\": \"v\"}, \"flag\": \"yes\", \"any\": [1]}"

START_TEST(every_beginning_of_a_body_is_refused)
{
    ck_assert_int_eq(read_body(WHOLE, (size_t)_i, NEEDED), -1);
    ck_assert_uint_eq(fake.answers, 1);
}
END_TEST

/* ---- queries ---- */

START_TEST(query_values_are_decoded)
{
    ck_assert_int_eq(
        read_query("text=a+b%26c&flag=Yes&number=-5&needed=&text=last%20one&x=1", FIELD_COUNT), 0);
    assert_slice(values[TEXT].text, "last one");
    ck_assert(values[FLAG].flag);
    ck_assert_int_eq(values[NUMBER].number, -5);
    ck_assert(values[NEEDED].is_given);
    assert_slice(values[NEEDED].text, "");
    ck_assert(!values[ANY].is_given);
    gh_fields_done(values, FIELD_COUNT);
}
END_TEST

static const struct {
    const char *query, *entry;
} bad_queries[] = {
    {"needed=1&flag=2", "{\"type\":\"bool_parsing\",\"loc\":[\"query\",\"flag\"],"
                        "\"msg\":\"Input should be a valid boolean, unable to interpret input\","
                        "\"input\":\"2\"}"},
    {"needed=1&flag", "\"input\":\"\"}"},
    {"needed=1&number=x%22%0a", "\"input\":\"x\\\"\\n\"}"},
    {"needed=1&number=%ff", "\"type\":\"int_parsing\""},
    {"needed=1&number=5%00", "\"type\":\"int_parsing\""},
    {"text=1", "{\"type\":\"missing\",\"loc\":[\"query\",\"needed\"],\"msg\":\"Field required\","
               "\"input\":null}"},
    {"", "\"type\":\"missing\""},
    {"&&=&needed%20=1", "\"type\":\"missing\""},
};

START_TEST(bad_queries_are_refused)
{
    ck_assert_int_eq(read_query(bad_queries[_i].query, FIELD_COUNT), -1);
    ck_assert_uint_eq(fake.status, 422);
    assert_contains(gh_buf_text(&fake.answer), bad_queries[_i].entry);
    json_t *tree = json_loadb((char *)fake.answer.bytes, fake.answer.len, 0, NULL);
    ck_assert_ptr_nonnull(tree);
    json_decref(tree);
}
END_TEST

/* ---- serialization ---- */

static const struct {
    const char *json;
    int found; /* -1: refused */
} serializations[] = {
    {"{}", GH_SERIALIZATION_JSON}, /* the preset */
    {"{\"text\": null}", GH_SERIALIZATION_NONE},
    {"{\"text\": \"pickle\"}", GH_SERIALIZATION_PICKLE},
    {"{\"text\": \"json\"}", GH_SERIALIZATION_JSON},
    {"{\"text\": \"none\"}", GH_SERIALIZATION_NONE},
    {"{\"text\": \"Pickle\"}", -1},
    {"{\"text\": \"\"}", -1},
    {"{\"text\": \"json\\u0000\"}", -1},
};

START_TEST(serializations_are_three)
{
    enum gh_serialization found;
    const char *json = serializations[_i].json;

    ck_assert_int_eq(read_body(json, strlen(json), NEEDED), 0);
    int rc = gh_fields_serialization(&fake.request, &values[TEXT], GH_SERIALIZATION_JSON, &found);
    ck_assert_int_eq(rc, serializations[_i].found < 0 ? -1 : 0);
    if (rc == 0)
        ck_assert_int_eq((int)found, serializations[_i].found);
    else
        ck_assert_uint_eq(fake.status, 400);
    gh_fields_done(values, NEEDED);
}
END_TEST

START_TEST(refuse_names_place_and_reason)
{
    clean();
    fake_request_init(&fake, GH_GET, "/x", 2, NULL, 0);
    gh_fields_refuse(&fake.request, "query", "a\"b", "my_type", "because", (struct gh_slice){0});
    assert_slice(fake.answer, "{\"detail\":[{\"type\":\"my_type\",\"loc\":[\"query\",\"a\\\"b\"],"
                              "\"msg\":\"because\",\"input\":null}]}");
}
END_TEST

enum { PROCESS, NODE, PATH, OLD_COUNT };
static const struct gh_field old_fields[OLD_COUNT] = {
    [PROCESS] = {"process_name", GH_FIELD_NAME, false},
    [NODE] = {"node_ip_or_idx", GH_FIELD_TEXT_OR_INT, false},
    [PATH] = {"path", GH_FIELD_PATH, false},
};

static const struct {
    const char *body, *query; /* QUERY NULL: no such thing in one */
    const char *wanted;       /* NULL: not given */
    bool is_old;
} old_names[] = {
    {"{\"env_name\": \"old\"}", "env_name=old", "old", true},
    {"{\"env\\u005fname\": \"old\"}", NULL, "old", true},
    {"{\"env_name\": \"old\", \"process_name\": \"new\"}", "env_name=old&process_name=new", "new",
     false},
    {"{\"process_name\": \"new\", \"env_name\": \"old\"}", "process_name=new&env_name=old", "new",
     false},
    {"{\"env_name\": \"old\", \"process_name\": null}", NULL, "old", true},
    {"{\"process_name\": null, \"env_name\": \"old\"}", NULL, "old", true},
    {"{\"env\": \"other\"}", "env=other", NULL, false},
};

START_TEST(older_names_of_a_field_count_when_the_present_one_is_empty)
{
    const char *wanted = old_names[_i].wanted;
    struct gh_value old_values[OLD_COUNT];

    for (int is_query = 0; is_query <= (old_names[_i].query != NULL); is_query++) {
        if (is_query) {
            ck_assert_int_eq(read_query(old_names[_i].query, 0), 0);
            ck_assert_int_eq(gh_fields_query(&fake.request, old_fields, OLD_COUNT, old_values), 0);
        } else {
            fake_request_init(&fake, GH_POST, "/x", 2, old_names[_i].body,
                              strlen(old_names[_i].body));
            ck_assert_int_eq(gh_fields_body(&fake.request, old_fields, OLD_COUNT, old_values), 0);
        }
        ck_assert_int_eq(old_values[PROCESS].is_given, wanted != NULL);
        if (wanted) {
            assert_slice(old_values[PROCESS].text, wanted);
            ck_assert_int_eq(old_values[PROCESS].is_old, old_names[_i].is_old);
        }
        gh_fields_done(old_values, OLD_COUNT);
    }
}
END_TEST

static const struct {
    const char *body, *text, *problem;
} path_values[] = {
    {"{\"path\": \"~/a\\u00e9\"}", "~/a\xc3\xa9", NULL},
    {"{\"path\": 42}", "42", NULL},
    {"{\"path\": \"\"}", NULL, "string_too_short"},
    {"{\"path\": \"a\\u0000\"}", NULL, "string_pattern_mismatch"},
    {"{\"path\": true}", NULL, "string_type"},
};

START_TEST(paths_are_text_or_numbers)
{
    struct gh_value old_values[OLD_COUNT];

    fake_request_init(&fake, GH_POST, "/x", 2, path_values[_i].body, strlen(path_values[_i].body));
    int rc = gh_fields_body(&fake.request, old_fields, OLD_COUNT, old_values);
    ck_assert_int_eq(rc, path_values[_i].problem ? -1 : 0);
    if (rc != 0) {
        ck_assert_uint_eq(fake.status, 422);
        assert_contains(gh_buf_text(&fake.answer), path_values[_i].problem);
        return;
    }
    assert_slice(old_values[PATH].text, path_values[_i].text);
    gh_fields_done(old_values, OLD_COUNT);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, NULL, clean);
    tcase_add_loop_test(tests, text_is_decoded, 0, (int)COUNT(texts));
    tcase_add_test(tests, absent_and_null_fields_are_not_given);
    tcase_add_test(tests, any_is_kept_as_it_stands);
    tcase_add_loop_test(tests, flags_are_read_as_the_clients_server_does, 0, (int)COUNT(flags));
    tcase_add_loop_test(tests, numbers_are_read_as_the_clients_server_does, 0, (int)COUNT(numbers));
    tcase_add_test(tests, text_or_int_has_its_text_either_way);
    tcase_add_loop_test(tests, names_that_nothing_can_bear_are_refused, 0, (int)COUNT(impossible));
    tcase_add_loop_test(tests, names_have_a_length, 0, 3);
    tcase_add_loop_test(tests, names_have_a_length, 1023, 1027);
    tcase_add_test(tests, trees_are_built);
    tcase_add_loop_test(tests, what_does_not_fit_is_listed, 0, (int)COUNT(wrong));
    tcase_add_test(tests, each_wrong_field_has_an_entry);
    tcase_add_test(tests, missing_field_is_named);
    tcase_add_loop_test(tests, long_wrong_value_is_not_sent_back, 0, 2);
    tcase_add_loop_test(tests, bodies_that_are_no_object_are_refused, 0, (int)COUNT(broken));
    tcase_add_loop_test(tests, members_that_nobody_asks_for_may_hold_any_json, 0,
                        (int)COUNT(unasked));
    tcase_add_loop_test(tests, numbers_out_of_range_are_refused, 0, 4);
    tcase_add_loop_test(tests, empty_body_counts_as_absent, 0, 3);
    tcase_add_loop_test(tests, every_beginning_of_a_body_is_refused, 1, (int)sizeof WHOLE - 1);
    tcase_add_test(tests, query_values_are_decoded);
    tcase_add_loop_test(tests, bad_queries_are_refused, 0, (int)COUNT(bad_queries));
    tcase_add_loop_test(tests, serializations_are_three, 0, (int)COUNT(serializations));
    tcase_add_test(tests, refuse_names_place_and_reason);
    tcase_add_loop_test(tests, older_names_of_a_field_count_when_the_present_one_is_empty, 0,
                        (int)COUNT(old_names));
    tcase_add_loop_test(tests, paths_are_text_or_numbers, 0, (int)COUNT(path_values));
}

int
main(void)
{
    return run_tests("api_fields", add);
}
