/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_account.h - the account at a CA: made, or found again by its key. Loop thread only. Source: RFC 8555
 * section 7.3. */
#ifndef GH_NET_ACME_ACCOUNT_H
#define GH_NET_ACME_ACCOUNT_H

#include "net/acme_client.h"

/* Filled by the caller, who owns it and what it borrows. */
struct gh_acme_account {
    struct gh_acme_client *client;
    const struct gh_p256 *key;
    const char *email;          /* "" for none */
    const char *eab_kid;        /* "" where the CA wants no external account */
    struct gh_slice eab_secret; /* bytes */

    gh_acme_on_reply
        *on_done; /* of the caller: once. When it is OK, the client knows the account */
    void *context;

    struct gh_acme_ask *ask; /* ours; gh_acme_cancel ends it all */
};

/* Ask the CA for it. By asking we agree to its terms of service, which the log names. May call back from within. */
void gh_acme_account_register(struct gh_acme_account *account);

#endif
