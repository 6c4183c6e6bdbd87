/* SPDX-License-Identifier: Apache-2.0 */
#include "api/heartbeat.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "api/routes.h"
#include "base/alloc.h"
#include "base/log.h"
#include "conf/faults.h"
#include "conf/identity.h"
#include "conf/settings.h"
#include "den/posts.h"
#include "den/resources.h"
#include "den/uri.h"
#include "net/http.h"
#include "node/census.h"
#include "node/node.h"
#include "store/cluster.h"

#define INTERVAL_S 60     /* unless the cluster config has another */
#define AFTER_ERROR_S 300 /* as upstream */
#define RUNNING "running"
#define ANSWER_MAX_BYTES (64u << 10)

/* One status on its way. */
struct post {
    struct post *prev, *next;
    struct gh_heartbeat *heartbeat;
    struct gh_net_request *request;
    gh_heartbeat_done *done;
    void *context;
};

struct gh_heartbeat {
    struct gh_api *api;
    struct gh_net *net;
    uv_timer_t timer;
    struct gh_census_waiter census; /* for a beat; on_taken always comes */
    bool is_beating;                /* from the timer to Den's answer */
    bool is_taking, is_stopped, is_closed;
    unsigned last_code; /* of the last beat; said when it changes */
    bool has_beaten;
    struct post *posts;
};

/* ---- one post ---- */

static json_t *
body_of(const json_t *status)
{
    json_t *info = json_copy((json_t *)(uintptr_t)status);
    json_t *processes = json_incref(json_object_get(info, "processes"));

    json_object_del(info, "processes");
    return json_pack("{s:s, s:s, s:o, s:o}", "daemon_status", RUNNING, "resource_type", "cluster",
                     "resource_info", info, "processes", processes);
}

static void
on_answer(void *context, const struct gh_net_answer *answer)
{
    struct post *post = context;

    DL_DELETE(post->heartbeat->posts, post);
    post->done(post->context, answer->status);
    free(post);
}

/* By which its Den knows this node; appended to OUT. False: by none. */
static bool
add_uri(const struct gh_api *api, struct gh_buf *out)
{
    const char *address = gh_cluster_address(api->cluster);
    struct gh_slice text = {address, address ? strlen(address) : 0};

    return address && (api->den ? gh_den_uri_of(text, out) : gh_den_uri_of_any(text, out));
}

static void
send_to(struct gh_heartbeat *heartbeat, const char *token, const json_t *status,
        gh_heartbeat_done *done, void *context)
{
    struct gh_buf uri GH_SCOPED(gh_buf_done) = {0};
    const struct gh_settings *settings = heartbeat->api->settings;

    add_uri(heartbeat->api, &uri); /* it can: has_den */
    char *url GH_SCOPED(gh_free) =
        gh_den_url(settings->api_server_url, "resource/", gh_buf_text(&uri), "/cluster/status");
    json_t *body = body_of(status);
    char *text GH_SCOPED(gh_free) = json_dumps(body, JSON_COMPACT);
    const struct gh_net_order order = {
        .method = "POST",
        .url = url,
        .bearer = token,
        .body = {text, strlen(text)},
        .timeout_ms = (unsigned)settings->den_timeout_ms,
        .answer_max_bytes = ANSWER_MAX_BYTES,
        .ca_file = settings->den_ca[0] ? settings->den_ca : NULL,
    };

    json_decref(body);
    struct post *post = gh_alloc(sizeof *post);
    *post = (struct post){.heartbeat = heartbeat, .done = done, .context = context};
    DL_APPEND(heartbeat->posts, post);
    post->request = gh_net_ask(heartbeat->net, &order, on_answer, post);
}

/* Is there a Den that knows this node by name? Whether we have a token to show it is another question. */
static bool
has_den(const struct gh_api *api)
{
    struct gh_buf uri GH_SCOPED(gh_buf_done) = {0};
    return (api->den || api->settings->api_server_url[0]) && add_uri(api, &uri);
}

/* Into the Den of this very daemon. Returns what it would answer. */
static unsigned
keep(struct gh_api *api, const json_t *status)
{
    struct gh_buf uri GH_SCOPED(gh_buf_done) = {0};
    struct gh_err err;

    add_uri(api, &uri);
    const struct gh_den_resource *resource =
        gh_den_resource_find(api->den, (struct gh_slice){(char *)uri.bytes, uri.len});
    if (!resource)
        return 404;
    json_t *body = body_of(status);
    char *text GH_SCOPED(gh_free) = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    struct gh_slice all = {text, strlen(text)}, state = {RUNNING, strlen(RUNNING)};
    if (gh_den_status_post(api->den, resource, all, state, &err) == GH_OK)
        return 200;
    gh_log(GH_LOG_ERR, "heartbeat.not_kept", "reason=%s", gh_log_quote(err.text));
    return 500;
}

void
gh_heartbeat_post(struct gh_heartbeat *heartbeat, const json_t *status, gh_heartbeat_done *done,
                  void *context)
{
    struct gh_identity identity GH_SCOPED(gh_identity_done) = {0};
    struct gh_faults faults GH_SCOPED(gh_faults_done) = {0};

    if (heartbeat->is_stopped || !has_den(heartbeat->api))
        done(context, 0);
    else if (heartbeat->api->den)
        done(context, keep(heartbeat->api, status));
    else if (gh_identity_load(&identity, &faults) != GH_OK || !identity.token)
        done(context, 0);
    else
        send_to(heartbeat, identity.token, status, done, context);
}

/* ---- the beats ---- */

static void on_beat(uv_timer_t *timer);

/* Of the cluster config; 0: none now. */
static uint64_t
interval_s(const struct gh_heartbeat *heartbeat)
{
    const json_t *value = json_object_get(heartbeat->api->cluster->config, "status_check_interval");

    if (!json_is_integer(value))
        return INTERVAL_S;
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static void
beat_in(struct gh_heartbeat *heartbeat, uint64_t seconds)
{
    if (!heartbeat->is_stopped)
        uv_timer_start(&heartbeat->timer, on_beat, 1000 * seconds, 0);
}

static void
on_beat_done(void *context, unsigned code)
{
    struct gh_heartbeat *heartbeat = context;
    bool is_news = !heartbeat->has_beaten || code != heartbeat->last_code;

    heartbeat->is_beating = false;
    if (heartbeat->is_stopped)
        return;
    if (is_news && code == 404)
        gh_log(GH_LOG_INFO, "heartbeat.not_saved", "name=%s note=%s",
               gh_log_quote(gh_cluster_address(heartbeat->api->cluster)),
               "\"Den does not know this node until somebody saves it\"");
    else if (is_news && code != 0 && code != 200)
        gh_log(GH_LOG_WARN, "heartbeat.refused", "status=%u", code);
    heartbeat->has_beaten = true;
    heartbeat->last_code = code;
    uint64_t seconds = interval_s(heartbeat);
    beat_in(heartbeat, code == 200 || code == 404 || code == 0 ? (seconds ? seconds : INTERVAL_S)
                                                               : AFTER_ERROR_S);
}

static void
heartbeat_free(struct gh_heartbeat *heartbeat)
{
    if (heartbeat->is_closed && !heartbeat->is_taking)
        free(heartbeat);
}

static void
on_taken(void *context)
{
    struct gh_heartbeat *heartbeat = context;

    heartbeat->is_taking = false;
    if (heartbeat->is_stopped) {
        heartbeat_free(heartbeat);
        return;
    }
    json_t *status = gh_api_status_json(heartbeat->api);
    gh_heartbeat_post(heartbeat, status, on_beat_done, heartbeat);
    json_decref(status);
}

/* The status costs a look at all processes: only where somebody is to be told. */
static void
on_beat(uv_timer_t *timer)
{
    struct gh_heartbeat *heartbeat = timer->data;

    if (heartbeat->is_beating)
        return; /* its end sets the time of the next one */
    if (interval_s(heartbeat) == 0 || !has_den(heartbeat->api)) {
        beat_in(heartbeat, INTERVAL_S);
        return;
    }
    heartbeat->is_beating = heartbeat->is_taking = true;
    heartbeat->census.on_taken = on_taken;
    heartbeat->census.context = heartbeat;
    gh_census_take(heartbeat->api->node->census, &heartbeat->census);
}

/* ---- start and stop ---- */

struct gh_heartbeat *
gh_heartbeat_new(struct gh_api *api, struct gh_net *net)
{
    struct gh_heartbeat *heartbeat = gh_alloc(sizeof *heartbeat);

    heartbeat->api = api;
    heartbeat->net = net;
    uv_timer_init(api->loop, &heartbeat->timer);
    uv_unref((uv_handle_t *)&heartbeat->timer);
    heartbeat->timer.data = heartbeat;
    return heartbeat;
}

void
gh_heartbeat_start(struct gh_heartbeat *heartbeat)
{
    beat_in(heartbeat, 0);
}

static void
on_closed(uv_handle_t *handle)
{
    struct gh_heartbeat *heartbeat = handle->data;

    heartbeat->is_closed = true;
    heartbeat_free(heartbeat);
}

void
gh_heartbeat_stop(struct gh_heartbeat **heartbeat_of)
{
    struct gh_heartbeat *heartbeat = gh_take(*heartbeat_of);
    struct post *post, *next;

    if (!heartbeat)
        return;
    heartbeat->is_stopped = true;
    DL_FOREACH_SAFE(heartbeat->posts, post, next)
    {
        gh_net_cancel(post->request);
        DL_DELETE(heartbeat->posts, post);
        post->done(post->context, 0);
        free(post);
    }
    uv_close((uv_handle_t *)&heartbeat->timer, on_closed);
}
