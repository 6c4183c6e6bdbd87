/* SPDX-License-Identifier: Apache-2.0
 *
 * api/den_ask.h - who asks the embedded Den, and about what. Its routes are for holders of its own tokens,
 * whether or not the node checks callers: this is decided here, when the head is there and before the body is
 * taken, and again by what the route needs.
 *
 * Without a token, or with one that is not known, 401; wrong ones count as those of the node do. What somebody
 * may not read is not there, 404; what he may read and not write, 403. Loop thread only. */
#ifndef GH_API_DEN_ASK_H
#define GH_API_DEN_ASK_H

#include "api/api.h"
#include "den/grants.h"
#include "den/keyring.h"
#include "den/resources.h"

#define GH_DEN_BODY_MAX_BYTES (4u << 20)

struct json_t;

/* What a route needs. */
enum gh_den_need {
    GH_DEN_TOKEN,     /* a token, also one for clusters */
    GH_DEN_OWN_TOKEN, /* a user's own token */
    GH_DEN_LOOK,      /* may read the resource {uri}; a cluster token does */
    GH_DEN_READ,      /* may read it */
    GH_DEN_REPORT,    /* may write it; a cluster token does, since nodes report with theirs */
    GH_DEN_WRITE,     /* may write it */
};

struct gh_den_ask {
    struct gh_den *den;
    struct gh_den_token *token;
    struct gh_slice token_text; /* borrowed from the request's head */
    struct gh_den_user *user;
    struct gh_buf uri_text;
    struct gh_slice uri; /* of the route's {uri}; empty when it has none, or that can be none */
    struct gh_den_resource *resource; /* NULL unless needed */
    enum gh_level level;              /* of the user on it */
};

/* May REQUEST, whose head is there, go on? Sets its user. False: it has been answered. */
bool gh_den_admit(struct gh_api *api, struct gh_request *request);

/* REQUEST, whose head is there, may be a save or a call to the node: does a user of the Den send it with a body
 * that the Den takes, so that the body can tell (gh_den_is_save)? Then its user is set. */
bool gh_den_may_save(struct gh_api *api, struct gh_request *request);

/* Is the body of REQUEST a config to be saved, and nothing to be put on the node? */
bool gh_den_is_save(const struct gh_request *request);

/* The body is there: fill ASK, to be let go of by gh_den_ask_done. Returns 0; or -1, having answered. */
int gh_den_ask_begin(struct gh_api *api, struct gh_request *request, enum gh_den_need need,
                     struct gh_den_ask *ask) GH_MUST_USE;
void gh_den_ask_done(struct gh_den_ask *ask);

/* The same for a route that changes something: 429 for who changes too much (den/meter.h). */
int gh_den_ask_begin_change(struct gh_api *api, struct gh_request *request, enum gh_den_need need,
                            struct gh_den_ask *ask) GH_MUST_USE;

/* {"data": DATA}, whose reference is taken. */
void gh_den_reply(struct gh_request *request, struct json_t *data);

/* An error of den/: 422, 507 or 500, with its text. */
void gh_den_reply_error(struct gh_request *request, const struct gh_err *err);

/* The URI of the cluster that this node is: appended to OUT, which stays empty when it has no address. */
void gh_den_node_uri(struct gh_api *api, struct gh_buf *out);

#endif
