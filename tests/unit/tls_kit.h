/* SPDX-License-Identifier: Apache-2.0
 *
 * tls_kit.h - certificates for the tests of tls/, made on the spot: of one's own, or signed by another. */
#ifndef GH_TEST_TLS_KIT_H
#define GH_TEST_TLS_KIT_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

#include "tests/unit/suite.h"
#include "wire/call.h"

struct made {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
    gnutls_datum_t crt_pem, key_pem;
};

static inline struct gh_slice
slice_of(gnutls_datum_t datum)
{
    return (struct gh_slice){(const char *)datum.data, datum.size};
}

/* A certificate for NAME, signed by ISSUER (NULL: by itself), with a key of KIND and BITS, good from FROM to
 * UNTIL. One that is_ca signs others. */
static inline struct made
make_for_days(const char *name, const struct made *issuer, gnutls_pk_algorithm_t kind,
              unsigned bits, bool is_ca, time_t from, time_t until)
{
    struct made made;
    static unsigned char serial;

    gnutls_x509_privkey_init(&made.key);
    ck_assert_int_eq(gnutls_x509_privkey_generate(made.key, kind, bits, 0), 0);
    gnutls_x509_crt_init(&made.crt);
    gnutls_x509_crt_set_version(made.crt, 3);
    serial++;
    gnutls_x509_crt_set_serial(made.crt, &serial, 1);
    gnutls_x509_crt_set_activation_time(made.crt, from);
    gnutls_x509_crt_set_expiration_time(made.crt, until);
    gnutls_x509_crt_set_dn_by_oid(made.crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_subject_alt_name(made.crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
                                         GNUTLS_FSAN_SET);
    gnutls_x509_crt_set_basic_constraints(made.crt, is_ca, -1);
    gnutls_x509_crt_set_key(made.crt, made.key);
    ck_assert_int_eq(gnutls_x509_crt_sign2(made.crt, issuer ? issuer->crt : made.crt,
                                           issuer ? issuer->key : made.key, GNUTLS_DIG_SHA256, 0),
                     0);
    gnutls_x509_crt_export2(made.crt, GNUTLS_X509_FMT_PEM, &made.crt_pem);
    gnutls_x509_privkey_export2_pkcs8(made.key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                      &made.key_pem);
    return made;
}

static inline struct made
make_with(const char *name, const struct made *issuer, gnutls_pk_algorithm_t kind, unsigned bits)
{
    return make_for_days(name, issuer, kind, bits, true, time(NULL) - 3600, time(NULL) + 86400);
}

static inline struct made
make_ecdsa(const char *name, const struct made *issuer)
{
    return make_with(name, issuer, GNUTLS_PK_ECDSA,
                     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1));
}

static inline void
drop_made(struct made *made)
{
    gnutls_x509_crt_deinit(made->crt);
    gnutls_x509_privkey_deinit(made->key);
    gnutls_free(made->crt_pem.data);
    gnutls_free(made->key_pem.data);
}

#endif
