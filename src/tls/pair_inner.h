/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/pair_inner.h - what a pair is made of, for the files of tls/ that hand it to GnuTLS. */
#ifndef GH_TLS_PAIR_INNER_H
#define GH_TLS_PAIR_INNER_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "tls/pair.h"

struct gh_pair {
    unsigned refs;
    gnutls_pcert_st chain[GH_PAIR_CHAIN_MAX];
    unsigned chain_len;
    gnutls_privkey_t key;
    gnutls_ocsp_data_st ocsp; /* of the leaf; response.data is NULL when there is none */
    struct gh_pair_facts facts;
    char *subject, *issuer, *key_text;
    char fingerprint[GH_PAIR_FINGERPRINT_BYTES];
    struct gh_words names;
    struct gh_buf pem;
};

#endif
