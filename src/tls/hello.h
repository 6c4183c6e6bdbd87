/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/hello.h - the name in a ClientHello, read before GnuTLS gets it: a handshake that is to wait for a
 * certificate must do so before one is chosen. Pure, any thread. Source: RFC 8446 section 4.1.2, RFC 6066
 * section 3. */
#ifndef GH_TLS_HELLO_H
#define GH_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

#include "tls/certs.h"

#define GH_HELLO_RECORD_MAX_BYTES (5u + 16384u)

/* Look at the LEN bytes that a client has sent first. Returns 0 when that is enough: NAME_OUT is then the name
 * it asks for in lower case; "" for none, for an address, for whatever is not in the form (GnuTLS will say
 * so), and for a CA that looks for its challenge: what it waits for would wait for it. Else returns how many bytes are needed, at most GH_HELLO_RECORD_MAX_BYTES. */
size_t gh_hello_name(const uint8_t *bytes, size_t len, char name_out[GH_CERTS_NAME_BYTES]);

#endif
