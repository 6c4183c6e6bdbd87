/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/certs.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_kit.h"
#include "tls/pair.h"

static struct gh_err err;
static struct gh_certs *certs;

static void
setup(void)
{
    certs = gh_certs_new();
}

static void
teardown(void)
{
    gh_certs_free(&certs);
}

static struct gh_pair *
pair_of(const struct made *made)
{
    struct gh_pair *pair = NULL;

    ck_assert_int_eq(gh_pair_make(slice_of(made->crt_pem), slice_of(made->key_pem), &pair, &err),
                     0);
    return pair;
}

static void
put(const char *name)
{
    struct made made = make_ecdsa(name, NULL);

    ck_assert_int_eq(
        gh_certs_put(certs, name, slice_of(made.crt_pem), slice_of(made.key_pem), &err), 0);
    drop_made(&made);
}

/* One file's pair, for NAME, as the default. */
static void
put_file(const char *name)
{
    struct made made = make_ecdsa(name, NULL);
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = pair_of(&made);

    gh_certs_put_files(certs, &pair, 1);
    drop_made(&made);
}

static const char *
shown(const char *name)
{
    struct gh_pair *pair = gh_certs_find(certs, name, true);

    return pair ? gh_pair_facts(pair)->subject : "none";
}

START_TEST(the_name_decides_and_the_default_is_for_all_others)
{
    ck_assert_str_eq(shown("a.example"), "none");
    put_file("default.example");
    put("a.example");
    put("*.wild.example");
    ck_assert_str_eq(shown(NULL), "CN=default.example");
    ck_assert_str_eq(shown(""), "CN=default.example");
    ck_assert_str_eq(shown("default.example"), "CN=default.example");
    ck_assert_str_eq(shown("b.example"), "CN=default.example");
    ck_assert_str_eq(shown("a.example"), "CN=a.example");
    ck_assert_str_eq(shown("A.EXAMPLE."), "CN=a.example");
    ck_assert_str_eq(shown("x.wild.example"), "CN=*.wild.example");
    ck_assert_str_eq(shown("x.y.wild.example"), "CN=default.example");
    ck_assert_str_eq(shown("wild.example"), "CN=default.example");
    ck_assert_str_eq(shown(".wild.example"), "CN=default.example");
    ck_assert(gh_certs_has(certs, "a.example") && !gh_certs_has(certs, "b.example"));
    gh_certs_drop(certs, "A.example");
    ck_assert_str_eq(shown("a.example"), "CN=default.example");
}
END_TEST

START_TEST(names_of_any_length_are_looked_up)
{
    char name[600];

    put_file("default.example");
    for (size_t len = 0; len < sizeof name - 1; len++) {
        memset(name, len % 7 ? 'a' : '.', len);
        name[len] = '\0';
        ck_assert_str_eq(shown(name), "CN=default.example");
    }
    ck_assert_int_eq(
        gh_certs_put(certs, name, (struct gh_slice){"", 0}, (struct gh_slice){"", 0}, &err),
        GH_E_INPUT);
}
END_TEST

START_TEST(a_bad_pair_changes_nothing)
{
    put("a.example");
    struct gh_slice bad = {"x", 1};
    ck_assert_int_eq(gh_certs_put(certs, "a.example", bad, bad, &err), GH_E_INPUT);
    ck_assert_str_eq(shown("a.example"), "CN=a.example");
}
END_TEST

START_TEST(who_cannot_verify_ecdsa_gets_rsa)
{
    struct made ecdsa = make_ecdsa("both.example", NULL);
    struct made rsa = make_with("both.example", NULL, GNUTLS_PK_RSA, 2048);
    struct gh_pair *pairs[] = {pair_of(&rsa), pair_of(&ecdsa)};

    gh_certs_put_files(certs, pairs, 2);
    for (int i = 0; i < 2; i++) {
        const char *name = i ? "both.example" : NULL;
        ck_assert_ptr_eq(gh_certs_find(certs, name, true), pairs[1]);
        ck_assert_ptr_eq(gh_certs_find(certs, name, false), pairs[0]);
    }
    gh_certs_put_files(certs, pairs + 1, 1);
    ck_assert_ptr_eq(gh_certs_find(certs, NULL, false), pairs[1]); /* better than none */
    gh_pair_unref(&pairs[0]);
    gh_pair_unref(&pairs[1]);
    drop_made(&ecdsa);
    drop_made(&rsa);
}
END_TEST

START_TEST(of_two_files_with_a_name_the_first_has_it_and_new_files_replace_them)
{
    struct made first = make_ecdsa("a.example", NULL), second = make_ecdsa("a.example", NULL);
    struct gh_pair *pairs[] = {pair_of(&first), pair_of(&second)};

    gh_certs_put_files(certs, pairs, 2);
    ck_assert_ptr_eq(gh_certs_find(certs, "a.example", true), pairs[0]);
    gh_certs_put_files(certs, pairs + 1, 1); /* one that it holds already */
    ck_assert_ptr_eq(gh_certs_find(certs, "a.example", true), pairs[1]);
    put_file("b.example");
    ck_assert_str_eq(shown("a.example"), "CN=b.example");
    gh_pair_unref(&pairs[0]);
    gh_pair_unref(&pairs[1]);
    drop_made(&first);
    drop_made(&second);
}
END_TEST

START_TEST(a_challenge_is_found_apart)
{
    struct made made = make_ecdsa("a.example", NULL);

    ck_assert(!gh_certs_has_challenges(certs));
    ck_assert_int_eq(gh_certs_put_challenge(certs, "a.example", slice_of(made.crt_pem),
                                            slice_of(made.key_pem), &err),
                     0);
    ck_assert(gh_certs_has_challenges(certs));
    ck_assert_ptr_nonnull(gh_certs_find_challenge(certs, "A.example"));
    ck_assert_ptr_null(gh_certs_find_challenge(certs, "b.example"));
    ck_assert_ptr_null(gh_certs_find_challenge(certs, ""));
    ck_assert_str_eq(shown("a.example"), "none");
    gh_certs_drop_challenge(certs, "a.example");
    ck_assert(!gh_certs_has_challenges(certs));
    drop_made(&made);
}
END_TEST

/* ---- waiting ---- */

static unsigned asked, woken;
static bool is_coming;

static bool
on_missing(void *context, const char *name)
{
    ck_assert_ptr_eq(context, &asked);
    ck_assert_str_eq(name, "new.example");
    asked++;
    return is_coming;
}

static void
on_wake(void *context)
{
    (void)context;
    woken++;
}

START_TEST(a_handshake_waits_for_a_pair_that_is_on_its_way)
{
    struct gh_certs_wait first = {.fn = on_wake}, second = {.fn = on_wake}, third = {.fn = on_wake};

    asked = woken = 0;
    is_coming = false;
    put_file("default.example");
    ck_assert(!gh_certs_minds_missing(certs));
    ck_assert(!gh_certs_wait(certs, "new.example", &first));
    gh_certs_on_missing(certs, on_missing, &asked);
    ck_assert(gh_certs_minds_missing(certs));
    ck_assert(!gh_certs_wait(certs, "New.example", &first)); /* none is coming */
    is_coming = true;
    ck_assert(gh_certs_wait(certs, "New.example", &first) &&
              gh_certs_wait(certs, "new.example", &second));
    ck_assert(gh_certs_wait(certs, "new.example", &third));
    ck_assert_uint_eq(asked, 4);
    gh_certs_cancel(certs, &second);
    gh_certs_cancel(certs, &second);
    gh_certs_give_up(certs, "other.example");
    ck_assert_uint_eq(woken, 0);
    put("new.example");
    ck_assert_uint_eq(woken, 2);
    ck_assert(!first.is_on && !third.is_on);
    gh_certs_cancel(certs, &first);
}
END_TEST

START_TEST(giving_up_ends_the_wait)
{
    struct gh_certs_wait wait = {.fn = on_wake};

    woken = 0;
    is_coming = true;
    gh_certs_on_missing(certs, on_missing, &asked);
    ck_assert(gh_certs_wait(certs, "new.example", &wait));
    gh_certs_give_up(certs, "NEW.example");
    ck_assert_uint_eq(woken, 1);
    ck_assert(!wait.is_on);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_name_decides_and_the_default_is_for_all_others);
    tcase_add_test(tests, names_of_any_length_are_looked_up);
    tcase_add_test(tests, a_bad_pair_changes_nothing);
    tcase_add_test(tests, who_cannot_verify_ecdsa_gets_rsa);
    tcase_add_test(tests, of_two_files_with_a_name_the_first_has_it_and_new_files_replace_them);
    tcase_add_test(tests, a_challenge_is_found_apart);
    tcase_add_test(tests, a_handshake_waits_for_a_pair_that_is_on_its_way);
    tcase_add_test(tests, giving_up_ends_the_wait);
}

int
main(void)
{
    return run_tests("tls_certs", add);
}
