/* SPDX-License-Identifier: Apache-2.0
 *
 * What gh_find_python adds to this is in python_probe_test.c. */
#include "wire/pyenv.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static char *folder, *path_before;
static char found[PATH_MAX], problem[512];

static void
set_up(void)
{
    path_before = gh_strdup(getenv("PATH") ? getenv("PATH") : "");
    folder = make_folder();
    unsetenv("VIRTUAL_ENV");
    unsetenv("CONDA_PREFIX");
}

static void
tear_down(void)
{
    setenv("PATH", path_before, 1);
    gh_free(&path_before);
    remove_folder(folder);
}

/* FOLDER/NAME/bin/PROGRAM, executable; the caller frees it. */
static char *
add_program(const char *name, const char *program)
{
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder, name);
    char *bin GH_SCOPED(gh_free) = gh_asprintf("%s/bin", env);

    mkdir(env, 0700);
    mkdir(bin, 0700);
    char *path = write_file(bin, program, "");
    ck_assert_int_eq(chmod(path, 0700), 0);
    return path;
}

START_TEST(interpreter_env_and_name_are_found)
{
    char *python GH_SCOPED(gh_free) = add_program("env", "python");
    char *python3 GH_SCOPED(gh_free) = add_program("other", "python3");
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/env", folder);
    char *bin GH_SCOPED(gh_free) = gh_asprintf("/nothing:%s/other/bin", folder);

    ck_assert_int_eq(gh_pyenv_find(python, found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, python);
    ck_assert_int_eq(gh_pyenv_find(env, found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, python);
    setenv("PATH", bin, 1);
    ck_assert_int_eq(gh_pyenv_find("python3", found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, python3);
    ck_assert_int_eq(gh_pyenv_find_on_path("python3", found), 0);
    ck_assert_int_eq(gh_pyenv_find_on_path("python9", found), -1);
}
END_TEST

START_TEST(default_is_the_active_env_before_path)
{
    char *on_path GH_SCOPED(gh_free) = add_program("path", "python3");
    char *in_conda GH_SCOPED(gh_free) = add_program("conda", "python");
    char *in_venv GH_SCOPED(gh_free) = add_program("venv", "python");
    char *bin GH_SCOPED(gh_free) = gh_asprintf("%s/path/bin", folder);
    char *conda GH_SCOPED(gh_free) = gh_asprintf("%s/conda", folder);
    char *venv GH_SCOPED(gh_free) = gh_asprintf("%s/venv", folder);

    setenv("PATH", bin, 1);
    ck_assert_int_eq(gh_pyenv_find(NULL, found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, on_path);
    setenv("CONDA_PREFIX", conda, 1);
    ck_assert_int_eq(gh_pyenv_find("", found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, in_conda);
    setenv("VIRTUAL_ENV", venv, 1);
    ck_assert_int_eq(gh_pyenv_find("", found, problem, sizeof problem), 0);
    ck_assert_str_eq(found, in_venv);
    setenv("VIRTUAL_ENV", folder, 1);
    ck_assert_int_eq(gh_pyenv_find("", found, problem, sizeof problem), -1);
    assert_contains(problem, "$VIRTUAL_ENV is '");
}
END_TEST

START_TEST(problems_say_what_to_do)
{
    ck_assert_int_eq(gh_pyenv_find(folder, found, problem, sizeof problem), -1);
    assert_contains(problem, "has no bin/python: create it again");
    ck_assert_int_eq(gh_pyenv_find("/nothing/python", found, problem, sizeof problem), -1);
    assert_contains(problem, "there is no Python '/nothing/python'");
    setenv("PATH", folder, 1);
    ck_assert_int_eq(gh_pyenv_find("", found, problem, sizeof problem), -1);
    assert_contains(problem, "no python3 on PATH");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, interpreter_env_and_name_are_found);
    tcase_add_test(tests, default_is_the_active_env_before_path);
    tcase_add_test(tests, problems_say_what_to_do);
}

int
main(void)
{
    return run_tests("wire_pyenv", add);
}
