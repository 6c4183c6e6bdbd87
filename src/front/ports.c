/* SPDX-License-Identifier: Apache-2.0 */
#include "front/ports.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "conf/settings.h"
#include "front/server.h"

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

int
gh_ports_open(struct gh_ports *ports, struct gh_err *err)
{
    const struct gh_settings *settings = ports->settings;
    struct gh_listener listener;

    int rc = gh_listen_tcp(settings->host, (unsigned)settings->port, &listener, err);
    return rc == GH_OK ? gh_ports_add(ports, &listener, err) : rc;
}

int
gh_ports_open_control(struct gh_ports *ports, const char *state, struct gh_err *err)
{
    struct gh_listener listener;

    ports->control_path = gh_asprintf("%s/control-%u.sock", state, gh_ports_first(ports));
    int rc = gh_listen_unix(ports->control_path, &listener, err);
    if (rc != GH_OK)
        return rc;
    listener.kind = GH_PORT_CONTROL;
    return gh_server_start(ports->loop, ports->settings, ports->api, &listener, &ports->control,
                           err);
}

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
}

void
gh_ports_done(struct gh_ports *ports)
{
    gh_free(&ports->servers);
    gh_free(&ports->control_path);
}
