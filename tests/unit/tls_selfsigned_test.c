/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/selfsigned.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "tests/unit/suite.h"
#include "tls/pair.h"

static struct gh_err err;
static char *state;
static struct gh_words names;

static void
setup(void)
{
    state = make_folder();
    gh_words_add(&names, "localhost");
    gh_words_add(&names, "127.0.0.1");
    gh_words_add(&names, "::1");
}

static void
teardown(void)
{
    remove_folder(state);
    gh_words_done(&names);
}

/* The fingerprint of what is had at NOW; the caller frees it. */
static char *
fingerprint_at(time_t now)
{
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    ck_assert_int_eq(gh_selfsigned_get(state, &names, now, &pair, &err), GH_OK);
    for (size_t i = 0; i < names.count; i++)
        ck_assert(gh_pair_covers(pair, names.list[i]));
    return gh_strdup(gh_pair_facts(pair)->fingerprint);
}

START_TEST(it_is_made_once_and_kept_where_only_its_owner_reads_it)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/tls/self-signed.pem", state);
    char *first GH_SCOPED(gh_free) = fingerprint_at(time(NULL));
    char *second GH_SCOPED(gh_free) = fingerprint_at(time(NULL));
    struct stat info;

    ck_assert_str_eq(first, second);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0600);
}
END_TEST

START_TEST(it_is_made_anew_for_another_name_and_not_for_fewer)
{
    char *first GH_SCOPED(gh_free) = fingerprint_at(time(NULL));

    gh_words_add(&names, "gpu.example");
    char *second GH_SCOPED(gh_free) = fingerprint_at(time(NULL));
    ck_assert_str_ne(first, second);
    struct gh_words fewer = {.list = names.list, .count = 1};
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;
    ck_assert_int_eq(gh_selfsigned_get(state, &fewer, time(NULL), &pair, &err), GH_OK);
    ck_assert_str_eq(gh_pair_facts(pair)->fingerprint, second);
}
END_TEST

START_TEST(it_is_made_anew_when_a_third_of_its_life_is_left)
{
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;
    time_t now = time(NULL);

    ck_assert_int_eq(gh_selfsigned_get(state, &names, now, &pair, &err), GH_OK);
    time_t renewal = gh_selfsigned_renewal(pair);
    ck_assert_int_gt(renewal, now + 240 * 86400);
    ck_assert_int_lt(renewal, now + 250 * 86400);
    char *before GH_SCOPED(gh_free) = fingerprint_at(renewal - 1);
    char *after GH_SCOPED(gh_free) = fingerprint_at(renewal);
    ck_assert_str_eq(before, gh_pair_facts(pair)->fingerprint);
    ck_assert_str_ne(after, before);
}
END_TEST

START_TEST(what_cannot_be_used_is_replaced)
{
    static const char *const contents[] = {"", "x", "-----BEGIN CERTIFICATE-----\nAA\n"};
    char *first GH_SCOPED(gh_free) = fingerprint_at(time(NULL));
    char *folder GH_SCOPED(gh_free) = gh_asprintf("%s/tls", state);

    for (size_t i = 0; i < COUNT(contents); i++) {
        free(write_file(folder, "self-signed.pem", contents[i]));
        char *next GH_SCOPED(gh_free) = fingerprint_at(time(NULL));
        ck_assert_str_ne(first, next);
    }
}
END_TEST

START_TEST(a_state_folder_that_cannot_be_written_is_named)
{
    struct gh_pair *pair = NULL;

    ck_assert_int_eq(gh_selfsigned_get("/proc/none", &names, time(NULL), &pair, &err), GH_E_SYSTEM);
    assert_contains(err.text, "/proc/none/tls/self-signed.pem");
    ck_assert_ptr_null(pair);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, it_is_made_once_and_kept_where_only_its_owner_reads_it);
    tcase_add_test(tests, it_is_made_anew_for_another_name_and_not_for_fewer);
    tcase_add_test(tests, it_is_made_anew_when_a_third_of_its_life_is_left);
    tcase_add_test(tests, what_cannot_be_used_is_replaced);
    tcase_add_test(tests, a_state_folder_that_cannot_be_written_is_named);
}

int
main(void)
{
    return run_tests("tls_selfsigned", add);
}
