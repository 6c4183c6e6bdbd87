/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/pair.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tls/pair_facts.h"
#include "tls/pair_inner.h"

#define RSA_LEAST_BITS 2048u

static gnutls_datum_t
datum(struct gh_slice slice)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)slice.bytes, (unsigned)slice.len};
}

/* ---- the chain ---- */

/* Certificates as GnuTLS parsed them. */
struct chain {
    gnutls_x509_crt_t *list;
    unsigned len;
};

static void
done_chain(struct chain *chain)
{
    for (unsigned i = 0; i < chain->len; i++)
        gnutls_x509_crt_deinit(chain->list[i]);
    gnutls_free(chain->list);
}

static int
read_chain(struct gh_slice pem, struct chain *chain, struct gh_err *err)
{
    gnutls_datum_t text = datum(pem);

    int rc = gnutls_x509_crt_list_import2(&chain->list, &chain->len, &text, GNUTLS_X509_FMT_PEM,
                                          GNUTLS_X509_CRT_LIST_SORT);
    if (rc == GNUTLS_E_NO_CERTIFICATE_FOUND || (rc == GNUTLS_E_SUCCESS && chain->len == 0))
        return gh_err_set(err, GH_E_INPUT,
                          "there is no certificate in it: PEM is needed, which "
                          "begins with -----BEGIN CERTIFICATE-----");
    if (rc < 0)
        return gh_err_set(err, GH_E_INPUT, "the certificate cannot be read: %s",
                          gnutls_strerror(rc));
    if (chain->len > GH_PAIR_CHAIN_MAX)
        return gh_err_set(err, GH_E_INPUT, "there are %u certificates, at most %u make a chain",
                          chain->len, GH_PAIR_CHAIN_MAX);
    return GH_OK;
}

/* Whoever trusts the root has it, whoever does not gains nothing by it. */
static unsigned
without_root(const struct chain *chain)
{
    gnutls_x509_crt_t last = chain->list[chain->len - 1];

    return chain->len > 1 && gnutls_x509_crt_check_issuer(last, last) ? chain->len - 1 : chain->len;
}

static int
keep_chain(struct gh_pair *pair, const struct chain *chain, struct gh_err *err)
{
    unsigned len = without_root(chain);

    for (; pair->chain_len < len; pair->chain_len++) {
        gnutls_x509_crt_t crt = chain->list[pair->chain_len];
        gnutls_datum_t pem;
        int rc = gnutls_pcert_import_x509(&pair->chain[pair->chain_len], crt, 0);
        if (rc == GNUTLS_E_SUCCESS &&
            (rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem)) >= 0) {
            gh_buf_add(&pair->pem, pem.data, pem.size);
            gnutls_free(pem.data);
        }
        if (rc < 0)
            return gh_err_set(err, GH_E_INPUT, "the certificate cannot be used: %s",
                              gnutls_strerror(rc));
    }
    return GH_OK;
}

/* ---- the key ---- */

static bool
has_text(struct gh_slice slice, const char *text)
{
    return memmem(slice.bytes, slice.len, text, strlen(text)) != NULL;
}

static int
read_key(struct gh_pair *pair, struct gh_slice pem, struct gh_err *err)
{
    gnutls_datum_t text = datum(pem);

    if (has_text(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
        has_text(pem, "Proc-Type: 4,ENCRYPTED"))
        return gh_err_set(
            err, GH_E_INPUT,
            "the key has a passphrase, which nobody is here to type; take it off "
            "(openssl pkey -in KEY -out NEWKEY) and let only the daemon read the file");
    if (!has_text(pem, "PRIVATE KEY-----"))
        return gh_err_set(err, GH_E_INPUT,
                          "there is no key in it: PEM is needed, which begins with "
                          "-----BEGIN PRIVATE KEY-----");
    gnutls_privkey_init(&pair->key);
    int rc = gnutls_privkey_import_x509_raw(pair->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (rc < 0)
        return gh_err_set(err, GH_E_INPUT, "the key cannot be read: %s", gnutls_strerror(rc));
    return GH_OK;
}

static int
check_key_kind(const struct gh_pair *pair, struct gh_err *err)
{
    unsigned bits = 0;
    int kind = gnutls_privkey_get_pk_algorithm(pair->key, &bits);

    if (kind == GNUTLS_PK_ECDSA || kind == GNUTLS_PK_EDDSA_ED25519)
        return GH_OK;
    if (kind != GNUTLS_PK_RSA && kind != GNUTLS_PK_RSA_PSS)
        return gh_err_set(err, GH_E_INPUT, "the key is %s: ECDSA, RSA or Ed25519 is needed",
                          gnutls_pk_get_name((gnutls_pk_algorithm_t)kind));
    if (bits < RSA_LEAST_BITS)
        return gh_err_set(err, GH_E_INPUT,
                          "the key is RSA of %u bits, which is too weak: at least %u "
                          "are needed",
                          bits, RSA_LEAST_BITS);
    return GH_OK;
}

static int
check_fit(const struct gh_pair *pair, struct gh_err *err)
{
    gnutls_pubkey_t public;
    unsigned char of_key[64], of_crt[64];
    size_t key_len = sizeof of_key, crt_len = sizeof of_crt;

    gnutls_pubkey_init(&public);
    int rc = gnutls_pubkey_import_privkey(public, pair->key, 0, 0);
    if (rc == GNUTLS_E_SUCCESS)
        rc = gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
    if (rc == GNUTLS_E_SUCCESS)
        rc = gnutls_pubkey_get_key_id(pair->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_crt,
                                      &crt_len);
    gnutls_pubkey_deinit(public);
    if (rc == GNUTLS_E_SUCCESS && key_len == crt_len && memcmp(of_key, of_crt, key_len) == 0)
        return GH_OK;
    return gh_err_set(err, GH_E_INPUT,
                      "the key does not belong to the certificate (%s); the first certificate of "
                      "the file is the one that it must fit",
                      pair->subject);
}

/* ---- the pair ---- */

int
gh_pair_make(struct gh_slice chain_pem, struct gh_slice key_pem, struct gh_pair **pair_out,
             struct gh_err *err)
{
    struct gh_pair *pair GH_SCOPED(gh_pair_unref) = gh_alloc(sizeof *pair);
    struct chain chain GH_SCOPED(done_chain) = {0};

    pair->refs = 1;
    int rc = read_chain(chain_pem, &chain, err);
    if (rc == GH_OK)
        rc = keep_chain(pair, &chain, err);
    if (rc == GH_OK)
        gh_pair_learn(pair, chain.list[0]);
    if (rc == GH_OK)
        rc = read_key(pair, key_pem, err);
    if (rc == GH_OK)
        rc = check_key_kind(pair, err);
    if (rc == GH_OK)
        rc = check_fit(pair, err);
    if (rc == GH_OK)
        *pair_out = gh_take(pair);
    return rc;
}

struct gh_pair *
gh_pair_ref(struct gh_pair *pair)
{
    if (pair)
        pair->refs++;
    return pair;
}

void
gh_pair_unref(struct gh_pair **pair_of)
{
    struct gh_pair *pair = gh_take(*pair_of);

    if (!pair || --pair->refs > 0)
        return;
    for (unsigned i = 0; i < pair->chain_len; i++)
        gnutls_pcert_deinit(&pair->chain[i]);
    if (pair->key)
        gnutls_privkey_deinit(pair->key);
    gnutls_free(pair->ocsp.response.data);
    free(pair->subject);
    free(pair->issuer);
    free(pair->key_text);
    gh_words_done(&pair->names);
    gh_buf_done(&pair->pem);
    free(pair);
}

const struct gh_pair_facts *
gh_pair_facts(const struct gh_pair *pair)
{
    return &pair->facts;
}

struct gh_slice
gh_pair_pem(const struct gh_pair *pair)
{
    return (struct gh_slice){(const char *)pair->pem.bytes, pair->pem.len};
}
