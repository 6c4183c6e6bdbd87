/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/door.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tls/files.h"

#define TICKET_KEY_LIFE_MS (24ull * 3600 * 1000)
#define TICKET_LIFE_S 7200

static int
read_ca(struct gh_tls_door *door, const char *path, struct gh_err *err)
{
    struct gh_buf pem GH_SCOPED(gh_buf_done) = {0};

    int rc = gh_files_read(path, &pem, err);
    if (rc != GH_OK)
        return rc;
    gnutls_datum_t text = {pem.bytes, (unsigned)pem.len};
    int count = pem.len > 0 ? gnutls_certificate_set_x509_trust_mem(door->credentials, &text,
                                                                    GNUTLS_X509_FMT_PEM)
                            : 0;
    if (count <= 0)
        return gh_err_set(err, GH_E_INPUT, "client_ca: %s holds no certificate (%s)", path,
                          count < 0 ? gnutls_strerror(count) : "PEM is needed");
    door->wants_certificate = true;
    return GH_OK;
}

int
gh_door_make(const char *ca_path, gnutls_certificate_retrieve_function3 *choose,
             struct gh_tls_door **door_out, struct gh_err *err)
{
    struct gh_tls_door *door GH_SCOPED(gh_door_unref) = gh_alloc(sizeof *door);

    door->refs = 1;
    if (gnutls_certificate_allocate_credentials(&door->credentials) < 0)
        return gh_err_set(err, GH_E_SYSTEM, "GnuTLS has no memory");
    gnutls_certificate_set_retrieve_function3(door->credentials, choose);
    int rc = *ca_path ? read_ca(door, ca_path, err) : GH_OK;
    if (rc == GH_OK)
        *door_out = gh_take(door);
    return rc;
}

struct gh_tls_door *
gh_door_ref(struct gh_tls_door *door)
{
    door->refs++;
    return door;
}

static void
drop_ticket_key(struct gh_tls_door *door)
{
    if (door->ticket_key.data)
        explicit_bzero(door->ticket_key.data, door->ticket_key.size);
    gnutls_free(door->ticket_key.data);
    door->ticket_key = (gnutls_datum_t){0};
}

void
gh_door_unref(struct gh_tls_door **door_of)
{
    struct gh_tls_door *door = gh_take(*door_of);

    if (!door || --door->refs > 0)
        return;
    if (door->credentials)
        gnutls_certificate_free_credentials(door->credentials);
    drop_ticket_key(door);
    free(door);
}

/* GnuTLS derives the keys of tickets from this one and changes them by the hour; who learns this one can read
 * them all, so it has an end too. */
static void
renew_ticket_key(struct gh_tls_door *door, uint64_t now_ms)
{
    if (door->ticket_key.data && now_ms - door->ticket_key_ms < TICKET_KEY_LIFE_MS)
        return;
    drop_ticket_key(door);
    if (gnutls_session_ticket_key_generate(&door->ticket_key) < 0)
        door->ticket_key = (gnutls_datum_t){0}; /* then sessions are not resumed */
    door->ticket_key_ms = now_ms;
}

void
gh_door_open(struct gh_tls_door *door, gnutls_session_t session, uint64_t now_ms)
{
    static gnutls_typed_vdata_st purpose = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
    };

    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, door->credentials);
    if (door->wants_certificate) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert2(session, &purpose, 1, 0);
    }
    renew_ticket_key(door, now_ms);
    if (door->ticket_key.data) {
        gnutls_session_ticket_enable_server(session, &door->ticket_key);
        gnutls_db_set_cache_expiration(session, TICKET_LIFE_S);
    }
}

/* ---- who came ---- */

/* TEXT as a name in logs and headers: whatever is not plain there makes it none. */
static bool
is_plain(const char *text, size_t len)
{
    if (len == 0 || len >= GH_TLS_USER_BYTES)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] == '"' || text[i] == '\\' || text[i] == 0x7f)
            return false;
    return true;
}

static bool
take_common_name(gnutls_x509_crt_t crt, char user_out[GH_TLS_USER_BYTES])
{
    char name[GH_TLS_USER_BYTES];
    size_t len = sizeof name;

    if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) < 0 ||
        !is_plain(name, len))
        return false;
    memcpy(user_out, name, len);
    user_out[len] = '\0';
    return true;
}

static void
take_first_name(gnutls_x509_crt_t crt, char user_out[GH_TLS_USER_BYTES])
{
    char name[GH_TLS_USER_BYTES];

    for (unsigned i = 0;; i++) {
        size_t len = sizeof name;
        int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &len, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return;
        bool is_text =
            kind == GNUTLS_SAN_DNSNAME || kind == GNUTLS_SAN_RFC822NAME || kind == GNUTLS_SAN_URI;
        if (!is_text || !is_plain(name, len))
            continue;
        memcpy(user_out, name, len);
        user_out[len] = '\0';
        return;
    }
}

void
gh_door_user(gnutls_session_t session, char user_out[GH_TLS_USER_BYTES])
{
    unsigned count = 0;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t crt;

    user_out[0] = '\0';
    if (!list || count == 0)
        return;
    gnutls_x509_crt_init(&crt);
    if (gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER) == 0 &&
        !take_common_name(crt, user_out))
        take_first_name(crt, user_out);
    gnutls_x509_crt_deinit(crt);
}
