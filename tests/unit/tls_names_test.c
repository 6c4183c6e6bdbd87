/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/names.h"

#include "base/alloc.h"
#include "conf/settings.h"
#include "tests/unit/suite.h"

static bool
has(const struct gh_words *names, const char *name)
{
    unsigned count = 0;

    for (size_t i = 0; i < names->count; i++)
        count += strcmp(names->list[i], name) == 0;
    ck_assert_uint_le(count, 1);
    return count == 1;
}

START_TEST(names_come_from_the_settings_and_the_machine)
{
    struct gh_settings settings = {
        .host = "0.0.0.0",
        .listen = "127.0.0.5:1/https,[::]:2,unix:/x,[2001:DB8::0001]:3",
        .domain = "Api.Example.org, *.example.org",
        .certs_address = "10.1.2.3,10.1.2.3,not a name,2001:db8:0:0::9,-x,a/b",
    };
    struct gh_words names GH_SCOPED(gh_words_done) = {0};

    gh_names_of_node(&settings, &names);
    static const char *const there[] = {"localhost",       "127.0.0.1",     "::1",
                                        "api.example.org", "*.example.org", "10.1.2.3",
                                        "2001:db8::9",     "127.0.0.5",     "2001:db8::1"};
    for (size_t i = 0; i < COUNT(there); i++)
        ck_assert_msg(has(&names, there[i]), "%s", there[i]);
    ck_assert(!has(&names, "0.0.0.0") && !has(&names, "::") && !has(&names, "/x"));
    ck_assert(!has(&names, "-x") && !has(&names, "a/b"));
}
END_TEST

START_TEST(there_is_an_end_to_them)
{
    char list[8000] = "";
    struct gh_settings settings = {
        .host = "::1", .listen = "", .domain = "", .certs_address = list};
    struct gh_words names GH_SCOPED(gh_words_done) = {0};

    for (unsigned i = 0; i < 500; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "n%u.example,", i);
    gh_names_of_node(&settings, &names);
    ck_assert_uint_eq(names.count, GH_NAMES_MAX);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, names_come_from_the_settings_and_the_machine);
    tcase_add_test(tests, there_is_an_end_to_them);
}

int
main(void)
{
    return run_tests("tls_names", add);
}
