/* SPDX-License-Identifier: Apache-2.0
 *
 * tls/staple.c - the OCSP answer that a pair is shown with. Source: RFC 6066 section 8, RFC 6960. */
#include <gnutls/ocsp.h>
#include <gnutls/x509.h>
#include <string.h>

#include "tls/pair_inner.h"

static int
check_answer(gnutls_ocsp_resp_t answer, const gnutls_pcert_st *leaf, time_t now, time_t *until_out,
             struct gh_err *err)
{
    gnutls_x509_crt_t crt;
    unsigned status;
    time_t from, until;

    int rc = gnutls_pcert_export_x509((gnutls_pcert_st *)(uintptr_t)leaf, &crt);
    if (rc == GNUTLS_E_SUCCESS) {
        rc = gnutls_ocsp_resp_check_crt(answer, 0, crt);
        gnutls_x509_crt_deinit(crt);
    }
    if (rc < 0)
        return gh_err_set(err, GH_E_INPUT, "the OCSP answer is of another certificate");
    rc = gnutls_ocsp_resp_get_single(answer, 0, NULL, NULL, NULL, NULL, &status, &from, &until,
                                     NULL, NULL);
    if (rc < 0 || status != GNUTLS_OCSP_CERT_GOOD)
        return gh_err_set(err, GH_E_INPUT,
                          "the OCSP answer does not say that the certificate is good");
    if (from > now || (until != (time_t)-1 && until <= now))
        return gh_err_set(err, GH_E_INPUT, "the OCSP answer is out of date");
    *until_out = until;
    return GH_OK;
}

int
gh_pair_staple(struct gh_pair *pair, struct gh_slice ocsp, time_t now, struct gh_err *err)
{
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)ocsp.bytes, (unsigned)ocsp.len};
    gnutls_ocsp_resp_t answer;
    time_t until = -1;

    gnutls_ocsp_resp_init(&answer);
    int rc = GH_OK;
    if (gnutls_ocsp_resp_import(answer, &der) < 0 ||
        gnutls_ocsp_resp_get_status(answer) != GNUTLS_OCSP_RESP_SUCCESSFUL)
        rc = gh_err_set(err, GH_E_INPUT, "it is no OCSP answer (DER, with a status)");
    if (rc == GH_OK)
        rc = check_answer(answer, &pair->chain[0], now, &until, err);
    gnutls_ocsp_resp_deinit(answer);
    if (rc != GH_OK)
        return rc;
    unsigned char *copy = gnutls_malloc(ocsp.len);
    if (!copy)
        return gh_err_set(err, GH_E_INPUT, "the OCSP answer is too large");
    memcpy(copy, ocsp.bytes, ocsp.len);
    pair->ocsp.response = (gnutls_datum_t){copy, (unsigned)ocsp.len};
    pair->ocsp.exptime = until;
    pair->facts.is_stapled = true;
    return GH_OK;
}
