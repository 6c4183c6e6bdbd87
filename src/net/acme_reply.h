/* SPDX-License-Identifier: Apache-2.0
 *
 * net/acme_reply.h - an answer over HTTP, read as one of a CA: problem documents, limits, what makes no sense.
 * Source: RFC 8555 section 6.7, RFC 7807. */
#ifndef GH_NET_ACME_REPLY_H
#define GH_NET_ACME_REPLY_H

#include "net/acme_client.h"

struct gh_acme_answer {
    struct gh_acme_reply reply;
    struct json_t *json;
    char *location;
    char type[64];
    char problem[1024];
};

/* ANSWER is what FROM says, and must stay where it is; it borrows the body. To be let go of in any case. */
void gh_acme_answer_read(struct gh_acme_answer *answer, const struct gh_net_answer *from);

/* It was not what was expected when DOING something: is unreachable, if nothing worse was known. */
void gh_acme_answer_blame(struct gh_acme_answer *answer, const char *doing);

void gh_acme_answer_done(struct gh_acme_answer *answer);

/* Append what the problem document or error object ERROR says, for people, with those in it. */
void gh_acme_add_problem(const struct json_t *error, struct gh_buf *out);

#endif
