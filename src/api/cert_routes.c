/* SPDX-License-Identifier: Apache-2.0
 *
 * api/cert_routes.c - GET /cert: the certificate of this node, for clients that are to trust it.
 * Source: http-api.md section 3. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/alloc.h"
#include "conf/home.h"
#include "store/cluster.h"
#include "wire/pickle.h"
#include "wire/reply.h"

#define CERT_MAX_BYTES (1u << 20) /* chains have a few KiB */

struct reading {
    uv_work_t work;
    struct gh_request *request; /* NULL once the client has left */
    char *path;
    struct gh_buf content;
    int problem; /* an errno, or 0 */
};

/* In the thread pool. */
static void
on_work(uv_work_t *work)
{
    struct reading *reading = work->data;
    FILE *file = fopen(reading->path, "rbe");

    if (!file) {
        reading->problem = errno;
        return;
    }
    reading->content.len =
        fread(gh_buf_reserve(&reading->content, CERT_MAX_BYTES + 1), 1, CERT_MAX_BYTES + 1, file);
    if (ferror(file))
        reading->problem = errno ? errno : EIO;
    else if (reading->content.len > CERT_MAX_BYTES)
        reading->problem = EFBIG;
    fclose(file);
}

static void
on_worked(uv_work_t *work, int status)
{
    struct reading *reading = work->data;
    struct gh_request *request = reading->request;
    struct gh_buf data GH_SCOPED(gh_buf_done) = {0};

    (void)status; /* nobody cancels it */
    if (request)
        gh_request_release(request);
    if (request && reading->problem == ENOENT) {
        gh_reply_exception(request, GH_PY_FILE_NOT_FOUND_ERROR,
                           "No certificate found on cluster in path: %s", reading->path);
    } else if (request && reading->problem) {
        gh_reply_exception(request, GH_PY_OS_ERROR, "The certificate %s cannot be read: %s",
                           reading->path, strerror(reading->problem));
    } else if (request) {
        gh_pickle_add_bytes(&data, reading->content.bytes, reading->content.len);
        gh_reply_result(request, (char *)data.bytes, data.len, "pickle");
    }
    gh_buf_done(&reading->content);
    free(reading->path);
    free(reading);
}

void
gh_route_cert(struct gh_api *api, struct gh_request *request)
{
    const char *configured =
        json_string_value(json_object_get(api->cluster->config, "ssl_certfile"));
    struct reading *reading = gh_alloc(sizeof *reading);

    reading->path = gh_home_path(configured ? configured : "~/.rh/certs/rh_server.crt");
    reading->work.data = reading;
    gh_request_hold(request, &reading->request);
    uv_queue_work(api->loop, &reading->work, on_work, on_worked);
}
