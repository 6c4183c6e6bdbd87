/* SPDX-License-Identifier: Apache-2.0 */
#include "front/manager.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/faults.h"
#include "conf/settings.h"
#include "front/ports.h"

#define BACKLOG 1024
#define HTTPS_PORT 443

int
gh_manager_take(struct gh_manager *manager, uint64_t ready_fd, struct gh_err *err)
{
    if (gh_notify_take(&manager->notify, err) != GH_OK)
        gh_log(GH_LOG_WARN, "service.not_told", "reason=%s", gh_log_quote(err->text));
    if (!gh_unit_of(getpid(), &manager->unit))
        gh_unit_done(&manager->unit);
    int rc = gh_activation_take(&manager->handed, err);
    if (rc == GH_OK && gh_activation_find(&manager->handed, (int)ready_fd))
        rc = gh_err_set(err, GH_E_INPUT,
                        "ready_fd is %u, which is a socket that the service manager handed over",
                        (unsigned)ready_fd);
    return rc;
}

void
gh_manager_done(struct gh_manager *manager)
{
    gh_unit_done(&manager->unit);
}

void
gh_manager_ready(const struct gh_manager *manager, const struct gh_ports *ports,
                 const struct gh_faults *faults)
{
    unsigned port = gh_ports_first(ports);

    if (faults->texts.count > 0)
        gh_notify_ready(&manager->notify,
                        "Serves port %u; the new configuration is refused, the old one holds: %s",
                        port, faults->texts.list[0]);
    else
        gh_notify_ready(&manager->notify, "Serves port %u", port);
}

/* ---- sockets ---- */

static bool
has_https_port(const struct gh_activation *activation)
{
    for (size_t i = 0; i < activation->count; i++)
        if (activation->list[i].kind == GH_PORT_HTTPS && activation->list[i].port == HTTPS_PORT)
            return true;
    return false;
}

/* What is spoken at HANDED: a unit can call a socket of port 80 "http" only, and does not know of 443. */
static enum gh_port_kind
kind_of(const struct gh_activation *activation, const struct gh_handed *handed,
        const struct gh_settings *settings)
{
    bool is_redirect = handed->kind == GH_PORT_HTTP && handed->port == settings->redirect_http &&
                       has_https_port(activation);

    return is_redirect ? GH_PORT_REDIRECT : handed->kind;
}

/* Is whoever reaches HANDED served? */
static bool
is_open(const struct gh_activation *activation, const struct gh_handed *handed,
        const struct gh_settings *settings)
{
    enum gh_port_kind kind = kind_of(activation, handed, settings);
    bool asks_who = kind == GH_PORT_HTTPS && settings->client_ca[0];

    return !handed->is_loopback && kind != GH_PORT_REDIRECT && !asks_who;
}

const char *
gh_manager_open_address(const struct gh_manager *manager, struct gh_ports *ports)
{
    const struct gh_activation *handed = &manager->handed;

    if (!gh_activation_has_clients(handed))
        return gh_ports_open_address(ports);
    for (size_t i = 0; i < handed->count; i++)
        if (is_open(handed, &handed->list[i], ports->settings))
            return handed->list[i].where;
    return NULL;
}

static int
serve_control(const struct gh_handed *handed, struct gh_ports *ports, struct gh_err *err)
{
    struct gh_listener listener = {
        .fd = handed->fd, .path = gh_strdup(handed->where), .is_kept = true};

    /* Again, so that the kernel tells those who connect our pid, not the manager's (SO_PEERCRED). */
    if (listen(handed->fd, BACKLOG) != 0)
        gh_log(GH_LOG_WARN, "daemon.handed", "reason=%s", gh_log_quote(strerror(errno)));
    return gh_ports_serve_control(ports, &listener, err);
}

static int
serve(const struct gh_activation *activation, const struct gh_handed *handed,
      struct gh_ports *ports, struct gh_err *err)
{
    struct gh_listener listener = {.fd = handed->fd,
                                   .kind = kind_of(activation, handed, ports->settings),
                                   .port = handed->port,
                                   .is_kept = true};

    gh_log(GH_LOG_INFO, "daemon.handed", "socket=%s", gh_log_quote(handed->where));
    if (handed->kind == GH_PORT_CONTROL)
        return serve_control(handed, ports, err);
    return gh_ports_add(ports, &listener, err);
}

/* Those on PORT, or those on others. */
static int
serve_all(const struct gh_activation *activation, unsigned port, bool is_on_port,
          struct gh_ports *ports, struct gh_err *err)
{
    int rc = GH_OK;

    for (size_t i = 0; rc == GH_OK && i < activation->count; i++)
        if ((activation->list[i].port == port) == is_on_port)
            rc = serve(activation, &activation->list[i], ports, err);
    return rc;
}

/* Sockets of several units come in any order, but the first port names the control socket: that of the settings
 * if it is among them. */
int
gh_manager_open(const struct gh_manager *manager, struct gh_ports *ports, struct gh_err *err)
{
    const struct gh_activation *handed = &manager->handed;
    unsigned port = (unsigned)ports->settings->port;

    int rc = gh_activation_has_clients(handed) ? GH_OK : gh_ports_open(ports, err);
    if (rc == GH_OK)
        rc = serve_all(handed, port, true, ports, err);
    return rc == GH_OK ? serve_all(handed, port, false, ports, err) : rc;
}
