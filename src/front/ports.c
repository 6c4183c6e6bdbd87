/* SPDX-License-Identifier: Apache-2.0 */
#include "front/ports.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/address.h"
#include "conf/listen.h"
#include "conf/settings.h"
#include "front/server.h"
#include "tls/tls.h"

#define HTTPS_PORT 443u

void
gh_ports_init(struct gh_ports *ports, uv_loop_t *loop, const struct gh_settings *settings,
              struct gh_api *api)
{
    *ports = (struct gh_ports){.loop = loop, .settings = settings, .api = api};
}

int
gh_ports_add(struct gh_ports *ports, struct gh_listener *listener, struct gh_err *err)
{
    struct gh_server *server;

    int rc = gh_server_start(ports->loop, ports->settings, ports->api, listener, &server, err);
    if (rc != GH_OK)
        return rc;
    ports->servers = gh_realloc(ports->servers, (ports->count + 1) * sizeof(struct gh_server *));
    ports->servers[ports->count++] = server;
    return GH_OK;
}

/* ---- what the settings name ---- */

static enum gh_port_kind
kind_of(enum gh_listen_kind kind)
{
    return kind == GH_LISTEN_HTTPS      ? GH_PORT_HTTPS
           : kind == GH_LISTEN_REDIRECT ? GH_PORT_REDIRECT
                                        : GH_PORT_HTTP;
}

/* Is whoever reaches WANTED served? */
static bool
is_open(const struct gh_settings *settings, const struct gh_listen *wanted)
{
    bool asks_who = wanted->kind == GH_LISTEN_HTTPS && settings->client_ca[0];

    return !wanted->is_unix && wanted->kind != GH_LISTEN_REDIRECT && !asks_who &&
           !gh_address_is_loopback(wanted->host);
}

/* What host and port say. */
static struct gh_listen
main_address(const struct gh_settings *settings)
{
    struct gh_listen wanted = {.kind = settings->use_https ? GH_LISTEN_HTTPS : GH_LISTEN_HTTP,
                               .port = (unsigned)settings->port};

    snprintf(wanted.host, sizeof wanted.host, "%s", settings->host);
    return wanted;
}

const char *
gh_ports_open_address(struct gh_ports *ports)
{
    const struct gh_settings *settings = ports->settings;
    struct gh_listen wanted = main_address(settings);
    const char *rest = settings->listen;

    while (!is_open(settings, &wanted)) /* what is no address is told when it is listened on */
        if (!*rest || gh_listen_next(&rest, &wanted, NULL) != GH_OK)
            return NULL;
    free(ports->open_address);
    ports->open_address = gh_strdup(wanted.host);
    return ports->open_address;
}

static int
open_one(struct gh_ports *ports, const struct gh_listen *wanted, struct gh_err *err)
{
    struct gh_listener listener;

    int rc = wanted->is_unix ? gh_listen_unix(wanted->host, &listener, err)
                             : gh_listen_tcp(wanted->host, wanted->port, &listener, err);
    if (rc != GH_OK)
        return rc;
    listener.kind = kind_of(wanted->kind);
    return gh_ports_add(ports, &listener, err);
}

/* The port that speaks HTTPS, the first of them; 0 without one. */
static unsigned
https_port(const struct gh_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        if (gh_server_wants_tls(ports->servers[i]))
            return gh_server_port(ports->servers[i]);
    return 0;
}

static bool
has_port(const struct gh_ports *ports, unsigned port)
{
    for (size_t i = 0; i < ports->count; i++)
        if (gh_server_port(ports->servers[i]) == port)
            return true;
    return false;
}

/* People type names without https://. Nobody depends on it, so it may fail. */
static void
open_redirect(struct gh_ports *ports)
{
    struct gh_listen wanted = {.kind = GH_LISTEN_REDIRECT,
                               .port = (unsigned)ports->settings->redirect_http};
    struct gh_err err;

    if (!wanted.port || https_port(ports) != HTTPS_PORT || has_port(ports, wanted.port))
        return;
    snprintf(wanted.host, sizeof wanted.host, "%s", ports->settings->host);
    if (open_one(ports, &wanted, &err) != GH_OK)
        gh_log(GH_LOG_WARN, "redirect.not_listening", "reason=%s", gh_log_quote(err.text));
}

static int
open_more(struct gh_ports *ports, struct gh_err *err)
{
    const char *rest = ports->settings->listen;
    int rc = GH_OK;

    while (rc == GH_OK && *rest) {
        struct gh_listen wanted;
        rc = gh_listen_next(&rest, &wanted, err);
        if (rc != GH_OK)
            errno = EINVAL;
        else
            rc = open_one(ports, &wanted, err);
    }
    return rc;
}

int
gh_ports_open(struct gh_ports *ports, struct gh_err *err)
{
    struct gh_listen wanted = main_address(ports->settings);

    int rc = open_one(ports, &wanted, err);
    if (rc == GH_OK)
        rc = open_more(ports, err);
    if (rc == GH_OK)
        open_redirect(ports);
    return rc;
}

/* ---- TLS ---- */

int
gh_ports_start_tls(struct gh_ports *ports, const char *state, struct gh_err *err)
{
    unsigned port = https_port(ports);

    if (!port) /* there is nowhere to send clients on to, either */
        return GH_OK;
    ports->tls = gh_tls_new(ports->loop, ports->settings, state);
    for (size_t i = 0; i < ports->count; i++) {
        gh_server_set_tls(ports->servers[i], ports->tls);
        gh_server_set_redirect(ports->servers[i], port);
    }
    return gh_tls_start(ports->tls, err);
}

struct gh_certs *
gh_ports_certs(const struct gh_ports *ports)
{
    return ports->tls ? gh_tls_certs(ports->tls) : NULL;
}

void
gh_ports_reload(struct gh_ports *ports)
{
    if (ports->tls)
        gh_tls_reload(ports->tls);
}

/* ---- the control socket ---- */

int
gh_ports_serve_control(struct gh_ports *ports, struct gh_listener *listener, struct gh_err *err)
{
    ports->control_path = gh_strdup(listener->path);
    listener->kind = GH_PORT_CONTROL;
    return gh_server_start(ports->loop, ports->settings, ports->api, listener, &ports->control,
                           err);
}

int
gh_ports_open_control(struct gh_ports *ports, const char *state, struct gh_err *err)
{
    struct gh_listener listener;

    if (ports->control)
        return GH_OK;
    char *path GH_SCOPED(gh_free) = gh_asprintf("%s/control-%u.sock", state, gh_ports_first(ports));
    int rc = gh_listen_unix(path, &listener, err);
    return rc == GH_OK ? gh_ports_serve_control(ports, &listener, err) : rc;
}

/* ---- all of them ---- */

unsigned
gh_ports_first(const struct gh_ports *ports)
{
    return ports->count > 0 ? gh_server_port(ports->servers[0]) : 0;
}

unsigned
gh_ports_requests(const struct gh_ports *ports)
{
    unsigned requests = ports->control ? gh_server_requests(ports->control) : 0;

    for (size_t i = 0; i < ports->count; i++)
        requests += gh_server_requests(ports->servers[i]);
    return requests;
}

void
gh_ports_run(struct gh_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        gh_server_run(ports->servers[i]);
    if (ports->control)
        gh_server_run(ports->control);
}

void
gh_ports_drain(struct gh_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        gh_server_drain(ports->servers[i]);
}

void
gh_ports_stop(struct gh_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++)
        gh_server_stop(&ports->servers[i]);
    ports->count = 0;
    gh_server_stop(&ports->control);
    gh_tls_stop(&ports->tls);
}

void
gh_ports_done(struct gh_ports *ports)
{
    gh_free(&ports->servers);
    gh_free(&ports->control_path);
    gh_free(&ports->open_address);
}
