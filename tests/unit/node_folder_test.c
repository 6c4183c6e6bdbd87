/* SPDX-License-Identifier: Apache-2.0
 *
 * What the integration tests of /folder/method do not reach: paths, faults, rights of another user. */
#include "node/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *home, *home_before, *here;
static struct gh_fault fault;

static void
set_up(void)
{
    home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    home = make_folder();
    setenv("HOME", home, 1);
    here = getcwd(NULL, 0);
    memset(&fault, 0, sizeof fault);
}

static void
tear_down(void)
{
    gh_fault_done(&fault);
    remove_folder(home);
    setenv("HOME", home_before, 1);
    gh_free(&home_before);
    gh_free(&here);
}

static const struct {
    const char *text, *wanted; /* @ is the home, # the working folder */
} paths[] = {
    {"/", "/"},
    {"///", "/"},
    {"/.", "/"},
    {"/a/b", "/a/b"},
    {"//a///b/", "/a/b"},
    {"/a/./b/.", "/a/b"},
    {"/a/../b", "/a/../b"}, /* .. is the kernel's, links being what they are */
    {"~", "@"},
    {"~/", "@"},
    {"~/a b", "@/a b"},
    {"~//./a", "@/a"},
    {"a", "#/a"},
    {"./a", "#/a"},
    {".", "#"},
    {"..a", "#/..a"},
    {"~nobody-of-this-name", "#/~nobody-of-this-name"},
    {"~nobody-of-this-name/a", "#/~nobody-of-this-name/a"},
    {"a~", "#/a~"},
};

START_TEST(paths_are_made_absolute)
{
    const char *wanted = paths[_i].wanted;
    char *full GH_SCOPED(gh_free) = wanted[0] == '@'   ? gh_asprintf("%s%s", home, wanted + 1)
                                    : wanted[0] == '#' ? gh_asprintf("%s%s", here, wanted + 1)
                                                       : gh_strdup(wanted);
    char *path GH_SCOPED(gh_free) = gh_folder_path(paths[_i].text);
    ck_assert_str_eq(path, full);
}
END_TEST

START_TEST(the_home_of_root_is_known)
{
    char *path GH_SCOPED(gh_free) = gh_folder_path("~root/x");
    ck_assert_str_eq(path, "/root/x");
}
END_TEST

static const struct {
    const char *name;
    bool is_inner;
} names[] = {{"a", true},     {"a/b", true},  {"..a", true}, {"a/...", true}, {"", false},
             {"/a", false},   {"a/", false},  {".", false},  {"..", false},   {"a/../b", false},
             {"a//b", false}, {"./a", false}, {"a/.", false}};

START_TEST(inner_names_stay_inside)
{
    ck_assert_int_eq(gh_folder_is_inner(names[_i].name), names[_i].is_inner);
}
END_TEST

static const struct {
    int number;
    unsigned status;
    enum gh_pyclass pyclass;
} numbers[] = {
    {ENOENT, 200, GH_PY_FILE_NOT_FOUND_ERROR},
    {EEXIST, 200, GH_PY_FILE_EXISTS_ERROR},
    {ENOTDIR, 200, GH_PY_NOT_A_DIRECTORY_ERROR},
    {ELOOP, 200, GH_PY_OS_ERROR},
    {EACCES, 403, 0},
    {EPERM, 403, 0},
    {EROFS, 403, 0},
    {ENOSPC, 507, 0},
    {EDQUOT, 507, 0},
};

START_TEST(errors_of_the_system_have_their_answers)
{
    char *text GH_SCOPED(gh_free) = gh_errno_text(numbers[_i].number, "/p");

    ck_assert_int_eq(gh_fault_errno(&fault, numbers[_i].number, "/p"), -1);
    ck_assert_uint_eq(fault.status, numbers[_i].status);
    if (fault.status == 200)
        ck_assert_int_eq(fault.pyclass, numbers[_i].pyclass);
    assert_contains(fault.text, text);
}
END_TEST

START_TEST(texts_are_utf8_whatever_the_path)
{
    gh_fault_set(&fault, 400, 0, "a%sb", "\xff");
    ck_assert_str_eq(fault.text, "a\xef\xbf\xbd"
                                 "b");
}
END_TEST

/* With the rights of another user, when the test has those of root. */
START_TEST(closed_folders_are_403)
{
    struct gh_spill out = GH_SPILL_INIT;
    bool exists;
    char *closed GH_SCOPED(gh_free) = gh_asprintf("%s/closed", home);
    char *inner GH_SCOPED(gh_free) = gh_asprintf("%s/inner", closed);

    ck_assert_int_eq(chmod(home, 0755), 0);
    ck_assert_int_eq(mkdir(closed, 0700), 0);
    free(write_file(closed, "inner", "x"));
    ck_assert_int_eq(chmod(closed, 0), 0);
    bool is_root = geteuid() == 0;
    if (is_root)
        ck_assert_int_eq(seteuid(65534), 0);

    ck_assert_int_eq(gh_folder_ls(closed, true, false, &out, &fault), -1);
    ck_assert_uint_eq(fault.status, 403);
    ck_assert_int_eq(gh_folder_exists(inner, &exists, &fault), -1);
    ck_assert_uint_eq(fault.status, 403);
    ck_assert_int_eq(gh_folder_get(inner, NULL, NULL, 1000, &out, &fault), -1);
    ck_assert_uint_eq(fault.status, 403);
    ck_assert_int_eq(gh_folder_rm(inner, NULL, 0, true, &fault), -1);
    ck_assert_uint_eq(fault.status, 403);

    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(closed, 0700), 0);
    gh_spill_done(&out);
}
END_TEST

START_TEST(put_and_get_give_back_what_came)
{
    struct gh_spill out = GH_SPILL_INIT;
    const char *contents = "{\"a\": \"\\u00e9\\ud83c\\udfe0\\n\\\"\", \"b\": \"\"}";
    char *a GH_SCOPED(gh_free) = gh_asprintf("%s/a", home);

    ck_assert_int_eq(
        gh_folder_put(home, (struct gh_slice){contents, strlen(contents)}, NULL, false, &fault), 0);
    ck_assert_int_eq(gh_folder_get(a, "rb", NULL, 1000, &out, &fault), 0);
    assert_bytes(out.buf.bytes, out.buf.len, "\"\xc3\xa9\xf0\x9f\x8f\xa0\\n\\\"\"");
    gh_spill_done(&out);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, paths_are_made_absolute, 0, (int)COUNT(paths));
    tcase_add_test(tests, the_home_of_root_is_known);
    tcase_add_loop_test(tests, inner_names_stay_inside, 0, (int)COUNT(names));
    tcase_add_loop_test(tests, errors_of_the_system_have_their_answers, 0, (int)COUNT(numbers));
    tcase_add_test(tests, texts_are_utf8_whatever_the_path);
    tcase_add_test(tests, closed_folders_are_403);
    tcase_add_test(tests, put_and_get_give_back_what_came);
}

int
main(void)
{
    return run_tests("node_folder", add);
}
