/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/request.h"

static void
forget(struct gh_request *request, void *slot)
{
    struct gh_request **request_of = slot;

    (void)request;
    *request_of = NULL;
}

void
gh_request_hold(struct gh_request *request, struct gh_request **slot)
{
    *slot = request;
    request->on_gone = forget;
    request->on_gone_context = slot;
}

void
gh_request_release(struct gh_request *request)
{
    request->on_gone = NULL;
    request->on_gone_context = NULL;
}
