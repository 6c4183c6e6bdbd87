/* SPDX-License-Identifier: Apache-2.0 */
#include "net/acme_cert.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/base64url.h"

#define SHA256_BYTES 32u
#define ACME_IDENTIFIER_OID "1.3.6.1.5.5.7.1.31" /* RFC 8737 section 6.1 */
#define CHALLENGE_LIFE_S 86400
#define SERIAL_MAX_BYTES 64u
#define KEY_ID_MAX_BYTES 64u

static void
drop_request(gnutls_x509_crq_t *request_of)
{
    gnutls_x509_crq_deinit(*request_of);
}

static void
drop_cert(gnutls_x509_crt_t *cert_of)
{
    gnutls_x509_crt_deinit(*cert_of);
}

static int
failed(int rc, const char *what, struct gh_err *err)
{
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", what, gnutls_strerror(rc));
}

int
gh_acme_cert_request(const struct gh_p256 *key, const char *name, struct gh_buf *out,
                     struct gh_err *err)
{
    gnutls_x509_crq_t request GH_SCOPED(drop_request) = NULL;
    gnutls_datum_t der = {0};

    int rc = gnutls_x509_crq_init(&request);
    if (rc == 0)
        rc = gnutls_x509_crq_set_version(request, 1);
    if (rc == 0)
        rc = gnutls_x509_crq_set_subject_alt_name(request, GNUTLS_SAN_DNSNAME, name,
                                                  (unsigned)strlen(name), GNUTLS_FSAN_SET);
    if (rc == 0)
        rc = gnutls_x509_crq_set_key(request, gh_p256_handle(key));
    if (rc == 0)
        rc = gnutls_x509_crq_sign2(request, gh_p256_handle(key), GNUTLS_DIG_SHA256, 0);
    if (rc == 0)
        rc = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_DER, &der);
    if (rc != 0)
        return failed(rc, "making a certificate request", err);
    gh_base64url_add(out, der.data, der.size);
    gnutls_free(der.data);
    return GH_OK;
}

/* Names, dates and what the CA looks for: the digest as an OCTET STRING, critical. */
static int
fill_challenge(gnutls_x509_crt_t cert, const struct gh_p256 *key, const char *name,
               struct gh_slice key_authorization)
{
    uint8_t serial[8], digest[2 + SHA256_BYTES] = {0x04, SHA256_BYTES};
    time_t now = time(NULL);

    gnutls_hash_fast(GNUTLS_DIG_SHA256, key_authorization.bytes, key_authorization.len, digest + 2);
    int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial);
    serial[0] = (serial[0] & 0x7f) | 1;
    if (rc == 0)
        rc = gnutls_x509_crt_set_version(cert, 3);
    if (rc == 0)
        rc = gnutls_x509_crt_set_serial(cert, serial, sizeof serial);
    if (rc == 0)
        rc = gnutls_x509_crt_set_activation_time(cert, now - CHALLENGE_LIFE_S);
    if (rc == 0)
        rc = gnutls_x509_crt_set_expiration_time(cert, now + CHALLENGE_LIFE_S);
    if (rc == 0)
        rc = gnutls_x509_crt_set_dn(cert, "CN=ACME challenge", NULL);
    if (rc == 0)
        rc = gnutls_x509_crt_set_subject_alt_name(cert, GNUTLS_SAN_DNSNAME, name,
                                                  (unsigned)strlen(name), GNUTLS_FSAN_SET);
    if (rc == 0)
        rc = gnutls_x509_crt_set_extension_by_oid(cert, ACME_IDENTIFIER_OID, digest, sizeof digest,
                                                  1);
    return rc == 0 ? gnutls_x509_crt_set_key(cert, gh_p256_handle(key)) : rc;
}

int
gh_acme_cert_challenge(const struct gh_p256 *key, const char *name,
                       struct gh_slice key_authorization, struct gh_buf *chain, struct gh_err *err)
{
    gnutls_x509_crt_t cert GH_SCOPED(drop_cert) = NULL;
    gnutls_datum_t pem = {0};

    int rc = gnutls_x509_crt_init(&cert);
    if (rc == 0)
        rc = fill_challenge(cert, key, name, key_authorization);
    if (rc == 0)
        rc = gnutls_x509_crt_sign2(cert, cert, gh_p256_handle(key), GNUTLS_DIG_SHA256, 0);
    if (rc == 0)
        rc = gnutls_x509_crt_export2(cert, GNUTLS_X509_FMT_PEM, &pem);
    if (rc != 0)
        return failed(rc, "making the certificate of a challenge", err);
    gh_buf_add(chain, pem.data, pem.size);
    gnutls_free(pem.data);
    return GH_OK;
}

/* "AUTHORITY.SERIAL"; nothing when one of them is missing or too long. */
static void
read_id(gnutls_x509_crt_t cert, char out[GH_ACME_CERT_ID_BYTES])
{
    struct gh_buf text GH_SCOPED(gh_buf_done) = {0};
    uint8_t authority[KEY_ID_MAX_BYTES], serial[SERIAL_MAX_BYTES];
    size_t authority_len = sizeof authority, serial_len = sizeof serial;

    out[0] = '\0';
    if (gnutls_x509_crt_get_authority_key_id(cert, authority, &authority_len, NULL) != 0 ||
        gnutls_x509_crt_get_serial(cert, serial, &serial_len) != 0)
        return;
    gh_base64url_add(&text, authority, authority_len);
    gh_buf_add_byte(&text, '.');
    gh_base64url_add(&text, serial, serial_len);
    if (text.len < GH_ACME_CERT_ID_BYTES)
        memcpy(out, gh_buf_text(&text), text.len + 1);
}

int
gh_acme_cert_read(struct gh_slice chain_pem, struct gh_acme_cert *cert_out, struct gh_err *err)
{
    const gnutls_datum_t pem = {(unsigned char *)chain_pem.bytes, (unsigned)chain_pem.len};
    gnutls_x509_crt_t cert GH_SCOPED(drop_cert) = NULL;

    int rc = gnutls_x509_crt_init(&cert);
    if (rc == 0)
        rc = gnutls_x509_crt_import(cert, &pem, GNUTLS_X509_FMT_PEM);
    if (rc != 0)
        return gh_err_set(err, GH_E_INPUT, "the certificate cannot be read: %s",
                          gnutls_strerror(rc));
    cert_out->not_before_s = gnutls_x509_crt_get_activation_time(cert);
    cert_out->not_after_s = gnutls_x509_crt_get_expiration_time(cert);
    read_id(cert, cert_out->id);
    return GH_OK;
}
