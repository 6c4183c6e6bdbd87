/* SPDX-License-Identifier: Apache-2.0
 *
 * auth/access.h - the decision: may this caller do that? One pure function, any thread; its table
 * is docs/security.md, "Who may". Source: auth.md sections 3 to 5. */
#ifndef GH_AUTH_ACCESS_H
#define GH_AUTH_ACCESS_H

#include <stdbool.h>

#include "wire/call.h"
#include "wire/level.h"

/* What a route asks of its caller. */
enum gh_need {
    GH_NEED_NOTHING,
    GH_NEED_CLUSTER,  /* read or write on the node */
    GH_NEED_WRITE,    /* write on the node */
    GH_NEED_OBJECT,   /* the object that it names */
    GH_NEED_DOCUMENT, /* read on the node, or a token for the very object whose document it is */
    GH_NEED_DEN,      /* a user of the embedded Den: decided by its own tokens (api/den_ask.h) */
    GH_NEED_LOCAL,    /* a program of this node, by the control socket; to others it is not there */
};

enum gh_caller_kind {
    GH_CALLER_NOBODY,   /* came without a token */
    GH_CALLER_STRANGER, /* with one that is not known, or is no longer good */
    GH_CALLER_KNOWN,
};

struct gh_caller {
    enum gh_caller_kind kind;
    enum gh_level level; /* on the node, or on MODULE alone */
    const char *user;    /* "" unless known; this and MODULE borrowed from whoever knew the token */
    const char *module;  /* the one key that the token is for; NULL for the node */
    enum gh_level on_object; /* what Den says of the very object that it is about, besides */
};

/* What the request is about, for GH_NEED_OBJECT and GH_NEED_DOCUMENT. */
struct gh_object {
    struct gh_slice key;
    bool is_unlisted;    /* open to whoever knows its name */
    const char *address; /* "/alice/concat", by which Den knows it; or NULL */
};

enum gh_verdict {
    GH_ALLOWED,
    GH_NO_TOKEN,         /* 401 */
    GH_NOT_FOR_THE_NODE, /* 403 */
    GH_NOT_FOR_THE_KEY,  /* 403 */
};

/* OBJECT may be NULL for the other needs. Callers on the control socket are not asked about: they are
 * the node itself. */
enum gh_verdict gh_access_decide(const struct gh_caller *caller, enum gh_need need,
                                 const struct gh_object *object);

#endif
