/* SPDX-License-Identifier: Apache-2.0
 *
 * api/audited.c - the line of the audit log for a request that has been answered. */
#include "api/routes.h"
#include "auth/audit.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/home.h"
#include "conf/settings.h"
#include "wire/request.h"

/* The segment that the route calls NAME ("{key}"), decoded; empty when there is none. */
static struct gh_slice
part(const struct gh_request *request, const char *name, struct gh_buf *scratch)
{
    int segment = gh_route_segment(request->route, name);

    if (segment < 0)
        return (struct gh_slice){"", 0};
    return gh_url_plain(request->url.segments[segment], scratch);
}

int
gh_api_open_audit(struct gh_api *api, struct gh_err *err)
{
    const char *setting = api->settings->audit_log;
    char *path GH_SCOPED(gh_free) = *setting == '~' ? gh_home_path(setting) : gh_strdup(setting);

    return gh_audit_open(api->audit, path, err);
}

void
gh_api_reopen_audit(struct gh_api *api)
{
    struct gh_err err;

    if (gh_api_open_audit(api, &err) != GH_OK)
        gh_log(GH_LOG_ERR, "audit.failed", "reason=%s", gh_log_quote(err.text));
}

void
gh_api_answered(struct gh_api *api, struct gh_request *request, unsigned status)
{
    struct gh_buf key GH_SCOPED(gh_buf_done) = {0};
    struct gh_buf method GH_SCOPED(gh_buf_done) = {0};
    struct gh_http_address address;

    if (request->begun_ns == 0 || !gh_audit_is_on(api->audit))
        return;
    request->sink->addresses(request, &address, NULL);
    const struct gh_audit_entry entry = {
        .request_id = request->id,
        .user = request->user,
        .address = request->is_local ? "local" : address.host,
        .method = request->method_text,
        .route = request->route->path,
        .denied = request->denied,
        .key = part(request, "{key}", &key),
        .key_method = part(request, "{method}", &method),
        .status = status,
        .duration_ms = (double)(uv_hrtime() - request->begun_ns) / 1e6,
    };
    gh_audit_add(api->audit, &entry);
    request->begun_ns = 0;
}
