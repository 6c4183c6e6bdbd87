/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/hello.h - what a ClientHello says and GnuTLS does not tell, or not in time: a handshake that is to wait
 * for a certificate must do so before one is chosen. Pure, any thread. Source: RFC 8446 section 4.1.2, RFC 6066
 * section 3. */
#ifndef GH_TLS_HELLO_H
#define GH_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/certs.h"

#define GH_HELLO_RECORD_MAX_BYTES (5u + 16384u)

/* Look at the LEN bytes that a client has sent first. Returns 0 when that is enough: NAME_OUT is then the name
 * it asks for in lower case; "" for none, for an address, for whatever is not in the form (GnuTLS will say
 * so), and for a CA that looks for its challenge: what it waits for would wait for it. Else returns how many bytes are needed, at most GH_HELLO_RECORD_MAX_BYTES. */
size_t gh_hello_name(const uint8_t *bytes, size_t len, char name_out[GH_CERTS_NAME_BYTES]);

/* Does a hello, the LEN bytes behind its message's length, offer a cipher of TLS 1.2 that an ECDSA key goes
 * with? Source: RFC 5289, RFC 7905. */
bool gh_hello_has_ecdsa_cipher(const uint8_t *body, size_t len);

#endif
