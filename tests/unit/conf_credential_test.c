/* SPDX-License-Identifier: Apache-2.0
 *
 * Secrets that the service manager lays down. */
#include "conf/credential.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *folder;
static char *text;
static struct gh_err err;

static void
set_up(void)
{
    folder = make_folder();
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
}

static void
tear_down(void)
{
    gh_free(&text);
    remove_folder(folder);
}

START_TEST(there_is_none_without_a_folder)
{
    unsetenv("CREDENTIALS_DIRECTORY");
    ck_assert_ptr_null(gh_credential_path("token"));
    setenv("CREDENTIALS_DIRECTORY", "relative", 1);
    ck_assert_ptr_null(gh_credential_path("token"));
    ck_assert_int_eq(gh_credential_line("token", &text, &err), GH_OK);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(path_is_that_of_what_is_there)
{
    char *wanted GH_SCOPED(gh_free) = write_file(folder, "tls.key", "k");
    char *path GH_SCOPED(gh_free) = gh_credential_path("tls.key");

    ck_assert_str_eq(path, wanted);
    ck_assert_ptr_null(gh_credential_path("tls.crt"));
}
END_TEST

static const struct {
    const char *content, *line;
} good[] = {
    {"abc", "abc"}, {"abc\n", "abc"}, {"a b\r\n\n", "a b"}, {"", NULL}, {"\n", NULL},
};

START_TEST(line_is_without_its_end)
{
    free(write_file(folder, "token", good[_i].content));
    ck_assert_int_eq(gh_credential_line("token", &text, &err), GH_OK);
    if (good[_i].line)
        ck_assert_str_eq(text, good[_i].line);
    else
        ck_assert_ptr_null(text);
}
END_TEST

START_TEST(length_has_a_bound)
{
    char longest[GH_CREDENTIAL_MAX_BYTES + 2];

    memset(longest, 'x', sizeof longest);
    longest[GH_CREDENTIAL_MAX_BYTES] = '\0';
    free(write_file(folder, "token", longest));
    ck_assert_int_eq(gh_credential_line("token", &text, &err), GH_OK);
    ck_assert_uint_eq(strlen(text), GH_CREDENTIAL_MAX_BYTES);
    gh_free(&text);
    longest[GH_CREDENTIAL_MAX_BYTES] = 'x';
    longest[GH_CREDENTIAL_MAX_BYTES + 1] = '\0';
    free(write_file(folder, "token", longest));
    ck_assert_int_eq(gh_credential_line("token", &text, &err), GH_E_INPUT);
    assert_contains(err.text, "more than 4096 bytes");
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(what_is_no_line_is_refused_and_not_shown)
{
    free(write_file(folder, "token", "s3cret\ns3cret"));
    ck_assert_int_eq(gh_credential_line("token", &text, &err), GH_E_INPUT);
    ck_assert_str_eq(err.text, "the credential token must be one line of text");
}
END_TEST

START_TEST(folder_in_its_place_is_an_error)
{
    ck_assert_int_eq(gh_credential_line(".", &text, &err), GH_E_INPUT);
    assert_contains(err.text, "Is a directory");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, there_is_none_without_a_folder);
    tcase_add_test(tests, path_is_that_of_what_is_there);
    tcase_add_loop_test(tests, line_is_without_its_end, 0, (int)COUNT(good));
    tcase_add_test(tests, length_has_a_bound);
    tcase_add_test(tests, what_is_no_line_is_refused_and_not_shown);
    tcase_add_test(tests, folder_in_its_place_is_an_error);
}

int
main(void)
{
    return run_tests("conf_credential", add);
}
