/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/watch.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"

static uv_loop_t loop;
static char *folder;
static unsigned calls, second_calls;
static bool is_well;

static void
setup(void)
{
    uv_loop_init(&loop);
    folder = make_folder();
    is_well = true;
    calls = second_calls = 0;
}

static void
teardown(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    remove_folder(folder);
}

static bool
on_changed(void *context, bool is_again)
{
    ck_assert_ptr_eq(context, &calls);
    calls++;
    second_calls += is_again;
    return is_well;
}

static struct gh_watch *
watch(const char *name)
{
    struct gh_words files GH_SCOPED(gh_words_done) = {0};

    gh_words_addf(&files, "%s/%s", folder, name);
    return gh_watch_new(&loop, &files, on_changed, &calls);
}

static void
run_until(const unsigned *counter, unsigned count)
{
    while (*counter < count)
        ck_assert_int_ne(uv_run(&loop, UV_RUN_ONCE), 0);
}

START_TEST(a_change_is_told_however_it_is_made)
{
    free(write_file(folder, "a", "1"));
    struct gh_watch *watched = watch("a");

    free(write_file(folder, "a", "12"));
    run_until(&calls, 1);
    char *fresh GH_SCOPED(gh_free) = write_file(folder, "b", "12");
    char *name GH_SCOPED(gh_free) = gh_asprintf("%s/a", folder);
    ck_assert_int_eq(rename(fresh, name), 0);
    run_until(&calls, 2);
    unlink(name);
    run_until(&calls, 3);
    free(write_file(folder, "a", "12"));
    run_until(&calls, 4);
    ck_assert_uint_eq(second_calls, 0);
    gh_watch_stop(&watched);
    ck_assert_ptr_null(watched);
}
END_TEST

START_TEST(what_went_wrong_is_tried_once_more)
{
    struct gh_watch *watched = watch("a");

    is_well = false;
    free(write_file(folder, "a", "1"));
    run_until(&second_calls, 1);
    ck_assert_uint_ge(calls, 2);
    gh_watch_stop(&watched);
}
END_TEST

START_TEST(a_folder_that_is_not_there_does_no_harm)
{
    struct gh_watch *watched = watch("none/a");

    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(calls, 0);
    gh_watch_stop(&watched);
    gh_watch_stop(&watched);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_change_is_told_however_it_is_made);
    tcase_add_test(tests, what_went_wrong_is_tried_once_more);
    tcase_add_test(tests, a_folder_that_is_not_there_does_no_harm);
}

int
main(void)
{
    return run_tests("tls_watch", add);
}
