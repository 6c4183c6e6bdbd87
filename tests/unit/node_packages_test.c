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

/* Read the JSON text CONFIG, in which ' is " and the first @ is the home. */
static int
read_config(const char *config, struct gh_package *package)
{
    const char *mark = strchr(config, '@');
    char *text GH_SCOPED(gh_free) =
        mark ? gh_asprintf("%.*s%s%s", (int)(mark - config), config, home, mark + 1)
             : gh_strdup(config);
    for (char *c = text; *c; c++)
        if (*c == '\'')
            *c = '"';
    json_t *tree = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    ck_assert_msg(tree != NULL, "%s", text);
    int rc = gh_package_read(tree, package, &err);
    json_decref(tree);
    return rc;
}

static const char *const local[] = {
    "{'install_method': 'local', 'install_target': '@/code'}",
    "{'install_method': 'local', 'install_target': '~/code'}",
    "{'install_method': 'local', 'install_target': 'code'}",
    "{'install_method': 'local', 'install_target': ['@/code', null]}",
    "{'install_method': 'local', 'install_target': [null, '~/code']}",
    "{'install_method': 'pip', 'install_target': ['~/code', null]}",
    "{'install_method': 'reqs', 'install_target': './code'}",
    "{'install_method': 'conda', 'install_target': ['code', 'code']}",
};

START_TEST(directories_become_absolute_paths)
{
    struct gh_package package;
    struct stat wanted, found;
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/code", home);

    ck_assert_int_eq(read_config(local[_i], &package), GH_OK);
    ck_assert(package.is_path);
    ck_assert_int_eq(package.target[0], '/');
    ck_assert_int_eq(stat(path, &wanted) | stat(package.target, &found), 0);
    ck_assert(wanted.st_ino == found.st_ino);
    gh_package_done(&package);
}
END_TEST

static const char *const missing[] = {
    "{'install_method': 'local', 'install_target': '@/nothing'}",
    "{'install_method': 'local', 'install_target': '@/file.py'}",
    "{'install_method': 'local', 'install_target': '~nobody'}",
    "{'install_method': 'pip', 'install_target': ['~/nothing', null]}",
    "{'install_method': 'uv', 'install_target': ['~/nothing', '~/code']}",
    "{'install_method': 'reqs', 'install_target': '~/nothing'}",
};

START_TEST(what_is_not_there_does_not_exist)
{
    struct gh_package package;

    ck_assert_int_eq(read_config(missing[_i], &package), GH_E_NOT_FOUND);
    assert_contains(err.text, "does not exist");
    assert_contains(err.text, home);
    ck_assert_ptr_null(package.target);
}
END_TEST

static const struct {
    const char *config, *problem;
} bad[] = {
    {"{'install_method': 'npm', 'install_target': 'x'}",
     "Unknown install method npm. Must be one of {'local', 'pip', 'conda', 'uv'}"},
    {"{'install_target': 'x'}", "Unknown install method None"},
    {"{'install_method': null}", "Unknown install method None"},
    {"{'install_method': 1}", "Unknown install method None"},
    {"{'install_method': 'local'}", "install_target is missing"},
    {"{'install_method': 'pip'}", "install_target is missing"},
    {"{'install_method': 'conda', 'install_target': ''}", "install_target is missing"},
    {"{'install_method': 'local', 'install_target': []}", "install_target is missing"},
    {"{'install_method': 'local', 'install_target': [1, {}]}", "install_target is missing"},
    {"{'install_method': 'local', 'install_target': {}}", "install_target is missing"},
    {"{'install_method': 'pip', 'install_target': 'a\\u0000b'}", "install_target has a NUL"},
    {"{'install_method': 'pip', 'install_target': 'a', 'install_args': 1}",
     "install_args must be a text or null"},
    {"{'install_method': 'pip', 'install_target': 'a', 'install_args': '\\\"x'}",
     "install_args '\"x': a quote (\") is not closed"},
    {"{'install_method': 'pip', 'install_target': 'a', 'install_extras': 'b;c'}",
     "install_extras is 'b;c'"},
    {"{'install_method': 'pip', 'install_target': 'a', 'preferred_version': []}",
     "preferred_version must be"},
    {"{'git_url': 1}", "git_url must be"},
    {"{'git_url': '///'}", "git_url is '///'"},
    {"{'git_url': '-u/x'}", "git_url is '-u/x'"},
    {"{'git_url': 'https://host/..'}", "git_url is"},
    {"{'git_url': 'https://host/.git'}", "git_url is"},
    {"{'git_url': 'https://host/x', 'revision': '--force'}", "revision is '--force'"},
    {"{'git_url': 'https://host/x', 'install_method': 'npm'}", "Unknown install method npm"},
    {"{}", "Unknown install method None"},
    {"[]", "Unknown install method None"},
    {"'x'", "Unknown install method None"},
};

START_TEST(bad_fields_are_named)
{
    struct gh_package package;
    char problem[200];

    snprintf(problem, sizeof problem, "%s", bad[_i].problem);
    ck_assert_int_eq(read_config(bad[_i].config, &package), GH_E_INPUT);
    assert_contains(err.text, problem);
    ck_assert_ptr_null(package.target);
}
END_TEST

START_TEST(long_fields_are_refused)
{
    struct gh_package package;
    char *text = gh_alloc(40001);

    memset(text, 'a', 40000);
    json_t *config = json_pack("{s:s, s:s}", "install_method", "pip", "install_target", text);
    ck_assert_int_eq(gh_package_read(config, &package, &err), GH_E_INPUT);
    assert_contains(err.text, "install_target has 40000 bytes");
    json_decref(config);
    free(text);
}
END_TEST

/* What pip is asked for, and its options. */
static const struct {
    const char *target, *args, *extras, *version, *requirement, *options;
} asked[] = {
    {"six", "", "", "", "six", ""},
    {"six", "", "", "1.2", "six==1.2", ""},
    {"six==1.0", "--no-deps", "", "", "six==1.0", "--no-deps|"},
    {"ray", "", "serve,tune", "", "ray[serve,tune]", ""},
    {"ray==2.0", "", "serve", "", "ray[serve]==2.0", ""},
    {"ray", "", "serve", "2.0", "ray[serve]==2.0", ""},
    {"ray>=1,<2", "", "serve", "", "ray[serve]>=1,<2", ""},
    {"./x", "", "dev", "", "./x[dev]", ""},
    {"https://host/x.whl", "", "", "", "https://host/x.whl", ""},
    /* as the client sends "torch --index-url U" */
    {"torch --index-url U", "--index-url U", "", "", "torch", "--index-url|U|"},
    {"torch --index-url U", "", "", "", "torch", "--index-url|U|"},
    {"torch  -U", "--pre", "", "", "torch", "-U|--pre|"},
    {"-e ./x", "", "", "", "", "-e|./x|"},
    {"-r 'my reqs'", "-r 'my reqs'", "", "", "", "-r|my reqs|"},
    {"x ; python_version < '3'", "", "", "", "x ; python_version < '3'", ""},
};

START_TEST(requirement_and_options_are_told_apart)
{
    struct gh_package package;
    char options[200] = "";

    json_t *config = json_pack("{s:s, s:s, s:s, s:s}", "install_method", "pip", "install_target",
                               asked[_i].target, "install_args", asked[_i].args, "install_extras",
                               asked[_i].extras);
    ck_assert_int_eq(gh_package_read(config, &package, &err), GH_OK);
    json_decref(config);
    char *requirement GH_SCOPED(gh_free) = gh_package_requirement(&package, asked[_i].version);
    ck_assert_str_eq(requirement, asked[_i].requirement);
    for (size_t i = 0; i < package.args.count; i++) {
        strcat(options, package.args.list[i]);
        strcat(options, "|");
    }
    ck_assert_str_eq(options, asked[_i].options);
    gh_package_done(&package);
}
END_TEST

START_TEST(preferred_version_is_for_bare_names_only)
{
    struct gh_package package;

    ck_assert_int_eq(read_config("{'install_method': 'pip', 'install_target': 'a', "
                                 "'preferred_version': '1'}",
                                 &package),
                     GH_OK);
    ck_assert_str_eq(package.preferred_version, "1");
    gh_package_done(&package);
    ck_assert_int_eq(read_config("{'install_method': 'pip', 'install_target': 'a==2', "
                                 "'preferred_version': '1'}",
                                 &package),
                     GH_OK);
    ck_assert_str_eq(package.preferred_version, "");
    gh_package_done(&package);
}
END_TEST

static const struct {
    const char *url, *name;
} repositories[] = {
    {"https://host/me/proj.git", "proj"},
    {"https://host/me/proj", "proj"},
    {"https://host/me/proj/", "proj"},
    {"git@host:me/proj.git", "proj"},
    {"host:proj", "proj"},
    {"/srv/git/proj.git", "proj"},
};

START_TEST(repositories_go_into_the_home)
{
    struct gh_package package;
    char *wanted GH_SCOPED(gh_free) = gh_asprintf("%s/%s", home, repositories[_i].name);

    json_t *config = json_pack("{s:s, s:s}", "git_url", repositories[_i].url, "revision", "main");
    ck_assert_int_eq(gh_package_read(config, &package, &err), GH_OK);
    json_decref(config);
    ck_assert_str_eq(package.target, wanted);
    ck_assert_int_eq(package.method, GH_PACKAGE_LOCAL);
    ck_assert_str_eq(package.revision, "main");
    gh_package_done(&package);
}
END_TEST

START_TEST(the_clients_own_package_needs_nothing)
{
    struct gh_package package;

    ck_assert_int_eq(read_config("{'install_method': 'rh', 'install_target': {}}", &package),
                     GH_OK);
    ck_assert_int_eq(package.method, GH_PACKAGE_RH);
    gh_package_done(&package);
}
END_TEST

START_TEST(names_are_told_from_requirements)
{
    ck_assert(gh_package_is_name("six"));
    ck_assert(gh_package_is_name("ruamel.yaml_x-1"));
    ck_assert(!gh_package_is_name(""));
    ck_assert(!gh_package_is_name("-e"));
    ck_assert(!gh_package_is_name("six==1"));
    ck_assert(!gh_package_is_name("a b"));
    ck_assert(!gh_package_is_name("./a"));
    ck_assert_str_eq(gh_package_method_name(GH_PACKAGE_UV), "uv");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, directories_become_absolute_paths, 0, (int)COUNT(local));
    tcase_add_loop_test(tests, what_is_not_there_does_not_exist, 0, (int)COUNT(missing));
    tcase_add_loop_test(tests, bad_fields_are_named, 0, (int)COUNT(bad));
    tcase_add_test(tests, long_fields_are_refused);
    tcase_add_loop_test(tests, requirement_and_options_are_told_apart, 0, (int)COUNT(asked));
    tcase_add_test(tests, preferred_version_is_for_bare_names_only);
    tcase_add_loop_test(tests, repositories_go_into_the_home, 0, (int)COUNT(repositories));
    tcase_add_test(tests, the_clients_own_package_needs_nothing);
    tcase_add_test(tests, names_are_told_from_requirements);
}

int
main(void)
{
    return run_tests("node_packages", add);
}
