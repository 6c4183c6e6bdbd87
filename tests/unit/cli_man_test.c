/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/man.h"

#include "base/alloc.h"
#include "suite.h"

static struct gh_buf out;

static const char *
text_of(void (*add)(struct gh_buf *out, const char *text), const char *text)
{
    out.len = 0;
    add(&out, text);
    return gh_buf_text(&out);
}

START_TEST(no_character_of_a_text_is_roffs)
{
    ck_assert_str_eq(text_of(gh_man_text, ".dot 'quote' a\\b --x"),
                     "\\&.dot \\(aqquote\\(aq a\\eb \\-\\-x\n");
    ck_assert_str_eq(text_of(gh_man_text, "a: .b"), "a: .b\n");
    ck_assert_str_eq(text_of(gh_man_literal, ".a\n  b\n"),
                     ".Bd -literal -offset indent\n\\&.a\n  b\n.Ed\n");
    gh_buf_done(&out);
}
END_TEST

START_TEST(sentences_and_paragraphs_begin_lines)
{
    ck_assert_str_eq(text_of(gh_man_text, "One two. Three.\n\nFour"),
                     "One two.\nThree.\n.Pp\nFour\n");
    ck_assert_str_eq(text_of(gh_man_text, ""), "\n");
    gh_buf_done(&out);
}
END_TEST

START_TEST(long_lines_are_broken_at_blanks)
{
    char word[50], text[160];

    memset(word, 'x', sizeof word);
    word[sizeof word - 1] = '\0';
    snprintf(text, sizeof text, "%s %s .y", word, word);
    const char *broken = text_of(gh_man_text, text);
    ck_assert_uint_eq(strcspn(broken, "\n"), strlen(word));
    assert_contains(broken, " .y\n"); /* no line of its own */
    gh_buf_done(&out);
}
END_TEST

START_TEST(options_have_their_letter_and_argument)
{
    out.len = 0;
    gh_man_option(&out, "--data", "-d", "FILE|-", "take it");
    gh_man_option(&out, "--raw", NULL, NULL, "as it is");
    ck_assert_str_eq(gh_buf_text(&out),
                     ".It Fl d , Fl -data Ar FILE|-\ntake it\n.It Fl -raw\nas it is\n");
    gh_buf_done(&out);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, no_character_of_a_text_is_roffs);
    tcase_add_test(tests, sentences_and_paragraphs_begin_lines);
    tcase_add_test(tests, long_lines_are_broken_at_blanks);
    tcase_add_test(tests, options_have_their_letter_and_argument);
}

int
main(void)
{
    return run_tests("cli_man", add);
}
