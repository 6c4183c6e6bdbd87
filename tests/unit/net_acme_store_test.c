/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of a CA: files, modes, states of orders, broken ones. */
#include "net/acme_store.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "tests/unit/suite.h"

#define DIRECTORY "https://ca.test/dir"

static char *folder;
static struct gh_acme_store store;
static struct gh_err err;

static void
set_up(void)
{
    folder = make_folder();
    ck_assert_int_eq(gh_acme_store_open(&store, folder, DIRECTORY, &err), GH_OK);
}

static void
tear_down(void)
{
    gh_acme_store_close(&store);
    remove_folder(folder);
}

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static unsigned
mode_of(const char *file)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", store.folder, file);
    struct stat stat_of;

    ck_assert_int_eq(stat(path, &stat_of), 0);
    return stat_of.st_mode & 07777;
}

START_TEST(what_was_written_is_read)
{
    struct gh_buf out = {0};

    for (int i = 0; i < 2; i++) {
        const char *text = i ? "new" : "what was there before";
        out.len = 0;
        ck_assert_int_eq(gh_acme_store_write(&store, "account.pem", slice(text), &err), GH_OK);
        ck_assert_int_eq(gh_acme_store_read(&store, "account.pem", &out, &err), GH_OK);
        assert_bytes(out.bytes, out.len, text);
    }
    gh_buf_done(&out);
}
END_TEST

START_TEST(modes_are_for_the_owner_alone)
{
    umask(0);
    ck_assert_int_eq(gh_acme_store_write(&store, "certs/a.test.pem", slice("x"), &err), GH_OK);
    ck_assert_uint_eq(mode_of("certs/a.test.pem"), 0600);
    ck_assert_uint_eq(mode_of("directory"), 0600);
    ck_assert_uint_eq(mode_of("."), 0700);
    ck_assert_uint_eq(mode_of("certs"), 0700);
}
END_TEST

START_TEST(a_folder_that_was_open_is_closed)
{
    ck_assert_int_eq(chmod(store.folder, 0755), 0);
    gh_acme_store_close(&store);
    ck_assert_int_eq(gh_acme_store_open(&store, folder, DIRECTORY, &err), GH_OK);
    ck_assert_uint_eq(mode_of("."), 0700);
}
END_TEST

START_TEST(another_directory_has_another_folder)
{
    struct gh_acme_store other;

    ck_assert_int_eq(gh_acme_store_open(&other, folder, DIRECTORY "2", &err), GH_OK);
    ck_assert_str_ne(other.folder, store.folder);
    gh_acme_store_close(&other);
}
END_TEST

START_TEST(what_is_missing_is_told_apart)
{
    struct gh_buf out = {0};

    ck_assert_int_eq(gh_acme_store_read(&store, "account.json", &out, &err), GH_E_NOT_FOUND);
    ck_assert_int_eq(gh_acme_store_read(&store, "certs", &out, &err), GH_E_SYSTEM);
    ck_assert_uint_eq(out.len, 0);
    gh_buf_done(&out);
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_told)
{
    ck_assert_int_eq(gh_acme_store_write(&store, "nowhere/x", slice("x"), &err), GH_E_SYSTEM);
    assert_contains(err.text, "nowhere/x");
    ck_assert_int_eq(gh_acme_store_write(&store, "certs", slice("x"), &err), GH_E_SYSTEM);

    char *file = write_file(folder, "file", "");
    struct gh_acme_store other = {0};
    ck_assert_int_eq(gh_acme_store_open(&other, file, DIRECTORY, &err), GH_E_SYSTEM);
    ck_assert_ptr_null(other.folder);
    free(file);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    char *file = write_file(folder, "elsewhere", "precious");
    char *link GH_SCOPED(gh_free) = gh_asprintf("%s/account.pem", store.folder);
    struct gh_buf out = {0};

    ck_assert_int_eq(symlink(file, link), 0);
    ck_assert_int_eq(gh_acme_store_read(&store, "account.pem", &out, &err), GH_E_SYSTEM);
    ck_assert_int_eq(gh_acme_store_write(&store, "account.pem", slice("new"), &err), GH_OK);
    ck_assert_int_eq(gh_acme_store_read(&store, "account.pem", &out, &err), GH_OK);
    assert_bytes(out.bytes, out.len, "new");
    gh_buf_done(&out);
    free(file);
}
END_TEST

START_TEST(state_comes_back)
{
    struct gh_acme_state state = {.failures = 3, .next_try_s = 4102444800, .by_alpn = true}, back;

    gh_acme_state_set_problem(&state, "it \"said\" no");
    gh_acme_state_set_order(&state, "https://ca.test/order/1",
                            (struct gh_slice){"KEY and more", 3});
    ck_assert_int_eq(gh_acme_state_write(&store, "a.test", &state, &err), GH_OK);
    gh_acme_state_read(&store, "a.test", &back);
    ck_assert_uint_eq(back.failures, 3);
    ck_assert_int_eq(back.next_try_s, 4102444800);
    ck_assert(back.by_alpn);
    ck_assert_str_eq(back.problem, "it \"said\" no");
    ck_assert_str_eq(back.order_url, "https://ca.test/order/1");
    ck_assert_str_eq(back.order_key_pem, "KEY");
    gh_acme_state_done(&back);

    gh_acme_state_set_order(&state, NULL, (struct gh_slice){0});
    gh_acme_state_set_problem(&state, NULL);
    ck_assert_int_eq(gh_acme_state_write(&store, "a.test", &state, &err), GH_OK);
    gh_acme_state_read(&store, "a.test", &back);
    ck_assert_ptr_null(back.problem);
    ck_assert_ptr_null(back.order_url);
    ck_assert_ptr_null(back.order_key_pem);
    gh_acme_state_done(&back);
    gh_acme_state_done(&state);
}
END_TEST

START_TEST(broken_state_is_none)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"failures\": -1}",
                                        "{\"failures\": 1e99}",
                                        "17",
                                        "{\"failures\": \"3\", \"order_url\": 5}"};
    struct gh_acme_state state;

    ck_assert_int_eq(gh_acme_store_write(&store, "certs/a.test.json", slice(texts[_i]), &err),
                     GH_OK);
    gh_acme_state_read(&store, "a.test", &state);
    ck_assert_uint_eq(state.failures, 0);
    ck_assert_ptr_null(state.order_url);
    gh_acme_state_done(&state);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, modes_are_for_the_owner_alone);
    tcase_add_test(tests, a_folder_that_was_open_is_closed);
    tcase_add_test(tests, another_directory_has_another_folder);
    tcase_add_test(tests, what_is_missing_is_told_apart);
    tcase_add_test(tests, a_place_that_cannot_be_written_is_told);
    tcase_add_test(tests, a_link_is_not_followed);
    tcase_add_test(tests, state_comes_back);
    tcase_add_loop_test(tests, broken_state_is_none, 0, 7);
}

int
main(void)
{
    return run_tests("net_acme_store", add);
}
