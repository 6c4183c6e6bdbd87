/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/paths.h"

#include "base/alloc.h"
#include "conf/rows.h"
#include "tests/unit/suite.h"

static const struct {
    const char *list, *absolute;
} lists[] = {
    {"", ""},
    {"a.pem", "/etc/gh/a.pem"},
    {"/x/a.pem", "/x/a.pem"},
    {"a.pem,/b.pem,c/d.pem", "/etc/gh/a.pem,/b.pem,/etc/gh/c/d.pem"},
    {"~/a.pem", "/home/u/a.pem"},
    {",a.pem,,", "/etc/gh/a.pem"},
};

START_TEST(each_file_of_a_list_is_made_absolute)
{
    setenv("HOME", "/home/u", 1);
    char *absolute GH_SCOPED(gh_free) = gh_paths_from(lists[_i].list, "/etc/gh");
    ck_assert_str_eq(absolute, lists[_i].absolute);
}
END_TEST

START_TEST(only_some_settings_are_such_lists)
{
    ck_assert(gh_paths_in(gh_row_find("ssl_certfile")) && gh_paths_in(gh_row_find("client_ca")));
    ck_assert(!gh_paths_in(gh_row_find("host")) && !gh_paths_in(gh_row_find("domain")));
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_loop_test(tests, each_file_of_a_list_is_made_absolute, 0, (int)COUNT(lists));
    tcase_add_test(tests, only_some_settings_are_such_lists);
}

int
main(void)
{
    return run_tests("conf_paths", add);
}
