/* SPDX-License-Identifier: Apache-2.0 */
#include "den/tickets.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/alloc.h"

void
gh_den_tickets_init(struct gh_den *den)
{
    if (getrandom(den->ticket_key, sizeof den->ticket_key, 0) != (ssize_t)sizeof den->ticket_key)
        abort(); /* cannot happen for so few bytes once the pool is ready, for which it waits */
}

static void
write_ticket(const struct gh_den *den, struct gh_slice uri, int64_t since_s, int64_t until_s,
             char out[GH_DEN_TICKET_BYTES])
{
    uint8_t hash[GH_TOKEN_RANDOM_BYTES];
    char prefix[44], text[GH_TOKEN_TEXT_BYTES];

    snprintf(prefix, sizeof prefix, "%" PRId64 ".%" PRId64 ".", since_s, until_s);
    char *about GH_SCOPED(gh_free) = gh_asprintf("%s%.*s", prefix, (int)uri.len, uri.bytes);
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, den->ticket_key, sizeof den->ticket_key, about,
                         strlen(about), hash) != 0)
        abort(); /* the library lost its own HMAC */
    gh_tokentext_write("", hash, text);
    snprintf(out, GH_DEN_TICKET_BYTES, "%s%s", prefix, text);
}

void
gh_den_ticket_make(const struct gh_den *den, struct gh_slice uri, int64_t since_s,
                   char out[GH_DEN_TICKET_BYTES])
{
    write_ticket(den, uri, since_s, (int64_t)time(NULL) + GH_DEN_TICKET_GOOD_S, out);
}

bool
gh_den_ticket_is_good(const struct gh_den *den, struct gh_slice ticket, struct gh_slice uri,
                      int64_t *since_s_out)
{
    char given[GH_DEN_TICKET_BYTES] = {0}, right[GH_DEN_TICKET_BYTES] = {0};
    int64_t until_s;

    if (ticket.len >= sizeof given)
        return false;
    memcpy(given, ticket.bytes, ticket.len);
    if (sscanf(given, "%20" SCNd64 ".%20" SCNd64 ".", since_s_out, &until_s) != 2)
        return false;
    write_ticket(den, uri, *since_s_out, until_s, right);
    return gnutls_memcmp(given, right, sizeof given) == 0 && (int64_t)time(NULL) <= until_s;
}
