/* SPDX-License-Identifier: Apache-2.0
 *
 * api/doc_routes.c - what this node serves, described: OpenAPI documents, and pages that show them.
 *
 * A module's document is made by its worker, the node's own is a file. The pages hold no script of
 * their own, so that their policy can forbid all but the few served files. Source: http-api.md
 * section 6; Content Security Policy Level 3. */
#include <stdlib.h>
#include <string.h>

#include "api/assets.h"
#include "api/fields.h"
#include "api/forward.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "store/keys.h"
#include "wire/frame.h"
#include "wire/reply.h"

#define ASSETS "/_gatehouse/assets/"

/* What both viewers can live with. No page may frame them, and a form in them leads nowhere. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "            \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "

struct viewer {
    const char *name;
    const char *library, *start; /* scripts */
    const char *style;           /* sheet, or NULL */
    const char *policy;
};

static const struct viewer swagger = {
    .name = "Swagger UI",
    .library = "swagger-ui-bundle.js",
    .start = "swagger.js",
    .style = "swagger-ui.css",
    .policy = POLICY "style-src 'self'",
};

/* ReDoc fills an empty <style> by script: the first hash is that of nothing; the second is of what its
 * search box brings along. It searches in a worker made of a blob. */
static const struct viewer redoc = {
    .name = "ReDoc",
    .library = "redoc.standalone.js",
    .start = "redoc.js",
    .policy = POLICY "worker-src blob:; style-src 'self' "
                     "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
                     "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
};

/* ---- documents ---- */

/* The decoded key of the path, or answers 404. The caller frees. */
static char *
take_key(struct gh_request *request)
{
    struct gh_buf key = {0};

    gh_url_decode(&key, request->url.segments[0], false); /* escapes were checked before */
    if (!memchr(key.bytes, '/', key.len) && !memchr(key.bytes, '\0', key.len) &&
        key.len <= GH_FIELD_NAME_MAX_BYTES)
        return (char *)(uintptr_t)gh_buf_text(&key);
    gh_buf_done(&key);
    gh_reply_detail(request, 404, "Not Found");
    return NULL;
}

void
gh_route_module_openapi(struct gh_api *api, struct gh_request *request)
{
    char *name GH_SCOPED(gh_free) = take_key(request);

    if (!name)
        return;
    struct gh_key *key = gh_keys_find(api->keys, (struct gh_slice){name, strlen(name)});
    if (!key) {
        gh_reply_detail(request, 404, "Module %s not found.", name);
        return;
    }
    if (key->problem) {
        gh_reply_detail(request, 500, "Module %s could not be built: %s", name, key->problem);
        return;
    }
    struct gh_call_order order = {
        .kind = GH_FRAME_DESCRIBE, .head.key = {name, strlen(name)}, .fd = -1};
    gh_forward_send(gh_forward_new(api, request, GH_SERIALIZATION_NONE), key->process, &order);
}

void
gh_route_node_openapi(struct gh_api *api, struct gh_request *request)
{
    gh_asset_reply(api, request, (struct gh_slice){"openapi.json", sizeof "openapi.json" - 1});
}

void
gh_route_asset(struct gh_api *api, struct gh_request *request)
{
    gh_asset_reply(api, request, request->url.segments[2]);
}

/* ---- pages ---- */

static void
add_html(struct gh_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("&<>\"'", *text))
            gh_buf_addf(out, "&#%d;", *text);
        else
            gh_buf_add_byte(out, (uint8_t)*text);
    }
}

/* TEXT as one segment of a path: whatever it holds, it stays on this node. */
static void
add_segment(struct gh_buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", *text))
            gh_buf_add_byte(out, (uint8_t)*text);
        else
            gh_buf_addf(out, "%%%02X", (unsigned char)*text);
    }
}

static void
add_script(struct gh_buf *out, const char *name)
{
    gh_buf_addf(out, "<script src=\"" ASSETS "%s\"></script>\n", name);
}

/* The page of VIEWER for the document of KEY, or of the node when KEY is NULL. */
static void
add_page(struct gh_buf *out, const struct viewer *viewer, const char *key)
{
    gh_buf_add_text(out,
                    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<title>");
    add_html(out, key ? key : "gatehouse");
    gh_buf_addf(out, " - %s</title>\n<link rel=\"icon\" href=\"data:,\">\n", viewer->name);
    if (viewer->style)
        gh_buf_addf(out, "<link rel=\"stylesheet\" href=\"" ASSETS "%s\">\n", viewer->style);
    gh_buf_add_text(out, "<link rel=\"stylesheet\" href=\"" ASSETS "page.css\">\n</head>\n<body>\n"
                         "<noscript>This page needs JavaScript; the document does not: <a href=\"");
    struct gh_buf url GH_SCOPED(gh_buf_done) = {0};
    if (key) {
        gh_buf_add_byte(&url, '/');
        add_segment(&url, key);
    }
    gh_buf_add_text(&url, "/openapi.json");
    gh_buf_addf(out, "%s\">%s</a></noscript>\n<div id=\"viewer\" data-document=\"%s\"></div>\n",
                gh_buf_text(&url), gh_buf_text(&url), gh_buf_text(&url));
    add_script(out, viewer->library);
    add_script(out, viewer->start);
    gh_buf_add_text(out, "</body>\n</html>\n");
}

static void
reply_page(struct gh_api *api, struct gh_request *request, const struct viewer *viewer,
           const char *key)
{
    const struct gh_header headers[] = {
        {"Cache-Control", "no-cache"},
        {"Content-Security-Policy", viewer->policy},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
        {NULL, NULL},
    };
    struct gh_buf out = {0};
    size_t len;

    if (!gh_asset_is_there(api, viewer->library)) {
        gh_reply_detail(request, 404,
                        "This gatehoused was built without %s; the document itself is at "
                        "openapi.json instead of this path's last part.",
                        viewer->name);
        return;
    }
    add_page(&out, viewer, key);
    uint8_t *body = gh_buf_steal(&out, &len);
    request->headers = headers;
    request->sink->reply(request, 200, "text/html; charset=utf-8", body, len);
    request->headers = NULL;
}

static void
reply_module_page(struct gh_api *api, struct gh_request *request, const struct viewer *viewer)
{
    char *key GH_SCOPED(gh_free) = take_key(request);

    if (key)
        reply_page(api, request, viewer, key);
}

void
gh_route_module_docs(struct gh_api *api, struct gh_request *request)
{
    reply_module_page(api, request, &swagger);
}

void
gh_route_module_redoc(struct gh_api *api, struct gh_request *request)
{
    reply_module_page(api, request, &redoc);
}

void
gh_route_node_docs(struct gh_api *api, struct gh_request *request)
{
    reply_page(api, request, &swagger, NULL);
}

void
gh_route_node_redoc(struct gh_api *api, struct gh_request *request)
{
    reply_page(api, request, &redoc, NULL);
}
