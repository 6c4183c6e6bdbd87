/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/environment.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

/* The value of NAME in ENVIRONMENT, NULL when it is not there; fails when it is there twice. */
static const char *
value_of(char **environment, const char *name)
{
    const char *found = NULL;
    size_t len = strlen(name);

    for (; *environment; environment++) {
        if (strncmp(*environment, name, len) != 0 || (*environment)[len] != '=')
            continue;
        ck_assert_ptr_null(found);
        found = *environment + len + 1;
    }
    return found;
}

START_TEST(what_is_the_daemons_stays_with_it)
{
    static const char *const names[] = {"RH_TOKEN",    "GATEHOUSE_TOKEN", "NOTIFY_SOCKET",
                                        "LISTEN_FDS",  "LISTEN_PID",      "WATCHDOG_USEC",
                                        "WATCHDOG_PID"};

    for (size_t i = 0; i < COUNT(names); i++)
        setenv(names[i], "secret", 1);
    setenv("RH_TOKEN_NAME", "kept", 1);
    char **environment GH_SCOPED(gh_free) = gh_environment(NULL);
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_ptr_null(value_of(environment, names[i]));
    ck_assert_str_eq(value_of(environment, "RH_TOKEN_NAME"), "kept");
}
END_TEST

START_TEST(what_is_added_wins)
{
    char *added[] = {(char *)(uintptr_t) "GH_TEST=new", (char *)(uintptr_t) "GH_MORE=1", NULL};

    setenv("GH_TEST", "old", 1);
    setenv("GH_TEST_LONGER", "other", 1);
    char **environment GH_SCOPED(gh_free) = gh_environment(added);
    ck_assert_str_eq(value_of(environment, "GH_TEST"), "new");
    ck_assert_str_eq(value_of(environment, "GH_MORE"), "1");
    ck_assert_str_eq(value_of(environment, "GH_TEST_LONGER"), "other");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, what_is_the_daemons_stays_with_it);
    tcase_add_test(tests, what_is_added_wins);
}

int
main(void)
{
    return run_tests("conf_environment", add);
}
