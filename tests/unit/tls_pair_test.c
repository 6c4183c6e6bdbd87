/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pair.h"

#include "base/alloc.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_kit.h"

static struct gh_err err;

static struct gh_slice
text_slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

static void
assert_refused(struct gh_slice chain, struct gh_slice key, const char *part)
{
    struct gh_pair *pair = NULL;

    ck_assert_int_eq(gh_pair_make(chain, key, &pair, &err), GH_E_INPUT);
    ck_assert_ptr_null(pair);
    assert_contains(err.text, part);
}

START_TEST(a_pair_tells_what_its_certificate_says)
{
    struct made made = make_ecdsa("Api.Example.org", NULL);
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    ck_assert_int_eq(gh_pair_make(slice_of(made.crt_pem), slice_of(made.key_pem), &pair, &err), 0);
    const struct gh_pair_facts *facts = gh_pair_facts(pair);
    ck_assert_str_eq(facts->subject, "CN=Api.Example.org");
    ck_assert_str_eq(facts->key, "ECDSA 256");
    ck_assert(facts->is_ecdsa && facts->is_self_signed && !facts->must_staple);
    ck_assert_uint_eq(facts->names->count, 1);
    ck_assert_str_eq(facts->names->list[0], "api.example.org");
    ck_assert_uint_eq(strlen(facts->fingerprint), 95);
    ck_assert_ptr_null(gh_pair_problem(pair, time(NULL)));
    ck_assert_str_eq(gh_pair_problem(pair, time(NULL) + 90000), "expired");
    ck_assert_str_eq(gh_pair_problem(pair, time(NULL) - 7200), "not valid yet");
    drop_made(&made);
}
END_TEST

START_TEST(the_pem_that_is_handed_out_never_holds_the_key)
{
    struct made made = make_ecdsa("a", NULL);
    struct gh_buf both GH_SCOPED(gh_buf_done) = {0};
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    gh_buf_add(&both, made.key_pem.data, made.key_pem.size);
    gh_buf_add(&both, made.crt_pem.data, made.crt_pem.size);
    struct gh_slice text = {(char *)both.bytes, both.len};
    ck_assert_int_eq(gh_pair_make(text, text, &pair, &err), 0);
    struct gh_slice pem = gh_pair_pem(pair);
    ck_assert_ptr_nonnull(memmem(pem.bytes, pem.len, "BEGIN CERTIFICATE", 17));
    ck_assert_ptr_null(memmem(pem.bytes, pem.len, "PRIVATE", 7));
    drop_made(&made);
}
END_TEST

START_TEST(a_chain_is_put_in_order_and_goes_without_its_root)
{
    struct made root = make_ecdsa("root", NULL), middle = make_ecdsa("middle", &root);
    struct made leaf = make_ecdsa("leaf", &middle);
    const gnutls_datum_t order[] = {leaf.crt_pem, root.crt_pem, middle.crt_pem};
    struct gh_buf chain GH_SCOPED(gh_buf_done) = {0};
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    for (size_t i = 0; i < COUNT(order); i++)
        gh_buf_add(&chain, order[i].data, order[i].size);
    struct gh_slice text = {(char *)chain.bytes, chain.len};
    ck_assert_int_eq(gh_pair_make(text, slice_of(leaf.key_pem), &pair, &err), 0);
    struct gh_buf wanted GH_SCOPED(gh_buf_done) = {0};
    gh_buf_add(&wanted, leaf.crt_pem.data, leaf.crt_pem.size);
    gh_buf_add(&wanted, middle.crt_pem.data, middle.crt_pem.size);
    assert_slice(gh_pair_pem(pair), gh_buf_text(&wanted));
    ck_assert_str_eq(gh_pair_facts(pair)->issuer, "CN=middle");
    ck_assert(!gh_pair_facts(pair)->is_self_signed);
    drop_made(&root);
    drop_made(&middle);
    drop_made(&leaf);
}
END_TEST

START_TEST(what_is_no_chain_is_refused)
{
    struct made one = make_ecdsa("one", NULL), other = make_ecdsa("other", NULL);
    struct gh_buf both GH_SCOPED(gh_buf_done) = {0};
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    gh_buf_add(&both, one.crt_pem.data, one.crt_pem.size);
    gh_buf_add(&both, other.crt_pem.data, other.crt_pem.size);
    struct gh_slice text = {(char *)both.bytes, both.len};
    ck_assert_int_eq(gh_pair_make(text, slice_of(one.key_pem), &pair, &err), 0);
    ck_assert_uint_eq(gh_pair_pem(pair).len, one.crt_pem.size); /* the stranger is left out */
    assert_refused(text, slice_of(other.key_pem), "the first certificate of the file");
    assert_refused(text_slice(""), slice_of(one.key_pem), "no certificate");
    assert_refused(text_slice("x"), slice_of(one.key_pem), "no certificate");
    assert_refused(text_slice("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
                   slice_of(one.key_pem), "cannot be read");
    drop_made(&one);
    drop_made(&other);
}
END_TEST

START_TEST(a_key_must_be_readable_strong_and_the_right_one)
{
    struct made made = make_ecdsa("a", NULL), other = make_ecdsa("a", NULL);
    struct made weak = make_with("a", NULL, GNUTLS_PK_RSA, 1024);
    struct gh_slice crt = slice_of(made.crt_pem);

    assert_refused(crt, slice_of(other.key_pem), "does not belong to the certificate (CN=a)");
    assert_refused(crt, text_slice(""), "no key");
    assert_refused(crt, crt, "no key");
    assert_refused(crt,
                   text_slice("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
                   "cannot be read");
    assert_refused(crt, text_slice("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n"), "passphrase");
    assert_refused(crt,
                   text_slice("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"),
                   "openssl pkey -in KEY -out NEWKEY");
    assert_refused(slice_of(weak.crt_pem), slice_of(weak.key_pem), "too weak");
    drop_made(&made);
    drop_made(&other);
    drop_made(&weak);
}
END_TEST

static const struct {
    gnutls_pk_algorithm_t kind;
    unsigned bits;
    const char *text;
    bool is_ecdsa;
} kinds[] = {
    {GNUTLS_PK_RSA, 2048, "RSA 2048", false},
    {GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1), "ECDSA 384", true}};

START_TEST(rsa_and_ecdsa_are_both_served)
{
    struct made made = make_with("a", NULL, kinds[_i].kind, kinds[_i].bits);
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    ck_assert_int_eq(gh_pair_make(slice_of(made.crt_pem), slice_of(made.key_pem), &pair, &err), 0);
    ck_assert_str_eq(gh_pair_facts(pair)->key, kinds[_i].text);
    ck_assert_int_eq(gh_pair_facts(pair)->is_ecdsa, kinds[_i].is_ecdsa);
    drop_made(&made);
}
END_TEST

static const struct {
    const char *pattern, *name;
    bool is_covered;
} names[] = {
    {"a.example", "a.example", true}, {"a.example", "b.example", false},
    {"*.example", "a.example", true}, {"*.example", "a.b.example", false},
    {"*.example", "example", false},  {"*.example", ".example", false},
    {"*.example", "*.example", true}, {"a.example", "xa.example", false},
};

START_TEST(a_wildcard_stands_for_one_label)
{
    struct made made = make_ecdsa(names[_i].pattern, NULL);
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    ck_assert_int_eq(gh_pair_make(slice_of(made.crt_pem), slice_of(made.key_pem), &pair, &err), 0);
    ck_assert_int_eq(gh_pair_covers(pair, names[_i].name), names[_i].is_covered);
    drop_made(&made);
}
END_TEST

START_TEST(what_is_no_ocsp_answer_is_not_stapled)
{
    struct made made = make_ecdsa("a", NULL);
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = NULL;

    ck_assert_int_eq(gh_pair_make(slice_of(made.crt_pem), slice_of(made.key_pem), &pair, &err), 0);
    ck_assert_int_eq(gh_pair_staple(pair, text_slice("x"), time(NULL), &err), GH_E_INPUT);
    assert_contains(err.text, "no OCSP answer");
    ck_assert_int_eq(gh_pair_staple(pair, text_slice(""), time(NULL), &err), GH_E_INPUT);
    ck_assert(!gh_pair_facts(pair)->is_stapled);
    drop_made(&made);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_test(tests, a_pair_tells_what_its_certificate_says);
    tcase_add_test(tests, the_pem_that_is_handed_out_never_holds_the_key);
    tcase_add_test(tests, a_chain_is_put_in_order_and_goes_without_its_root);
    tcase_add_test(tests, what_is_no_chain_is_refused);
    tcase_add_test(tests, a_key_must_be_readable_strong_and_the_right_one);
    tcase_add_loop_test(tests, rsa_and_ecdsa_are_both_served, 0, (int)COUNT(kinds));
    tcase_add_loop_test(tests, a_wildcard_stands_for_one_label, 0, (int)COUNT(names));
    tcase_add_test(tests, what_is_no_ocsp_answer_is_not_stapled);
}

int
main(void)
{
    return run_tests("tls_pair", add);
}
