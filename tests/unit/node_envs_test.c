/* SPDX-License-Identifier: Apache-2.0 */
#include "node/envs.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *root; /* HOME, and all that is looked at */

static const char *const variables[] = {"HOME",
                                        "PATH",
                                        "CONDA_PREFIX",
                                        "CONDA_EXE",
                                        "MAMBA_EXE",
                                        "MAMBA_ROOT_PREFIX",
                                        "CONDA_ENVS_PATH",
                                        "CONDA_ROOT"};

static void
set_up(void)
{
    root = make_folder();
    for (size_t i = 0; i < COUNT(variables); i++)
        unsetenv(variables[i]);
    setenv("HOME", root, 1);
}

static void
tear_down(void)
{
    remove_folder(root);
}

static void
make_program(const char *path)
{
    char *name GH_SCOPED(gh_free) = gh_strdup(path);

    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        char *folder GH_SCOPED(gh_free) = gh_asprintf("%s/%s", root, name);
        mkdir(folder, 0700);
        *slash = '/';
    }
    char *file = write_file(root, path, "#!/bin/sh\n");
    ck_assert_int_eq(chmod(file, 0700), 0);
    free(file);
}

/* VARIABLE is VALUE under root. */
static void
set(const char *variable, const char *value)
{
    char *text GH_SCOPED(gh_free) = gh_asprintf("%s/%s", root, value);
    setenv(variable, text, 1);
}

static int
find(const char *runtime_env, char **python_out, struct gh_err *err)
{
    json_t *tree = json_loads(runtime_env, 0, NULL);

    ck_assert_ptr_nonnull(tree);
    int rc = gh_envs_find(tree, python_out, err);
    json_decref(tree);
    return rc;
}

/* RUNTIME_ENV asks for FOUND, a path under root. */
static void
assert_found(const char *runtime_env, const char *found)
{
    char *python GH_SCOPED(gh_free) = NULL;
    char *wanted GH_SCOPED(gh_free) = gh_asprintf("%s/%s", root, found);
    struct gh_err err = {0};

    ck_assert_msg(find(runtime_env, &python, &err) == GH_OK, "%s", err.text);
    ck_assert_str_eq(python, wanted);
}

START_TEST(nothing_asked_is_nothing_found)
{
    static const char *const none[] = {"{}", "{\"env_vars\": {\"A\": \"1\"}}", "{\"conda\": null}",
                                       "{\"unheard\": 1}"};
    char *python = NULL;
    struct gh_err err;

    ck_assert(!gh_envs_is_asked(NULL));
    for (size_t i = 0; i < COUNT(none); i++) {
        json_t *tree = json_loads(none[i], 0, NULL);
        ck_assert(!gh_envs_is_asked(tree));
        ck_assert_int_eq(gh_envs_find(tree, &python, &err), GH_OK);
        ck_assert_ptr_null(python);
        json_decref(tree);
    }
}
END_TEST

static const struct {
    const char *program, *variable, *value, *name;
} places[] = {
    {"miniconda3/envs/torch/bin/python", NULL, NULL, "torch"},
    {"miniconda3/bin/python", NULL, NULL, "base"},
    {".conda/envs/torch/bin/python3", NULL, NULL, "torch"},
    {"else/envs/torch/bin/python", "CONDA_PREFIX", "else", "torch"},
    {"else/envs/torch/bin/python", "CONDA_PREFIX", "else/envs/other", "torch"},
    {"else/bin/python", "CONDA_PREFIX", "else/envs/other", "base"},
    {"else/envs/torch/bin/python", "CONDA_EXE", "else/bin/conda", "torch"},
    {"else/envs/torch/bin/python", "CONDA_EXE", "else/condabin/conda", "torch"},
    {"mamba/envs/torch/bin/python", "MAMBA_ROOT_PREFIX", "mamba", "torch"},
    {"folder/torch/bin/python", "CONDA_ENVS_PATH", "folder", "torch"},
};

START_TEST(conda_env_is_found_where_installers_put_it)
{
    char *runtime_env GH_SCOPED(gh_free) = gh_asprintf("{\"conda\": \"%s\"}", places[_i].name);
    char *found GH_SCOPED(gh_free) = gh_strdup(places[_i].program);

    make_program(places[_i].program);
    if (places[_i].variable)
        set(places[_i].variable, places[_i].value);
    *strstr(found, "/bin/") = '\0';
    assert_found(runtime_env, found);
}
END_TEST

START_TEST(conda_env_anywhere_is_found_by_condas_list)
{
    make_program("far/away/torch/bin/python");
    make_program("far/away/gone/bin/other");
    make_program(".conda/x");
    char *text GH_SCOPED(gh_free) =
        gh_asprintf("/nonexistent/torch\n%s/far/away/gone\n%s/far/away/torch\n", root, root);
    free(write_file(root, ".conda/environments.txt", text));
    assert_found("{\"conda\": \"torch\"}", "far/away/torch");
}
END_TEST

START_TEST(unknown_conda_env_says_where_it_was_looked_for)
{
    char *python = NULL;
    struct gh_err err;

    make_program("miniconda3/envs/other/bin/python");
    ck_assert_int_eq(find("{\"conda\": \"torch\"}", &python, &err), GH_E_NOT_FOUND);
    ck_assert_ptr_null(python);
    assert_contains(err.text, "no conda env 'torch'");
    assert_contains(err.text, "conda create -n torch");
    assert_contains(err.text, "/miniconda3/envs");
}
END_TEST

START_TEST(no_conda_at_all_is_told)
{
    char *python = NULL;
    struct gh_err err;

    if (access("/opt/conda/envs", F_OK) == 0 || access("/opt/miniconda3/envs", F_OK) == 0)
        return;
    ck_assert_int_eq(find("{\"conda\": \"torch\"}", &python, &err), GH_E_NOT_FOUND);
    assert_contains(err.text, "none is there");
}
END_TEST

START_TEST(paths_are_the_homes)
{
    make_program("venvs/a/bin/python");
    assert_found("{\"venv\": \"~/venvs/a\"}", "venvs/a");
    assert_found("{\"venv\": \"venvs/a\"}", "venvs/a");
    assert_found("{\"conda\": \"~/venvs/a\"}", "venvs/a");
    assert_found("{\"python\": \"~/venvs/a/bin/python\"}", "venvs/a/bin/python");
    assert_found("{\"python\": \"~/venvs/a\"}", "venvs/a");
    set("PATH", "venvs/a/bin");
    assert_found("{\"python\": \"python\"}", "venvs/a/bin/python");
}
END_TEST

static const struct {
    const char *runtime_env;
    int rc;
    const char *text;
} bad[] = {
    {"{\"venv\": \"~/none\"}", GH_E_NOT_FOUND, "there is no folder"},
    {"{\"venv\": \"~/.conda\"}", GH_E_NOT_FOUND, "/.conda/bin/python cannot be run"},
    {"{\"conda\": \"/none\"}", GH_E_NOT_FOUND,
     "the conda env '/none', but there is no folder /none"},
    {"{\"python\": \"/none/python\"}", GH_E_NOT_FOUND, "'/none/python'"},
    {"{\"python\": \"no-such-python\"}", GH_E_NOT_FOUND, "not on the PATH"},
    {"{\"venv\": 3}", GH_E_INPUT, "'venv' that is no text"},
    {"{\"venv\": \"\"}", GH_E_INPUT, "'venv' that is no text"},
    {"{\"conda\": {\"dependencies\": []}}", GH_E_INPUT, "'conda' that is no text"},
    {"{\"conda\": \"..\"}", GH_E_INPUT, "no name of one"},
    {"{\"conda\": \"a\", \"venv\": \"b\"}", GH_E_INPUT, "both 'conda' and 'venv'"},
    {"{\"pip\": [\"numpy\"]}", GH_E_INPUT, "asks for 'pip'"},
    {"{\"working_dir\": \".\"}", GH_E_INPUT, "asks for 'working_dir'"},
};

START_TEST(what_cannot_be_is_told_with_the_fix)
{
    char *python = NULL;
    struct gh_err err;
    json_t *tree = json_loads(bad[_i].runtime_env, 0, NULL);

    make_program(".conda/x");
    ck_assert(gh_envs_is_asked(tree));
    ck_assert_int_eq(gh_envs_find(tree, &python, &err), bad[_i].rc);
    ck_assert_ptr_null(python);
    assert_contains(err.text, bad[_i].text);
    json_decref(tree);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nothing_asked_is_nothing_found);
    tcase_add_loop_test(tests, conda_env_is_found_where_installers_put_it, 0, (int)COUNT(places));
    tcase_add_test(tests, conda_env_anywhere_is_found_by_condas_list);
    tcase_add_test(tests, unknown_conda_env_says_where_it_was_looked_for);
    tcase_add_test(tests, no_conda_at_all_is_told);
    tcase_add_test(tests, paths_are_the_homes);
    tcase_add_loop_test(tests, what_cannot_be_is_told_with_the_fix, 0, (int)COUNT(bad));
}

int
main(void)
{
    return run_tests("node_envs", add);
}
