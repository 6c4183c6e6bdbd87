/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/home.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *saved;

static void
keep_home(void)
{
    const char *home = getenv("HOME");
    saved = home ? gh_strdup(home) : NULL;
}

static void
put_home_back(void)
{
    if (saved)
        setenv("HOME", saved, 1);
    else
        unsetenv("HOME");
    gh_free(&saved);
}

START_TEST(home_is_the_variable)
{
    setenv("HOME", "/srv/someone", 1);
    ck_assert_str_eq(gh_home(), "/srv/someone");
}
END_TEST

START_TEST(home_without_a_useful_variable_is_absolute)
{
    static const char *const useless[] = {"", "relative/path"};

    if (_i == 2)
        unsetenv("HOME");
    else
        setenv("HOME", useless[_i], 1);
    ck_assert_int_eq(gh_home()[0], '/');
}
END_TEST

static const struct {
    const char *given, *absolute;
} paths[] = {
    {"/a/b", "/a/b"}, {"~", "/h"},     {"~/", "/h/"},           {"~/x/y", "/h/x/y"},
    {"x", "/h/x"},    {"~x", "/h/~x"}, {"x/../y", "/h/x/../y"}, {"", "/h/"},
};

START_TEST(paths_are_the_homes)
{
    setenv("HOME", "/h", 1);
    char *path GH_SCOPED(gh_free) = gh_home_path(paths[_i].given);
    ck_assert_str_eq(path, paths[_i].absolute);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, keep_home, put_home_back);
    tcase_add_test(tests, home_is_the_variable);
    tcase_add_loop_test(tests, home_without_a_useful_variable_is_absolute, 0, 3);
    tcase_add_loop_test(tests, paths_are_the_homes, 0, (int)COUNT(paths));
}

int
main(void)
{
    return run_tests("conf_home", add);
}
