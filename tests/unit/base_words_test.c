/* SPDX-License-Identifier: Apache-2.0 */
#include "base/words.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

static struct gh_err err;

/* WORDS with "|" behind each. */
static char *
spell(const struct gh_words *words)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};

    for (size_t i = 0; i < words->count; i++)
        gh_buf_addf(&out, "%s|", words->list[i]);
    return gh_strdup(gh_buf_text(&out));
}

/* Expected words as Python's shlex.split has them, where that follows the standard. */
static const struct {
    const char *text, *words;
} good[] = {
    {"", ""},
    {" \t\n ", ""},
    {"a", "a|"},
    {"  a\tb\nc ", "a|b|c|"},
    {"--no-deps -i https://host/simple", "--no-deps|-i|https://host/simple|"},
    {"'a b' c", "a b|c|"},
    {"\"a b\" c", "a b|c|"},
    {"a'b'\"c\"d", "abcd|"},
    {"''", "|"},
    {"\"\" a ''", "|a||"},
    {"a\\ b", "a b|"},
    {"\\'", "'|"},
    {"'\\'", "\\|"},
    {"\"\\a\"", "\\a|"},
    {"\"\\\"\"", "\"|"},
    {"\"\\$\\`\\\\\"", "$`\\|"},
    {"\"a'b\" 'c\"d'", "a'b|c\"d|"},
    {"a\\\nb", "ab|"},
    {"\"a\\\nb\"", "ab|"},
    {"'a\\\nb'", "a\\\nb|"},
    {"\\\n", ""},
    {"a \\\n b", "a|b|"},
    /* no operator, no expansion, no comment */
    {"$HOME `id` $(id) ~ *.py {a,b}", "$HOME|`id`|$(id)|~|*.py|{a,b}|"},
    {"a;b a&&b a|b >x <y #z", "a;b|a&&b|a|b|>x|<y|#z|"},
    {"numpy>=1.0 'x; python_version<\"3\"'", "numpy>=1.0|x; python_version<\"3\"|"},
    {"\xc3\xa9 '\xe2\x82\xac'", "\xc3\xa9|\xe2\x82\xac|"},
};

START_TEST(text_becomes_the_words_of_the_shell)
{
    struct gh_words words GH_SCOPED(gh_words_done) = {0};

    ck_assert_int_eq(gh_words_split(&words, good[_i].text, &err), GH_OK);
    char *spelled GH_SCOPED(gh_free) = spell(&words);
    ck_assert_str_eq(spelled, good[_i].words);
    ck_assert(!words.list || !words.list[words.count]);
}
END_TEST

static const struct {
    const char *text, *problem;
} bad[] = {
    {"'", "quote (')"},       {"a \"b c", "quote (\")"}, {"a 'b\\'c'", "quote (')"},
    {"\"\\\"", "quote (\")"}, {"a \\", "backslash"},     {"\\", "backslash"},
};

START_TEST(what_nothing_ends_is_refused_and_leaves_no_words)
{
    struct gh_words words GH_SCOPED(gh_words_done) = {0};

    gh_words_add(&words, "before");
    ck_assert_int_eq(gh_words_split(&words, bad[_i].text, &err), GH_E_INPUT);
    assert_contains(err.text, bad[_i].problem);
    ck_assert_uint_eq(words.count, 1);
    ck_assert_ptr_null(words.list[1]);
}
END_TEST

START_TEST(lists_grow_and_are_null_terminated)
{
    struct gh_words words GH_SCOPED(gh_words_done) = {0};
    struct gh_words all GH_SCOPED(gh_words_done) = {0};

    gh_words_add(&words, "a");
    gh_words_addf(&words, "%s=%d", "b", 2);
    gh_words_add_all(&all, &words);
    gh_words_add_all(&all, &words);
    char *spelled GH_SCOPED(gh_free) = spell(&all);
    ck_assert_str_eq(spelled, "a|b=2|a|b=2|");
    ck_assert_ptr_null(all.list[4]);
}
END_TEST

static const struct {
    const char *text, *hidden;
} secrets[] = {
    {"", ""},
    {"plain words", "plain words"},
    {"https://host/a@b", "https://host/a@b"},
    {"https://user:pw@host/x", "https://****@host/x"},
    {"https://token@host", "https://****@host"},
    {"https://a:b@c@host/x", "https://****@host/x"},
    {"-i https://u:p@a/ -f \"https://q@b/\"", "-i https://****@a/ -f \"https://****@b/\""},
    {"ssh://git@host/x git@host:x", "ssh://****@host/x git@host:x"},
    {"https://host?x=a@b https://host#a@b", "https://host?x=a@b https://host#a@b"},
    {"a://b://c@d", "a://b://****@d"},
    {"://", "://"},
};

START_TEST(passwords_in_urls_are_hidden)
{
    char *hidden GH_SCOPED(gh_free) = gh_words_hide_secrets(secrets[_i].text);
    ck_assert_str_eq(hidden, secrets[_i].hidden);
}
END_TEST

START_TEST(names_of_a_list_are_in_lower_case)
{
    struct gh_words words GH_SCOPED(gh_words_done) = {0};

    gh_words_add_names(&words, "");
    gh_words_add_names(&words, " ,Api.Example.org, b,,C ");
    char *text GH_SCOPED(gh_free) = spell(&words);
    ck_assert_str_eq(text, "api.example.org|b|c|");
    ck_assert(gh_words_have(&words, "b") && !gh_words_have(&words, "B"));
    ck_assert(!gh_words_have(&words, "") && !gh_words_have(&words, "api"));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, text_becomes_the_words_of_the_shell, 0, (int)COUNT(good));
    tcase_add_loop_test(tests, what_nothing_ends_is_refused_and_leaves_no_words, 0,
                        (int)COUNT(bad));
    tcase_add_test(tests, names_of_a_list_are_in_lower_case);
    tcase_add_test(tests, lists_grow_and_are_null_terminated);
    tcase_add_loop_test(tests, passwords_in_urls_are_hidden, 0, (int)COUNT(secrets));
}

int
main(void)
{
    return run_tests("base_words", add);
}
