/* SPDX-License-Identifier: Apache-2.0
 *
 * api/cert_routes.c - GET /cert: the certificate of this node, for clients that are to trust it; and
 * /_gatehouse/v1/certs, on the control socket only: all of them, with what they say.
 * Source: http-api.md section 3. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "api/routes.h"
#include "base/alloc.h"
#include "conf/home.h"
#include "store/cluster.h"
#include "tls/certs.h"
#include "tls/pair.h"
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

/* The name in the Host header, without its port; the certificate for it is the one that was shown. */
static void
read_host(struct gh_request *request, char name_out[GH_CERTS_NAME_BYTES])
{
    const char *host = request->sink->header(request, "Host");
    size_t len = 0;

    if (host && host[0] == '[')
        len = strcspn(++host, "]");
    else if (host)
        len = strcspn(host, ":");
    len = len < GH_CERTS_NAME_BYTES ? len : 0;
    memcpy(name_out, host ? host : "", len);
    name_out[len] = '\0';
}

static void
read_file(struct gh_api *api, struct gh_request *request)
{
    const char *configured =
        json_string_value(json_object_get(api->cluster->config, "ssl_certfile"));
    struct reading *reading = gh_alloc(sizeof *reading);

    reading->path = gh_home_path(configured ? configured : "~/.rh/certs/rh_server.crt");
    reading->work.data = reading;
    gh_request_hold(request, &reading->request);
    uv_queue_work(api->loop, &reading->work, on_work, on_worked);
}

void
gh_route_cert(struct gh_api *api, struct gh_request *request)
{
    struct gh_buf data GH_SCOPED(gh_buf_done) = {0};
    char name[GH_CERTS_NAME_BYTES];

    if (!api->certs) { /* a proxy in front of us may have one */
        read_file(api, request);
        return;
    }
    read_host(request, name);
    struct gh_slice pem = gh_pair_pem(gh_certs_find(api->certs, name, true));
    gh_pickle_add_bytes(&data, pem.bytes, pem.len);
    gh_reply_result(request, (char *)data.bytes, data.len, "pickle");
}

/* ---- all of them ---- */

static json_t *
describe(const char *name, const struct gh_pair *pair)
{
    const struct gh_pair_facts *facts = gh_pair_facts(pair);
    struct gh_slice pem = gh_pair_pem(pair);
    json_t *names = json_array();

    for (size_t i = 0; i < facts->names->count; i++)
        json_array_append_new(names, json_string(facts->names->list[i]));
    return json_pack("{s:s?, s:o, s:s, s:s, s:s, s:I, s:I, s:s, s:b, s:b, s:s%}", "name", name,
                     "names", names, "subject", facts->subject, "issuer", facts->issuer, "key",
                     facts->key, "not_before_s", (json_int_t)facts->not_before, "not_after_s",
                     (json_int_t)facts->not_after, "fingerprint", facts->fingerprint,
                     "is_self_signed", facts->is_self_signed, "is_stapled", facts->is_stapled,
                     "pem", pem.bytes, pem.len);
}

static void
add_pair(void *context, const char *name, const struct gh_pair *pair)
{
    json_array_append_new(context, describe(name, pair));
}

/* With ?name=NAME the one that is shown for NAME. */
void
gh_route_certs(struct gh_api *api, struct gh_request *request)
{
    static const struct gh_field fields[] = {{"name", GH_FIELD_NAME, false}};
    struct gh_value value;
    json_t *list = json_array();

    if (gh_fields_query(request, fields, 1, &value) != 0) {
        json_decref(list);
        return;
    }
    char *name GH_SCOPED(gh_free) =
        gh_strndup(value.is_given ? value.text.bytes : "", value.text.len);
    if (api->certs && value.is_given)
        add_pair(list, NULL, gh_certs_find(api->certs, name, true));
    else if (api->certs)
        gh_certs_each(api->certs, add_pair, list);
    gh_fields_done(&value, 1);
    gh_reply_tree(request, 200, json_pack("{s:o}", "certificates", list));
}
