/* SPDX-License-Identifier: Apache-2.0
 *
 * net/p256.h - a private key on the curve P-256: the ACME account's, and those of its certificates. Making
 * one takes 0.1 ms, signing less. Errors are GH_E_SYSTEM unless said. Loop thread only. */
#ifndef GH_NET_P256_H
#define GH_NET_P256_H

#include "base/buf.h"
#include "wire/call.h"

#define GH_P256_NUMBER_BYTES 32u
#define GH_P256_SIGNATURE_BYTES 64u

struct gh_p256;
struct gnutls_x509_privkey_int;

int gh_p256_make(struct gh_p256 **key_out, struct gh_err *err) GH_MUST_USE;

/* From PEM as gh_p256_add_pem writes it. Errors: GH_E_INPUT it is none, or another kind of key. */
int gh_p256_read(struct gh_slice pem, struct gh_p256 **key_out, struct gh_err *err) GH_MUST_USE;

void gh_p256_free(struct gh_p256 **key_of); /* nothing for NULL */

/* Append the private key as PEM. OUT is secret from then on. */
void gh_p256_add_pem(const struct gh_p256 *key, struct gh_buf *out);

/* The public key. */
void gh_p256_point(const struct gh_p256 *key, uint8_t x_out[GH_P256_NUMBER_BYTES],
                   uint8_t y_out[GH_P256_NUMBER_BYTES]);

/* ECDSA with SHA-256 over TEXT, as r and s. Source: RFC 7518 section 3.4. */
int gh_p256_sign(const struct gh_p256 *key, struct gh_slice text,
                 uint8_t signature_out[GH_P256_SIGNATURE_BYTES], struct gh_err *err) GH_MUST_USE;

/* For what GnuTLS makes with it. Borrowed. */
struct gnutls_x509_privkey_int *gh_p256_handle(const struct gh_p256 *key);

#endif
