/* SPDX-License-Identifier: Apache-2.0
 *
 * api/acme_routes.c - GET /.well-known/acme-challenge/{token}: by which a CA sees that a host name is this
 * node's. Source: RFC 8555 section 8.3. */
#include <string.h>

#include "api/routes.h"
#include "base/alloc.h"
#include "net/acme.h"
#include "wire/reply.h"

void
gh_route_acme_challenge(struct gh_api *api, struct gh_request *request)
{
    struct gh_slice token = request->url.segments[gh_route_segment(request->route, "{token}")];
    const char *answer = gh_acme_challenge_answer(api->acme, token);

    if (!answer) {
        gh_reply_detail(request, 404, "No certificate is being ordered with this token.");
        return;
    }
    request->sink->reply(request, 200, "application/octet-stream", (uint8_t *)gh_strdup(answer),
                         strlen(answer));
}
