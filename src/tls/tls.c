/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/tls.h"

#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "tls/door.h"
#include "tls/files.h"
#include "tls/hello.h"
#include "tls/names.h"
#include "tls/pair_inner.h"
#include "tls/selfsigned.h"
#include "tls/watch.h"

#define LONGEST_LOOK_S 3600 /* until the dates are looked at again */
#define SOON_S (7 * 24 * 3600)

/* GnuTLS's own defaults allow TLS 1.0, static RSA and CBC. X25519 and AES-128-GCM with SHA-256 come first and
 * ours is the order that counts, since they are the fastest here: what clients put first, AES-256-GCM, brings
 * SHA-384 with it, a tenth of a handshake's time. */
const char gh_tls_priorities[] =
    "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:"
    "+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"
    "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:"
    "+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:"
    "+SIGN-RSA-PSS-RSAE-SHA512:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"
    "+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:+SIGN-RSA-SHA512:"
    "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:"
    "+COMP-NULL:+CTYPE-SRV-X509:+CTYPE-CLI-X509:%SERVER_PRECEDENCE:%PARTIAL_RENEGOTIATION:%PROFILE_"
    "MEDIUM";

struct gh_tls {
    uv_loop_t *loop;
    const struct gh_settings *settings;
    char *state;
    struct gh_certs *certs;
    struct gh_tls_door *door;
    struct gh_watch *watch;
    uv_timer_t dates;   /* looks for certificates that are to be renewed, or run out */
    char *last_problem; /* logged already; NULL when all is well */
};

/* ---- the handshake ---- */

static const gnutls_datum_t alpn_http = {(unsigned char *)(uintptr_t) "http/1.1", 8};
static const gnutls_datum_t alpn_challenge = {(unsigned char *)(uintptr_t)GH_CERTS_CHALLENGE_ALPN,
                                              10};

static bool
offers_challenge(gnutls_session_t session)
{
    gnutls_datum_t chosen;

    return gnutls_alpn_get_selected_protocol(session, &chosen) == 0 &&
           chosen.size == alpn_challenge.size &&
           memcmp(chosen.data, alpn_challenge.data, chosen.size) == 0;
}

/* In TLS 1.2 the kind of key is part of the cipher as well. */
static bool
takes_ecdsa(gnutls_session_t session)
{
    gnutls_sign_algorithm_t algorithm;

    if (gnutls_protocol_get_version(session) < GNUTLS_TLS1_3 &&
        !gh_tls_peer_of(session)->has_ecdsa_cipher)
        return false;
    for (size_t i = 0; gnutls_sign_algorithm_get_requested(session, i, &algorithm) == 0; i++)
        if (gnutls_sign_supports_pk_algorithm(algorithm, GNUTLS_PK_ECDSA))
            return true;
    return false;
}

/* Safe against renegotiation (RFC 5746)? TLS 1.3 has none, so its clients do not speak of it; GnuTLS's
 * %SAFE_RENEGOTIATION keeps those out too. */
static bool
is_safe(gnutls_session_t session)
{
    return gnutls_protocol_get_version(session) >= GNUTLS_TLS1_3 ||
           gnutls_safe_renegotiation_status(session);
}

/* The name that is asked for, "" for none. */
static void
read_name(gnutls_session_t session, char name_out[GH_CERTS_NAME_BYTES])
{
    size_t len = GH_CERTS_NAME_BYTES;
    unsigned kind;

    if (gnutls_server_name_get(session, name_out, &len, &kind, 0) != 0 || kind != GNUTLS_NAME_DNS)
        name_out[0] = '\0';
}

/* Called by GnuTLS before it reads a hello. */
static int
on_hello(gnutls_session_t session, unsigned kind, unsigned when, unsigned is_incoming,
         const gnutls_datum_t *body)
{
    (void)kind;
    (void)when;
    (void)is_incoming;
    gh_tls_peer_of(session)->has_ecdsa_cipher = gh_hello_has_ecdsa_cipher(body->data, body->size);
    return 0;
}

/* Called by GnuTLS once a handshake knows what its client wants and can do. */
static int
choose(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
       gnutls_pcert_st **chain_out, unsigned *chain_len_out, gnutls_ocsp_data_st **ocsp_out,
       unsigned *ocsp_len_out, gnutls_privkey_t *key_out, unsigned *flags_out)
{
    struct gh_tls_peer *peer = gh_tls_peer_of(session);
    char name[GH_CERTS_NAME_BYTES];

    (void)info;
    read_name(session, name);
    struct gh_pair *pair = offers_challenge(session)
                               ? gh_certs_find_challenge(peer->tls->certs, name)
                               : gh_certs_find(peer->tls->certs, name, takes_ecdsa(session));
    if (!pair || !is_safe(session))
        return -1;
    gh_pair_unref(&peer->pair);
    peer->pair = gh_pair_ref(pair);
    *chain_out = pair->chain;
    *chain_len_out = pair->chain_len;
    *key_out = pair->key;
    *flags_out = 0; /* they stay ours: PEER holds them */
    bool has_ocsp = pair->ocsp.response.data &&
                    (pair->ocsp.exptime == (time_t)-1 || pair->ocsp.exptime > time(NULL));
    *ocsp_out = has_ocsp ? &pair->ocsp : NULL;
    *ocsp_len_out = has_ocsp;
    return 0;
}

void
gh_tls_begin(struct gh_tls *tls, gnutls_session_t session, struct gh_tls_peer *peer)
{
    gnutls_datum_t protocols[] = {alpn_http, alpn_challenge};
    unsigned count = gh_certs_has_challenges(tls->certs) ? 2 : 1;

    peer->tls = tls;
    peer->door = gh_door_ref(tls->door);
    gnutls_db_set_ptr(session, peer); /* of no other use where sessions are kept in tickets */
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE,
                                       on_hello);
    gnutls_alpn_set_protocols(session, protocols, count,
                              GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
    gh_door_open(peer->door, session, uv_now(tls->loop));
}

struct gh_tls_peer *
gh_tls_peer_of(gnutls_session_t session)
{
    return gnutls_db_get_ptr(session);
}

void
gh_tls_shaken(gnutls_session_t session, struct gh_tls_peer *peer)
{
    peer->is_challenge = offers_challenge(session);
    if (peer->door->wants_certificate)
        gh_door_user(session, peer->user);
}

void
gh_tls_end(struct gh_tls_peer *peer)
{
    gh_pair_unref(&peer->pair);
    gh_door_unref(&peer->door);
}

/* ---- certificates ---- */

static void
log_pair(const struct gh_pair *pair)
{
    const struct gh_pair_facts *facts = gh_pair_facts(pair);
    time_t now = time(NULL);
    const char *problem = gh_pair_problem(pair, now);
    const char *name = facts->names->count > 0 ? facts->names->list[0] : "";

    gh_log(GH_LOG_INFO, "tls.certificate",
           "subject=%s name=%s names=%zu key=%s days_left=%lld fingerprint=%s",
           gh_log_quote(facts->subject), gh_log_quote(name), facts->names->count,
           gh_log_quote(facts->key), (long long)(facts->not_after - now) / (24 * 3600),
           facts->fingerprint);
    if (problem)
        gh_log(GH_LOG_ERR, "tls.certificate_dates", "subject=%s problem=%s",
               gh_log_quote(facts->subject), gh_log_quote(problem));
    else if (facts->not_after - now < SOON_S && !facts->is_self_signed)
        gh_log(GH_LOG_WARN, "tls.certificate_ends_soon", "subject=%s hours_left=%lld",
               gh_log_quote(facts->subject), (long long)(facts->not_after - now) / 3600);
    if (facts->must_staple && !facts->is_stapled)
        gh_log(GH_LOG_WARN, "tls.staple_missing", "subject=%s note=%s",
               gh_log_quote(facts->subject),
               "\"clients that mind refuse it without an OCSP answer: see ssl_ocspfile\"");
}

static int
read_pairs(struct gh_tls *tls, struct gh_pairs *pairs, struct gh_err *err)
{
    struct gh_words names GH_SCOPED(gh_words_done) = {0};
    struct gh_pair *pair;

    if (tls->settings->ssl_certfile[0])
        return gh_files_load(tls->settings, pairs, err);
    gh_names_of_node(tls->settings, &names);
    int rc = gh_selfsigned_get(tls->state, &names, time(NULL), &pair, err);
    if (rc == GH_OK)
        gh_pairs_add(pairs, pair);
    return rc;
}

/* All of it is read before any of it holds. */
static int
load(struct gh_tls *tls, struct gh_err *err)
{
    struct gh_pairs pairs GH_SCOPED(gh_pairs_done) = {0};
    struct gh_tls_door *door GH_SCOPED(gh_door_unref) = NULL;

    int rc = read_pairs(tls, &pairs, err);
    bool is_open =
        !tls->settings->client_ca[0]; /* then it is the same for ever, and so are its tickets */
    if (rc == GH_OK && (!tls->door || !is_open))
        rc = gh_door_make(tls->settings->client_ca, choose, &door, err);
    if (rc != GH_OK)
        return rc;
    for (size_t i = 0; i < pairs.count; i++)
        log_pair(pairs.list[i]);
    gh_certs_put_files(tls->certs, pairs.list, pairs.count);
    if (door) {
        gh_door_unref(&tls->door);
        tls->door = gh_take(door);
    }
    return GH_OK;
}

/* Says whether it went well. IS_TOLD: what is wrong is logged, once for each text. */
static bool
reload(struct gh_tls *tls, bool is_told)
{
    struct gh_err err;

    if (load(tls, &err) == GH_OK) {
        gh_free(&tls->last_problem);
        return true;
    }
    if (is_told && (!tls->last_problem || strcmp(tls->last_problem, err.text) != 0)) {
        gh_log(GH_LOG_ERR, "tls.not_reloaded", "reason=%s", gh_log_quote(err.text));
        free(tls->last_problem);
        tls->last_problem = gh_strdup(err.text);
    }
    return false;
}

static bool
on_changed(void *context, bool is_again)
{
    return reload(context, is_again);
}

static void plan_look(struct gh_tls *tls);

/* Of a file nothing can be done here but tell; one of our own is made anew. */
static void
on_dates(uv_timer_t *timer)
{
    struct gh_tls *tls = timer->data;
    const struct gh_pair *pair = gh_certs_find(tls->certs, NULL, true);

    if (!tls->settings->ssl_certfile[0] && pair && time(NULL) >= gh_selfsigned_renewal(pair))
        reload(tls, true);
    plan_look(tls);
}

static void
plan_look(struct gh_tls *tls)
{
    const struct gh_pair *pair = gh_certs_find(tls->certs, NULL, true);
    time_t wait_s = LONGEST_LOOK_S;

    if (!tls->settings->ssl_certfile[0] && pair) {
        time_t left_s = gh_selfsigned_renewal(pair) - time(NULL);
        wait_s = left_s < 1 ? 1 : left_s < wait_s ? left_s : wait_s;
    }
    uv_timer_start(&tls->dates, on_dates, (uint64_t)wait_s * 1000, 0);
}

/* ---- start and stop ---- */

struct gh_tls *
gh_tls_new(uv_loop_t *loop, const struct gh_settings *settings, const char *state)
{
    struct gh_tls *tls = gh_alloc(sizeof *tls);

    tls->loop = loop;
    tls->settings = settings;
    tls->state = gh_strdup(state);
    tls->certs = gh_certs_new();
    uv_timer_init(loop, &tls->dates);
    tls->dates.data = tls;
    return tls;
}

int
gh_tls_start(struct gh_tls *tls, struct gh_err *err)
{
    struct gh_words files GH_SCOPED(gh_words_done) = {0};

    gh_files_names(tls->settings, &files);
    tls->watch = gh_watch_new(tls->loop, &files, on_changed, tls); /* first: nothing is missed */
    int rc = load(tls, err);
    if (rc == GH_OK)
        plan_look(tls);
    return rc;
}

void
gh_tls_reload(struct gh_tls *tls)
{
    reload(tls, true);
}

struct gh_certs *
gh_tls_certs(struct gh_tls *tls)
{
    return tls->certs;
}

static void
on_closed(uv_handle_t *handle)
{
    struct gh_tls *tls = handle->data;

    gh_certs_free(&tls->certs);
    gh_door_unref(&tls->door);
    free(tls->last_problem);
    free(tls->state);
    free(tls);
}

void
gh_tls_stop(struct gh_tls **tls_of)
{
    struct gh_tls *tls = gh_take(*tls_of);

    if (!tls)
        return;
    gh_watch_stop(&tls->watch);
    uv_close((uv_handle_t *)&tls->dates, on_closed);
}
