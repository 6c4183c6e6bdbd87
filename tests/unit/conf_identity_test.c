/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose node it is: the environment over the client's file, and nothing of the token left behind. */
#include "conf/identity.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *home;
static struct gh_identity identity;
static struct gh_faults faults;

static void
set_up(void)
{
    home = make_folder();
    setenv("HOME", home, 1);
    unsetenv("RH_TOKEN");
    unsetenv("RH_USERNAME");
    unsetenv("API_SERVER_URL");
    unsetenv("CREDENTIALS_DIRECTORY");
    memset(&identity, 0, sizeof identity);
    memset(&faults, 0, sizeof faults);
}

static void
tear_down(void)
{
    gh_identity_done(&identity);
    gh_identity_done(&identity);
    gh_faults_done(&faults);
    remove_folder(home);
}

static int
load(const char *text)
{
    if (text) {
        char *folder GH_SCOPED(gh_free) = gh_asprintf("%s/.rh", home);
        mkdir(folder, 0700);
        free(write_file(folder, "config.yaml", text));
    }
    return gh_identity_load(&identity, &faults);
}

START_TEST(nobody_owns_a_node_without_files)
{
    ck_assert_int_eq(load(NULL), GH_OK);
    ck_assert_ptr_null(identity.token);
    ck_assert_ptr_null(identity.user);
}
END_TEST

START_TEST(clients_file_is_read)
{
    ck_assert_int_eq(load("token: abc\nusername: \"olga\"\nother: [1]\n"), GH_OK);
    ck_assert_str_eq(identity.token, "abc");
    ck_assert_str_eq(identity.user, "olga");
}
END_TEST

START_TEST(environment_wins_and_is_wiped)
{
    setenv("RH_TOKEN", "from-environment", 1);
    setenv("RH_USERNAME", "ann", 1);
    setenv("GATEHOUSE_TOKEN", "of-the-command", 1);
    const char *value = getenv("RH_TOKEN"), *other = getenv("GATEHOUSE_TOKEN");
    ck_assert_int_eq(load("token: abc\nusername: olga\n"), GH_OK);
    ck_assert_str_eq(identity.token, "from-environment");
    ck_assert_str_eq(identity.user, "ann");
    ck_assert_ptr_null(getenv("RH_TOKEN"));
    ck_assert_str_eq(value, "");
    ck_assert_ptr_null(getenv("GATEHOUSE_TOKEN"));
    ck_assert_str_eq(other, "");
}
END_TEST

START_TEST(empty_and_null_are_nothing)
{
    setenv("RH_TOKEN", "", 1);
    ck_assert_int_eq(load("token:\nusername: ''\n"), GH_OK);
    ck_assert_ptr_null(identity.token);
    ck_assert_ptr_null(identity.user);
}
END_TEST

START_TEST(credential_is_between_environment_and_file)
{
    free(write_file(home, "token", "credential\n"));
    setenv("CREDENTIALS_DIRECTORY", home, 1);
    ck_assert_int_eq(load("token: abc\nusername: olga\n"), GH_OK);
    ck_assert_str_eq(identity.token, "credential");
    ck_assert_str_eq(identity.user, "olga");
    gh_identity_done(&identity);
    setenv("RH_TOKEN", "from-environment", 1);
    ck_assert_int_eq(gh_identity_load(&identity, &faults), GH_OK);
    ck_assert_str_eq(identity.token, "from-environment");
}
END_TEST

START_TEST(credential_that_is_no_line_is_a_fault)
{
    free(write_file(home, "token", "s3cret\ns3cret\n"));
    setenv("CREDENTIALS_DIRECTORY", home, 1);
    ck_assert_int_eq(load(NULL), GH_E_INPUT);
    ck_assert_str_eq(faults.texts.list[0], "the credential token must be one line of text");
}
END_TEST

static const char *const bad[] = {"token: [s3cret]\n", "token: {s3cret: s3cret}\n"};

START_TEST(what_is_wrong_is_said_without_the_value)
{
    ck_assert_int_eq(load(bad[_i]), GH_E_INPUT);
    ck_assert_str_eq(faults.texts.list[0], "~/.rh/config.yaml: token must be text");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nobody_owns_a_node_without_files);
    tcase_add_test(tests, clients_file_is_read);
    tcase_add_test(tests, environment_wins_and_is_wiped);
    tcase_add_test(tests, empty_and_null_are_nothing);
    tcase_add_test(tests, credential_is_between_environment_and_file);
    tcase_add_test(tests, credential_that_is_no_line_is_a_fault);
    tcase_add_loop_test(tests, what_is_wrong_is_said_without_the_value, 0, (int)COUNT(bad));
}

int
main(void)
{
    return run_tests("conf_identity", add);
}
