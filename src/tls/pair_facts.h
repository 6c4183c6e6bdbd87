/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/pair_facts.h - what a leaf certificate says, read once when its pair is made. Inside of tls/. */
#ifndef GH_TLS_PAIR_FACTS_H
#define GH_TLS_PAIR_FACTS_H

#include <gnutls/x509.h>

struct gh_pair;

/* Fill PAIR's facts from its first certificate. */
void gh_pair_learn(struct gh_pair *pair, gnutls_x509_crt_t leaf);

#endif
