/* SPDX-License-Identifier: Apache-2.0
 *
 * conf/identity.h - whose node this is: RH_TOKEN and RH_USERNAME of the environment; the token also by the
 * credential "token" (conf/credential.h); else token and username of ~/.rh/config.yaml. Source: auth.md
 * section 1.
 *
 * The token is no setting: it is never shown, and whoever took its digest lets go of it at once. */
#ifndef GH_CONF_IDENTITY_H
#define GH_CONF_IDENTITY_H

#include "base/err.h"
#include "conf/faults.h"

/* Each NULL when it is not known. */
struct gh_identity {
    char *token;
    char *user;
};

/* Read them; at the start, before there are threads. RH_TOKEN and
 * GATEHOUSE_TOKEN are not in the environment afterwards, nor in what /proc shows of it. Errors: GH_E_INPUT, FAULTS says what is wrong but no value. */
int gh_identity_load(struct gh_identity *identity, struct gh_faults *faults) GH_MUST_USE;

/* The token is overwritten before its memory is given back. */
void gh_identity_done(struct gh_identity *identity);

#endif
