/* SPDX-License-Identifier: Apache-2.0 */
#include "front/handed.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/log.h"
#include "conf/settings.h"
#include "front/activation.h"
#include "front/ports.h"

#define BACKLOG 1024
#define HTTP_PORT 80
#define HTTPS_PORT 443

static bool
has_https_port(const struct gh_activation *activation)
{
    for (size_t i = 0; i < activation->count; i++)
        if (activation->list[i].kind == GH_PORT_HTTPS && activation->list[i].port == HTTPS_PORT)
            return true;
    return false;
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
    struct gh_listener listener = {
        .fd = handed->fd, .kind = handed->kind, .port = handed->port, .is_kept = true};

    gh_log(GH_LOG_INFO, "daemon.handed", "socket=%s", gh_log_quote(handed->where));
    if (handed->kind == GH_PORT_CONTROL)
        return serve_control(handed, ports, err);
    if (handed->kind == GH_PORT_HTTP && handed->port == HTTP_PORT &&
        ports->settings->redirect_http && has_https_port(activation))
        listener.kind = GH_PORT_REDIRECT;
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
gh_handed_open(const struct gh_activation *activation, struct gh_ports *ports, struct gh_err *err)
{
    unsigned port = (unsigned)ports->settings->port;

    int rc = gh_activation_has_clients(activation) ? GH_OK : gh_ports_open(ports, err);
    if (rc == GH_OK)
        rc = serve_all(activation, port, true, ports, err);
    return rc == GH_OK ? serve_all(activation, port, false, ports, err) : rc;
}
