/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <jansson.h>
#include <regex.h>
#include <sys/mman.h>

#include "tests/unit/suite.h"

#define LINE_MAX_BYTES 20000

/* What is written to standard error between capture() and captured(). */
static int saved_stderr, capture_fd;

static void
capture(enum gh_log_level lowest, enum gh_log_format format)
{
    capture_fd = memfd_create("stderr", MFD_CLOEXEC);
    saved_stderr = dup(STDERR_FILENO);
    dup2(capture_fd, STDERR_FILENO);
    gh_log_setup(lowest, format);
}

static const char *
captured(void)
{
    static char text[LINE_MAX_BYTES];

    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    ssize_t len = pread(capture_fd, text, sizeof text - 1, 0);
    ck_assert_int_ge(len, 0);
    text[len] = '\0';
    close(capture_fd);
    gh_log_setup(GH_LOG_INFO, GH_LOG_TEXT);
    return text;
}

static void
assert_matches(const char *text, const char *pattern)
{
    regex_t compiled;

    ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    int rc = regexec(&compiled, text, 0, NULL, 0);
    regfree(&compiled);
    ck_assert_msg(rc == 0, "'%s' does not match '%s'", text, pattern);
}

/* The one captured line as an object; the caller's to decref. */
static json_t *
captured_object(void)
{
    const char *line = captured();
    json_error_t error;

    ck_assert_uint_eq(strcspn(line, "\n") + 1, strlen(line));
    json_t *tree = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json_is_object(tree), "%s: %.100s", error.text, line);
    return tree;
}

static void
assert_member(json_t *tree, const char *key, const char *text)
{
    json_t *member = json_object_get(tree, key);
    char number[32];
    const char *value = json_string_value(member);

    if (json_is_integer(member)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(member));
        value = number;
    }
    ck_assert_msg(value && strcmp(value, text) == 0, "%s is '%s', not '%s'", key, value, text);
}

static void
assert_number(json_t *tree, const char *key, json_int_t number)
{
    ck_assert(json_is_integer(json_object_get(tree, key)));
    ck_assert_int_eq(json_integer_value(json_object_get(tree, key)), number);
}

START_TEST(text_line_has_time_level_event_and_pairs)
{
    capture(GH_LOG_INFO, GH_LOG_TEXT);
    gh_log(GH_LOG_WARN, "worker.slow", "process=%s waited_ms=%d", gh_log_quote("a b"), 12);
    assert_matches(captured(), "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                               "WARNING worker\\.slow process=\"a b\" waited_ms=12\n$");
}
END_TEST

START_TEST(levels_below_the_lowest_are_not_written)
{
    capture((enum gh_log_level)_i, GH_LOG_TEXT);
    for (int level = GH_LOG_DEBUG; level <= GH_LOG_ERR; level++) {
        ck_assert_int_eq(gh_log_wants((enum gh_log_level)level), level >= _i);
        gh_log((enum gh_log_level)level, "event", "level=%d", level);
    }
    const char *text = captured();
    for (int level = GH_LOG_DEBUG; level <= GH_LOG_ERR; level++) {
        char part[16];
        snprintf(part, sizeof part, "level=%d\n", level);
        ck_assert_int_eq(strstr(text, part) != NULL, level >= _i);
    }
}
END_TEST

START_TEST(json_line_is_one_object_with_a_member_per_pair)
{
    capture(GH_LOG_INFO, GH_LOG_JSON);
    gh_log(GH_LOG_INFO, "process.ready", "process=%s pid=%d empty= path=/a/b?c=d",
           gh_log_quote("x"), 7);
    json_t *tree = captured_object();

    ck_assert_uint_eq(json_object_size(tree), 7);
    assert_matches(json_string_value(json_object_get(tree, "time")), "^[0-9T:.-]{23}Z$");
    assert_member(tree, "level", "INFO");
    assert_member(tree, "event", "process.ready");
    assert_member(tree, "process", "x");
    assert_number(tree, "pid", 7);
    assert_member(tree, "empty", "");
    assert_member(tree, "path", "/a/b?c=d");
    json_decref(tree);
}
END_TEST

static const char *const words[] = {
    "",          "plain",        "two words", "a=b",  "quote\"d",       "back\\slash",
    "line\nend", "ends with \\", "\x01\x1f",  "\x7f", "\xe2\x82\xac=1", " key=value ",
};

START_TEST(json_line_keeps_quoted_text)
{
    capture(GH_LOG_INFO, GH_LOG_JSON);
    gh_log(GH_LOG_INFO, "event", "text=%s last=1", gh_log_quote(words[_i]));
    json_t *tree = captured_object();

    assert_member(tree, "text", words[_i]);
    assert_number(tree, "last", 1);
    json_decref(tree);
}
END_TEST

/* Numbers are such only where every reader keeps them exact. */
START_TEST(json_line_has_numbers_for_whole_numbers)
{
    capture(GH_LOG_INFO, GH_LOG_JSON);
    gh_log(GH_LOG_INFO, "event",
           "zero=0 long=999999999999999 longer=1000000000000000 lead=007 "
           "minus=-1 real=1.5 word=1s");
    json_t *tree = captured_object();

    assert_number(tree, "zero", 0);
    assert_number(tree, "long", 999999999999999);
    assert_member(tree, "longer", "1000000000000000");
    assert_member(tree, "lead", "007");
    assert_member(tree, "minus", "-1");
    assert_member(tree, "real", "1.5");
    assert_member(tree, "word", "1s");
    json_decref(tree);
}
END_TEST

START_TEST(json_line_without_pairs_or_with_stray_words_is_whole)
{
    capture(GH_LOG_INFO, GH_LOG_JSON);
    gh_log(GH_LOG_INFO, "event", "%s", _i ? "stray a=1  words b=2 =3 end" : "");
    json_t *tree = captured_object();

    if (_i) {
        assert_number(tree, "a", 1);
        assert_number(tree, "b", 2);
    }
    json_decref(tree);
}
END_TEST

/* User code prints what it likes, and each byte of it can take six in the line. */
START_TEST(json_line_is_whole_however_long_its_values)
{
    char text[600];

    memset(text, _i == 0 ? '\x01' : _i == 1 ? '"' : _i == 2 ? 'x' : '\xff', sizeof text);
    text[sizeof text - 1] = '\0';
    capture(GH_LOG_INFO, GH_LOG_JSON);
    gh_log(GH_LOG_INFO, "worker.output", "process=%s text=%s other=%s more=%s", gh_log_quote("p"),
           gh_log_quote(text), gh_log_quote(text), gh_log_quote(text));
    json_t *tree = captured_object();

    assert_member(tree, "process", "p");
    ck_assert_uint_ge(json_string_length(json_object_get(tree, "text")), 300);
    json_decref(tree);
}
END_TEST

START_TEST(quote_serves_four_at_a_time)
{
    const char *quoted[] = {gh_log_quote("a"), gh_log_quote("b"), gh_log_quote("c"),
                            gh_log_quote("d")};

    ck_assert_str_eq(quoted[0], "\"a\"");
    ck_assert_str_eq(quoted[1], "\"b\"");
    ck_assert_str_eq(quoted[2], "\"c\"");
    ck_assert_str_eq(quoted[3], "\"d\"");
}
END_TEST

START_TEST(quote_cuts_long_text)
{
    char text[502];
    size_t len = 499 + (size_t)_i;

    memset(text, 'x', sizeof text);
    text[len] = '\0';
    ck_assert_uint_eq(strlen(gh_log_quote(text)), 2 + (len > 500 ? 500 : len));
}
END_TEST

START_TEST(level_names_are_those_of_python)
{
    ck_assert_int_eq(gh_log_level_by_name("DEBUG"), GH_LOG_DEBUG);
    ck_assert_int_eq(gh_log_level_by_name("info"), GH_LOG_INFO);
    ck_assert_int_eq(gh_log_level_by_name("Warning"), GH_LOG_WARN);
    ck_assert_int_eq(gh_log_level_by_name("WARN"), GH_LOG_WARN);
    ck_assert_int_eq(gh_log_level_by_name("ERROR"), GH_LOG_ERR);
    ck_assert_int_eq(gh_log_level_by_name("err"), GH_LOG_ERR);
    ck_assert_int_eq(gh_log_level_by_name("CRITICAL"), GH_LOG_ERR);
    ck_assert_int_eq(gh_log_level_by_name(""), -1);
    ck_assert_int_eq(gh_log_level_by_name("LOUD"), -1);
    ck_assert_int_eq(gh_log_level_by_name("INFOS"), -1);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, text_line_has_time_level_event_and_pairs);
    tcase_add_loop_test(tests, levels_below_the_lowest_are_not_written, 0, 4);
    tcase_add_test(tests, json_line_is_one_object_with_a_member_per_pair);
    tcase_add_loop_test(tests, json_line_keeps_quoted_text, 0, (int)COUNT(words));
    tcase_add_test(tests, json_line_has_numbers_for_whole_numbers);
    tcase_add_loop_test(tests, json_line_without_pairs_or_with_stray_words_is_whole, 0, 2);
    tcase_add_loop_test(tests, json_line_is_whole_however_long_its_values, 0, 4);
    tcase_add_test(tests, quote_serves_four_at_a_time);
    tcase_add_loop_test(tests, quote_cuts_long_text, 0, 3);
    tcase_add_test(tests, level_names_are_those_of_python);
}

int
main(void)
{
    return run_tests("base_log", add);
}
