/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_client.h - how one CA is asked: its directory, nonces, signed requests, problem documents. What it
 * is asked for is the business of acme_account.c and acme_order.c.
 *
 * Each question takes care of what comes before it: the directory when it is not known, a nonce when none is
 * left over, another one when the CA does not like it. Loop thread only. Source: RFC 8555 sections 6 and 7.1. */
#ifndef GH_NET_ACME_CLIENT_H
#define GH_NET_ACME_CLIENT_H

#include "net/http.h"
#include "net/p256.h"

struct json_t;
struct gh_acme_client;
struct gh_acme_ask;

enum gh_acme_outcome {
    GH_ACME_OK,
    GH_ACME_REFUSED,     /* the CA says no: TYPE and PROBLEM have its reason */
    GH_ACME_LIMITED,     /* it says not now: retry_after_s, when it says that */
    GH_ACME_UNREACHABLE, /* no answer, or none that makes sense */
};

/* What came of a question. Borrowed until the function that gets it returns. */
struct gh_acme_reply {
    enum gh_acme_outcome outcome;
    unsigned status;
    const struct json_t *json; /* NULL when the body is no JSON */
    struct gh_slice body;      /* NUL-terminated beyond its length */
    const char *location;      /* or NULL */
    unsigned retry_after_s;    /* 0: it does not say */
    const char *type; /* of the problem, without its "urn:ietf:params:acme:error:"; "" for none */
    const char *problem; /* for people; "" when OK */
};

typedef void gh_acme_on_reply(void *context, const struct gh_acme_reply *reply);

/* NET, DIRECTORY (a URL), CA_FILE (or NULL) and KEY, the account's, are borrowed. */
struct gh_acme_client *gh_acme_client_new(struct gh_net *net, const char *directory,
                                          const char *ca_file, const struct gh_p256 *key);

/* All its questions must be over or cancelled. */
void gh_acme_client_free(struct gh_acme_client **client_of);

/* By which URL the CA knows the account of KEY; NULL when it does not. Copied. Without it, questions carry
 * the key itself, as newAccount wants it. */
void gh_acme_client_set_account(struct gh_acme_client *client, const char *url);
const char *gh_acme_client_account(const struct gh_acme_client *client);

/* The directory; NULL before a question has fetched it. Borrowed. */
const struct json_t *gh_acme_client_directory(const struct gh_acme_client *client);

/* Ask for WHAT: a name in the directory ("newOrder"), or a URL that the CA gave. PAYLOAD is borrowed; NULL is
 * POST-as-GET. ON_REPLY comes exactly once, unless the question is cancelled; it may come from within, so this
 * is the last thing that its caller does. *SLOT is the question until then, NULL from then on. */
void gh_acme_post(struct gh_acme_client *client, struct gh_acme_ask **slot, const char *what,
                  const struct json_t *payload, gh_acme_on_reply *on_reply, void *context);

/* The same unsigned, for what is open to all; WHAT may be NULL, to know the directory afterwards. */
void gh_acme_get(struct gh_acme_client *client, struct gh_acme_ask **slot, const char *what,
                 gh_acme_on_reply *on_reply, void *context);

/* The function of the question in SLOT is not called any more. Nothing where there is none. */
void gh_acme_cancel(struct gh_acme_ask **slot);

#endif
