/* SPDX-License-Identifier: Apache-2.0
 *
 * The test program stands for a Python: linked into a folder as bin/python and started with -I or -c,
 * it answers as the probe's script would, by the file "says" beside it, and counts in "runs". */
#include "modules/python/probe.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "modules/python/find.h"
#include "tests/unit/suite.h"

static char *folder, *path_before;
static struct gh_probe probe;
static char problem[1000];

/* ---- the stand-in ---- */

static int
stand_in(int argc, char **argv)
{
    char text[4096];
    char *says GH_SCOPED(gh_free) = gh_asprintf("%s.says", argv[0]);
    char *runs GH_SCOPED(gh_free) = gh_asprintf("%s.runs", argv[0]);
    bool is_isolated = strcmp(argv[1], "-I") == 0;
    int fd = open(runs, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *file = fopen(says, "r");

    dprintf(fd, "%s\n", argv[1]);
    close(fd);
    size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;
    text[len] = '\0';
    if (file)
        fclose(file);
    /* What an old Python says to -I, and answers without it. */
    if (is_isolated && strncmp(text, "old", 3) == 0) {
        fprintf(stderr, "Unknown option: -I\nusage: python [option] ...\n");
        return 2;
    }
    if (argc < (is_isolated ? 4 : 3) || !strstr(argv[argc - 1], "sysconfig"))
        return 3;
    fputs(text, stdout);
    return 0;
}

#define ANSWER(executable, library, implementation, version, free_threaded)                        \
    "some warning first\n"                                                                         \
    "gatehouse-probe:implementation=" implementation "\n"                                          \
    "gatehouse-probe:free_threaded=" free_threaded "\n"                                            \
    "gatehouse-probe:executable=" executable "\n"                                                  \
    "gatehouse-probe:library=" library "\n"                                                        \
    "gatehouse-probe:version=" version "\n"

#define GOOD ANSWER("/venv/bin/python", "", "cpython", "3.11.2", "0")

/* An env NAME in the folder whose python says TEXT; its python's path is the caller's to free. It is
 * the test program itself, hence no script, when IS_PROGRAM. */
static char *
make_env(const char *name, const char *text, bool is_program)
{
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/%s", folder, name);
    char *bin GH_SCOPED(gh_free) = gh_asprintf("%s/bin", env);
    char *python = gh_asprintf("%s/python", bin);

    ck_assert_int_eq(mkdir(env, 0700), 0);
    ck_assert_int_eq(mkdir(bin, 0700), 0);
    free(write_file(bin, "python.says", text));
    if (is_program) {
        char self[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
        ck_assert_int_gt(len, 0);
        self[len] = '\0';
        ck_assert_int_eq(symlink(self, python), 0);
    } else {
        char *script GH_SCOPED(gh_free) =
            write_file(bin, "python", "#!/bin/sh\necho x >>\"$0.runs\"\ncat \"$0.says\"\n");
        ck_assert_int_eq(chmod(script, 0755), 0);
    }
    return python;
}

/* How often the stand-in PYTHON was started. */
static unsigned
runs_of(const char *python)
{
    char *runs GH_SCOPED(gh_free) = gh_asprintf("%s.runs", python);
    FILE *file = fopen(runs, "r");
    unsigned lines = 0;
    int c;

    while (file && (c = fgetc(file)) != EOF)
        lines += c == '\n';
    if (file)
        fclose(file);
    return lines;
}

static int
probe_with(const char *python, const char *cache)
{
    memset(&probe, 0x5A, sizeof probe);
    problem[0] = '\0';
    return gh_probe_python(python, cache, &probe, problem, sizeof problem);
}

static void
set_up(void)
{
    folder = make_folder();
    path_before = gh_strdup(getenv("PATH") ? getenv("PATH") : "");
}

static void
tear_down(void)
{
    remove_folder(folder);
    setenv("PATH", path_before, 1);
    gh_free(&path_before);
    unsetenv("VIRTUAL_ENV");
    unsetenv("CONDA_PREFIX");
}

/* ---- probing ---- */

START_TEST(answer_is_read_amid_other_output)
{
    char *python GH_SCOPED(gh_free) = make_env(
        "env", ANSWER("/venv/bin/python", "/lib/libpython3.13.so.1.0", "cpython", "3.13.0rc1", "1"),
        _i);

    ck_assert_msg(probe_with(python, NULL) == 0, "%s", problem);
    ck_assert_str_eq(probe.executable, "/venv/bin/python");
    ck_assert_str_eq(probe.library, "/lib/libpython3.13.so.1.0");
    ck_assert_str_eq(probe.implementation, "cpython");
    ck_assert_str_eq(probe.version, "3.13.0rc1");
    ck_assert(probe.is_free_threaded);
    ck_assert_uint_eq(runs_of(python), 1);
}
END_TEST

static const char *const no_answers[] = {
    "",
    "hello\n",
    "gatehouse-probe:executable=/p\n", /* the rest is missing */
    ANSWER("relative/python", "", "cpython", "3.11.2", "0"),
    ANSWER("", "", "cpython", "3.11.2", "0"),
    ANSWER("/p", "", "a name of more than sixty-four bytes is no name of an implementation", "3",
           "0"),
};

START_TEST(what_gives_no_answer_is_no_python)
{
    char *python GH_SCOPED(gh_free) = make_env("env", no_answers[_i], true);

    ck_assert_int_eq(probe_with(python, NULL), -1);
    assert_contains(problem, "does not work as a Python interpreter");
    assert_contains(problem, python);
    ck_assert_uint_eq(runs_of(python), 2); /* with and without -I */
}
END_TEST

START_TEST(old_python_is_asked_without_its_unknown_option)
{
    char *python GH_SCOPED(gh_free) =
        make_env("env", "old\n" ANSWER("/usr/bin/python2", "", "cpython", "2.7.18", "0"), true);

    ck_assert_msg(probe_with(python, NULL) == 0, "%s", problem);
    ck_assert_str_eq(probe.version, "2.7.18");
    ck_assert_uint_eq(runs_of(python), 2);
}
END_TEST

START_TEST(missing_program_says_so)
{
    char *python GH_SCOPED(gh_free) = gh_asprintf("%s/none", folder);

    ck_assert_int_eq(probe_with(python, NULL), -1);
    assert_contains(problem, "No such file or directory");
}
END_TEST

START_TEST(long_output_is_read_to_its_end)
{
    char *noise GH_SCOPED(gh_free) = gh_asprintf("%*s\n", 3500, "noise");
    char *says GH_SCOPED(gh_free) = gh_asprintf("%s%s", GOOD, noise);
    char *python GH_SCOPED(gh_free) = make_env("env", says, true);

    ck_assert_int_eq(probe_with(python, NULL), 0);
}
END_TEST

/* ---- remembering ---- */

START_TEST(answer_of_a_program_is_remembered)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, true);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/cache", folder);

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(probe_with(python, cache), 0);
        ck_assert_str_eq(probe.executable, "/venv/bin/python");
        ck_assert_str_eq(probe.version, "3.11.2");
        ck_assert_str_eq(probe.library, "");
        ck_assert(!probe.is_free_threaded);
    }
    ck_assert_uint_eq(runs_of(python), 1);
}
END_TEST

START_TEST(answer_of_a_script_is_not_remembered)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, false);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/cache", folder);

    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 2);
}
END_TEST

START_TEST(env_that_changed_is_asked_again)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, true);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/cache", folder);
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/env", folder);

    ck_assert_int_eq(probe_with(python, cache), 0);
    free(write_file(env, "pyvenv.cfg", "home = /usr/bin\n"));
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 2);
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 2);
    free(write_file(env, "pyvenv.cfg", "home = /usr/local/bin\n"));
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 3);
}
END_TEST

START_TEST(library_that_is_gone_is_looked_for_again)
{
    char *library GH_SCOPED(gh_free) = write_file(folder, "libpython.so", "");
    char *says GH_SCOPED(gh_free) =
        gh_asprintf("gatehouse-probe:implementation=cpython\ngatehouse-probe:free_threaded=0\n"
                    "gatehouse-probe:executable=/p\ngatehouse-probe:library=%s\n"
                    "gatehouse-probe:version=3.11.2\n",
                    library);
    char *python GH_SCOPED(gh_free) = make_env("env", says, true);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/cache", folder);

    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 1);
    ck_assert_int_eq(unlink(library), 0);
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 2);
}
END_TEST

/* The one file in the cache folder; the caller frees. */
static char *
cache_file_in(const char *cache)
{
    DIR *entries = opendir(cache);
    const struct dirent *entry;
    char *found = NULL;

    ck_assert_ptr_nonnull(entries);
    while ((entry = readdir(entries)))
        if (entry->d_name[0] != '.') {
            ck_assert_ptr_null(found);
            found = gh_asprintf("%s/%s", cache, entry->d_name);
        }
    closedir(entries);
    ck_assert_ptr_nonnull(found);
    return found;
}

/* A cache that others can write, or that is broken, is not believed: it names a library to load. */
START_TEST(cache_that_is_not_to_be_trusted_is_not_used)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, true);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/cache", folder);

    ck_assert_int_eq(probe_with(python, cache), 0);
    char *file GH_SCOPED(gh_free) = cache_file_in(cache);
    struct stat info;
    ck_assert_int_eq(stat(file, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(cache, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);

    if (_i == 0)
        ck_assert_int_eq(chmod(file, 0620), 0);
    else if (_i == 1)
        ck_assert_int_eq(chmod(file, 0602), 0);
    else if (_i == 2)
        ck_assert_int_eq(truncate(file, 40), 0);
    else if (_i == 3)
        ck_assert_int_eq(truncate(file, 0), 0);
    else {
        char *other GH_SCOPED(gh_free) = gh_asprintf("%s/elsewhere", folder);
        ck_assert_int_eq(rename(file, other), 0);
        ck_assert_int_eq(symlink(other, file), 0);
    }
    ck_assert_int_eq(probe_with(python, cache), 0);
    ck_assert_uint_eq(runs_of(python), 2);
    ck_assert_int_eq(probe_with(python, cache), 0); /* and the new answer is remembered */
    ck_assert_uint_eq(runs_of(python), 2);
}
END_TEST

START_TEST(cache_folder_that_cannot_be_is_no_error)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, true);
    char *cache GH_SCOPED(gh_free) = gh_asprintf("%s/no/such/place", folder);

    ck_assert_int_eq(probe_with(python, cache), 0);
}
END_TEST

/* ---- finding ---- */

static int
find(const char *python)
{
    memset(&probe, 0x5A, sizeof probe);
    problem[0] = '\0';
    return gh_find_python(python, NULL, &probe, problem, sizeof problem);
}

START_TEST(python_is_given_as_path_env_or_name)
{
    char *python GH_SCOPED(gh_free) = make_env("env", GOOD, true);
    char *env GH_SCOPED(gh_free) = gh_asprintf("%s/env", folder);
    char *bin GH_SCOPED(gh_free) = gh_asprintf("%s/env/bin", folder);
    char *path GH_SCOPED(gh_free) = gh_asprintf("/nonexistent::%s", bin);

    setenv("PATH", path, 1);
    ck_assert_msg(find(python) == 0, "%s", problem);
    ck_assert_msg(find(env) == 0, "%s", problem);
    ck_assert_msg(find("python") == 0, "%s", problem);
    ck_assert_uint_eq(runs_of(python), 3);
}
END_TEST

START_TEST(default_is_the_active_env_then_the_path)
{
    char *venv GH_SCOPED(gh_free) = make_env("venv", GOOD, true);
    char *conda GH_SCOPED(gh_free) = make_env("conda", GOOD, true);
    char *plain GH_SCOPED(gh_free) = make_env("plain", GOOD, true);
    char *venv_dir GH_SCOPED(gh_free) = gh_asprintf("%s/venv", folder);
    char *conda_dir GH_SCOPED(gh_free) = gh_asprintf("%s/conda", folder);
    char *bin GH_SCOPED(gh_free) = gh_asprintf("%s/plain/bin", folder);

    setenv("PATH", bin, 1);
    ck_assert_msg(find(NULL) == 0, "%s", problem); /* no python3, so python */
    ck_assert_uint_eq(runs_of(plain), 1);
    setenv("CONDA_PREFIX", conda_dir, 1);
    ck_assert_int_eq(find(""), 0);
    ck_assert_uint_eq(runs_of(conda), 1);
    setenv("VIRTUAL_ENV", venv_dir, 1);
    ck_assert_int_eq(find(NULL), 0);
    ck_assert_uint_eq(runs_of(venv), 1);
}
END_TEST

START_TEST(what_cannot_be_found_says_how_to_set_it_right)
{
    setenv("PATH", folder, 1);
    ck_assert_int_eq(find("nothing"), -1);
    assert_contains(problem, "there is no Python 'nothing'");
    ck_assert_int_eq(find("/nonexistent/python"), -1);
    assert_contains(problem, "there is no Python '/nonexistent/python'");
    ck_assert_int_eq(find(folder), -1);
    assert_contains(problem, "has no bin/python");
    ck_assert_int_eq(find(NULL), -1);
    assert_contains(problem, "no python3 on PATH");
    setenv("VIRTUAL_ENV", folder, 1);
    ck_assert_int_eq(find(NULL), -1);
    assert_contains(problem, "$VIRTUAL_ENV");
}
END_TEST

static const struct {
    const char *answer, *problem; /* NULL: it suits */
} versions[] = {
    {ANSWER("/p", "", "cpython", "3.9.0", "0"), NULL},
    {ANSWER("/p", "", "cpython", "3.14.0a1", "0"), NULL},
    {ANSWER("/p", "", "cpython", "3.8.20", "0"), "is Python 3.8.20, and gatehouse needs 3.9"},
    {ANSWER("/p", "", "cpython", "2.7.18", "0"), "is Python 2.7.18, and gatehouse needs 3.9"},
    {ANSWER("/p", "", "cpython", "x", "0"), "needs 3.9"},
    {ANSWER("/p", "", "pypy", "3.10.1", "0"), "is pypy (Python 3.10.1)"},
    {ANSWER("/p", "", "cpython", "3.13.1", "1"), "is a free-threaded Python 3.13.1"},
};

START_TEST(only_what_loads_the_extension_suits)
{
    char *python GH_SCOPED(gh_free) = make_env("env", versions[_i].answer, true);

    ck_assert_int_eq(find(python), versions[_i].problem ? -1 : 0);
    if (versions[_i].problem)
        assert_contains(problem, versions[_i].problem);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, answer_is_read_amid_other_output, 0, 2);
    tcase_add_loop_test(tests, what_gives_no_answer_is_no_python, 0, (int)COUNT(no_answers));
    tcase_add_test(tests, old_python_is_asked_without_its_unknown_option);
    tcase_add_test(tests, missing_program_says_so);
    tcase_add_test(tests, long_output_is_read_to_its_end);
    tcase_add_test(tests, answer_of_a_program_is_remembered);
    tcase_add_test(tests, answer_of_a_script_is_not_remembered);
    tcase_add_test(tests, env_that_changed_is_asked_again);
    tcase_add_test(tests, library_that_is_gone_is_looked_for_again);
    tcase_add_loop_test(tests, cache_that_is_not_to_be_trusted_is_not_used, 0, 5);
    tcase_add_test(tests, cache_folder_that_cannot_be_is_no_error);
    tcase_add_test(tests, python_is_given_as_path_env_or_name);
    tcase_add_test(tests, default_is_the_active_env_then_the_path);
    tcase_add_test(tests, what_cannot_be_found_says_how_to_set_it_right);
    tcase_add_loop_test(tests, only_what_loads_the_extension_suits, 0, (int)COUNT(versions));
}

int
main(int argc, char **argv)
{
    if (argc > 2 && (strcmp(argv[1], "-I") == 0 || strcmp(argv[1], "-c") == 0))
        return stand_in(argc, argv);
    unsetenv("VIRTUAL_ENV");
    unsetenv("CONDA_PREFIX");
    return run_tests("python_probe", add);
}
