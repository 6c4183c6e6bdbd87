/* SPDX-License-Identifier: Apache-2.0 */
#include "node/env.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"

static struct gh_env env;

static void
set_up(void)
{
    memset(&env, 0, sizeof env);
}

static void
tear_down(void)
{
    gh_env_done(&env);
}

static bool
learn(const char *line)
{
    return gh_env_learn(&env, line, strlen(line));
}

START_TEST(only_the_answer_is_learnt)
{
    ck_assert(!gh_env_is_known(&env));
    ck_assert_str_eq(gh_env_text(&env, "prefix"), "");
    ck_assert(!learn("some warning"));
    ck_assert(!learn("gatehouse-env:"));
    ck_assert(!learn("gatehouse-env:[]"));
    ck_assert(!learn("gatehouse-env:{\"a\":"));
    ck_assert(!gh_env_is_known(&env));
    ck_assert(learn("gatehouse-env:{\"prefix\": \"/p\", \"has_pip\": true, \"site\": [\"/s\"]}"));
    ck_assert(gh_env_is_known(&env));
    ck_assert_str_eq(gh_env_text(&env, "prefix"), "/p");
    ck_assert(gh_env_flag(&env, "has_pip"));
    ck_assert(!gh_env_flag(&env, "has_ensurepip"));
    char *site GH_SCOPED(gh_free) = gh_env_site_folders(&env);
    ck_assert_str_eq(site, "[\"/s\"]");
}
END_TEST

START_TEST(forgotten_answers_can_be_read_but_do_not_count)
{
    ck_assert(learn("gatehouse-env:{\"prefix\": \"/p\"}"));
    gh_env_forget(&env);
    ck_assert(!gh_env_is_known(&env));
    ck_assert_str_eq(gh_env_text(&env, "prefix"), "/p");
    ck_assert(learn("gatehouse-env:{\"prefix\": \"/q\"}"));
    ck_assert(gh_env_is_known(&env));
}
END_TEST

START_TEST(answer_holds_until_a_folder_changes)
{
    char *folder = make_folder();
    struct stat info;

    ck_assert_int_eq(stat(folder, &info), 0);
    char *line GH_SCOPED(gh_free) =
        gh_asprintf("gatehouse-env:{\"folders\": [[\"%s\", \"%lld\"]]}", folder,
                    (long long)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec);
    ck_assert(learn(line));
    ck_assert(gh_env_is_known(&env));

    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = info.st_mtim.tv_sec + 1}};
    ck_assert_int_eq(utimensat(AT_FDCWD, folder, times, 0), 0);
    ck_assert(!gh_env_is_known(&env));
    remove_folder(folder);
    ck_assert(!gh_env_is_known(&env));
}
END_TEST

static const struct {
    const char *wanted;
    bool is_there;
} wants[] = {
    {"six", true},
    {"SIX", true},
    {"six==1.16.0", true},
    {"six==1.16", true},
    {"six===1.16.0", false},
    {"six==1.*", true},
    {"six>=1", true},
    {"six>=1.10,<2", true},
    {"six[x]", false},
    {"six ; python_version", false},
    {"ruamel.yaml", true},
    {"Ruamel-YAML", true},
    {"ruamel__yaml==0.18", true},
    {"seven", false},
    {"", false},
    {"./six", false},
    {"six == 1.16.0", true},
    {"six<1.16", false},
};

START_TEST(plain_requirements_are_answered_from_what_is_there)
{
    ck_assert(!gh_env_has(&env, wants[_i].wanted));
    ck_assert(learn("gatehouse-env:{\"dists\": {\"six\": \"1.16.0\", \"ruamel-yaml\": \"0.18\"}}"));
    ck_assert_msg(gh_env_has(&env, wants[_i].wanted) == wants[_i].is_there, "%s", wants[_i].wanted);
}
END_TEST

START_TEST(conda_env_says_where_its_interpreter_is)
{
    env.conda_env = gh_strdup("e");
    env.python = gh_strdup("");
    ck_assert(learn("gatehouse-env:{\"executable\": \"/c/envs/e/bin/python3\"}"));
    ck_assert_str_eq(env.python, "/c/envs/e/bin/python3");
}
END_TEST

/* The question itself, asked of the python3 that is here. */
START_TEST(an_interpreter_answers)
{
    struct gh_words argv GH_SCOPED(gh_words_done) = {0};
    struct gh_buf answer GH_SCOPED(gh_buf_done) = {0};

    gh_words_add(&argv, "python3");
    gh_env_add_question(&argv);
    ck_assert_uint_eq(argv.count, 3);
    ck_assert_ptr_null(strchr(argv.list[2], '\n'));
    ck_assert_ptr_null(strchr(argv.list[2], '$'));
    char *quoted GH_SCOPED(gh_free) = gh_strdup(argv.list[2]);
    setenv("GH_TEST_QUESTION", quoted, 1);
    FILE *pipe = popen("python3 -c \"$GH_TEST_QUESTION\"", "r");
    ck_assert_ptr_nonnull(pipe);
    size_t got;
    while ((got = fread(gh_buf_reserve(&answer, 4096), 1, 4096, pipe)) > 0)
        answer.len += got;
    int status = pclose(pipe);
    unsetenv("GH_TEST_QUESTION");
    ck_assert_int_eq(status, 0);

    ck_assert(gh_env_learn(&env, (char *)answer.bytes, answer.len));
    ck_assert(gh_env_is_known(&env));
    ck_assert_int_eq(gh_env_text(&env, "executable")[0], '/');
    ck_assert_int_eq(gh_env_text(&env, "prefix")[0], '/');
    ck_assert_uint_eq(json_array_size(json_object_get(env.facts, "folders")) > 0, true);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, only_the_answer_is_learnt);
    tcase_add_test(tests, forgotten_answers_can_be_read_but_do_not_count);
    tcase_add_test(tests, answer_holds_until_a_folder_changes);
    tcase_add_loop_test(tests, plain_requirements_are_answered_from_what_is_there, 0,
                        (int)COUNT(wants));
    tcase_add_test(tests, conda_env_says_where_its_interpreter_is);
    tcase_add_test(tests, an_interpreter_answers);
}

int
main(void)
{
    return run_tests("node_env", add);
}
