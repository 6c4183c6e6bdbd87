/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/files.h"

#include <sys/stat.h>

#include "base/alloc.h"
#include "conf/settings.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_kit.h"
#include "tls/pair.h"

static struct gh_err err;
static struct gh_settings settings;
static char *folder;

static void
setup(void)
{
    folder = make_folder();
    settings = (struct gh_settings){
        .ssl_certfile = "", .ssl_keyfile = "", .ssl_ocspfile = "", .client_ca = ""};
}

static void
teardown(void)
{
    remove_folder(folder);
}

static char *
keep(const char *name, gnutls_datum_t pem, mode_t mode)
{
    char *text = gh_strndup((char *)pem.data, pem.size);
    char *path = write_file(folder, name, text);

    free(text);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static const struct {
    mode_t mode;
    bool is_read;
} modes[] = {{0600, true},  {0400, true},  {0700, true},  {0644, false},
             {0604, false}, {0660, false}, {0610, false}, {0602, false}};

START_TEST(a_key_is_read_only_where_nobody_else_reads_it)
{
    struct made made = make_ecdsa("a", NULL);
    struct gh_buf key GH_SCOPED(gh_files_wipe) = {0};
    char *path GH_SCOPED(gh_free) = keep("key.pem", made.key_pem, modes[_i].mode);

    int rc = gh_files_read_key(path, &key, &err);
    ck_assert_int_eq(rc == GH_OK, modes[_i].is_read);
    ck_assert_uint_eq(key.len, modes[_i].is_read ? made.key_pem.size : 0);
    if (!modes[_i].is_read)
        assert_contains(err.text, "chmod 600");
    drop_made(&made);
}
END_TEST

START_TEST(a_file_that_is_none_is_named)
{
    struct gh_buf out GH_SCOPED(gh_buf_done) = {0};
    char *missing GH_SCOPED(gh_free) = gh_asprintf("%s/none", folder);

    ck_assert_int_eq(gh_files_read(missing, &out, &err), GH_E_SYSTEM);
    assert_contains(err.text, missing);
    ck_assert_int_eq(gh_files_read(folder, &out, &err), GH_E_SYSTEM);
    assert_contains(err.text, "no regular file");
}
END_TEST

START_TEST(pairs_are_loaded_in_their_order)
{
    struct made one = make_ecdsa("one", NULL), two = make_ecdsa("two", NULL);
    struct gh_pairs pairs GH_SCOPED(gh_pairs_done) = {0};
    char *files[] = {keep("1.crt", one.crt_pem, 0644), keep("1.key", one.key_pem, 0600),
                     keep("2.crt", two.crt_pem, 0644), keep("2.key", two.key_pem, 0600)};
    char *chains GH_SCOPED(gh_free) = gh_asprintf("%s,%s", files[0], files[2]);
    char *keys GH_SCOPED(gh_free) = gh_asprintf("%s,%s", files[1], files[3]);
    struct gh_words names GH_SCOPED(gh_words_done) = {0};

    settings.ssl_certfile = chains;
    settings.ssl_keyfile = keys;
    ck_assert_int_eq(gh_files_load(&settings, &pairs, &err), GH_OK);
    ck_assert_uint_eq(pairs.count, 2);
    ck_assert_str_eq(gh_pair_facts(pairs.list[0])->subject, "CN=one");
    ck_assert_str_eq(gh_pair_facts(pairs.list[1])->subject, "CN=two");
    gh_files_names(&settings, &names);
    ck_assert_uint_eq(names.count, 4);

    settings.ssl_keyfile = files[1];
    struct gh_pairs none = {0};
    ck_assert_int_eq(gh_files_load(&settings, &none, &err), GH_E_INPUT);
    assert_contains(err.text, "2 files and ssl_keyfile 1");
    for (size_t i = 0; i < COUNT(files); i++)
        free(files[i]);
    drop_made(&one);
    drop_made(&two);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, a_key_is_read_only_where_nobody_else_reads_it, 0, (int)COUNT(modes));
    tcase_add_test(tests, a_file_that_is_none_is_named);
    tcase_add_test(tests, pairs_are_loaded_in_their_order);
}

int
main(void)
{
    return run_tests("tls_files", add);
}
