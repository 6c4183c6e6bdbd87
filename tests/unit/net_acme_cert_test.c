/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 for ACME: the request, the certificate of a challenge, what a leaf says. */
#include "net/acme_cert.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <time.h>

#include "base/alloc.h"
#include "base/base64url.h"
#include "tests/unit/suite.h"

static struct gh_p256 *key;
static struct gh_err err;

static void
set_up(void)
{
    ck_assert_int_eq(gh_p256_make(&key, &err), GH_OK);
}

static void
tear_down(void)
{
    gh_p256_free(&key);
}

static struct gh_slice
slice(const char *text)
{
    return (struct gh_slice){text, strlen(text)};
}

START_TEST(request_is_for_the_name_and_signed)
{
    struct gh_buf text = {0}, der = {0};
    gnutls_x509_crq_t request;
    char name[100];
    size_t len = sizeof name;

    ck_assert_int_eq(gh_acme_cert_request(key, "api.example.test", &text, &err), GH_OK);
    ck_assert_int_eq(gh_base64url_read(&der, (const char *)text.bytes, text.len), GH_OK);
    gnutls_datum_t datum = {der.bytes, (unsigned)der.len};
    gnutls_x509_crq_init(&request);
    ck_assert_int_eq(gnutls_x509_crq_import(request, &datum, GNUTLS_X509_FMT_DER), 0);
    ck_assert_int_eq(gnutls_x509_crq_verify(request, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_get_subject_alt_name(request, 0, name, &len, NULL, NULL),
                     GNUTLS_SAN_DNSNAME);
    assert_bytes(name, len, "api.example.test");
    gnutls_x509_crq_deinit(request);
    gh_buf_done(&text);
    gh_buf_done(&der);
}
END_TEST

static gnutls_x509_crt_t
import(struct gh_buf *pem)
{
    gnutls_datum_t datum = {pem->bytes, (unsigned)pem->len};
    gnutls_x509_crt_t cert;

    gnutls_x509_crt_init(&cert);
    ck_assert_int_eq(gnutls_x509_crt_import(cert, &datum, GNUTLS_X509_FMT_PEM), 0);
    return cert;
}

START_TEST(challenge_holds_the_digest_and_is_critical)
{
    struct gh_buf pem = {0};
    uint8_t found[64], expected[34] = {0x04, 32};
    size_t len = sizeof found;
    unsigned critical = 0;

    ck_assert_int_eq(
        gh_acme_cert_challenge(key, "api.example.test", slice("token.thumb"), &pem, &err), GH_OK);
    gnutls_x509_crt_t cert = import(&pem);
    gnutls_hash_fast(GNUTLS_DIG_SHA256, "token.thumb", 11, expected + 2);
    ck_assert_int_eq(
        gnutls_x509_crt_get_extension_by_oid(cert, "1.3.6.1.5.5.7.1.31", 0, found, &len, &critical),
        0);
    ck_assert_uint_eq(critical, 1);
    ck_assert_uint_eq(len, sizeof expected);
    ck_assert(memcmp(found, expected, len) == 0);
    ck_assert_int_ne((int)gnutls_x509_crt_check_hostname(cert, "api.example.test"), 0);
    gnutls_x509_crt_deinit(cert);
    gh_buf_done(&pem);
}
END_TEST

/* The certificate of RFC 9773 appendix A. */
static const char of_rfc[] = "-----BEGIN CERTIFICATE-----\n"
                             "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                             "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                             "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                             "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                             "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                             "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                             "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                             "-----END CERTIFICATE-----\n";

START_TEST(id_is_that_of_the_rfc)
{
    struct gh_acme_cert cert;

    ck_assert_int_eq(gh_acme_cert_read(slice(of_rfc), &cert, &err), GH_OK);
    ck_assert_str_eq(cert.id, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}
END_TEST

START_TEST(dates_are_read)
{
    struct gh_acme_cert cert;
    struct gh_buf pem = {0};
    int64_t now_s = (int64_t)time(NULL);

    ck_assert_int_eq(gh_acme_cert_challenge(key, "a.test", slice("x"), &pem, &err), GH_OK);
    ck_assert_int_eq(gh_acme_cert_read(slice(gh_buf_text(&pem)), &cert, &err), GH_OK);
    ck_assert_int_le(cert.not_before_s, now_s);
    ck_assert_int_gt(cert.not_after_s, now_s);
    ck_assert_str_eq(cert.id, ""); /* nobody issued it */
    gh_buf_done(&pem);
}
END_TEST

START_TEST(what_is_no_certificate_is_refused)
{
    static const char *const texts[] = {
        "", "-----BEGIN CERTIFICATE-----\n", "text",
        "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----\n"};
    struct gh_acme_cert cert;

    ck_assert_int_eq(gh_acme_cert_read(slice(texts[_i]), &cert, &err), GH_E_INPUT);
}
END_TEST

static void
add(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, request_is_for_the_name_and_signed);
    tcase_add_test(tests, challenge_holds_the_digest_and_is_critical);
    tcase_add_test(tests, id_is_that_of_the_rfc);
    tcase_add_test(tests, dates_are_read);
    tcase_add_loop_test(tests, what_is_no_certificate_is_refused, 0, 4);
}

int
main(void)
{
    return run_tests("net_acme_cert", add);
}
