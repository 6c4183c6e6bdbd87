/* SPDX-License-Identifier: Apache-2.0 */
#include "node/scratch.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static char *parent;
static struct gh_err err;

static void
set_up(void)
{
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    parent = make_folder();
}

static void
tear_down(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    remove_folder(parent);
}

static unsigned
count_stale(void)
{
    struct gh_words stale GH_SCOPED(gh_words_done) = {0};

    gh_scratch_find_stale(parent, &stale);
    return (unsigned)stale.count;
}

START_TEST(dropped_folder_is_gone_with_what_is_in_it)
{
    struct gh_scratch scratch = {0};

    gh_scratch_drop(&scratch, &loop); /* there is none */
    for (int is_filled = 0; is_filled < 2; is_filled++) {
        ck_assert_int_eq(gh_scratch_make(&scratch, parent, &err), GH_OK);
        char *path GH_SCOPED(gh_free) = gh_strdup(scratch.path);
        if (is_filled)
            free(write_file(path, "file", "text"));
        gh_scratch_drop(&scratch, &loop);
        ck_assert_ptr_null(scratch.path);
        uv_run(&loop, UV_RUN_DEFAULT);
        ck_assert_int_ne(access(path, F_OK), 0);
    }
}
END_TEST

START_TEST(folder_in_use_is_not_stale)
{
    struct gh_scratch scratch = {0};

    ck_assert_int_eq(gh_scratch_make(&scratch, parent, &err), GH_OK);
    ck_assert_uint_eq(count_stale(), 0);
    gh_scratch_drop(&scratch, &loop);
    ck_assert_uint_eq(count_stale(), 0);
}
END_TEST

START_TEST(folder_of_a_dead_daemon_is_stale)
{
    struct gh_words stale GH_SCOPED(gh_words_done) = {0};
    int status;

    pid_t pid = fork();
    if (pid == 0) {
        struct gh_scratch scratch = {0};
        _exit(gh_scratch_make(&scratch, parent, &err) == GH_OK ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    gh_scratch_find_stale(parent, &stale);
    ck_assert_uint_eq(stale.count, 1);
    gh_scratch_remove(&stale, &loop);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(count_stale(), 0);
}
END_TEST

START_TEST(other_names_and_files_are_left_alone)
{
    char *file = write_file(parent, ".gatehouse-scratch-file", "");
    char *other GH_SCOPED(gh_free) = gh_asprintf("%s/other", parent);

    ck_assert_int_eq(mkdir(other, 0700), 0);
    ck_assert_uint_eq(count_stale(), 0);
    free(file);
    struct gh_words none GH_SCOPED(gh_words_done) = {0};
    gh_scratch_find_stale("/nothing/here", &none);
    gh_scratch_remove(&none, &loop);
    ck_assert_uint_eq(none.count, 0);
}
END_TEST

START_TEST(finished_folder_gets_its_name)
{
    struct gh_scratch scratch = {0};
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/final", parent);
    char *wrong GH_SCOPED(gh_free) = gh_asprintf("%s/no/such", parent);

    ck_assert_int_eq(gh_scratch_make(&scratch, parent, &err), GH_OK);
    ck_assert_int_eq(gh_scratch_become(&scratch, wrong, &err), GH_E_SYSTEM);
    assert_contains(err.text, wrong);
    ck_assert_ptr_nonnull(scratch.path);
    ck_assert_int_eq(gh_scratch_become(&scratch, path, &err), GH_OK);
    ck_assert_ptr_null(scratch.path);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(gh_scratch_make(&scratch, "/nothing/here", &err), GH_E_SYSTEM);
    assert_contains(err.text, "/nothing/here");
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, dropped_folder_is_gone_with_what_is_in_it);
    tcase_add_test(tests, folder_in_use_is_not_stale);
    tcase_add_test(tests, folder_of_a_dead_daemon_is_stale);
    tcase_add_test(tests, other_names_and_files_are_left_alone);
    tcase_add_test(tests, finished_folder_gets_its_name);
}

int
main(void)
{
    return run_tests("node_scratch", add);
}
