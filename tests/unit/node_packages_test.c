/* SPDX-License-Identifier: Apache-2.0 */
#include "node/packages.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *home, *home_before;
static struct gh_err err;

static void
set_up(void)
{
    home_before = gh_strdup(getenv("HOME") ? getenv("HOME") : "");
    home = make_folder();
    setenv("HOME", home, 1);
    char *inner GH_SCOPED(gh_free) = gh_asprintf("%s/code", home);
    ck_assert_int_eq(mkdir(inner, 0700), 0);
    free(write_file(home, "file.py", ""));
}

static void
tear_down(void)
{
    remove_folder(home);
    setenv("HOME", home_before, 1);
    gh_free(&home_before);
}

/* Plan for the JSON text CONFIG, in which @ is the home. */
static enum gh_package_plan
plan(const char *config, char **path_out)
{
    const char *mark = strchr(config, '@');
    char *text GH_SCOPED(gh_free) =
        mark ? gh_asprintf("%.*s%s%s", (int)(mark - config), config, home, mark + 1)
             : gh_strdup(config);
    json_t *tree = json_loads(text, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(tree);
    enum gh_package_plan found = gh_packages_plan(tree, path_out, &err);
    json_decref(tree);
    return found;
}

static const char *const good[] = {
    "{\"install_method\": \"local\", \"install_target\": \"@/code\"}",
    "{\"install_method\": \"local\", \"install_target\": \"~/code\"}",
    "{\"install_method\": \"local\", \"install_target\": \"code\"}",
    "{\"install_method\": \"local\", \"install_target\": [\"@/code\", null]}",
    "{\"install_method\": \"local\", \"install_target\": [null, \"~/code\"]}",
};

START_TEST(local_directory_is_a_path)
{
    char *path GH_SCOPED(gh_free) = NULL;
    char *wanted GH_SCOPED(gh_free) = gh_asprintf("%s/code", home);

    ck_assert_int_eq(plan(good[_i], &path), GH_PACKAGE_PATH);
    ck_assert_str_eq(path, wanted);
}
END_TEST

static const char *const missing[] = {
    "{\"install_method\": \"local\", \"install_target\": \"@/nothing\"}",
    "{\"install_method\": \"local\", \"install_target\": \"@/file.py\"}",
    "{\"install_method\": \"local\", \"install_target\": \"~nobody\"}",
};

START_TEST(what_is_no_directory_does_not_exist)
{
    char *path GH_SCOPED(gh_free) = NULL;

    ck_assert_int_eq(plan(missing[_i], &path), GH_PACKAGE_NO_PATH);
    ck_assert_ptr_null(path);
    assert_contains(err.text, "does not exist");
    assert_contains(err.text, home);
}
END_TEST

static const struct {
    const char *config, *problem;
} bad[] = {
    {"{\"install_method\": \"pip\", \"install_target\": \"numpy\"}", "method pip is not served"},
    {"{\"install_method\": \"uv\", \"install_target\": \"numpy\"}", "install 'numpy' into the env"},
    {"{\"install_method\": \"conda\"}", "method conda is not served"},
    {"{\"install_method\": \"npm\", \"install_target\": \"x\"}", "Unknown install method npm"},
    {"{\"install_target\": \"x\"}", "Unknown install method None"},
    {"{\"install_method\": null}", "Unknown install method None"},
    {"{\"install_method\": 1}", "Unknown install method None"},
    {"{\"install_method\": \"local\"}", "install_target is missing"},
    {"{\"install_method\": \"local\", \"install_target\": \"\"}", "install_target is missing"},
    {"{\"install_method\": \"local\", \"install_target\": []}", "install_target is missing"},
    {"{\"install_method\": \"local\", \"install_target\": [1, {}]}", "install_target is missing"},
    {"{\"install_method\": \"local\", \"install_target\": {}}", "install_target is missing"},
    {"{}", "Unknown install method None"},
    {"[]", "Unknown install method None"},
    {"\"x\"", "Unknown install method None"},
};

START_TEST(everything_else_says_what_is_wrong)
{
    char *path GH_SCOPED(gh_free) = NULL;

    ck_assert_int_eq(plan(bad[_i].config, &path), GH_PACKAGE_BAD);
    ck_assert_ptr_null(path);
    assert_contains(err.text, bad[_i].problem);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, local_directory_is_a_path, 0, (int)COUNT(good));
    tcase_add_loop_test(tests, what_is_no_directory_does_not_exist, 0, (int)COUNT(missing));
    tcase_add_loop_test(tests, everything_else_says_what_is_wrong, 0, (int)COUNT(bad));
}

int
main(void)
{
    return run_tests("node_packages", add);
}
