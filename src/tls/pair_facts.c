/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pair_facts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tls/pair_inner.h"

#define NAME_BYTES 256u /* of a host name: RFC 1035 allows 255 */
#define MUST_STAPLE_OID "1.3.6.1.5.5.7.1.24"

/* ---- names ---- */

static void
add_name(struct gh_pair *pair, const char *text)
{
    char name[NAME_BYTES];
    size_t len = strlen(text);

    if (len == 0 || len >= sizeof name)
        return;
    for (size_t i = 0; i <= len; i++)
        name[i] = (char)tolower((unsigned char)text[i]);
    gh_words_add(&pair->names, name);
}

static void
add_address(struct gh_pair *pair, const char *bytes, size_t len)
{
    char text[INET6_ADDRSTRLEN];

    if (len == 4 && inet_ntop(AF_INET, bytes, text, sizeof text))
        gh_words_add(&pair->names, text);
    else if (len == 16 && inet_ntop(AF_INET6, bytes, text, sizeof text))
        gh_words_add(&pair->names, text);
}

/* Of the alternative names; the common name only where there are none, since clients look there no more.
 * Source: RFC 6125 section 6.4.4. */
static void
learn_names(struct gh_pair *pair, gnutls_x509_crt_t leaf)
{
    char name[NAME_BYTES];

    for (unsigned i = 0;; i++) {
        size_t len = sizeof name - 1;
        int kind = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &len, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (kind < 0) /* too long to be one of ours */
            continue;
        name[len] = '\0';
        if (kind == GNUTLS_SAN_DNSNAME)
            add_name(pair, name);
        else if (kind == GNUTLS_SAN_IPADDRESS)
            add_address(pair, name, len);
    }
    size_t len = sizeof name;
    if (pair->names.count == 0 &&
        gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0)
        add_name(pair, name);
}

/* ---- the rest ---- */

static char *
copy_dn(int rc, gnutls_datum_t *dn)
{
    if (rc < 0)
        return gh_strdup("");
    char *text = gh_strndup((char *)dn->data, dn->size);
    gnutls_free(dn->data);
    return text;
}

static void
learn_fingerprint(struct gh_pair *pair, gnutls_x509_crt_t leaf)
{
    unsigned char digest[32];
    size_t len = sizeof digest;

    if (gnutls_x509_crt_get_fingerprint(leaf, GNUTLS_DIG_SHA256, digest, &len) < 0)
        return;
    char *at = pair->fingerprint;
    char *end = pair->fingerprint + sizeof pair->fingerprint;
    for (size_t i = 0; i < len; i++)
        at += snprintf(at, (size_t)(end - at), "%s%02X", i > 0 ? ":" : "", digest[i]);
}

static bool
learn_must_staple(gnutls_x509_crt_t leaf)
{
    char oid[64];
    size_t len;

    for (unsigned i = 0;; i++) {
        len = sizeof oid;
        int rc = gnutls_x509_crt_get_extension_info(leaf, i, oid, &len, NULL);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return false;
        if (rc == 0 && strcmp(oid, MUST_STAPLE_OID) == 0)
            return true;
    }
}

void
gh_pair_learn(struct gh_pair *pair, gnutls_x509_crt_t leaf)
{
    gnutls_datum_t dn;
    unsigned bits = 0;
    int kind = gnutls_x509_crt_get_pk_algorithm(leaf, &bits);

    int rc = gnutls_x509_crt_get_dn3(leaf, &dn, 0);
    pair->subject = copy_dn(rc, &dn);
    rc = gnutls_x509_crt_get_issuer_dn3(leaf, &dn, 0);
    pair->issuer = copy_dn(rc, &dn);
    pair->key_text = gh_asprintf(
        "%s %u",
        kind == GNUTLS_PK_ECDSA ? "ECDSA" : gnutls_pk_get_name((gnutls_pk_algorithm_t)kind), bits);
    learn_fingerprint(pair, leaf);
    learn_names(pair, leaf);
    pair->facts = (struct gh_pair_facts){
        .subject = pair->subject,
        .issuer = pair->issuer,
        .key = pair->key_text,
        .fingerprint = pair->fingerprint,
        .names = &pair->names,
        .not_before = gnutls_x509_crt_get_activation_time(leaf),
        .not_after = gnutls_x509_crt_get_expiration_time(leaf),
        .is_ecdsa = kind == GNUTLS_PK_ECDSA || kind == GNUTLS_PK_EDDSA_ED25519,
        .is_self_signed = strcmp(pair->subject, pair->issuer) == 0,
        .must_staple = learn_must_staple(leaf),
    };
}

/* ---- questions ---- */

static bool
fits(const char *pattern, const char *name)
{
    if (strcmp(pattern, name) == 0)
        return true;
    const char *dot = strchr(name, '.');
    return strncmp(pattern, "*.", 2) == 0 && dot && dot != name && strcmp(pattern + 1, dot) == 0;
}

bool
gh_pair_covers(const struct gh_pair *pair, const char *name)
{
    for (size_t i = 0; i < pair->names.count; i++)
        if (fits(pair->names.list[i], name))
            return true;
    return false;
}

const char *
gh_pair_problem(const struct gh_pair *pair, time_t now)
{
    return now > pair->facts.not_after    ? "expired"
           : now < pair->facts.not_before ? "not valid yet"
                                          : NULL;
}
