/* SPDX-License-Identifier: Apache-2.0 */
#include "api/assets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "wire/reply.h"

#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"

static const struct asset {
    const char *name;
    const char *content_type;
} assets[] = {
    {"openapi.json", GH_JSON},
    {"page.css", STYLE},
    {"redoc.js", SCRIPT},
    {"redoc.standalone.js", SCRIPT},
    {"swagger-ui-bundle.js", SCRIPT},
    {"swagger-ui.css", STYLE},
    {"swagger.js", SCRIPT},
};

static const struct asset *
find(struct gh_slice name)
{
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++)
        if (gh_slice_is(name, assets[i].name))
            return &assets[i];
    return NULL;
}

/* The regular file ASSET, open for reading, or -1. */
static int
open_asset(const struct gh_api *api, const struct asset *asset, struct stat *info_out)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", api->asset_dir, asset->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0 && (fstat(fd, info_out) != 0 || !S_ISREG(info_out->st_mode))) {
        close(fd);
        return -1;
    }
    return fd;
}

bool
gh_asset_is_there(const struct gh_api *api, const char *name)
{
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/%s", api->asset_dir, name);
    return access(path, R_OK) == 0;
}

/* Is ETAG among the tags of If-None-Match? Source: RFC 9110 sections 13.1.2 and 8.8.3.2. */
static bool
client_has(struct gh_request *request, const char *etag)
{
    const char *tags = request->sink->header(request, "If-None-Match");

    return tags && (strcmp(tags, "*") == 0 || strstr(tags, etag));
}

void
gh_asset_reply(struct gh_api *api, struct gh_request *request, struct gh_slice name)
{
    const struct asset *asset = find(name);
    struct stat info;
    char etag[48];
    int fd = asset ? open_asset(api, asset, &info) : -1;

    if (fd < 0) {
        gh_reply_detail(request, 404, "Not Found");
        return;
    }
    snprintf(etag, sizeof etag, "\"%llx-%llx.%lx\"", (unsigned long long)info.st_size,
             (unsigned long long)info.st_mtim.tv_sec, (unsigned long)info.st_mtim.tv_nsec);
    const struct gh_header headers[] = {
        {"Cache-Control", "no-cache"},
        {"ETag", etag},
        {"X-Content-Type-Options", "nosniff"},
        {NULL, NULL},
    };
    request->headers = headers;
    if (client_has(request, etag)) {
        close(fd);
        request->sink->reply(request, 304, asset->content_type, NULL, 0);
    } else {
        request->sink->reply_fd(request, 200, asset->content_type, fd, (size_t)info.st_size);
    }
    request->headers = NULL;
}
