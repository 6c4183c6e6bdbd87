/* SPDX-License-Identifier: Apache-2.0
 *
 * den/tickets.h - links that are good without a token, for a short time: the client fetches logs by one.
 *
 * A ticket says until when it is good and holds a keyed hash over that and what it is for, so nothing is
 * kept. The key is a new one whenever the daemon starts. */
#ifndef GH_DEN_TICKETS_H
#define GH_DEN_TICKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "den/den_inner.h"
#include "wire/tokentext.h"

#define GH_DEN_TICKET_GOOD_S 300
#define GH_DEN_TICKET_BYTES (GH_TOKEN_TEXT_BYTES + 44u)

void gh_den_tickets_init(struct gh_den *den);

/* A ticket for what was posted about URI in the last SINCE_S seconds: "SINCE.UNTIL.HASH". */
void gh_den_ticket_make(const struct gh_den *den, struct gh_slice uri, int64_t since_s,
                        char out[GH_DEN_TICKET_BYTES]);

/* Is TICKET one for URI, and still good? Its own SINCE_S is then in *SINCE_S_OUT. */
bool gh_den_ticket_is_good(const struct gh_den *den, struct gh_slice ticket, struct gh_slice uri,
                           int64_t *since_s_out);

#endif
