/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme.h - certificates that a CA gives by ACME, for the names in the setting `domain`.
 *
 * A name's first certificate is ordered when a client first asks for it by SNI; whoever asks meanwhile waits,
 * as long as its handshake may. Others than those names never lead to an order. What was issued is kept on disk
 * (net/acme_store.h), renewed when a third of its life is left or when the CA says so (RFC 9773), and a failed
 * order is tried again after a pause that grows, also over restarts. docs/acme.md has it all for people.
 *
 * Never blocks the loop but for small files and keys on P-256. Loop thread only. */
#ifndef GH_NET_ACME_H
#define GH_NET_ACME_H

#include <uv.h>

#include "base/err.h"
#include "wire/call.h"

struct gh_acme;
struct gh_certs;
struct gh_net;
struct gh_settings;

/* Take up what is kept in STATE_DIR, show it by CERTS, and wait for clients. All is borrowed until
 * gh_acme_stop. *ACME_OUT is NULL where the settings want no ACME. Errors: GH_E_INPUT a setting is wrong;
 * GH_E_SYSTEM the state folder cannot be used. */
int gh_acme_start(uv_loop_t *loop, const struct gh_settings *settings, struct gh_net *net,
                  struct gh_certs *certs, const char *state_dir, struct gh_acme **acme_out,
                  struct gh_err *err) GH_MUST_USE;

/* All orders end; they are gone on with after the next start. Memory is freed in a later turn of the loop.
 * Nothing for NULL. */
void gh_acme_stop(struct gh_acme **acme_of);

/* What http-01 answers to who asks for TOKEN; NULL for nothing, also where ACME is NULL. Borrowed until the
 * loop's next turn. */
const char *gh_acme_challenge_answer(struct gh_acme *acme, struct gh_slice token);

#endif
