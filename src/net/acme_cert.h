/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_cert.h - what ACME needs of X.509: the request for a certificate, the certificate that answers a
 * challenge over TLS, and what is to be known of one that was issued. Pure but for random numbers. */
#ifndef GH_NET_ACME_CERT_H
#define GH_NET_ACME_CERT_H

#include "net/p256.h"

#define GH_ACME_CERT_ID_BYTES 160u

/* Of a leaf. */
struct gh_acme_cert {
    int64_t not_before_s, not_after_s;
    char id
        [GH_ACME_CERT_ID_BYTES]; /* as renewalInfo knows it; "" when it names no issuer's key. Source: RFC 9773
                                       section 4.1 */
};

/* Append the request for a certificate of KEY for the host NAME, as base64url of DER. Errors: GH_E_SYSTEM.
 * Source: RFC 8555 section 7.4. */
int gh_acme_cert_request(const struct gh_p256 *key, const char *name, struct gh_buf *out,
                         struct gh_err *err) GH_MUST_USE;

/* Append to CHAIN the self-signed certificate of KEY for NAME that shows KEY_AUTHORIZATION to a CA. Errors:
 * GH_E_SYSTEM. Source: RFC 8737 section 3. */
int gh_acme_cert_challenge(const struct gh_p256 *key, const char *name,
                           struct gh_slice key_authorization, struct gh_buf *chain,
                           struct gh_err *err) GH_MUST_USE;

/* What the first certificate of CHAIN_PEM says. Errors: GH_E_INPUT it holds none. */
int gh_acme_cert_read(struct gh_slice chain_pem, struct gh_acme_cert *cert_out, struct gh_err *err)
    GH_MUST_USE;

#endif
