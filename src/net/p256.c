/* SPDX-License-Identifier: Apache-2.0 */
#include "net/p256.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct gh_p256 {
    gnutls_x509_privkey_t private;
    gnutls_privkey_t signer; /* the same */
    uint8_t x[GH_P256_NUMBER_BYTES], y[GH_P256_NUMBER_BYTES];
};

/* A number of at most 32 bytes, with zeros before it. */
static bool
take_number(const gnutls_datum_t *from, uint8_t out[GH_P256_NUMBER_BYTES])
{
    const uint8_t *bytes = from->data;
    size_t len = from->size;

    for (; len > 0 && *bytes == 0; len--)
        bytes++;
    if (len > GH_P256_NUMBER_BYTES)
        return false;
    memset(out, 0, GH_P256_NUMBER_BYTES - len);
    memcpy(out + GH_P256_NUMBER_BYTES - len, bytes, len);
    return true;
}

static int
failed(int rc, const char *what, struct gh_err *err)
{
    return gh_err_set(err, GH_E_SYSTEM, "%s: %s", what, gnutls_strerror(rc));
}

/* The public half, and a signer, of what private holds. */
static int
complete(struct gh_p256 *key, struct gh_err *err)
{
    gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
    gnutls_datum_t x = {0}, y = {0};

    int rc = gnutls_x509_privkey_export_ecc_raw(key->private, &curve, &x, &y, NULL);
    bool is_p256 = rc == 0 && curve == GNUTLS_ECC_CURVE_SECP256R1 && take_number(&x, key->x) &&
                   take_number(&y, key->y);
    gnutls_free(x.data);
    gnutls_free(y.data);
    if (!is_p256)
        return gh_err_set(err, GH_E_INPUT, "the key is not one on the curve P-256");

    rc = gnutls_privkey_init(&key->signer);
    if (rc == 0)
        rc = gnutls_privkey_import_x509(key->signer, key->private, 0);
    return rc == 0 ? GH_OK : failed(rc, "a key to sign with", err);
}

int
gh_p256_make(struct gh_p256 **key_out, struct gh_err *err)
{
    struct gh_p256 *key GH_SCOPED(gh_p256_free) = gh_alloc(sizeof *key);
    unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);

    int rc = gnutls_x509_privkey_init(&key->private);
    if (rc == 0)
        rc = gnutls_x509_privkey_generate(key->private, GNUTLS_PK_ECDSA, bits, 0);
    if (rc != 0)
        return failed(rc, "making a key", err);
    rc = complete(key, err);
    if (rc == GH_OK)
        *key_out = gh_take(key);
    return rc;
}

int
gh_p256_read(struct gh_slice pem, struct gh_p256 **key_out, struct gh_err *err)
{
    struct gh_p256 *key GH_SCOPED(gh_p256_free) = gh_alloc(sizeof *key);
    const gnutls_datum_t datum = {(unsigned char *)pem.bytes, (unsigned)pem.len};

    int rc = gnutls_x509_privkey_init(&key->private);
    if (rc == 0)
        rc = gnutls_x509_privkey_import(key->private, &datum, GNUTLS_X509_FMT_PEM);
    if (rc != 0)
        return gh_err_set(err, GH_E_INPUT, "the key cannot be read: %s", gnutls_strerror(rc));
    rc = complete(key, err);
    if (rc == GH_OK)
        *key_out = gh_take(key);
    return rc;
}

void
gh_p256_free(struct gh_p256 **key_of)
{
    struct gh_p256 *key = gh_take(*key_of);

    if (!key)
        return;
    gnutls_privkey_deinit(key->signer);
    gnutls_x509_privkey_deinit(key->private);
    free(key);
}

void
gh_p256_add_pem(const struct gh_p256 *key, struct gh_buf *out)
{
    gnutls_datum_t pem = {0};

    if (gnutls_x509_privkey_export2_pkcs8(key->private, GNUTLS_X509_FMT_PEM, NULL,
                                          GNUTLS_PKCS_PLAIN, &pem) != 0)
        abort(); /* memory is out, as for gh_alloc: the key itself is good */
    gh_buf_add(out, pem.data, pem.size);
    explicit_bzero(pem.data, pem.size);
    gnutls_free(pem.data);
}

void
gh_p256_point(const struct gh_p256 *key, uint8_t x_out[GH_P256_NUMBER_BYTES],
              uint8_t y_out[GH_P256_NUMBER_BYTES])
{
    memcpy(x_out, key->x, sizeof key->x);
    memcpy(y_out, key->y, sizeof key->y);
}

int
gh_p256_sign(const struct gh_p256 *key, struct gh_slice text,
             uint8_t signature_out[GH_P256_SIGNATURE_BYTES], struct gh_err *err)
{
    const gnutls_datum_t datum = {(unsigned char *)text.bytes, (unsigned)text.len};
    gnutls_datum_t der = {0}, r = {0}, s = {0};

    int rc = gnutls_privkey_sign_data2(key->signer, GNUTLS_SIGN_ECDSA_SHA256, 0, &datum, &der);
    if (rc == 0)
        rc = gnutls_decode_rs_value(&der, &r, &s);
    bool is_good = rc == 0 && take_number(&r, signature_out) &&
                   take_number(&s, signature_out + GH_P256_NUMBER_BYTES);
    gnutls_free(der.data);
    gnutls_free(r.data);
    gnutls_free(s.data);
    return is_good ? GH_OK : failed(rc, "signing", err);
}

struct gnutls_x509_privkey_int *
gh_p256_handle(const struct gh_p256 *key)
{
    return key->private;
}
